import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { mayBeMisplaced, mayHoldCommand } from '../../core/command/find.ts'
import type { PullHead, Snapshot, Thread } from '../../core/model/thread.ts'
import type { CommentRef, Ignored, Trigger } from '../../core/model/trigger.ts'
import { type TriggerWords, usualTrigger } from '../../core/settings/deployment-settings.ts'
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

/** `also`: what else happened with it. */
export type Normalised = { kind: 'trigger'; trigger: Trigger; also?: readonly Trigger[] } | Passed

export const ignored = (why: Ignored): Passed => ({ kind: 'ignored', why })

export function withNews(said: Normalised, all: readonly (Trigger | undefined)[]): Normalised {
  const news = all.flatMap(each => each ?? [])
  if (said.kind === 'trigger') return { ...said, also: news }
  const [trigger, ...also] = news
  return trigger ? { kind: 'trigger', trigger, also } : said
}

export interface AppIdentity {
  triggerOf(owner: string): TriggerWords
  appId: number
}

export type Installed<P> = P & { installation: { id: number } }

export const isBot = ({ sender }: payloads.BasePayload): boolean =>
  sender.type === 'Bot' || sender.login.endsWith('[bot]')

export const arrived = (
  payload: Installed<payloads.BasePayload>,
  thread: Thread,
  deliveryId: string,
  at: number,
  app?: number,
) => ({
  deliveryId,
  at,
  thread,
  sender: { login: payload.sender.login, id: payload.sender.id, app },
})

export const repositoryOf = ({ installation, repository }: Installed<payloads.BasePayload>) => ({
  installationId: installation.id,
  owner: repository.owner.login,
  ownerId: repository.owner.id,
  repo: repository.name,
  repoId: repository.id,
  defaultBranch: repository.default_branch ?? 'main',
})

export const issueThread = (
  payload: Installed<payloads.BasePayload>,
  issue: payloads.IssuePayload,
): Thread => {
  const { number, pull_request: pull, html_url: url } = issue
  // Pull requests labelled through the issues API come as issues.
  const isPull = (pull !== undefined && pull !== null) || url.endsWith(`/pull/${number}`)
  return { ...repositoryOf(payload), number, kind: isPull ? 'pull' : 'issue', url }
}

export const pullThread = (
  payload: Installed<payloads.BasePayload>,
  pull: payloads.PullRequestPayload,
): Thread => ({
  ...repositoryOf(payload),
  number: pull.number,
  kind: 'pull',
  url: pull.html_url,
})

export const snapshotOf = (subject: payloads.IssuePayload | payloads.PullRequestPayload): Snapshot => ({
  title: subject.title,
  body: subject.body,
  author: subject.user?.login ?? 'ghost',
  open: subject.state !== 'closed',
  blockers: subject.issue_dependencies_summary?.blocked_by,
})

export const headOf = (pull: payloads.PullRequestPayload): PullHead => ({
  ref: pull.head.ref,
  sha: pull.head.sha,
  base: pull.base.ref,
  repoId: pull.head.repo?.id ?? null,
})

/** Ignores, by their bytes, most webhooks that hold no command, with the same result as parsing. */

/** Events in which only new text counts. */
const spoken = new Set(['issue_comment', 'pull_request_review_comment'])
const created = Buffer.from('{"action":"created",')
/** Only Apps' webhooks have it; in a text its quotes would be escaped. */
const ofApp = '"installation":{"id":'

/** JSON can escape these characters. */
const spelled = String.raw`\\u00(?:2[df]|3\d|[46][1-9a-f]|[57][0-9a])`

/** @param words all command words; the same array until they change */
export function silenceJudge(words: () => readonly string[]): (event: string, body: Buffer) => boolean {
  let known: readonly string[] = []
  let mayBeCommand = /(?:)/
  return (event, body) => {
    if (!spoken.has(event) || !startsWith(body, created)) return false
    const now = words()
    if (now !== known) {
      known = now
      mayBeCommand = new RegExp(`/(?:${now.join('|')})|${spelled}`, 'i')
    }
    const text = body.toString('latin1')
    return text.lastIndexOf(ofApp) > 0 && !mayBeCommand.test(text)
  }
}

