/** Uploads a file to PostHog in three calls. Repeatable: an upload without use of its id counts for nothing. */
import { z } from 'zod'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { AttachmentFile } from '../core/model/ports.ts'
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
 * PostHog takes names up to 255 characters and up to 31,457,280 bytes, of a PDF 10,485,760.
 * @param to a run that lives, or the next run of a task: that keeps files for 24 hours and takes them once
 * @returns the id for `artifact_ids` of a `user_message`, or for `pending_user_artifact_ids`
 * @throws Rejected | RetryLater | NoResponse
 */
export async function stageArtifact(
  settings: PostHogSettings,
  { taskId, taskRunId }: { taskId: string; taskRunId?: string },
  file: AttachmentFile,
  now: () => number,
): Promise<string> {
  const folder = taskRunId === undefined ? 'staged_artifacts' : `runs/${taskRunId}/artifacts`
  const described = { name: file.name, type: 'user_attachment', source: 'github', content_type: file.type }
  async function announce<T>(action: string, fields: object, entry: z.ZodType<T>): Promise<T[]> {
    const body = { artifacts: [{ ...described, ...fields }] }
    const path = `tasks/${taskId}/${folder}/${action}/`
    const request: Call<T[]> = { method: 'POST', path, body, schema: listOf(entry), unredacted: true }
    return (await call(settings, request, now)).data
  }
  const [prepared] = await announce('prepare_upload', { size: file.bytes.length }, Prepared)
  if (!prepared) throw new NoResponse('posthog', 'PostHog prepared no upload')
  const { id, storage_path, presigned_post } = prepared
  await upload(presigned_post, file)
  const finalized = await announce('finalize_upload', { id, storage_path }, Finalized)
  if (finalized.some(known => known.id === id)) return id
  throw new NoResponse('posthog', 'PostHog did not confirm an upload')
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
