/**
 * Turns a webhook into a Trigger, or a reason to ignore it. Pure. The id is that of the event, not of the delivery.
 */
import type { z } from 'zod'
import { hashOf, type Thread } from '../../core/model/thread.ts'
import type { AccessBackTrigger, AccessLostTrigger, Trigger } from '../../core/model/trigger.ts'
import { hasMarker } from '../../core/record/marker.ts'
import { limits } from '../../core/record/timing.ts'
import { ticked } from '../../core/words/words.ts'
import {
  type Arrival,
  arrived,
  commentWords,
  type Delivery,
  ended,
  endings,
  headOf,
  type InThread,
  ignored,
  inText,
  isBot,
  isInsider,
  labelled,
  type Normalised,
  ofIssue,
  ofPull,
  type Passed,
  repositoryOf,
  said,
  snapshotOf,
  type TriggerOf,
  timeOf,
  unlabelled,
  type Words,
  withdrawn,
  withNews,
} from './event.ts'
import * as payloads from './payloads.ts'
import { named, Repository } from './payloads.ts'

/** The events the App subscribes to; `app.yml` lists exactly these. */
export const events = [
  'check_suite',
  'issue_comment',
  'issues',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'pull_request_review_thread',
  'repository',
  'status',
] as const

export const readEvents = [
  ...events,
  // Merge queues need it. Some servers lack it, and it needs a permission of its own.
  'merge_group',
  // GitHub sends these to every App.
  ...(['installation', 'installation_repositories'] as const),
] as const
export type EventName = (typeof readEvents)[number]

const names: ReadonlySet<string> = new Set(readEvents)
export const isEventName = (name: string): name is EventName => names.has(name)

type Of<Schema extends z.ZodType> = Arrival<z.infer<Schema>>
const readers: Record<EventName, (delivery: Delivery, triggerOf: TriggerOf) => Normalised> = {
  check_suite: reading(payloads.CheckSuiteEvent, fromCheckSuite),
  issue_comment: reading(payloads.IssueComment, fromIssueComment),
  issues: reading(payloads.IssueEvent, fromIssue),
  merge_group: reading(payloads.MergeGroupEvent, fromMergeGroup),
  pull_request: reading(payloads.PullEvent, fromPull),
  pull_request_review: reading(payloads.ReviewEvent, fromReview),
  pull_request_review_comment: reading(payloads.ReviewCommentEvent, fromInline),
  pull_request_review_thread: reading(payloads.ReviewThreadEvent, arrival =>
    withNews(notUsed, [headNews(arrival, ownRef(arrival.payload))]),
  ),
  status: reading(payloads.StatusEvent, fromStatus),
  installation: reading(payloads.InstallationEvent, fromInstallation),
  installation_repositories: reading(
    payloads.InstallationRepositoriesEvent,
    fromInstallationRepositories,
  ),
  repository: reading(payloads.RepositoryEvent, fromRepository),
}

const notUsed = ignored('event not used')

export function normalise(delivery: Delivery, triggerOf: TriggerOf): Normalised {
  const { event } = delivery
  return isEventName(event) ? readers[event](delivery, triggerOf) : notUsed
}

function reading<P extends { installation?: { id: number } | null | undefined }>(
  schema: z.ZodType<P>,
  read: (arrival: Arrival<P>) => Normalised,
): (delivery: Delivery, triggerOf: TriggerOf) => Normalised {
  return ({ id, payload }, triggerOf) => {
    const { data } = schema.safeParse(payload)
    if (!data) return ignored('payload not understood')
    const { installation } = data
    return installation
      ? read({ payload: { ...data, installation }, deliveryId: id, triggerOf })
      : ignored('not installed as an App')
  }
}

function fromIssueComment(arrival: Of<typeof payloads.IssueComment>): Normalised {
  const { payload } = arrival
  const { action, comment } = payload
  if (isBot(payload)) return ignored('by a bot')
  const here = ofIssue(arrival)
  if (action === 'deleted')
    return withdrawn(here, { kind: 'comment', in: 'thread', commentId: comment.id, reviewId: null })
  if (comment.user?.type === 'Bot')
    return action === 'edited' ? fromTick(here) : ignored('by a bot')
  const of = {
    author: comment.user,
    names: ['comment', 'edit'],
    commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
  } as const
  return said(here, commentWords(here, comment), of)
}

function fromTick(here: InThread<z.infer<typeof payloads.IssueComment>>): Normalised {
  const { comment, changes, issue } = here.payload
  const box = ticked(changes?.body?.from ?? '', comment.body)
  if (!box) return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(here, at),
      id: `tick-${comment.id}-${box}-${at}-${hashOf(10, comment.body)}`,
      kind: 'tick',
      text: comment.body,
      box,
      commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
      snapshot: snapshotOf(issue),
    },
  }
}

