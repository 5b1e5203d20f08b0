/** Files that people attached: as they are fetched, and as they stand at PostHog. */
import { z } from 'zod'
import { Rejected } from './errors.ts'

export interface AttachmentFile {
  name: string
  type: string
  bytes: Uint8Array<ArrayBuffer>
}

export const StagedAttachments = z.object({
  /** For `pending_user_artifact_ids`: good for one start of one task, within 24 hours. */
  ids: z.array(z.string()),
  failed: z.array(z.object({ name: z.string(), why: z.string() })),
})
export type StagedAttachments = z.infer<typeof StagedAttachments>

/** A file that is refused for good. The message completes a sentence that begins with its name. */
export class AttachmentRefused extends Error {
  override name = 'AttachmentRefused'
}

/** Whether PostHog dropped the staged files, as it does after a day. */
export const stagingIsLost = (error: unknown): boolean =>
  error instanceof Rejected &&
  error.service === 'posthog' &&
  error.status === 400 &&
  error.message.includes('pending_user_artifact_ids')
