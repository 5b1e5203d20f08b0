/** Says what a refusal by GitHub or PostHog means for a Run: why it failed, and what people can do. */
import type { Rejected } from '../model/errors.ts'
import { type Failure, failure, hopeless } from '../record/failures.ts'
import type { Run } from '../record/run.ts'

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
      `this PostHog organization has no access to cloud runs: ${message}`,
      'Ask an admin to check the plan in PostHog. Then write `/codex retry`.',
    )
  if (code === 'repository_not_covered')
    return failure(
      'setup',
      'PostHog’s GitHub App has no access to this repository',
      'Ask an admin to give it access in PostHog (Settings ▸ Project ▸ Integrations). Then write `/codex retry`.',
    )
  if (status === 429)
    return failure(
      'quota',
      `PostHog's billing limit is reached: ${message}`,
      'Ask an admin to raise the limit in PostHog. Then write `/codex retry`.',
    )
  if (status === 401 || status === 403)
    return failure('setup', `PostHog does not let this bot work in its project: ${message}`, tellAdmin)
  if (status === 404 && taskId === undefined)
    return failure('setup', 'PostHog does not know the project of this bot', tellAdmin)
  if (status === 404)
    return hopeless(
      'lost',
      'PostHog does not know the task of this thread',
      'The task was deleted, or this bot uses another project now. Start again with `/codex --new …`.',
    )
  return hopeless(
    'setup',
    `PostHog refused the request: ${message}`,
    'Change the command, or ask an admin of this bot.',
  )
}

function byGitHub({ status, message }: Rejected): Failure {
  if (status === 401) return failure('setup', "GitHub refused the bot's credentials", tellAdmin)
  if (status === 403 || status === 404)
    return failure(
      'permission',
      `GitHub refused this bot: ${message}`,
      'Check that the App is installed on this repository, and that all its permissions are accepted. Then write `/codex retry`.',
    )
  return failure(
    'github',
    `GitHub refused what this bot sent: ${message}`,
    'Write `/codex retry`. If it fails again, tell an admin of this bot.',
  )
}
