/**
 * Turns a webhook into a Trigger, or a reason to ignore it. Pure. The id is that of the event, not of the delivery.
 */
import type { z } from 'zod'
import { type AppIdentity, type Arrival, type Delivery, ignored, type Normalised } from './event.ts'
import { fromIssue, fromIssueComment } from './issue-comment-event.ts'
import { fromInstallation, fromInstallationRepositories, fromRepository } from './lost-access.ts'
import * as payloads from './payloads.ts'
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

/** Only for a merge queue: not every server has it, and it needs a permission of its own. */
const eventsOfQueue = ['merge_group'] as const

/** GitHub sends some events to every App. */
export const readEvents = [...events, ...eventsOfQueue, 'installation', 'installation_repositories'] as const
export type EventName = (typeof readEvents)[number]

const readers: Record<EventName, (delivery: Delivery, identity: AppIdentity) => Normalised> = {
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

export function normalise(delivery: Delivery, identity: AppIdentity): Normalised {
  const event = readEvents.find(each => each === delivery.event)
  return event ? readers[event](delivery, identity) : ignored('event not used')
}

function reading<P extends { installation?: { id: number } | null | undefined }>(
  schema: z.ZodType<P>,
  read: (arrival: Arrival<P>) => Normalised,
): (delivery: Delivery, identity: AppIdentity) => Normalised {
  return ({ id, payload }, identity) => {
    const { data } = schema.safeParse(payload)
    if (!data) return ignored('payload not understood')
    const { installation } = data
    return installation
      ? read({ payload: { ...data, installation }, deliveryId: id, identity })
      : ignored('not installed as an App')
  }
}
