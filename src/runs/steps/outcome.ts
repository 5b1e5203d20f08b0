/** How a Run comes to its outcome, and what it lets go of. */
import { leftAlone } from '../../core/record/agent-end.ts'
import { beginsAgent, onlyIntents, openIntent } from '../../core/record/intents.ts'
import { inlineAsked } from '../../core/record/open-question.ts'
import { type ChangeOf, changed, type Outcome, type Run } from '../../core/record/run.ts'
import { outcomeOf } from '../../core/record/turn.ts'
import { type StepContext, step } from './step-context.ts'

export const settleOutcome = step('settle-outcome', {
  writes: ['result'],
  do: ({ run, deps }) => {
    const outcome = outcomeOf(run)
    // News of a pull request that was there before the Run came when nobody was here to look.
    const hinted = outcome.kind === 'pushed' ? true : run.result.hinted
    return { result: { outcome, concludedAt: deps.now(), hinted } }
  },
})

export const giveUp = step('give-up', {
  writes: ['result', 'session'],
  do: (context, { outcome }) => failed(context, outcome),
})

export const leaveAgent = step('leave-agent', {
  writes: ['session', 'attempts'],
  do: () => leftAlone,
})

export const letGo = step('let-go', {
  writes: ['report', 'result', 'mailbox', 'attempts', 'retries'],
  do: ({ run, run: { retries }, deps }) => ({
    attempts: { intent: undefined },
    retries: {
      github: retries.github?.limit && { ...retries.github, since: deps.now() },
      posthog: undefined,
      agent: undefined,
      thread: undefined,
    },
    report: { readOnlyThread: true, ...nothingLeft(run) },
    result: { untended: [] },
    mailbox: { releaseThread: true, answers: [] },
  }),
})

/** Gives up what is left to do in the thread. */
export const nothingLeft = (
  run: Run,
): Pick<Run['report'], 'done' | 'inlineAnswered' | 'labels'> => ({
  done: ['conclude', 'react', 'drop-branch'],
  inlineAnswered: inlineAsked(run).length,
  labels: [],
})

/** Fails the Run. Its agent is ended next: a message under delivery may have put it to work. */
export function failed(
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  outcome: Outcome,
): ChangeOf<'result' | 'session'> {
  // If two steps side by side fail, the first failure counts.
  if (run.result.outcome) return {}
  const known = run.session.sessionLog
  const sessionLog = known && openIntent(run, 'deliver') ? { ...known, ended: undefined } : known
  return { result: { outcome, concludedAt: deps.now() }, session: { sessionLog } }
}

/** After a failure only intents matter that may start an agent or post the status. */
export function onlyNeeded(run: Run): Run {
  if (run.result.outcome?.kind !== 'failed') return run
  const needed = onlyIntents(run, kind => beginsAgent(kind) || kind === 'post-status')
  return changed(run, needed)
}
