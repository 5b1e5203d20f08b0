/**
 * Why a Run failed and what helps. Who finds it names the failure; its words are kept in the record as they are told. At
 * the end stands what a refusal by GitHub or PostHog means for a Run.
 */
import { lacksPermission, type Rejected, type Service, serviceNames } from '../model/errors.ts'
import type { Unfinished } from '../model/task-run.ts'
import { nounOf } from '../model/thread.ts'
import { minute } from '../model/time.ts'
import { counted, dollars } from '../text/phrases.ts'
import { code } from '../text/safe-markdown.ts'
import type { CostOfDay, Outcome, Run, Scope } from './run.ts'

export type Failure = Outcome & { kind: 'failed' }

export const failure = (of: Failure['class'], reason: string, fix: string): Failure => ({
  kind: 'failed',
  class: of,
  reason,
  fix,
})

/** Trying again as it was asked can't help. */
export const hopeless = (of: Failure['class'], reason: string, fix: string): Failure => ({
  ...failure(of, reason, fix),
  again: false,
})

export const crashed = failure(
  'lost',
  'this bot had an error, again and again',
  'Tell an admin of this bot: its log names the run.',
)

export const editedSince = failure(
  'lost',
  'the bot lost its queue, and the title or description was edited before it was found again',
  'Write `/codex retry` to start with the new text.',
)

export const outOfUse = (service: Service, why: string): Failure =>
  failure('network', `${serviceNames[service]} was unavailable for a day (${why})`, '')

export const notMended = (why: string): Failure =>
  failure(
    'setup',
    `${why}, and nobody fixed it for a day`,
    'Tell an admin of this bot: `codex-task-bot doctor` shows them what is wrong. Then write `/codex retry`.',
  )

export const earlierGoesOn = failure(
  'lost',
  'the earlier run has other rights than this needs, and PostHog did not confirm its end within 5 minutes',
  'Stop the earlier run in PostHog. Then write `/codex retry`.',
)

export const neverStarted = failure(
  'lost',
  'PostHog accepted the run but did not start it within 15 minutes',
  'Check that Tasks are enabled in the PostHog project. Then write `/codex retry`.',
)

export const wentSilent = failure(
  'lost',
  'PostHog showed nothing new of this run for three hours',
  'Look at the PostHog run. Then write `/codex retry`.',
)

export const unconfirmedStop = failure(
  'lost',
  'PostHog did not confirm the stop within 5 minutes',
  'Look at the PostHog run. Then write `/codex retry`.',
)

export const notAnyMore = failure(
  'permission',
  'the person who asked may no longer start runs here',
  'Somebody with write permission can ask again.',
)

export const grantTakenBack = (what: string): Failure =>
  failure(
    'permission',
    `this bot no longer allows \`${what}\` here`,
    'An admin of this bot can allow it again. Then write `/codex retry`. Or write the command without it.',
  )

export const planOutdated = ({ name, sha }: { name: string; sha: string }): Failure =>
  hopeless(
    'permission',
    `the plan was made on an older commit; \`${name}\` is at \`${sha.slice(0, 7)}\` now`,
    'Make a new plan with `/codex plan …`. Then approve it.',
  )

export const noBranch = (name: string): Failure =>
  failure(
    'setup',
    `the branch \`${name}\` does not exist in this repository`,
    'Push the branch, or name another one: `/codex --branch NAME …`.',
  )

export const onDefaultBranch = failure(
  'permission',
  'Codex does not push to the default branch',
  'Name another branch: `/codex --branch NAME …`.',
)

export const noBase = (name: string, isSetting: boolean): Failure =>
  isSetting
    ? failure(
        'setup',
        `the branch \`${name}\`, which the setting \`base\` names, does not exist in this repository`,
        'Correct `base` in `.github/codex.yml`, or name a base: `/codex --base NAME …`.',
      )
    : failure(
        'setup',
        `the branch \`${name}\` does not exist in this repository`,
        'Push the branch, or name another base: `/codex --base NAME …`.',
      )

export const noCommit = (branch: string): Failure =>
  failure(
    'setup',
    `the default branch \`${branch}\` has no commit yet`,
    'Push a first commit. Then write `/codex retry`.',
  )

export const archived = failure(
  'setup',
  'this repository is archived, so nobody can push to it',
  'Unarchive it. Then write `/codex retry`.',
)

