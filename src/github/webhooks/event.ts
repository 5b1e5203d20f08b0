/** What webhooks have in common: where they happened, who sent them, and the words that may be a command. */
import type { z } from 'zod'
import { mayBeMisplaced, mayHoldCommand } from '../../core/command/find.ts'
import {
  hashOf,
  type PullHead,
  type Repository,
  type Snapshot,
  type Thread,
} from '../../core/model/thread.ts'
import type { CommentRef, Ignored, Trigger } from '../../core/model/trigger.ts'
import {
  callsOf,
  type TriggerWords,
  usualTrigger,
} from '../../core/settings/deployment-settings.ts'
import type * as payloads from './payloads.ts'

export interface Delivery {
  id: string
  event: string
  payload: unknown
}

export interface Passed {
  kind: 'ignored'
  why: Ignored
}

export type Received = Passed | { kind: 'added' | 'known'; id: string }

export type Receive = (delivery: Delivery) => Promise<Received>

/** `also`: what else happened with it. */
export type Normalised = { kind: 'trigger'; trigger: Trigger; also?: readonly Trigger[] } | Passed

export const ignored = (why: Ignored): Passed => ({ kind: 'ignored', why })

export function withNews(said: Normalised, all: readonly (Trigger | undefined)[]): Normalised {
  const news = all.flatMap(each => each ?? [])
  if (said.kind === 'trigger') return { ...said, also: news }
  const [trigger, ...also] = news
  return trigger ? { kind: 'trigger', trigger, also } : said
}

export type TriggerOf = (ownerId: number) => TriggerWords

type Installed<P> = P & { installation: { id: number } }

/** What a webhook says, and how it came. */
export interface Arrival<P> {
  payload: Installed<P>
  deliveryId: string
  triggerOf: TriggerOf
}

type Subject = payloads.IssuePayload | payloads.PullRequestPayload

export interface InThread<P> extends Arrival<P> {
  thread: Thread
  /** Its issue or pull request, as it is now. */
  subject: Subject
  head?: PullHead
}

export const isBot = ({ sender }: payloads.BasePayload): boolean =>
  sender.type === 'Bot' || sender.login.endsWith('[bot]')

export const arrived = (
  {
    payload,
    deliveryId,
    thread,
  }: Pick<InThread<payloads.BasePayload>, 'payload' | 'deliveryId' | 'thread'>,
  at: number,
) => ({
  deliveryId,
  at,
  thread,
  sender: { login: payload.sender.login, id: payload.sender.id },
})

export const repositoryOf = (
  installationId: number,
  { id, name, owner, default_branch }: payloads.BasePayload['repository'],
): Repository => ({
  installationId,
  owner: owner.login,
  ownerId: owner.id,
  repo: name,
  repoId: id,
  defaultBranch: default_branch,
})

const repositoryIn = ({ installation, repository }: Installed<payloads.BasePayload>): Repository =>
  repositoryOf(installation.id, repository)

export function ofIssue<P extends payloads.BasePayload & { issue: payloads.IssuePayload }>(
  arrival: Arrival<P>,
): InThread<P> {
  const { issue } = arrival.payload
  const { number, pull_request: pull, html_url: url } = issue
  // Pull requests labelled through the issues API come as issues.
  const isPull = (pull !== undefined && pull !== null) || url.endsWith(`/pull/${number}`)
  const thread: Thread = {
    ...repositoryIn(arrival.payload),
    number,
    kind: isPull ? 'pull' : 'issue',
    url,
  }
  return { ...arrival, thread, subject: issue }
}

export function ofPull<
  P extends payloads.BasePayload & { pull_request: payloads.PullRequestPayload },
>(arrival: Arrival<P>): InThread<P> {
  const { pull_request: pull } = arrival.payload
  const { number, html_url: url } = pull
  const thread: Thread = { ...repositoryIn(arrival.payload), number, kind: 'pull', url }
  return { ...arrival, thread, subject: pull, head: headOf(pull) }
}

