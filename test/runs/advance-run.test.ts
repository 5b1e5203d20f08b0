/** How a Run moves on, whatever a step comes to: each of its steps, and each of the faults. */
import { describe, expect, test, vi } from 'vitest'
import type { CallBudget } from '../../src/core/model/call-budget.ts'
import type { Role } from '../../src/core/model/command-grammar.ts'
import { NoResponse, Rejected, RetryLater, type Service } from '../../src/core/model/errors.ts'
import type { TasksClient } from '../../src/core/model/ports.ts'
import type { Person } from '../../src/core/model/thread.ts'
import { cancelKey } from '../../src/core/record/agent-end.ts'
import { retryOf } from '../../src/core/record/retries.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import { advanceRun } from '../../src/runs/advance-run.ts'
import { type Differs, given } from '../commands/command-world.ts'
import {
  ask,
  askedInReview,
  branch,
  cancelAsked,
  contextFor,
  due,
  earlierIs,
  hour,
  idleSince,
  inLine,
  inlineComment,
  instruction,
  intends,
  labelled,
  lastPoll,
  left,
  logIs,
  maya,
  minute,
  more,
  nextPoll,
  noTaskRun,
  notSent,
  passing,
  pull,
  pullThread,
  rights,
  runWith,
  second,
  snapshotWith,
  status,
  stopAsked,
  t0,
  taskRun,
  taskRunIs,
  told,
  word,
  wordsAre,
  wordsWait,
  working,
  zoe,
} from '../core/given.ts'
import { begin } from '../core/run-life/agent.ts'
import { scriptWith } from '../core/run-life/script.ts'
import { gitHubOf, postHogOf } from '../core/run-life/services.ts'
import { World } from '../core/run-life/world.ts'
import type { GitHubCalls } from '../support/client-of.ts'
import { deploymentWith, settingsOf } from '../support/deployment.ts'
import { fakeLog } from '../support/fake-log.ts'

const now = t0 + second
const later = now + hour

/** In a thread that takes no comments, so that nothing is due but what a test is about. */
const mute: RunChange = { report: { readOnlyThread: true, status: undefined } }
const idle = idleSince(t0 - minute)
const over: RunChange = changed(mute, {
  result: { outcome: { kind: 'answer' }, concludedAt: t0 },
  report: { done: told },
  session: { cost: null },
})

const earlier = { taskId: 'task-1', taskRunId: 'run-0', over: false }
const notBegun: RunChange = changed(noTaskRun, notSent)
const beforeBranch: RunChange = { schedule: { admitted: true }, session: { taskId: 'task-1' } }

const lineAnswers = '```review-comments\n[{ "id": 1, "done": true, "said": "Done." }]\n```'
const saysWhatIsFixed = working({
  ...over,
  thread: pullThread,
  request: askedInReview(1),
  session: { sessionLog: idleSince(t0, { answer: lineAnswers }), cost: null },
  baseline: { settings: settingsOf('review: { resolve: true }') },
})

/** A Run for each step that asks a service, just before it. */
const steps: [step: string, asks: Service, run: Run][] = [
  ['post-status', 'github', runWith(inLine(1))],
  ['edit-status', 'github', working(nextPoll(later))],
  ['await-admission', 'github', runWith(mute, inLine(1))],
  ['find-branch', 'github', runWith(mute, beforeBranch)],
  [
    'create-task',
    'posthog',
    runWith(mute, { schedule: { admitted: true }, workspace: { branch } }),
  ],
  [
    'gather-context',
    'github',
    working(mute, noTaskRun, { workspace: { threadContext: undefined } }),
  ],
  ['start-run', 'posthog', working(mute, notBegun)],
  ['rejoin', 'posthog', working(mute, noTaskRun, earlierIs({ ...earlier, may: rights }))],
  ['end-earlier', 'posthog', working(mute, noTaskRun, earlierIs(earlier), due)],
  ['deliver', 'posthog', working(mute, passing(more('a')), nextPoll(later))],
  ['cancel', 'posthog', working(mute, nextPoll(later), stopAsked)],
  ['poll', 'posthog', working(mute, due)],
  [
    'adopt-pull',
    'github',
    working(mute, nextPoll(later), { result: { claimedPulls: [pull.url] } }),
  ],
  ['find-result', 'github', working(mute, nextPoll(later), lastPoll(later), logIs(idle))],
  ['conclude', 'github', working(over, left('conclude'))],
  ['answer-inline', 'github', working({ ...over, request: askedInReview(1) })],
  ['find-fixed', 'github', saysWhatIsFixed],
  [
    'resolve-threads',
    'github',
    working(
      saysWhatIsFixed,
      { result: { fixed: { comments: [{ id: 1, threadId: 'PRRT_1' }] } } },
      { report: { inlineAnswered: 1 } },
    ),
  ],
  ['react', 'github', working(over, left('react'))],
  [
    'show-state',
    'github',
    working(over, { baseline: { settings: { ...defaultSettings, labels: { state: true } } } }),
  ],
  ['unlabel', 'github', working(over, labelled)],
  ['drop-branch', 'github', working(over, taskRunIs({ status: 'completed' }), left('drop-branch'))],
]

