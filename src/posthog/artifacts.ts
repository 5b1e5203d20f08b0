/** Uploads a file to PostHog in three calls. Repeatable: an upload without use of its id counts for nothing. */
import { z } from 'zod'
import type { AttachmentFile } from '../core/model/attachment.ts'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { Session } from '../core/record/request-part.ts'
import { type Call, call, type PostHogSettings } from './posthog-http.ts'
import { upTo } from './schemas.ts'

const line = z.string().max(10_000)
const Upload = z.object({ url: line, fields: z.record(line, line) })
type Upload = z.infer<typeof Upload>

const Prepared = z.object({ id: z.string().max(128), storage_path: line, presigned_post: Upload })
const Finalized = z.object({ id: line })

const listOf = <T>(entry: z.ZodType<T>): z.ZodType<T[]> =>
  z.union([
    z.object({ artifacts: upTo(100, entry) }).transform(({ artifacts }) => artifacts),
    upTo(100, entry),
  ])

/**
 * For the next run of a task; it keeps for 24 hours and serves once. PostHog takes names up to 255 characters
 * and up to 31,457,280 bytes, of a PDF 10,485,760.
 * @returns the id for `pending_user_artifact_ids`
 * @throws Rejected | RetryLater | NoResponse
 */
export const stageArtifact = (
  settings: PostHogSettings,
  taskId: string,
  file: AttachmentFile,
  now: () => number,
): Promise<string> => handOver({ settings, now, folder: `tasks/${taskId}/staged_artifacts` }, file)

/** For a run that lives. @returns the id for `artifact_ids` of a `user_message` @throws as `stageArtifact` */
export const addArtifact = (
  settings: PostHogSettings,
  { taskId, taskRunId }: Session,
  file: AttachmentFile,
  now: () => number,
): Promise<string> => handOver({ settings, now, folder: `tasks/${taskId}/runs/${taskRunId}/artifacts` }, file)

interface Recipient {
  settings: PostHogSettings
  now(): number
  folder: string
}

async function handOver(to: Recipient, file: AttachmentFile): Promise<string> {
  const [prepared] = await announce(to, file, {
    action: 'prepare_upload',
    fields: { size: file.bytes.length },
    entry: Prepared,
  })
  if (!prepared) throw new NoResponse('posthog', 'PostHog prepared no upload')
  const { id, storage_path, presigned_post } = prepared
  await upload(presigned_post, file)
  const finalized = await announce(to, file, {
    action: 'finalize_upload',
    fields: { id, storage_path },
    entry: Finalized,
  })
  if (finalized.some(known => known.id === id)) return id
  throw new NoResponse('posthog', 'PostHog did not confirm an upload')
}

interface UploadStep<T> {
  action: string
  fields: object
  entry: z.ZodType<T>
}

async function announce<T>(
  { settings, now, folder }: Recipient,
  file: AttachmentFile,
  { action, fields, entry }: UploadStep<T>,
): Promise<T[]> {
  const described = { name: file.name, type: 'user_attachment', source: 'github', content_type: file.type }
  const body = { artifacts: [{ ...described, ...fields }] }
  const path = `${folder}/${action}/`
  const request: Call<T[]> = { method: 'POST', path, body, schema: listOf(entry), unredacted: true }
  return (await call(settings, request, now)).data
}

const uploadLimit = 60_000

/** The signed address takes no key and exactly these fields, the file last. */
async function upload({ url, fields }: Upload, { name, type, bytes }: AttachmentFile): Promise<void> {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('file', new Blob([bytes], { type }), name)
  const signal = AbortSignal.timeout(uploadLimit)
  const sent = fetch(url, { method: 'POST', body: form, redirect: 'manual', signal })
  const response = await sent.catch(cause => {
    throw new NoResponse('posthog', "PostHog's file storage did not answer", { cause })
  })
  const said = await response.text().catch(() => '')
  if (response.ok) return
  const { status } = response
  const code = /<Code>(\w{1,60})<\/Code>/.exec(said)?.[1] ?? ''
  const message = `PostHog's file storage answered ${[status, code].join(' ').trim()}`
  const mayPass = status >= 500 || status === 408 || status === 429
  throw mayPass ? new NoResponse('posthog', message) : new Rejected('posthog', status, code, message)
}
