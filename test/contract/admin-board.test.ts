/** What the admin pages list: each Run in one place, and as few reads for 5,000 as for five. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { changed, type Outcome, type Run, type RunChange } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { filterOf, openBoard } from '../../src/web/admin/board.ts'
import { plain, runInJson, shown } from '../../src/web/admin/run-view.ts'
import { hour, issueThread, minute, pull, runWith, t0, working, zoe } from '../core/given.ts'
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
  const index = memoryIndex(() => jobs)
  const board = openBoard(
    {
      ...index,
      getMany: async ids =>
        ids.flatMap(id => {
          reads.push(id)
          const found = byId.get(id)
          return found ? [{ ...found, standing: 'live' as const }] : []
        }),
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

type Group = 'ended' | 'waiting'

/** The ids on the first page of a list, as somebody filters it. */
async function idsIn({ board }: ReturnType<typeof boardOf>, group: Group, filter: string) {
  const { runs } = await board.list({ group, whose: await board.whoseOf(filterOf(filter)) })
  return runs.map(({ id }) => id).join(', ')
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
const atZero: RunChange = {
  schedule: {
    waits: { kind: 'zero', of: 'repository', limit: '`limits.repository` is 0', ahead: 0 },
  },
}
describe('a list', () => {
  test('has what has ended lately, newest first, and what waits longest first', async () => {
    const { board } = boardOf([
      kept('old', working(ended({ kind: 'answer' }, 8 * day))),
      kept('yesterday', working(ended({ kind: 'answer' }, day))),
      kept('today', working(ended({ kind: 'answer' }))),
      kept('late', runWith(), now - minute),
      kept('early', runWith(), now - day),
    ])
    const list = async (group: Group) => {
      const { runs, count } = await board.list({ group, whose: undefined })
      return [runs.map(({ id }) => id), count]
    }
    expect(await list('ended')).toEqual([['today', 'yesterday'], 2])
    expect(await list('waiting')).toEqual([['early', 'late'], 2])
  })

  test('of an owner, a repository or a person has theirs alone', async () => {
    const elsewhere = { thread: { ...issueThread, owner: 'Umbrella', repo: 'Lab', repoId: 200 } }
    const base = runWith()
    const all = boardOf([
      kept('maya', base),
      kept('zoe', runWith({ request: { ...base.request, by: zoe } })),
      kept('lab', runWith(elsewhere)),
    ])
    for (const [filter, ids] of [
      ['', 'lab, maya, zoe'],
      [' ACME ', 'maya, zoe'],
      ['umbrella/lab', 'lab'],
      ['acme/nowhere', ''],
      ['@Zoe', 'zoe'],
      ['@nobody', ''],
    ] as const)
      expect(await idsIn(all, 'waiting', filter), filter).toBe(ids)
  })

  test('of a number has the runs of that thread, and those that opened that pull request', async () => {
    const opened = { pulls: [{ ...pull, number: 12 }] }
    const thread = (number: number): RunChange => ({ thread: { ...issueThread, number } })
    const all = boardOf([
      kept('waits', runWith(thread(12))),
      kept('is another', runWith(thread(120))),
      kept('opened it', working(thread(4), ended({ kind: 'pull' }), { result: opened })),
    ])
    for (const [group, filter, ids] of [
      ['waiting', '#12', 'waits'],
      ['ended', ' #012 ', 'opened it'],
      ['ended', '#4', 'opened it'],
      ['waiting', '12', ''],
      ['waiting', '#', ''],
    ] as const)
      expect(await idsIn(all, group, filter), filter).toBe(ids)
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

  const waiting = (page?: number) => board.list({ group: 'waiting', whose: undefined, page })

  test('a page reads what it shows', async () => {
    reads.length = 0
    const first = await waiting()
    const third = await waiting(3)
    expect([first.runs.length, first.count, first.isLast]).toEqual([50, 2_500, false])
    expect(third.runs.length).toBe(50)
    expect(reads).toHaveLength(100)
    const seen = new Set([...first.runs, ...third.runs].map(({ id }) => id))
    expect(seen.size).toBe(100)
  })

  test('of failures the first page reads the newest, and shows those that nobody asked for again', async () => {
    const { board: failing, reads: read } = boardOf(
      Array.from({ length: 1_000 }, (_, n) => {
        // Each second one is asked for again by the next.
        const thread = { ...issueThread, number: 2 + n - (n % 2) }
        return kept(
          `run-${String(n).padStart(4, '0')}`,
          working({ thread }, ended(failed, 1_000 - n)),
          now - 9_000 + n,
        )
      }),
    )
    const { runs, count, isLast } = await failing.failed(undefined)
    expect([read.length, runs.map(({ id }) => id), count, isLast]).toEqual([
      50,
      ['run-0999', 'run-0997', 'run-0995', 'run-0993', 'run-0991'],
      975,
      false,
    ])
    // Kept for longer, but shown for three days.
    const { board: old } = boardOf([kept('old', working(ended(failed, 3 * day)))])
    expect(await old.failed(undefined)).toMatchObject({ count: 0, runs: [] })
  })

  test('the last page is the last, and there is none beyond', async () => {
    const last = await waiting(50)
    expect([last.runs.length, last.isLast]).toEqual([50, true])
    const beyond = await waiting(51)
    expect([beyond.runs, beyond.isLast]).toEqual([[], true])
    for (const page of [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY])
      expect((await waiting(page)).page).toBeGreaterThan(0)
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

test.each([
  ['a hand of any colour stays', '👋🏽', '👋🏽'],
  ['what nobody sees beside it goes', '👩\u200dx\u200b \u202eexe', '👩x exe'],
  ['letters that only machines read go', '🏴\u{e0068}\u{e0069}', '🏴'],
])('of emoji on a page, %s', (_, text, expected) => {
  expect(shown(text)).toBe(expected)
})

test('a link in a sentence of ours is its words', () => {
  expect(plain('One run must end first: [#4](https://github.com/acme/docs/issues/4).')).toBe(
    'One run must end first: #4',
  )
  expect(plain('`a[0](b)` and [x](javascript:alert(1))')).not.toMatch(/<|href/)
})

describe('a run in JSON', () => {
  const over = working(ended({ kind: 'pull' }), {
    session: { cost: 1.25 },
    result: {
      pulls: [{ ...pull, state: 'merged' }],
      ended: { number: 9, how: 'merged', at: now },
      rounds: { asked: 1, byPostHog: 2 },
    },
  })
  const at = (ms: number): string => new Date(ms).toISOString()
  const thread = { id: 'run-comment-501', repository: 'acme/shop', number: 7, by: 'maya' }
  const none = { waitsFor: null, pull: null, cost: null, pullEnd: null, rounds: 0 }

  test.each([
    [
      'of one whose pull request was merged',
      over,
      {
        ...thread,
        ...none,
        state: 'pull',
        since: at(now - hour),
        pull: pull.url,
        cost: 1.25,
        pullEnd: { how: 'merged', at: at(now) },
        rounds: 3,
      },
    ],
    [
      'of one at work',
      working({ schedule: { admissionExpectedAt: t0 + minute } }),
      { ...thread, ...none, state: 'working', since: at(t0 + minute) },
    ],
    [
      'of one at a limit of 0',
      runWith(atZero),
      {
        ...thread,
        ...none,
        state: 'waiting',
        since: at(t0),
        waitsFor: 'Waits. limits.repository is 0',
      },
    ],
  ])('%s', (_, run, expected) => {
    expect(runInJson(run, now)).toEqual(expected)
  })

  test('has what docs/admin.md promises', () => {
    const [, fields = ''] =
      /\{"runs": \[\{(.+?)\}\]\}/.exec(readFileSync('docs/admin.md', 'utf8')) ?? []
    expect(fields.split(', ')).toEqual(Object.keys(runInJson(over, now)))
  })
})
