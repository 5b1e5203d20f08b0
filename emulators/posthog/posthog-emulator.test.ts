/** The emulator is only worth its tests if it refuses what PostHog refuses, in PostHog's words. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  asks,
  closesAfterEach,
  codex,
  hands,
  invalid,
  logged,
  newRun,
  newTask,
  posthog,
  quick,
  requestError,
  send,
  start,
  textsOf,
  until,
} from './posthog-calls.ts'

closesAfterEach()

describe('who may', () => {
  const apiKeys = [
    { key: 'phx_all', userId: 1, scopes: ['*'] },
    { key: 'phx_read', userId: 1, scopes: ['task:read'] },
    { key: 'phx_other', userId: 2, scopes: ['task:write'] },
  ]

  it("hides another user's task and its runs", async () => {
    await start({ apiKeys })
    const { taskId, path } = await newRun()
    const other = { key: 'phx_other' }
    expect(await send('GET', `tasks/${taskId}/`, undefined, other)).toMatchObject({
      status: 404,
      body: requestError('not_found', 'Not found.'),
    })
    expect(await send('GET', path, undefined, other)).toMatchObject({
      status: 404,
      body: requestError('not_found', 'Task not found'),
    })
    expect((await send('GET', 'tasks/', undefined, other)).body.count).toBe(0)
    expect((await send('GET', 'tasks/', undefined, { key: 'phx_read' })).body.count).toBe(1)
  })

  it('throttles per key, without Retry-After', async () => {
    await start({ rate: { perMinute: 2 } })
    await send('GET', 'tasks/')
    await send('GET', 'tasks/')
    const refused = await send('GET', 'tasks/')
    expect(refused.status).toBe(429)
    expect(refused.body).toEqual({
      type: 'throttled_error',
      code: 'throttled',
      detail: expect.stringMatching(
        /^Request was throttled\. Expected available in \d+ seconds\.$/,
      ),
      attr: null,
    })
    expect(refused.headers.has('retry-after')).toBe(false)
  })
})

describe('requests that are wrong as a whole', () => {
  const gone = '00000000-0000-4000-8000-000000000009'
  it.each([
    ['GET', `tasks/${gone}/`, 404, requestError('not_found', 'Not found.')],
    ['GET', 'tasks/not-a-uuid', 404, requestError('not_found', 'Not found.')],
    ['GET', `tasks/${gone}/runs/`, 404, requestError('not_found', 'Task not found')],
    ['GET', '/api/projects/2/tasks/', 404, requestError('not_found', 'Project not found.')],
    ['GET', 'tusks/', 404, requestError('not_found', 'Endpoint not found.')],
    ['PUT', 'tasks/', 405, requestError('method_not_allowed', 'Method "PUT" not allowed.')],
    [
      'DELETE',
      'tasks/models/',
      405,
      requestError('method_not_allowed', 'Method "DELETE" not allowed.'),
    ],
  ])('%s %s → %i', async (method, path, status, body) => {
    await start()
    expect(await send(method, path)).toMatchObject({ status, body })
  })
})

describe('the body of a run', () => {
  it.each<[object, object]>([
    [
      { resume_from_run_id: '00000000-0000-4000-8000-000000000009' },
      { detail: 'Invalid resume_from_run_id' },
    ],
    [
      { sandbox_environment_id: '00000000-0000-4000-8000-000000000009' },
      { detail: 'Invalid sandbox_environment_id' },
    ],
    [
      { pending_user_artifact_ids: ['abc'] },
      {
        detail: 'Some pending_user_artifact_ids are invalid or expired',
        missing_artifact_ids: ['abc'],
      },
    ],
  ])('%j is refused', async (body, expected) => {
    await start()
    const task = await newTask()
    expect(await send('POST', `tasks/${task}/run/`, body)).toMatchObject({
      status: 400,
      body: expected,
    })
    expect(posthog.ledger.map(({ kind }) => kind)).toEqual(['task'])
  })

  it('downgrades user authorship quietly, or refuses it when nothing is linked', async () => {
    await start()
    const { get } = await newRun({ ...codex, pr_authorship_mode: 'user' })
    expect((await get()).state.pr_authorship_mode).toBe('bot')
    await posthog.close()
    await start({ githubIntegrations: [] })
    const task = await newTask({ github_integration: null })
    expect(await send('POST', `tasks/${task}/run/`, codex)).toMatchObject({
      status: 400,
      body: invalid(
        'pr_authorship_mode',
        'Link a GitHub account with repo access before running user-authored cloud tasks.',
        'github_authorization_required',
      ),
    })
    expect(
      (await send('POST', `tasks/${task}/run/`, { ...codex, pr_authorship_mode: 'bot' })).status,
    ).toBe(200)
  })
})

describe('the life of a run', () => {
  it('fails to clone where the first GitHub integration does not cover the repository, and none was named', async () => {
    await start()
    const { reaches } = await newRun(codex, await newTask({ github_integration: null }))
    expect((await reaches('failed')).error_message).toMatch(/^Failed to clone repository acme\/web/)
  })

  it('makes a missing branch locally, so that the pull request breaks', async () => {
    await start()
    const { reaches, path } = await newRun({ ...codex, auto_publish: true, branch: 'nope' })
    const done = await reaches('completed')
    expect(done.output).toEqual({ head_branch: 'posthog/fix-login-1' })
    expect((await textsOf(path, 'agent_message')).join('')).toContain(
      'base branch `nope` does not exist on the remote',
    )
    expect(hands.repository('acme/web').commits[0]).toMatchObject({ from: 'main' })
  })
})

describe('speaking to a run', () => {
  const message = (content: string, id?: string) => ({
    jsonrpc: '2.0',
    method: 'user_message',
    params: { content },
    id,
  })

  it('queues a message once per id, lets the agent take another turn, and refuses after the end', async () => {
    await start()
    posthog.script('Fix', { kind: 'answers', text: 'First.' })
    posthog.script('blue', { kind: 'answers', text: 'Second.' })
    const { path, reaches } = await newRun()
    await until(
      () => logged(path, 'session/prompt'),
      prompts => prompts.length > 0,
    )
    const sent = await send('POST', `${path}command/`, message('make it blue', 'c1'))
    expect(sent).toMatchObject({
      status: 200,
      body: { jsonrpc: '2.0', id: 'c1', result: { queued: true } },
    })
    expect(await send('POST', `${path}command/`, message('make it blue', 'c1'))).toMatchObject({
      status: 200,
    })
    await reaches('completed')
    expect(await textsOf(path, 'agent_message')).toEqual(['First.', 'Second.'])
    expect(posthog.ledger.filter(({ kind }) => kind === 'message')).toHaveLength(1)
    expect(await send('POST', `${path}command/`, message('more', 'c2'))).toMatchObject({
      status: 502,
      body: { error: 'Failed to queue user message for task run' },
    })
    posthog.set({ endedWorkflow: 409 })
    expect(await send('POST', `${path}command/`, message('more', 'c3'))).toMatchObject({
      status: 409,
      body: { error: 'Task run workflow has ended' },
    })
  })

  it.each<[object, object, number?]>([
    [
      { jsonrpc: '2.0', method: 'user_message', params: { artifact_ids: ['x'] } },
      { error: 'Some artifact_ids are invalid for this run', missing_artifact_ids: ['x'] },
    ],
    [
      { jsonrpc: '2.0', method: 'permission_response', params: { requestId: 'a', optionId: 'b' } },
      {
        type: 'runtime_unavailable',
        code: 'sandbox_not_ready',
        error: 'No active sandbox for this task run',
      },
      503,
    ],
  ])('%j is refused', async (body, expected, status = 400) => {
    await start({ timing: { ...quick, queued: 60_000 } })
    const { path } = await newRun()
    expect(await send('POST', `${path}command/`, body)).toMatchObject({ status, body: expected })
  })

  it('is steered in the middle of a turn, and not between turns', async () => {
    await start({ watched: true })
    posthog.script('', { kind: 'hangs' })
    const { runId, path } = await newRun({
      ...codex,
      mode: 'interactive',
      initial_permission_mode: 'plan',
    })
    const run = posthog.run(runId)
    await until(() => run.turnGoesOn, Boolean)
    expect(run.steer({ kind: 'asksPermission', question: 'May I?' })).toBe(true)
    await until(() => run.permissionId, Boolean)
    expect(run.steer({ kind: 'answers', text: 'Done.', delay: 0 })).toBe(true)
    await until(
      () => run.turnGoesOn,
      goesOn => !goesOn,
    )
    expect(run.permissionId).toBeUndefined()
    expect(run.steer({ kind: 'fails', message: 'late' })).toBe(false)
    const log = JSON.stringify((await send('GET', `${path}session_logs/`)).body)
    expect(log.match(/user_message_chunk/g)).toHaveLength(1)
    expect(log).toContain('Done.')
    expect(log).toContain('end_turn')
  })
})

// What makes the real PostHog hard to live with.

describe('after a turn', () => {
  it('PostHog re-enters a run with a pull request by itself, three times', async () => {
    await start({ timing: { ...quick, idle: 400, ci: 20 } })
    const { path, reaches } = await newRun()
    await reaches('completed')
    const texts = await textsOf(path, 'user_message_chunk')
    const ci = expect.stringMatching(/^You are re-entering this run to address CI feedback/)
    expect(texts).toEqual([asks, ci, ci, ci])
    expect(posthog.ledger.filter(({ kind }) => kind === 'message')).toHaveLength(0)
  })
})

describe('which branch a resumed run may take', () => {
  const resume = async (branch: string) => {
    const first = await newRun({ ...codex, auto_publish: true, branch: 'main' })
    await first.reaches('completed')
    const body = { ...codex, resume_from_run_id: first.runId, branch, pending_user_message: 'More' }
    return send('POST', `tasks/${first.taskId}/run/`, body)
  }

  it.each(['main', 'posthog/fix-login-1'])('%s, its own', async branch => {
    await start()
    expect((await resume(branch)).status).toBe(200)
  })

  it('no other', async () => {
    await start()
    expect(await resume('codex/issue-1-login')).toMatchObject({
      status: 400,
      body: { detail: 'A resumed run must use its previous base branch. Omit branch to resume.' },
    })
  })

  it('is not asked of a run that resumes nothing', async () => {
    await start()
    const body = { ...codex, branch: 'codex/issue-1-login' }
    expect((await send('POST', `tasks/${await newTask()}/run/`, body)).status).toBe(200)
  })
})

describe('an agent that publishes', () => {
  const readOnly = { ...codex, initial_permission_mode: 'read-only' }
  const silent = { description: 'What would you change?' }

  it.each([
    [
      'obedient',
      'is told not to',
      { ...readOnly, auto_publish: false },
      silent,
      { pulls: 0, commits: 0 },
    ],
    [
      'obedient',
      'may in any mode',
      { ...readOnly, auto_publish: true },
      silent,
      { pulls: 1, commits: 1 },
    ],
    ['obedient', 'is asked to, for all its mode', readOnly, {}, { pulls: 1, commits: 1 }],
    [
      'disobedient',
      'may only push',
      { ...readOnly, auto_publish: false },
      silent,
      { pulls: 0, commits: 1 },
    ],
    ['disobedient', 'was not asked', readOnly, silent, { pulls: 1, commits: 1 }],
  ] as const)('%s, when it %s', async (agent, _, body, task, left) => {
    await start({ agent })
    const { reaches } = await newRun(body, await newTask(task))
    await reaches('completed')
    const { pulls, commits } = hands.repository('acme/web')
    expect({ pulls: pulls.length, commits: commits.length }).toEqual(left)
  })

  it('asks first in interactive mode, and waits while somebody watches', async () => {
    await start({ watched: true })
    const { runId, get } = await newRun({ ...readOnly, auto_publish: true, mode: 'interactive' })
    await until(
      () => posthog.run(runId).permissionId,
      id => id !== undefined,
    )
    await sleep(quick.idle + 40)
    expect(await get()).toMatchObject({ status: 'in_progress', output: null })
  })

  it('fails to open its pull request when the base was taken away meanwhile', async () => {
    await start()
    hands.repository('acme/web').branches.add('codex/issue-1')
    posthog.script('', { kind: 'opensPull', delay: 60 })
    const { path, reaches } = await newRun({
      ...codex,
      auto_publish: true,
      branch: 'codex/issue-1',
    })
    await until(
      () => logged(path, 'tool_call'),
      calls => calls.length > 0,
    )
    hands.repository('acme/web').branches.delete('codex/issue-1')
    expect((await reaches('completed')).output).not.toHaveProperty('pr_url')
    expect((await textsOf(path, 'agent_message')).join('')).toContain(
      '`gh pr create --draft --base codex/issue-1` failed',
    )
  })
})
