/** Calls of the emulated PostHog, the way any client makes them, and what its tests expect to hear. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect } from 'vitest'
import { type PostHogEmulator, startPostHog } from './emulator.ts'
import { MemoryHands } from './hands.ts'
import type { PostHogOptions } from './options.ts'

export let posthog: PostHogEmulator

export const quick = {
  queued: 5,
  sandbox: 5,
  clone: 5,
  agent: 5,
  work: 10,
  publish: 5,
  settle: 30,
  log: 0,
  retry: 10,
  idle: 80,
  cancel: 20,
}

/** One a test; it is closed after each. */
export async function start(options: PostHogOptions = {}): Promise<void> {
  posthog = await startPostHog({ hands: new MemoryHands(), timing: quick, ...options })
}

export const closesAfterEach = (): void => {
  afterEach(() => posthog.close())
}

export async function send(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${posthog.url}/api/projects/1/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${posthog.apiKey}`,
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('application/json')
  return { status: answer.status, body: isJson ? JSON.parse(text) : text }
}

export async function until<T>(
  look: () => Promise<T> | T,
  seen: (value: T) => boolean,
): Promise<T> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    const value = await look()
    if (seen(value)) return value
    await sleep(5)
  }
  throw new Error('never seen')
}

export const codex = { runtime_adapter: 'codex', model: 'gpt-5.5' }
const asks = 'Fix the login test and open a draft pull request.'

export async function newTask(extra: object = {}): Promise<string> {
  const usual = {
    title: 'Fix login',
    description: asks,
    repository: 'Acme/Web',
    github_integration: 2,
  }
  return (await send('POST', 'tasks/', { ...usual, ...extra })).body.id
}

export async function newRun(body: object = { ...codex, auto_publish: true }, task?: string) {
  const taskId = task ?? (await newTask())
  const answer = await send('POST', `tasks/${taskId}/run/`, body)
  expect(answer).toMatchObject({ status: 200 })
  const runId: string = (answer.body.run ?? answer.body.latest_run).id
  const path = `tasks/${taskId}/runs/${runId}/`
  return { runId, path }
}

interface Logged {
  notification: {
    method?: string
    params?: { requestId?: string; update?: { sessionUpdate: string; content?: { text: string } } }
  }
}

/** Parameters of the log's entries of this kind: a method, or that of an update. */
export async function logged(runPath: string, kind: string) {
  const log: Logged[] = (await send('GET', `${runPath}session_logs/`)).body
  const params = ({ notification: { method, params } }: Logged) =>
    params && (kind === method || kind === params.update?.sessionUpdate) ? [params] : []
  return log.flatMap(params)
}
