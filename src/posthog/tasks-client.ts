/** PostHog's Tasks, as Runs need them. */

import { z } from 'zod'
import { isNotFound, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import { faultOf, silence } from '../core/model/faults.ts'
import type { AttachmentFile, TasksClient } from '../core/model/ports.ts'
import type { LogEntry, TaskRunSnapshot, Unfinished } from '../core/model/task-run.ts'
import { cachedFor, minute } from '../core/model/time.ts'
import type { Session } from '../core/record/request-part.ts'
import { isTerminal } from '../core/record/run.ts'
import { integrationFinder, notCovered } from './integrations.ts'
import { type Call, call, getter, type PostHogSettings, type Request } from './posthog-http.ts'
import * as schemas from './schemas.ts'
import { runPath, sessionLog } from './session-log.ts'

export function postHogTasks(settings: PostHogSettings, now: () => number): TasksClient {
  const { redact } = settings
  const request: Request = asked => call(settings, asked, now)
  const get = getter(settings, now)
  const log = sessionLog(request)
  const models = cachedFor(10 * minute, now, async () => {
    const known = await get('tasks/models/', schemas.Models, { within: 5_000 })
    // Its gateway can not be reached.
    if (known.length === 0) throw new NoResponse('posthog', 'PostHog lists no models')
    return known
  })
  const integrations = integrationFinder(get, now)

  return {
    /**
     * The id of the GitHub integration that covers the repository, `owner/name`. Without an answer PostHog chooses.
     * @throws Rejected if none of several covers it
     */
    integrationFor: repository =>
      integrations.find(repository).catch(error => {
        if (error instanceof Rejected && error.code === notCovered) throw error
        return undefined
      }),

    /** One call, which can't be repeated: after `NoResponse`, call `findTask` first. */
    async createTask({ title, description, repository, integration }) {
      const body = {
        title: schemas.cut(redact(title), 255),
        description: redact(description),
        repository,
        origin_product: 'user_created',
        title_manually_set: true,
        github_integration: integration === undefined ? undefined : Number(integration),
      }
      try {
        return (await request({ method: 'POST', path: 'tasks/', body, schema: schemas.Task })).data
          .id
      } catch (error) {
        if (error instanceof Rejected) integrations.forget()
        throw error
      }
    },

    /** The task whose description ends in `marker`: elsewhere anybody could have written it. */
    async findTask(marker) {
      const { results } = await get('tasks/', schemas.TaskPage, { query: { search: marker } })
      return results.find(({ description }) => description?.trimEnd().endsWith(`\n${marker}`))?.id
    },

    /**
     * This can't be repeated: after `NoResponse`, compare `runIds`.
     * @param before the runs that the task had
     */
    async startRun(taskId, body, before) {
      const path = `tasks/${taskId}/run/`
      const prompt = body.pending_user_message
      const safe = prompt === undefined ? body : { ...body, pending_user_message: redact(prompt) }
      const asked = {
        method: 'POST',
        path,
        body: safe,
        schema: schemas.StartedTask,
        within: 30_000,
      } as const
      const { data } = await request(asked)
      const made = data.named.find(id => !before.includes(id))
      if (made !== undefined) return made
      if (data.error) throw new Rejected('posthog', 400, 'run_error', data.error)
      throw new NoResponse('posthog', 'PostHog did not say which run it made')
    },

    async runIds(taskId) {
      const { results } = await get(`tasks/${taskId}/runs/`, schemas.RunPage, {
        query: { limit: '100' },
      })
      return results.map(run => run.id)
    },

    statusOf,

    /** Reads the run and its log after the first `offset` entries. Counts as two calls. */
    async poll(session, offset) {
      const run = await get(runPath(session), schemas.TaskRun, { counted: true })
      return asSnapshot(run, await log.after(session, offset), offset)
    },

    logLength: log.length,

    /**
     * Queues a message. `id` is PostHog's dedupe key, unknown to older servers. `ended`: only a new run can take it.
     */
    async sendMessage(session, { id, text, attachments }) {
      const artifact_ids = attachments.length > 0 ? attachments : undefined
      const params = { content: redact(text), artifact_ids }
      const body = { jsonrpc: '2.0', id, method: 'user_message', params }
      try {
        await request({
          method: 'POST',
          path: `${runPath(session)}command/`,
          body,
          schema: schemas.Taken,
        })
        return 'queued'
      } catch (error) {
        if (isConflict(error, 'run_ended')) return 'ended'
        if (!mayHaveEnded(error)) throw error
        if (isTerminal(await statusOf(session))) return 'ended'
        throw new RetryLater('posthog', now() + 2_000, 'not-ready', error.message)
      }
    },

    /** `over`: nobody waits for it any more, be it answered by somebody else or its run has ended. */
    async respondToPermission(session, params) {
      const body = { jsonrpc: '2.0', id: params.requestId, method: 'permission_response', params }
      const path = `${runPath(session)}command/`
      try {
        const { data } = await request({
          method: 'POST',
          path,
          body,
          schema: schemas.PermissionTaken,
        })
        return data.result?.resolved ? 'resolved' : 'over'
      } catch (error) {
        if (isConflict(error, 'permission_target_ended')) return 'over'
        throw error
      }
    },

    stageArtifact: (to, file) => stageArtifact(settings, to, file, now),

    /** Requests the end of a run: poll until the status is terminal. */
    async cancel(session, reason) {
      const body = { reason: schemas.cut(reason, 500) }
      await request({
        method: 'POST',
        path: `${runPath(session)}cancel/`,
        body,
        schema: schemas.Taken,
      })
    },

    async cost(taskId) {
      try {
        return (await get(`tasks/${taskId}/usage/`, schemas.Usage, { within: 5_000 }))
          .total_cost_usd
      } catch {
        return undefined
      }
    },

    async sandboxes() {
      const query = { limit: '100' }
      return (await get('sandbox_environments/', schemas.SandboxPage, { query })).results
    },

    /** The Codex models; empty when the server can't say. */
    models: () => models.get('').catch(() => []),
  }

  async function statusOf(session: Session, { counted } = { counted: false }) {
    return (await get(runPath(session), schemas.TaskRun, { counted })).status
  }
}

/** Older servers give no code. */
const isConflict = (error: unknown, code: string) =>
  error instanceof Rejected && error.status === 409 && (error.code === code || error.code === '')

/** What older servers answer for a workflow that has ended, and newer ones while a cancel is pending. */
const mayHaveEnded = (error: unknown): error is Rejected | NoResponse =>
  isNotFound(error) || (error instanceof NoResponse && error.said === 502)

/** @param log `undefined` if the server has no logs of sessions */
function asSnapshot(
  run: schemas.TaskRun,
  log: readonly LogEntry[][] | undefined,
  offset: number,
): TaskRunSnapshot {
  const output = run.output
  return {
    status: run.status,
    error: run.error_message || undefined,
    marker: unfinishedBy(run),
    pulls: [...(output?.pr_url ? [output.pr_url] : []), ...(output?.pr_urls?.items ?? [])],
    files: run.artifacts ?? undefined,
    summary: run.task_summary?.trim() || undefined,
    headBranch: output?.head_branch ?? undefined,
    pushedTo: [...(output?.head_branches?.items ?? []), output?.commit_push ?? []].flat(),
    model: run.model ?? undefined,
    effort: run.reasoning_effort ?? undefined,
    authorship: run.state?.pr_authorship_mode ?? undefined,
    updatedAt: Date.parse(run.updated_at ?? '') || undefined,
    log: (log ?? []).flat(),
    unlogged: log ? undefined : true,
    offset: offset + (log?.length ?? 0),
  }
}

/** Source: `update_task_run_status.py`; an older workflow says it in the error of a run that is `completed`. */
function unfinishedBy({ status, state, error_message }: schemas.TaskRun): Unfinished | undefined {
  if (!isTerminal(status)) return undefined
  if (state?.sandbox_gone || /^Sandbox stopped; resume/.test(error_message ?? ''))
    return 'sandbox-gone'
  if (state?.timed_out_wall_clock) return 'out-of-time'
  return state?.timed_out_inactivity ? 'inactive' : undefined
}

const line = z.string().max(10_000)
const Upload = z.object({ url: line, fields: z.record(line, line) })
type Upload = z.infer<typeof Upload>

const Prepared = z.object({ id: z.string().max(128), storage_path: line, presigned_post: Upload })
const Finalized = z.object({ id: line })

const listOf = <T>(entry: z.ZodType<T>): z.ZodType<T[]> =>
  z.union([
    z.object({ artifacts: schemas.upTo(100, entry) }).transform(({ artifacts }) => artifacts),
    schemas.upTo(100, entry),
  ])

/**
 * Uploads a file to PostHog in three calls. Repeatable: an upload without use of its id counts for nothing.
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
  const described = {
    name: file.name,
    type: 'user_attachment',
    source: 'github',
    content_type: file.type,
  }
  async function announce<T>(action: string, fields: object, entry: z.ZodType<T>): Promise<T[]> {
    const body = { artifacts: [{ ...described, ...fields }] }
    const path = `tasks/${taskId}/${folder}/${action}/`
    const request: Call<T[]> = {
      method: 'POST',
      path,
      body,
      schema: listOf(entry),
      unredacted: true,
    }
    return (await call(settings, request, now)).data
  }
  const [prepared] = await announce('prepare_upload', { size: file.bytes.length }, Prepared)
  if (!prepared) throw new NoResponse('posthog', 'PostHog prepared no upload')
  const { id, storage_path, presigned_post } = prepared
  await upload(presigned_post, file, now)
  const finalized = await announce('finalize_upload', { id, storage_path }, Finalized)
  if (finalized.some(known => known.id === id)) return id
  throw new NoResponse('posthog', 'PostHog did not confirm an upload')
}

const uploadLimit = 60_000

/** The signed address takes no key and exactly these fields, the file last. */
async function upload(
  { url, fields }: Upload,
  { name, type, bytes }: AttachmentFile,
  now: () => number,
) {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('file', new Blob([bytes], { type }), name)
  const signal = AbortSignal.timeout(uploadLimit)
  const sent = fetch(url, { method: 'POST', body: form, redirect: 'manual', signal })
  const response = await sent.catch(cause => {
    throw silence('posthog', cause)
  })
  const said = await response.text().catch(() => '')
  if (response.ok) return
  const { status } = response
  const code = /<Code>(\w{1,60})<\/Code>/.exec(said)?.[1] ?? ''
  const message = `its file storage refused: ${code || status}`
  throw faultOf({ service: 'posthog', status, code, said: message }, now())
}
