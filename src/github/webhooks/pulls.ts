/** News of pull requests: what happens to themselves, and on the branch that they come from. */
import type { z } from 'zod'
import { hashOf, type Thread } from '../../core/model/thread.ts'
import type { PullNewsTrigger } from '../../core/model/trigger.ts'
import { hasMarker } from '../../core/record/marker.ts'
import { limits } from '../../core/record/timing.ts'
import { reviewText, subjectText } from './comments.ts'
import {
  type AppEvent,
  type EventOf,
  happening,
  headOf,
  ignored,
  isBot,
  type Normalised,
  notUsed,
  ofPull,
  repositoryIn,
  type ThreadEvent,
  threadEnd,
  timeOf,
  withNews,
} from './event.ts'
import { labelTrigger, labelWithdrawal } from './labels.ts'
import type * as payloads from './payloads.ts'

type PullPayload = payloads.BasePayload & { pull_request: payloads.PullRequestPayload }

export function fromPull(event: EventOf<typeof payloads.PullEvent>): Normalised {
  const { action } = event.payload
  const inThread = ofPull(event)
  if (action === 'labeled') return labelTrigger(inThread)
  if (action === 'unlabeled') return labelWithdrawal(inThread)
  if (action === 'locked') return threadEnd(inThread, 'locked')
  const news = pullNews(event.payload)
  if (!news && action !== 'edited') return notUsed
  const asked = action === 'opened' || !news ? subjectText(inThread) : ignored('no command')
  return withNews(asked, [
    news && newsOf(inThread, news),
    news === 'pushed' ? headNews(event, ownRef(event.payload)) : undefined,
  ])
}

type News = PullNewsTrigger['news']

function newsOf(event: ThreadEvent<PullPayload>, news: News): PullNewsTrigger {
  const { thread, deliveryId } = event
  const { pull_request: pull } = event.payload
  const endedAt = news === 'merged' || news === 'closed' ? pull.closed_at : undefined
  const at = timeOf(endedAt ?? pull.updated_at)
  // Several pushes may come within a second, told apart by commit, and several reviews.
  const moment = news === 'reviewed' || pull.updated_at === undefined ? deliveryId : String(at)
  const which = news === 'pushed' ? pull.head.sha : moment
  return {
    ...happening(event, at),
    id: `pull-${thread.repoId}-${pull.number}-${news}-${which}`,
    kind: 'pull-news',
    head: headOf(pull),
    hasMarker: hasMarker(pull.body) || undefined,
    news,
  }
}

function pullNews(payload: z.infer<typeof payloads.PullEvent>): News | undefined {
  const { action, changes, pull_request: pull } = payload
  switch (action) {
    case 'edited': {
      // The bot's own change is known.
      if (!changes?.body) return changes?.base && !isBot(payload) ? 'retargeted' : undefined
      // Only who has the key can judge whose it is or was.
      const isMarked = hasMarker(pull.body)
      if (hasMarker(changes.body.from ?? '') === isMarked) return undefined
      return isMarked ? 'marked' : 'unmarked'
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
      return 'reviewed'
    case 'closed':
      return pull.merged ? 'merged' : 'closed'
    default:
      return undefined
  }
}

export function fromReview(event: EventOf<typeof payloads.ReviewEvent>): Normalised {
  const { action } = event.payload
  const inThread = ofPull(event)
  const asked = reviewText(inThread)
  if (action !== 'submitted' && action !== 'dismissed') return asked
  // A bot's approval counts for nothing, but whoever takes an approval back may be a bot.
  const isOfBot = action === 'submitted' && isBot(event.payload)
  return withNews(asked, [
    isOfBot ? undefined : newsOf(inThread, 'reviewed'),
    headNews(event, ownRef(event.payload)),
  ])
}

/** A thread of a review was resolved, or is open again. */
export function fromReviewThread(event: EventOf<typeof payloads.ReviewThreadEvent>): Normalised {
  return withNews(notUsed, [headNews(event, ownRef(event.payload))])
}

/** GitHub merges some pull requests on a branch of its own, and wants their required checks there, too. */
export function fromMergeGroup(event: EventOf<typeof payloads.MergeGroupEvent>): Normalised {
  const { payload } = event
  if (payload.action !== 'checks_requested') return notUsed
  const { head_sha: sha, head_ref: ref, base_ref: base } = payload.merge_group
  return {
    kind: 'trigger',
    trigger: {
      ...happening({ ...event, thread: noThread(payload) }, Date.now()),
      id: `merging-${payload.repository.id}-${sha}`,
      kind: 'pull-news',
      news: 'merging',
      head: { ref, sha, base, repoId: payload.repository.id },
    },
  }
}

export function fromCheckSuite(event: EventOf<typeof payloads.CheckSuiteEvent>): Normalised {
  const { action, check_suite: suite } = event.payload
  return action === 'completed' ? withNews(notUsed, [headNews(event, suite.head_branch)]) : notUsed
}

/** Takes the first branch that may be of a pull request, among those that have this as their newest commit. */
export function fromStatus(event: EventOf<typeof payloads.StatusEvent>): Normalised {
  const { state, branches, repository } = event.payload
  const ref = branches.find(({ name }) => name !== repository.default_branch)?.name
  return state === 'pending' ? notUsed : withNews(notUsed, [headNews(event, ref)])
}

/** Forks are worked on by nobody here. */
const ownRef = ({ pull_request: { head }, repository }: PullPayload) =>
  head.repo?.id === repository.id ? head.ref : undefined

/**
 * News of what a pull request needs, told by the branch that it comes from: many of them are one trigger. By when they
 * came, not happened: whoever looks afterwards sees them all.
 */
function headNews(
  { payload, deliveryId }: AppEvent<payloads.BasePayload>,
  ref: string | null | undefined,
): PullNewsTrigger | undefined {
  const { repository } = payload
  if (!ref || ref === repository.default_branch) return undefined
  const at = Date.now()
  return {
    ...happening({ payload, deliveryId, thread: noThread(payload) }, at),
    id: `checked-${repository.id}-${hashOf(10, ref)}-${Math.floor(at / limits.checkedEvery)}`,
    kind: 'pull-news',
    news: 'checked',
    head: { ref, sha: '', base: '', repoId: repository.id },
  }
}

/** The thread of news about a branch has no number. */
const noThread = (payload: AppEvent<payloads.BasePayload>['payload']): Thread => ({
  ...repositoryIn(payload),
  number: 0,
  kind: 'pull',
  url: payload.repository.html_url ?? '',
})
