/**
 * Why a Run failed and what helps, apart from what a service refused (`service-refusals.ts`). Who finds it names the
 * failure; its words are kept in the record as they are told.
 */

import { type Service, serviceNames } from '../model/errors.ts'
import type { Outcome } from '../run/record/result-part.ts'
import type { Run } from '../run/run.ts'
import type { Admission } from '../run/start-limits.ts'
import { limitReached } from './limit-words.ts'
import { moment } from './words.ts'

export type Failure = Outcome & { kind: 'failed' }

export const failure = (of: Failure['class'], reason: string, fix: string): Failure => ({
  kind: 'failed',
  class: of,
  reason,
  fix,
})

const withWords = (reason: string, said: string): string =>
  said ? `${reason}: ${said.slice(0, 200)}` : `${reason}.`

/** What became of the agent, with what PostHog said of it. */
export const agentFailures = {
  'at-limit': said =>
    failure(
      'quota',
      withWords('The agent ran into a usage or spend limit', said),
      'Wait until the limit resets or raise it in PostHog, then `/codex retry`.',
    ),
  'no-repository': said =>
    failure(
      'setup',
      withWords('PostHog could not get at the repository', said),
      "Install PostHog's own GitHub App with access to this repository, then `/codex retry`.",
    ),
  'no-model': said =>
    failure(
      'setup',
      withWords('The model is not known to PostHog', said),
      'Choose another one with `/codex retry --model NAME`.',
    ),
  failed: said =>
    failure('agent', withWords('The agent failed', said), 'Look at the run in PostHog, then `/codex retry`.'),
} satisfies Record<string, (said: string) => Failure>

export const crashed = failure(
  'lost',
  'The bot itself failed at this again and again',
  'Tell an admin of this bot; its log names the run. `/codex retry` tries again.',
)

export const editedSince = failure(
  'lost',
  'The bot lost its queue before this began, and the title or the description was edited since',
  '`/codex retry` starts it with the words that stand there now.',
)

export const outOfUse = (service: Service, why: string): Failure =>
  failure(
    'network',
    `${serviceNames[service]} could not be used for a day: ${why}`,
    '`/codex retry` tries again.',
  )

export const earlierGoesOn = failure(
  'lost',
  'The session of before may not do what is asked now, and PostHog did not confirm its end within 5 minutes',
  'Look at the run in PostHog and stop it there, then `/codex retry`.',
)

export const neverStarted = failure(
  'lost',
  'PostHog took the run but did not start it within 15 minutes',
  'Check that Tasks are enabled for the PostHog project, then `/codex retry`.',
)

export const wentSilent = failure(
  'lost',
  'Nothing was heard of the run for three hours',
  'Look at the run in PostHog, then `/codex retry`.',
)

export const unconfirmedStop = failure(
  'lost',
  'PostHog was asked to stop the run but did not confirm it within 5 minutes',
  'Look at the run in PostHog, then `/codex retry`.',
)

export const atRest = (why: string): Failure =>
  failure('quota', `Nothing starts here now: ${why}`, '`/codex retry` asks again, later.')

export const atLimit = (run: Run, admission: Exclude<Admission, { kind: 'now' }>, now: number): Failure =>
  failure(
    'quota',
    admission.kind === 'ahead'
      ? `as many runs are under way as may be; ${admission.ahead} would have to end first`
      : limitReached(run, admission),
    `\`/codex retry\` ${admission.kind === 'ahead' ? 'when one has ended' : `after ${moment(admission.at, now)}`}. This repository refuses runs at a limit instead of keeping them waiting.`,
  )

export const notAnyMore = failure(
  'permission',
  'Who asked for this may not start runs here any more',
  'Somebody with write permission can ask again.',
)

export const planOutdated = ({ name, sha }: { name: string; sha: string }): Failure =>
  failure(
    'permission',
    `The plan was made for another state than ${name} at ${sha.slice(0, 7)}, where this thread stands now`,
    'Make a new one with `/codex plan …`, then approve that.',
  )

export const movedHead = failure(
  'permission',
  'Commits were pushed to this pull request after this was asked, and its settings want to be asked again',
  'Look at the new commits, then `/codex retry`.',
)

export const noBranch = (name: string): Failure =>
  failure(
    'setup',
    `The branch ${name} does not exist in this repository`,
    'Push it, or name another one with `/codex --branch NAME …`.',
  )

export const noCommit = (branch: string): Failure =>
  failure(
    'setup',
    `The default branch ${branch} has no commit yet`,
    'Push a first commit, then `/codex retry`.',
  )

export const archived = failure(
  'setup',
  'This repository is archived, so nothing can be pushed to it',
  'Unarchive it, then `/codex retry`.',
)

export const refusedBranch = (name: string, { message }: { message: string }, prefix: string): Failure =>
  failure(
    'setup',
    `GitHub does not let the bot make the branch ${name}: ${message}`,
    `Let this App make branches called \`${prefix}…\` in the rulesets of the repository; or link a branch to the issue, name one with \`/codex --branch NAME …\`, or set \`branch: default\` or another \`branch_prefix\`. Then \`/codex retry\`.`,
  )
