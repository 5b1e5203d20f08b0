/** What the thread remembers of earlier Runs: the signed markers in our own comments and pull requests. */
import type { Marker } from '../../core/marker.ts'
import type { Pull } from '../../core/run.ts'
import { pullOf } from '../../core/seen.ts'
import type { TriggerHand } from './hand.ts'

export interface Past {
  /** The newest marker that names a run of this thread. */
  marker: Marker
  /** The pull request that it left, as GitHub has it now. */
  pull: Pull | undefined
}

export async function pastOf(hand: TriggerHand): Promise<Past | undefined> {
  const marker = (await lastStatus(hand)) ?? (await ownPullMarker(hand))
  if (!marker) return undefined
  const view = marker.pull === undefined ? undefined : await hand.github.pull(marker.pull)
  return { marker, pull: view && pullOf(view) }
}

async function lastStatus(hand: TriggerHand): Promise<Marker | undefined> {
  const { thread } = hand.record.trigger
  const comments = await hand.github.ownComments()
  return comments
    .flatMap(({ body }) => hand.deps.signer.read(body, thread))
    .findLast(marker => marker.as === 'status')
}

/** On a pull request that a Run opened, its description carries the marker. */
async function ownPullMarker(hand: TriggerHand): Promise<Marker | undefined> {
  const { thread } = hand.record.trigger
  if (thread.kind !== 'pull') return undefined
  const view = await hand.github.pull(thread.number)
  return view && hand.deps.signer.read(view.body, thread).findLast(marker => marker.as === 'pull')
}
