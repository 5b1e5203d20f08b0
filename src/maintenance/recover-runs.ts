/**
 * Takes up Runs that the queue lost, from status comments and PostHog. What was changed lately is looked through at each
 * start and each time the queue is back, in the repositories where GitHub's log shows that something happened; a queue
 * that knows nothing looks everywhere. Only a queue to which GitHub delivers takes up anything: beside another with the
 * same App, all Runs of that one look lost.
 */
import { z } from 'zod'
import type { SettingsReader } from '../access/read-settings.ts'
import {
  isOfService,
  NoResponse,
  Rejected,
  RetryLater,
  unlessRejected,
} from '../core/model/errors.ts'
import type {
  ChoreContext,
  DeliveryClock,
  GitHub,
  JobQueue,
  Log,
  TasksClient,
} from '../core/model/ports.ts'
import { Repository, threadSlot } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { Pull, type SubjectView, type ThreadComment } from '../core/model/views.ts'
import type { Marker, Signer } from '../core/record/marker.ts'
import {
  type Backup,
  isOwnTaskRun,
  type Remains,
  restored,
} from '../core/record/recovery-record.ts'
import type { Session } from '../core/record/request-part.ts'
import { changed, isTerminal, type Run, taskMarker } from '../core/record/run.ts'
import { limits } from '../core/record/timing.ts'
import { type DeliveryLog, readDown } from './read-deliveries.ts'

