/** The record of a Run, which is its job's data. Nearly every key has a default, since records outlive versions. */
import { z } from 'zod'
import { runInParts } from '../model/former-run.ts'
import { Thread } from '../model/thread.ts'
import { Attempts } from './record/attempts-part.ts'
import { Mailbox } from './record/mailbox-part.ts'
import { Report } from './record/report-part.ts'
import { Baseline, RunRequest } from './record/request-part.ts'
import { type Outcome, Result } from './record/result-part.ts'
import { Schedule } from './record/schedule-part.ts'
import { SessionPart } from './record/session-part.ts'
import { Workspace } from './record/workspace-part.ts'
import { type Rights, rightsOf, type Session } from './session.ts'

const parts = {
  baseline: Baseline,
  schedule: Schedule.prefault({}),
  workspace: Workspace.prefault({}),
  session: SessionPart.prefault({}),
  mailbox: Mailbox.prefault({}),
  result: Result.prefault({}),
  report: Report.prefault({}),
  attempts: Attempts.prefault({}),
}

export const Run = z.object({
  v: z.number().int().default(1),
  id: z.string(),
  thread: Thread,
  request: RunRequest,
  ...parts,
})
export type Run = z.infer<typeof Run>

export const runFormat = { renew: runInParts, parse: (data: unknown) => Run.parse(data) }

export type RunPart = keyof typeof parts
const isPart = (key: string): key is RunPart => Object.hasOwn(parts, key)

export type RunChange = Partial<Omit<Run, RunPart>> & { [Part in RunPart]?: Partial<Run[Part]> }

export type ChangeOf<Part extends RunPart> = { [Key in Part]?: Partial<Run[Key]> } & {
  [Key in Exclude<keyof Run, Part>]?: never
}

export const changed = <Of extends RunChange>(run: Of, ...changes: readonly RunChange[]): Of =>
  changes.reduce<Of>(withChange, run)

function withChange<Of extends RunChange>(run: Of, change: RunChange): Of {
  const entries = Object.entries(change).map(([key, value]) => [
    key,
    isPart(key) && typeof value === 'object' ? { ...run[key], ...value } : value,
  ])
  return { ...run, ...Object.fromEntries(entries) }
}

type Needed = 'id' | 'thread' | 'request' | 'baseline'
export type NewRun = Pick<Run, Needed> & Omit<RunChange, Needed>

/** @throws ZodError for a record that could not be read back */
export const newRun = ({ report, ...given }: NewRun): Run => {
  const { origin } = given.request
  return Run.parse({ ...given, report: { labels: origin.kind === 'label' ? [origin.label] : [], ...report } })
}

export type Phase = 'waiting' | 'preparing' | 'starting' | 'working' | 'stopping' | Outcome['kind']

export function phaseOf(run: Run): Phase {
  const {
    result,
    mailbox,
    session: { taskRun },
    schedule,
  } = run
  if (result.outcome) return result.outcome.kind
  if (mailbox.stop) return 'stopping'
  if (!taskRun) return schedule.ahead === undefined ? 'preparing' : 'waiting'
  const isQueued = taskRun.status === 'queued' || taskRun.status === 'not_started'
  return isQueued && !hasNewPull(run) ? 'starting' : 'working'
}

/** One that no last word told of yet. GitHub's event of it may come before a look at the agent. */
export const hasNewPull = ({ result: { pulls, reported } }: Run): boolean => pulls.length > reported

export const wantedRights = ({ request, workspace: { branch } }: Run): Rights =>
  rightsOf(request.options, branch?.name ?? '')

/** The branch that its agent published to last, as far as anybody told. */
export const agentsHead = ({ session: { taskRun }, result: { pulls } }: Run): string | undefined =>
  taskRun?.headBranch ?? pulls.at(-1)?.head

export function sessionOf(run: Run): Session | undefined {
  const { taskId, taskRun } = run.session
  if (taskId === undefined || !taskRun) return undefined
  const session = { taskId, taskRunId: taskRun.id }
  const { may } = taskRun
  const headBranch = agentsHead(run)
  if (!may) return session
  const branches = new Set([...may.branches, ...(headBranch === undefined ? [] : [headBranch])])
  return { ...session, may: { ...may, branches: [...branches] } }
}

type Earlier = Run['session']['earlier']

export const resumedSession = ({ session: { earlier } }: { session: { earlier?: Earlier } }): Earlier =>
  earlier?.resumes === false ? undefined : earlier

type TaskRunStatus = NonNullable<Run['session']['taskRun']>['status']

export const isTerminal = (status: TaskRunStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

/** A text by which the task is found again at PostHog. Names the thread and the Run. */
export const taskMarker = (run: Pick<Run, 'id' | 'thread'>): string =>
  `[gh:${run.thread.owner}/${run.thread.repo}#${run.thread.number}:${run.id}]`
