import type { Outcome } from '../../core/run/record/result-part.ts'
import type { ChangeOf } from '../../core/run/run.ts'
import type { StepContext } from './step-context.ts'

/** Its agent is seen to next; what may have set one to work is looked for then, and words that may have reached it count. */
export function failed(
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  outcome: Outcome,
): ChangeOf<'result' | 'session' | 'attempts'> {
  const effect = run.attempts.intent?.kind
  const open = effect === 'start-run' || effect === 'rejoin'
  return {
    result: { outcome, concludedAt: deps.now() },
    attempts: { intent: open ? run.attempts.intent : undefined },
    session: {
      sessionLog:
        effect === 'deliver' && run.session.sessionLog
          ? { ...run.session.sessionLog, idle: false }
          : run.session.sessionLog,
    },
  }
}
