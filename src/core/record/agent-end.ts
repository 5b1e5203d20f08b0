/** Whether the agent of a Run that is over was ended, too. */
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