const mergedWord = { commentId: 77, as: 'comment', news: '{"end":"merged"}' } as const
const mergedSince: RunChange = {
  result: {
    ...over.result,
    pulls: [pull],
    outcome: { kind: 'pull' },
    ended: { number: pull.number, how: 'merged', at: t0 },
  },
  report: { ...over.report, lastWord: { commentId: 77, as: 'comment' } },
}

const otherThan = (service: Service): Service => (service === 'github' ? 'posthog' : 'github')
const rejects = (fault: Error) => (): Promise<never> => Promise.reject(fault)
const atLimit = (service: Service) => rejects(new RetryLater(service, later, 'rate-limit', 'limit'))
const noRead = (service: Service, status: number): Rejected =>
  new Rejected(service, status, '', 'no', undefined, 'read')
const locked = rejects(new Rejected('github', 403, '', 'locked'))

/** What a thread takes, and what a session may cost, for tests that are about neither. */
const quiet = {
  'comments.post': async () => ({ id: 1 }),
  'thread.settle': async () => ({ refused: [] }),
}
const edited = async () => ({ nodeId: 'IC_9' })
const nothingNew = async () => snapshotWith({})
const noCost = { cost: async () => undefined }
const removeLater = async (): Promise<void> => {}

const runOf = (name: string): Run => steps.find(([step]) => step === name)?.[2] ?? expect.fail(name)

interface Came {
  /** What the queue is told, such as `park 1000`. */
  verdict: string
  saves: Run[]
  /** The record as it was left. */
  run: Run
}

async function advance(run: Run, { save, ...differs }: Differs = {}): Promise<Came> {
  const saves: Run[] = []
  const { deps, job } = given(run, {
    now: () => now,
    save: async next => {
      saves.push(next)
      await save?.(next)
    },
    ...differs,
  })
  const result = await advanceRun(deps)(job)
  const verdict = result.kind === 'park' ? `park ${result.ms}` : result.kind
  return { verdict, saves, run: saves.at(-1) ?? run }
}

/**
 * Clients of which every call fails, but the one that never does. Whoever asks for ever meets an end that is no fault
 * of a service.
 */
function failing(
  fault: Error,
): Required<Pick<Differs, 'github' | 'posthog'>> & { asked(): number } {
  let asked = 0
  const fail = (): Promise<never> =>
    Promise.reject(++asked > 30 ? new Error('asked for ever') : fault)
  const fails = <T extends object>(known: Partial<T> = {}): T =>
    new Proxy(known, { get: (_, name) => Reflect.get(known, name) ?? fail }) as T
  return {
    asked: () => asked,
    github: fails<GitHubCalls>(),
    posthog: fails<TasksClient>({ cost: async () => undefined }),
  }
}

test('what was read with the command is used until the record is first saved', async () => {
  const run = runOf('post-status')
  const prefetched = { at: now, open: true }
  const saves: Run[] = []
  const { deps, job } = given(changed(run, { baseline: { prefetched } }), {
    now: () => now,
    save: async next => void saves.push(next),
    ...failing(new Rejected('github', 403, '', 'no')),
  })
  const github = vi.fn(deps.github)
  await advanceRun({ ...deps, github })(job)
  expect(github.mock.calls).toEqual([[run.thread, prefetched]])
  expect(saves.length).toBeGreaterThan(0)
  expect(saves.filter(({ baseline }) => baseline.prefetched !== undefined)).toEqual([])
})

describe.each(steps)('%s', (step, asks, run) => {
  test('waits for a limit until it lets go', async () => {
    const until = now + 30 * second
    const came = await advance(run, failing(new RetryLater(asks, until, 'rate-limit', 'limit')))
    expect(came.run.retries).toEqual({
      [asks]: { why: 'limit', since: now, until, count: 1, limit: true },
    })
    expect(came.verdict).toBe(`park ${until - now}`)
  })

  test('tries again a little later when no answer comes, and says so in the log', async () => {
    const warn = vi.fn()
    const fault = new NoResponse(asks, 'reset')
    const came = await advance(run, { ...failing(fault), log: fakeLog({ warn }) })
    const trouble = { why: 'reset', since: now, until: now + second, count: 1 }
    // Looks go before words then.
    const ofAgent = step === 'deliver' ? { agent: { ...trouble, until: trouble.until + 1 } } : {}
    expect(came.run.retries).toEqual({ [asks]: trouble, ...ofAgent })
    expect(came.verdict).toBe(step === 'deliver' ? 'park 1001' : 'park 1000')
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ run: run.id, step, err: fault }),
      'no usable answer',
    )
  })

  test('leaves what nobody expected to the queue', async () => {
    const boom = new Error('boom')
    await expect(advance(run, failing(boom))).rejects.toBe(boom)
  })

  test('that goes well ends the trouble with its service, and no other', async () => {
    const { retries } = await once(run, asks)
    expect(retries[asks]).toBeUndefined()
    expect(retries).toMatchObject({ [otherThan(asks)]: { why: 'limit' } })
  })
})

