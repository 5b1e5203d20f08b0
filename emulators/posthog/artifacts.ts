/** Direct uploads: reserve, post the form to the pretended S3, finalize; for a task's next run or for a run. */

import type { IncomingHttpHeaders } from 'node:http'
import {
  char,
  checked,
  choice,
  type Field,
  fail,
  integer,
  list,
  nested,
  readBody,
  required,
} from './fields.ts'
import { error, ok, type Reply } from './reply.ts'
import { type ApiRequest, type Route, route } from './route.ts'
import type { ArtifactEntry } from './run.ts'
import type { World } from './world.ts'

const task = 'tasks/:task/staged_artifacts'
const run = 'tasks/:task/runs/:run/artifacts'

export const artifactRoutes: Route[] = [
  route('prepare-staged', ['POST', `${task}/prepare_upload`], 'task:write', prepare),
  route('finalize-staged', ['POST', `${task}/finalize_upload`], 'task:write', finalize),
  route('prepare-artifact', ['POST', `${run}/prepare_upload`], 'task:write', prepare),
  route('finalize-artifact', ['POST', `${run}/finalize_upload`], 'task:write', finalize),
]

const mebibyte = 1024 * 1024
/** Of PostHog’s, those that a user may send; `skill_bundle` has rules of its own and is not here. */
const types = [
  'plan',
  'context',
  'reference',
  'output',
  'artifact',
  'tree_snapshot',
  'user_attachment',
] as const

const described = {
  name: required(char({ max: 255 })),
  type: required(choice(types)),
  source: char({ max: 64, blank: true }),
}
const contentType = char({ max: 255, blank: true })

const artifactsOf = <T>(entry: Field<T>) =>
  required(
    checked(list(entry), all => (all.length > 0 ? all : fail('At least one artifact is required'))),
  )

const prepareFields = {
  artifacts: artifactsOf(
    checked(
      nested({
        ...described,
        size: required(integer({ min: 1, max: 30 * mebibyte })),
        content_type: contentType,
      }),
      checkSize,
    ),
  ),
}

interface Sized {
  name?: string
  type?: string
  size?: number
  content_type?: string
}

/** Only the name's ending makes the limit that of a PDF in the words, the content type alone does in fact. */
function checkSize<T extends Sized>(artifact: T): T {
  const { name = '', type, size = 0, content_type = '' } = artifact
  const named = name.toLowerCase().endsWith('.pdf')
  const isPdf = named || content_type.split(';')[0]?.trim().toLowerCase() === 'application/pdf'
  if (type !== 'user_attachment' || !isPdf || size <= 10 * mebibyte) return artifact
  const suffix = named ? ' for PDFs in cloud runs' : ''
  return fail(`${name} exceeds the 10MB attachment limit${suffix}`, 'invalid_input', 'size')
}

interface Owner {
  id: string
  prefix: string
}

function ownerOf(request: ApiRequest): Owner {
  const root = `tasks/artifacts/team_${request.world.settings.projectId}`
  if (!request.params.run) {
    const { id } = request.task()
    return { id, prefix: `${root}/task_${id}/staged` }
  }
  const found = request.run()
  return { id: found.id, prefix: `${root}/task_${found.task.id}/run_${found.id}` }
}

function prepare(request: ApiRequest): Reply {
  const { world } = request
  const owner = ownerOf(request)
  const { artifacts = [] } = readBody(request.body(), prepareFields)
  const prepared = artifacts.map(
    ({ name = '', type = 'artifact', source = '', size = 0, ...given }) => {
      const content_type = given.content_type || 'application/octet-stream'
      const upload = { name, type, source, size, content_type }
      const { uploaded_at: _, ...entry } = world.artifacts.prepare(
        owner.id,
        owner.prefix,
        upload,
      ).entry
      const fields = {
        key: entry.storage_path,
        'Content-Type': content_type,
        policy: 'emulated',
        'x-amz-signature': 'emulated',
      }
      return {
        ...entry,
        expires_in: 3600,
        presigned_post: { url: `${request.url.origin}/__s3/upload`, fields },
      }
    },
  )
  return ok({ artifacts: prepared })
}

const finalizeFields = {
  artifacts: artifactsOf(
    nested({
      id: required(char()),
      ...described,
      storage_path: required(char({ max: 500 })),
      content_type: contentType,
    }),
  ),
}

function finalize(request: ApiRequest): Reply {
  const { world } = request
  const owner = ownerOf(request)
  const { artifacts = [] } = readBody(request.body(), finalizeFields)
  const entries: ArtifactEntry[] = []
  for (const { id = '', storage_path: path = '' } of artifacts) {
    const staged = world.artifacts.prepared(owner.id, id, path)
    if (!staged)
      return error(
        400,
        `Artifact storage path is invalid for this ${request.params.run ? 'run' : 'task'}`,
      )
    const object = world.artifacts.objects.get(path)
    if (!object)
      return error(
        400,
        'Artifact upload not found in object storage. Upload the file before finalizing.',
      )
    staged.entry.size = object.length
    staged.finalized = true
    entries.push(staged.entry)
  }
  settle(request, entries)
  return ok({ artifacts: entries })
}

function settle(request: ApiRequest, entries: ArtifactEntry[]): void {
  const found = request.params.run ? request.run() : undefined
  found?.artifacts.push(...entries)
  request.record('artifact', found?.task ?? request.task(), found)
}

// The pretended S3 behind presigned forms; not under PostHog's authentication.

export async function serveObject(
  world: World,
  method: string,
  url: URL,
  headers: IncomingHttpHeaders,
  raw: Buffer,
): Promise<Reply> {
  if (method !== 'POST' || url.pathname !== '/__s3/upload') return s3Error(404, 'NoSuchKey')
  const form = await readForm(headers, raw)
  if (!form) return s3Error(400, 'MalformedPOSTRequest')
  const key = form.get('key')
  const file = form.get('file')
  const names = [...form.keys()]
  const staged = typeof key === 'string' ? world.artifacts.preparedPath(key) : undefined
  if (!staged || form.get('policy') !== 'emulated' || form.get('x-amz-signature') !== 'emulated')
    return s3Error(403, 'AccessDenied')
  if (file === null || typeof file === 'string' || names.at(-1) !== 'file')
    return s3Error(400, 'InvalidArgument')
  const content = Buffer.from(await file.arrayBuffer())
  // The policy leaves 64 KiB for the form itself.
  if (content.length > staged.size + 65_536) return s3Error(400, 'EntityTooLarge')
  world.artifacts.objects.set(staged.entry.storage_path, content)
  return { status: 204 }
}

async function readForm(headers: IncomingHttpHeaders, raw: Buffer): Promise<FormData | undefined> {
  const type = headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return undefined
  return new Response(raw, { headers: { 'content-type': type } }).formData().catch(() => undefined)
}

const s3Error = (status: number, code: string): Reply => ({
  status,
  text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`,
  headers: { 'content-type': 'application/xml' },
})