const startsWith = (body: Buffer, beginning: Buffer): boolean =>
  body.length > beginning.length && beginning.compare(body, 0, beginning.length) === 0

interface Labelled {
  identity: AppIdentity
  thread: Thread
  subject: payloads.IssuePayload | payloads.PullRequestPayload
  deliveryId: string
  head?: PullHead
}

/** GitHub knows a label by its name in any case. */
function labelBase(
  name: string,
  { identity, thread }: Pick<Labelled, 'identity' | 'thread'>,
): string | undefined {
  const given = name.toLowerCase()
  return identity
    .triggerOf(thread.owner)
    .labels.find(label => given === label.toLowerCase() || given.startsWith(`${label.toLowerCase()}:`))
}

/** A label event has no id: thread, name and time stand for it. */
export function labelled(
  payload: Installed<z.infer<typeof payloads.IssueEvent>> | Installed<z.infer<typeof payloads.PullEvent>>,
  given: Labelled,
): Normalised {
  const name = payload.label?.name ?? ''
  const base = labelBase(name, given)
  if (base === undefined) return ignored('other label')
  if (isBot(payload)) return ignored('by a bot')
  const { thread, subject, identity } = given
  const { word } = identity.triggerOf(thread.owner)
  const at = Date.parse(subject.updated_at ?? '')
  const event = Number.isNaN(at) ? given.deliveryId : String(at)
  const isNew = at - Date.parse(subject.created_at ?? '') <= atOnce
  const isByAuthor = subject.user?.id === payload.sender.id
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, given.deliveryId, Number.isNaN(at) ? Date.now() : at),
      id: `label-${thread.repoId}-${thread.number}-${name.replace(/[^\w-]/g, '_')}-${event}`,
      kind: 'label',
      label: name,
      base: base === usualTrigger.word ? undefined : base,
      withText: (isByAuthor && isNew && mayHoldCommand(subject.body, word)) || undefined,
      snapshot: snapshotOf(subject),
      head: given.head,
    },
  }
}

/** ms. GitHub tells of a label of a new issue in an event of its own. */
const atOnce = 10_000

export function unlabelled(
  payload: Installed<payloads.BasePayload> & { label?: { name: string } | null | undefined },
  { identity, thread, subject, deliveryId }: Labelled,
): Normalised {
  const name = payload.label?.name ?? ''
  if (labelBase(name, { identity, thread }) === undefined) return ignored('other label')
  const what = { kind: 'label', label: name } as const
  return withdrawn(payload, { thread, deliveryId, what, at: subject.updated_at })
}

type Withdrawn = Extract<Trigger, { kind: 'withdrawal' }>['what']

export const deletedComment = (
  commentId: number,
  where: 'thread' | 'inline',
  reviewId: number | null = null,
) => ({ kind: 'comment', in: where, commentId, reviewId }) as const

export interface Withdrawing {
  thread: Thread
  deliveryId: string
  what: Withdrawn
  at?: string | null
}

export function withdrawn(
  payload: Installed<payloads.BasePayload>,
  { thread, deliveryId, what, at }: Withdrawing,
): Normalised {
  // Ours takes labels off and deletes comments, but never ends a thread.
  if (isBot(payload) && what.kind !== 'thread') return ignored('by a bot')
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, deliveryId, timeOf(at)),
      id: `withdrawal-${thread.repoId}-${thread.number}-${withdrawnName(what)}-${deliveryId}`,
      kind: 'withdrawal',
      what,
    },
  }
}

function withdrawnName(what: Withdrawn): string {
  switch (what.kind) {
    case 'comment':
      return `${what.in === 'inline' ? 'inline' : 'comment'}-${what.commentId}`
    case 'label':
      return 'label'
    case 'thread':
      return what.by
  }
}

export const endings = ['closed', 'deleted', 'transferred', 'locked'] as const

