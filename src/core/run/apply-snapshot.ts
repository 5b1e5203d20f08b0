/** Folds what was seen at PostHog into a Run. Pure: the same Run and sight give the same Run. */

import { type AgentAct, addAct, noActivity } from './agent-activity.ts'
import type { PermissionRequest } from './permission-request.ts'
import { isTerminal, type Outcome, type ProgressStep, type Run } from './run.ts'
import { limits } from './timing.ts'

export interface LogEntry {
  /** ms since the epoch, PostHog's clock. */
  at: number
  what:
    | { is: 'progress'; step: string; label: string; done: boolean; failed?: boolean }
    | { is: 'message'; text: string }
    | { is: 'turn-over' }
    /** Somebody's words, where the agent takes them up: `messages` are the ids of ours in them. */
    | { is: 'words'; messages: string[] }
    | { is: 'asks'; request: PermissionRequest }
    | { is: 'permitted'; id: string }
    | { is: 'activity' }
    | AgentAct
}

/** One look at a task run. */
export interface Sight {
  status: NonNullable<Run['taskRun']>['status']
  error: string | undefined
  pulls: string[]
  headBranch: string | undefined
  model: string | undefined
  effort: string | undefined
  authorship: string | undefined
  /** When the run row last changed, ms since the epoch by PostHog's clock, to notice change only. */
  updatedAt: number | undefined
  log: LogEntry[]
  /** How many log entries have been read in all. */
  offset: number
}

export function observe(run: Run, sight: Sight, now: number): Run {
  if (!run.taskRun) return run
  const seen: Run = {
    ...run,
    taskRun: {
      ...run.taskRun,
      status: sight.status,
      changedAt: livesOn(run, sight) ? now : run.taskRun.changedAt,
      ...(sight.updatedAt === undefined ? {} : { updatedAt: sight.updatedAt }),
      ...(sight.error === undefined ? {} : { error: sight.error }),
      ...(sight.headBranch === undefined ? {} : { headBranch: sight.headBranch }),
      ...(sight.model === undefined ? {} : { model: sight.model }),
      ...(sight.effort === undefined ? {} : { effort: sight.effort }),
      ...(sight.authorship === undefined ? {} : { authorship: sight.authorship }),
    },
    heard: hear(run, sight, now),
    progress: sight.log.reduce(addProgress, run.progress),
    claimedPulls: [...run.claimedPulls, ...newPulls(run, sight)],
  }
  return seen
}

/** Any line in its log is a sign of life, whatever it says; so is a change of its row. */
const livesOn = ({ taskRun, heard }: Run, { status, offset, updatedAt }: Sight): boolean =>
  status !== taskRun?.status ||
  offset > (heard?.offset ?? 0) ||
  (updatedAt !== undefined && taskRun.updatedAt !== undefined && updatedAt !== taskRun.updatedAt)

const newPulls = (run: Run, sight: Sight): string[] =>
  [...new Set(sight.pulls)].filter(
    url =>
      !run.claimedPulls.includes(url) &&
      !run.foreignPulls.includes(url) &&
      !run.pulls.some(pull => pull.url.toLowerCase() === url.toLowerCase()),
  )

type Hearing = NonNullable<Run['heard']>

function hear(run: Run, sight: Sight, now: number): Hearing {
  const before: Hearing = { ...(run.heard ?? { turns: 0, idle: false }), offset: sight.offset }
  const mine = (id: string): boolean => id === run.id || run.delivered.includes(id)
  const after = sight.log.reduce((heard, entry) => hearEntry(heard, entry, { now, mine }), before)
  const heard = stirred(before, after, sight) ? { ...after, idleSince: now } : after
  const at = sight.log.at(-1)?.at
  return at === undefined ? heard : { ...heard, activity: { ...(heard.activity ?? noActivity), at } }
}

/** Where turns have to be counted, a silent one shows in nothing but its steps: the time for the next begins anew. */
const stirred = (before: Hearing, after: Hearing, { log }: Sight): boolean =>
  log.length > 0 && before.idle && after.idle && after.awaits !== undefined && !after.showsWords

interface Hears {
  now: number
  /** Whether a message is one of this Run's. */
  mine(id: string): boolean
}

function hearEntry(heard: Hearing, { what }: LogEntry, { now, mine }: Hears): Hearing {
  // An agent that waits hinders everybody, whoever had it do so.
  const concernsAll = what.is === 'words' || what.is === 'asks' || what.is === 'permitted'
  if (heard.others && !concernsAll) return heard
  switch (what.is) {
    case 'turn-over':
      // One end may be told twice, as an event and as an answer.
      return heard.idle
        ? heard
        : { ...heard, asks: undefined, turns: heard.turns + 1, idle: true, idleSince: now }
    case 'message':
      return { ...heard, answer: what.text, idle: false }
    case 'activity':
      return { ...heard, idle: false }
    case 'acts':
      return { ...heard, idle: false, activity: addAct(heard.activity ?? noActivity, what) }
    case 'plan':
      return { ...heard, activity: addAct(heard.activity ?? noActivity, what) }
    case 'words':
      return hearWords({ ...heard, showsWords: true }, what.messages, mine)
    case 'asks':
      return { ...heard, asks: what.request }
    case 'permitted':
      return heard.asks?.id === what.id ? { ...heard, asks: undefined } : heard
    case 'progress':
      return heard
  }
}

