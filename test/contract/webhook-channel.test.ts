/** WEBHOOK_PROXY_URL, where smee.io can't be reached and where it can. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { checkChannel } from '../../src/doctor/channel-check.ts'
import { freePort } from '../support/free-port.ts'
import { spawnBot } from '../world/bot.ts'
import { startWorld } from '../world/world.ts'

async function channel(port = 0): Promise<{ url: string; send(event: object): void }> {
  const open = new Set<(text: string) => void>()
  const server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: ready\ndata: {}\n\n')
    open.add(text => void res.write(text))
  })
  await new Promise<void>(done => server.listen(port, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/abc`,
    send(event) {
      for (const write of open) write(`data: ${JSON.stringify(event)}\n\n`)
    },
  }
}

test('the doctor says whether it answers, and what else there is', async () => {
  const { url } = await channel()
  expect(await checkChannel(url)).toMatchObject([{ name: 'webhook-proxy', ok: true }])
  const [gone] = await checkChannel(`http://127.0.0.1:${await freePort()}/abc`)
  expect(gone).toMatchObject({ ok: false, detail: expect.stringContaining('ECONNREFUSED') })
  expect(gone?.fix).toContain('WEBHOOKS=poll')
  expect(gone?.detail).not.toContain('abc')
})

test('where it can not be reached, the bot starts and says so; once it can, webhooks come through it', async () => {
  const world = await startWorld({ roles: [] })
  onTestFinished(() => world.close())
  const port = await freePort()
  const WEBHOOK_PROXY_URL = `http://127.0.0.1:${port}/abc`
  const bot = spawnBot({ ...world.env, ROLE: 'all', WEBHOOK_PROXY_URL }, await freePort())
  world.bots.push(bot)
  world.github.webhooks.target = 'https://codex.invalid/'
  await bot.ready()
  await bot.says(/can not be reached, so no webhook comes in\. Remove it and set WEBHOOKS=poll/)
  await bot.says(/✗ webhook-proxy: .*WEBHOOKS=poll/)
  const { send } = await channel(port)
  await bot.says(/Connected to/)
  send({ 'x-github-event': 'ping', body: { zen: 'x' } })
  await bot.says(/POST http:\S+ - 401/)
})
