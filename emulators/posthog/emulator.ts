/**
 * PostHog's Tasks API over plain HTTP, as strict as the real one, with a scripted agent behind it. Tests, chaos runs
 * and the demo all use this one.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Behaviour, Matcher } from './behaviour.ts'
import type { ArmedFault, FaultRule } from './fault.ts'
import { type PostHogOptions, type Switches, settle } from './options.ts'
import { controlOf, type RunControl } from './run-control.ts'
import { Server } from './server.ts'
import { type Call, type LedgerEntry, World } from './world.ts'

export interface PostHogEmulator {
  /** `http://127.0.0.1:<port>`, what goes into `POSTHOG_HOST`. */
  readonly url: string
  readonly port: number
  readonly projectId: number
  /** The first known key. */
  readonly apiKey: string
  /** Everything accepted that had an effect, in order. */
  readonly ledger: readonly LedgerEntry[]
  /** Every call of the API, answered or not, in order of arrival. */
  readonly calls: readonly Call[]
  script(matcher: Matcher, behaviour: Behaviour, options?: { times?: number }): void
  clearScripts(): void
  fault(rule: FaultRule): ArmedFault
  clearFaults(): void
  /** Changes how the server behaves from now on. */
  set(switches: Partial<Switches>): void
  run(id: string): RunControl
  /** Of all runs, oldest first. */
  runs(): RunControl[]
  /** Tears every open connection, streams included; the server goes on. */
  dropConnections(): void
  close(): Promise<void>
}

export async function startPostHog(options: PostHogOptions = {}): Promise<PostHogEmulator> {
  const settings = settle(options)
  const world = new World(settings)
  const http = createServer(new Server(world).listen)
  const sockets = new Set<Socket>()
  http.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(options.port ?? 0, host, resolve)
  })
  const { port } = http.address() as AddressInfo
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    port,
    projectId: settings.projectId,
    apiKey: settings.apiKeys[0]?.key ?? '',
    ledger: world.ledger,
    calls: world.calls,
    script: (matcher, behaviour, given = {}) => world.scripts.add(matcher, behaviour, given.times),
    clearScripts: () => world.scripts.clear(),
    fault: rule => world.faults.arm(rule),
    clearFaults: () => world.faults.clear(),
    set: switches => {
      Object.assign(settings, switches)
    },
    run: id => {
      const run = world.runs.find(one => one.id === id)
      if (!run) throw new Error(`No run ${id} in the PostHog emulator`)
      return controlOf(run, world)
    },
    runs: () => world.runs.map(run => controlOf(run, world)),
    dropConnections,
    close: () =>
      new Promise(resolve => {
        world.close()
        http.close(() => resolve())
        dropConnections()
      }),
  }
}
