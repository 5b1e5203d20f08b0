import type { PullHead, Snapshot, Thread } from '../../core/model/thread.ts'
import type { Ignored, Trigger } from '../../core/model/trigger.ts'
import { type TriggerWords, usualTrigger } from '../../core/settings/trigger-words.ts'
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

export type Normalised = { kind: 'trigger'; trigger: Trigger } | Passed

export const ignored = (why: Ignored): Passed => ({ kind: 'ignored', why })

export interface AppIdentity {
  triggerOf(owner: string): TriggerWords
  appId: number
}

export type Installed<P> = P & { installation: { id: number } }

export const isBot = ({ sender }: payloads.BasePayload): boolean =>
  sender.type === 'Bot' || sender.login.endsWith('[bot]')

export const named = (word: string): { word?: string } => (word === usualTrigger.word ? {} : { word })

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
  sender: { login: payload.sender.login, id: payload.sender.id, ...(app === undefined ? {} : { app }) },
})

const repositoryOf = ({ installation, repository }: Installed<payloads.BasePayload>) => ({
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
): Thread => ({
  ...repositoryOf(payload),
  number: issue.number,
  kind: isPull(issue) ? 'pull' : 'issue',
  url: issue.html_url,
})

/** Pull requests labelled through the issues API come as issues. */
const isPull = (issue: payloads.IssuePayload): boolean =>
  (issue.pull_request !== undefined && issue.pull_request !== null) ||
  issue.html_url.endsWith(`/pull/${issue.number}`)

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
})

export const headOf = (pull: payloads.PullRequestPayload): PullHead => ({
  ref: pull.head.ref,
  sha: pull.head.sha,
  base: pull.base.ref,
  repoId: pull.head.repo?.id ?? null,
})

export const nodeOf = ({ node_id: nodeId }: { node_id?: string | undefined }): { nodeId?: string } =>
  nodeId === undefined ? {} : { nodeId }