describe('a step that comes to nothing is not taken again at once', () => {
  const faults: [why: string, fault: (asks: Service) => Error][] = [
    [
      'its limit is over already',
      asks => new RetryLater(asks, now - minute, 'rate-limit', 'limit'),
    ],
    ['its limit is over now', asks => new RetryLater(asks, now, 'unavailable', 'limit')],
    [
      'the other service has a limit',
      asks => new RetryLater(otherThan(asks), later, 'rate-limit', 'limit'),
    ],
    ['the other service does not answer', asks => new NoResponse(otherThan(asks), 'reset')],
    ['the other refuses a read', asks => noRead(otherThan(asks), 404)],
  ]

  describe.each(faults)('where %s', (_, fault) => {
    test.each(steps)('%s', async (_step, asks, run) => {
      const clients = failing(fault(asks))
      expect((await advance(run, clients)).verdict).toBe('park 1000')
      expect(clients.asked()).toBeLessThan(8)
    })
  })

  test('where it has nothing to do', async () => {
    let saves = 0
    const save = async (): Promise<void> => {
      if (++saves > 30) throw new Error('done for ever')
    }
    const stopped = working(mute, stopAsked, { session: { taskId: undefined } })
    expect((await advance(stopped, { save })).verdict).toBe('park 1000')
  })
})

/** Takes a step that asks `asks`, with services that work, for a Run that had trouble with both of them. */
async function once(run: Run, asks: Service): Promise<Run> {
  const world = new World(scriptWith())
  const worker = {
    dead: false,
    lost: false,
    shutdown: new AbortController(),
    freeze: () => Promise.resolve(),
  }
  const agents = [begin([]), begin([])]
  for (const [index, id] of [taskRun.id, 'run-0'].entries())
    Object.assign(agents[index] ?? {}, { id, status: 'in_progress' })
  world.branches.set(branch.name, branch.sha)
  world.tasks.push({ id: 'task-1', description: '', runs: agents })
  const trouble = { why: 'limit', since: t0, until: t0, count: 1 }
  const retries = { github: trouble, posthog: trouble }
  const { signal } = worker.shutdown
  // Not its announcement.
  const isResult = ({ retries }: Run): boolean => retries[asks] === undefined
  const { saves } = await advance(changed(run, { retries }), {
    github: gitHubOf(world, worker),
    posthog: postHogOf(world, worker),
    signal,
    save: async next => {
      if (isResult(next)) worker.shutdown.abort()
    },
  })
  const result = saves.find(isResult)
  expect(result).toBeDefined()
  return result ?? run
}

describe('a step that is refused', () => {
  const no = (status = 422, message = 'no'): Differs =>
    failing(new Rejected('posthog', status, '', message))
  const failed = { kind: 'failed', class: expect.any(String) }

  test.each(['find-branch', 'create-task', 'start-run', 'rejoin'])(
    '%s fails the Run, and nothing is under way any more',
    async name => {
      const { saves } = await advance(runOf(name), { ...no(), removeLater })
      const after = saves.find(({ result: { outcome } }) => outcome)
      expect(after).toMatchObject({ result: { outcome: failed, concludedAt: now } })
      expect(after?.attempts.intent).toBeUndefined()
    },
  )

  test('says so in the log', async () => {
    const warn = vi.fn()
    await advance(runOf('poll'), { ...no(), log: fakeLog({ warn }) })
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ step: 'poll', err: expect.any(Rejected) }),
      'refused',
    )
  })

  test('edit-status: the Run goes on, and the thread is told after a while', async () => {
    const github = { 'comments.edit': locked }
    const first = await advance(runOf('edit-status'), { github })
    expect(first.run.retries.thread).toEqual({
      why: 'locked',
      since: now,
      until: now + 5 * second,
      count: 1,
    })
    expect(first.verdict).toBe('park 5000')
    const again = await advance(first.run, { github, now: () => now + 5 * second })
    const twice = { why: 'locked', since: now, until: now + 15 * second, count: 2 }
    expect(again.run.retries.thread).toEqual(twice)
    const heard = await advance(again.run, {
      github: { 'comments.edit': edited },
      now: () => now + 15 * second,
    })
    expect(heard.run.retries.thread).toBeUndefined()
    expect(heard.run.report.status?.at).toBe(now + 15 * second)
  })

  test('edit-status: a status that is folded away is not edited any more', async () => {
    const run = runOf('edit-status')
    const edit = vi.fn(edited)
    const folded = changed(run, { report: { status: { ...status, minimized: true } } })
    const after = await advance(folded, { github: { 'comments.edit': edit } })
    expect(edit).not.toHaveBeenCalled()
    expect(after.run.report.status?.at).toBe(now)
  })

  const lockedForADay: RunChange = {
    result: { concludedAt: now - 25 * hour },
    retries: { thread: { why: 'locked', since: t0 - 25 * hour, until: now, count: 9 } },
  }
  test.each([
    ['another command waits', { mailbox: { releaseThread: true } }],
    ['it took none for a day', lockedForADay],
  ])('conclude: the last word is left out when %s', async (_, differs) => {
    const came = await advance(changed(runOf('conclude'), differs), {
      github: { 'comments.post': locked },
    })
    expect(came.run.report.done).toContain('conclude')
    expect(came.verdict).toBe('end')
  })

  test.each<[string, GitHubCalls['comments.edit'], Run['report']['lastWord']]>([
    ['refused', locked, mergedWord],
    ['of a comment that is gone', async () => 'gone', undefined],
  ])('edit-last-word: an edit %s is tried once', async (_, edit, lastWord) => {
    const came = await advance(working(over, mergedSince), { github: { 'comments.edit': edit } })
    expect(came.run.report.lastWord).toEqual(lastWord)
    expect(came.verdict).toBe('end')
  })

  test('edit-last-word: on its line', async () => {
    const edit = vi.fn(async () => ({ nodeId: 'PRRC_1' }))
    const inline = { ...inlineComment(9), nodeId: 'N' }
    const ids = { commentId: 9, rootId: 8, reviewId: null, nodeId: 'N' }
    const commentRef = { kind: 'inline' as const, ...ids, inline }
    const request = { ...ask, origin: { kind: 'comment' as const, commentRef } }
    const word: RunChange = {
      report: { ...mergedSince.report, lastWord: { commentId: 77, as: 'inline' } },
    }
    await advance(working(over, mergedSince, { request }, word), {
      github: { 'comments.edit': edit },
    })
    expect(edit).toHaveBeenCalledWith(77, expect.stringMatching(/^🎉 \*\*Merged\*\* /), commentRef)
  })

  test('react: it is left out, and all else is done', async () => {
    const came = await advance(runOf('react'), no())
    expect(came.run.report.done).toContain('react')
    expect(came.verdict).toBe('end')
  })

  test('cancel: it is asked for again after a while', async () => {
    const cancel = rejects(new Rejected('posthog', 404, '', 'no'))
    const came = await advance(runOf('cancel'), { posthog: { cancel, poll: atLimit('posthog') } })
    expect(came.run.session.cancelled).toBeUndefined()
    const retry = { why: 'no', since: now, until: now + second, count: 1 }
    expect(retryOf(came.run, cancelKey(came.run))).toEqual(retry)
    expect(came.run.result.outcome).toBeUndefined()
  })

  test('start-run: files that are gone are staged again, once', async () => {
    const abort = new AbortController()
    const save = async ({ workspace }: Run): Promise<void> => {
      if (workspace.restaged) abort.abort()
    }
    const gone = no(400, 'pending_user_artifact_ids: not found')
    const staged: RunChange = { workspace: { attachments: { ids: ['x'], failed: [] } } }
    const { run } = await advance(changed(runOf('start-run'), staged), {
      ...gone,
      save,
      signal: abort.signal,
    })
    const { workspace, result } = run
    expect(workspace.restaged).toBe(true)
    expect([workspace.attachments, result.outcome]).toEqual([undefined, undefined])
  })
})

