/**
 * PostHog's Tasks API over plain HTTP, as strict as the real one, with a scripted agent behind it. Tests, chaos runs
 * and the demo all use this one.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Behaviour, Matcher } from './behaviour.ts'
import type { MakeDriver } from './driver.ts'
import type { FaultRule } from './fault.ts'
import { type PostHogOptions, type Switches, settle } from './options.ts'
import { controlOf } from './run-control.ts'
import { Server } from './server.ts'
import { type Call, type LedgerEntry, World } from './world.ts'

export type PostHogEmulator = Awaited<ReturnType<typeof startPostHog>>

export async function startPostHog(options: PostHogOptions = {}, drives?: MakeDriver) {
  const settings = settle(options)
  const world = new World(settings, drives)
  const http = createServer(new Server(world).listen)
  const sockets = new Set<Socket>()
  http.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = http.address() as AddressInfo
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    /** What goes into `POSTHOG_HOST`. */
    url: `http://127.0.0.1:${port}`,
    port,
    projectId: settings.projectId,
    /** The first known key. */
    apiKey: settings.apiKeys[0]?.key ?? '',
    /** Everything accepted that had an effect, in order. */
    ledger: world.ledger as readonly LedgerEntry[],
    /** Every call of the API, answered or not, in order of arrival. */
    calls: world.calls as readonly Call[],
    script: (matcher: Matcher, behaviour: Behaviour, given: { times?: number } = {}) =>
      world.scripts.add(matcher, behaviour, given.times),
    clearScripts: () => world.scripts.clear(),
    fault: (rule: FaultRule) => world.faults.arm(rule),
    clearFaults: () => world.faults.clear(),
    /** Changes how the server behaves from now on. */
    set: (switches: Partial<Switches>) => {
      Object.assign(settings, switches)
    },
    run: (id: string) => {
      const run = world.runs.find(one => one.id === id)
      if (!run) throw new Error(`No run ${id} in the PostHog emulator`)
      return controlOf(run, world)
    },
    /** Of all runs, oldest first. */
    runs: () => world.runs.map(run => controlOf(run, world)),
    /** Tears every open connection, streams included; the server goes on. */
    dropConnections,
    close: () =>
      new Promise<void>(resolve => {
        world.close()
        http.close(() => resolve())
        dropConnections()
      }),
  }
}
