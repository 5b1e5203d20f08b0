/** Applies what a poll saw to a Run. Pure. */
import type { LogEntry, TaskRunSnapshot } from '../model/task-run.ts'
import { addAct, noActivity } from './agent-activity.ts'
import { openIntent } from './intents.ts'
import { newClaims } from './own-pull-request.ts'
import { changed, isTerminal, type Run } from './run.ts'
import type { ProgressStep, SessionLog } from './session-part.ts'
import { hasReadAllMessages } from './turn.ts'

export function observe(run: Run, snapshot: TaskRunSnapshot, now: number): Run {
  const { taskRun, sessionLog: before } = run.session
  if (!taskRun) return run
  const { status, offset, updatedAt } = snapshot
  const wasTouched =
    updatedAt !== undefined && taskRun.updatedAt !== undefined && updatedAt !== taskRun.updatedAt
  // Any log entry, or change of the run, is a sign of life; of one that is over, only the log: others change it still.
  const livesOn =
    status !== taskRun.status || offset > (before?.offset ?? 0) || (!isTerminal(status) && wasTouched)
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
    },
    result: { claimedPulls: [...run.result.claimedPulls, ...newClaims(run, snapshot.pulls)] },
  })
  const read = withoutRead(seen, snapshot)
  const { turns = 0, stopReason = 'end_turn' } = read.session.sessionLog ?? {}
  const hasEndedATurn = turns > (before?.turns ?? 0) && stopReason === 'end_turn'
  return hasEndedATurn && !read.session.taskRun?.instructionUnread
    ? changed(read, { result: { instructionDone: true } })
    : read
}

const maxFiles = 50

function withoutRead(run: Run, { log, status }: TaskRunSnapshot): Run {
  const { taskRun } = run.session
  if (!taskRun?.unread?.length && !taskRun?.instructionUnread) return run
  const read = new Set(log.flatMap(({ what }) => (what.kind === 'words' ? what.messages : [])))
  const unread = taskRun.unread?.filter(({ id }) => !read.has(id))
  const instructionUnread = read.has(run.id) ? undefined : taskRun.instructionUnread
  const seen: Run = changed(run, { session: { taskRun: { ...taskRun, unread, instructionUnread } } })
  // After a failure nobody resumes them: they are asked again.
  const isLeft = run.result.outcome && isTerminal(status) && run.session.sessionLog?.showsWords
  if (!isLeft || run.mailbox.stop) return seen
  const pendingFollowUps = [...(unread ?? []), ...run.mailbox.pendingFollowUps]
  return changed(seen, {
    session: { taskRun: { ...taskRun, instructionUnread, unread: [] } },
    mailbox: { pendingFollowUps },
  })
}

function readLog(run: Run, snapshot: TaskRunSnapshot, now: number): SessionLog {
  const before: SessionLog = {
    ...(run.session.sessionLog ?? { turns: 0, idle: false }),
    ...(snapshot.unlogged ? { absent: true } : {}),
    offset: snapshot.offset,
  }
  const sent = openIntent(run, 'deliver')?.messageId
  const mine = (id: string): boolean =>
    id === run.id || id === sent || run.mailbox.handledMessageIds.includes(id)
  const seenAt = run.schedule.lastPollAt ?? run.session.taskRun?.since ?? now
  const after = snapshot.log.reduce((log, entry) => withEntry(log, entry, { now, seenAt, mine }), before)
  const at = snapshot.log.at(-1)?.at
  if (at === undefined) return after
  // In a log without words, whoever idles may be about to read some: how long, counts only from when it was seen. What
  // is logged then may be another turn.
  const mayReadOn =
    after.idle && !after.showsWords && !hasReadAllMessages(changed(run, { session: { sessionLog: after } }))
  const log = mayReadOn ? { ...after, idleSince: now } : after
  return { ...log, activity: { ...(log.activity ?? noActivity), at } }
}

interface Reading {
  now: number
  /** When it was looked at before. */
  seenAt: number
  mine(id: string): boolean
}

function withEntry(log: SessionLog, { at, what }: LogEntry, { now, seenAt, mine }: Reading): SessionLog {
  const concernsAll = what.kind === 'words' || what.kind === 'asks' || what.kind === 'permitted'
  if (log.ofOthers && !concernsAll) return log
  switch (what.kind) {
    case 'turn-over':
      // One end may be logged twice, as an event and as a response.
      if (log.idle) return { ...log, stopReason: what.stopReason ?? log.stopReason }
      return {
        ...log,
        permissionRequest: undefined,
        turns: log.turns + 1,
        idle: true,
        // By PostHog's clock, within what ours has seen.
        idleSince: Math.min(now, Math.max(at, seenAt)),
        stopReason: what.stopReason,
      }
    case 'message':
      return { ...log, answer: what.text, idle: false }
    case 'activity':
      return { ...log, idle: false }
    case 'acts':
      return { ...log, idle: false, activity: addAct(log.activity ?? noActivity, what) }
    case 'plan':
      return { ...log, activity: addAct(log.activity ?? noActivity, what) }
    case 'words':
      return withWords(
        { ...log, showsWords: true, ciTurns: what.ofCi ? (log.ciTurns ?? 0) + 1 : log.ciTurns },
        what.messages,
        mine,
      )
    case 'asks':
      // An agent that waits for permission has not ended its turn.
      return { ...log, permissionRequest: what.request, idle: log.ofOthers === true && log.idle }
    case 'permitted':
      return log.permissionRequest?.id === what.id ? { ...log, permissionRequest: undefined } : log
    case 'progress':
      return log
  }
}

/**
 * An idle end before our message belongs to an earlier turn. After its answer, messages of others do not concern this
 * Run.
 */
function withWords(log: SessionLog, messages: readonly string[], mine: Reading['mine']): SessionLog {
  const { awaitedMessageId } = log
  const taken = awaitedMessageId === undefined ? messages.some(mine) : messages.includes(awaitedMessageId)
  const read = { ...log, ofOthers: false, idle: false, answer: undefined, takenUp: messages.filter(mine) }
  if (taken) return { ...read, awaitedMessageId: undefined }
  return awaitedMessageId === undefined && log.idle ? { ...log, ofOthers: true } : log
}

const maxProgressSteps = 50

function addProgress(progress: ProgressStep[], entry: LogEntry): ProgressStep[] {
  if (entry.what.kind !== 'progress') return progress
  const { step, label, done, failed } = entry.what
  const index = progress.findIndex(known => known.step === step)
  const since = progress[index]?.since ?? progress[index]?.at ?? entry.at
  const next = { step, label, done, since, at: entry.at, failed }
  return index === -1 ? [...progress, next].slice(-maxProgressSteps) : progress.with(index, next)
}
