/** When a branch that nothing came of goes, and when it stays. */
import { describe, expect, test, vi } from 'vitest'
import type { CallBudget } from '../../src/core/model/call-budget.ts'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import type { JobRecord, TasksClient } from '../../src/core/model/ports.ts'
import { threadSlot } from '../../src/core/model/thread.ts'
import { UnusedBranch } from '../../src/core/record/own-pull-request.ts'
import type { Run } from '../../src/core/record/run.ts'
import { removeBranch } from '../../src/maintenance/remove-branches.ts'
import { branch, hour, minute, runWith, t0, working } from '../core/given.ts'
import { clientOf, type GitHubCalls } from '../support/client-of.ts'
import { fakeLog } from '../support/fake-log.ts'
import { unlimited } from '../support/unlimited.ts'

const { thread } = working()
const unused = UnusedBranch.parse({
  thread,
  name: branch.name,
  sha: branch.sha,
  session: { taskId: 'task-1', taskRunId: 'run-1' },
  since: t0,
})

interface Given {
  memory?: unknown
  now?: number
  status?: TasksClient['statusOf']
  /** Where the branch stands; `undefined` when it is gone. */
  sha?: string | undefined
  live?: (turn: number) => Run | undefined
  github?: Partial<GitHubCalls>
  /** What PostHog’s budget says of a look. */
  look?: CallBudget['reserve']
}

/** Takes turns until it is done or rests. */
async function turns(given: Given) {
  let { memory = unused } = given
  let sha = 'sha' in given ? given.sha : branch.sha
  const did: string[] = []
  const github: Partial<GitHubCalls> = {
    'branches.find': async name => (sha === undefined ? undefined : { name, sha }),
    'branches.use': async () => ({ sha, isUsed: false, repository: 'R_1' }),
    'branches.ofIssue': async () => ({ linked: [], ours: [], base: undefined, ids: undefined }),
    'branches.delete': async (name, from) => {
      did.push(`removed ${name} at ${from}`)
      sha = undefined
    },
    'branches.create': async (name, at) => {
      did.push(`put back ${name} at ${at}`)
      sha = at
      return { linked: true }
    },
    ...given.github,
  }
  let turn = 0
  const kept = (): JobRecord<Run> | undefined => {
    const data = given.live?.(turn)
    return data && { id: data.id, data, standing: 'live', addedAt: t0 }
  }
  const take = removeBranch({
    github: () => clientOf(github),
    tenantOf: () => ({
      posthog: { statusOf: given.status ?? (async () => 'completed') },
      budget: { reserve: given.look ?? unlimited.reserve },
    }),
    runs: {
      holder: async slot => (slot === threadSlot(thread) ? kept()?.id : undefined),
      get: async () => kept(),
    },
    log: fakeLog(),
    now: () => given.now ?? t0 + minute,
  })
  const { signal } = new AbortController()
  const remember = async (next: unknown): Promise<void> => {
    memory = next
  }
  for (; ; turn++) {
    const ms = await take({ memory, signal, remember })
    if (ms !== 0) return { ms, did }
  }
}

const removed = { ms: 'done', did: [`removed ${branch.name} at ${branch.sha}`] }
const rests = { ms: 5 * minute, did: [] }
const stays = { ms: 'done', did: [] }

test.each(['completed', 'failed', 'cancelled'] as const)(
  'a task run that is %s uses it no more',
  async end => {
    expect(await turns({ status: async () => end })).toEqual(removed)
  },
)

