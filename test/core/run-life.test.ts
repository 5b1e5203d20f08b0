/**
 * A Run's whole life against a small world in memory: whatever comes in between – notes, lost answers, limits,
 * refusals, crashes, freezes, wakes – it ends, does nothing twice, never goes back, and loses no word.
 * `npm run model` lives ten thousand of them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Run } from '../../src/core/record/run.ts'
import { exhaustive, someOf } from '../support/tries.ts'
import { minute, second, t0 } from './given.ts'
import { judge } from './run-life/judge.ts'
import { live } from './run-life/life.ts'
import {
  type Event,
  holds,
  type Luck,
  lucks,
  type Script,
  scripts,
  scriptWith,
  stop,
  words,
} from './run-life/script.ts'
import { World } from './run-life/world.ts'

/** `npm run model` lives new lives each time; the suite the same, so that a rare one is found there and not by chance here. */
const runs = Number(process.env.RUNS ?? (exhaustive ? 150 : 5))
const seed = Number(
  process.env.SEED ?? (process.env.RUNS === undefined ? 1 : Date.now() % 1_000_000),
)

async function lives(script: Script): Promise<{ world: World; run: Run }> {
  const world = new World(script)
  const run = await live(world)
  judge(world, run)
  return { world, run }
}

const schedules: { when: string; bad: readonly Luck[]; share: number }[] = [
  { when: 'all goes well', bad: lucks.well, share: 0.05 },
  { when: 'answers are lost or late', bad: lucks.answers, share: 0.15 },
  { when: 'there are limits', bad: lucks.limits, share: 0.1 },
  { when: 'PostHog says no', bad: lucks.refusals, share: 0.05 },
  { when: 'reads are refused', bad: lucks.reads, share: 0.1 },
  { when: 'GitHub says no to something, once', bad: lucks.writes, share: 0.05 },
  { when: 'the process dies', bad: lucks.deaths, share: 0.15 },
  { when: 'a worker freezes, and thaws when another has the Run', bad: lucks.freezes, share: 0.15 },
  { when: 'all of that comes together', bad: Object.values(lucks).flat(), share: 0.2 },
]

describe(`a Run ends, does nothing twice, never goes back and loses no word (RUNS=${runs} SEED=${seed})`, () => {
  test.each(schedules)(
    'when $when',
    async ({ bad, share }) => {
      const property = fc.asyncProperty(scripts(bad), async script => void (await lives(script)))
      const numRuns = Math.ceil(runs * share)
      await fc.assert(property, {
        numRuns,
        seed: seed + schedules.findIndex(each => each.bad === bad),
      })
    },
    400_000 + runs * 100,
  )
})

/** So many calls go well, then these. */
const callsThen = (calls: number, ...then: Luck[]): Luck[] => [
  ...Array.from({ length: calls }, (): Luck => 'well'),
  ...then,
]
/** These calls go so, all others well. */
const luckAt = (fates: Readonly<Record<number, Luck>>) =>
  Array.from(
    { length: 1 + Math.max(...Object.keys(fates).map(Number)) },
    (_, call) => fates[call] ?? 'well',
  )
/** Up to so many calls into a life, a few of them or each. */
const someCalls = (most: number, few = 6) =>
  someOf(
    Array.from({ length: most }, (_, call) => call),
    few,
  )
const said = (when: Event['when'], note = words('m0')): Event => ({
  when,
  what: { is: 'note', note },
})
const lost = ['lost before', 'lost after', 'crash after', 'freeze after'] as const

test.each<[what: string, script: Partial<Script>]>([
  [
    'nobody looked between the end of a turn and its settling, and the next turn was lost',
    {
      earlier: 'over',
      earlierMay: 'read',
      turns: ['opens'],
      luck: callsThen(9, 'usage limit'),
      events: [said({ parking: 0, after: 0 })],
    },
  ],
  [
    'a process died before it sent words, and a turn before them counted as theirs',
    {
      luck: callsThen(12, 'crash before'),
      events: [said({ parking: 2, after: 0 })],
      logLate: 10_000,
    },
  ],
  [
    'a worker froze, and the end of a turn was old when it was seen',
    {
      ahead: 2,
      logLate: 10_000,
      luck: callsThen(20, 'freeze before'),
      events: [said({ parking: 0, after: 0 })],
    },
  ],
  [
    'a run failed, and its late log was taken for one in which nothing was read',
    {
      turns: ['fails'],
      logLate: 10_000,
      luck: callsThen(11, 'unread 404'),
      events: [said({ parking: 1, after: 49 })],
    },
  ],
  [
    'the log showed words before anybody knew that they were sent, and they were waited for and said again',
    {
      ahead: 2,
      luck: luckAt({
        8: 'lost before',
        11: 'lost before',
        17: 'lost before',
        26: 'lost before',
        27: 'lost before',
        31: 'lost after',
      }),
      events: [said({ call: 0 }), said({ call: 28 }, words('m3'))],
    },
  ],
  [
    'a slow answer was taken for a late look, and its log for one in which nothing was read',
    {
      turns: ['loses its sandbox'],
      logLate: 10_000,
      limited: true,
      luck: luckAt({ 15: 'lost before', 16: 'slow' }),
    },
  ],
  [
    'words were said in the turn of before, which ended, and others that were said earlier were not waited for',
    {
      turns: ['asks people'],
      logLate: 10_000,
      events: [said({ call: 0 }), said({ call: 21 }, words('m1'))],
    },
  ],
  [
    'a process died that began again what was not read, and the run of before was taken for the new one',
    {
      turns: ['fails'],
      luck: luckAt({ 12: 'freeze before', 14: 'freeze before', 25: 'freeze after' }),
      events: [said({ parking: 3, after: 0 })],
      logLate: 2_200,
      sleep: 0,
    },
  ],
  [
    'words came before the last word, PostHog refused them, and the last word was forgotten',
    {
      luck: luckAt({ 3: 'limit', 12: 'lost before', 18: 'unwritten', 23: 'refused' }),
      events: [said({ parking: 5, after: 0 })],
    },
  ],
  [
    'GitHub was away for a day, the Run was let go, and a limit that it was in was forgotten',
    {
      earlier: 'over',
      ahead: 2,
      limited: true,
      sleep: 0,
      luck: luckAt({ 14: 'limit', 17: 'usage limit', 18: 'limit', 20: 'limit', 21: 'limit' }),
    },
  ],
])('a life that went wrong once: %s', async (_, script) => void (await lives(scriptWith(script))))

