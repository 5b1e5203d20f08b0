/**
 * How a Run comes to its outcome, and what it then lets go of.
 * All of it follows from the record alone. `next-step.ts` decides when.
 */
import { beginsAgent, onlyIntents, openIntent } from './intents.ts'
import { inlineAsked } from './open-question.ts'
import { type ChangeOf, changed, type Outcome, type Run } from './run.ts'
import { outcomeOf } from './turn.ts'

/** @param at ms since the epoch, here and below */
export function withOutcome(run: Run, at: number): ChangeOf<'result'> {
  const outcome = outcomeOf(run)
  // News of a pull request that was there before the Run came when nobody was here to look.
  const hinted = outcome.kind === 'pushed' ? true : run.result.hinted
  return { result: { outcome, concludedAt: at, hinted } }
}

/** Fails the Run. Its agent is ended next: a message under delivery may have put it to work. */
export function failed(run: Run, outcome: Outcome, at: number): ChangeOf<'result' | 'session'> {
  // If two steps side by side fail, the first failure counts.
  if (run.result.outcome) return {}
  const log = run.session.sessionLog
  const sessionLog = log && openIntent(run, 'deliver') ? { ...log, ended: undefined } : log
  return { result: { outcome, concludedAt: at }, session: { sessionLog } }
}

/** After a failure only intents matter that may start an agent or post the status. */
export function onlyNeeded(run: Run): Run {
  if (run.result.outcome?.kind !== 'failed') return run
  const needed = onlyIntents(run, kind => beginsAgent(kind) || kind === 'post-status')
  return changed(run, needed)
}

/** The Run ends, and says that its agent may still work. */
export const agentLeft: ChangeOf<'attempts' | 'session'> = {
  attempts: { intent: undefined },
  session: { agentLeft: true },
}

/** A service was away for so long after the outcome that nothing more is told or tidied. */
export const letGo = (
  run: Run,
  at: number,
): ChangeOf<'report' | 'result' | 'mailbox' | 'attempts' | 'retries'> => ({
  attempts: { intent: undefined },
  retries: {
    github: run.retries.github?.limit && { ...run.retries.github, since: at },
    posthog: undefined,
    agent: undefined,
    thread: undefined,
  },
  report: { readOnlyThread: true, ...nothingLeft(run) },
  result: { untended: [] },
  mailbox: { releaseThread: true, answers: [] },
})

/** Gives up what is left to do in the thread. */
export const nothingLeft = (
  run: Run,
): Pick<Run['report'], 'done' | 'inlineAnswered' | 'labels'> => ({
  done: ['conclude', 'react', 'drop-branch'],
  inlineAnswered: inlineAsked(run).length,
  labels: [],
})
