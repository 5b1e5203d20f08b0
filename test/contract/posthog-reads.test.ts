/** Our client beside a PostHog that is as slow of speech and as vague as the real one. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Fault, FaultRule } from '../../emulators/posthog/fault.ts'
import { closesAfterEach, posthog, start, until } from '../../emulators/posthog/posthog-calls.ts'
import { CodexTaskRunCreate } from '../../src/core/model/codex-task-run-create.ts'
import { NoResponse } from '../../src/core/model/errors.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import { caught, postHogAt } from '../support/service-calls.ts'

let tasks: ReturnType<typeof postHogTasks>
const body = CodexTaskRunCreate.parse({ runtime_adapter: 'codex', model: 'gpt-5.5' })
const task = { title: 'Login', description: 'Fix it.', repository: 'acme/shop' }

type Options = NonNullable<Parameters<typeof start>[0]>

async function begin(options: Options = {}): Promise<void> {
  await start(options)
  tasks = postHogTasks(postHogAt(posthog), Date.now)
}

closesAfterEach()
beforeEach(() => begin())

async function makeTask(differs: Partial<typeof task> = {}) {
  const asked = { ...task, ...differs }
  return tasks.createTask({ ...asked, integration: await tasks.integrationFor(asked.repository) })
}

async function newSession() {
  const taskId = await makeTask()
  return { taskId, taskRunId: await tasks.startRun(taskId, body, []) }
}

async function manualSession() {
  posthog.script('', { kind: 'manual' })
  const session = await newSession()
  await posthog.run(session.taskRunId).say('Hello.')
  return session
}

/** The next call there, or the one after so many. */
const isNotFound = (route: FaultRule['route'], after = 0) =>
  posthog.fault({ route, after, fault: { kind: 'status', code: 404 } })

const callsOf = (route: string) => posthog.calls.filter(call => call.route === route)

describe('a task names the GitHub integration that covers its repository', () => {
  const two = [
    { id: 1, repositories: ['globex/site'] },
    { id: 7, repositories: ['acme/shop', 'acme/shop-two'] },
  ]
  const named = () =>
    posthog.ledger.flatMap(({ kind, body: sent }) =>
      kind === 'task' && typeof sent === 'object' && sent !== null && 'github_integration' in sent
        ? [sent.github_integration]
        : [],
    )
  const again = async (githubIntegrations: Options['githubIntegrations'], more: Options = {}) => {
    await posthog.close()
    await begin({ githubIntegrations, ...more })
  }

  test('where there are two', async () => {
    await again(two)
    await newSession()
    await makeTask({ repository: 'Globex/site' })
    await makeTask()
    expect(named()).toEqual([7, 1, 7])
    expect(callsOf('integrations')).toHaveLength(1)
    expect(callsOf('github-repos')).toHaveLength(4)
  })

  test('where another one can not be looked at', async () => {
    await again(two)
    isNotFound('github-repos')
    await makeTask()
    expect(named()).toEqual([7])
  })

  test('where there is one, without a look at what it covers', async () => {
    await again([{ id: 1 }])
    await makeTask()
    await makeTask({ repository: 'acme/other' })
    expect(named()).toEqual([1, 1])
    expect(posthog.calls.filter(({ path }) => path.includes('integrations'))).toHaveLength(1)
  })

  test('none does: no task is made, and the next time it is looked for again', async () => {
    await again(two)
    for (const _ of [1, 2])
      expect(await caught(makeTask({ repository: 'acme/new' }))).toMatchObject({
        name: 'Rejected',
        code: 'repository_not_covered',
      })
    expect(posthog.ledger).toEqual([])
    expect(callsOf('github-repos')).toHaveLength(4)
  })

  test('the only one does not: PostHog says so at once', async () => {
    await again([{ id: 1, repositories: ['acme/other'] }])
    expect(await caught(makeTask())).toMatchObject({ name: 'Rejected', status: 400 })
    expect(posthog.ledger).toEqual([])
  })

  test('where PostHog refused that once, it is asked again', async () => {
    await again(two)
    isNotFound('integrations')
    await newSession()
    await newSession()
    expect(named()).toEqual([7])
  })

  test('a key that may not look leaves it to PostHog, and is refused once', async () => {
    const apiKeys = [{ key: 'phx_tasks', userId: 1, scopes: ['task:write'] }]
    await again(two.toReversed(), { apiKeys })
    await newSession()
    await newSession()
    expect(named()).toEqual([])
    expect(callsOf('integrations')).toHaveLength(1)
  })
})

