import { createHash } from 'node:crypto'
import { phaseKey, statusComment } from '../../core/comments/status.ts'
import type { Deployment } from '../../core/comments/words.ts'
import { changed, type Run } from '../../core/run/run.ts'
import type { Now } from '../../core/run/steps/polling.ts'

export interface StatusDrawing {
  run: Run
  at: number
  phase(): string
  words(): string
  /** Hash of the visible text without the time of the agent's last activity: see `difference`. */
  hash(): string
  difference(): Now['text']
}

export function drawStatus(run: Run, deployment: Deployment, at: number): StatusDrawing {
  const still = timeless(run)
  const phase = made(() => phaseKey(run, at))
  const words = made(() => statusComment(run, deployment, at))
  const stillWords = still === run ? words : made(() => statusComment(still, deployment, at))
  const hash = made(() => createHash('sha256').update(stillWords()).digest('base64url').slice(0, 16))
  return { run, at, phase, words, hash, difference: made(() => difference(run, { phase, hash })) }
}

function difference({ report, ...run }: Run, now: Pick<StatusDrawing, 'phase' | 'hash'>): Now['text'] {
  const { status } = report
  if (!status) return report.readOnlyThread ? 'same' : 'phase'
  if (status.phase !== now.phase()) return 'phase'
  if (status.hash !== now.hash()) return 'details'
  return status.heardAt === lastActivityAt(run) ? 'same' : 'time'
}

export const lastActivityAt = ({
  session: { sessionLog },
  result: { outcome },
  mailbox: { stop },
}: Pick<Run, 'session' | 'result' | 'mailbox'>): number | undefined =>
  outcome || stop ? undefined : sessionLog?.activity?.at

function timeless(run: Run): Run {
  const { sessionLog } = run.session
  return sessionLog?.activity
    ? changed(run, {
        session: { sessionLog: { ...sessionLog, activity: { ...sessionLog.activity, at: undefined } } },
      })
    : run
}

function made<T>(make: () => T): () => T {
  let kept: { value: T } | undefined
  return () => {
    kept ??= { value: make() }
    return kept.value
  }
}