function fromIssue(arrival: Of<typeof payloads.IssueEvent>): Normalised {
  const { action } = arrival.payload
  const here = ofIssue(arrival)
  const ending = endings.find(known => known === action)
  if (ending) return ended(here, ending)
  if (action === 'unlabeled') return unlabelled(here)
  if (action === 'opened' || action === 'edited') return inText(here)
  return action === 'labeled' ? labelled(here) : notUsed
}

/* Pull requests: what happens to themselves, in their reviews, on their lines, and on the branch that they come from. */

type PullPayload = payloads.BasePayload & { pull_request: payloads.PullRequestPayload }
type Review = z.infer<typeof payloads.ReviewEvent>

function fromPull(arrival: Of<typeof payloads.PullEvent>): Normalised {
  const { action } = arrival.payload
  const here = ofPull(arrival)
  if (action === 'labeled') return labelled(here)
  if (action === 'unlabeled') return unlabelled(here)
  if (action === 'locked') return ended(here, 'locked')
  const news = pullNews(arrival.payload)
  if (!news && action !== 'edited') return notUsed
  const asked = action === 'opened' || !news ? inText(here) : ignored('no command')
  return withNews(asked, [
    news && newsOf(here, news),
    news === 'pushed' ? headNews(arrival, ownRef(arrival.payload)) : undefined,
  ])
}

type News = Extract<Trigger, { kind: 'pull-news' }>['news']

function newsOf(here: InThread<PullPayload>, news: News): Trigger {
  const { thread, deliveryId } = here
  const { pull_request: pull } = here.payload
  const endedAt = news === 'merged' || news === 'closed' ? pull.closed_at : undefined
  const at = timeOf(endedAt ?? pull.updated_at)
  // Several pushes may come within a second, told apart by commit, and several reviews.
  const moment = news === 'reviewed' || pull.updated_at === undefined ? deliveryId : String(at)
  const which = news === 'pushed' ? pull.head.sha : moment
  return {
    ...arrived(here, at),
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
      return 'reviewed'
    case 'closed':
      return pull.merged ? 'merged' : 'closed'
    default:
      return undefined
  }
}

function fromReview(arrival: Arrival<Review>): Normalised {
  const { action } = arrival.payload
  const here = ofPull(arrival)
  const asked = inReview(here)
  if (action !== 'submitted' && action !== 'dismissed') return asked
  // A bot's approval counts for nothing, but whoever takes an approval back may be a bot.
  const isOfBot = action === 'submitted' && isBot(arrival.payload)
  return withNews(asked, [
    isOfBot ? undefined : newsOf(here, 'reviewed'),
    headNews(arrival, ownRef(arrival.payload)),
  ])
}

function inReview(here: InThread<Review>): Normalised {
  const { action, review } = here.payload
  if (action !== 'submitted' && action !== 'edited') return notUsed
  return said(here, reviewWords(here), {
    author: review.user,
    names: ['review', 'review-edit'],
    commentRef: { kind: 'review', reviewId: review.id, nodeId: review.node_id },
  })
}

function reviewWords(here: InThread<Review>): Words | Passed {
  const { action, review, pull_request: pull } = here.payload
  const created_at = review.submitted_at ?? pull.updated_at ?? ''
  if (action === 'submitted')
    return {
      kind: 'words',
      at: timeOf(created_at),
      // Its comments on lines are not known yet.
      text: { text: review.body, misplaced: isInsider(review.author_association) || undefined },
    }
  const updated_at = review.updated_at ?? pull.updated_at
  return commentWords(here, { ...review, created_at, updated_at })
}

/** GitHub sends a review and each of its inline comments. Only the review counts, and inline replies. */
function fromInline(arrival: Of<typeof payloads.ReviewCommentEvent>): Normalised {
  const { action, comment } = arrival.payload
  if (isBot(arrival.payload)) return ignored('by a bot')
  const here = ofPull(arrival)
  const reviewId = comment.pull_request_review_id ?? null
  if (action === 'deleted')
    return withdrawn(here, { kind: 'comment', in: 'inline', commentId: comment.id, reviewId })
  const words = commentWords(here, comment)
  if (words.kind === 'words' && !words.edit && reviewId !== null && !comment.in_reply_to_id)
    return ignored('inline comment of a review')
  return said(here, words, {
    author: comment.user,
    names: ['inline', 'inline-edit'],
    commentRef: {
      kind: 'inline',
      commentId: comment.id,
      nodeId: comment.node_id,
      rootId: comment.in_reply_to_id ?? comment.id,
      reviewId,
      inline: {
        id: comment.id,
        path: comment.path,
        line: comment.line ?? null,
        hunk: comment.diff_hunk ?? '',
        body: comment.body,
        nodeId: comment.node_id,
        author: comment.user?.login ?? 'ghost',
      },
    },
  })
}

/** GitHub merges some pull requests on a branch of its own, and wants their required checks there, too. */
function fromMergeGroup(arrival: Of<typeof payloads.MergeGroupEvent>): Normalised {
  const { action, merge_group: group } = arrival.payload
  if (action !== 'checks_requested') return notUsed
  const { head_sha: sha, head_ref: ref, base_ref: base } = group
  const { payload } = arrival
  return {
    kind: 'trigger',
    trigger: {
      ...arrived({ ...arrival, thread: noThread(payload) }, Date.now()),
      id: `merging-${payload.repository.id}-${sha}`,
      kind: 'pull-news',
      news: 'merging',
      head: { ref, sha, base, repoId: payload.repository.id },
    },
  }
}

