import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import nock from 'nock'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runRequest } from '../../src/core/agent/run-request.ts'
import { callBudget, inMemory, limitGate } from '../../src/core/model/call-budget.ts'
import { NoResponse, Rejected } from '../../src/core/model/errors.ts'
import type { TaskRunSnapshot } from '../../src/core/model/task-run.ts'
import { call } from '../../src/posthog/posthog-http.ts'
import { logEntry } from '../../src/posthog/session-log.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import { nockAlone } from '../support/nock-alone.ts'
import { lastInstant, recording, shownRow } from '../support/recording.ts'
import { caught } from '../support/service-calls.ts'

const host = 'https://posthog.example'
const now = Date.UTC(2026, 0, 2, 14, 2)
const redact = (text: string) => text.replaceAll('hush', '[redacted]')
/** A key of which no limit is known yet, on the clock of the test. */
const newSettings = (clock = () => now) => ({
  host,
  projectId: '42',
  apiKey: 'phx_key',
  redact,
  gate: limitGate(clock),
})
let tasks: ReturnType<typeof postHogTasks>
const task = 'task-1'
const session = { taskId: task, taskRunId: 'run-1' }
const runPath = '/api/projects/42/tasks/task-1/runs/run-1/'

/** Every request that was sent, `METHOD path?query`. */
let sent: { line: string; headers: Record<string, string>; body: unknown }[]

const posthog = () =>
  nock(host, { reqheaders: { authorization: 'Bearer phx_key', accept: 'application/json' } })

nockAlone()
beforeEach(() => {
  sent = []
  tasks = postHogTasks(newSettings(), () => now)
})

/** One answer to one request, which is noted; a second request finds nobody. */
function once(
  method: 'GET' | 'POST',
  path: string | RegExp,
  status: number,
  answer: nock.ReplyBody = {},
  headers: nock.ReplyHeaders = {},
): void {
  posthog()
    .intercept(path, method)
    .query(true)
    .reply(function (uri, body) {
      const lines = Object.entries(this.req.headers).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ])
      sent.push({ line: `${method} ${uri}`, headers: Object.fromEntries(lines), body })
      return [status, answer, headers]
    })
}

const taskRun = (given: object = {}) => ({
  id: 'run-1',
  status: 'queued',
  error_message: null,
  output: null,
  model: 'gpt-5.5',
  reasoning_effort: null,
  created_at: '2026-01-02T14:00:00Z',
  updated_at: '2026-01-02T14:00:01Z',
  log_url: 'https://s3.example/secret',
  ...given,
})

const asking = { branch: 'main', model: 'gpt-5.5', mode: 'background', authorship: 'bot' } as const
const body = runRequest({ ...asking, prompt: 'fix it' })
const newTask = { title: 'T', description: 'D', repository: 'acme/shop' }

test('a POST goes to a path with a slash, for a redirect loses its body, and has no secret that is known', async () => {
  once('POST', /\/tasks\/$/, 201, { id: task })
  once('POST', /\/run\/$/, 200, { id: task, latest_run: taskRun() })
  once('POST', /\/command\/$/, 200, {})
  once('POST', /\/cancel\/$/, 200, taskRun())
  await tasks.createTask({ ...newTask, title: 'hush', description: 'hush' })
  await tasks.startRun(task, runRequest({ ...asking, prompt: 'the key is hush' }), [])
  await tasks.sendMessage(session, { id: 'c', text: 'hush', attachments: [] })
  await tasks.cancel(session, 'x')
  expect(sent.map(({ headers }) => headers['user-agent'])).toEqual(Array(4).fill('codex-task-bot'))
  expect(JSON.stringify(sent.map(each => each.body))).not.toMatch(/null|hush/)
})

test('each call is taken from the budget, but for a look, whose calls were reserved', async () => {
  const allowance = { burst: 10, perHour: 1, minute: { burst: 10, perMinute: 1 } }
  const budget = callBudget(
    allowance,
    inMemory(() => now),
  )
  tasks = postHogTasks({ ...newSettings(), budget }, () => now)
  const isLeft = async (calls: number): Promise<boolean> =>
    (await budget.reserve({ owner: 'acme', id: 'a', calls, isAwaited: true })) === undefined
  await poll({}, [])
  expect(await isLeft(9)).toBe(true)
  once('POST', /\/tasks\/$/, 201, { id: task })
  await tasks.createTask(newTask)
  expect(await isLeft(1)).toBe(false)
})

