import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { working } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

const minutes = 60_000
const preload = `--import ${fileURLToPath(new URL('../world/moved-clock.js', import.meta.url))}`

async function worldBy(clock: Record<string, string>): Promise<World> {
  return startWorld({ env: { NODE_OPTIONS: preload, ...clock } })
}

describe('The clock of the machine', { concurrent: true }, () => {
  it.each([-10 * minutes, 10 * minutes])(
    'is moved by %s ms while an agent works: its end is told',
    async by => {
      const world = await worldBy({ CLOCK_STEP: String(by) })
      const { thread, run } = await working(world, 'bake')
      world.bot.signal('SIGUSR2')
      await world.bot.says(/the clock was moved/)
      await run(0).completeTurn('The cake is done.')
      await thread.waitForAnswer('The cake is done.', { timeout: 30_000 })
      expect(await thread.statuses()).toHaveLength(1)
      await world.close()
    },
  )

  it.each([-5 * minutes, 5 * minutes])(
    'is wrong by %s ms: nothing is said twice, no limit is run into',
    async by => {
      const world = await worldBy({ CLOCK_AHEAD: String(by) })
      const comments = { method: 'POST', path: /\/issues\/\d+\/comments$/ }
      world.github.fault({ ...comments, fault: { kind: 'reset', store: true } })
      const { thread, run } = await working(world, 'bake')
      expect(await thread.statuses()).toHaveLength(1)
      const limit = world.github.fault({
        path: '/',
        times: 1000,
        fault: { kind: 'primary-limit', resetInSeconds: 8 },
      })
      await run(0).completeTurn('The cake is done.')
      await world.github.waitFor(() => limit.hits > 0)
      const lifted = new Promise(resolve => setTimeout(resolve, 8_000))
      await lifted
      const { hits } = limit
      limit.cancel()
      await thread.waitForAnswer('The cake is done.', { timeout: 30_000 })
      expect(hits).toBeLessThan(10)
      expect(await thread.answers()).toHaveLength(1)
      await world.close()
    },
  )
})

it('two outages of seconds, with a night between in which the bot was off, end no run', async () => {
  const world = await worldBy({})
  const { posthog } = world
  const { thread, run } = await working(world, 'bake')
  const away = () => posthog.fault({ times: 1000, fault: { kind: 'status', code: 502 } })
  const evening = away()
  await run(0).completeTurn('The cake is done.')
  await world.bot.says(/"service":"posthog","why"/)
  await world.bot.stop()
  evening.cancel()
  const morning = away()
  vi.useFakeTimers({
    toFake: ['Date'],
    now: Date.now() + 25 * 60 * minutes,
    shouldAdvanceTime: true,
  })
  try {
    const bot = await world.startBot('all', { CLOCK_AHEAD: String(25 * 60 * minutes) })
    await bot.says(/"service":"posthog","why"/)
    morning.cancel()
    await thread.waitForAnswer('The cake is done.', { timeout: 30_000 })
  } finally {
    vi.useRealTimers()
    await world.close()
  }
})
