/** A Run whose record may lag reads its own status before it begins, and goes on from there if that knows more. */
import type { Marker } from '../../core/record/marker.ts'
import { type Backup, isOwnTaskRun, restored } from '../../core/record/recovery-record.ts'
import type { Run } from '../../core/record/run.ts'
import { markedWith } from './markers.ts'
import { skew, step } from './step-context.ts'

export const catchUp = step('catch-up', {
  github: ['ownComments'],
  writes: ['attempts', 'schedule', 'session', 'workspace', 'result', 'report', 'mailbox'],
  async do(context) {
    const { run, deps, github } = context
    const attempts = { caughtUpAt: run.attempts.lagsSince }
    const comments = await github.ownComments(run.request.at - skew)
    const status = markedWith(context, comments, 'status')
    const marker = status && deps.signer.read(status.body, run.thread).find(({ as }) => as === 'status')
    const backup = marker?.backup
    if (!status || !backup || !isAhead(run, marker, backup)) return { attempts }
    const { round } = backup
    const lastWord = markedWith(
      { ...context, run: { ...run, result: { ...run.result, round } } },
      comments,
      'closing',
    )
    const taskRunId = isOwnTaskRun(marker, backup) ? marker.taskRun : undefined
    const { session, schedule, workspace, result, report, mailbox } = restored(
      {
        ...{ id: run.id, backup, made: marker.made, thread: run.thread },
        ...{ snapshot: run.baseline.snapshot, settings: run.baseline.settings, pulls: [], untended: [] },
        status: { commentId: status.id },
        session: { taskId: marker.task, taskRunId },
        closed: backup.quiet || lastWord !== undefined || taskRunId === undefined,
      },
      deps.now(),
    )
    deps.log.warn({ status: status.id }, 'its status knew more of the run than the queue did')
    const { wordsOfRound, requesters, releaseThread } = mailbox
    const { tenant } = run.session
    return {
      ...{ attempts, workspace, result, report },
      schedule: { ...schedule, waits: schedule.waits },
      session: { ...session, tenant },
      mailbox: { wordsOfRound, requesters, releaseThread },
    }
  },
})

function isAhead({ result, session }: Run, marker: Marker, backup: Backup): boolean {
  if (backup.round !== result.round) return backup.round > result.round
  const hasBegun = marker.taskRun !== session.earlier?.taskRunId && isOwnTaskRun(marker, backup)
  return backup.outcome !== undefined || hasBegun || (backup.instructionSent && !session.instructionSent)
}