function fromCheckSuite(arrival: Of<typeof payloads.CheckSuiteEvent>): Normalised {
  const { action, check_suite: suite } = arrival.payload
  return action === 'completed'
    ? withNews(notUsed, [headNews(arrival, suite.head_branch)])
    : notUsed
}

/** Takes the first branch that may be of a pull request, among those that have this as their newest commit. */
function fromStatus(arrival: Of<typeof payloads.StatusEvent>): Normalised {
  const { state, branches, repository } = arrival.payload
  const ref = branches.find(({ name }) => name !== repository.default_branch)?.name
  return state === 'pending' ? notUsed : withNews(notUsed, [headNews(arrival, ref)])
}

/** Forks are worked on by nobody here. */
const ownRef = ({ pull_request: { head }, repository }: PullPayload): string | undefined =>
  head.repo?.id === repository.id ? head.ref : undefined

/**
 * News of what a pull request needs, told by the branch that it comes from: many of them are one trigger. By when they
 * came, not happened: whoever looks afterwards sees them all.
 */
function headNews(
  { payload, deliveryId }: Arrival<payloads.BasePayload>,
  ref: string | null | undefined,
): Trigger | undefined {
  const { repository } = payload
  if (!ref || ref === repository.default_branch) return undefined
  const at = Date.now()
  return {
    ...arrived({ payload, deliveryId, thread: noThread(payload) }, at),
    id: `checked-${repository.id}-${hashOf(10, ref)}-${Math.floor(at / limits.checkedEvery)}`,
    kind: 'pull-news',
    news: 'checked',
    head: { ref, sha: '', base: '', repoId: repository.id },
  }
}

/** The thread of news about a branch has no number. */
const noThread = ({
  installation,
  repository,
}: Arrival<payloads.BasePayload>['payload']): Thread => ({
  ...repositoryOf(installation.id, repository),
  number: 0,
  kind: 'pull',
  url: repository.html_url ?? '',
})

type Loss = Pick<AccessLostTrigger, 'by' | 'repositories' | 'to'>
type LossBy = Readonly<Record<string, Loss['by']>>
type Back = Pick<AccessBackTrigger, 'repositories'>

const ghost = { login: 'ghost', id: 10137 }

function arrivedWith({ payload, deliveryId }: Arrival<payloads.AccessPayload>, by: string) {
  const { installation, sender } = payload
  const { login, id } = sender ?? ghost
  return {
    id: `access-${installation.id}-${by}-${deliveryId}`,
    deliveryId,
    at: Date.now(),
    sender: { login, id },
    installationId: installation.id,
  }
}

const lost = (arrival: Arrival<payloads.AccessPayload>, loss: Loss): Normalised => ({
  kind: 'trigger',
  trigger: { ...arrivedWith(arrival, loss.by), kind: 'access-lost', ...loss },
})

const isBack = (arrival: Arrival<payloads.AccessPayload>, back: Back): Normalised => ({
  kind: 'trigger',
  trigger: { ...arrivedWith(arrival, 'back'), kind: 'access-back', ...back },
})

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

/** The events that say where the bot may not work any more, and where it may work again. */
function fromInstallation(arrival: Of<typeof payloads.InstallationEvent>): Normalised {
  const { action, repositories } = arrival.payload
  const by = lossBy[action]
  if (by) return lost(arrival, { by })
  return action === 'created' || action === 'unsuspend'
    ? isBack(arrival, { repositories: repositories?.map(named) })
    : notUsed
}

function fromInstallationRepositories(
  arrival: Of<typeof payloads.InstallationRepositoriesEvent>,
): Normalised {
  const { action, repositories_added: added, repositories_removed: removed } = arrival.payload
  if (action === 'added' && added?.length)
    return isBack(arrival, { repositories: added.map(named) })
  if (action !== 'removed' || !removed?.length) return notUsed
  return lost(arrival, { by: 'removed', repositories: removed.map(({ id }) => id) })
}

const repositoryLossBy: LossBy = {
  archived: 'archived',
  deleted: 'deleted',
  transferred: 'transferred',
}

function fromRepository(arrival: Of<typeof payloads.RepositoryEvent>): Normalised {
  const { action, repository, installation } = arrival.payload
  const { data } = Repository.safeParse(repository)
  const whole = data && repositoryOf(installation.id, data)
  if ((action === 'unarchived' || action === 'renamed' || action === 'edited') && whole)
    return isBack(arrival, { repositories: [whole] })
  const by = repositoryLossBy[action]
  if (!by) return notUsed
  return lost(arrival, {
    by,
    repositories: [repository.id],
    to: by === 'transferred' ? whole : undefined,
  })
}
