/**
 * A Run is followed by the stream of PostHog, emulated over HTTP, through hours that pass in seconds: what that costs in
 * calls, how old what is known may be, and what happens when the stream goes wrong.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FaultRule } from '../../emulators/posthog/fault.ts'
import { hour, maya, minute, second } from '../core/given.ts'
import { type Followed, type Following, holdClock, startFollowing } from '../support/following.ts'
import { exhaustive } from '../support/tries.ts'

let following: Following

beforeEach(() => void holdClock())
afterEach(async () => {
  vi.useRealTimers()
  await following.close()
})

const booting = (ms: number) => ({ queued: ms, sandbox: ms, clone: ms, agent: ms })

async function followed(boot = 5 * second): Promise<Followed> {
  following = await startFollowing({ timing: booting(boot) })
  return following.starts()
}

const noStreams: FaultRule = {
  route: 'stream',
  times: Number.POSITIVE_INFINITY,
  fault: { kind: 'status', code: 502 },
}

describe('a quiet Run', () => {
  test.each([
    ['', 5 * second],
    [', even if nothing was ever heard of it', 0],
  ])('costs twelve calls an hour at most, its connections among them%s', async (_, boot) => {
    const { run } = await followed(boot)
    await following.pass(minute)
    expect(run().session.taskRun?.status).toBe('in_progress')
    for (let past = 1; past <= 2; past += 1) {
      const before = following.calls
      await following.pass(hour)
      expect(following.calls - before, `calls in hour ${past}`).toBeLessThanOrEqual(12)
    }
    expect(run().result.outcome).toBeUndefined()
  })

  test('is known about within five seconds, whenever something happens', async () => {
    const { control, run, answer } = await followed()
    for (const [n, after] of [hour, 7 * minute, 20 * minute, 3 * second].entries()) {
      await following.pass(after)
      await control.say(`Step ${n}`)
      await following.pass(5 * second)
      expect(answer()).toBe(`Step ${n}`)
    }
    await following.pass(10 * minute)
    await control.say('It is the cookie.')
    await following.pass(5 * second)
    expect(answer()).toBe('It is the cookie.')
    await following.pass(10 * minute)
    control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
    await following.pass(5 * second)
    expect(run().result.claimedPulls).toEqual(['https://github.com/acme/shop/pull/1'])
  })
})

describe('a log that is behind by a minute', () => {
  test.each([
    ['since the agent began', 0],
    ['later', 10 * minute],
  ])('is looked at when the last of a turn may have come, %s', async (_, before) => {
    const { control, answer } = await followed()
    await following.pass(before)
    const show = control.holdLog()
    void control.completeTurn('It is the cookie.')
    await following.pass(minute)
    expect(answer()).toBeUndefined()
    show()
    await following.pass(30 * second)
    expect(answer()).toBe('It is the cookie.')
  })
})

describe('a stream', () => {
  test('that is silently dead is noticed by what it should say, and nothing is lost', async () => {
    const { control, answer } = await followed()
    await following.pass(10 * minute)
    following.silence()
    await control.say('Nobody heard this')
    await following.pass(minute)
    expect(answer()).toBe('Nobody heard this')
  })

  test('that can not be had leaves the Run to be polled as ever, and takes over when it is back', async () => {
    const { control, answer } = await followed()
    await following.pass(20 * minute)
    const away = following.posthog.fault(noStreams)
    following.posthog.dropConnections()
    await following.pass(minute)
    const before = following.looks()
    await following.pass(10 * minute)
    expect(following.looks() - before).toBeGreaterThanOrEqual(39)
    await control.say('Seen by a look')
    await following.pass(16 * second)
    expect(answer()).toBe('Seen by a look')
    away.cancel()
    await following.pass(20 * minute)
    const quiet = following.calls
    await following.pass(hour)
    expect(following.calls - quiet).toBeLessThanOrEqual(12)
  })

  test('that never says anything is not relied on', async () => {
    await followed()
    following.posthog.fault({ ...noStreams, fault: { kind: 'hang' } })
    following.posthog.dropConnections()
    await following.pass(12 * minute)
    const before = following.looks()
    await following.pass(10 * minute)
    expect(following.looks() - before).toBeGreaterThanOrEqual(39)
  })
})

describe.runIf(exhaustive)('two hundred Runs without streams', () => {
  test('are all looked at within what PostHog allows; none is told lost that a look would find', async () => {
    following = await startFollowing({ timing: { ...booting(1), cancel: 4 * minute } })
    following.posthog.fault(noStreams)
    const runs: Followed[] = []
    while (runs.length < 200) {
      runs.push(await following.starts(runs.length === 0 ? 'quiet' : 'loud'))
      await following.pass(second)
    }
    await following.pass(10 * minute)
    const [, toStop] = runs
    if (!toStop) throw new Error('no runs')

    const looked = following.looks(toStop)
    toStop.change({ mailbox: { stop: { by: maya, at: Date.now() } } })
    await following.pass(2 * second)
    expect(following.posthog.ledger.some(({ kind }) => kind === 'cancel')).toBe(true)
    await following.pass(5 * minute)
    expect(toStop.run().session.taskRun?.status).toBe('cancelled')
    expect(following.looks(toStop) - looked).toBeGreaterThanOrEqual(5)

    await following.pass(10 * minute)
    const lost = runs.filter(({ run }) => run().result.outcome?.kind === 'failed')
    expect(lost).toEqual([])
    expect(following.posthog.calls.filter(({ status }) => status === 429)).toEqual([])
    const fewest = Math.min(...runs.map(run => following.looks(run)))
    expect(fewest, 'looks at each in less than half an hour').toBeGreaterThanOrEqual(2)
  })
})

describe.runIf(exhaustive)('thirty busy agents on one key', () => {
  const toolCall = { sessionUpdate: 'tool_call_update', toolCallId: 'one', status: 'completed' }

  test('each end is told within three seconds, a stop at once, and no minute has more calls than PostHog takes', async () => {
    following = await startFollowing({ timing: { ...booting(1), cancel: second } })
    const runs: Followed[] = []
    while (runs.length < 30) runs.push(await following.starts())
    let idle = 0
    const busy = async (ms: number) => {
      for (let past = 0; past < ms; past += 5 * second) {
        for (const { control } of runs.slice(idle)) await control.update(toolCall)
        await following.pass(5 * second)
      }
    }
    await following.pass(5 * second)
    await busy(10 * minute)
    const [stops, ...working] = runs
    if (!stops) throw new Error('no runs')
    idle = 1
    stops.change({ mailbox: { stop: { by: maya, at: Date.now() } } })
    for (const ends of working.slice(0, 9)) {
      idle += 1
      await ends.control.completeTurn('The cake is done.')
      await following.pass(3 * second)
      expect(ends.answer()).toBe('The cake is done.')
      await busy(5 * second)
    }
    expect(stops.run().session.taskRun?.status).toBe('cancelled')
    const others = working.slice(9)
    const before = others.map(run => following.looks(run))
    await busy(2 * minute)
    const looks = others.map((run, n) => following.looks(run) - (before[n] ?? 0))
    expect(Math.min(...looks), 'looks at each of the others in two minutes').toBeGreaterThanOrEqual(
      2,
    )
    expect(following.posthog.calls.filter(({ status }) => status === 429)).toEqual([])
    const times = following.posthog.calls.map(({ at }) => at)
    const inAMinute = times.map((from, n) => times.slice(n).filter(at => at < from + minute).length)
    expect(Math.max(...inAMinute)).toBeLessThanOrEqual(420)
  })
})
