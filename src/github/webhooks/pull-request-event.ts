import type { z } from 'zod'
import type { Thread } from '../../core/model/thread.ts'
import type { Trigger } from '../../core/model/trigger.ts'
import { hasMarker } from '../../core/record/marker.ts'
import {
  type AppIdentity,
  arrived,
  endedBy,
  headOf,
  type Installed,
  ignored,
  inText,
  labelled,
  type Normalised,
  pullThread,
  timeOf,
  unlabelled,
  withdrawn,
  withNews,
} from './event.ts'
import { headNews, ownRef } from './head-event.ts'
import type * as payloads from './payloads.ts'

export function fromPull(
  payload: Installed<z.infer<typeof payloads.PullEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, pull_request: pull } = payload
  const thread = pullThread(payload, pull)
  if (action === 'labeled')
    return labelled(payload, { identity, thread, subject: pull, deliveryId, head: headOf(pull) })
  if (action === 'unlabeled') return unlabelled(payload, { identity, thread, subject: pull, deliveryId })
  if (action === 'locked') return withdrawn(payload, { thread, deliveryId, ...endedBy('locked', pull) })
  const news = pullNews(payload)
  if (!news && action !== 'edited') return ignored('event not used')
  const given = { identity, thread, subject: pull, deliveryId, head: headOf(pull) }
  const said = action === 'opened' || !news ? inText(payload, given) : ignored('no command')
  return withNews(said, [
    news && newsOf(payload, { news, thread, deliveryId }),
    news === 'pushed' ? headNews(payload, ownRef(payload), deliveryId) : undefined,
  ])
}

export function newsOf(
  payload: Installed<payloads.BasePayload> & { pull_request: payloads.PullRequestPayload },
  { news, thread, deliveryId }: { news: News; thread: Thread; deliveryId: string },
): Trigger {
  const { pull_request: pull } = payload
  const ended = news === 'merged' || news === 'closed' ? pull.closed_at : undefined
  const at = timeOf(ended ?? pull.updated_at)
  // Several pushes may come within a second, told apart by commit, and several reviews.
  const moment = news === 'reviewed' || pull.updated_at === undefined ? deliveryId : String(at)
  const which = news === 'pushed' ? pull.head.sha : moment
  return {
    ...arrived(payload, thread, deliveryId, at),
    id: `pull-${thread.repoId}-${pull.number}-${news}-${which}`,
    kind: 'pull-news',
    head: headOf(pull),
    draft: pull.draft === true || undefined,
    hasMarker: hasMarker(pull.body) || undefined,
    news,
  }
}

type News = Extract<Trigger, { kind: 'pull-news' }>['news']

function pullNews(payload: z.infer<typeof payloads.PullEvent>): News | undefined {
  const { action, changes, pull_request: pull } = payload
  switch (action) {
    case 'edited': {
      if (!changes?.body) return undefined
      // Whose it is, or was, is for who has the key to judge.
      const [had, has] = [hasMarker(changes.body.from ?? ''), hasMarker(pull.body)]
      return had === has ? undefined : has ? 'marked' : 'unmarked'
    }
    case 'opened':
    case 'reopened':
    case 'ready_for_review':
    case 'converted_to_draft':
      return action
    case 'synchronize':
      return 'pushed'
    case 'review_requested':
    case 'review_request_removed':
      return hasMarker(pull.body) ? 'reviewed' : undefined
    case 'closed':
      return pull.merged ? 'merged' : 'closed'
    default:
      return undefined
  }
}