test('an agent that was started is followed, and looked at when there is something to see', async () => {
  const watched: string[] = []
  const begun = working(mute, notBegun)
  const { verdict } = await advance(begun, {
    posthog: { startRun: async () => taskRun.id },
    stream: {
      watch: ({ taskRunId }) => watched.push(taskRunId) > 0,
      expectPoll() {},
      unwatch() {},
    },
  })
  expect([verdict, watched]).toEqual(['park 2000', [taskRun.id]])
})

describe('a read that is refused', () => {
  const writes = ['edit-status', 'cancel', 'deliver', 'start-run', 'create-task']
  const reads = steps.filter(
    ([step, , { result, report }]) =>
      result.outcome === undefined &&
      (report.status !== undefined || report.readOnlyThread) &&
      !writes.includes(step),
  )

  /** The other service has its own wait. */
  const refusing = (service: Service, status: number): Differs => {
    const no = failing(noRead(service, status))
    const waits = failing(new RetryLater(otherThan(service), now + 2 * hour, 'rate-limit', 'limit'))
    return service === 'github'
      ? { github: no.github, posthog: waits.posthog }
      : { github: waits.github, posthog: no.posthog }
  }

  test.each(reads)('%s: is repeated, and the Run goes on', async (_, service, run) => {
    const first = await advance(run, refusing(service, 404))
    const once = { refusedSince: now, until: now + second, count: 1 }
    expect(first.run.retries).toMatchObject({ [service]: once })
    expect(first.run.result.outcome).toBeUndefined()
    const at = now + 30 * second
    const again = await advance(first.run, { ...refusing(service, 404), now: () => at })
    expect(again.run.retries).toMatchObject({
      [service]: { refusedSince: now, until: at + 2 * second },
    })
    expect(again.run.result.outcome).toBeUndefined()
  })

  const refusedSince = (ago: number, run: Run): Run =>
    changed(run, {
      retries: {
        posthog: { why: 'w', since: now - ago, until: now, count: 9, refusedSince: now - ago },
      },
    })
  const looking = runOf('poll')
  const unstarted = runOf('rejoin')

  test.each([
    ['404 for 15 minutes', looking, 404, 15 * minute, false],
    ['404 for longer', looking, 404, 15 * minute + 1, true],
    ['403 for hours', looking, 403, 23 * hour, false],
    ['401 for a day', looking, 401, 24 * hour + 1, true],
    ['403 before anything began, for two minutes', unstarted, 403, 2 * minute, false],
    ['403 before anything began, for longer', unstarted, 403, 2 * minute + 1, true],
  ])('%s', async (_, run, status, ago, ends) => {
    const no = rejects(noRead('posthog', status))
    const posthog = { ...noCost, logLength: no, poll: no, cancel: async () => {} }
    const github = { ...quiet, 'branches.heads': async () => [], 'pulls.from': async () => [] }
    const { saves } = await advance(refusedSince(ago, run), { posthog, github, removeLater })
    expect(saves.some(({ result: { outcome } }) => outcome?.kind === 'failed')).toBe(ends)
  })

  test('an earlier session that PostHog does not know for a minute is begun anew', async () => {
    const github = { 'comments.ofOthers': atLimit('github') }
    const making = { integrationFor: async () => undefined, createTask: atLimit('posthog') }
    const posthog = { logLength: rejects(noRead('posthog', 404)), ...making }
    const at = (ago: number) => advance(refusedSince(ago, unstarted), { posthog, github })
    expect((await at(minute - 1)).run).toMatchObject({
      session: { earlier: { taskRunId: 'run-0' } },
    })
    expect((await at(minute)).run.session.earlier).toBeUndefined()
  })

  test('no answer in between begins the minutes anew', async () => {
    const fault = new NoResponse('posthog', 'reset')
    const { run } = await advance(refusedSince(hour, looking), failing(fault))
    expect(run.retries.posthog?.refusedSince).toBeUndefined()
  })

  test('what is written meanwhile does not hide it', async () => {
    const retries = { github: { why: 'w', since: t0, until: later, count: 1, refusedSince: t0 } }
    const editing = changed(working(nextPoll(later)), { retries })
    const { run } = await advance(editing, {
      github: { 'comments.edit': edited },
    })
    expect(run.report.status?.at).toBe(now)
    expect(run.retries).toEqual(retries)
  })
})

