/** Passes attached files on to PostHog; what can not be had is kept with the reason. Repeatable. */
import {
  BadAttachment,
  NoResponse,
  Rejected,
  RetryLater,
  serviceNames,
} from '../../core/model/errors.ts'
import { instructionSent } from '../../core/record/ledger.ts'
import { type Run, resumedSession } from '../../core/record/run.ts'
import type { StagedAttachments } from '../../core/record/workspace-part.ts'
import {
  type Attachment,
  extensionOf,
  maxAttachments,
  onlyOnce,
} from '../../core/text/attachment-links.ts'
import { type StepContext, step } from './step-context.ts'

const maxStagingMs = 120_000
const pauseBeforeRepeat = 500
const maxNamed = 20

type AttachedWords = Pick<Run['request'], 'attached' | 'inline'>

/** The attachments, those of comments on lines included. */
export const attachedTo = (
  { attached = [], inline = [] }: AttachedWords,
  others: readonly Attachment[] = [],
): Attachment[] =>
  onlyOnce([...attached, ...inline.flatMap(each => each.attached ?? []), ...others])

/** The command's own first; a session that goes on has those of the thread. */
export const attachmentsOf = (run: Run): Attachment[] =>
  attachedTo(run.request, resumedSession(run) ? [] : run.workspace.threadContext?.attached)

type Attaching = Pick<
  StepContext<'comments.attachments', 'stageArtifact'>,
  'run' | 'github' | 'posthog'
> & {
  deps: Pick<StepContext['deps'], 'now' | 'log'>
  job: Pick<StepContext['job'], 'assertLocked'>
}

/** @param to a run that lives, or the next run of a task */
export async function attach(
  { run, deps, github, posthog, job }: Attaching,
  attachments: readonly Attachment[],
  to: { taskId: string; taskRunId?: string },
): Promise<StagedAttachments> {
  const wanted = run.baseline.settings.attachments ? attachments.slice(0, maxNamed) : []
  if (wanted.length === 0) return none
  const { origin } = run.request
  const download = github.comments.attachments(
    origin.kind === 'comment' ? origin.commentRef : undefined,
  )
  const ids: string[] = []
  const names: string[] = []
  const failed: StagedAttachments['failed'] = []
  const deadline = deps.now() + maxStagingMs
  const isFull = () => ids.length === maxAttachments
  for (const attachment of wanted) {
    const { name } = attachment
    if (isFull() || deps.now() >= deadline) {
      const why = isFull()
        ? `no more than ${maxAttachments} are passed on`
        : 'there was no time left for it'
      failed.push({ name, why })
      continue
    }
    await job.assertLocked()
    try {
      const file = await withSecondTry(() => download(attachment))
      // PostHog tells the agent its name outside the fence, and `promptOf` the name that somebody gave it inside.
      const ours = { ...file, name: `attachment-${ids.length + 1}.${extensionOf(file.name)}` }
      ids.push(await withSecondTry(() => posthog.stageArtifact(to, ours)))
      names.push(name)
    } catch (err) {
      if (err instanceof RetryLater) throw err
      const why = whyNot(err)
      deps.log[why ? 'warn' : 'error']({ attachment: name, err }, 'attachment not passed on')
      failed.push({ name, why: why ?? 'the bot itself failed at it' })
    }
  }
  return { ids, names, failed }
}

function whyNot(error: unknown) {
  if (error instanceof BadAttachment) return error.message
  if (error instanceof NoResponse) return `${serviceNames[error.service]} did not answer`
  if (error instanceof Rejected)
    return `${serviceNames[error.service]} refused: ${error.message.slice(0, 200)}`
  return undefined
}

/** Repeatable, so a lost response is retried once. */
async function withSecondTry<T>(act: () => Promise<T>) {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error
    await new Promise(done => setTimeout(done, pauseBeforeRepeat))
    return await act()
  }
}

export const none: StagedAttachments = { ids: [], failed: [] }

export const stageForRun = step('stage-attachments', {
  github: ['comments.attachments'],
  posthog: ['stageArtifact'],
  writes: ['workspace'],
  async do(context) {
    const { run } = context
    const { taskId } = run.session
    if (taskId === undefined) return {}
    // A follow-up that starts a run brings its own files.
    const wanted = instructionSent(run) ? [] : attachmentsOf(run)
    return { workspace: { attachments: await attach(context, wanted, { taskId }) } }
  },
})
