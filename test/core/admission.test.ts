import { describe, expect, test } from 'vitest'
import {
  begunInSession,
  heldAt,
  rightBefore,
  startGuards,
} from '../../src/core/record/admission.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { memoryIndex, refusals } from '../support/memory-index.ts'
import {
  admitted,
  ask,
  hour,
  intends,
  issueThread,
  limitedTo,
  minute,
  pullThread,
  runWith,
  second,
  t0,
  wordsAre,
  zoe,
} from './given.ts'

const now = t0
const day = 24 * hour

type Limits = Parameters<typeof limitedTo>[0]

interface OtherRun {
  id: string
  addedAt: number
  data: Run
}

/** The Run that asks, of maya in issue 7, with what differs in its limits. */
const me = (limits: Limits = {}): OtherRun => ({
  id: 'm',
  addedAt: now,
  data: runWith(limitedTo(limits)),
})

/** One of `ago` ms before, of maya in issue 7, unless said otherwise. */
const other = (ago: number, differs: RunChange = {}, id = `o${ago}`): OtherRun => ({
  id,
  addedAt: now - ago,
  data: runWith(admitted, differs),
})
const waits: RunChange = { schedule: { admitted: false } }
const over: RunChange = { result: { outcome: { kind: 'answer' } } }
/** One that began `ago` ms before, and is over. */
const began = (ago: number, ...differs: RunChange[]) => other(ago, changed(over, ...differs))
const byZoe: RunChange = { request: { ...ask, by: zoe } }
const ofOther: RunChange = { thread: { ...issueThread, repoId: 300, owner: 'other', ownerId: 6 } }
const elsewhere: RunChange = { thread: { ...issueThread, repoId: 200 } }
const another: RunChange = { thread: { ...pullThread, number: 8 } }

const indexOf = (runs: OtherRun[]) =>
  memoryIndex(() => runs.map(run => ({ id: run.id, entries: runIndex.entries(run) })))
const turn = (mine: OtherRun, others: OtherRun[]) => heldAt(mine, indexOf(others), now)
/** How many of its guards hold up the write that admits it. */
const refusing = (mine: OtherRun, others: OtherRun[]) =>
  refusals(indexOf(others), mine.id, startGuards(mine, now))
const first = undefined
/** So many have to end before there is a place of this. */
const ahead = (many: number, of: string) => ({ kind: 'line', ahead: many, of })
/** It waits for more than its turn. */
const waitingFor = (what: Run['schedule']['waits']) => changed(waits, { schedule: { waits: what } })
const standsAt = (of: 'person' | 'repository' | 'owner') =>
  waitingFor({ kind: 'line', ahead: 1, of })
const many = (count: number, differs: RunChange = {}, step = 1) =>
  Array.from({ length: count }, (_, i) => other((i + 1) * step, differs))

describe('a limit of 0 holds all', () => {
  const held = (of: 'repository' | 'owner' | 'bot', ahead = 0) => ({ kind: 'zero', of, ahead })
  const standsAtZero = (of: 'repository' | 'bot') =>
    waitingFor({ kind: 'zero', of, limit: 'it is 0', ahead: 0 })
  const withTotal = (total: number, limits: Limits = {}) => ({ ...me(limits), total })

  test.each<[string, OtherRun & { total?: number }, OtherRun[], object]>([
    ['in the repository', me({ repository: 0 }), [], held('repository')],
    ['of the owner', me({ owner: 0 }), [], held('owner')],
    ['of the whole bot', withTotal(0), [], held('bot')],
    ['whatever else is full', withTotal(0, { repository: 1 }), [other(1)], held('bot')],
    ['where it is widest, if there are two', withTotal(0, { repository: 0 }), [], held('bot')],
    [
      'while work goes on, which is not in its way',
      me({ repository: 0 }),
      [other(1)],
      held('repository'),
    ],
    [
      'behind others',
      me({ repository: 0 }),
      [other(1, standsAtZero('repository'))],
      held('repository', 1),
    ],
  ])('%s', async (_, mine, others, expected) => {
    expect(await turn(mine, others)).toEqual(expected)
    expect(await refusing(mine, others)).toBeGreaterThan(0)
  })

  test('what it holds goes first when it is raised, where it held it', async () => {
    const soleIn = (of: 'repository' | 'owner') => me({ [of]: 1 })
    expect(await turn(soleIn('repository'), [other(1, standsAtZero('repository'))])).toEqual(
      ahead(1, 'repository'),
    )
    expect(await turn(soleIn('repository'), [other(-1, standsAtZero('repository'))])).toEqual(first)
    expect(
      await turn(soleIn('owner'), [other(1, changed(standsAtZero('bot'), elsewhere))]),
    ).toEqual(ahead(1, 'owner'))
    expect(
      await turn(soleIn('owner'), [other(1, changed(standsAtZero('repository'), elsewhere))]),
    ).toEqual(first)
  })
})