describe('it stays, and is looked at again in five minutes', () => {
  const fails = (error: Error) => ({ status: () => Promise.reject(error) })

  test.each<[string, Given]>([
    ['while its task run idles', { status: async () => 'in_progress' }],
    ['while a run of the thread lives', { live: () => runWith() }],
    ['while PostHog does not answer', fails(new NoResponse('posthog', 'reset'))],
    [
      'while PostHog refuses to say',
      fails(new Rejected('posthog', 404, '', 'no', undefined, 'read')),
    ],
    [
      'while there is a limit',
      fails(new RetryLater('posthog', t0 + 2 * minute, 'rate-limit', 'limit')),
    ],
    ['when another version wrote of it', { memory: { v: 2 } }],
  ])('%s', async (_, given) => {
    expect(await turns(given)).toEqual(rests)
  })

  test('a limit puts it off for longer', async () => {
    const limit = new RetryLater('posthog', t0 + hour, 'rate-limit', 'limit')
    expect(await turns(fails(limit))).toEqual({ ms: 59 * minute, did: [] })
  })
})

describe('an hour of idling is looked at with what is left of PostHog’s budget alone', () => {
  test('as one call that can wait, and counted once', async () => {
    const asked: Parameters<CallBudget['reserve']>[0][] = []
    const look: CallBudget['reserve'] = async what => void asked.push(what)
    const status = vi.fn<TasksClient['statusOf']>(async () => 'in_progress')
    expect(await turns({ look, status })).toEqual(rests)
    expect(asked).toEqual([{ owner: thread.owner, id: 'branch run-1', calls: 1 }])
    expect(status).toHaveBeenCalledExactlyOnceWith(unused.session, { counted: true })
  })

  test.each([
    ['soon', 2_000, 5 * minute],
    ['late', 20 * minute, 20 * minute],
  ])(
    'where there is nothing left, nothing is asked: told to come back %s',
    async (_, ms, pause) => {
      const look = async () => ms
      const status = () => Promise.reject(new Error('asked'))
      expect(await turns({ look, status })).toEqual({ ms: pause, did: [] })
    },
  )

  test('where nobody can say what is left, it is asked', async () => {
    expect(await turns({ look: () => Promise.reject(new Error('no Redis')) })).toEqual(removed)
  })
})

describe('it stays for good', () => {
  test.each<[string, Given]>([
    ['when something was pushed to it', { sha: 'f'.repeat(40) }],
    [
      'when a pull request goes into it',
      {
        github: {
          'branches.use': async () => ({ sha: branch.sha, isUsed: true, repository: 'R_1' }),
        },
      },
    ],
    [
      'when its task run lasts for two days',
      { now: t0 + 49 * hour, status: async () => 'in_progress' },
    ],
    [
      'when GitHub does not let it go',
      {
        github: { 'branches.delete': () => Promise.reject(new Rejected('github', 403, '', 'no')) },
      },
    ],
  ])('%s', async (_, given) => {
    expect(await turns(given)).toEqual(stays)
  })
})

test('gone already, it is done', async () => {
  expect(await turns({ sha: undefined })).toEqual(stays)
})

describe('a run that found it while it was being removed', () => {
  const began = (name = branch.name) => working({ workspace: { branch: { ...branch, name } } })

  test('has it back', async () => {
    const live = (turn: number) => (turn === 0 ? undefined : began())
    const { ms, did } = await turns({ live })
    expect(did).toEqual([...removed.did, `put back ${branch.name} at ${branch.sha}`])
    expect(ms).toBe(5 * minute)
  })

  test('has it back also when the process died meanwhile', async () => {
    const memory = { ...unused, removing: true }
    const { did } = await turns({ memory, sha: undefined, live: () => began() })
    expect(did).toEqual([`put back ${branch.name} at ${branch.sha}`])
  })

  test('gets no other one back, and none that somebody else took away', async () => {
    const memory = { ...unused, removing: true }
    expect(await turns({ memory, sha: undefined, live: () => began('release') })).toEqual(rests)
    expect(await turns({ sha: undefined, live: () => began() })).toEqual(rests)
  })
})

test('what goes wrong otherwise is left to the queue', async () => {
  const boom = new Error('boom')
  await expect(turns({ status: () => Promise.reject(boom) })).rejects.toBe(boom)
})
