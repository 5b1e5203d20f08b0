import type { Rejected } from '../model/errors.ts'
import type { Run } from '../run/run.ts'
import { type Failure, failure } from './failures.ts'

interface SomeRun {
  session: Pick<Run['session'], 'taskId'>
}

/** @param run tells whether there is a task yet that may be unknown */
export const failureOf = (refused: Rejected, run: SomeRun): Failure =>
  refused.service === 'github' ? byGitHub(refused) : byPostHog(refused, run)

const tellAdmin = 'Tell an admin of this bot: `npm run doctor` shows them what is wrong.'

function byPostHog({ status, code, message }: Rejected, { session: { taskId } }: SomeRun): Failure {
  if (code === 'code_access_required')
    return failure(
      'quota',
      `PostHog does not give this organization access to cloud runs: ${message}`,
      'An admin can check the plan in PostHog, then `/codex retry`.',
    )
  if (code === 'repository_not_covered')
    return failure(
      'setup',
      'PostHog’s GitHub App has no access to this repository',
      'An admin can give it access in PostHog (Settings ▸ Project ▸ Integrations), then `/codex retry`.',
    )
  if (status === 429)
    return failure(
      'quota',
      `PostHog's billing limit is reached: ${message}`,
      'An admin can raise the limit in PostHog, then `/codex retry`.',
    )
  if (status === 401 || status === 403)
    return failure('setup', `PostHog does not let this bot work in its project: ${message}`, tellAdmin)
  if (status === 404 && taskId === undefined)
    return failure('setup', 'PostHog does not know the project that this bot is set up for', tellAdmin)
  if (status === 404)
    return failure(
      'lost',
      'PostHog does not know the task of this thread',
      'It was deleted there, or this bot works in another project now. `/codex --new …` starts afresh.',
    )
  return failure(
    'setup',
    `PostHog did not take the request: ${message}`,
    'Change the command accordingly, or ask an admin of this bot.',
  )
}

function byGitHub({ status, message }: Rejected): Failure {
  if (status === 401) return failure('setup', "GitHub refused the bot's credentials", tellAdmin)
  if (status === 403 || status === 404)
    return failure(
      'permission',
      `GitHub did not let the bot do its work here: ${message}`,
      'Check that the App is installed on this repository with all its permissions accepted, then `/codex retry`.',
    )
  return failure(
    'github',
    `GitHub did not take what the bot sent: ${message}`,
    'Try `/codex retry`; if it happens again, tell an admin of this bot.',
  )
}
