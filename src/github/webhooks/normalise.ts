/**
 * From a webhook to a Trigger, or the named reason to ignore it. Pure, and the only place that reads
 * payloads. The id of a trigger comes from the identity of what happened, not from the delivery: a
 * redelivery, and the same event by a second hook, make the same id.
 */
import type { z } from 'zod'
import { ticked } from '../../core/comments/boxes.ts'
import type { PullHead, Snapshot, Thread } from '../../core/model/thread.ts'
import type { Ignored, Trigger } from '../../core/model/trigger.ts'
import { type TriggerWords, usualTrigger } from '../../core/settings/trigger-words.ts'
import { commentWords, hashOf, reviewWords, timeOf } from '../written.ts'
import { type AccessEvent, accessEvents, accessLost } from './access-events.ts'
import * as payloads from './payloads.ts'

export interface Delivery {
  id: string
  event: string
  payload: unknown
}

export type Normalised = { trigger: Trigger } | { ignored: Ignored }

const ignored = (why: Ignored): Normalised => ({ ignored: why })

/** The events the App subscribes to; `app.yml` lists exactly these. */
export const events = [
  'issue_comment',
  'issues',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'repository',
] as const

/** All that is read: GitHub sends some events to every App, whatever it subscribed to. */
export const readEvents = [...new Set([...events, ...accessEvents])]
export type EventName = (typeof readEvents)[number]

const readers: Record<EventName, (delivery: Delivery, identity: AppIdentity) => Normalised> = {
  issue_comment: (delivery, identity) =>
    reading(payloads.IssueComment, delivery, (payload, id) => fromIssueComment(payload, id, identity)),
  issues: (delivery, identity) =>
    reading(payloads.IssueEvent, delivery, (payload, id) => fromIssue(payload, id, identity)),
  pull_request: (delivery, identity) =>
    reading(payloads.PullEvent, delivery, (payload, id) => fromPull(payload, id, identity)),
  pull_request_review: (delivery, identity) =>
    reading(payloads.ReviewEvent, delivery, (payload, id) => fromReview(payload, id, identity)),
  pull_request_review_comment: (delivery, identity) =>
    reading(payloads.ReviewCommentEvent, delivery, (payload, id) => fromInline(payload, id, identity)),
  installation: delivery => fromAccess(delivery, 'installation'),
  installation_repositories: delivery => fromAccess(delivery, 'installation_repositories'),
  repository: delivery => fromAccess(delivery, 'repository'),
}

const isEvent = (name: string): name is EventName => readEvents.some(event => event === name)

export interface AppIdentity {
  /** What the bot is called by in the repositories of an owner. */
  triggerOf(owner: string): TriggerWords
  /** The number of our own App, whose words are never read. */
  appId: number
}

export const normalise = (delivery: Delivery, identity: AppIdentity): Normalised =>
  isEvent(delivery.event) ? readers[delivery.event](delivery, identity) : ignored('event not used')

function fromAccess(delivery: Delivery, event: AccessEvent): Normalised {
  const read = accessLost(delivery, event)
  return typeof read === 'string' ? ignored(read) : { trigger: read }
}

type Installed<P> = P & { installation: { id: number } }

function reading<P extends payloads.BasePayload>(
  schema: z.ZodType<P>,
  delivery: Delivery,
  read: (payload: Installed<P>, deliveryId: string) => Normalised,
): Normalised {
  const parsed = schema.safeParse(delivery.payload)
  if (!parsed.success) return ignored('payload not understood')
  const { installation } = parsed.data
  if (!installation) return ignored('not installed as an App')
  return read({ ...parsed.data, installation }, delivery.id)
}

const named = (word: string): { word?: string } => (word === usualTrigger.word ? {} : { word })

const isBot = ({ sender }: payloads.BasePayload): boolean =>
  sender.type === 'Bot' || sender.login.endsWith('[bot]')

