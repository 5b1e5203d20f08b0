/**
 * The steps that show how a Run stands: `post-status`, `edit-status` and `minimize-status` keep its comment.
 * `show-state` sets the label of its state, and `unlabel` takes off those that asked for work.
 * They leave in the report what is shown.
 */
import { Rejected } from '../../core/model/errors.ts'
import type { Posted } from '../../core/model/views.ts'
import { isSuperseded } from '../../core/record/last-word.ts'
import { type Marker, markerOf, type Signer } from '../../core/record/marker.ts'
import { backupOf } from '../../core/record/recovery-record.ts'
import { isDone, type Run } from '../../core/record/run.ts'
import { labelStateOf, labelStates, stateLabels } from '../../core/record/situation.ts'
import { triggerOf } from '../../core/settings/deployment-settings.ts'
import { saying, signed } from '../../core/words/say.ts'
import { isThreadGivenUp } from './closing-comment.ts'
import { ignoreRefusal, once, type StatusDrawing, step } from './step-context.ts'

const commentOf = (drawing: StatusDrawing, signer: Signer) =>
  signed(signer, drawing.words(), markOf(drawing))

const markOf = ({ run }: StatusDrawing): Marker => ({
  ...markerOf(run, 'status'),
  backup: backupOf(run),
})

export const postStatus = step('post-status', {
  github: ['comments.own', 'comments.post'],
  writes: ['report', 'retries'],
  async do(context) {
    let drawing = context.drawing()
    const { id: commentId } = await once<Posted>(context, {
      intent: { kind: 'post-status', at: drawing.at },
      ...saying(context.github, context.deps.signer, {
        marker: markOf(drawing),
        text: drawing.words,
      }),
      perform() {
        // The step beside this one may have named its branch by now: then a lost queue leaves no branch behind.
        drawing = context.drawing()
        return context.github.comments.post(commentOf(drawing, context.deps.signer))
      },
    })
    return {
      report: { status: { commentId, ...statusRecord(drawing) } },
      retries: { thread: undefined },
    }
  },
})

export type PostedStatus = NonNullable<Run['report']['status']>

const statusRecord = (drawing: StatusDrawing): Omit<PostedStatus, 'commentId'> => ({
  hash: drawing.hash(),
  phase: drawing.phase(),
  at: drawing.at,
})

export function statusToSend(drawing: StatusDrawing, before: PostedStatus, signer: Signer) {
  return { text: commentOf(drawing, signer), status: { ...before, ...statusRecord(drawing) } }
}

/** A deleted status comment is posted again once, if no last word says the same; a second deletion is respected. */
export const editStatus = step('edit-status', {
  github: ['comments.edit'],
  writes: ['report', 'retries'],
  async do(context) {
    const { run } = context
    const before = run.report.status
    if (!before) return {}
    const drawing = context.drawing()
    const { text, status } = statusToSend(drawing, before, context.deps.signer)
    await context.job.assertLocked()
    if (status.hash === before.hash || before.minimized) return { report: { status } }
    try {
      const edited = await context.github.comments.edit(before.commentId, text)
      const retries = { thread: undefined }
      if (edited !== 'gone') return { report: { status: { ...status, ...edited } }, retries }
      return run.report.statusRemade || isDone(run, 'last-word')
        ? { report: { status }, retries }
        : { report: { status: undefined, statusRemade: true }, retries }
    } catch (error) {
      if (!(error instanceof Rejected) || !isThreadGivenUp(context)) throw error
      context.deps.log.warn({ err: error }, 'GitHub refused the last edit of the status')
      return { report: { status }, retries: { thread: undefined } }
    }
  },
})

/** Folds the status away once the last word is posted. */
export const minimizeStatus = step('minimize-status', {
  github: ['thread.settle'],
  writes: ['report'],
  async do({ run, job, github }) {
    const { status, supersedes } = run.report
    const own = isSuperseded(run) ? status?.nodeId : undefined
    for (const nodeId of [...supersedes, ...(own === undefined ? [] : [own])]) {
      await job.assertLocked()
      await github.thread.settle({ fold: nodeId })
    }
    return {
      report: {
        supersedes: [],
        status: status && own ? { ...status, minimized: true as const } : status,
      },
    }
  },
})

/**
 * The label is set only when the state changes: whoever takes it off by hand has it so until then. A refusal
 * is only logged, since the label is decoration.
 */
export const showState = step('show-state', {
  github: ['labels.showState', 'labels.remove'],
  writes: ['report'],
  async do(context) {
    const { run, deps, job, github } = context
    const [base = ''] = triggerOf(deps.settings.deployment, run.thread.ownerId).labels
    const nameOf = (state = '') => `${base}:${state}`
    const state = labelStateOf(run)
    const { state: before, labels } = run.report
    const name = nameOf(state ?? before)
    // Saved first: after a crash, and after no answer, it may be there, and has to go if the run is stopped.
    await context.save({ report: { labels: [...new Set([...labels, name])] } })
    await job.assertLocked()
    const others = labelStates.filter(each => each !== state).map(nameOf)
    const { showState, remove } = github.labels
    await ignoreRefusal(
      context,
      state ? showState({ name, ...stateLabels[state] }, others) : remove(name),
    )
    return { report: { state, labels: labels.filter(each => each !== name) } }
  },
})

export const unlabel = step('unlabel', {
  github: ['labels.remove'],
  writes: ['report'],
  async do(context) {
    for (const label of new Set(context.run.report.labels)) {
      await context.job.assertLocked()
      await ignoreRefusal(context, context.github.labels.remove(label))
    }
    return { report: { labels: [] } }
  },
})