export const snapshotOf = (
  subject: Pick<Subject, 'title' | 'body' | 'user' | 'state' | 'issue_dependencies_summary'>,
): Snapshot => ({
  title: subject.title,
  body: subject.body,
  author: subject.user?.login ?? 'ghost',
  open: subject.state !== 'closed',
  blockers: subject.issue_dependencies_summary?.blocked_by,
  fingerprint: hashOf(16, subject.title, subject.body),
})

export const headOf = (pull: payloads.PullRequestPayload): PullHead => ({
  ref: pull.head.ref,
  sha: pull.head.sha,
  base: pull.base.ref,
  repoId: pull.head.repo?.id ?? null,
})

type Labelling = payloads.BasePayload & { label?: { name: string } | null | undefined }

/** GitHub knows a label by its name in any case. */
function labelBase(name: string, { triggerOf, thread }: InThread<Labelling>): string | undefined {
  const given = name.toLowerCase()
  return triggerOf(thread.ownerId).labels.find(
    label => given === label.toLowerCase() || given.startsWith(`${label.toLowerCase()}:`),
  )
}

/** A label event has no id: thread, name and time stand for it. */
export function labelled(here: InThread<Labelling>): Normalised {
  const { payload, thread, subject, deliveryId } = here
  const name = payload.label?.name ?? ''
  const base = labelBase(name, here)
  if (base === undefined) return ignored('other label')
  if (isBot(payload)) return ignored('by a bot')
  const at = Date.parse(subject.updated_at ?? '')
  const event = Number.isNaN(at) ? deliveryId : String(at)
  const isNew = at - Date.parse(subject.created_at ?? '') <= atOnce
  const isByAuthor = subject.user?.id === payload.sender.id
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(here, Number.isNaN(at) ? Date.now() : at),
      id: `label-${thread.repoId}-${thread.number}-${name.replace(/[^\w-]/g, '_')}-${event}`,
      kind: 'label',
      label: name,
      base: base === usualTrigger.word ? undefined : base,
      withText: (isByAuthor && isNew && mayHoldCommand(subject.body, callsIn(here))) || undefined,
      snapshot: snapshotOf(subject),
      head: here.head,
    },
  }
}

/** ms. GitHub tells of a label of a new issue in an event of its own. */
const atOnce = 10_000

export function unlabelled(here: InThread<Labelling>): Normalised {
  const name = here.payload.label?.name ?? ''
  if (labelBase(name, here) === undefined) return ignored('other label')
  return withdrawn(here, { kind: 'label', label: name }, here.subject.updated_at)
}

type Withdrawn = Extract<Trigger, { kind: 'withdrawal' }>['what']

export function withdrawn(
  here: InThread<payloads.BasePayload>,
  what: Withdrawn,
  at?: string | null,
): Normalised {
  const { payload, thread, deliveryId } = here
  // Ours takes labels off and deletes comments, but never ends a thread.
  if (isBot(payload) && what.kind !== 'thread') return ignored('by a bot')
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(here, timeOf(at)),
      id: `withdrawal-${thread.repoId}-${thread.number}-${withdrawnName(what)}-${deliveryId}`,
      kind: 'withdrawal',
      what,
    },
  }
}

function withdrawnName(what: Withdrawn): string {
  if (what.kind === 'comment')
    return `${what.in === 'inline' ? 'inline' : 'comment'}-${what.commentId}`
  return what.kind === 'label' ? 'label' : what.by
}

export const endings = ['closed', 'deleted', 'transferred', 'locked'] as const

export function ended(
  here: InThread<payloads.BasePayload>,
  by: (typeof endings)[number],
): Normalised {
  const { closed_at, updated_at } = here.subject
  const at = by === 'closed' ? (closed_at ?? updated_at) : by === 'locked' ? updated_at : undefined
  return withdrawn(here, { kind: 'thread', by }, at)
}

