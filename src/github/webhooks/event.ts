/** What webhooks have in common: where they happened, who sent them, and how each becomes a trigger. */
import type { z } from 'zod'
import {
  hashOf,
  type PullHead,
  type Repository,
  type Snapshot,
  type Thread,
} from '../../core/model/thread.ts'
import type { Ignored, Trigger, WithdrawalTrigger } from '../../core/model/trigger.ts'
import { callsOf, type TriggerWords } from '../../core/settings/deployment-settings.ts'
import type * as payloads from './payloads.ts'

export interface Delivery {
  id: string
  event: string
  payload: unknown
}

export interface IgnoredEvent {
  kind: 'ignored'
  why: Ignored
}

export type Received = IgnoredEvent | { kind: 'added' | 'known'; id: string }

export type Receive = (delivery: Delivery) => Promise<Received>

/** `also`: what else happened with it. */
export type Normalised =
  | { kind: 'trigger'; trigger: Trigger; also?: readonly Trigger[] }
  | IgnoredEvent

export const ignored = (why: Ignored): IgnoredEvent => ({ kind: 'ignored', why })

export const notUsed = ignored('event not used')

export function withNews(said: Normalised, all: readonly (Trigger | undefined)[]): Normalised {
  const news = all.flatMap(each => each ?? [])
  if (said.kind === 'trigger') return { ...said, also: news }
  const [trigger, ...also] = news
  return trigger ? { kind: 'trigger', trigger, also } : said
}

export type TriggerOf = (ownerId: number) => TriggerWords

type Installed<P> = P & { installation: { id: number } }

/** What a webhook says, and how it came. */
export interface AppEvent<P> {
  payload: Installed<P>
  deliveryId: string
  triggerOf: TriggerOf
}

export type Subject = payloads.IssuePayload | payloads.PullRequestPayload

export interface ThreadEvent<P> extends AppEvent<P> {
  thread: Thread
  /** Its issue or pull request, as it is now. */
  subject: Subject
  head?: PullHead
}

export type EventOf<Schema extends z.ZodType> = AppEvent<z.infer<Schema>>

export const isBot = ({ sender }: payloads.BasePayload): boolean =>
  sender.type === 'Bot' || sender.login.endsWith('[bot]')

export const happening = (
  {
    payload,
    deliveryId,
    thread,
  }: Pick<ThreadEvent<payloads.BasePayload>, 'payload' | 'deliveryId' | 'thread'>,
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

export const repositoryIn = ({
  installation,
  repository,
}: Installed<payloads.BasePayload>): Repository => repositoryOf(installation.id, repository)

export function ofIssue<P extends payloads.BasePayload & { issue: payloads.IssuePayload }>(
  event: AppEvent<P>,
): ThreadEvent<P> {
  const { issue } = event.payload
  const { number, pull_request: pull, html_url: url } = issue
  // Pull requests labelled through the issues API come as issues.
  const isPull = (pull !== undefined && pull !== null) || url.endsWith(`/pull/${number}`)
  const thread: Thread = {
    ...repositoryIn(event.payload),
    number,
    kind: isPull ? 'pull' : 'issue',
    url,
  }
  return { ...event, thread, subject: issue }
}

export function ofPull<
  P extends payloads.BasePayload & { pull_request: payloads.PullRequestPayload },
>(event: AppEvent<P>): ThreadEvent<P> {
  const { pull_request: pull } = event.payload
  const { number, html_url: url } = pull
  const thread: Thread = { ...repositoryIn(event.payload), number, kind: 'pull', url }
  return { ...event, thread, subject: pull, head: headOf(pull) }
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

export function withdrawal(
  event: ThreadEvent<payloads.BasePayload>,
  what: WithdrawalTrigger['what'],
  at?: string | null,
): Normalised {
  const { payload, thread, deliveryId } = event
  // Ours takes labels off and deletes comments, but never ends a thread.
  if (isBot(payload) && what.kind !== 'thread') return ignored('by a bot')
  return {
    kind: 'trigger',
    trigger: {
      ...happening(event, timeOf(at)),
      id: `withdrawal-${thread.repoId}-${thread.number}-${idOfWithdrawn(what)}-${deliveryId}`,
      kind: 'withdrawal',
      what,
    },
  }
}

function idOfWithdrawn(what: WithdrawalTrigger['what']): string {
  if (what.kind === 'comment')
    return `${what.in === 'inline' ? 'inline' : 'comment'}-${what.commentId}`
  return what.kind === 'label' ? 'label' : what.by
}

export const endings = ['closed', 'deleted', 'transferred', 'locked'] as const

export function threadEnd(
  event: ThreadEvent<payloads.BasePayload>,
  by: (typeof endings)[number],
): Normalised {
  const { closed_at, updated_at } = event.subject
  const at = {
    closed: closed_at ?? updated_at,
    locked: updated_at,
    deleted: null,
    transferred: null,
  }
  return withdrawal(event, { kind: 'thread', by }, at[by])
}

/** ms since the epoch; now, if it can't be parsed */
export const timeOf = (text: string | null | undefined): number =>
  Date.parse(text ?? '') || Date.now()

/** GitHub calls these people insiders beside each text, without a call. It grants nothing. */
const insiders: ReadonlySet<string | undefined> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
export const isInsider = (association: string | undefined): boolean => insiders.has(association)

export const callsIn = ({ triggerOf, thread }: ThreadEvent<payloads.BasePayload>): string =>
  callsOf(triggerOf(thread.ownerId))