export interface AdoptDeps {
  installations: {
    installations(): Promise<number[]>
    repositoriesOf(installationId: number): Promise<Repository[]>
    ownComments(repository: Repository, since: number): Promise<ThreadComment[]>
    subject(repository: Repository, number: number): Promise<SubjectView>
  }
  deliveries: Pick<DeliveryLog, 'page'>
  /** When a webhook last came in at this queue. */
  delivered: Pick<DeliveryClock, 'last'>
  /** When this process last connected to the queue, which may have been put back meanwhile. */
  connectedAt(): number
  github: GitHub
  tenantOf(repository: Repository): AdoptTenant | undefined
  runs: Pick<JobQueue<Run>, 'get' | 'add'>
  settings: SettingsReader
  /** Whether lost runs wait for a webhook. */
  showWaiting(waits: boolean): void
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

export const adoptEvery = 5_000
const searchedMs = 2 * limits.editAtLeastEvery
/** Clocks may differ so much, and GitHub may show something so late. */
const searchOverlap = 10 * minute
/** A hundred webhooks each; with more it is cheaper to look everywhere. */
const maxSearchPages = 100

const Installation = Repository.pick({ installationId: true }).extend({
  /** Numbers of the repositories that are meant; without them, all. */
  only: z.array(z.number()).optional(),
})

const Target = z.union([Repository, Installation])
type Target = z.infer<typeof Target>

const SearchMemory = z.object({
  since: z.number(),
  /** When the last sweep began: calls that were under way had arrived. */
  from: z.number(),
  unread: z.array(Target),
  /** Lost runs wait for a webhook. */
  waits: z.boolean().optional(),
})
type SearchMemory = z.infer<typeof SearchMemory>

/** ms; another Run may hold the thread, or a service refuse. */
const retryMs = 30_000
const refusedFor = 30 * minute

/** @returns ms until the next time; nothing for the usual interval */
export const adoptLost =
  (deps: AdoptDeps) =>
  async (context: ChoreContext): Promise<number | undefined> => {
    const memory = await memoryOf(deps, context)
    if (typeof memory === 'number') return memory
    if (deps.now() < memory.from) return memory.from - deps.now()
    const { waits: waited, ...known } = memory
    if (waited && !(await isDeliveredTo(deps))) return undefined
    const unread = [...known.unread]
    const unfinished: Target[] = []
    const waits: number[] = []
    let lost = 0
    for (let target = unread.shift(); target; target = unread.shift()) {
      context.signal.throwIfAborted()
      const confirm = () =>
        context.remember({ ...known, unread: [target, ...unread, ...unfinished] })
      const came = await search({ ...deps, confirm }, known, target)
      if (came.found) unread.push(...came.found)
      lost += came.lost ?? 0
      if (came.again !== undefined) {
        unfinished.push(target)
        waits.push(came.again)
      }
      await context.remember({ ...known, unread: [...unread, ...unfinished] })
    }
    deps.showWaiting(lost > 0)
    if (lost > 0) {
      await context.remember({ ...known, unread: unfinished, waits: true })
      const why =
        'runs are not in this queue: they are continued once GitHub delivers a webhook here'
      deps.log.warn({ runs: lost }, why)
      return undefined
    }
    return waits.length > 0 ? Math.min(...waits) : undefined
  }

/** Two that share a queue are one. */
const isDeliveredTo = async ({
  delivered,
  now,
}: Pick<AdoptDeps, 'delivered' | 'now'>): Promise<boolean> =>
  now() - ((await delivered.last()) ?? Number.NEGATIVE_INFINITY) < minute

async function memoryOf(deps: AdoptDeps, context: ChoreContext): Promise<SearchMemory | number> {
  const known = SearchMemory.safeParse(context.memory).data
  const { log, now, connectedAt } = deps
  if (known && connectedAt() < known.from) return known
  try {
    const oldest = now() - searchedMs
    const unread = known?.unread ?? []
    // Unread entries stay unread.
    const since = known
      ? Math.max(oldest, unread.length > 0 ? known.since : known.from - searchOverlap)
      : oldest
    const targets: Target[] =
      (known && (await whereThingsHappened(deps, context.signal, since))) ??
      (await deps.installations.installations()).map(installationId => ({ installationId }))
    const memory = { since, from: now() + limits.unanswered, unread: [...unread, ...targets] }
    if (!known)
      log.info({ installations: targets.length }, 'the queue is new: looking for runs that it lost')
    await context.remember(memory)
    return memory
  } catch (error) {
    const wait = waitAfter(error, now())
    log.warn({ err: error }, 'the search for lost runs failed')
    return wait
  }
}

/** All that is done in a thread brings webhooks. @returns nothing if GitHub's log of them does not say */
async function whereThingsHappened(
  { deliveries }: AdoptDeps,
  signal: AbortSignal,
  since: number,
): Promise<Target[] | undefined> {
  const reading = readDown(deliveries, { until: since, most: maxSearchPages, signal })
  const read = await reading.catch(unlessRejected)
  if (!read || read.next !== undefined) return undefined
  const places = new Map<number, Set<number>>()
  for (const { where } of read.attempts)
    if (where)
      places.set(
        where.installationId,
        (places.get(where.installationId) ?? new Set()).add(where.repoId),
      )
  return [...places].map(([installationId, only]) => ({ installationId, only: [...only] }))
}

function waitAfter(error: unknown, now: number): number {
  if (error instanceof RetryLater) return Math.max(1_000, error.until - now)
  if (isOfService(error)) return retryMs
  throw error
}

interface Came {
  found?: readonly Target[]
  again?: number
  /** Runs that wait for a webhook. */
  lost?: number
}

/** A failure in one repository does not stop the others. */
async function search(deps: Search, { since, from }: SearchMemory, target: Target): Promise<Came> {
  try {
    if ('repoId' in target) return await searchRepository(deps, target, since)
    const all = await deps.installations.repositoriesOf(target.installationId)
    return { found: all.filter(({ repoId }) => target.only?.includes(repoId) ?? true) }
  } catch (error) {
    const wait = waitAfter(error, deps.now())
    const isOver = error instanceof Rejected && deps.now() - from >= refusedFor
    deps.log.warn({ target, err: error, isOver }, 'could not look for lost runs')
    return isOver ? {} : { again: wait }
  }
}

async function searchRepository(
  deps: Search,
  repository: Repository,
  since: number,
): Promise<Came> {
  const tenant = deps.tenantOf(repository)
  if (!tenant) return {}
  const comments = await deps.installations.ownComments(repository, since)
  const lost: FoundStatus[] = []
  for (const status of statusesIn(tenant, deps.now(), repository, comments))
    if (!(await deps.runs.get(status.marker.run))) lost.push(status)
  if (lost.length > 0 && !(await isDeliveredTo(deps)))
    return { again: adoptEvery, lost: lost.length }
  let all = true
  const faults: unknown[] = []
  for (const status of lost) {
    try {
      all = (await adopt({ ...deps, ...tenant }, repository, status)) && all
    } catch (error) {
      if (!(error instanceof Rejected || error instanceof NoResponse)) throw error
      faults.push(error)
    }
  }
  // A refusal is final in an hour, so whatever may still pass is told before it.
  if (faults.length > 0) throw faults.find(error => error instanceof NoResponse) ?? faults[0]
  return all ? {} : { again: retryMs }
}

type FoundStatus = ReturnType<typeof statusesIn>[number]

function statusesIn(
  { signer }: AdoptTenant,
  now: number,
  { repoId }: Repository,
  comments: readonly ThreadComment[],
) {
  const marked = comments.flatMap(({ id, number, changedAt, body }) =>
    signer
      .read(body, { repoId, number })
      .map(marker => ({ commentId: id, number, changedAt, marker })),
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
    const isUnread =
      what === 'review' || (origin.kind === 'comment' && origin.commentRef.kind === 'inline')
    const closed = outcome !== undefined && (quiet || ended.has(endKey(marker)) || isUnread)
    return closed && changedAt < now - fresh ? [] : [{ ...found, backup, closed }]
  })
}

