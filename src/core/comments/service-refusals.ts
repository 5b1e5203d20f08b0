/** What a refusal by GitHub or PostHog means for a Run, in words that say what to do. */
import type { Refused } from '../model/errors.ts'
import type { Outcome } from '../run/run.ts'

type Failure = Outcome & { is: 'failed' }

export const failureOf = (refused: Refused): Failure =>
  refused.service === 'github' ? byGitHub(refused) : byPostHog(refused)

function byPostHog({ status, code, message }: Refused): Failure {
  if (code === 'code_access_required')
    return failed(
      'quota',
      `PostHog does not give this organization access to cloud runs: ${message}`,
      'An admin can check the plan in PostHog, then `/codex retry`.',
    )
  if (status === 429)
    return failed(
      'quota',
      `PostHog's billing limit is reached: ${message}`,
      'An admin can raise the limit in PostHog, then `/codex retry`.',
    )
  if (status === 401 || status === 403)
    return failed(
      'setup',
      `PostHog refused the bot's key: ${message}`,
      'An admin of this bot has to check `POSTHOG_API_KEY` (scope task:write) and `POSTHOG_HOST`.',
    )
  if (status === 404)
    return failed(
      'lost',
      'PostHog does not know this task or run any more',
      'It may have been deleted there, or the key belongs to another user now. `/codex --new …` starts afresh.',
    )
  return failed(
    'setup',
    `PostHog did not take the request: ${message}`,
    'Change the command accordingly, or ask an admin of this bot.',
  )
}

function byGitHub({ status, message }: Refused): Failure {
  if (status === 401)
    return failed(
      'setup',
      "GitHub refused the bot's credentials",
      'An admin of this bot has to check `APP_ID` and `PRIVATE_KEY`.',
    )
  if (status === 403 || status === 404)
    return failed(
      'permission',
      `GitHub did not let the bot do its work here: ${message}`,
      'Check that the App is installed on this repository with all its permissions accepted, then `/codex retry`.',
    )
  return failed(
    'github',
    `GitHub did not take what the bot sent: ${message}`,
    'Try `/codex retry`; if it happens again, tell an admin of this bot.',
  )
}

const failed = (of: Failure['class'], reason: string, fix: string): Failure => ({
  is: 'failed',
  class: of,
  reason,
  fix,
})
