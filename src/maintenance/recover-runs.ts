/**
 * Takes up Runs that the queue lost.
 *
 * 1. A search begins at each start, and each time the queue is back: in the repositories where GitHub's log shows that
 *    something happened lately. A queue that knows nothing looks everywhere.
 * 2. One place is looked into after the other, and what is left is remembered. A failure in one does not stop the others.
 * 3. Only a queue to which GitHub delivers takes up what is lost (`adopt-run.ts`): beside another with the same App, all
 *    Runs of that one look lost.
 */
import { z } from 'zod'
import { isOfService, Rejected, RetryLater, unlessRejected } from '../core/model/errors.ts'
import type { ChoreContext, DeliveryClock } from '../core/model/ports.ts'
import { Repository } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { limits } from '../core/record/timing.ts'
import { type AdoptionDeps, lostIn, takeUpAll } from './adopt-run.ts'
import { type DeliveryLog, readDown } from './read-deliveries.ts'

export interface SearchDeps extends AdoptionDeps {
  deliveries: Pick<DeliveryLog, 'page'>
  /** When a webhook last came in at this queue. */
  delivered: Pick<DeliveryClock, 'last'>
  /** When this process last connected to the queue, which may have been put back meanwhile. */
  connectedAt(): number
}

const Installation = Repository.pick({ installationId: true }).extend({
  /** Numbers of the repositories that are meant; without them, all. */
  only: z.array(z.number()).optional(),
})

const Target = z.union([Repository, Installation])
type Target = z.infer<typeof Target>

const Search = z.object({
  /** What was changed since then is looked at. */
  since: z.number(),
  /** When it begins: calls that were under way have arrived. */
  from: z.number(),
  unread: z.array(Target),
  /** Lost runs wait for a webhook. */
  waits: z.boolean().optional(),
})
type Search = z.infer<typeof Search>

export const adoptEvery = 5_000

/** @returns ms until the next time; nothing for the usual interval */
export const adoptLost = (deps: SearchDeps) => async (context: ChoreContext) => {
  const search = await searchNow(deps, context)
  if (deps.now() < search.from) return search.from - deps.now()
  if (search.waits && !(await isDeliveredTo(deps))) return undefined
  const remember = (unread: Target[], waits?: true) =>
    context.remember({ ...search, unread, waits })
  const unread = [...search.unread]
  const unfinished: Target[] = []
  const pauses: number[] = []
  let lost = 0
  for (let target = unread.shift(); target; target = unread.shift()) {
    context.signal.throwIfAborted()
    const left = [target, ...unread, ...unfinished]
    const result = await searchIn(deps, search, target, () => remember(left))
    if (result.kind === 'targets') unread.push(...result.targets)
    if (result.kind === 'waits') lost += result.runs
    if (result.kind === 'later') pauses.push(result.ms)
    if (result.kind === 'waits' || result.kind === 'later') unfinished.push(target)
    await remember([...unread, ...unfinished])
  }
  if (lost === 0) return pauses.length > 0 ? Math.min(...pauses) : undefined
  await remember(unfinished, true)
  const why = 'runs are not in this queue: they are continued once GitHub delivers a webhook here'
  deps.log.warn({ runs: lost }, why)
  return undefined
}

/** What came of a target: of an installation its repositories, of a repository what is taken up or waits. */
type SearchResult =
  | { kind: 'over' }
  | { kind: 'targets'; targets: Target[] }
  | { kind: 'later'; ms: number }
  | { kind: 'waits'; runs: number }

/** ms; another Run may hold the thread, or a service refuse. */
const retryMs = 30_000
/** A place that is refused for so long is given up. */
const maxRefusedMs = 30 * minute

async function searchIn(
  deps: SearchDeps,
  { since, from }: Search,
  target: Target,
  confirm: () => Promise<void>,
): Promise<SearchResult> {
  try {
    if ('repoId' in target) {
      const lost = await lostIn(deps, target, since)
      if (lost.length === 0) return { kind: 'over' }
      if (!(await isDeliveredTo(deps))) return { kind: 'waits', runs: lost.length }
      const areAllBack = await takeUpAll(deps, target, lost, confirm)
      return areAllBack ? { kind: 'over' } : { kind: 'later', ms: retryMs }
    }
    const all = await deps.installations.repositoriesOf(target.installationId)
    return {
      kind: 'targets',
      targets: all.filter(({ repoId }) => target.only?.includes(repoId) ?? true),
    }
  } catch (error) {
    const ms = waitAfter(error, deps.now())
    const isOver = error instanceof Rejected && deps.now() - from >= maxRefusedMs
    deps.log.warn({ target, err: error, isOver }, 'could not look for lost runs')
    return isOver ? { kind: 'over' } : { kind: 'later', ms }
  }
}

/** Two that share a queue are one. */
const isDeliveredTo = async ({ delivered, now }: SearchDeps) =>
  now() - ((await delivered.last()) ?? Number.NEGATIVE_INFINITY) < minute

function waitAfter(error: unknown, now: number) {
  if (error instanceof RetryLater) return Math.max(1_000, error.until - now)
  if (isOfService(error)) return retryMs
  throw error
}

const searchedMs = 2 * limits.editAtLeastEvery
/** Clocks may differ so much, and GitHub may show something so late. */
const searchOverlap = 10 * minute

/** Goes on with the search that was begun, unless the queue was away since. */
async function searchNow(deps: SearchDeps, context: ChoreContext): Promise<Search> {
  const { log, now, connectedAt } = deps
  const before = Search.safeParse(context.memory).data
  if (before && connectedAt() < before.from) return before
  const oldest = now() - searchedMs
  const unread = before?.unread ?? []
  // What was left unread stays so.
  const begins = unread.length > 0 ? before?.since : before && before.from - searchOverlap
  const since = Math.max(oldest, begins ?? oldest)
  const targets =
    (before && (await whereThingsHappened(deps, context.signal, since))) ??
    (await deps.installations.installations()).map(installationId => ({ installationId }))
  if (!before)
    log.info({ installations: targets.length }, 'the queue is new: looking for runs that it lost')
  const search = { since, from: now() + limits.unanswered, unread: [...unread, ...targets] }
  await context.remember(search)
  return search
}

/** A hundred webhooks each; with more it is cheaper to look everywhere. */
const maxSearchPages = 100

/** All that is done in a thread brings webhooks. @returns nothing if GitHub's log of them does not say */
async function whereThingsHappened(
  { deliveries }: SearchDeps,
  signal: AbortSignal,
  since: number,
): Promise<Target[] | undefined> {
  const reading = readDown(deliveries, { until: since, most: maxSearchPages, signal })
  const read = await reading.catch(unlessRejected)
  if (!read || read.isCut) return undefined
  const targets = new Map<number, Set<number>>()
  for (const { where } of read.attempts)
    if (where)
      targets.set(
        where.installationId,
        (targets.get(where.installationId) ?? new Set()).add(where.repoId),
      )
  return [...targets].map(([installationId, only]) => ({ installationId, only: [...only] }))
}
