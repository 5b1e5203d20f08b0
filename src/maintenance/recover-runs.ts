/**
 * Restores Runs that the queue lost, from status comments and PostHog. A loss shows in this chore's own missing memory.
 */
import { z } from 'zod'
import type { SettingsReader } from '../access/read-settings.ts'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { GitHub, JobQueue, Log, TasksClient } from '../core/model/ports.ts'
import { Repository, threadSlot } from '../core/model/thread.ts'
import { hour } from '../core/model/time.ts'
import { type Pull, pullOf, type SubjectView, type ThreadComment } from '../core/model/views.ts'
import type { Marker, Signer } from '../core/record/marker.ts'
import { type Backup, type Remains, restored } from '../core/record/recovery-record.ts'
import type { Session } from '../core/record/request-part.ts'
import { changed, isTerminal, type Run, taskMarker } from '../core/record/run.ts'
import { limits } from '../core/record/timing.ts'

export interface AdoptDeps {
  installations: {
    installations(): Promise<number[]>
    repositoriesOf(installationId: number): Promise<Repository[]>
    ownComments(repository: Repository, since: number): Promise<ThreadComment[]>
    /** What our checks say, as if it were comments; nothing where we have none. */
    ownChecks(repository: Repository, since: number): Promise<ThreadComment[]>
    subject(repository: Repository, number: number): Promise<SubjectView>
  }
  github: GitHub
  tenantOf(repository: Repository): AdoptTenant | undefined
  runs: Pick<JobQueue<Run>, 'get' | 'add'>
  settings: SettingsReader
  log: Log
  now(): number
}

interface AdoptTenant {
  tenant: string
  posthog: Pick<TasksClient, 'findTask' | 'runIds' | 'statusOf'>
  signer: Signer
}

interface Search extends AdoptDeps {
  /** @throws if data was lost again since the comments were read, which are outdated then */
  confirm(): Promise<void>
}

type OwnerDeps = Search & AdoptTenant

export interface AdoptContext {
  memory: unknown
  signal: AbortSignal
  remember(memory: unknown): Promise<void>
}

export const adoptEvery = 5_000
const searchedMs = 2 * limits.editAtLeastEvery

const Installation = Repository.pick({ installationId: true })

const Target = z.union([Repository, Installation])
type Target = z.infer<typeof Target>

const Memory = z.object({
  since: z.number(),
  /** By then, calls under way at the loss have arrived. */
  from: z.number(),
  unread: z.array(Target),
})
type Memory = z.infer<typeof Memory>

/** ms; another Run may hold the thread, or a service refuse. */
const retryMs = 30_000
const refusedFor = hour

/** @returns ms until the next time; nothing for the usual interval */
export const adoptLost =
  (deps: AdoptDeps) =>
  async (context: AdoptContext): Promise<number | undefined> => {
    const memory = await memoryOf(deps, context)
    if (typeof memory === 'number') return memory
    if (deps.now() < memory.from) return memory.from - deps.now()
    const unread = [...memory.unread]
    const unfinished: Target[] = []
    const waits: number[] = []
    for (let target = unread.shift(); target; target = unread.shift()) {
      context.signal.throwIfAborted()
      const confirm = () => context.remember({ ...memory, unread: [target, ...unread, ...unfinished] })
      const came = await search({ ...deps, confirm }, memory, target)
      if (came.found) unread.push(...came.found)
      if (came.again !== undefined) {
        unfinished.push(target)
        waits.push(came.again)
      }
      await context.remember({ ...memory, unread: [...unread, ...unfinished] })
    }
    return waits.length > 0 ? Math.min(...waits) : undefined
  }

async function memoryOf(
  { installations, log, now }: AdoptDeps,
  context: AdoptContext,
): Promise<Memory | number> {
  const known = Memory.safeParse(context.memory).data
  if (known) return known
  try {
    const unread = (await installations.installations()).map(installationId => ({ installationId }))
    const memory = { since: now() - searchedMs, from: now() + limits.unanswered, unread }
    log.info({ installations: unread.length }, 'the queue is new: looking for runs that it lost')
    await context.remember(memory)
    return memory
  } catch (error) {
    const wait = waitAfter(error, now())
    log.warn({ err: error }, 'the search for lost runs failed')
    return wait
  }
}

function waitAfter(error: unknown, now: number): number {
  if (error instanceof RetryLater) return Math.max(1_000, error.until - now)
  if (error instanceof Rejected || error instanceof NoResponse) return retryMs
  throw error
}

interface Came {
  found?: readonly Target[]
  again?: number
}