export function endedBy(
  by: (typeof endings)[number],
  { closed_at, updated_at }: payloads.IssuePayload | payloads.PullRequestPayload,
): Pick<Withdrawing, 'what' | 'at'> {
  const at = by === 'closed' ? (closed_at ?? updated_at) : by === 'locked' ? updated_at : undefined
  return { what: { kind: 'thread', by }, at }
}

/** ms since the epoch; now, if it can't be parsed */
export const timeOf = (text: string | null | undefined): number => Date.parse(text ?? '') || Date.now()

interface Said {
  thread: Thread
  deliveryId: string
  words: Words
  word: string
  /** What its id begins with, and that of an edit of it. */
  names: readonly [made: string, edited: string]
  commentRef: CommentRef
  subject: payloads.IssuePayload | payloads.PullRequestPayload
  head?: PullHead
  app?: number
}

export function said(
  payload: Installed<payloads.BasePayload>,
  { thread, deliveryId, words, word, names: [made, edited], commentRef, subject, head, app }: Said,
): Normalised {
  const id = commentKey(commentRef, thread)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, deliveryId, words.at, app),
      id: words.edit ? `${edited}-${id}-${words.edit}` : `${made}-${id}`,
      kind: 'comment',
      commentRef,
      ...words.text,
      word: word === usualTrigger.word ? undefined : word,
      snapshot: snapshotOf(subject),
      head,
    },
  }
}

function commentKey(commentRef: CommentRef, { repoId, number }: Thread): string | number {
  switch (commentRef.kind) {
    case 'subject':
      return `${repoId}-${number}`
    case 'review':
      return commentRef.reviewId
    case 'thread':
    case 'inline':
      return commentRef.commentId
  }
}

/** What stands in the text of a new issue or pull request, and what its author adds there soon after. */
export function inText(
  payload: Installed<payloads.BasePayload> & Pick<Writing, 'changes'>,
  { thread, deliveryId, subject, identity, head }: Labelled,
): Normalised {
  const app = isBot(payload) ? subject.performed_via_github_app?.id : undefined
  if (isBot(payload) && (app === undefined || app === identity.appId || payload.action !== 'opened'))
    return ignored('by a bot')
  const { word } = identity.triggerOf(thread.owner)
  const action = payload.action === 'opened' ? 'created' : payload.action
  const words = commentWords({ ...payload, action }, subject, word)
  if (words.kind === 'ignored') return words
  return said(payload, {
    ...{ thread, deliveryId, words, word, subject, head, app },
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

interface Written {
  body: string
  user?: { id: number } | null | undefined
  created_at?: string | undefined
  updated_at?: string | undefined
  author_association?: string
}

/** As GitHub says beside each text, without a call. It grants nothing. Apps have no association. */
const insiders: ReadonlySet<string | undefined> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
export const isInsider = (association: string | undefined): boolean => insiders.has(association)

interface Writing extends payloads.BasePayload {
  changes?: { body?: { from?: string | null | undefined } | undefined } | null
}

export function commentWords(payload: Writing, comment: Written, word: string): Words | Passed {
  const { action } = payload
  if (action !== 'created' && action !== 'edited') return ignored('event not used')
  const text = comment.body
  const isHinted = action === 'created' && isInsider(comment.author_association) && mayBeMisplaced(text, word)
  if (!isHinted && !mayHoldCommand(text, word)) return ignored('no command')
  const created = timeOf(comment.created_at)
  if (action === 'created')
    return { kind: 'words', at: created, text: { text, misplaced: isHinted || undefined } }
  const before = payload.changes?.body?.from
  if (typeof before !== 'string') return ignored('no new command')
  // Edits by others are no request of the author.
  if (comment.user?.id !== payload.sender.id) return ignored('edited by somebody else')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  if (at - created > editWindow) return ignored('edited too late')
  return { kind: 'words', at, edit: `${at}-${hashOf(before, comment.body)}`, text: { text, before } }
}

export const hashOf = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('base64url').slice(0, 10)