function fromIssueComment(
  payload: Installed<z.infer<typeof payloads.IssueComment>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, comment, issue } = payload
  const app = isBot(payload) ? comment.performed_via_github_app?.id : undefined
  // Other Apps may be let in by the repository's settings, by their number and never by their name.
  if (isBot(payload) && (app === undefined || app === identity.appId || action !== 'created'))
    return ignored('by a bot')
  const thread = issueThread(payload, issue)
  if (action === 'deleted')
    return withdrawn(payload, { thread, deliveryId, what: deletedComment(comment.id, 'thread') })
  if (comment.user?.type === 'Bot')
    return action === 'edited' ? fromTick(payload, thread, deliveryId) : ignored('by a bot')
  const { word } = identity.triggerOf(thread.owner)
  const words = commentWords(payload, comment, word)
  if ('ignored' in words) return words
  return {
    trigger: {
      ...arrived(payload, thread, deliveryId, words.at, app),
      id: words.edit ? `edit-${comment.id}-${words.edit}` : `comment-${comment.id}`,
      kind: 'comment',
      commentRef: { kind: 'thread', commentId: comment.id, ...nodeOf(comment) },
      ...words.text,
      ...named(word),
      snapshot: snapshotOf(issue),
    },
  }
}

/** Somebody ticked a box in a comment of ours; nothing else of such an edit is read. */
function fromTick(
  payload: Installed<z.infer<typeof payloads.IssueComment>>,
  thread: Thread,
  deliveryId: string,
): Normalised {
  const { comment, changes } = payload
  const box = ticked(changes?.body?.from ?? '', comment.body)
  if (!box) return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  return {
    trigger: {
      ...arrived(payload, thread, deliveryId, at),
      id: `tick-${comment.id}-${box}-${at}-${hashOf(comment.body)}`,
      kind: 'tick',
      text: comment.body,
      box,
      snapshot: snapshotOf(payload.issue),
    },
  }
}

type Withdrawn = Extract<Trigger, { kind: 'withdrawal' }>['what']

const deletedComment = (commentId: number, commentRef: 'thread' | 'inline', reviewId: number | null = null) =>
  ({ kind: 'comment', in: commentRef, commentId, reviewId }) as const

interface Withdrawing {
  thread: Thread
  deliveryId: string
  what: Withdrawn
  /** When, as far as GitHub says it. */
  at?: string | null | undefined
}

/** What was asked loses its reason: the comment, the label or the thread itself is gone. */
function withdrawn(
  payload: Installed<payloads.BasePayload>,
  { thread, deliveryId, what, at }: Withdrawing,
): Normalised {
  if (isBot(payload)) return ignored('by a bot')
  return {
    trigger: {
      ...arrived(payload, thread, deliveryId, timeOf(at)),
      id: `withdrawal-${thread.repoId}-${thread.number}-${nameOf(what)}-${deliveryId}`,
      kind: 'withdrawal',
      what,
    },
  }
}

function nameOf(what: Withdrawn): string {
  switch (what.kind) {
    case 'comment':
      return `${what.in === 'inline' ? 'inline' : 'comment'}-${what.commentId}`
    case 'label':
      return 'label'
    case 'thread':
      return what.by
  }
}

const endings = ['closed', 'deleted', 'transferred', 'locked'] as const

function fromIssue(
  payload: Installed<z.infer<typeof payloads.IssueEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, issue } = payload
  const thread = issueThread(payload, issue)
  const ending = endings.find(known => known === action)
  if (ending) return withdrawn(payload, { thread, deliveryId, ...endedBy(ending, issue) })
  if (action === 'unlabeled')
    return unlabelled(payload, { ours: identity, thread, subject: issue, deliveryId })
  if (action !== 'labeled') return ignored('event not used')
  return labelled(payload, { ours: identity, thread, subject: issue, deliveryId })
}

