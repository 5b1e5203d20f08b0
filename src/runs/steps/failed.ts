import { beginsAgent, onlyIntents, openIntent } from '../../core/run/intents.ts'
import type { Outcome } from '../../core/run/record/result-part.ts'
import { type ChangeOf, changed, type Run } from '../../core/run/run.ts'
import type { StepContext } from './step-context.ts'

/** Its agent is seen to next; what may have set one to work is looked for then, and words that may have reached it count. */
export function failed(
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  outcome: Outcome,
): ChangeOf<'result' | 'session'> {
  // Of two things that went wrong side by side, the first is told.
  if (run.result.outcome) return {}
  return {
    result: { outcome, concludedAt: deps.now() },
    session: {
      sessionLog:
        openIntent(run, 'deliver') && run.session.sessionLog
          ? { ...run.session.sessionLog, idle: false }
          : run.session.sessionLog,
    },
  }
}

/** What is under way when a Run fails is of no use any more, but for an agent that it may begin, and its status. */
export const onlyNeeded = (run: Run): Run =>
  run.result.outcome?.kind === 'failed'
    ? changed(
        run,
        onlyIntents(run, kind => beginsAgent(kind) || kind === 'post-status'),
      )
    : run
