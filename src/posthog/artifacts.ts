/**
 * Hands a file to PostHog before the run that is to have it: an address is prepared, the file posted there as
 * a form, and the upload finalized. Safe to repeat from the start: what no run takes is forgotten in a day.
 */
import { z } from 'zod'
import { Refused, Unanswered } from '../core/faults.ts'
import { type Call, call, type PostHogSettings } from './http.ts'

export interface NewArtifact {
  /** At most 255 characters. */
  name: string
  /** A media type. */
  type: string
  /** 1 to 31,457,280 of them, for a PDF 10,485,760. */
  bytes: Uint8Array<ArrayBuffer>
}

const Upload = z.object({ url: z.string(), fields: z.record(z.string(), z.string()) })
type Upload = z.infer<typeof Upload>

const Prepared = z.object({ id: z.string().max(128), storage_path: z.string(), presigned_post: Upload })
const Finalized = z.object({ id: z.string() })

/** The one entry of an answer: in `artifacts`, or in a bare list. */
function only<T>(entry: z.ZodType<T>): z.ZodType<T> {
  const list = z.tuple([entry], z.unknown()).transform(([first]) => first)
  return z.union([z.object({ artifacts: list }).transform(({ artifacts }) => artifacts), list])
}

/**
 * @returns the id for `pending_user_artifact_ids` of a run of this task
 * @throws Refused | ComeBack | Unanswered
 */
export async function stageArtifact(
  settings: PostHogSettings,
  taskId: string,
  file: NewArtifact,
  now: () => number,
): Promise<string> {
  const ask = async <T>(action: string, artifact: object, entry: z.ZodType<T>): Promise<T> => {
    const path = `tasks/${taskId}/staged_artifacts/${action}/`
    const body = { artifacts: [{ ...described(file), ...artifact }] }
    const request: Call<T> = { method: 'POST', path, body, answer: only(entry) }
    return (await call(settings, request, now)).data
  }
  const prepared = await ask('prepare_upload', { size: file.bytes.length }, Prepared)
  await upload(prepared.presigned_post, file)
  const { id, storage_path } = prepared
  const finalized = await ask('finalize_upload', { id, storage_path }, Finalized)
  if (finalized.id !== id) throw new Unanswered('posthog', 'PostHog finalized another upload')
  return id
}

const described = ({ name, type }: NewArtifact) => ({
  name,
  type: 'user_attachment',
  source: 'github',
  content_type: type,
})

const uploadLimit = 60_000

/** The address is signed: it takes no key, and exactly these fields, the file last. */
async function upload({ url, fields }: Upload, { name, type, bytes }: NewArtifact): Promise<void> {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('file', new Blob([bytes], { type }), name)
  const response = await post(url, form)
  const said = await response.text().catch(() => '')
  if (!response.ok) throw storageFault(response.status, said)
}

async function post(url: string, body: FormData): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(uploadLimit),
    })
  } catch (cause) {
    throw new Unanswered('posthog', "PostHog's file storage did not answer", { cause })
  }
}

/** Storage speaks S3's XML, of which the code says all. */
function storageFault(status: number, said: string): Refused | Unanswered {
  const code = /<Code>(\w{1,60})<\/Code>/.exec(said)?.[1] ?? ''
  const message = `PostHog's file storage answered ${[status, code].join(' ').trim()}`
  const mayPass = status >= 500 || status === 408 || status === 429
  return mayPass ? new Unanswered('posthog', message) : new Refused('posthog', status, code, message)
}