describe('words that are refused', () => {
  const says = (fault: Error): Partial<TasksClient> => ({ sendMessage: rejects(fault) })
  const forbidden = new Rejected('posthog', 403, 'code_access_required', 'no plan')
  const source = { trigger: 't', command: 0, last: true, target: { kind: 'subject' as const } }
  const withWords = (...differs: RunChange[]): Run =>
    working(
      mute,
      nextPoll(later),
      {
        workspace: { threadContext: contextFor('a') },
        ...wordsAre(word('waiting', more('a'), { source })),
      },
      ...differs,
    )
  const refusedOf = (run: Run) => run.mailbox.answers.map(({ reply }) => reply)

  const answering: Differs = { github: { ...quiet, 'comments.own': async () => [] } }

  test('of a round of their own leave the thread with what it was told before', async () => {
    const before = { kind: 'answer' as const }
    const run = withWords({
      session: { sessionLog: idle },
      result: {
        round: 1,
        previous: { outcome: before, concludedAt: t0, done: told },
        resultChecked: false,
      },
    })
    const posthog = { ...says(forbidden), ...noCost }
    const { saves } = await advance(run, { posthog, ...answering, removeLater })
    expect(saves.at(-1)).toMatchObject({
      result: { outcome: before, concludedAt: t0 },
      report: { done: ['conclude', 'last-word', 'react', 'drop-branch'] },
    })
  })

  test('that the log showed as read, before anybody knew that they were sent, are not said again', async () => {
    const run = withWords(wordsAre(word('read')), {
      attempts: { intent: [{ kind: 'deliver', at: now, messageId: 'a' }] },
      session: { sessionLog: idleSince(t0, { offset: 9 }) },
    })
    const sendMessage = vi.fn(async () => 'ended' as const)
    const { saves } = await advance(run, {
      posthog: { sendMessage, poll: nothingNew },
      github: { ...answering.github, 'branches.heads': atLimit('github') },
    })
    const [first] = saves.filter(({ attempts }) => attempts.intent === undefined)
    expect(first?.mailbox.words).toEqual([instruction(), word('read')])
    expect(sendMessage).not.toHaveBeenCalled()
  })

  const notReady = new RetryLater('posthog', now + 2 * second, 'not-ready', 'No active sandbox')

  const forLong = { why: 'w', since: now - 11 * minute, until: now, count: 9 }

  test('for ten minutes are refused', async () => {
    const run = withWords({ retries: { agent: forLong } })
    const { saves } = await advance(run, { posthog: says(notReady), ...answering })
    expect(saves.flatMap(refusedOf)).toContainEqual({
      kind: 'refused',
      because: 'No active sandbox',
      words: more('a').text,
    })
    expect(saves.at(-1)?.retries).toEqual({})
  })

  test('for ten minutes in which PostHog was away are not', async () => {
    const retries = { agent: forLong, posthog: forLong }
    const fault = new NoResponse('posthog', 'PostHog answered 502')
    const { run } = await advance(withWords({ retries }), { posthog: says(fault) })
    expect(run).toMatchObject({
      mailbox: { words: [{}, { id: 'a', state: 'waiting' }], answers: [] },
    })
  })

  test('for ten minutes by an earlier session end it, and begin one that resumes it', async () => {
    const run = changed(runOf('rejoin'), due, { retries: { agent: forLong } })
    const { saves } = await advance(run, {
      posthog: {
        ...says(notReady),
        logLength: async () => 3,
        poll: nothingNew,
        statusOf: async () => 'in_progress',
        cancel: async () => {},
      },
    })
    expect(saves.at(-1)?.session.earlier).toMatchObject({ taskRunId: 'run-0', cancelledAt: now })
  })

  const request = {
    id: 'p1',
    title: 'Apply it?',
    question: false,
    options: [{ id: 'allow', name: 'Allow', kind: 'allow_once' }],
  }
  const asking: RunChange = {
    session: { sessionLog: { offset: 1, turns: 0, prompts: [], permissionRequest: request } },
  }

  const chooses = wordsAre(word('waiting', more('a', 'allow'), { source }))
  const answered = (given: RunChange, respondToPermission: TasksClient['respondToPermission']) =>
    advance(withWords(asking, given), {
      posthog: { respondToPermission, poll: nothingNew },
      ...answering,
    })

  test('as the answer to a permission that nobody waits for are told so', async () => {
    const { saves } = await answered(chooses, async () => 'over')
    expect(saves.flatMap(refusedOf)).toContainEqual({ kind: 'permission-over' })
  })

  test.each<[what: string, fault: Error, left: object[] | undefined]>([
    [
      'may have been taken is given once',
      new NoResponse('posthog', 'lost'),
      [{ permission: 'p1' }],
    ],
    [
      'was not taken may be over',
      new RetryLater('posthog', t0 + 1_000, 'not-ready', 'later'),
      undefined,
    ],
  ])('as an answer that %s', async (_, fault, intent) =>
    expect((await answered(chooses, rejects(fault))).run).toMatchObject({ attempts: { intent } }),
  )

  test('as the answer that the rights give are told to who asked for the run', async () => {
    const { saves } = await answered(wordsAre(), rejects(forbidden))
    expect(saves.flatMap(refusedOf)).toContainEqual(
      expect.objectContaining({ kind: 'permission-refused', title: 'Apply it?' }),
    )
    expect(saves.at(-1)).toMatchObject({
      session: { permission: { id: 'p1', allowed: false, untaken: 'refused' } },
      mailbox: { answers: [] },
    })
    expect(saves.at(-1)?.result.outcome).toBeUndefined()
  })

  test('as an answer that was not resolved, the permission is not said to be given', async () => {
    const { run } = await answered(wordsAre(), async () => 'over')
    expect(run.session.permission).toMatchObject({ allowed: false, untaken: 'over' })
  })
})