test('the limit of the whole bot counts every run that is at work', async () => {
  const mine = { ...me(), total: 2 }
  const others = [other(1, ofOther), other(2, elsewhere)]
  expect(await turn(mine, others.slice(1))).toEqual(first)
  expect(await turn(mine, others)).toEqual(ahead(1, 'bot'))
  expect(await refusing(mine, others)).toBe(1)
})

test.each<[string, Limits, OtherRun[], (string | object)?]>([
  ['holds one more than its number', { repository: 1 }, [other(1)], 'repository'],
  ['lets in as many as its number', { repository: 2 }, [other(1)]],
  [
    'tells how many have to end first',
    { repository: 1 },
    [other(1), other(2)],
    ahead(2, 'repository'),
  ],
  [
    'counts anybody in any thread',
    { repository: 1 },
    [other(1, changed(byZoe, another))],
    'repository',
  ],
  ['for a person counts theirs', { person: 1 }, [other(1)], 'person'],
  ['for a person counts nobody else', { person: 1 }, [other(1, byZoe)]],
  ['of an owner counts all their repositories', { owner: 1 }, [other(1, elsewhere)], 'owner'],
  ['of an owner counts no other owner', { owner: 1 }, [other(1, ofOther)]],
  ['counts no other repository', { repository: 1, person: 1 }, [other(1, elsewhere)]],
  ['counts nothing that is over', { repository: 1, person: 1 }, [other(1, over)]],
  ['lets an older one go before those that wait', { repository: 1 }, [other(-1, waits)]],
  ['counts younger ones that have begun', { repository: 1 }, [other(-1)], 'repository'],
  ['lets older ones in line go first', { repository: 1 }, [other(1, waits)], 'repository'],
  [
    'lets nobody wait behind those that another limit holds',
    { repository: 2, person: 1 },
    [
      other(9, byZoe),
      other(5, changed(standsAt('person'), byZoe)),
      other(4, changed(standsAt('person'), byZoe)),
    ],
  ],
  [
    'counts each older one in the same line',
    { repository: 1 },
    [other(9), other(5, standsAt('repository')), other(4, standsAt('owner'))],
    ahead(3, 'repository'),
  ],
  [
    'lets nobody wait behind those that a session holds',
    { repository: 1 },
    [
      other(
        5,
        changed(waitingFor({ kind: 'session', ahead: 1 }), { session: { taskId: 'task-2' } }),
      ),
    ],
  ],
  [
    'lets nobody wait behind those that wait for tomorrow',
    { repository: 1 },
    [other(5, changed(waitingFor({ kind: 'until', at: now + hour, limit: 'a day' }), byZoe))],
  ],
  ['does not count the one that asks', { repository: 1 }, [other(0, waits, 'm')]],
  [
    'lets the first by id go first at one moment',
    { repository: 1 },
    [other(0, waits, 'a')],
    'repository',
  ],
  ['lets nobody wait behind the later id at one moment', { repository: 1 }, [other(0, waits, 'z')]],
  ['tells the greater of two numbers', { repository: 2, person: 1 }, many(3), ahead(3, 'person')],
])('a limit of runs at work %s', async (_, limits, others, held) =>
  expect(await turn(me(limits), others)).toEqual(typeof held === 'string' ? ahead(1, held) : held),
)

