import { z } from 'zod'
import { maxAttachments } from '../text/attachment-links.ts'
import { Rejected, type Service } from './errors.ts'

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

export type Unfit =
  | { kind: 'type'; type: string }
  | { kind: 'size'; limit: number }
  | { kind: 'empty' }
  | { kind: 'contents'; type: string }
  | { kind: 'denied' }
  | { kind: 'status'; status: number }
  | { kind: 'elsewhere' }
  | { kind: 'detour' }
  | { kind: 'count' }
  | { kind: 'time' }
  | { kind: 'silence'; service: Service }
  | { kind: 'refusal'; service: Service; said: string }
  | { kind: 'fault' }

/** A file that is refused for good. The message completes a sentence that begins with its name. */
export class AttachmentRefused extends Error {
  override name = 'AttachmentRefused'
  readonly unfit: Unfit

  constructor(unfit: Unfit) {
    super(whyNot(unfit))
    this.unfit = unfit
  }
}

const serviceName: Record<Service, string> = { github: 'GitHub', posthog: 'PostHog' }

export function whyNot(unfit: Unfit): string {
  switch (unfit.kind) {
    case 'type':
      return unfit.type === '' ? 'its type is not known' : `files of type ${unfit.type} are not passed on`
    case 'size':
      return `it is larger than ${Math.floor(unfit.limit / 1_048_576)} MB`
    case 'empty':
      return 'it is empty'
    case 'contents':
      return `it says that it is ${unfit.type}, but it is not`
    case 'denied':
      return 'GitHub does not let the bot download it'
    case 'status':
      return `GitHub answered ${unfit.status} when it was downloaded`
    case 'elsewhere':
      return 'GitHub sent the download on to an address that is not its own'
    case 'detour':
      return 'GitHub sent the download on too often'
    case 'count':
      return `no more than ${maxAttachments} are passed on`
    case 'time':
      return 'there was no time left for it'
    case 'silence':
      return `${serviceName[unfit.service]} did not answer`
    case 'refusal':
      return `${serviceName[unfit.service]} refused: ${unfit.said}`
    case 'fault':
      return 'the bot itself failed at it'
  }
}

/** Whether PostHog dropped the staged files, as it does after a day. */
export const stagingIsLost = (error: unknown): boolean =>
  error instanceof Rejected &&
  error.service === 'posthog' &&
  error.status === 400 &&
  error.message.includes('pending_user_artifact_ids')
