/** Whether the agent of a Run that is over was ended, too. */
import { mayHaveBegun } from './intents.ts'
import type { Run } from './run.ts'
import { situationOf } from './situation.ts'
import { agentWorks } from './turn.ts'

/** A failed Run first ends its agent, or says that it may still work. */
export function agentIsToBeSeenTo(run: Run): boolean {
  if (run.result.outcome?.kind !== 'failed' || run.session.agentLeft) return false
  return agentWorks(run) || mayHaveBegun(run)
}

/** It is to end before its time. */
export const agentIsToEnd = (run: Run): boolean =>
  agentIsToBeSeenTo(run) || situationOf(run).kind === 'stopping'

/** What is retried if PostHog refuses to end its task run. */
export const cancelKey = ({ session: { taskRun } }: Run): `cancel ${string}` =>
  `cancel ${taskRun?.id ?? ''}`

/** When PostHog accepted to cancel its task run, ms since the epoch. */
export const cancelledAt = ({ session: { cancelled, taskRun } }: Run): number | undefined =>
  cancelled?.taskRun === taskRun?.id ? cancelled?.at : undefined
