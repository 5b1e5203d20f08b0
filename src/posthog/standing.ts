/**
 * With a key or a project that PostHog does not take nothing is called: what wants to waits for whoever runs the bot. A
 * refusal is taken for that only if the doctor's check says so, too, which is asked again until all is right.
 */

import type { CheckName } from '../core/model/check.ts'
import { RetryLater } from '../core/model/errors.ts'
import { minute, second } from '../core/model/time.ts'
import { checkKey } from './posthog-checks.ts'
import type { PostHogSettings, Standing } from './posthog-http.ts'

/** ms between two checks while something is wrong, and while calls are refused for reasons of their own. */
const every = 20 * second
const atMostEvery = 2 * second

const reasons: Partial<Record<CheckName, string>> = {
  'posthog-key': 'PostHog does not accept the key of this bot',
  'posthog-project': 'PostHog does not know the project of this bot',
  'posthog-scope': 'the PostHog key of this bot may not start runs',
}

/** @param settings without a standing of their own */
export function openStanding(settings: PostHogSettings, now: () => number, found: () => void): Standing {
  let wrong: string | undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  let checking: Promise<void> | undefined

  async function check(): Promise<void> {
    const checks = await checkKey({ settings, now })
    const [why] = checks.flatMap(({ name, ok, outage }) => (ok || outage ? [] : (reasons[name] ?? [])))
    checkedAt = now()
    if (why !== undefined && wrong === undefined) found()
    wrong = why
  }

  const checkedWithin = async (ms: number): Promise<void> => {
    if (now() - checkedAt < ms) return
    checking ??= check().finally(() => {
      checking = undefined
    })
    await checking
  }

  const later = (why: string): RetryLater => new RetryLater('posthog', checkedAt + every, 'setup', why)

  return {
    async pass() {
      if (wrong === undefined) return
      await checkedWithin(every)
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

/** Of a project that no variable and no setting names any more. */
export const notSetUp = (now: () => number): Standing => ({
  async pass() {
    const why = 'the PostHog project of this run is not set up in this bot any more'
    throw new RetryLater('posthog', now() + minute, 'setup', why)
  },
  judge: async refusal => refusal,
})
