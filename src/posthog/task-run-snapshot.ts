/** What one poll saw of a run. */
import type { LogEntry, TaskRunSnapshot } from '../core/run/apply-snapshot.ts'
import type { TaskRun } from './schemas.ts'

export function snapshotOf(run: TaskRun, log: readonly LogEntry[][], offset: number): TaskRunSnapshot {
  const output = run.output
  const startedAt = Date.parse(run.created_at ?? '') || 0
  return {
    status: run.status,
    error: run.error_message || undefined,
    pulls: [...(output?.pr_url ? [output.pr_url] : []), ...(output?.pr_urls?.items ?? [])],
    headBranch: output?.head_branch ?? undefined,
    model: run.model ?? undefined,
    effort: run.reasoning_effort ?? undefined,
    authorship: run.state?.pr_authorship_mode ?? undefined,
    updatedAt: Date.parse(run.updated_at ?? '') || undefined,
    // The log of a resumed run begins with that of its ancestors.
    log: log.flat().filter(entry => entry.at >= startedAt),
    offset: offset + log.length,
  }
}
