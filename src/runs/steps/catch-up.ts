/** A Run whose record may lag reads its own status in the thread, and goes on from there if that knows more. */
import { Pull } from '../../core/model/views.ts'
import { type Backup, isOwnTaskRun, restored } from '../../core/record/recovery-record.ts'
import type { Run } from '../../core/record/run.ts'
import { ownSince, said } from '../../core/words/say.ts'
import { markerOf } from './markers.ts'
import { step } from './step-context.ts'

export const catchUp = step('catch-up', {
  github: ['ownComments', 'pull'],
  writes: ['attempts', 'schedule', 'session', 'workspace', 'result', 'report', 'mailbox'],
  async do(context) {
    const { run, deps, github } = context
    const attempts = { caughtUpAt: run.attempts.lagsSince }
    const comments = await ownSince(github, run.request.at)
    const status = said(deps.signer, comments, markerOf(run, 'status'))
    const marker = status && deps.signer.read(status.body, run.thread).find(({ as }) => as === 'status')
    const backup = marker?.backup
    if (!status || !backup) return { attempts }
    const { round } = backup
    const lastWord = said(deps.signer, comments, { ...markerOf(run, 'closing'), round })
    const taskRunId = isOwnTaskRun(marker, backup) ? marker.taskRun : undefined
    const isQuiet = backup.quiet || taskRunId === undefined
    const closed = backup.outcome !== undefined && (isQuiet || lastWord !== undefined)
    if (!isAhead(run, { round, taskRunId, closed, backup })) return { attempts }
    const { pulls } = run.result
    const unknown = closed && pulls.every(({ number }) => number !== marker.pull) ? marker.pull : undefined
    const pull = unknown === undefined ? undefined : await github.pull(unknown)
    const { session, schedule, workspace, result, report, mailbox } = restored(
      {
        ...{ id: run.id, backup, made: marker.made, thread: run.thread },
        ...{ snapshot: run.baseline.snapshot, settings: run.baseline.settings, untended: [] },
        pulls: pull ? [...pulls, Pull.parse(pull)] : pulls,
        commentId: status.id,
        session: { taskId: marker.task, taskRunId },
        closed,
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

interface Known {
  round: number
  /** Its own. */
  taskRunId: string | undefined
  /** With its last word, where it has one. */
  closed: boolean
  backup: Backup
}

function isAhead({ result, session }: Run, { round, taskRunId, closed, backup }: Known): boolean {
  if (round !== result.round) return round > result.round
  if (result.outcome) return false
  const { taskRun, earlier, instructionSent } = session
  const isAnother = taskRunId !== undefined && taskRunId !== earlier?.taskRunId && taskRunId !== taskRun?.id
  return closed || isAnother || (!taskRun && backup.instructionSent && !instructionSent)
}