test.each(holds)(
  'a Run that is held begins once nothing holds it, or is stopped while it is held: %s',
  async hold => {
    for (const heldUntold of [false, true])
      for (const heldFor of someOf([0, 1, 3], 2)) {
        const held = { limited: true, heldBy: [hold], heldFor, heldUntold }
        const went = await lives(scriptWith({ ...held, events: [said({ parking: 0, after: 50 })] }))
        expect([went.world.holds.gone, went.run.result.outcome?.kind]).toEqual([
          expect.anything(),
          'answer',
        ])
        const events = [said({ parking: 0, after: 50 }, stop('s0'))]
        const stopped = await lives(scriptWith({ ...held, heldFor: 3, events }))
        expect(stopped.run.result.outcome?.kind).toBe('stopped')
        expect(stopped.world.holds.all).toEqual([hold])
      }
  },
)

test('an ordinary life is short', async () => {
  const { world, run } = await lives(scriptWith({ turns: ['opens'] }))
  expect(run.result.outcome).toEqual({ kind: 'pull' })
  expect(world.now - t0).toBeLessThan(minute)
  expect(world.now - t0).toBeGreaterThan(second)
  expect(world.calls).toBeLessThan(40)
  expect(world.effects.map(effect => effect.split(' ')[0])).toEqual(['task', 'run'])
  expect(run.result.pulls[0]?.number).toBe(20)
})

/** Of how many moments one is tried; in `npm run model` all of them are. */
const usualStride = exhaustive ? 4 : 12
const stride = runs >= 10_000 ? 1 : usualStride

describe('something may be said at any moment', () => {
  const fates = ['well', 'crash before', 'late', ...lost] as const
  const notes = [stop('s0'), words('m0')]

  test.each(fates)('the call before it goes %s', async fate => {
    for (let at = seed % stride; at < 30; at += stride)
      for (const note of notes)
        for (const later of someOf([0, 1], 1)) {
          const script = { luck: callsThen(at, fate), events: [said({ call: at + later }, note)] }
          await lives(scriptWith({ ...script, turns: ['opens, then goes on'] })).catch(
            (cause: unknown) =>
              expect.fail(`${JSON.stringify({ at, later, says: note.kind })}: ${cause}`),
          )
        }
  })
})

test.each(lost)('what chooses is said once, whichever call is lost: %s', async fate => {
  const chosen: string[] = []
  for (let at = seed % stride; at < 36; at += stride)
    for (const parking of [3, 4, 5]) {
      const luck = callsThen(at, fate)
      const events = [said({ parking, after: 50 })]
      const { world } = await lives(scriptWith({ luck, events, turns: ['asks people'] }))
      chosen.push(...world.agents().flatMap(agent => agent.chosen))
    }
  expect(chosen).not.toEqual([])
})

const stopAt = (call: number): Script['events'] => [said({ call }, stop('s0'))]

describe('nothing begins after a stop, whenever it comes and whatever was lost before', () => {
  const calls = someCalls(16)

  test.each(calls)('at call %i, of a new session', async call => {
    await lives(scriptWith({ luck: callsThen(call, 'lost before'), events: stopAt(call) }))
  })

  test.each(calls)('at call %i, of a session that goes on', async call => {
    await lives(
      scriptWith({
        earlier: 'listens',
        luck: callsThen(call, 'lost before'),
        events: stopAt(call),
      }),
    )
  })
})

test.each(someCalls(24))(
  'a worker that lost the lock writes nothing more, from whichever call on: call %i',
  async call => {
    await lives(scriptWith({ turns: ['opens'], luck: callsThen(call, 'freeze after') }))
  },
)

test.each(someCalls(24))(
  'a limit is waited for, whatever failed beside it: call %i',
  async call => {
    await lives(scriptWith({ luck: callsThen(call, 'lost after', 'limit') }))
  },
)

test.each(someCalls(8))(
  'what became visible while a slow look was under way is seen: call %i',
  async call => {
    await lives(scriptWith({ luck: callsThen(call, 'late', 'slow') }))
  },
)

test('the branch of a Run goes that could not begin, once a session of before is let go that PostHog forgot', async () => {
  const luck = callsThen(8, 'unknown from now on', ...callsThen(11, 'refused'))
  const { world, run } = await lives(scriptWith({ earlier: 'listens', earlierMay: 'work', luck }))
  expect(world.letGo.size).toBe(1)
  expect(run.result.outcome?.kind).toBe('failed')
  expect([...world.branches.keys()]).toEqual(['main'])
})

test('a refusal while an agent goes on after its pull request does not keep its run looking for ever', async () => {
  // These lives are the longest.
  for (const call of someCalls(16, 1))
    await lives(
      scriptWith({ turns: ['opens, then goes on'], luck: callsThen(14 + call, 'refused') }),
    )
})
