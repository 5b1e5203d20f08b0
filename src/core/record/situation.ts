/** How a Run stands. Its status, the lists, the labels, `/codex status` and `runs.json` all go by this one value. */
import type { PermissionRequest } from '../model/task-run.ts'
import { neverBegan } from './last-word.ts'
import { inTaskRun } from './ledger.ts'
import { asksBack } from './open-question.ts'
import { openQuestion } from './permission-request.ts'
import { retryOf, services } from './retries.ts'
import { hasNewPull, isQueued, isTerminal, type Outcome, type Run, type Waits } from './run.ts'
import { agentWorks, isWordless } from './turn.ts'

/** What only a person can end. The agent's question is told before a wrong set-up. */
type Hold = { kind: 'question'; question: PermissionRequest } | { kind: 'set-up'; why: string }

/** `ending`: its agent has ended, and its last words are not known yet. */
export type Live = (
  | { kind: 'waiting'; waits: Waits }
  | { kind: 'preparing' | 'starting' | 'working' | 'stopping' | 'ending' }
) & { admitted: boolean; held: Hold | undefined }

/** How it ended, as people are told: its outcome, or what that alone does not say. */
export type Ending =
  | Outcome
  | { kind: 'asks' }
  | { kind: 'unstarted'; outcome: Outcome & { kind: 'failed' | 'stopped' } }

export type Situation = Live | { kind: 'ended'; ending: Ending; held?: undefined }

/** The name on the pages and in `runs.json`. */
export type Phase = Live['kind'] | Ending['kind']

export const phaseOf = (situation: Situation): Phase =>
  situation.kind === 'ended' ? situation.ending.kind : situation.kind

export function situationOf(run: Run): Situation {
  const { outcome } = run.result
  if (outcome) return { kind: 'ended', ending: endingOf(run, outcome) }
  const { taskRun } = run.session
  const { admitted, waits } = run.schedule
  const live = { admitted, held: heldBy(run) }
  if (run.mailbox.stop) return { ...live, kind: 'stopping' }
  if (!taskRun) return waits ? { ...live, kind: 'waiting', waits } : { ...live, kind: 'preparing' }
  if (isTerminal(taskRun.status) || isWordless(run)) return { ...live, kind: 'ending' }
  return { ...live, kind: hasAgent(run, taskRun) ? 'working' : 'starting' }
}

/** PostHog calls a run `in_progress` while it sets the sandbox up. GitHub may tell of a pull request before a look. */
const hasAgent = (run: Run, { from, status }: NonNullable<Run['session']['taskRun']>) =>
  hasNewPull(run) ||
  Boolean(from) ||
  inTaskRun(run).some(({ state }) => state === 'read') ||
  (run.session.sessionLog?.absent === true && !isQueued(status))

export function endingOf(run: Run, outcome: Outcome): Ending {
  if (outcome.kind === 'failed' && neverBegan(run)) return { kind: 'unstarted', outcome }
  return asksBack(run) ? { kind: 'asks' } : outcome
}

/** A Run that only finishes what a result leaves to do is not at work. */
export const isAtWork = (run: Run): boolean => !run.result.outcome || agentWorks(run)

function heldBy(run: Run): Hold | undefined {
  const question = openQuestion(run)
  if (question) return { kind: 'question', question }
  const fault = services.map(service => retryOf(run, service)).find(retry => retry?.setup)
  return fault && { kind: 'set-up', why: fault.why }
}

/** The labels of `labels.state`, as the repository has them if nobody made them otherwise. */
export const stateLabels = {
  working: { color: 'fbca04', description: 'Codex works here' },
  'needs-you': { color: 'd93f0b', description: 'Codex asks something, or could not do it' },
  done: { color: '0e8a16', description: 'Codex has ended here' },
} as const

export type LabelState = keyof typeof stateLabels
export const labelStates = Object.keys(stateLabels).filter(isLabelState)

export function isLabelState(name: string): name is LabelState {
  return Object.hasOwn(stateLabels, name)
}

const afterEnd: Readonly<Record<Ending['kind'], LabelState | undefined>> = {
  pull: 'done',
  pushed: 'done',
  answer: 'done',
  nothing: 'done',
  asks: 'needs-you',
  unfinished: 'needs-you',
  failed: 'needs-you',
  unstarted: 'needs-you',
  stopped: undefined,
}

/** None while it waits to begin, and when somebody stopped it. */
export function labelStateOf(run: Run): LabelState | undefined {
  const situation = situationOf(run)
  if (situation.kind === 'ended') return afterEnd[situation.ending.kind]
  if (situation.held) return 'needs-you'
  return situation.admitted && situation.kind !== 'stopping' ? 'working' : undefined
}

export const showsOtherState = (run: Run): boolean =>
  run.baseline.settings.labels.state && run.report.state !== labelStateOf(run)