const poll = async (
  differs: object,
  log: unknown,
  { status = 200, from = 0 } = {},
): Promise<TaskRunSnapshot> => {
  once('GET', runPath, 200, taskRun(differs))
  once('GET', `${runPath}session_logs/`, status, log as nock.Body)
  return tasks.poll(session, from)
}

describe('what an agent controls', () => {
  const at = '2026-01-02T14:01:00Z'
  const logged = (method: string, params: object) => ({
    timestamp: at,
    notification: { method, params },
  })
  const update = (given: object) => logged('session/update', { update: given })
  /** That text in each string, and each list with so many more. */
  const everywhere = (text: string, more = 0) => {
    const list = (one: (each: string) => unknown) => [
      one(text),
      ...Array.from({ length: more }, (_, n) => one(`a${n}`)),
    ]
    return poll(
      {
        error_message: text,
        model: text,
        reasoning_effort: text,
        state: { pr_authorship_mode: text },
        output: {
          pr_url: text,
          pr_urls: list(each => each),
          head_branch: text,
          head_branches: list(branch => ({ branch, repository: branch })),
          commit_push: { branch: text, repository: text },
        },
      },
      [
        update({ sessionUpdate: 'agent_message', content: { text } }),
        update({
          sessionUpdate: 'user_message_chunk',
          content: { text: '(message a)'.repeat(more) },
        }),
        update({ sessionUpdate: 'tool_call', kind: 'edit', locations: list(path => ({ path })) }),
        update({ sessionUpdate: 'plan', entries: list(content => ({ content })) }),
        logged('_posthog/permission_request', {
          requestId: text,
          toolCall: { title: text },
          options: list(each => ({ optionId: each, name: each, kind: `reject ${each}` })),
        }),
        logged('_posthog/permission_resolved', { requestId: text }),
      ],
    )
  }

  test('holds no secret that is known, in whatever string it stands', async () => {
    const snapshot = JSON.stringify(await everywhere('a hush'))
    expect(snapshot).not.toContain('hush')
    expect(snapshot.match(/\[redacted\]/g)).toHaveLength(20)
  })

  test('is redacted where PostHog repeats it in a refusal', async () => {
    once('POST', `${runPath}cancel/`, 400, {
      detail: '"hush" is not a valid choice.',
      attr: 'reason',
    })
    const refusal = await caught(tasks.cancel(session, 'x'))
    expect(refusal).toBeInstanceOf(Rejected)
    expect(String(refusal)).not.toContain('hush')
  })

  test('is bounded, in every list and string', async () => {
    const snapshot = await everywhere('word '.repeat(20_000), 50_000)
    expect(JSON.stringify(snapshot).length).toBeLessThan(200_000)
    const [request] = snapshot.log.flatMap(({ what }) => (what.kind === 'asks' ? what.request : []))
    expect(request?.options).toHaveLength(20)
    expect(request?.more).toBe(50_001 - 20)
  })

  test('has a limit in each string and list of each schema', () => {
    const folder = fileURLToPath(new URL('../../src/posthog/', import.meta.url))
    const unbounded = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .flatMap(name =>
        readFileSync(`${folder}${name}`, 'utf8')
          .split('\n')
          .map(line => `${name}: ${line.trim()}`),
      )
      .filter(line =>
        /z\.string\(\)(?!\.(?:max|transform)\()|z\.array\((?!item\)\.max\(|z\.unknown\(\)\.?(?:\)\.)?transform\()/.test(
          line,
        ),
      )
    expect(unbounded).toEqual([])
  })

  test('ends nothing, however deep it is', async () => {
    const deep = `${'{"a":['.repeat(100_000)}${']}'.repeat(100_000)}`
    once('POST', `${runPath}command/`, 200, `{"result":${deep}}`, {
      'content-type': 'application/json',
    })
    expect(await tasks.sendMessage(session, { id: 'n', text: 'x', attachments: [] })).toBe('queued')
    const content = `[{"text":"said"},${deep}]`
    const update = `{"sessionUpdate":"agent_message","content":${content},"rawOutput":${deep}}`
    const notification = `{"method":"session/update","params":{"update":${update}}}`
    const { log } = await poll({}, `[{"timestamp":"${at}","notification":${notification}}]`)
    expect(log.map(({ what }) => what)).toEqual([{ kind: 'message', text: 'said' }])
  })

  test('is cut between words, so that no half of a secret stays', async () => {
    const secret = `ghs_${'a'.repeat(400)}`
    const { error } = await poll({ error_message: `${'word '.repeat(1_999)}${secret}` }, [])
    expect(error).toMatch(/word …$/)
    const { headBranch } = await poll({ output: { head_branch: 'x'.repeat(70_000) } }, [])
    expect(headBranch).toBe('…')
  })

  test('hides nothing that stands beside it: the end of a turn is seen', async () => {
    const { log } = await poll({ output: { pr_urls: [7, null, 'https://x/pull/8'] } }, [
      {
        timestamp: at,
        notification: { method: '_posthog/turn_complete', params: { options: 'x', label: {} } },
      },
      logged('_posthog/permission_request', {
        requestId: 'r',
        options: [null, { optionId: 'a', name: 7 }],
      }),
    ])
    expect(log.map(({ what }) => what.kind)).toEqual(['gives-up', 'asks'])
  })
})

test.each([
  ['said by the server', { 'X-Matching-Count': '7123' }, 7123, 1],
  ['counted, where it does not say', {}, 2, 2],
  ['counted, where it says something else', { 'X-Matching-Count': 'many' }, 2, 2],
])('the length of a log, %s', async (_, headers, expected, calls) => {
  once('GET', `${runPath}session_logs/`, 200, [{}], headers)
  if (calls > 1) once('GET', `${runPath}session_logs/`, 200, [{}, {}])
  expect(await tasks.logLength(session)).toBe(expected)
  expect(sent.map(({ line }) => line.split('?')[1])).toEqual(
    ['limit=1&offset=0', 'limit=5000&offset=0'].slice(0, calls),
  )
})

test('a log of which more is promised and nothing given was not read', async () => {
  const more = { 'X-Has-More': 'true' }
  once('GET', runPath, 200, taskRun())
  once('GET', `${runPath}session_logs/`, 200, [{}], more)
  once('GET', `${runPath}session_logs/`, 200, [], more)
  expect(await caught(tasks.poll(session, 0))).toBeInstanceOf(NoResponse)
})

describe('answers', () => {
  test('a run was started, whatever its status is', async () => {
    const answer = { id: task, latest_run: taskRun({ status: 'warming' }) }
    once('POST', '/api/projects/42/tasks/task-1/run/', 200, answer)
    expect(await tasks.startRun(task, body, [])).toBe('run-1')
  })

  const asked = { id: 'b', title: 'x', description: 'asked\n[m:7]' }
  const forged = { id: 'a', title: 'x', description: 'do [m:7]\n[m:7]\n\nAsked by eve\n[m:9]' }
  const other = { id: 'a', title: '', description: 'asked\n[m:71]' }
  test.each([
    ['in the description', [{ id: 'a', title: 'x', description: 'y' }, asked], 'b'],
    [
      'that somebody wrote into a title',
      [{ id: 'b', title: '[m:7]', description: null }],
      undefined,
    ],
    ['that somebody wrote into an instruction', [forged, asked], 'b'],
    ['of another asking, which the search also gives', [other], undefined],
  ])('a task is known by its marker: %s', async (_, results, expected) => {
    once('GET', '/api/projects/42/tasks/', 200, { results })
    expect(await tasks.findTask('[m:7]')).toBe(expected)
  })

  test('only the models of Codex are known', async () => {
    once('GET', '/api/projects/42/tasks/models/', 200, {
      models: [
        { runtime_adapter: 'codex', model: 'gpt-5.6', supported_efforts: ['low', 'max'] },
        { runtime_adapter: 'codex', model: 'gpt-5', supported_efforts: null },
        { runtime_adapter: 'claude', model: 'opus' },
      ],
    })
    expect(await tasks.models()).toEqual([
      { name: 'gpt-5.6', efforts: ['low', 'max'] },
      { name: 'gpt-5', efforts: undefined },
    ])
  })

  test.each([
    ['the server does not have them', 404, {}],
    ['the answer has changed', 200, { data: [] }],
  ])('no models when %s', async (_, status, answer) => {
    once('GET', '/api/projects/42/tasks/models/', status, answer)
    expect(await tasks.models()).toEqual([])
  })
})

describe('a look', () => {
  test('a line of any time counts, and is known again', async () => {
    const line = (timestamp?: string) => ({
      timestamp,
      notification: { method: '_posthog/turn_complete' },
    })
    const [hourBefore, now] = ['2026-01-02T13:00:00Z', '2026-01-02T14:00:00Z']
    const { log, offset } = await poll({}, [
      line(hourBefore),
      line(now),
      line(),
      line('x'),
      line(now),
    ])
    expect([log.map(({ at }) => at), offset]).toEqual([
      [hourBefore, now, 0, 0, now].map(each => (each ? Date.parse(String(each)) : 0)),
      5,
    ])
    const [first, second, none, , again] = log.map(({ line }) => line)
    expect(second).toBe(again)
    expect([first, none]).not.toContain(second)
  })

  test.each([404, 405])('a server without logs answers %d: the run alone must do', async status => {
    expect(await poll({}, { detail: 'Endpoint not found.' }, { status, from: 3 })).toMatchObject({
      status: 'queued',
      log: [],
      offset: 3,
    })
  })

  test.each([
    [500, {}],
    [404, { detail: 'Not found.' }],
    [403, { detail: 'No.' }],
  ])('a log that can not be had is no empty log (%d)', async (status, body) => {
    expect(await caught(poll({}, body, { status }))).toBeInstanceOf(NoResponse)
  })

  test('a log that was there once is not none', async () => {
    await poll({}, [])
    expect(
      await caught(poll({}, { detail: 'Endpoint not found.' }, { status: 404 })),
    ).toBeInstanceOf(NoResponse)
  })

  test.each([
    [
      'several',
      { pr_url: 'https://x/pull/1', pr_urls: ['https://x/pull/1', 'https://x/pull/2'] },
      ['https://x/pull/1', 'https://x/pull/1', 'https://x/pull/2'],
      undefined,
    ],
    ['empty texts', { pr_url: '', pr_urls: [] }, [], undefined],
    ['a list', [1], [], undefined],
  ])('output of %s', async (_, output, pulls, headBranch) => {
    expect(await poll({ output }, [])).toMatchObject({ pulls, headBranch })
  })

  test('where its tool for commits pushed is read of its row', async () => {
    const given = recording('r-signed-commit-refuses-the-base')
    const { output } = shownRow(given, lastInstant(given), 0)
    const where = { branch: 'posthog/fix', repository: 'octo/demo' }
    expect((await poll({ output }, [])).pushedTo).toEqual([where, where])
  })

  test('an empty error is none', async () => {
    expect((await poll({ error_message: '' }, [])).error).toBeUndefined()
    expect((await poll({ status: 'failed', error_message: 'boom' }, [])).error).toBe('boom')
  })
})

describe('a line of the log', () => {
  const line = (method: string, params?: object) => ({
    type: 'notification',
    timestamp: '2026-01-02T14:01:00Z',
    notification: { jsonrpc: '2.0', method, params },
  })
  const update = (sessionUpdate: string, content?: unknown) =>
    line('session/update', { update: { sessionUpdate, content } })
  const text = (text: string) => ({ type: 'text', text })
  const parts = [text('a'), { type: 'image' }, text('b')]
  const finish = (rawInput: object) =>
    line('session/update', {
      update: { sessionUpdate: 'tool_call', title: 'posthog-code-tools/finish', rawInput },
    })
  const asks = (text: string, _meta: object) => prompted({ prompt: [{ text }], _meta })
  const theirs = { kind: 'prompt', id: '2', messages: [], byPostHog: undefined }
  const byPostHog = { ...theirs, byPostHog: true }
  const rpc = (notification: object) => ({ timestamp: '2026-01-02T14:01:00Z', notification })
  const prompt = [text('Go on (message m1)'), { type: 'image' }, text('and (message m2)')]

  const prompted = (params?: object, id: string | number = 2) =>
    rpc({ id, method: 'session/prompt', params })
  test.each([
    ['a prompt', prompted({ prompt }), { ...theirs, messages: ['m1', 'm2'] }],
    [
      'PostHog’s about checks',
      asks('You are re-entering this run to address CI feedback.', {}),
      byPostHog,
    ],
    [
      'PostHog’s in the words of a task',
      asks('Make it green.', { prContext: 'An open one.' }),
      byPostHog,
    ],
    ['somebody’s in PostHog', asks('Go.', {}), theirs],
    [
      'somebody’s about a pull request',
      asks('Go.', { prContext: 'An open one.', messageId: 'm' }),
      theirs,
    ],
    [
      'ours about one',
      asks('(message m)', { prContext: 'An open one.' }),
      { ...theirs, messages: ['m'] },
    ],
    [
      'a bare error',
      rpc({ id: 2, error: { code: 1 } }),
      { kind: 'error', id: '2', fault: { text: '' } },
    ],
    ['the answer to a permission', rpc({ id: 2, result: { outcome: {} } }), undefined],
    [
      'that it gives up without a word',
      finish({ status: 'failed' }),
      { kind: 'finishes', gaveUp: '' },
    ],
    ['progress of the set-up', line('_posthog/progress', { step: 'a', label: 'A' }), undefined],
    ['a message in parts', update('agent_message', parts), { kind: 'message', text: 'a\nb' }],
    ['a session update of another shape', line('session/update', { update: 7 }), undefined],
    ['null', null, undefined],
  ])('%s', (_, given, what) => {
    expect(logEntry(given)).toMatchObject(
      what ? [{ at: Date.parse('2026-01-02T14:01:00Z'), what }] : [],
    )
  })
})

/** What each code means stands in `posthog-limits.test.ts`: these are the forms that answers have. */
describe('failures', () => {
  test.each([
    [
      'a refusal in HTML',
      403,
      '<html>No</html>',
      { name: 'Rejected', code: '', message: 'status 403' },
    ],
    [
      'a refusal with fields of other types',
      400,
      { detail: ['x'], code: 7, error: 'Said.' },
      { name: 'Rejected', code: '', message: 'Said.' },
    ],
  ])('%s (%d)', async (_, status, body, expected) => {
    once('POST', '/api/projects/42/tasks/', status, body)
    expect(await caught(tasks.createTask(newTask))).toMatchObject(expected)
    expect(sent).toHaveLength(1)
  })

  test('no failure tells the key', async () => {
    once('POST', '/api/projects/42/tasks/', 401, { detail: 'Bad key.' })
    const failure = await caught(tasks.createTask(newTask))
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('phx_key')
  })
})

test('nothing is sent by a worker that slept before it could, and may have lost its job', async () => {
  let at = now
  const pass = () => {
    at += 20_000
  }
  const asleep = postHogTasks(
    { ...newSettings(), gate: { ...limitGate(() => at), pass } },
    () => at,
  )
  expect(await caught(asleep.createTask(newTask))).toMatchObject({
    name: 'RetryLater',
    why: 'unavailable',
  })
  expect(sent).toEqual([])
})

describe('no usable answer', () => {
  const create = () => tasks.createTask(newTask)

  test('a 200 of another shape to a POST: it may have happened', async () => {
    once('POST', '/api/projects/42/tasks/', 200, { ok: true })
    expect(await caught(create())).toBeInstanceOf(NoResponse)
    expect(sent).toHaveLength(1)
  })

  test.each(['ECONNRESET', 'ECONNREFUSED', 'EAI_AGAIN', 'ETIMEDOUT'])(
    '%s, with one POST only',
    async code => {
      posthog()
        .post('/api/projects/42/tasks/')
        .replyWithError(Object.assign(new Error(code), { code }))
      expect(await caught(create())).toMatchObject({ name: 'NoResponse', service: 'posthog' })
    },
  )

  test('a time limit', async () => {
    posthog().get('/api/projects/42/slow/').delay(2_000).reply(200, {})
    const began = performance.now()
    const failure = await caught(
      call(
        newSettings(),
        { method: 'GET', path: 'slow/', schema: z.unknown(), within: 50 },
        () => now,
      ),
    )
    expect(failure).toBeInstanceOf(NoResponse)
    expect(failure).toMatchObject({ message: expect.stringContaining('time limit') })
    expect(performance.now() - began).toBeLessThan(1_500)
    nock.abortPendingRequests()
  })

  test('a redirect is not followed: it would lose the body of a POST', async () => {
    once('POST', '/api/projects/42/tasks/', 301, '', {
      location: `${host}/api/projects/42/elsewhere/`,
    })
    expect(await caught(create())).toMatchObject({ name: 'Rejected', status: 301 })
    expect(sent).toHaveLength(1)
  })
})
