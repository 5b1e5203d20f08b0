import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDataDir } from '../support/data-dir.ts'
import { freePort } from '../support/free-port.ts'
import { type SmallDisk, smallDisk } from '../support/small-disk.ts'
import { spawnBot } from '../world/bot.ts'
import { working } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

const disk = smallDisk(160)

describe.skipIf(!disk)('The disk of the embedded queue is full', () => {
  let world: World
  beforeAll(async () => {
    const { path } = disk as SmallDisk
    await cp(await newDataDir(), join(path, 'data'), { recursive: true })
    world = await startWorld({ env: { DATA_DIR: join(path, 'data') } })
  })
  afterAll(async () => {
    await world.close()
    disk?.remove()
  })

  /** Health, readiness and what a webhook gets, while the disk is full. */
  const answers = async () => {
    const [health, ready] = await Promise.all([
      fetch(`${world.bot.url}/healthz`),
      fetch(`${world.bot.url}/readyz`),
    ])
    return { health: health.status, ready: ready.status, why: await ready.text() }
  }

  it('nothing is begun, and that is said; when there is room it goes on by itself, and nothing is lost', async () => {
    const { github, bot } = world
    const { says, thread, run } = await working(world, 'bake')
    await disk?.fill()
    for (let n = 0; n < 200; n += 1) await run(0).say(`Baking ${n} ${'x'.repeat(2_000)}`)
    await run(0).completeTurn('The cake is done.')
    await bot.says(/"level":"error"[^\n]*is full[^\n]*48 MB/)
    await says('/codex status')
    await github.waitFor(() => github.webhooks.deliveries.at(-1)?.status_code === 503)
    expect(await answers()).toEqual({
      health: 200,
      ready: 503,
      why: expect.stringMatching(/"queue".*is full/),
    })
    await disk?.empty()
    await thread.waitForAnswer('The cake is done.')
    await github.waitFor(async () => (await answers()).ready === 200)
  })

  it('SIGTERM ends it, a start on the full disk says why it can not, and the next goes on', async () => {
    const { thread, run } = await working(world, 'stew')
    await disk?.fill()
    await run(0).completeTurn('The stew is done.')
    await world.github.waitFor(async () => (await answers()).ready === 503)
    const began = Date.now()
    expect(await world.bot.stop('SIGTERM')).toBe(0)
    expect(Date.now() - began).toBeLessThan(10_000)
    const second = spawnBot(world.env, await freePort())
    expect(await second.exited).toBe(1)
    expect(second.output()).toMatch(/can't start:\n- the disk under .* is full/)
    await disk?.empty()
    await world.startBot()
    await thread.waitForAnswer('The stew is done.')
  })
})
