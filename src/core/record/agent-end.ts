/** Whether the agent of a Run that is over was ended, too. */
import { mayHaveBegun } from './intents.ts'
import { type ChangeOf, isTerminal, type Run } from './run.ts'
import { isAnswered } from './turn.ts'

/** A failed Run first ends its agent, or says that it may still work. */
export function agentIsToBeSeenTo(run: Run): boolean {
  const { agentLeft, taskRun } = run.session
  if (run.result.outcome?.kind !== 'failed' || agentLeft) return false
  const isAtRest = !taskRun || isTerminal(taskRun.status) || isAnswered(run)
  return !isAtRest || mayHaveBegun(run)
}

/** What is retried if PostHog refuses to end its task run. */
export const cancelKey = ({ session: { taskRun } }: Run): `cancel ${string}` => `cancel ${taskRun?.id ?? ''}`

/** When PostHog accepted to cancel its task run, ms since the epoch. */
export const cancelledAt = ({ session: { cancelled, taskRun } }: Run): number | undefined =>
  cancelled?.taskRun === taskRun?.id ? cancelled?.at : undefined

export const isStopping = (run: Run): boolean =>
  agentIsToBeSeenTo(run) || (run.mailbox.stop !== undefined && run.result.outcome === undefined)

export const leftAlone: ChangeOf<'attempts' | 'session'> = {
  attempts: { intent: undefined },
  session: { agentLeft: true },
}