describe('an agent that can not be looked after', () => {
  const failed: RunChange = {
    result: {
      outcome: { kind: 'failed', class: 'lost', reason: 'No.', fix: 'x' },
      concludedAt: now,
    },
    report: { done: ['last-word', 'react'] },
    session: { cost: null },
  }
  const since = now - 25 * hour
  const retries = { posthog: { why: 'w', since, until: now, count: 9, refusedSince: since } }
  const unknown = working(failed, noTaskRun, intends({ kind: 'start-run', at: t0, before: [] }), {
    retries,
  })
  const refused = rejects(noRead('posthog', 403))

  test.each([
    ['whether it began is not shown', unknown, { runIds: refused }],
    [
      'how it goes on is not shown',
      working(failed, due, cancelAsked(t0), { retries }),
      { poll: refused },
    ],
  ])('%s: the thread is told, and its branch stays', async (_, run, posthog) => {
    const said: string[] = []
    const deleteBranch = vi.fn(async () => {})
    const github: Partial<GitHubCalls> = {
      ...quiet,
      'comments.edit': edited,
      'comments.post': async body => ({ id: said.push(body) }),
      'branches.use': async () => ({ sha: branch.sha, isUsed: false, repository: 'R_1' }),
      'branches.delete': deleteBranch,
    }
    const came = await advance(run, { posthog, github, removeLater })
    expect(said).toEqual([expect.stringContaining('It may still be working')])
    expect(deleteBranch).not.toHaveBeenCalled()
    expect(came.verdict).toBe('end')
  })
})

test('a pull request that GitHub will not show is asked for once, not for ever', async () => {
  const no = new Rejected('github', 403, '', 'no')
  const pull = vi.fn(async () => expect.fail('asked for ever'))
  for (let asked = 0; asked < 20; asked += 1) pull.mockRejectedValueOnce(no)
  const run = working(over, { result: { claimedPulls: ['https://github.com/acme/shop/pull/20'] } })
  expect((await advance(run, { github: { 'pulls.find': pull } })).verdict).toBe('end')
})

test('trouble that lasts for a day after the outcome lets the Run go', async () => {
  const retries = { github: { why: 'w', since: now - 25 * hour, until: later, count: 9 } }
  const concluding = intends({ kind: 'conclude', at: t0 })
  const { run, verdict } = await advance(working(over, left('conclude'), concluding, { retries }))
  expect(verdict).toBe('end')
  expect(run).toMatchObject({
    mailbox: { releaseThread: true },
    report: { readOnlyThread: true, done: ['conclude', 'react', 'drop-branch'] },
    attempts: { intent: undefined },
  })
  expect(run.retries).toEqual({})
})

describe('a Run that fails again and again', () => {
  const crashed = {
    kind: 'failed',
    class: 'lost',
    reason: 'this bot had an error, again and again',
    fix: 'Tell an admin of this bot: its log names the run.',
  }
  const run = working(mute, nextPoll(later))
  const aborted = { signal: AbortSignal.abort() }

  const givenUp = { result: { outcome: crashed, concludedAt: now } }

  test.each([
    ['lost five processes in a row', { stalls: 5 }, [givenUp]],
    ['threw ten times', { failures: 10 }, [givenUp]],
    ['lost four and threw nine times', { stalls: 4, failures: 9 }, []],
    ['has its outcome', { stalls: 20, failures: 20 }, [], working({ ...over })],
  ])('is given up, or tried again: one that %s', async (_, differs, expected, given = run) =>
    expect((await advance(given, { ...differs, ...aborted })).saves).toMatchObject(expected),
  )
})

