import type { ChangeOf } from '../../core/run/run.ts'
import type { Attachment, AttachmentFile, StagedAttachments } from '../../core/text/attachment.ts'
import { attachmentsOf, stageAttachments } from './stage-attachments.ts'
import type { StepContext } from './step-context.ts'

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

export async function stageForRun(
  context: StepContext<'attachments', 'stageArtifact'>,
): Promise<ChangeOf<'workspace'>> {
  const { run, posthog } = context
  const { taskId } = run.session
  if (taskId === undefined) return {}
  // A follow-up that starts a run brings its own files.
  const wanted = run.session.instructionSent ? [] : attachmentsOf(run)
  const attachments = await attach(context, wanted, file => posthog.stageArtifact(taskId, file))
  return { workspace: { attachments } }
}
