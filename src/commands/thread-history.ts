/** What the thread remembers of earlier Runs: the signed markers in our own comments and pull requests. */
import type { Marker } from '../core/model/marker.ts'
import { threadSlot } from '../core/model/thread.ts'
import type { TickTrigger } from '../core/model/trigger.ts'
import { pullOf } from '../core/model/views.ts'
import type { Pull, Run } from '../core/run/run.ts'
import { markerOf } from '../runs/steps/tell-thread.ts'
import type { TriggerHand } from './command-context.ts'

export interface Past {
  /** The newest marker that names a run of this thread. */
  marker: Marker
  /** The pull request that it left, as GitHub has it now. */
  pull: Pull | undefined
}

export async function pastOf(hand: TriggerHand): Promise<Past | undefined> {
  const marker = (await lastMarker(hand)) ?? (await ownPullMarker(hand)) ?? (await lastKept(hand))
  if (!marker) return undefined
  const view = marker.pull === undefined ? undefined : await hand.github.pull(marker.pull)
  return { marker, pull: view && pullOf(view) }
}

/** Of the newest status comment; where somebody deleted that, its Run's last word says nearly as much. */
async function lastMarker(hand: TriggerHand): Promise<Marker | undefined> {
  const { thread } = hand.record.trigger
  const comments = await hand.github.ownComments()
  const markers = comments.flatMap(({ body }) => hand.deps.signer.read(body, thread))
  const newest = markers.findLast(({ as }) => as === 'status' || as === 'closing')
  return markers.findLast(({ as, run }) => as === 'status' && run === newest?.run) ?? newest
}

const queueRemembers = 30 * 24 * 60 * 60_000

/** When all comments are gone: the newest Run of the thread that the queue still has. */
async function lastKept(hand: TriggerHand): Promise<Marker | undefined> {
  const slot = threadSlot(hand.record.trigger.thread)
  const ended = await hand.deps.runs.recentlyEnded(hand.deps.now() - queueRemembers)
  const [newest] = ended
    .filter(({ data }) => threadSlot(data.thread) === slot)
    .toSorted((a, b) => b.addedAt - a.addedAt)
  return newest && markerOf(newest.data, 'status')
}

/** On a pull request that a Run opened, its description carries the marker. */
async function ownPullMarker(hand: TriggerHand): Promise<Marker | undefined> {
  const { thread } = hand.record.trigger
  if (thread.kind !== 'pull') return undefined
  const view = await hand.github.pull(thread.number)
  return view && hand.deps.signer.read(view.body, thread).findLast(marker => marker.as === 'pull')
}

/** The Run that a ticked comment shows. */
export const shownBy = (
  { deps }: Pick<TriggerHand, 'deps'>,
  { text, thread }: TickTrigger,
): Marker | undefined =>
  deps.signer.read(text, thread).findLast(({ as }) => as === 'status' || as === 'closing')

export type AskedLast = Pick<Run, 'ask' | 'snapshot' | 'head'>

/** What was asked last, from the queue; or from the thread, where the queue has lost it or dropped it with age. */
export async function askedLast(
  hand: TriggerHand,
  { marker }: Pick<Past, 'marker'>,
): Promise<AskedLast | undefined> {
  const kept = await hand.deps.runs.get(marker.run)
  if (kept) return kept.data
  const { trigger } = hand.record
  if (!marker.backup || trigger.kind === 'withdrawal' || trigger.kind === 'pull-news') return undefined
  const { ask, head } = marker.backup
  return { ask, snapshot: trigger.snapshot, ...(head ? { head } : {}) }
}
