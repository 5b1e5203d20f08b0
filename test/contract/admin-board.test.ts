/** What the admin pages list: each Run in one place, and as few reads for 5,000 as for five. */
import { describe, expect, test } from 'vitest'
import { changed, type Outcome, type Run, type RunChange } from '../../src/core/record/run.ts'
import { groupOf, runIndex } from '../../src/core/record/run-index.ts'
import { openBoard } from '../../src/web/admin/board.ts'
import { filterOf } from '../../src/web/admin/filters.ts'
import { hour, issueThread, minute, runWith, t0, working, zoe } from '../core/given.ts'
import { memoryIndex } from '../support/memory-index.ts'

const day = 24 * hour
const now = t0 + 30 * day

interface Kept {
  id: string
  data: Run
  addedAt: number
}

function boardOf(all: readonly Kept[]) {
  const jobs = all.map(({ id, data, addedAt }) => ({
    id,
    isLive: data.result.outcome === undefined,
    entries: runIndex.entries({ id, data, addedAt }),
  }))
  const byId = new Map(all.map(each => [each.id, each]))
  const reads: string[] = []
  const board = openBoard(
    {
      ...memoryIndex(() => jobs),
      get: async id => {
        reads.push(id)
        const kept = byId.get(id)
        return kept && { ...kept, standing: 'live' }
      },
    },
    () => now,
  )
  return { board, reads }
}

const kept = (id: string, data: Run, addedAt = now - hour): Kept => ({
  id,
  data: changed(data, { id }),
  addedAt,
})

const ended = (outcome: Outcome, ago = hour): RunChange => ({
  result: { outcome, concludedAt: now - ago },
})

const failed: Outcome = { kind: 'failed', class: 'agent', reason: 'no luck', fix: 'Again.' }
const question = { id: 'q', title: 'Which way?', question: true, options: [] }
const asking: RunChange = {
  session: { sessionLog: { offset: 0, turns: 0, idle: false, permissionRequest: question } },
}
const pause: RunChange = {
  schedule: { waits: { kind: 'pause', of: 'repository', by: 'olga', why: '' } },
}
const wrongKey: RunChange = {
  retries: { posthog: { why: 'the key', since: now, until: now, count: 1, setup: true } },
}

test.each<[string, Run, string]>([
  ['was just asked for', runWith(), 'waiting'],
  [
    'waits for its turn',
    runWith({ schedule: { waits: { kind: 'line', ahead: 1, of: 'owner' } } }),
    'waiting',
  ],
  ['works', working(), 'working'],
  ['has a question', working(asking), 'question'],
  ['waits for the end of a pause', runWith(pause), 'paused'],
  ['began before the pause', working(pause), 'working'],
  ['is held by a wrong key', working(wrongKey), 'set-up'],
  ['has a question and a wrong key', working(asking, wrongKey), 'question'],
  ['has ended with a question', working(asking, ended({ kind: 'answer' })), 'ended'],
  ['failed', working(ended(failed)), 'ended'],
])('one that %s', (_, run, group) => {
  expect(groupOf(run)).toBe(group)
})