describe('a log that is longer than a page', () => {
  test('is read to its end before anything is said of it', async () => {
    const session = await manualSession()
    const run = posthog.run(session.taskRunId)
    run.chatter(11_000)
    await run.completeTurn('The answer.')
    const { log, offset } = await tasks.poll(session, 0)
    expect(log.flatMap(({ what }) => (what.kind === 'message' ? what.text : []))).toEqual([
      'Hello.',
      'The answer.',
    ])
    expect(log.at(-1)?.what.kind).toMatch(/^(?:answer|gives-up)$/)
    expect(offset).toBe(await tasks.logLength(session))
    expect(callsOf('session-logs')).toHaveLength(4)
  })

  test('is read to its end when its entries are large', async () => {
    await posthog.close()
    await begin({ logPage: { bytes: 1_000 } })
    const session = await manualSession()
    for (const letter of 'abcdef') await posthog.run(session.taskRunId).say(letter.repeat(700))
    const { log } = await tasks.poll(session, 0)
    const said = log.flatMap(({ what }) => (what.kind === 'message' ? what.text.slice(0, 1) : []))
    expect(said.join('')).toBe('Habcdef')
    expect(callsOf('session-logs').length).toBeGreaterThan(5)
  })

  test('is not taken for the part that came before the line broke', async () => {
    const session = await manualSession()
    posthog.run(session.taskRunId).chatter(6_000)
    isNotFound('session-logs', 1)
    expect(await caught(tasks.poll(session, 0))).toBeInstanceOf(NoResponse)
    expect((await tasks.poll(session, 0)).offset).toBeGreaterThan(6_000)
  })
})

describe('which run was started', () => {
  test('is not the one before, whatever a lagging replica says', async () => {
    posthog.set({ namesCreatedRun: false })
    const first = await newSession()
    posthog.fault({ route: 'run', fault: { kind: 'stale', ms: 60 } })
    expect(await caught(tasks.startRun(first.taskId, body, [first.taskRunId]))).toBeInstanceOf(
      NoResponse,
    )
    const runs = await until(
      () => tasks.runIds(first.taskId),
      ids => ids.length === 2,
    )
    expect(runs[1]).toBe(first.taskRunId)
  })

  test('is what newer servers say, or that they started none', async () => {
    const first = await newSession()
    posthog.fault({ route: 'run', fault: { kind: 'stale', ms: 60_000 } })
    const second = await tasks.startRun(first.taskId, body, [first.taskRunId])
    expect(posthog.runs().map(({ id }) => id)).toEqual([first.taskRunId, second])
    const answer = {
      id: first.taskId,
      run: null,
      latest_run: { id: second },
      run_error: 'No capacity.',
    }
    posthog.fault({ route: 'run', fault: { kind: 'status', code: 200, body: answer } })
    const failure = await caught(tasks.startRun(first.taskId, body, [first.taskRunId, second]))
    expect(failure).toMatchObject({ name: 'Rejected', code: 'run_error', message: 'No capacity.' })
  })
})

test('a status that nobody knows is one of a run that goes on', async () => {
  const session = await manualSession()
  posthog.run(session.taskRunId).showStatus('awaiting_review')
  expect(await tasks.statusOf(session)).toBe('in_progress')
  expect((await tasks.poll(session, 0)).status).toBe('in_progress')
})

