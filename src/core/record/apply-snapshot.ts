/** Applies what a poll saw to a Run. Pure. */
import type { LogEntry, TaskRunSnapshot } from '../model/task-run.ts'
import { newClaims } from './own-pull-request.ts'
import { logOffset, readLog } from './read-log.ts'
import { changed, isTerminal, type Run } from './run.ts'
import type { ProgressStep } from './session-part.ts'

export function observe(run: Run, snapshot: TaskRunSnapshot, now: number): Run {
  const { taskRun, sessionLog: before } = run.session
  if (!taskRun) return run
  const { status, offset, updatedAt } = snapshot
  const wasTouched =
    updatedAt !== undefined && taskRun.updatedAt !== undefined && updatedAt !== taskRun.updatedAt
  // Any log entry, or change of the run, is a sign of life; of one that is over, only the log: others change it still.
  const livesOn = status !== taskRun.status || offset > logOffset(run) || (!isTerminal(status) && wasTouched)
  const seen: Run = changed(run, {
    session: {
      taskRun: {
        ...taskRun,
        status,
        changedAt: livesOn ? now : taskRun.changedAt,
        updatedAt: updatedAt ?? taskRun.updatedAt,
        error: snapshot.error ?? taskRun.error,
        marker: snapshot.marker ?? taskRun.marker,
        files: snapshot.files?.slice(0, maxFiles),
        headBranch: snapshot.headBranch ?? taskRun.headBranch,
        model: snapshot.model ?? taskRun.model,
        effort: snapshot.effort ?? taskRun.effort,
        authorship: snapshot.authorship ?? taskRun.authorship,
      },
      sessionLog: readLog(run, snapshot, now),
      progress: snapshot.log.reduce(addProgress, run.session.progress),
      summary: snapshot.summary ?? run.session.summary,
    },
    result: { claimedPulls: [...run.result.claimedPulls, ...newClaims(run, snapshot.pulls)] },
  })
  const read = withoutRead(seen, snapshot)
  const { turns = 0 } = read.session.sessionLog ?? {}
  const hasEndedATurn = turns > (before?.turns ?? 0)
  return hasEndedATurn && !read.session.taskRun?.instructionUnread
    ? changed(read, { result: { instructionDone: true } })
    : read
}

const maxFiles = 50

/** The ids of the messages that the agent has read. */
export const messagesRead = (log: readonly LogEntry[]): string[] =>
  log.flatMap(({ what }) => (what.kind === 'words' || what.kind === 'prompt' ? what.messages : []))

function withoutRead(run: Run, { log, status }: TaskRunSnapshot): Run {
  const { taskRun } = run.session
  if (!taskRun?.unread?.length && !taskRun?.instructionUnread) return run
  const read = new Set(messagesRead(log))
  const unread = taskRun.unread?.filter(({ id }) => !read.has(id))
  const instructionUnread = read.has(run.id) ? undefined : taskRun.instructionUnread
  const seen: Run = changed(run, { session: { taskRun: { ...taskRun, unread, instructionUnread } } })
  // After a failure nobody resumes them: they are asked again.
  const isLeft = run.result.outcome && isTerminal(status)
  if (!isLeft || run.mailbox.stop) return seen
  const pendingFollowUps = [...(unread ?? []), ...run.mailbox.pendingFollowUps]
  return changed(seen, {
    session: { taskRun: { ...taskRun, instructionUnread, unread: [] } },
    mailbox: { pendingFollowUps },
  })
}

const maxProgressSteps = 50

function addProgress(progress: ProgressStep[], entry: LogEntry): ProgressStep[] {
  if (entry.what.kind !== 'progress') return progress
  const { step, label, done, failed } = entry.what
  const index = progress.findIndex(known => known.step === step)
  const before = progress[index]
  // Another session takes the same steps again, each in its own time.
  const isSame = before && !before.done && !before.failed
  const since = isSame ? (before.since ?? before.at) : entry.at
  const next = { step, label, done, since, at: entry.at, failed }
  return index === -1 ? [...progress, next].slice(-maxProgressSteps) : progress.with(index, next)
}
