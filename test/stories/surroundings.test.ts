/** What a process meets where it runs: a log that nobody reads any more, a proxy, IPv6. */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { spawnBot } from '../world/bot.ts'
import { asks } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

let undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.reverse()) await each()
  undo = []
})

async function world(options: Parameters<typeof startWorld>[0] = {}): Promise<World> {
  const started = await startWorld(options)
  undo.push(() => started.close())
  return started
}

async function isAnswered(of: World): Promise<void> {
  await (await asks(of, 'work')).thread.waitForStatus('Codex')
}

it('a reader of the log that goes away takes nothing with it', async () => {
  const of = await world()
  of.bot.hangsUp()
  const { thread } = await asks(of, 'help')
  await of.github.waitFor(async () => (await thread.view()).comments.length === 2)
  expect((await fetch(`${of.bot.url}/readyz`)).ok).toBe(true)
})

/** A proxy that only knows CONNECT. */
async function startProxy(): Promise<{ url: string; went: string[] }> {
  const went: string[] = []
  const sockets = new Set<Socket>()
  const proxy: Server = createServer((_, res) => res.writeHead(405).end())
  proxy.on('connect', ({ url = '' }: { url?: string }, socket: Socket) => {
    went.push(url)
    const { hostname, port } = new URL(`http://${url}`)
    const onward = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    for (const each of [socket, onward]) sockets.add(each.on('error', () => {}))
  })
  await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done))
  undo.push(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, went }
}

describe('a proxy', () => {
  it('that the environment names is gone through, to GitHub and to PostHog', async () => {
    const { url, went } = await startProxy()
    const of = await world({ env: { HTTP_PROXY: url } })
    await isAnswered(of)
    const { github, posthog } = of
    await github.waitFor(() => went.includes(new URL(posthog.url).host))
    expect(went).toContain(new URL(github.url).host)
  })

  it('is not, to where NO_PROXY says', async () => {
    const { url, went } = await startProxy()
    await isAnswered(await world({ env: { http_proxy: url, NO_PROXY: '127.0.0.1,localhost' } }))
    expect(went).toEqual([])
  })

  it('whose address is none is said at the start', async () => {
    const bot = spawnBot({ HTTPS_PROXY: 'not an address' }, await freePort())
    expect(await bot.exited).toBe(1)
    expect(bot.output()).toMatch(/^- HTTP_PROXY or HTTPS_PROXY is not an address/m)
  })
})

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some(each => each?.address === '::1')

it.skipIf(!hasIPv6)('HOST may be an address of IPv6', async () => {
  const of = await world({ roles: [] })
  const bot = spawnBot({ ...of.env, HOST: '::1' }, await freePort())
  undo.push(() => bot.stop('SIGKILL'))
  await of.github.waitFor(() =>
    fetch(`http://[::1]:${bot.port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
})
