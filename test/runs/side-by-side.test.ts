/** What is begun in the same moment: the status, the branch and the task, each settled by itself. */

import { beforeEach, describe, expect, test } from 'vitest'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import type { StepResult, TasksClient } from '../../src/core/model/ports.ts'
import type { Posted } from '../../src/core/model/views.ts'
import { openIntents } from '../../src/core/record/intents.ts'
import type { Run, RunChange } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { limits } from '../../src/core/record/timing.ts'
import { advanceRun } from '../../src/runs/advance-run.ts'
import { given } from '../commands/command-world.ts'
import { branch, hour, limitedTo, minute, runWith, second, status, t0 } from '../core/given.ts'
import type { GitHubCalls } from '../support/client-of.ts'
import { memoryIndex } from '../support/memory-index.ts'

const admitted: RunChange = { schedule: { admitted: true } }
const statusId = 601
const older = { id: 'run-comment-400', addedAt: t0 - second, data: runWith(admitted) }

let now: number
/** Saves and effects, in their order. */
let done: string[]
let record: Run
beforeEach(() => {
  now = t0
  done = []
})

interface Effects extends Partial<Pick<TasksClient, 'createTask'>> {
  comment?: GitHubCalls['comments.post']
  makeBranch?: GitHubCalls['branches.create']
}

