import { Rejected } from '../../core/model/errors.ts'
import { isSuperseded } from '../../core/record/last-word.ts'
import type { Signer } from '../../core/record/marker.ts'
import { backupOf } from '../../core/record/recovery-record.ts'
import type { Run } from '../../core/record/run.ts'
import { isGivenUp } from './closing-comment.ts'
import { fitted, markedWith, markerOf } from './markers.ts'
import { lastActivityAt, once, type StatusDrawing, skew, step } from './step-context.ts'

function textOf({ run, words }: StatusDrawing, signer: Signer): string {
  const backup = backupOf(run)
  return fitted(words(), signer.write({ ...markerOf(run, 'status'), backup }))
}

export const postStatus = step('post-status', {
  github: ['ownComments', 'comment'],
  writes: ['report', 'retries'],
  async do(context) {
    const drawing = context.drawing()
    const text = textOf(drawing, context.deps.signer)
    const commentId = await once(context, {
      intent: { kind: 'post-status', at: drawing.at },
      find: async ({ at }) => markedWith(context, await context.github.ownComments(at - skew), 'status')?.id,
      perform: () => context.github.comment(text),
    })
    const status = { commentId, postedAt: drawing.at, ...sent(drawing) }
    return { report: { status }, retries: { thread: undefined } }
  },
})

type Status = NonNullable<Run['report']['status']>

const sent = (drawing: StatusDrawing): Omit<Status, 'commentId'> => ({
  hash: drawing.hash(),
  phase: drawing.phase(),
  at: drawing.at,
  heardAt: lastActivityAt(drawing.run),
})

export const statusToSend = (
  drawing: StatusDrawing,
  before: Status,
  signer: Signer,
): { text: string; status: Status } => ({
  text: textOf(drawing, signer),
  status: { ...before, ...sent(drawing) },
})

/** A deleted status comment is posted again once; a second deletion is respected. */
export const editStatus = step('edit-status', {
  github: ['edit'],
  writes: ['report', 'retries'],
  async do(context) {
    const { run } = context
    if (!run.report.status) return {}
    const drawing = context.drawing()
    const status = { ...run.report.status, ...sent(drawing) }
    await context.job.assertLocked()
    const isSame = status.hash === run.report.status.hash && status.heardAt === run.report.status.heardAt
    if (isSame || run.report.status.minimized) return { report: { status } }
    try {
      const edited = await context.github.edit(status.commentId, textOf(drawing, context.deps.signer))
      context.deps.reached('status edit sent, not recorded')
      const retries = { thread: undefined }
      if (edited !== 'gone') return { report: { status: { ...status, nodeId: edited.nodeId } }, retries }
      return run.report.statusRemade
        ? { report: { status }, retries }
        : { report: { status: undefined, statusRemade: true }, retries }
    } catch (error) {
      if (!(error instanceof Rejected) || !isGivenUp(context)) throw error
      context.deps.log.warn({ err: error }, 'GitHub refused the last edit of the status')
      return { report: { status }, retries: { thread: undefined } }
    }
  },
})

/** Folds the status away once the last word is posted. */
export const minimizeStatus = step('minimize-status', {
  github: ['minimize'],
  writes: ['report'],
  async do({ run, job, github }) {
    const { status, supersedes } = run.report
    const own = isSuperseded(run) ? status?.nodeId : undefined
    for (const nodeId of [...supersedes, ...(own === undefined ? [] : [own])]) {
      await job.assertLocked()
      await github.minimize(nodeId)
    }
    return {
      report: { supersedes: [], status: status && own ? { ...status, minimized: true as const } : status },
    }
  },
})