describe('words to a run', () => {
  const words = { id: 'comment-1', text: 'More.', attachments: [] }
  const refused = (session: Parameters<typeof tasks.sendMessage>[0]) =>
    caught(tasks.sendMessage(session, words))

  test.each([409, 502] as const)(
    'that has ended, where the server answers %d',
    async endedWorkflow => {
      posthog.set({ endedWorkflow, afterTurn: 'ends' })
      posthog.script('', { kind: 'answers', text: 'Done.' })
      const session = await newSession()
      await until(
        () => tasks.statusOf(session),
        status => status === 'completed',
      )
      expect(await tasks.sendMessage(session, words)).toBe('ended')
    },
  )

  test('that looks alive but has lost its workflow: nobody knows', async () => {
    posthog.set({ endedWorkflow: 502 })
    const session = await manualSession()
    posthog.run(session.taskRunId).loseWorkflow()
    expect(await refused(session)).toMatchObject({ why: 'not-ready' })
  })

  test('that goes on, which is not to be seen just once', async () => {
    const session = await manualSession()
    isNotFound('command')
    expect(await refused(session)).toMatchObject({ why: 'not-ready' })
    expect(await tasks.sendMessage(session, words)).toBe('queued')
  })

  test('that was deleted', async () => {
    const session = await manualSession()
    posthog.run(session.taskRunId).delete()
    // Whether it is gone for good, one look does not say.
    expect(await refused(session)).toMatchObject({
      name: 'Rejected',
      status: 404,
      of: 'read',
    })
  })

  test('a page of a proxy did not take them', async () => {
    const session = await manualSession()
    for (const fault of [{ kind: 'html' }, { kind: 'html', code: 502 }] satisfies Fault[]) {
      posthog.fault({ route: 'command', fault })
      expect(await refused(session)).toBeInstanceOf(NoResponse)
      posthog.fault({ route: 'cancel', fault })
      expect(await caught(tasks.cancel(session, 'Stop'))).toBeInstanceOf(NoResponse)
    }
    expect(posthog.ledger.filter(({ kind }) => kind === 'message' || kind === 'cancel')).toEqual([])
  })
})

test('a usage limit that resets in three days is waited for until then, and stops no reading', async () => {
  const session = await manualSession()
  const until = Date.now() + 72 * 3_600_000
  posthog.fault({
    route: 'run',
    fault: {
      kind: 'usage-limit',
      reset_at: new Date(until).toISOString(),
      limit_type: 'sustained',
    },
  })
  const failure = await caught(tasks.startRun(session.taskId, body, [session.taskRunId]))
  expect(failure).toMatchObject({ name: 'RetryLater', why: 'usage-limit', until })
  expect(await tasks.statusOf(session)).toBe('in_progress')
})

describe('an answer that can not be read', () => {
  const page = (code: number): Fault => ({ kind: 'html', code })
  test.each<[string, Fault]>([
    ['half of one', { kind: 'half-json' }],
    ...[200, 302, 403, 404, 500].map((code): [string, Fault] => [
      `a page with ${code}`,
      page(code),
    ]),
  ])('is no refusal of a read: %s', async (_, fault) => {
    const session = await manualSession()
    const reads: [FaultRule['route'], () => Promise<unknown>][] = [
      ['get-run', () => tasks.statusOf(session)],
      ['session-logs', () => tasks.poll(session, 0)],
      ['session-logs', () => tasks.logLength(session)],
      ['list-runs', () => tasks.runIds(session.taskId)],
      ['list-tasks', () => tasks.findTask('Fix it.')],
    ]
    for (const [route = 'get-run', read] of reads) {
      posthog.fault({ route, fault })
      expect(await caught(read()), String(route)).toBeInstanceOf(NoResponse)
      await read()
    }
  })
})

describe('what is sent', () => {
  test('has no half of a character and no NUL, wherever it was cut', async () => {
    const halves = `🌊${'🌊'.repeat(400)}`.slice(1, 700)
    const title = `a${'🌊'.repeat(300)}`
    const taskId = await makeTask({ title, description: `${halves}\0` })
    const prompt = { ...body, pending_user_message: `\ud83d and ${halves}` }
    const session = { taskId, taskRunId: await tasks.startRun(taskId, prompt, []) }
    await tasks.sendMessage(session, { id: 'c', text: `\udf0a${halves}`, attachments: [] })
    await tasks.cancel(session, halves.repeat(2))
    const sent = posthog.ledger.map(entry => JSON.stringify(entry.body))
    expect(sent).toHaveLength(4)
    for (const text of sent) expect(text).not.toMatch(/\\ud[89a-f]|\\u0000/i)
    expect(posthog.ledger[0]?.body).toMatchObject({ title: `a${'🌊'.repeat(254)}` })
  })
})
