/** What makes the real PostHog hard to live with, so that the emulator does it too. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  asks,
  closesAfterEach,
  codex,
  hands,
  logged,
  newRun,
  newTask,
  posthog,
  quick,
  send,
  start,
  textsOf,
  until,
} from './posthog-calls.ts'

closesAfterEach()

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
    ['obedient', 'is told not to', { ...readOnly, auto_publish: false }, silent, { pulls: 0, commits: 0 }],
    [
      'obedient',
      'may, for all its mode',
      { ...readOnly, auto_publish: true },
      silent,
      { pulls: 1, commits: 1 },
    ],
    ['obedient', 'is asked to, for all its mode', readOnly, {}, { pulls: 1, commits: 1 }],
    [
      'disobedient',
      'may not open, but push',
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

  it('asks first in interactive mode, and waits', async () => {
    await start()
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
    const { path, reaches } = await newRun({ ...codex, auto_publish: true, branch: 'codex/issue-1' })
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