/** A failure in one repository does not stop the others. */
async function search(deps: Search, { since, from }: Memory, target: Target): Promise<Came> {
  try {
    if (!('repoId' in target))
      return { found: await deps.installations.repositoriesOf(target.installationId) }
    return (await searchRepository(deps, target, since)) ? {} : { again: retryMs }
  } catch (error) {
    const wait = waitAfter(error, deps.now())
    const isOver = error instanceof Rejected && deps.now() - from >= refusedFor
    deps.log.warn({ target, err: error, isOver }, 'could not look for lost runs')
    return isOver ? {} : { again: wait }
  }
}

async function searchRepository(deps: Search, repository: Repository, since: number): Promise<boolean> {
  const tenant = deps.tenantOf(repository)
  if (!tenant) return true
  const [inComments, inChecks] = await Promise.all([
    deps.installations.ownComments(repository, since),
    deps.installations.ownChecks(repository, since),
  ])
  const comments = [...inComments, ...inChecks]
  let all = true
  const faults: unknown[] = []
  for (const status of statusesIn(tenant, deps.now(), repository, comments)) {
    try {
      all = (await adopt({ ...deps, ...tenant }, repository, status)) && all
    } catch (error) {
      if (!(error instanceof Rejected || error instanceof NoResponse)) throw error
      faults.push(error)
    }
  }
  // A refusal is final in an hour, so whatever may still pass is told before it.
  if (faults.length > 0) throw faults.find(error => error instanceof NoResponse) ?? faults[0]
  return all
}

interface Status {
  number: number
  where: Remains['status']
  marker: Marker
  backup: Backup
  closed: boolean
}

function statusesIn(
  { signer }: AdoptTenant,
  now: number,
  { repoId }: Repository,
  comments: readonly ThreadComment[],
): Status[] {
  const marked = comments.flatMap(({ id, number, changedAt, body, sha }) =>
    signer.read(body, { repoId, number }).map(marker => ({
      where: sha === undefined ? { commentId: id } : { check: { sha } },
      number,
      changedAt,
      marker,
    })),
  )
  const ended = new Set(
    marked.filter(({ marker }) => marker.as === 'closing').map(({ marker }) => endKey(marker)),
  )
  return marked.flatMap(({ changedAt, ...found }) => {
    const { marker } = found
    const { backup } = marker
    if (marker.as !== 'status' || !backup) return []
    const { outcome, quiet, request } = backup
    const { origin, what } = request
    // Last words on lines, and reviews, are not among the comments that were read.
    const isUnread = what === 'review' || (origin.kind === 'comment' && origin.commentRef.kind === 'inline')
    const closed = outcome !== undefined && (quiet || ended.has(endKey(marker)) || isUnread)
    return closed && changedAt < now - fresh ? [] : [{ ...found, backup, closed }]
  })
}

const fresh = 10 * 60_000

const endKey = ({ run, round = 0 }: Marker): string => `${run} ${round}`

async function adopt(
  deps: OwnerDeps,
  repository: Repository,
  { number, where, marker, backup, closed }: Status,
): Promise<boolean> {
  const { run: id } = marker
  if (await deps.runs.get(id)) return true
  await deps.confirm()
  const { thread, snapshot } = await deps.installations.subject(repository, number)
  const github = deps.github(thread)
  const view = marker.pull === undefined ? undefined : await github.pull(marker.pull)
  const pulls: Pull[] = view ? [pullOf(view)] : []
  const { repoId } = repository
  const inPull = view && deps.signer.read(view.body, { repoId, number: view.number })
  const untended = view && !inPull?.some(({ run }) => run === id) ? [view.number] : []
  const { settings } = await deps.settings.of(github, thread)
  const session = await sessionFound(deps, marker, { id, thread }, backup)
  const seen = { thread, snapshot, settings, pulls, untended, session }
  const remains: Remains = { id, backup, made: marker.made, status: where, closed, ...seen }
  const run = changed(restored(remains, deps.now()), { session: { tenant: deps.tenant } })
  const { outcome } = await deps.runs.add(id, run, threadSlot(run.thread))
  deps.log.warn({ run: id, thread: run.thread.url, outcome }, 'continued a run that the queue had lost')
  return outcome !== 'held'
}

async function sessionFound(
  { posthog }: OwnerDeps,
  marker: Marker,
  run: Pick<Run, 'id' | 'thread'>,
  { earlier, taskMade }: Backup,
): Promise<Partial<Session>> {
  const taskId = marker.task ?? (await posthog.findTask(taskMarker(run)))
  if (taskId === undefined) return {}
  if (marker.taskRun !== undefined) return { taskId, taskRunId: marker.taskRun }
  const [newest] = await posthog.runIds(taskId)
  const isOwn =
    newest !== undefined &&
    newest !== earlier?.taskRunId &&
    (taskMade ||
      marker.task === undefined ||
      !isTerminal(await posthog.statusOf({ taskId, taskRunId: newest })))
  return { taskId, taskRunId: isOwn ? newest : undefined }
}
