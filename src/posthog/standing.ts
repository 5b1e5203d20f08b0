/**
 * If PostHog does not take the key or the project, nothing is called: all calls wait for whoever runs the bot. A
 * refusal is taken for that only if the doctor's check says so, too, which is asked again until all is right.
 */
import { z } from 'zod'
import {
  type Check,
  type CheckName,
  failedCheck,
  passedCheck,
  unansweredCheck,
} from '../core/model/check.ts'
import { describe, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import { minute, second } from '../core/model/time.ts'
import { type Call, call, type PostHogSettings, type Standing } from './posthog-http.ts'
import { upTo } from './schemas.ts'

/** ms between two checks while something is wrong, and while calls are refused for reasons of their own. */
const standingMs = 20 * second
const atMostEvery = 2 * second

const reasons: Partial<Record<CheckName, string>> = {
  'posthog-host': 'what answers at the address of PostHog is not PostHog',
  'posthog-key': 'PostHog does not accept the key of this bot',
  'posthog-project': 'PostHog does not know the project of this bot',
  'posthog-scope': 'the PostHog key of this bot may not start runs',
}

/** @param settings without a standing of their own */
export function openStanding(
  settings: PostHogSettings,
  now: () => number,
  foundWrong: () => void,
): Standing {
  let wrong: string | undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  let checking: Promise<void> | undefined

  async function check() {
    const checks = await checkKey(settings, now)
    const [why] = checks.flatMap(({ name, ok, outage }) =>
      ok || outage ? [] : (reasons[name] ?? []),
    )
    checkedAt = now()
    if (why !== undefined && wrong === undefined) foundWrong()
    wrong = why
  }

  const checkedWithin = async (ms: number) => {
    if (now() - checkedAt < ms) return
    checking ??= check().finally(() => {
      checking = undefined
    })
    await checking
  }

  const later = (why: string) => new RetryLater('posthog', checkedAt + standingMs, 'setup', why)

  return {
    async pass() {
      if (wrong === undefined) return
      await checkedWithin(standingMs)
      if (wrong !== undefined) throw later(wrong)
    },
    async judge(refusal) {
      const { status, code } = refusal
      // Source: the statuses of PostHog's permission checks; a plan without cloud runs is no matter of the key.
      const mayBeOfTheKey = status === 401 || status === 403 || status === 404
      if (!mayBeOfTheKey || code === 'code_access_required') return refusal
      await checkedWithin(atMostEvery)
      return wrong === undefined ? refusal : later(wrong)
    },
  }
}

/** The standing of a project that no variable and no setting names any more. */
export const notSetUp = (now: () => number): Standing => ({
  async pass() {
    const why = 'the PostHog project of this run is not set up in this bot any more'
    throw new RetryLater('posthog', now() + minute, 'setup', why)
  },
  judge: async refusal => refusal,
})

/** Creates nothing: the one POST is to a task that can't exist. */
export async function checkKey(settings: PostHogSettings, now: () => number): Promise<Check[]> {
  const read: Call<unknown> = {
    method: 'GET',
    path: 'tasks/',
    query: { limit: '1' },
    schema: SomeTasks,
  }
  const unread = await refusalOf(call(settings, read, now))
  if (unread !== undefined) return keyRefused(unread, settings)
  const key = passedCheck('posthog-key', `works at ${settings.host}`)
  const project = passedCheck('posthog-project', `project ${settings.projectId}`)
  // PostHog checks the scope before it looks for the task, so the status tells.
  const start: Call<unknown> = { method: 'POST', path: startNoTask, body: {}, schema: z.unknown() }
  const refusal = await refusalOf(call(settings, start, now))
  if (!(refusal instanceof Rejected) || refusal.status !== 403 || !/scope/i.test(refusal.message))
    return [key, project, passedCheck('posthog-scope', 'task:write')]
  return [
    key,
    project,
    failedCheck('posthog-scope', `the key can't start runs: ${refusal.message}`, addWriting),
  ]
}

const SomeTasks = z.object({ results: upTo(1_000, z.unknown()) })
const startNoTask = 'tasks/00000000-0000-4000-8000-000000000000/run/'
const addWriting =
  'Add the scope task:write to the personal API key (PostHog ▸ Settings ▸ Personal API keys).'

/** The status of what answers instead of PostHog, whose own refusals have a code. An outage may show a proxy's page. */
function statusOfAnother(error: unknown) {
  if (error instanceof Rejected) return error.code === '' ? error.status : undefined
  const status = error instanceof NoResponse ? error.strange : undefined
  return status !== undefined && status < 500 ? status : undefined
}

function keyRefused(error: unknown, { host, projectId }: PostHogSettings): Check[] {
  const other = statusOfAnother(error)
  if (other !== undefined) {
    const fix = 'Set POSTHOG_HOST to https://us.posthog.com, https://eu.posthog.com or your own.'
    return [
      failedCheck('posthog-host', `what answers at ${host} is not PostHog (status ${other})`, fix),
    ]
  }
  if (!(error instanceof Rejected)) {
    if (error instanceof RetryLater)
      return [passedCheck('posthog-key', 'works, but its rate limit is reached at the moment')]
    const fix =
      'Check POSTHOG_HOST (https://us.posthog.com, https://eu.posthog.com or your own). Check that this machine can reach it.'
    return [
      unansweredCheck('posthog-key', `PostHog at ${host} did not answer: ${describe(error)}`, fix),
    ]
  }
  if (/scope/i.test(error.message))
    return [
      passedCheck('posthog-key', `works at ${host}`),
      failedCheck('posthog-scope', `the key can't read tasks: ${error.message}`, addWriting),
    ]
  if (
    error.status === 401 ||
    error.code === 'authentication_failed' ||
    error.code === 'not_authenticated'
  ) {
    const fix = `Set POSTHOG_API_KEY to a personal API key (phx_…) of ${host}. A key of another region does not work there (see POSTHOG_HOST).`
    return [failedCheck('posthog-key', `PostHog does not accept the key: ${error.message}`, fix)]
  }
  const detail = `the key has no project ${projectId}, or the project has no Tasks: ${error.message}`
  const fix =
    'Set POSTHOG_PROJECT_ID to the number in the address of the project. The user of the key must be a member of it, and Tasks must be turned on.'
  return [
    passedCheck('posthog-key', `works at ${host}`),
    failedCheck('posthog-project', detail, fix),
  ]
}

const refusalOf = (called: Promise<unknown>): Promise<unknown> =>
  called.then(
    () => undefined,
    error => error,
  )