function fromPull(
  payload: Installed<z.infer<typeof payloads.PullEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, pull_request: pull } = payload
  const thread = pullThread(payload, pull)
  if (action === 'labeled')
    return labelled(payload, { ours: identity, thread, subject: pull, deliveryId, head: headOf(pull) })
  if (action === 'unlabeled')
    return unlabelled(payload, { ours: identity, thread, subject: pull, deliveryId })
  if (action === 'locked') return withdrawn(payload, { thread, deliveryId, ...endedBy('locked', pull) })
  const news = pullNews(action, pull)
  if (!news) return ignored('event not used')
  const ended = news === 'merged' || news === 'closed' ? pull.closed_at : undefined
  const at = timeOf(ended ?? pull.updated_at)
  return {
    trigger: {
      ...arrived(payload, thread, deliveryId, at),
      id: `pull-${thread.repoId}-${pull.number}-${news}-${momentOf(news, pull, { at, deliveryId })}`,
      kind: 'pull-news',
      head: headOf(pull),
      news,
    },
  }
}

/** What is pushed is told apart by what it is: several pushes may come in a second. */
const momentOf = (
  news: News,
  { head, updated_at }: payloads.PullRequestPayload,
  { at, deliveryId }: { at: number; deliveryId: string },
): string => (news === 'pushed' ? head.sha : updated_at === undefined ? deliveryId : String(at))

function endedBy(
  by: (typeof endings)[number],
  { closed_at, updated_at }: payloads.IssuePayload | payloads.PullRequestPayload,
): Pick<Withdrawing, 'what' | 'at'> {
  const at = by === 'closed' ? (closed_at ?? updated_at) : by === 'locked' ? updated_at : undefined
  return { what: { kind: 'thread', by }, at }
}

type News = Extract<Trigger, { kind: 'pull-news' }>['news']

function pullNews(action: string, pull: payloads.PullRequestPayload): News | undefined {
  switch (action) {
    case 'opened':
    case 'reopened':
    case 'ready_for_review':
    case 'converted_to_draft':
      return action
    case 'synchronize':
      return 'pushed'
    case 'closed':
      return pull.merged ? 'merged' : 'closed'
    default:
      return undefined
  }
}

interface Labelled {
  ours: AppIdentity
  thread: Thread
  subject: payloads.IssuePayload | payloads.PullRequestPayload
  deliveryId: string
  head?: PullHead
}

/** The label that a name is, or is a variant of: `codex` for `codex:plan`. */
const baseOf = (
  name: string,
  { ours: identity, thread }: Pick<Labelled, 'ours' | 'thread'>,
): string | undefined =>
  identity.triggerOf(thread.owner).labels.find(label => name === label || name.startsWith(`${label}:`))

/** A label has no id of its own: the thread, its name and the time of the event stand for it. */
function labelled(
  payload: Installed<z.infer<typeof payloads.IssueEvent>> | Installed<z.infer<typeof payloads.PullEvent>>,
  given: Labelled,
): Normalised {
  const name = payload.label?.name ?? ''
  const base = baseOf(name, given)
  if (base === undefined) return ignored('other label')
  if (isBot(payload)) return ignored('by a bot')
  const { thread, subject } = given
  const at = Date.parse(subject.updated_at ?? '')
  const event = Number.isNaN(at) ? given.deliveryId : String(at)
  return {
    trigger: {
      ...arrived(payload, thread, given.deliveryId, Number.isNaN(at) ? Date.now() : at),
      id: `label-${thread.repoId}-${thread.number}-${name.replace(/[^\w-]/g, '_')}-${event}`,
      kind: 'label',
      label: name,
      ...(base === usualTrigger.word ? {} : { base }),
      snapshot: snapshotOf(subject),
      ...(given.head ? { head: given.head } : {}),
    },
  }
}

function unlabelled(
  payload: Installed<payloads.BasePayload> & { label?: { name: string } | null | undefined },
  { ours: identity, thread, subject, deliveryId }: Labelled,
): Normalised {
  const name = payload.label?.name ?? ''
  if (baseOf(name, { ours: identity, thread }) === undefined) return ignored('other label')
  const what = { kind: 'label', label: name } as const
  return withdrawn(payload, { thread, deliveryId, what, at: subject.updated_at })
}