/** ms in which the last effects of a Run come. */
const fresh = 10 * minute

const endKey = ({ run, round = 0 }: Marker): string => `${run} ${round}`

async function adopt(
  deps: OwnerDeps,
  repository: Repository,
  { number, commentId, marker, backup, closed }: FoundStatus,
): Promise<boolean> {
  const { run: id } = marker
  await deps.confirm()
  const { thread, snapshot } = await deps.installations.subject(repository, number)
  const github = deps.github(thread)
  const view = marker.pull === undefined ? undefined : await github.pulls.find(marker.pull)
  const pulls: Pull[] = view ? [Pull.parse(view)] : []
  const { repoId } = repository
  const inPull = view && deps.signer.read(view.body, { repoId, number: view.number })
  const untended = view && !inPull?.some(({ run }) => run === id) ? [view.number] : []
  const { settings } = await deps.settings.of(github.files, thread)
  const session = await sessionFound(deps, marker, { id, thread }, backup)
  const seen = { thread, snapshot, settings, pulls, untended, session }
  const remains: Remains = { id, backup, made: marker.made, commentId, closed, ...seen }
  const run = changed(restored(remains, deps.now()), {
    session: { tenant: deps.tenant },
    // What was under way has arrived.
    attempts: { lagsSince: 0, caughtUpAt: 0 },
  })
  const { outcome } = await deps.runs.add(id, run, threadSlot(run.thread), run.request.at)
  deps.log.warn(
    { run: id, thread: run.thread.url, outcome },
    'continued a run that the queue had lost',
  )
  return outcome !== 'held'
}

async function sessionFound(
  { posthog }: OwnerDeps,
  marker: Marker,
  run: Pick<Run, 'id' | 'thread'>,
  backup: Backup,
): Promise<Partial<Session>> {
  const { earlier, taskMade } = backup
  const taskId = marker.task ?? (await posthog.findTask(taskMarker(run)))
  if (taskId === undefined) return {}
  if (isOwnTaskRun(marker, backup)) return { taskId, taskRunId: marker.taskRun }
  const [newest] = await posthog.runIds(taskId)
  const isOwn =
    newest !== undefined &&
    newest !== earlier?.taskRunId &&
    (taskMade ||
      marker.task === undefined ||
      !isTerminal(await posthog.statusOf({ taskId, taskRunId: newest })))
  return { taskId, taskRunId: isOwn ? newest : undefined }
}