export const refusedBranch = (
  name: string,
  { message }: { message: string },
  prefix: string,
): Failure =>
  failure(
    'setup',
    `GitHub did not let the bot make the branch \`${name}\`: ${message}`,
    lacksPermission({ message })
      ? 'An owner has to accept what the App asks for (`contents: write`): Settings ▸ GitHub Apps ▸ Review request. Then write `/codex retry`.'
      : `Let this App make branches named \`${prefix}…\` in the repository's rulesets. Then write \`/codex retry\`. Or use a branch that is there: \`/codex --branch NAME …\`.`,
  )

export type LimitOfDay = 'repository_per_day' | 'owner_per_day' | 'cost_per_day'

/** A limit that is reached: so many starts within a window of so many ms. */
export interface ReachedLimit {
  /** The setting that says how many. Without it, the limit is against loops. */
  key?: Exclude<LimitOfDay, 'cost_per_day'>
  of: 'repository' | 'person' | 'thread' | 'owner'
  used: number
  most: number
  window: number
}

/** `` `maya` started 12 runs in 24 hours; the limit is 1 `` @param isAdmins whether no file of people can raise it */
export function limitReached(
  { thread, request }: Run,
  { key, of, used, most, window }: ReachedLimit,
  isAdmins: boolean,
): string {
  const hours = window / (60 * minute)
  const span = hours < 1 ? counted(window / minute, 'minute') : counted(hours, 'hour')
  const started: Record<ReachedLimit['of'], string> = {
    repository: `this repository started ${counted(used, 'run')}`,
    person: `${code(request.by.login)} started ${counted(used, 'run')}`,
    thread: `this ${nounOf(thread)} started ${counted(used, 'run')}`,
    owner: `${code(thread.owner)} started ${counted(used, 'run')}`,
  }
  const lifts = key === undefined ? '' : `. ${lifting(key, isAdmins)}`
  return `${started[of]} in ${span}; the limit is ${most}${lifts}`
}

export const costReached = ({ used, limit }: CostOfDay): string =>
  `the runs of this repository cost ${dollars(used)} in 24 hours; the limit is ${dollars(limit)}`

export const lifting = (key: LimitOfDay, isAdmins: boolean): string =>
  isAdmins
    ? 'Whoever runs the bot can raise it'
    : `A higher \`limits.${key}\` in the settings lifts it`

/** `` `limits.repository` is 0, so nothing new starts `` @param isAdmins as for `limitReached` */
export function zeroLimit(of: Scope, isAdmins: boolean): string {
  const lifts = isAdmins
    ? 'Whoever runs the bot can raise it in `SETTINGS_FILE`'
    : 'A higher number in `.github/codex.yml`, here or in the owner’s repository `.github`, lifts it'
  return `\`limits.${of === 'bot' ? 'total' : of}\` is 0, so nothing new starts. ${lifts}`
}

interface InWords {
  because: string
  /** What helps besides the box. */
  fix?: string
  /** What may bring another end; nothing, if the same request would end the same way. */
  next?: 'continue' | 'retry'
}

export const unfinished: Record<Unfinished, InWords> = {
  'sandbox-gone': { because: 'its sandbox stopped', next: 'continue' },
  'out-of-time': {
    because: 'it reached the time limit of PostHog',
    fix: 'A smaller task may fit into the limit.',
    next: 'continue',
  },
  inactive: { because: 'PostHog ended the run for inactivity', next: 'continue' },
  interrupted: { because: 'somebody stopped it in PostHog', next: 'continue' },
  refusal: {
    because: 'the model refused to go on',
    fix: 'Ask in other words, or choose another model with `/codex retry --model NAME`.',
  },
  failed: { because: 'it ran into an error', next: 'continue' },
  outage: { because: 'PostHog’s run broke off', next: 'continue' },
  unread: { because: 'the session ended before it read this', next: 'retry' },
  'ended-early': { because: 'PostHog ended the run in the middle of its work', next: 'continue' },
}

/** @param session tells whether there is a task yet that may be unknown */
export const failureOf = (
  refused: Rejected,
  { session }: { session: { taskId?: string } },
): Failure =>
  refused.service === 'github' ? byGitHub(refused) : byPostHog(refused, session.taskId)

const tellAdmin = 'Tell an admin of this bot: `codex-task-bot doctor` shows them what is wrong.'

function byPostHog({ status, code, message }: Rejected, taskId: string | undefined): Failure {
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
    return failure(
      'setup',
      `PostHog does not let this bot work in its project: ${message}`,
      tellAdmin,
    )
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

function byGitHub({ status, message }: Rejected) {
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