describe('a list', () => {
  test('has what has ended lately, newest first, and what waits longest first', async () => {
    const { board } = boardOf([
      kept('old', working(ended({ kind: 'answer' }, 8 * day))),
      kept('yesterday', working(ended({ kind: 'answer' }, day))),
      kept('today', working(ended({ kind: 'answer' }))),
      kept('late', runWith(), now - minute),
      kept('early', runWith(), now - day),
    ])
    const list = async (group: 'ended' | 'waiting') => {
      const { runs, count } = await board.list({ group, whose: undefined })
      return [runs.map(({ id }) => id), count]
    }
    expect(await list('ended')).toEqual([['today', 'yesterday'], 2])
    expect(await list('waiting')).toEqual([['early', 'late'], 2])
  })

  test('of an owner, a repository or a person has theirs alone', async () => {
    const elsewhere = { thread: { ...issueThread, owner: 'Umbrella', repo: 'Lab', repoId: 200 } }
    const base = runWith()
    const { board } = boardOf([
      kept('maya', base),
      kept('zoe', runWith({ request: { ...base.request, by: zoe } })),
      kept('lab', runWith(elsewhere)),
    ])
    const of = async (filter: string) => {
      const { runs } = await board.list({ group: 'waiting', whose: filterOf(filter) })
      return runs.map(({ id }) => id)
    }
    expect(await of('')).toEqual(['lab', 'maya', 'zoe'])
    expect(await of(' ACME ')).toEqual(['maya', 'zoe'])
    expect(await of('umbrella/lab')).toEqual(['lab'])
    expect(await of('@Zoe')).toEqual(['zoe'])
    expect(await of('@nobody')).toEqual([])
  })

  test('of failures leaves out those after which somebody asked again', async () => {
    const at = (number: number) => ({ thread: { ...issueThread, number } })
    const { board } = boardOf([
      kept('failed', working(at(1), ended(failed))),
      kept('failed, then again', working(at(2), ended(failed)), now - day),
      kept('again', working(at(2))),
    ])
    const { runs } = await board.list({ group: 'failed', whose: undefined })
    expect((await board.stillLast(runs)).map(({ id }) => id)).toEqual(['failed'])
  })

  test('of days counts each end once, by what came of it', async () => {
    const { board } = boardOf([
      kept('a', working(ended({ kind: 'answer' }, minute))),
      kept('b', working(ended(failed, day))),
      kept('c', working(ended({ kind: 'answer' }, day))),
      kept('d', working(ended({ kind: 'answer' }, 9 * day))),
    ])
    const days = await board.outcomesByDay(3)
    const shown = days.map(({ outcomes }) =>
      Object.fromEntries(outcomes.filter(({ count }) => count > 0).map(({ kind, count }) => [kind, count])),
    )
    expect(shown).toEqual([{}, { answer: 1, failed: 1 }, { answer: 1 }])
  })
})

describe('with 5,000 runs', () => {
  const { board, reads } = boardOf(
    Array.from({ length: 5_000 }, (_, n) =>
      kept(
        `run-${String(n).padStart(4, '0')}`,
        n % 2 === 0
          ? runWith({ thread: { ...issueThread, number: n + 1 } })
          : working({ thread: { ...issueThread, number: n + 1 } }, ended({ kind: 'answer' }, n)),
        now - n,
      ),
    ),
  )

  test('a page reads what it shows', async () => {
    reads.length = 0
    const first = await board.list({ group: 'waiting', whose: undefined })
    const third = await board.list({ group: 'waiting', whose: undefined, page: 3 })
    expect([first.runs.length, first.count, first.isLast]).toEqual([50, 2_500, false])
    expect(third.runs.length).toBe(50)
    expect(reads).toHaveLength(100)
    const seen = new Set([...first.runs, ...third.runs].map(({ id }) => id))
    expect(seen.size).toBe(100)
  })

  test('the last page is the last, and there is none beyond', async () => {
    const last = await board.list({ group: 'waiting', whose: undefined, page: 50 })
    expect([last.runs.length, last.isLast]).toEqual([50, true])
    const beyond = await board.list({ group: 'waiting', whose: undefined, page: 51 })
    expect([beyond.runs, beyond.isLast]).toEqual([[], true])
    for (const page of [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY])
      expect((await board.list({ group: 'waiting', whose: undefined, page })).page).toBeGreaterThan(0)
  })

  test('all of them come page by page, those that are not over first', async () => {
    reads.length = 0
    const first = await board.all(undefined, 1)
    expect(first.runs.every(({ data }) => data.result.outcome === undefined)).toBe(true)
    const later = await board.all(undefined, 51)
    expect(later.runs.every(({ data }) => data.result.outcome !== undefined)).toBe(true)
    expect(reads).toHaveLength(100)
    const last = await board.all(undefined, 100)
    expect([last.runs.length, last.isLast]).toEqual([50, true])
  })
})
