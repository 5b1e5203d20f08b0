/**
 * Turns a webhook into a Trigger, or a reason to ignore it. Pure. The id is that of the event, not of the delivery.
 */
import type { z } from 'zod'
import type { AccessBackTrigger, AccessLostTrigger } from '../../core/model/trigger.ts'
import { ticked } from '../../core/words/words.ts'
import {
  type Arrival,
  arrived,
  commentWords,
  type Delivery,
  ended,
  endings,
  hashOf,
  type InThread,
  ignored,
  inText,
  isBot,
  labelled,
  type Normalised,
  ofIssue,
  repositoryOf,
  said,
  snapshotOf,
  type TriggerOf,
  timeOf,
  unlabelled,
  withdrawn,
} from './event.ts'
import * as payloads from './payloads.ts'
import { named, Repository } from './payloads.ts'
import {
  fromCheckSuite,
  fromInline,
  fromMergeGroup,
  fromPull,
  fromReview,
  fromReviewThread,
  fromStatus,
} from './pull-request-event.ts'

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

const readers: Record<EventName, (delivery: Delivery, triggerOf: TriggerOf) => Normalised> = {
  check_suite: reading(payloads.CheckSuiteEvent, fromCheckSuite),
  issue_comment: reading(payloads.IssueComment, fromIssueComment),
  issues: reading(payloads.IssueEvent, fromIssue),
  merge_group: reading(payloads.MergeGroupEvent, fromMergeGroup),
  pull_request: reading(payloads.PullEvent, fromPull),
  pull_request_review: reading(payloads.ReviewEvent, fromReview),
  pull_request_review_comment: reading(payloads.ReviewCommentEvent, fromInline),
  pull_request_review_thread: reading(payloads.ReviewThreadEvent, fromReviewThread),
  status: reading(payloads.StatusEvent, fromStatus),
  installation: reading(payloads.InstallationEvent, fromInstallation),
  installation_repositories: reading(payloads.InstallationRepositoriesEvent, fromInstallationRepositories),
  repository: reading(payloads.RepositoryEvent, fromRepository),
}

export function normalise(delivery: Delivery, triggerOf: TriggerOf): Normalised {
  const event = readEvents.find(each => each === delivery.event)
  return event ? readers[event](delivery, triggerOf) : ignored('event not used')
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

const notUsed = ignored('event not used')

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

/** The events that say where the bot may not work any more, and where it may work again. */
function fromInstallation(arrival: Arrival<z.infer<typeof payloads.InstallationEvent>>): Normalised {
  const { action, repositories } = arrival.payload
  const by = lossBy[action]
  if (by) return lost(arrival, { by })
  return action === 'created' || action === 'unsuspend'
    ? isBack(arrival, { repositories: repositories?.map(named) })
    : notUsed
}

function fromInstallationRepositories(
  arrival: Arrival<z.infer<typeof payloads.InstallationRepositoriesEvent>>,
): Normalised {
  const { action, repositories_added: added, repositories_removed: removed } = arrival.payload
  if (action === 'added' && added?.length) return isBack(arrival, { repositories: added.map(named) })
  if (action !== 'removed' || !removed?.length) return notUsed
  return lost(arrival, { by: 'removed', repositories: removed.map(({ id }) => id) })
}

const repositoryLossBy: LossBy = { archived: 'archived', deleted: 'deleted', transferred: 'transferred' }

function fromRepository(arrival: Arrival<z.infer<typeof payloads.RepositoryEvent>>): Normalised {
  const { action, repository, installation } = arrival.payload
  const { data } = Repository.safeParse(repository)
  const whole = data && repositoryOf(installation.id, data)
  if ((action === 'unarchived' || action === 'renamed' || action === 'edited') && whole)
    return isBack(arrival, { repositories: [whole] })
  const by = repositoryLossBy[action]
  if (!by) return notUsed
  return lost(arrival, { by, repositories: [repository.id], to: by === 'transferred' ? whole : undefined })
}

type IssueComment = z.infer<typeof payloads.IssueComment>

function fromIssueComment(arrival: Arrival<IssueComment>): Normalised {
  const { payload } = arrival
  const { action, comment } = payload
  if (isBot(payload)) return ignored('by a bot')
  const here = ofIssue(arrival)
  if (action === 'deleted')
    return withdrawn(here, { kind: 'comment', in: 'thread', commentId: comment.id, reviewId: null })
  if (comment.user?.type === 'Bot') return action === 'edited' ? fromTick(here) : ignored('by a bot')
  const of = {
    author: comment.user,
    names: ['comment', 'edit'],
    commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
  } as const
  return said(here, commentWords(here, comment), of)
}

function fromTick(here: InThread<IssueComment>): Normalised {
  const { comment, changes, issue } = here.payload
  const box = ticked(changes?.body?.from ?? '', comment.body)
  if (!box) return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(here, at),
      id: `tick-${comment.id}-${box}-${at}-${hashOf(comment.body)}`,
      kind: 'tick',
      text: comment.body,
      box,
      commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
      snapshot: snapshotOf(issue),
    },
  }
}

function fromIssue(arrival: Arrival<z.infer<typeof payloads.IssueEvent>>): Normalised {
  const { action } = arrival.payload
  const here = ofIssue(arrival)
  const ending = endings.find(known => known === action)
  if (ending) return ended(here, ending)
  if (action === 'unlabeled') return unlabelled(here)
  if (action === 'opened' || action === 'edited') return inText(here)
  return action === 'labeled' ? labelled(here) : ignored('event not used')
}
