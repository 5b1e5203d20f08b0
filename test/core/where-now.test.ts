/** Where its repository is now: what a Run takes along there, and what it leaves. */
import { expect, test } from 'vitest'
import { readMessages } from '../../src/core/record/messages.ts'
import { pullsToFind } from '../../src/core/record/own-pull-request.ts'
import { changed, newRun, type Run } from '../../src/core/record/run.ts'
import { ask, intends, maya, noTaskRun, rights, runWith, t0, taskRun, working } from './given.ts'

const { thread } = runWith()
const to = {
  ...thread,
  installationId: 77,
  owner: 'globex',
  ownerId: 9,
  repo: 'store',
  defaultBranch: 'trunk',
}
const moved = (run: Run): Run => readMessages(run, [JSON.stringify({ kind: 'poll', id: 'm', to })])

test('its thread is there, and what goes into the default branch still does', () => {
  const before = working({ retries: { github: { why: 'w', since: t0, until: t0 + 1, count: 1 } } })
  const run = moved(before)
  expect(run.thread).toMatchObject({
    ...to,
    number: thread.number,
    url: expect.stringMatching(/\/globex\/store\/issues\/\d+$/),
  })
  expect(run.retries.github).toBeUndefined()
  expect(before.workspace.branch?.into).toBe(thread.defaultBranch)
  expect(run.workspace.branch?.into).toBe('trunk')
})

const earlier = {
  taskId: 'task-1',
  taskRunId: 'run-1',
  over: false,
  may: { ...rights, repository: 'acme/shop' },
}

test.each<[string, Run, object]>([
  [
    'a task that was made for it is made anew',
    working(noTaskRun, { session: { taskMade: true } }),
    { taskId: undefined, taskMade: false },
  ],
  [
    'an earlier session is not gone on with',
    working(noTaskRun, { session: { taskMade: false, earlier } }),
    { taskId: undefined, earlier: { resumes: false } },
  ],
  [
    'an agent at work works on',
    working(),
    { taskId: working().session.taskId, taskRun: { id: taskRun.id } },
  ],
  [
    'one that may have begun is found first',
    working(
      noTaskRun,
      { session: { taskMade: true } },
      intends({ kind: 'start-run', at: t0, before: [] }),
    ),
    { taskId: working().session.taskId },
  ],
])('%s', (_, run, session) => expect(moved(run).session).toMatchObject(session))

test('a new run does not go on with a session of another name, and ends it', () => {
  const begun = (may: object | undefined) =>
    newRun({
      id: 'run-2',
      thread: { ...thread, owner: 'acme', repo: 'shop' },
      request: ask,
      baseline: runWith().baseline,
      session: { taskId: 'task-1', earlier: { ...earlier, may: may && { ...rights, ...may } } },
    }).session
  expect(begun({ repository: 'acme/old' })).toMatchObject({
    taskId: undefined,
    earlier: { resumes: false },
  })
  for (const may of [{ repository: 'acme/shop' }, {}, undefined])
    expect(begun(may)).toMatchObject({ taskId: 'task-1', earlier: { taskId: 'task-1' } })
})

test('a pull request that the agent calls by the former name is found', () => {
  const run = moved(working({ session: { taskRun: { ...taskRun, may: earlier.may } } }))
  const page = run.thread.url.replace(/\/issues\/\d+$/, '')
  const former = page.replace('globex/store', 'acme/shop')
  expect(pullsToFind(run, [`${former}/pull/9`, `${page}/pull/9`])).toEqual([`${page}/pull/9`])
})

test('one that the App had lost is told of there', () => {
  const lost = {
    kind: 'access-lost',
    id: 'l',
    by: maya,
    at: t0 + 1,
    because: 'transferred acme/shop',
  }
  const run = readMessages(working(), [JSON.stringify(lost)])
  expect(run.mailbox).toMatchObject({ accessLost: true, stop: { lost: true } })
  const both = [JSON.stringify(lost), JSON.stringify({ kind: 'poll', id: 'm', to })]
  expect(readMessages(run, both).mailbox).toMatchObject({ accessLost: false, stop: { lost: true } })
  expect(changed(run, {}).thread).toEqual(thread)
})
