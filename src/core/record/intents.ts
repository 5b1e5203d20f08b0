/** Effects that have begun and whose results are not recorded. */
import { NoResponse, Rejected, ResultPending, RetryLater } from '../model/errors.ts'
import type { ChangeOf, Intent, Run } from './run.ts'
import { limits } from './timing.ts'

type HasIntents = { attempts: Pick<Run['attempts'], 'intent'> }
type IntentKind = Intent['kind']

export const openIntents = ({ attempts: { intent = [] } }: HasIntents): readonly Intent[] => intent

export const openIntent = <Kind extends IntentKind>(run: HasIntents, kind: Kind) =>
  openIntents(run).find((each): each is Extract<Intent, { kind: Kind }> => each.kind === kind)

type Lagging = HasIntents & {
  request: { at: number }
  attempts: { lagsSince?: number }
}

/** A Run whose record may lag behind what was done has perhaps begun everything. */
export const triedBefore = (run: Lagging, intent: Intent): Intent | undefined => {
  const { lagsSince: lostAt } = run.attempts
  const begun = lostAt === undefined ? undefined : { ...intent, at: run.request.at, lostAt }
  return openIntents(run).find(({ kind }) => kind === intent.kind) ?? begun
}

export const withIntent = (run: HasIntents, intent: Intent): ChangeOf<'attempts'> => ({
  attempts: { intent: [...openIntents(run).filter(({ kind }) => kind !== intent.kind), intent] },
})

export function onlyIntents(
  run: HasIntents,
  kept: (kind: IntentKind) => boolean,
): ChangeOf<'attempts'> {
  const left = openIntents(run).filter(({ kind }) => kept(kind))
  return { attempts: { intent: left.length === 0 ? undefined : left } }
}

/** After a crash, such an intent may have started an agent that the record does not know. */
export const beginsAgent = (kind: IntentKind): boolean => kind === 'start-run' || kind === 'rejoin'

export const mayHaveBegun = (run: HasIntents): boolean =>
  openIntents(run).some(({ kind }) => beginsAgent(kind))

/** ms since the epoch: when it began, and when its response was known to be lost. */
export interface EffectAttempt {
  at: number
  lostAt?: number
}

interface Effect<Tried, Trace> {
  find(tried: Tried): Promise<Trace | undefined>
  /** `undefined`: it did not happen. */
  record(tried: Tried | undefined): Promise<void> | void
  /** Whether it may begin is asked here, after the search. */
  begin(): Promise<void> | void
  perform(): Promise<Trace>
  now(): number
}

/**
 * What has no idempotency key is done once: the attempt is saved before it, and the trace of an earlier one is searched
 * until it has had time to show.
 * @throws ResultPending until then
 */
export async function exactlyOnce<Tried extends EffectAttempt, Trace>(
  earlier: Tried | undefined,
  tried: Tried,
  { find, record, begin, perform, now }: Effect<Tried, Trace>,
): Promise<Trace> {
  if (earlier) {
    const searchedAt = now()
    const trace = await find(earlier)
    if (trace !== undefined) return trace
    const lostAt = earlier.lostAt ?? now()
    await record({ ...earlier, lostAt })
    const shownBy = lostAt + limits.unanswered
    if (searchedAt < shownBy) throw new ResultPending(shownBy)
  }
  await begin()
  try {
    return await perform()
  } catch (error) {
    // Only the effect's own response proves that it did not happen. A response to the search proves nothing.
    const isRefused = error instanceof RetryLater || error instanceof Rejected
    await record(
      isRefused ? undefined : { ...tried, ...(error instanceof NoResponse && { lostAt: now() }) },
    )
    throw error
  }
}