function fromReview(
  payload: Installed<z.infer<typeof payloads.ReviewEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, review, pull_request: pull } = payload
  if (action !== 'submitted' && action !== 'edited') return ignored('event not used')
  if (isBot(payload)) return ignored('by a bot')
  const { word } = identity.triggerOf(payload.repository.owner.login)
  const words = reviewWords(payload, word)
  if ('ignored' in words) return words
  return {
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

/**
 * GitHub sends a submitted review once as a review and once more for each of its inline comments. The
 * review speaks for all of them; an inline comment speaks for itself only when it is a reply.
 */
function fromInline(
  payload: Installed<z.infer<typeof payloads.ReviewCommentEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, comment, pull_request: pull } = payload
  if (isBot(payload)) return ignored('by a bot')
  const reviewId = comment.pull_request_review_id ?? null
  const thread = pullThread(payload, pull)
  if (action === 'deleted')
    return withdrawn(payload, { thread, deliveryId, what: deletedComment(comment.id, 'inline', reviewId) })
  const { word } = identity.triggerOf(thread.owner)
  const words = commentWords(payload, comment, word)
  if ('ignored' in words) return words
  if (!words.edit && reviewId !== null && !comment.in_reply_to_id)
    return ignored('inline comment of a review')
  return {
    trigger: {
      ...arrived(payload, thread, deliveryId, words.at),
      id: words.edit ? `inline-edit-${comment.id}-${words.edit}` : `inline-${comment.id}`,
      kind: 'comment',
      commentRef: {
        kind: 'inline',
        commentId: comment.id,
        ...nodeOf(comment),
        rootId: comment.in_reply_to_id ?? comment.id,
        reviewId,
        inline: {
          id: comment.id,
          path: comment.path,
          line: comment.line ?? null,
          hunk: comment.diff_hunk ?? '',
          body: comment.body,
          author: comment.user?.login ?? 'ghost',
        },
      },
      ...words.text,
      ...named(word),
      snapshot: snapshotOf(pull),
      head: headOf(pull),
    },
  }
}

const arrived = (
  payload: Installed<payloads.BasePayload>,
  thread: Thread,
  deliveryId: string,
  at: number,
  app?: number,
) => ({
  deliveryId,
  at,
  thread,
  sender: { login: payload.sender.login, id: payload.sender.id, ...(app === undefined ? {} : { app }) },
})

const repositoryOf = ({ installation, repository }: Installed<payloads.BasePayload>) => ({
  installationId: installation.id,
  owner: repository.owner.login,
  repo: repository.name,
  repoId: repository.id,
  defaultBranch: repository.default_branch ?? 'main',
})

const issueThread = (payload: Installed<payloads.BasePayload>, issue: payloads.IssuePayload): Thread => ({
  ...repositoryOf(payload),
  number: issue.number,
  kind: isPull(issue) ? 'pull' : 'issue',
  url: issue.html_url,
})

/** Labels set on a pull request through the issues API come as an issue with either sign of being one. */
const isPull = (issue: payloads.IssuePayload): boolean =>
  (issue.pull_request !== undefined && issue.pull_request !== null) ||
  issue.html_url.includes(`/pull/${issue.number}`)

const pullThread = (payload: Installed<payloads.BasePayload>, pull: payloads.PullRequestPayload): Thread => ({
  ...repositoryOf(payload),
  number: pull.number,
  kind: 'pull',
  url: pull.html_url,
})

const snapshotOf = (subject: payloads.IssuePayload | payloads.PullRequestPayload): Snapshot => ({
  title: subject.title,
  body: subject.body,
  author: subject.user?.login ?? 'ghost',
  open: subject.state !== 'closed',
})

const headOf = (pull: payloads.PullRequestPayload): PullHead => ({
  ref: pull.head.ref,
  sha: pull.head.sha,
  base: pull.base.ref,
  repoId: pull.head.repo?.id ?? null,
})

const nodeOf = ({ node_id: nodeId }: { node_id?: string | undefined }): { nodeId?: string } =>
  nodeId === undefined ? {} : { nodeId }