/** ms since the epoch; now, if it can't be parsed */
export const timeOf = (text: string | null | undefined): number =>
  Date.parse(text ?? '') || Date.now()

interface Said {
  author: { id: number } | null | undefined
  /** What its id begins with, and that of an edit of it. */
  names: readonly [made: string, edited: string]
  commentRef: CommentRef
}

/**
 * Who sends is who wrote: only then are words, of whatever kind, somebody's command. Whoever transfers an issue, or edits
 * what another wrote, has not asked for what stands there.
 * @param words or why they are none to act on
 */
export function said(
  here: InThread<payloads.BasePayload>,
  words: Words | Passed,
  { author, names: [made, edited], commentRef }: Said,
): Normalised {
  if (isBot(here.payload)) return ignored('by a bot')
  if (words.kind === 'ignored') return words
  if (author?.id !== here.payload.sender.id) return ignored('written by somebody else')
  const id = commentKey(commentRef, here.thread)
  const { word, app } = here.triggerOf(here.thread.ownerId)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(here, words.at),
      id: words.edit ? `${edited}-${id}-${words.edit}` : `${made}-${id}`,
      kind: 'comment',
      commentRef,
      ...words.text,
      word: word === usualTrigger.word ? undefined : word,
      app,
      snapshot: snapshotOf(here.subject),
      head: here.head,
    },
  }
}

const callsIn = ({ triggerOf, thread }: InThread<payloads.BasePayload>): string =>
  callsOf(triggerOf(thread.ownerId))

function commentKey(ref: CommentRef, { repoId, number }: Thread): string | number {
  if (ref.kind === 'subject') return `${repoId}-${number}`
  return ref.kind === 'review' ? ref.reviewId : ref.commentId
}

/** What stands in the text of a new issue or pull request, and what its author adds there soon after. */
export function inText(here: InThread<Writing>): Normalised {
  const { payload, subject } = here
  const isMoved = payload.changes?.old_issue !== undefined
  const action = payload.action === 'opened' ? 'created' : payload.action
  const words = isMoved
    ? ignored('transferred')
    : commentWords({ ...here, payload: { ...payload, action } }, subject)
  const author = subject.user
  return said(here, words, {
    author,
    names: ['text', 'text-edit'],
    commentRef: { kind: 'subject' },
  })
}

/** ms after which edits add no commands. */
const editWindow = 15 * 60_000

export interface Words {
  kind: 'words'
  at: number
  /** Identifies an edit, since GitHub's times have whole seconds. */
  edit?: string
  text: { text: string; before?: string; misplaced?: true }
}

/** GitHub calls these people insiders beside each text, without a call. It grants nothing. */
const insiders: ReadonlySet<string | undefined> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
export const isInsider = (association: string | undefined): boolean => insiders.has(association)

type Writing = payloads.BasePayload & Pick<z.infer<typeof payloads.ReviewEvent>, 'changes'>

export function commentWords(
  here: InThread<Writing>,
  comment: Pick<Subject, 'body' | 'created_at' | 'updated_at' | 'author_association'>,
): Words | Passed {
  const { payload } = here
  const { action } = payload
  if (action !== 'created' && action !== 'edited') return ignored('event not used')
  const text = comment.body
  const calls = callsIn(here)
  const misplaced =
    (action === 'created' &&
      isInsider(comment.author_association) &&
      mayBeMisplaced(text, calls)) ||
    undefined
  if (!misplaced && !mayHoldCommand(text, calls)) return ignored('no command')
  const created = timeOf(comment.created_at)
  if (action === 'created') return { kind: 'words', at: created, text: { text, misplaced } }
  const before = payload.changes?.body?.from
  if (typeof before !== 'string') return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  if (at - created > editWindow) return ignored('edited too late')
  return {
    kind: 'words',
    at,
    edit: `${at}-${hashOf(10, before, comment.body)}`,
    text: { text, before },
  }
}
