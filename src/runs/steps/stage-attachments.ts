/** Stages attachments at PostHog before the run starts; refused ones are kept with the reason. Repeatable. */
import {
  type AttachmentFile,
  AttachmentRefused,
  type StagedAttachments,
  type Unfit,
  whyNot,
} from '../../core/model/attachment.ts'
import { NoResponse, Rejected, RetryLater } from '../../core/model/errors.ts'
import type { Log } from '../../core/model/ports.ts'
import { type Run, resumedSession } from '../../core/record/run.ts'
import type { Context } from '../../core/record/workspace-part.ts'
import { type Attachment, maxAttachments, onlyOnce } from '../../core/text/attachment-links.ts'
import { type StepContext, step } from './step-context.ts'

export interface Attaching {
  request: Pick<Run['request'], 'attached' | 'inline'>
  workspace: { threadContext?: Pick<Context, 'attached'> | undefined }
  session: { earlier?: Run['session']['earlier'] }
}

export interface Staging {
  download(attachment: Attachment): Promise<AttachmentFile>
  stage(file: AttachmentFile): Promise<string>
  assertLocked(): Promise<void>
  log: Log
  now(): number
}

const giveUpAfterMs = 120_000
const pauseBeforeRepeat = 500
const maxNamed = 20

export async function stageAttachments(
  attachments: readonly Attachment[],
  staging: Staging,
): Promise<StagedAttachments> {
  const ids: string[] = []
  const failed: StagedAttachments['failed'] = []
  const deadline = staging.now() + giveUpAfterMs
  for (const attachment of attachments.slice(0, maxNamed)) {
    const taken = await take(staging, attachment, { deadline, full: ids.length === maxAttachments })
    if (typeof taken === 'string') ids.push(taken)
    else failed.push({ name: attachment.name, why: whyNot(taken) })
  }
  return { ids, failed }
}

/** The command's own first; a session that goes on has those of the thread. */
export const attachmentsOf = ({ request, workspace, session }: Attaching): Attachment[] =>
  attachedTo(request, resumedSession({ session }) ? [] : workspace.threadContext?.attached)

/** With those of the comments on lines. */
export const attachedTo = (
  { attached = [], inline = [] }: Pick<Run['request'], 'attached' | 'inline'>,
  others: readonly Attachment[] = [],
): Attachment[] => onlyOnce([...attached, ...inline.flatMap(each => each.attached ?? []), ...others])

async function take(
  staging: Staging,
  attachment: Attachment,
  { deadline, full }: { deadline: number; full: boolean },
): Promise<string | Unfit> {
  if (full) return { kind: 'count' }
  if (staging.now() >= deadline) return { kind: 'time' }
  await staging.assertLocked()
  try {
    const file = await withSecondTry(() => staging.download(attachment))
    return await withSecondTry(() => staging.stage(file))
  } catch (error) {
    if (error instanceof RetryLater) throw error
    const unfit = unfitOf(error)
    const level = unfit.kind === 'fault' ? 'error' : 'warn'
    const fields = { attachment: attachment.name, err: error }
    staging.log[level](fields, 'attachment not passed on')
    return unfit
  }
}

function unfitOf(error: unknown): Unfit {
  if (error instanceof AttachmentRefused) return error.unfit
  if (error instanceof NoResponse) return { kind: 'silence', service: error.service }
  if (error instanceof Rejected)
    return { kind: 'refusal', service: error.service, said: error.message.slice(0, 200) }
  return { kind: 'fault' }
}

/** Repeatable, so a lost response is retried once. */
async function withSecondTry<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error
    await new Promise(done => setTimeout(done, pauseBeforeRepeat))
    return await act()
  }
}

export const none: StagedAttachments = { ids: [], failed: [] }

export async function attach(
  context: StepContext<'attachments'>,
  attachments: readonly Attachment[],
  stage: (file: AttachmentFile) => Promise<string>,
): Promise<StagedAttachments> {
  const { run, deps, github, job } = context
  if (!run.baseline.settings.attachments || attachments.length === 0) return none
  const { origin } = run.request
  const commentRef = origin.kind === 'comment' ? origin.commentRef : undefined
  return stageAttachments(attachments, {
    download: github.attachments(commentRef),
    stage,
    assertLocked: () => job.assertLocked(),
    log: deps.log,
    now: () => deps.now(),
  })
}

export const stageForRun = step('stage-attachments', {
  github: ['attachments'],
  posthog: ['stageArtifact'],
  writes: ['workspace'],
  async do(context) {
    const { run, posthog } = context
    const { taskId } = run.session
    if (taskId === undefined) return {}
    // A follow-up that starts a run brings its own files.
    const wanted = run.session.instructionSent ? [] : attachmentsOf(run)
    const attachments = await attach(context, wanted, file => posthog.stageArtifact(taskId, file))
    return { workspace: { attachments } }
  },
})