describe('a limit of starts in a window of time', () => {
  const daily = { repository_per_day: 1 }
  type Reached = { key?: string; of: string; used: number; most: number; window: number }
  const inRepository: Reached = {
    key: 'repository_per_day',
    of: 'repository',
    used: 1,
    most: 1,
    window: day,
  }
  const ofOwner: Reached = { ...inRepository, key: 'owner_per_day', of: 'owner' }
  const until = (at: number, reached: Reached) => ({ kind: 'until', at: now + at, ...reached })

  test.each<[string, Limits, OtherRun[], object?]>([
    ['holds one more than its number', daily, [began(hour)], until(day - hour, inRepository)],
    ['lets in as many as its number', { repository_per_day: 2 }, [began(hour)]],
    [
      'lets go when the oldest that counts leaves',
      { repository_per_day: 2 },
      [began(hour), began(3 * hour), began(2 * hour)],
      until(day - 2 * hour, { ...inRepository, used: 3, most: 2 }),
    ],
    ['does not count what has left the window', daily, [began(day)]],
    ['counts what leaves the window in a moment', daily, [began(day - 1)], until(1, inRepository)],
    ['counts no other repository', daily, [began(hour, elsewhere)]],
    [
      'counts any thread of the repository',
      daily,
      [began(hour, another)],
      until(day - hour, inRepository),
    ],
    [
      'of an owner counts all their repositories',
      { owner_per_day: 1 },
      [began(hour, elsewhere)],
      until(day - hour, ofOwner),
    ],
    ['of an owner counts no other owner', { owner_per_day: 1 }, [began(hour, ofOther)]],
    [
      'is told where it lets go last',
      { repository_per_day: 1, owner_per_day: 1 },
      [began(hour), began(minute, elsewhere)],
      until(day - minute, { ...ofOwner, used: 2 }),
    ],
    [
      'is told where it lets go last, though its window is short',
      { repository_per_day: 201 },
      [...many(200, changed(over, byZoe, another), 100), began(day - minute, byZoe)],
      until(5 * minute - 20 * second, {
        of: 'repository',
        used: 200,
        most: 200,
        window: 5 * minute,
      }),
    ],
    [
      'is told once where two let go together',
      { repository_per_day: 1, owner_per_day: 1 },
      [began(minute)],
      until(day - minute, inRepository),
    ],
    [
      'is told after a limit of runs at work',
      { repository: 1, repository_per_day: 1 },
      [other(minute)],
      ahead(1, 'repository'),
    ],
  ])('%s', async (_, limits, others, expected) =>
    expect(await turn(me(limits), others)).toEqual(expected),
  )

  test.each<[string, RunChange]>([
    ['never began', changed(over, { schedule: { admitted: false } })],
    ['wait', waitingFor({ kind: 'until', at: now + day, limit: 'a day' })],
  ])('does not count runs that %s', async (_, differs) =>
    expect(await turn(me({ ...daily, owner_per_day: 1 }), [other(hour, differs)])).toEqual(first),
  )

  test('counts from when a run began, not from when it was asked for', async () => {
    const late = began(2 * hour, { schedule: { admissionExpectedAt: now - hour } })
    expect(await turn(me(daily), [late])).toEqual(until(day - hour, inRepository))
  })

  test.each<[of: string, most: number, window: number, counts: RunChange, other: RunChange]>([
    ['thread', 100, day, byZoe, another],
    ['person', 500, day, another, changed(another, byZoe)],
    ['repository', 200, 5 * minute, changed(another, byZoe), changed(elsewhere, byZoe)],
    ['owner', 1_000, 5 * minute, changed(elsewhere, byZoe), changed(ofOther, byZoe)],
  ])('a loop of one %s opens its breaker at %i starts', async (of, most, window, counts, other) => {
    const step = window === day ? minute : 100
    const lifted = me({ repository_per_day: 10_000 })
    const all = many(most, changed(over, counts), step)
    const admits = async (others: OtherRun[]) => (await refusing(lifted, others)) === 0
    for (const fewer of [all.slice(1), many(most, changed(over, other), step)])
      expect([await turn(lifted, fewer), await admits(fewer)]).toEqual([first, true])
    expect(await turn(lifted, all)).toEqual(
      until(window - most * step, { of, used: most, most, window }),
    )
    expect(await admits(all)).toBe(false)
  })
})

