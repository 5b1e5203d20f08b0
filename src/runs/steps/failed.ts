import { beginsAgent, onlyIntents, openIntent } from '../../core/run/intents.ts'
import type { Outcome } from '../../core/run/record/result-part.ts'
import { type ChangeOf, changed, type Run } from '../../core/run/run.ts'
import type { StepContext } from './step-context.ts'

/** Fails the Run. Its agent is ended next: a message under delivery may have put it to work. */
export function failed(
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  outcome: Outcome,
): ChangeOf<'result' | 'session'> {
  // Of two failures side by side the first counts.
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

/** After a failure only intents matter that may start an agent or post the status. */
export const onlyNeeded = (run: Run): Run =>
  run.result.outcome?.kind === 'failed'
    ? changed(
        run,
        onlyIntents(run, kind => beginsAgent(kind) || kind === 'post-status'),
      )
    : run