/**
 * Words are answered from where they stand themselves. Whatever comes before is the end of what went on when they were
 * said; and when they have been answered, others' words begin what is no matter of this Run.
 */
function hearWords(heard: Hearing, messages: readonly string[], mine: Hears['mine']): Hearing {
  const { awaits } = heard
  const taken = awaits === undefined ? messages.some(mine) : messages.includes(awaits)
  if (taken) return { ...heard, awaits: undefined, others: false, idle: false, answer: undefined }
  return awaits === undefined && heard.idle ? { ...heard, others: true } : heard
}

/** One line a step, in the order of first sight; a later word on the same step replaces the earlier. */
function addProgress(progress: ProgressStep[], entry: LogEntry): ProgressStep[] {
  if (entry.what.is !== 'progress') return progress
  const { step, label, done, failed } = entry.what
  const index = progress.findIndex(known => known.step === step)
  const since = progress[index]?.since ?? progress[index]?.at ?? entry.at
  const next = { step, label, done, since, at: entry.at, ...(failed ? { failed } : {}) }
  return index === -1 ? [...progress, next] : progress.with(index, next)
}

/** Whether the agent has said all it will say to what it was told so far. */
export function turnIsOver(run: Run, now: number): boolean {
  if (run.taskRun && isTerminal(run.taskRun.status)) return true
  if (!run.heard?.idle) return false
  const quiet = now - (run.heard.idleSince ?? now)
  const heardAll = run.heard.showsWords ? run.heard.awaits === undefined : hadItsTurns(run, run.heard)
  if (run.heard.showsWords && !heardAll) return false
  return quiet >= (heardAll ? limits.settle : limits.settleAfterNote)
}

/** Where the log shows no words, their turns are counted; in a session that went on, one of others may be among them. */
const hadItsTurns = ({ taskRun }: Run, { turns, awaits }: Hearing): boolean =>
  turns > (taskRun?.notes ?? 0) && (awaits === undefined || (taskRun?.from ?? 0) === 0)

/** The outcome, once the turn is over and GitHub has been asked what came of it. */
export function outcomeOf(run: Run): Outcome {
  const status = run.taskRun?.status
  if (run.stop) {
    const { by, because } = run.stop
    return { is: 'stopped', by: by.login, ...(because === undefined ? {} : { because }) }
  }
  if (run.pulls.length > run.reported) return { is: 'pull' }
  if (status === 'failed') return agentFailed(run)
  if (status === 'cancelled') return { is: 'stopped', by: 'PostHog' }
  if (run.pushed !== undefined) return { is: 'pushed', sha: run.pushed }
  return run.heard?.answer ? { is: 'answer' } : { is: 'nothing' }
}

/** PostHog's words for the failures that a person can do something about. */
const knownFailures: readonly { match: RegExp; failure: Omit<Outcome & { is: 'failed' }, 'is'> }[] = [
  {
    match: /spend limit|usage limit|quota|billing|rate.?limit|429/i,
    failure: {
      class: 'quota',
      reason: 'The agent ran into a usage or spend limit',
      fix: 'Wait until the limit resets or raise it in PostHog, then `/codex retry`.',
    },
  },
  {
    match: /clone|repository (?:not found|access)|could not read from remote|authentication failed/i,
    failure: {
      class: 'setup',
      reason: 'PostHog could not get at the repository',
      fix: "Install PostHog's own GitHub App with access to this repository, then `/codex retry`.",
    },
  },
  {
    match: /model .*(?:not found|does not exist|not available|unknown)|unknown model/i,
    failure: {
      class: 'setup',
      reason: 'The model is not known to PostHog',
      fix: 'Choose another one with `/codex retry --model NAME`.',
    },
  },
]

function agentFailed(run: Run): Outcome {
  const said = run.taskRun?.error ?? ''
  const known = knownFailures.find(({ match }) => match.test(said))?.failure
  const failure = known ?? {
    class: 'agent' as const,
    reason: 'The agent failed',
    fix: 'Look at the run in PostHog, then `/codex retry`.',
  }
  return {
    is: 'failed',
    ...failure,
    reason: said ? `${failure.reason}: ${said.slice(0, 200)}` : `${failure.reason}.`,
  }
}
