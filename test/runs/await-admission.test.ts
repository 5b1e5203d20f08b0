/** What keeps a run from its start, and what is told of a limit when it starts. */
import { describe, expect, test } from 'vitest'
import { notAnyMore } from '../../src/core/record/failures.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { warnings } from '../../src/core/words/warnings.ts'
import { awaitAdmission } from '../../src/runs/steps/await-admission.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import {
  ask,
  hour,
  limitedTo,
  minute,
  more,
  noTaskRun,
  passing,
  pull,
  pullThread,
  pullView,
  runWith,
  t0,
  told,
  working,
} from '../core/given.ts'
import type { GitHubCalls } from '../support/client-of.ts'
import { memoryIndex, refusals } from '../support/memory-index.ts'

const limited = (limits: Parameters<typeof limitedTo>[0], ...differs: RunChange[]): Run =>
  runWith(...differs, limitedTo(limits))

const gitHub: Partial<GitHubCalls> = {
  'thread.readAhead': async () => {},
  'thread.closing': async () => undefined,
  'people.permission': async () => ({ role: 'write', name: 'write' }),
  'files.text': async () => undefined,
  'files.commits': async () => [],
}

/** What the index has of these Runs. */
const indexOf = (runs: readonly Run[], addedAt = t0) =>
  memoryIndex(() =>
    runs.map(data => ({
      id: data.id,
      entries: runIndex.entries({ id: data.id, addedAt, data }),
    })),
  )

/** Its saves heed what stands in the index. */
const guarded = (run: Run, index: ReturnType<typeof memoryIndex>, calls = gitHub) =>
  handWith(run, {
    index,
    saveIf: async guards => (await refusals(index, run.id, guards)) === 0,
    github: calls,
  })

async function admitted(
  run: Run,
  before: RunChange[] = [],
  calls: Partial<GitHubCalls> = {},
): Promise<Run> {
  const jobs = before.map((differs, n) => ({
    id: `run-${n}`,
    addedAt: t0,
    standing: 'ended' as const,
    data: runWith({ schedule: { admitted: true, admissionExpectedAt: t0 } }, differs),
  }))
  const index = { ...memoryIndex(() => []), listed: async () => jobs }
  return afterStep(awaitAdmission, handWith(run, { index, github: { ...gitHub, ...calls } }))
}

describe('a limit of money', () => {
  test('that can not be kept, as PostHog does not say what a run cost, is told', async () => {
    const run = await admitted(limited({ cost_per_day: 10 }), [
      { session: { taskId: 'a', cost: null } },
      { session: { taskId: 'b', cost: 1 } },
    ])
    expect(run.schedule).toMatchObject({
      admitted: true,
      costOfDay: { used: 1, limit: 10, unknown: 1 },
    })
    expect(warnings(run)).toContain(
      "⚠️ The limit of `$10` in 24 hours can't be kept: PostHog does not say what 1 run cost.",
    )
  })

  test.each([
    ['that nobody set', runWith(), null],
    ['that is not near', limited({ cost_per_day: 10 }), 1],
  ])('%s is not told', async (_, run, cost) => {
    const { schedule } = await admitted(run, [{ session: { taskId: 'a', cost } }])
    expect(schedule).toMatchObject({ admitted: true, costOfDay: undefined })
  })
})

test('at a limit that was raised meanwhile, the write that admits asks for the new one', async () => {
  const waits = { kind: 'until' as const, at: t0 + hour, limit: 'one a day' }
  const run = limited({ repository_per_day: 1 }, { schedule: { waits } })
  const began = { admitted: true, admissionExpectedAt: t0 - minute }
  const hand = guarded(run, indexOf([runWith({ id: 'began', schedule: began })], t0 - minute))
  hand.run = await afterStep(awaitAdmission, hand)
  expect((await afterStep(awaitAdmission, hand)).schedule).toMatchObject({
    admitted: true,
    waits: undefined,
  })
})

describe('at a limit of 0', () => {
  const zero = { kind: 'zero' as const, of: 'repository' as const, limit: 'it is 0', ahead: 0 }
  const held = (...differs: RunChange[]): Run =>
    limited({ repository: 0 }, { schedule: { waits: zero } }, ...differs)
  /** As often as it looks at once, with the settings that the repository has now. */
  async function looked(run: Run, file: string, before: Run[] = []): Promise<Run['schedule']> {
    const calls = { ...gitHub, 'issue.blockers': async () => [], 'files.text': async () => file }
    const hand = guarded(run, indexOf(before, t0 - 1), calls)
    do hand.run = await afterStep(awaitAdmission, hand)
    while (!hand.run.schedule.admitted && hand.run.schedule.nextPollAt === undefined)
    return hand.run.schedule
  }
  const zeroNow = 'limits: {repository: 0}'

  test('the first in line reads the settings of now within a minute, and those behind it follow it', async () => {
    const first = await looked(held(), zeroNow)
    expect(first.waits).toMatchObject({ kind: 'zero', of: 'repository', ahead: 0 })
    expect((first.nextPollAt ?? 0) - t0).toBeLessThanOrEqual(minute)
    const second = await looked(held(), zeroNow, [held({ id: 'before' })])
    expect(second.waits).toMatchObject({ kind: 'zero', ahead: 1 })
    expect((second.nextPollAt ?? 0) - t0).toBeLessThanOrEqual(15 * minute)
  })

  test('it starts once that is raised, and says no more that the limit is 0', async () => {
    expect(await looked(held(), 'limits: {repository: 3}')).toMatchObject({ admitted: true })
    const atWork = runWith({ id: 'at-work', schedule: { admitted: true } })
    const waits = await looked(held(), 'limits: {repository: 1}', [atWork])
    expect(waits).toMatchObject({
      admitted: false,
      waits: { kind: 'line', of: 'repository', ahead: 1 },
    })
  })

  test('what waits for something else when the limit is set does not start', async () => {
    const blocked = { kind: 'blocked' as const, since: t0, by: [], more: 1 }
    const { admitted: starts, waits } = await looked(
      runWith({ schedule: { waits: blocked } }),
      zeroNow,
    )
    expect([starts, waits]).toMatchObject([false, { kind: 'zero', of: 'repository' }])
  })
})

