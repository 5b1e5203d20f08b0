/** What one poll saw of a run, redacted. */
import type { LogEntry, TaskRunSnapshot } from '../core/run/apply-snapshot.ts'
import { logEntry } from './log-entries.ts'
import type { TaskRun } from './schemas.ts'

interface Reading {
  offset: number
  redact(text: string): string
}

export function snapshotOf(run: TaskRun, lines: unknown[], { offset, redact }: Reading): TaskRunSnapshot {
  const output = run.output
  const startedAt = Date.parse(run.created_at ?? '') || 0
  return {
    status: run.status,
    error: run.error_message ? redact(run.error_message) : undefined,
    pulls: [...(output?.pr_url ? [output.pr_url] : []), ...(output?.pr_urls ?? [])].map(redact),
    headBranch: output?.head_branch ?? undefined,
    model: run.model ?? undefined,
    effort: run.reasoning_effort ?? undefined,
    authorship: run.state?.pr_authorship_mode ?? undefined,
    updatedAt: Date.parse(run.updated_at ?? '') || undefined,
    // The log of a resumed run begins with that of its ancestors.
    log: lines
      .flatMap(logEntry)
      .filter(entry => entry.at >= startedAt)
      .map(entry => redacted(entry, redact)),
    offset: offset + lines.length,
  }
}

function redacted({ at, what }: LogEntry, redact: (text: string) => string): LogEntry {
  if (what.kind === 'asks') {
    const { request } = what
    return { at, what: { kind: 'asks', request: { ...request, title: redact(request.title) } } }
  }
  if (what.kind === 'message') return { at, what: { kind: 'message', text: redact(what.text) } }
  if (what.kind === 'plan')
    return {
      at,
      what: { kind: 'plan', steps: what.steps.map(step => ({ ...step, text: redact(step.text) })) },
    }
  return { at, what: what.kind === 'progress' ? { ...what, label: redact(what.label) } : what }
}
