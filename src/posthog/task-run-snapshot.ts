/** What one poll saw of a run. */
import type { LogEntry, TaskRunSnapshot } from '../core/run/apply-snapshot.ts'
import type { Unfinished } from '../core/run/record/result-part.ts'
import { isTerminal } from '../core/run/run.ts'
import type { TaskRun } from './schemas.ts'

/** @param log `undefined` if the server has no logs of sessions */
export function snapshotOf(
  run: TaskRun,
  log: readonly LogEntry[][] | undefined,
  offset: number,
): TaskRunSnapshot {
  const output = run.output
  const startedAt = Date.parse(run.created_at ?? '') || 0
  return {
    status: run.status,
    error: run.error_message || undefined,
    marker: markerOf(run),
    pulls: [...(output?.pr_url ? [output.pr_url] : []), ...(output?.pr_urls?.items ?? [])],
    headBranch: output?.head_branch ?? undefined,
    model: run.model ?? undefined,
    effort: run.reasoning_effort ?? undefined,
    authorship: run.state?.pr_authorship_mode ?? undefined,
    updatedAt: Date.parse(run.updated_at ?? '') || undefined,
    // The log of a resumed run begins with that of its ancestors.
    log: (log ?? []).flat().filter(entry => entry.at >= startedAt),
    unlogged: log ? undefined : true,
    offset: offset + (log?.length ?? 0),
  }
}

/** Source: `update_task_run_status.py`; an older workflow says it in the error of a run that is `completed`. */
function markerOf({ status, state, error_message }: TaskRun): Unfinished | undefined {
  if (!isTerminal(status)) return undefined
  if (state?.sandbox_gone || /^Sandbox stopped; resume/.test(error_message ?? '')) return 'sandbox-gone'
  if (state?.timed_out_wall_clock) return 'out-of-time'
  return state?.timed_out_inactivity ? 'inactive' : undefined
}
