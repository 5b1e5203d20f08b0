/** Why an agent did not finish, and what helps. */
import type { Unfinished } from '../model/task-run.ts'
import { mayHaveBegun } from './intents.ts'
import { type ChangeOf, isTerminal, type Run } from './run.ts'
import { hasReadAllMessages } from './turn.ts'

const isAtRest = (run: Run): boolean =>
  run.session.taskRun === undefined ||
  isTerminal(run.session.taskRun.status) ||
  (run.session.sessionLog?.idle === true && hasReadAllMessages(run))

/** A failed Run first ends its agent, or says that it may still work. */
export const agentIsToBeSeenTo = (run: Run): boolean =>
  run.result.outcome?.kind === 'failed' && !run.session.agentLeft && (!isAtRest(run) || mayHaveBegun(run))

const cancelOf = ({ session: { cancel, taskRun } }: Run): Run['session']['cancel'] =>
  cancel?.taskRun === taskRun?.id ? cancel : undefined

/** When PostHog accepted the cancel, ms since the epoch. */
export const cancelledAt = (run: Run): number | undefined =>
  cancelOf(run)?.askedAt ?? (run.mailbox.stop?.asked && !run.session.cancel ? run.mailbox.stop.at : undefined)

export function refusedCancel(run: Run): { since: number; until: number } | undefined {
  const cancel = cancelOf(run)
  return cancel && cancel.askedAt === undefined && cancel.refused > 0
    ? { since: cancel.at, until: cancel.until }
    : undefined
}

export const isStopping = (run: Run): boolean =>
  agentIsToBeSeenTo(run) || (run.mailbox.stop !== undefined && run.result.outcome === undefined)

export const leftAlone: ChangeOf<'attempts' | 'session'> = {
  attempts: { intent: undefined },
  session: { agentLeft: true },
}

interface InWords {
  because: string
  fix: string
  /** Whether the same request, asked again, may end otherwise. */
  again: boolean
}

const goOn = '`/codex continue` goes on where it stopped.'

export const unfinished: Record<Unfinished, InWords> = {
  'sandbox-gone': { because: 'its sandbox stopped', fix: goOn, again: true },
  'out-of-time': {
    because: 'it reached the time limit of PostHog',
    fix: `${goOn} A smaller task may fit into the limit.`,
    again: true,
  },
  inactive: { because: 'it did nothing for too long and PostHog ended it', fix: goOn, again: true },
  interrupted: { because: 'somebody interrupted it in PostHog', fix: goOn, again: true },
  error: { because: 'it ran into an error', fix: goOn, again: true },
  refusal: {
    because: 'the model refused to go on',
    fix: 'Ask in other words, or choose another model with `/codex retry --model NAME`.',
    again: false,
  },
  'max-tokens': {
    because: 'it reached the length limit of the model',
    fix: `${goOn} Ask for less at once if that happens again.`,
    again: true,
  },
  failed: { because: 'it ran into an error', fix: goOn, again: true },
  unread: { because: 'the session ended before it read this', fix: goOn, again: true },
  'ended-early': { because: 'PostHog ended the run in the middle of its work', fix: goOn, again: true },
}
