import type { z } from 'zod'
import { reviewWords } from '../written.ts'
import {
  type AppIdentity,
  arrived,
  headOf,
  type Installed,
  ignored,
  isBot,
  type Normalised,
  named,
  pullThread,
  snapshotOf,
} from './event.ts'
import type * as payloads from './payloads.ts'

export function fromReview(
  payload: Installed<z.infer<typeof payloads.ReviewEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, review, pull_request: pull } = payload
  if (action !== 'submitted' && action !== 'edited') return ignored('event not used')
  if (isBot(payload)) return ignored('by a bot')
  const { word } = identity.triggerOf(payload.repository.owner.login)
  const words = reviewWords(payload, word)
  if (words.kind === 'ignored') return words
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, pullThread(payload, pull), deliveryId, words.at),
      id: words.edit ? `review-edit-${review.id}-${words.edit}` : `review-${review.id}`,
      kind: 'comment',
      commentRef: { kind: 'review', reviewId: review.id, nodeId: review.node_id },
      ...words.text,
      ...named(word),
      snapshot: snapshotOf(pull),
      head: headOf(pull),
    },
  }
}