describe('one session serves one set of words at a time', () => {
  const mine = (differs: RunChange = {}): OtherRun => ({
    id: 'm',
    addedAt: now,
    data: runWith(changed({ session: { taskId: 'task-1' } }, differs)),
  })
  const theirs = (ago: number, differs: RunChange = {}) =>
    other(
      ago,
      changed(
        { thread: pullThread, session: { taskId: 'task-1' }, schedule: { admitted: false } },
        differs,
      ),
    )
  const begun = changed(admitted, wordsAre())
  const asks = changed(admitted, intends({ kind: 'rejoin', at: now, offset: 0 }))
  const leaves: RunChange = {
    session: {
      taskId: undefined,
      earlier: { taskId: 'task-1', taskRunId: 'run-1', over: false, resumes: false },
    },
  }

  test.each<[what: string, me: OtherRun, other: OtherRun, waits: boolean]>([
    ['an older one goes first', mine(), theirs(1), true],
    ['a younger one does not', mine(), theirs(-1), false],
    ['of one moment the first by id goes first', mine(), { ...theirs(0), id: 'a' }, true],
    ['one behind it in the session waits', mine(), { ...theirs(0), id: 'z' }, false],
    ['an older one goes first whatever its id', mine(), { ...theirs(1), id: 'z' }, true],
    ['a younger one does not whatever its id', mine(), { ...theirs(-1), id: 'a' }, false],
    ['one of the session begins in its turn', mine(), theirs(-1, admitted), true],
    ['not when it is over', mine(), theirs(1, over), false],
    ['not of another session', mine(), theirs(1, { session: { taskId: 'task-2' } }), false],
    ['waits for one that has to make room', mine(leaves), theirs(1), true],
  ])('%s', async (_, me, one, waits) =>
    expect(await turn(me, [me, one])).toEqual(waits ? { kind: 'session', ahead: 1 } : undefined),
  )

  test.each<[what: string, other: OtherRun, waits: boolean]>([
    ['that has begun', theirs(-1, begun), true],
    ['that is about to', theirs(-1, asks), true],
    ['that has its turn alone', theirs(1, admitted), false],
  ])('a run that has its turn waits for another %s', async (_, one, waits) => {
    const me = mine(begun)
    expect(await begunInSession(me, indexOf([me, one]))).toBe(waits ? 1 : 0)
  })
})

test.each<[string, Limits, OtherRun]>([
  ['runs at work', { repository: 1 }, other(1, byZoe)],
  ['runs of one person', { person: 1 }, other(1)],
  ['runs of an owner', { owner: 1 }, other(1, elsewhere)],
  ['starts in a repository', { repository_per_day: 1 }, began(hour, byZoe)],
  ['starts of an owner', { owner_per_day: 1 }, began(hour, elsewhere)],
])('the write that admits refuses one more under a limit of %s', async (_, limits, one) => {
  const mine = me(limits)
  expect([await refusing(mine, [mine]), await refusing(mine, [mine, one])]).toEqual([0, 1])
})

describe('right before a run is, of its own repository', () => {
  const rightBeforeMe = (of: 'repository' | 'owner' | 'session', others: OtherRun[], mine = me()) =>
    rightBefore(mine, of, {
      ...indexOf(others),
      get: async id => {
        const found = others.find(each => each.id === id)
        return found && { ...found, standing: 'live' }
      },
    })
  const at = ({ number, url }: Run['thread']) => ({ number, url })
  const inLineAt = (of: 'person' | 'repository') => changed(standsAt(of), another)

  test.each<[string, 'repository' | 'owner', OtherRun[], object | undefined]>([
    ['the only one at work', 'repository', [other(5, another)], at(pullThread)],
    ['none of several at work', 'repository', [other(5, another), other(6)], undefined],
    [
      'the last in line',
      'repository',
      [other(9), other(5), other(0, inLineAt('repository'), 'a')],
      at(pullThread),
    ],
    ['one that came earlier', 'repository', [other(5, inLineAt('repository'))], at(pullThread)],
    ['none that came later', 'repository', [other(-3, inLineAt('repository'), 'a')], undefined],
    [
      'none of the same moment but later',
      'repository',
      [other(0, inLineAt('repository'), 'z')],
      undefined,
    ],
    ['none of another repository', 'owner', [other(5, elsewhere)], undefined],
    ['none in a long line', 'repository', many(50, inLineAt('repository')), undefined],
  ])('%s', async (_, of, others, found) => expect(await rightBeforeMe(of, others)).toEqual(found))

  test('of those in one session', async () => {
    const inTask: RunChange = { session: { taskId: 't' } }
    const mine = { ...me(), data: changed(me().data, inTask) }
    const there = other(5, changed(inTask, another))
    expect(await rightBeforeMe('session', [there], mine)).toEqual(at(pullThread))
  })
})
