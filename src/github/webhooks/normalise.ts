/**
 * Turns a webhook into a Trigger, or a reason to ignore it. Pure. The id is that of the event, not of the delivery.
 */
import type { z } from 'zod'
import { fromIssueComment, fromReviewComment, subjectText } from './comments.ts'
import {
  type AppEvent,
  type Delivery,
  type EventOf,
  endings,
  ignored,
  type Normalised,
  notUsed,
  ofIssue,
  type TriggerOf,
  threadEnd,
} from './event.ts'
import {
  fromInstallation,
  fromInstallationRepositories,
  fromRepository,
} from './installation-events.ts'
import { labelTrigger, labelWithdrawal } from './labels.ts'
import * as payloads from './payloads.ts'
import {
  fromCheckSuite,
  fromMergeGroup,
  fromPull,
  fromReview,
  fromReviewThread,
  fromStatus,
} from './pulls.ts'

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
  'installation',
  'installation_repositories',
] as const
export type EventName = (typeof readEvents)[number]

const names: ReadonlySet<string> = new Set(readEvents)
export const isEventName = (name: string): name is EventName => names.has(name)

type EventReader = (delivery: Delivery, triggerOf: TriggerOf) => Normalised

const readers: Record<EventName, EventReader> = {
  check_suite: reading(payloads.CheckSuiteEvent, fromCheckSuite),
  issue_comment: reading(payloads.IssueComment, fromIssueComment),
  issues: reading(payloads.IssueEvent, fromIssue),
  merge_group: reading(payloads.MergeGroupEvent, fromMergeGroup),
  pull_request: reading(payloads.PullEvent, fromPull),
  pull_request_review: reading(payloads.ReviewEvent, fromReview),
  pull_request_review_comment: reading(payloads.ReviewCommentEvent, fromReviewComment),
  pull_request_review_thread: reading(payloads.ReviewThreadEvent, fromReviewThread),
  status: reading(payloads.StatusEvent, fromStatus),
  installation: reading(payloads.InstallationEvent, fromInstallation),
  installation_repositories: reading(
    payloads.InstallationRepositoriesEvent,
    fromInstallationRepositories,
  ),
  repository: reading(payloads.RepositoryEvent, fromRepository),
}

export function normalise(delivery: Delivery, triggerOf: TriggerOf): Normalised {
  const { event } = delivery
  return isEventName(event) ? readers[event](delivery, triggerOf) : notUsed
}

function reading<P extends { installation?: { id: number } | null | undefined }>(
  schema: z.ZodType<P>,
  read: (event: AppEvent<P>) => Normalised,
): EventReader {
  return ({ id, payload }, triggerOf) => {
    const { data } = schema.safeParse(payload)
    if (!data) return ignored('payload not understood')
    const { installation } = data
    return installation
      ? read({ payload: { ...data, installation }, deliveryId: id, triggerOf })
      : ignored('not installed as an App')
  }
}

function fromIssue(event: EventOf<typeof payloads.IssueEvent>): Normalised {
  const { action } = event.payload
  const inThread = ofIssue(event)
  const ending = endings.find(known => known === action)
  if (ending) return threadEnd(inThread, ending)
  if (action === 'unlabeled') return labelWithdrawal(inThread)
  if (action === 'opened' || action === 'edited') return subjectText(inThread)
  return action === 'labeled' ? labelTrigger(inThread) : notUsed
}