describe('whoever wakes it', () => {
  const waiting = (given: RunChange): Run =>
    working(mute, { schedule: { lastPollAt: now - second, nextPollAt: later } }, given)
  const atItsTime = waiting(nextPoll(now))

  test.each([
    ['before its time brings the look forward', {}, second],
    ['does not put it off', nextPoll(now + 500), 500],
    ['of a Run that never looked changes nothing', lastPoll(undefined), hour],
  ])('%s', async (_, differs, ms) =>
    expect((await advance(waiting(differs))).verdict).toBe(`park ${ms}`),
  )

  const unknown: Differs['budget'] = { reserve: rejects(new Error('away')) }
  test.each([
    ['at its time', {}],
    ['when nobody can say what is left', { budget: unknown }],
  ])('%s has it look', async (_, differs) => {
    const poll = vi.fn(atLimit('posthog'))
    const liveRuns = vi.fn(async () => 1)
    await advance(atItsTime, { posthog: { poll }, liveRuns, ...differs })
    expect(poll).toHaveBeenCalledOnce()
    expect(liveRuns).toHaveBeenCalledOnce()
  })

  test('at the end of a turn has it look once more when that counts', async () => {
    const what = { kind: 'answer' as const, id: '2', stopReason: 'end_turn' }
    const log = [{ at: now - 500, what }]
    const poll = async () => snapshotWith({ log, offset: 1 })
    const inTurn = changed(
      atItsTime,
      logIs({ offset: 0, prompts: ['2'], turns: 0, answer: 'Done.' }),
    )
    const came = await advance(inTurn, { posthog: { poll } })
    expect(came.verdict).toBe(`park ${limits.lateRow - 500}`)
  })

  const spent = { reserve: vi.fn<CallBudget['reserve']>(async () => 40 * second) }

  test('has it look no sooner than the budget of calls allows', async () => {
    const poll = vi.fn()
    const came = await advance(atItsTime, { posthog: { poll }, budget: spent })
    expect(came.verdict).toBe('park 40000')
    expect(came.run.schedule.lastPollAt).toBe(now - second)
    expect(poll).not.toHaveBeenCalled()
  })

  test.each([
    ['an agent at work', {}, undefined],
    ['a stop', changed(stopAsked, cancelAsked(t0)), true],
    ['an agent that is idle', logIs(idleSince(now)), true],
  ])('asks the budget for a look at %s in its class', async (_, change, isAwaited) => {
    spent.reserve.mockClear()
    await advance(changed(atItsTime, change), { budget: spent })
    expect(spent.reserve.mock.lastCall).toMatchObject([{ calls: 2, isAwaited }])
  })

  test('while the process is told to stop has it do nothing', async () => {
    const came = await advance(atItsTime, { signal: AbortSignal.abort() })
    expect(came).toMatchObject({ verdict: 'park 0', saves: [] })
  })
})

describe('the end', () => {
  const ended = (inbox: () => Promise<string[]>, run = working(over)) => {
    const told: string[] = []
    const stream = {
      watch: () => false,
      expectPoll() {},
      unwatch: ({ taskRunId }: { taskRunId: string }, runId: string) =>
        void told.push(`unwatch ${taskRunId} of ${runId}`),
    }
    return advance(run, { inbox, stream }).then(came => ({ ...came, told }))
  }

  test.each([
    ['lets go of the stream', working(over), [`unwatch ${taskRun.id} of ${runWith().id}`]],
    ['of a Run without an agent has nothing to let go of', runWith(over), []],
  ])('%s', async (_, run, told) =>
    expect(await ended(async () => [], run)).toMatchObject({
      verdict: 'end',
      told,
      saves: [],
    }),
  )

  test('waits for what was said meanwhile', async () => {
    const poll = JSON.stringify({ kind: 'poll', id: 'k' })
    const inboxes = [[], [poll], [poll]]
    const { saves, verdict } = await ended(async () => inboxes.shift() ?? [poll])
    expect(saves.map(({ mailbox: { messagesRead } }) => messagesRead)).toEqual([1])
    expect(verdict).toBe('end')
  })

  test('what was said before is written down first', async () => {
    const run = working(mute, { schedule: { nextPollAt: later, lastPollAt: undefined } })
    const inbox = async () => [JSON.stringify({ kind: 'release-thread', id: 'y' })]
    const { saves } = await advance(run, { inbox })
    expect(saves).toMatchObject([{ mailbox: { releaseThread: true, messagesRead: 1 } }])
  })
})

