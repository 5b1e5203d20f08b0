/** Direct uploads: reserve, post the form to the pretended S3, finalize; for a task's next run or for a run. */
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
import type { ApiRequest, Route } from './route.ts'
import type { ArtifactEntry } from './run.ts'

const task = 'tasks/:task/staged_artifacts'
const run = 'tasks/:task/runs/:run/artifacts'

export const artifactRoutes: Route[] = [
  {
    name: 'prepare-staged',
    method: 'POST',
    path: `${task}/prepare_upload`,
    scope: 'task:write',
    handle: prepare,
  },
  {
    name: 'finalize-staged',
    method: 'POST',
    path: `${task}/finalize_upload`,
    scope: 'task:write',
    handle: finalize,
  },
  {
    name: 'prepare-artifact',
    method: 'POST',
    path: `${run}/prepare_upload`,
    scope: 'task:write',
    handle: prepare,
  },
  {
    name: 'finalize-artifact',
    method: 'POST',
    path: `${run}/finalize_upload`,
    scope: 'task:write',
    handle: finalize,
  },
  { name: 'presign-artifact', method: 'POST', path: `${run}/presign`, scope: 'task:read', handle: presign },
  {
    name: 'download-artifact',
    method: 'POST',
    path: `${run}/download`,
    scope: 'task:read',
    handle: download,
  },
  {
    name: 'artifact',
    method: 'GET',
    path: `${run}/:artifact/download`,
    scope: 'task:read',
    handle: redirect,
  },
]

const mebibyte = 1024 * 1024
const types = [
  'plan',
  'context',
  'reference',
  'output',
  'artifact',
  'tree_snapshot',
  'user_attachment',
  'skill_bundle',
] as const

const metadata = nested({
  skill_name: required(char({ max: 255 })),
  skill_source: required(choice(['user', 'repo', 'marketplace', 'codex'])),
  content_sha256: required(char({ matches: /^[a-f0-9]{64}$/ })),
  bundle_format: required(choice(['zip'])),
  schema_version: required(integer({ min: 1 })),
})

const described = {
  name: required(char({ max: 255 })),
  type: required(choice(types)),
  source: char({ max: 64, blank: true }),
}
const contentType = char({ max: 255, blank: true })

/** At least one, each of them right by itself. */
const artifactsOf = <T extends { type?: string; metadata?: object }>(entry: Field<T>) =>
  required(
    checked(
      list(
        checked(entry, artifact =>
          artifact.type === 'skill_bundle' && !artifact.metadata
            ? fail('Skill bundle artifacts require metadata', 'invalid_input', 'metadata')
            : artifact,
        ),
      ),
      all => (all.length > 0 ? all : fail('At least one artifact is required')),
    ),
  )

const prepareFields = {
  artifacts: artifactsOf(
    checked(
      nested({
        ...described,
        size: required(integer({ min: 1, max: 30 * mebibyte })),
        content_type: contentType,
        metadata,
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
  metadata?: object
}

/** Only the name's ending makes the limit that of a PDF in the words, the content type alone does in fact. */
function checkSize<T extends Sized>(artifact: T): T {
  const { name = '', type, size = 0, content_type = '', metadata: given } = artifact
  if (type === 'skill_bundle' && !given) return artifact
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
  const { world } = request
  const root = `tasks/artifacts/team_${world.settings.projectId}`
  if (!request.params.run) {
    const { id } = world.task(request)
    return { id, prefix: `${root}/task_${id}/staged` }
  }
  const found = world.run(request)
  return { id: found.id, prefix: `${root}/task_${found.task.id}/run_${found.id}` }
}

function prepare(request: ApiRequest): Reply {
  const { world } = request
  const owner = ownerOf(request)
  const { artifacts = [] } = readBody(request.body(), prepareFields)
  const prepared = artifacts.map(({ name = '', type = 'artifact', source, size = 0, content_type }) => {
    const contentType = content_type || 'application/octet-stream'
    const staged = world.artifacts.prepare(owner.id, owner.prefix, {
      name,
      type,
      source: source ?? '',
      size,
      contentType,
    })
    const { uploaded_at: _, ...entry } = staged.entry
    const fields = {
      key: entry.storage_path,
      'Content-Type': contentType,
      policy: 'emulated',
      'x-amz-signature': 'emulated',
    }
    return { ...entry, expires_in: 3600, presigned_post: { url: `${request.origin}/__s3/upload`, fields } }
  })
  return ok({ artifacts: prepared })
}

const finalizeFields = {
  artifacts: artifactsOf(
    nested({
      id: required(char()),
      ...described,
      storage_path: required(char({ max: 500 })),
      content_type: contentType,
      metadata,
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
      return error(400, `Artifact storage path is invalid for this ${request.params.run ? 'run' : 'task'}`)
    const object = world.artifacts.objects.get(path)
    if (!object)
      return error(400, 'Artifact upload not found in object storage. Upload the file before finalizing.')
    staged.entry.size = object.length
    staged.finalized = true
    entries.push(staged.entry)
  }
  settle(request, entries)
  return ok({ artifacts: entries })
}

function settle(request: ApiRequest, entries: ArtifactEntry[]): void {
  const { world } = request
  const found = request.params.run ? world.run(request) : undefined
  found?.artifacts.push(...entries)
  world.record(request, 'artifact', found?.task ?? world.task(request), found?.id)
}

const pathFields = { storage_path: required(char({ max: 500 })) }

function artifactAt(request: ApiRequest): ArtifactEntry | undefined {
  const found = request.world.run(request)
  const { storage_path: path } = readBody(request.body(), pathFields)
  return found.artifacts.find(artifact => artifact.storage_path === path)
}

const presigned = (request: ApiRequest, path: string) =>
  `${request.origin}/__s3/object?key=${encodeURIComponent(path)}&X-Amz-Signature=emulated`

function presign(request: ApiRequest): Reply {
  const found = artifactAt(request)
  if (!found) return error(404, 'Artifact not found on this run')
  return ok({ url: presigned(request, found.storage_path), expires_in: 3600 })
}

function download(request: ApiRequest): Reply {
  const found = artifactAt(request)
  if (!found) return error(404, 'Artifact not found on this run')
  const content = request.world.artifacts.objects.get(found.storage_path)
  if (!content) return error(404, 'Artifact content not found')
  return { status: 200, text: content.toString('utf8'), headers: { 'content-type': found.content_type } }
}

function redirect(request: ApiRequest): Reply {
  const found = request.world.run(request).artifacts.find(({ id }) => id === request.param('artifact'))
  if (!found) return error(404, 'Artifact not found on this run')
  return { status: 302, headers: { location: presigned(request, found.storage_path) } }
}