describe('at the limit of open pull requests', () => {
  test.each<[string, RunChange, boolean]>([
    ['new work waits', {}, false],
    ['what goes on with an open one does not', { result: { pulls: [pull] } }, true],
    [
      'what had one that was merged waits',
      { result: { pulls: [{ ...pull, state: 'merged' }] } },
      false,
    ],
    ['what is asked in one does not', { thread: pullThread }, true],
    ['a plan does not', { request: { ...ask, what: 'plan' } }, true],
  ])('%s', async (_, differs, starts) => {
    const { schedule } = await admitted(limited({ open_pull_requests: 1 }, differs), [], {
      'pulls.open': async () => [pullView()],
    })
    expect([schedule.admitted, schedule.waits?.kind]).toEqual(
      starts ? [true, undefined] : [false, 'open-pulls'],
    )
  })

  const byMaya = { head: 'codex/issue-7-login', author: { login: 'maya', bot: false } }
  test.each([
    ['one by the agent', {}, true],
    ['one by somebody from a branch that is called like Codex’s', byMaya, false],
    ['one by somebody that a run has as its own', { ...byMaya, number: 4 }, true],
    [
      'one by a person with the name of the agent',
      { author: { login: 'posthog[bot]', bot: false } },
      false,
    ],
    ['one of the default branch', { head: 'main' }, false],
    ['one of a fork', { repoId: 200 }, false],
  ])('%s counts: %j %s', async (_, differs, counts) => {
    const own = {
      id: 'run-4',
      data: runWith({ result: { pulls: [{ ...pull, number: 4 }] } }),
      addedAt: t0,
    }
    const index = memoryIndex(() => [{ id: own.id, entries: runIndex.entries(own), isLive: false }])
    const github = { ...gitHub, 'pulls.open': async () => [pullView(differs)] }
    const run = await afterStep(
      awaitAdmission,
      handWith(limited({ open_pull_requests: 1 }), { index, github }),
    )
    expect(run.schedule.waits?.kind).toBe(counts ? 'open-pulls' : undefined)
  })

  const atWork: RunChange = { id: 'at-work', schedule: { admitted: true } }
  test.each([
    ['another begins', [runWith(atWork)]],
    ['one that was to come is there', [runWith(atWork, { result: { pulls: [pull] } })]],
  ])('nothing begins if meanwhile %s, and it is looked at again', async (_, others) => {
    const all: Run[] = []
    const run = limited({ open_pull_requests: 1 })
    const calls = {
      ...gitHub,
      'pulls.open': async () => {
        all.push(...others)
        return []
      },
    }
    expect(await afterStep(awaitAdmission, guarded(run, indexOf(all), calls))).toEqual(run)
  })
})

const answered = { outcome: { kind: 'answer' as const }, concludedAt: t0, done: told }
test.each([
  ['goes on with an agent at work', {}, undefined],
  ['fails where it would begin', noTaskRun, notAnyMore],
  [
    'has its last result again',
    changed(noTaskRun, { result: { round: 1, previous: answered } }),
    answered.outcome,
  ],
])(
  'a run all of whose words are by somebody who may not any more %s',
  async (_, differs, outcome) => {
    const reads = { 'people.permission': async () => ({ role: 'read', name: 'read' }) as const }
    const github = { why: 'w', since: t0 - hour, until: t0, count: 3, refusedSince: t0 - hour }
    const run = working(passing({ ...more('a'), at: t0 - hour }), { retries: { github } }, differs)
    expect((await admitted(run, [], reads)).result.outcome).toEqual(outcome)
  },
)

test('who waits for others looks again within ten minutes, however long it has waited', async () => {
  const blocking = async () => [
    { name: '#3', title: 'First', url: 'https://github.com/acme/shop/issues/3' },
  ]
  const waits = { kind: 'blocked' as const, since: t0 - 24 * 60 * 60_000, by: [], more: 1 }
  const run = runWith({ schedule: { admitted: false, waits } })
  const blocked = changed(run, {
    baseline: { snapshot: { ...run.baseline.snapshot, blockers: 1 } },
  })
  const { schedule } = await admitted(blocked, [], { 'issue.blockers': blocking })
  expect(schedule.waits?.kind).toBe('blocked')
  expect((schedule.nextPollAt ?? 0) - t0).toBeLessThanOrEqual(10 * 60_000)
})