describe('the other steps', () => {
  test('another round, then the words are passed on', async () => {
    const say = vi.fn(atLimit('posthog'))
    const run = working(over, wordsWait, {
      workspace: { branch: { ...branch, made: false }, threadContext: contextFor('a') },
      mailbox: { releaseThread: true },
      session: { cost: 7 },
    })
    const { saves } = await advance(run, { posthog: { sendMessage: say } })
    const mailbox = { words: [instruction(), word('waiting')], releaseThread: false }
    expect(saves[0]).toMatchObject({ result: { round: 1 }, mailbox, session: { costBefore: 7 } })
    expect(saves[0]?.result.outcome).toBeUndefined()
    expect(say).toHaveBeenCalledOnce()
  })

  test.each([
    ['that the thread was told of is old news', left(), 1],
    ['that the thread was not told of yet still is news', left('conclude'), 0],
  ])('another round: a pull request %s', async (_, done, reported) => {
    const run = working(over, done, wordsWait, {
      result: { outcome: { kind: 'pull' }, pulls: [pull], reported: 0 },
      workspace: { branch: { ...branch, made: false }, threadContext: contextFor('a') },
    })
    const { saves } = await advance(run, { posthog: { sendMessage: atLimit('posthog') } })
    expect(saves[0]).toMatchObject({ result: { round: 1, reported } })
  })

  test.each<[string, object, string]>([
    ['--as-user', { authorship: 'user' }, ''],
    ['--signal-report', { signalReport: 'r-1' }, 'owners: {5: {signal_report: false}}'],
    [
      '--sandbox',
      { sandbox: '0f8fad5b-d9cb-469f-a165-70867728950e' },
      'owners: {5: {sandboxes: [big]}}',
    ],
  ])('start-run: a grant of %s that was taken back meanwhile', async (flag, options, grants) => {
    const before = changed(runOf('start-run'), { report: { done: told } })
    const run: Run = { ...before, request: { ...ask, options: { ...ask.options, ...options } } }
    const { run: after } = await advance(run, {
      settings: deploymentWith(grants),
      posthog: {
        ...noCost,
        sandboxes: async () => [{ id: '0f8fad5b-d9cb-469f-a165-70867728950e', name: 'small' }],
      },
      github: quiet,
      removeLater,
    })
    expect(after.result.outcome).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining(`no longer allows \`${flag}\` here`),
    })
  })

  test.each([
    ['that is offered takes its efforts', ['gpt-5.5'], 'gpt-5.5', 'low'],
    ['stays where PostHog names none', [], 'gpt-5.5', 'high'],
    ['makes way for that of the settings', ['gpt-6'], 'gpt-6', 'low'],
  ])('start-run: a usual model %s', async (_, names, model, effort) => {
    const usual = { ...ask, usualModel: true, options: { ...ask.options, effort: 'high' } } as const
    const { run } = await advance(
      { ...runOf('start-run'), request: usual },
      {
        posthog: {
          models: async () => names.map(name => ({ name, efforts: ['low'] })),
          runIds: async () => [],
          startRun: atLimit('posthog'),
        },
        github: { 'files.text': async () => undefined },
        settings: deploymentWith('defaults: {model: gpt-6}'),
      },
    )
    expect(run.request.options).toEqual({ ...ask.options, model, effort })
  })

  test.each<[string, Person, Role, expected: string, merges?: number[]]>([
    ['who asked stops it', maya, 'read', 'stopped by maya, who closed this'],
    ['who may stop runs stops it', zoe, 'write', 'stopped by zoe, who closed this'],
    [
      'somebody who may not stop runs, says so and goes on',
      zoe,
      'triage',
      'ignores zoe, who closed this',
    ],
    ['the merge of a pull request goes on', zoe, 'write', 'goes on', [now - 10 * second]],
  ])('take-turn in a thread that was closed by %s', async (_, by, role, expected, merges = []) => {
    const github: Partial<GitHubCalls> = {
      'thread.readAhead': async () => {},
      'thread.closing': async () => ({ by, at: now }),
      'people.permission': async () => ({ role, name: role }),
      'files.text': async () => undefined,
      'branches.ofIssue': atLimit('github'),
      'branches.heads': atLimit('github'),
      'issue.merges': async () => merges,
      ...quiet,
    }
    const asked = runWith(mute, { report: { done: told }, session: { taskId: 'task-1' } })
    const { run, saves } = await advance(asked, { github })
    const { outcome } = run.result
    const { ignoredStop } = run.mailbox
    const goesOn = ignoredStop ? `ignores ${ignoredStop.by}, who ${ignoredStop.because}` : 'goes on'
    expect(
      outcome?.kind === 'stopped' ? `stopped by ${outcome.by}, who ${outcome.because}` : goesOn,
    ).toBe(expected)
    if (!outcome) expect(saves.some(({ schedule: { admitted } }) => admitted)).toBe(true)
  })
})

test('an inline answer that arrived is not given again, whatever its marker said of the Run then', async () => {
  const comments: string[] = []
  const github: Partial<GitHubCalls> = {
    'comments.post': async text => {
      comments.push(text)
      throw new NoResponse('github', 'no answer came')
    },
    'comments.own': async () => comments.map((body, n) => ({ id: n, body, createdAt: now })),
  }
  const first = await advance(working({ ...over, request: askedInReview(1) }), { github })
  expect(comments).toHaveLength(1)
  const withPull = changed(first.run, { result: { pulls: [pull] }, retries: { github: undefined } })
  const { run } = await advance(withPull, { github })
  expect(run.report.inlineAnswered).toBe(1)
  expect(comments).toHaveLength(1)
})