/** Goes on with the record, in a world where all goes well but for what is given. */
async function goOn(
  run: Run,
  effects: Effects = {},
  others: (typeof older)[] = [],
): Promise<StepResult> {
  record = run
  const save = async (next: Run): Promise<void> => {
    record = next
    done.push(`save ${openIntents(next).map(({ kind }) => kind)}`)
  }
  const told =
    <Args extends unknown[], T>(name: string, effect: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> => {
      done.push(name)
      return effect(...args)
    }
  const { deps, job } = given(run, {
    now: () => now,
    save,
    index: memoryIndex(() =>
      others.map(each => ({ id: each.id, entries: runIndex.entries(each) })),
    ),
    github: {
      'thread.readAhead': async () => {},
      'thread.closing': async () => undefined,
      'comments.ofOthers': async () => [],
      'comments.own': async () => [],
      async 'branches.ofIssue'() {
        // However many parts of the bot what was read ahead goes through.
        for (let turns = 0; turns < 50; turns += 1) await undefined
        return {
          linked: [],
          ours: [],
          base: { name: 'main', sha: branch.sha },
          ids: undefined,
        }
      },
      'comments.post': told('comment', effects.comment ?? (async () => ({ id: statusId }))),
      'branches.create': told(
        'branch',
        effects.makeBranch ?? (async () => ({ linked: true, open: true })),
      ),
      'comments.edit': told('edit', async () => ({ nodeId: 'IC_1' })),
      'branches.use': async () => ({ sha: branch.sha, isUsed: false, repository: 'R_1' }),
      'branches.delete': told('drop branch', async () => {}),
      'thread.settle': async () => ({ refused: [] }),
      'pulls.from': async () => [],
    },
    posthog: {
      findTask: async () => undefined,
      integrationFor: async () => undefined,
      createTask: told('task', effects.createTask ?? (async () => 'task-1')),
      // Far enough for what this is about.
      startRun: told('run', () =>
        Promise.reject(new RetryLater('posthog', t0 + 90 * minute, 'usage-limit', '')),
      ),
    },
  })
  return advanceRun(deps)(job)
}

const begins = (effects?: Effects) => goOn(runWith(admitted), effects)

const refused = (service: 'github' | 'posthog', status: number) => () =>
  Promise.reject(new Rejected(service, status, '', 'no'))
const lost = (service: 'github' | 'posthog') => () =>
  Promise.reject(new NoResponse(service, 'reset'))

/** Up to the start of the agent, after which all is as ever. */
const effectsDone = () => {
  const all = done.filter(name => !name.startsWith('save'))
  return (all.includes('run') ? all.slice(0, all.indexOf('run') + 1) : all).join(', ')
}
const beginning = ['comment', 'task', 'branch']

describe('the status, the branch and the task', () => {
  test('are begun together, when one save has said of all of them that they will be', async () => {
    await begins()
    expect(done.slice(0, 4)).toEqual(['save post-status,create-task', ...beginning])
    expect(record.workspace.madeBranch).toBe(branch.name)
    expect(effectsDone()).toBe('comment, task, branch, run')
  })

  test.each(beginning)('%s is written down while the others are under way', async name => {
    let others = (): void => {}
    const held = new Promise<void>(resolve => {
      others = resolve
    })
    const hold = (mine: string) => (mine === name ? Promise.resolve() : held)
    const going = begins({
      comment: () => hold('comment').then(() => ({ id: statusId })),
      makeBranch: () => hold('branch').then(() => ({ linked: true, open: true })),
      createTask: () => hold('task').then(() => 'task-1'),
    })
    const known = () => [record.report.status, record.session.taskId, record.workspace.branch]
    await expect.poll(() => known().filter(part => part !== undefined).length).toBe(1)
    expect(known().findIndex(part => part !== undefined)).toBe(beginning.indexOf(name))
    expect(openIntents(record).map(({ kind }) => kind)).toEqual(
      { comment: ['create-task'], branch: ['post-status', 'create-task'], task: ['post-status'] }[
        name
      ],
    )
    expect(effectsDone()).not.toContain('run')
    others()
    await going
    expect(known()).not.toContain(undefined)
    expect(effectsDone()).toBe('comment, task, branch, run')
  })

  test('wait for the turn, but for the status', async () => {
    await goOn(runWith(limitedTo({ person: 1 })), {}, [older])
    expect(effectsDone()).toBe('comment')
  })
})

describe('of the status, the branch and the task', () => {
  const setup = { kind: 'failed', class: 'setup' }

  test('a branch that is refused ends the Run before it costs anything, and the thread is told', async () => {
    await begins({ makeBranch: refused('github', 422) })
    expect(record).toMatchObject({
      result: { outcome: setup },
      report: { status: { commentId: statusId } },
      session: { taskId: 'task-1' },
    })
    expect(effectsDone()).toBe('comment, task, branch, edit, comment')
  })

  test('a task that is refused leaves no branch, and the thread is told', async () => {
    await begins({ createTask: refused('posthog', 400) })
    expect(record).toMatchObject({ result: { outcome: { kind: 'failed' } } })
    // An edit is no mail.
    expect(effectsDone()).toBe('comment, task, branch, edit, comment, drop branch')
  })

  test('of two that are refused, the thread is told the first', async () => {
    let first: Run['result']['outcome']
    const second = async () => {
      await expect.poll(() => record.result.outcome).toEqual(expect.objectContaining(setup))
      first = record.result.outcome
      return refused('posthog', 401)()
    }
    const effects = { makeBranch: refused('github', 422), createTask: second }
    await begins(effects)
    expect(record.result.outcome).toBe(first)
    expect(effectsDone()).toBe('comment, task, branch, edit, comment')
  })

  test('what is given up is not looked for before the thread is told', async () => {
    const intent = [{ kind: 'create-task' as const, at: t0 - 25 * hour, lostAt: t0 - 25 * hour }]
    const posthog = { why: 'away', since: t0 - 25 * hour, until: t0 + minute, count: 9 }
    await goOn(
      runWith(admitted, { retries: { posthog }, attempts: { intent } }, { report: { status } }),
    )
    expect(record.result.outcome).toMatchObject({ kind: 'failed', class: 'network' })
    // The wait, the end, and the last word.
    expect(effectsDone()).toBe('edit, edit, comment')
  })

  test('a status that is under way when another is refused is looked for, should the process die', async () => {
    let post = (): void => {}
    const held = new Promise<Posted>(resolve => {
      post = () => resolve({ id: statusId })
    })
    const effects = { comment: () => held, makeBranch: refused('github', 422) }
    const going = begins(effects)
    await expect.poll(() => record.result.outcome).toEqual(expect.objectContaining(setup))
    expect(openIntents(record)).toEqual([{ kind: 'post-status', at: t0 }])
    post()
    await going
    expect(openIntents(record)).toEqual([])
  })

  test('a status that is refused has the Run wait, and in the end leaves no branch', async () => {
    const effects = { comment: refused('github', 403) }
    await begins(effects)
    expect(effectsDone()).toBe('comment, task, branch')
    expect(record).toMatchObject({
      session: { taskId: 'task-1' },
      workspace: { branch: { name: branch.name } },
    })
    now = t0 + limits.refusedBefore
    await goOn(record, effects)
    expect(record.result.outcome).toMatchObject({ kind: 'failed' })
    expect(effectsDone()).toBe('comment, task, branch, comment, drop branch')
  })

  test('where GitHub does not answer, the task stays, and the others are seen to again', async () => {
    const effects = { comment: lost('github'), makeBranch: lost('github') }
    await begins(effects)
    expect(effectsDone()).toBe('comment, task, branch')
    expect(record).toMatchObject({ session: { taskId: 'task-1' } })
    expect(record.retries).toEqual({ github: expect.anything() })
    now = t0 + minute
    await goOn(record)
    expect(effectsDone()).toMatch(
      /^comment, task, branch, (?:comment, branch|branch, comment), run$/,
    )
  })

  test('where PostHog does not answer, the thread has its status and the Run its branch', async () => {
    await begins({ createTask: lost('posthog') })
    expect(effectsDone()).toMatch(/^comment, task, branch\b/)
    expect(record).toMatchObject({
      report: { status: {} },
      workspace: { branch: { name: branch.name } },
    })
    expect(record.retries).toEqual({ posthog: expect.anything() })
  })
})
