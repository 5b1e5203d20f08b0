/**
 * Makes emulate's objects look like GitHub's, in API answers and in webhooks alike. Objects are recognised by
 * their shape, wherever they sit, and changed in place.
 */

import { isObject, type JsonObject, listAt, numberAt, objectAt, textAt } from './json.ts'
import { type Memory, repositoryOfUrl, threadKey } from './memory.ts'
import type { ReactionBook } from './reactions.ts'
import type { Upstream } from './upstream.ts'

interface AppIdentity {
  id: number
  slug: string
}

interface Parts {
  app: AppIdentity
  url: string
  memory: Memory
  reactions: ReactionBook
  upstream: Upstream
}

type Repair = (object: JsonObject, parts: Parts) => void | Promise<void>

const isUser = (o: JsonObject): boolean => typeof o.login === 'string' && 'type' in o
const isRepository = (o: JsonObject): boolean => 'full_name' in o && 'default_branch' in o
export const isPull = (o: JsonObject): boolean =>
  isObject(o.head) && isObject(o.base) && 'number' in o
const isIssue = (o: JsonObject): boolean =>
  'labels_url' in o && 'comments_url' in o && 'number' in o && !isPull(o)
const isComment = (o: JsonObject): boolean => 'issue_url' in o && 'body' in o && !('number' in o)
const isReviewComment = (o: JsonObject): boolean => 'pull_request_review_id' in o
const isReview = (o: JsonObject): boolean => 'submitted_at' in o && 'commit_id' in o

const repairs: readonly [is: (object: JsonObject) => boolean, repair: Repair][] = [
  [isUser, repairUser],
  [isRepository, repairRepository],
  [isPull, repairPull],
  [isIssue, repairIssue],
  [isComment, repairComment],
  [isReviewComment, repairReviewComment],
  [isReview, repairReview],
]

export class Repairs {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async apply(value: unknown): Promise<void> {
    if (Array.isArray(value)) for (const item of value) await this.apply(item)
    if (!isObject(value)) return
    trimTimes(value)
    for (const [is, repair] of repairs) if (is(value)) await repair(value, this.#parts)
    for (const inner of Object.values(value)) await this.apply(inner)
  }
}

/** GitHub's times have whole seconds, which is what makes two edits in one second look alike. */
export const wholeSeconds = (time: string): string => time.replace(/\.\d{3}Z$/, 'Z')

function trimTimes(object: JsonObject): void {
  for (const [key, value] of Object.entries(object))
    if (key.endsWith('_at') && typeof value === 'string') object[key] = wholeSeconds(value)
}

function repairUser(user: JsonObject, { memory }: Parts): void {
  memory.users.set(textAt(user, 'node_id'), textAt(user, 'login'))
  const bot = /^(.+)\[bot\]$/.exec(textAt(user, 'login'))
  if (!bot) return
  user.type = 'Bot'
  user.html_url = textAt(user, 'html_url').replace(/[^/]+$/, `apps/${bot[1]}`)
}

function repairRepository(repository: JsonObject, { memory }: Parts): void {
  const fullName = textAt(repository, 'full_name')
  const id = numberAt(repository, 'id')
  // What is said of a repository that is gone, or of one under its former name, is no news of it.
  if (memory.movedTo(fullName) === undefined && !memory.deleted.has(id))
    memory.know({
      fullName,
      id,
      private: repository.private === true,
      archived: repository.archived === true,
    })
  memory.subjects.set(textAt(repository, 'node_id'), { kind: 'repository', repository: fullName })
}

/** An author with `[bot]` in the name wrote through an App; a comment by an App's bot has no association. */
function repairAuthorship(object: JsonObject, { app }: Parts): void {
  const slug = /^(.+)\[bot\]$/.exec(textAt(object, 'user', 'login'))?.[1]
  if (!slug) return
  object.author_association = 'NONE'
  if (!('performed_via_github_app' in object)) return
  object.performed_via_github_app = {
    id: slug === app.slug ? app.id : app.id + 1,
    slug,
    name: slug,
  }
}

async function repairPull(pull: JsonObject, parts: Parts): Promise<void> {
  const { memory } = parts
  const repository = repositoryOfUrl(textAt(pull, 'url'))
  const number = numberAt(pull, 'number')
  const known = memory.pulls.get(threadKey(repository, number)) ?? {
    id: numberAt(pull, 'id'),
    nodeId: textAt(pull, 'node_id'),
    headRepository: textAt(pull, 'head', 'repo', 'full_name'),
    headRef: textAt(pull, 'head', 'ref'),
    headSha: textAt(pull, 'head', 'sha'),
  }
  memory.pulls.set(threadKey(repository, number), known)
  memory.subjects.set(known.nodeId, { kind: 'pull', repository, number })
  if (pull.state === 'open') known.headSha = (await headOf(parts, known)) ?? known.headSha
  objectAt(pull, 'head').sha = known.headSha
  if (known.mergeCommitSha) pull.merge_commit_sha = known.mergeCommitSha
  if (known.locked !== undefined) pull.locked = known.locked
  if (known.assignees)
    Object.assign(pull, { assignees: known.assignees, assignee: known.assignees[0] })
  repairAuthorship(pull, parts)
}

/** emulate keeps the head a pull request was opened with, whatever is pushed later. */
async function headOf({ upstream }: Parts, pull: { headRepository: string; headRef: string }) {
  const branch = await upstream.read(`/repos/${pull.headRepository}/branches/${pull.headRef}`)
  return branch && textAt(branch, 'commit', 'sha')
}

async function repairIssue(issue: JsonObject, parts: Parts): Promise<void> {
  const { memory, reactions } = parts
  const repository = repositoryOfUrl(textAt(issue, 'url'))
  const number = numberAt(issue, 'number')
  const pull = memory.pulls.get(threadKey(repository, number))
  if (pull) {
    issue.id = 5_000_000 + pull.id
    issue.node_id = pull.nodeId
    issue.html_url = `${parts.url}/${repository}/pull/${number}`
    issue.pull_request = pullLinks(parts.url, repository, number, issue.pull_request)
    issue.draft ??= false
    if (pull.locked !== undefined) issue.locked = pull.locked
  } else memory.subjects.set(textAt(issue, 'node_id'), { kind: 'issue', repository, number })
  const blocking = memory.blockers.get(threadKey(repository, number))
  if (blocking) {
    const all = await Promise.all(
      blocking.map(other => parts.upstream.read(`/repos/${repository}/issues/${other}`)),
    )
    const open = all.filter(other => other?.state === 'open').length
    issue.issue_dependencies_summary = {
      blocked_by: open,
      total_blocked_by: blocking.length,
      blocking: 0,
      total_blocking: 0,
    }
  }
  issue.reactions = reactions.summary(textAt(issue, 'node_id'), textAt(issue, 'url'))
  repairAuthorship(issue, parts)
}

function pullLinks(url: string, repository: string, number: number, given: unknown): JsonObject {
  const html = `${url}/${repository}/pull/${number}`
  return {
    url: `${url}/repos/${repository}/pulls/${number}`,
    html_url: html,
    merged_at: null,
    ...objectAt(given),
  }
}

/** The last part of a thread's address. */
const numberOfUrl = (url: unknown): number => Number(/\d+$/.exec(String(url))?.[0])

function repairComment(comment: JsonObject, parts: Parts): void {
  const { memory, reactions, url } = parts
  const nodeId = textAt(comment, 'node_id')
  const repository = repositoryOfUrl(textAt(comment, 'url'))
  const number = numberOfUrl(comment.issue_url)
  memory.subjects.set(nodeId, { kind: 'comment', repository, number, id: numberAt(comment, 'id') })
  if (memory.pulls.has(threadKey(repository, number)))
    comment.html_url = `${url}/${repository}/pull/${number}#issuecomment-${comment.id}`
  if (!memory.edited.has(nodeId)) comment.updated_at = comment.created_at
  comment.reactions = reactions.summary(nodeId, textAt(comment, 'url'))
  repairAuthorship(comment, parts)
}

function repairReviewComment(comment: JsonObject, parts: Parts): void {
  const { memory, reactions } = parts
  const nodeId = textAt(comment, 'node_id')
  const id = numberAt(comment, 'id')
  const repository = repositoryOfUrl(textAt(comment, 'url'))
  memory.subjects.set(nodeId, {
    kind: 'review-comment',
    repository,
    number: numberOfUrl(comment.pull_request_url),
    id,
  })
  const at = memory.reviewLines.get(id)
  if (at) Object.assign(comment, at)
  comment.original_line ??= comment.line
  comment.diff_hunk ||=
    memory.hunks.get(textAt(comment, 'path')) ??
    `@@ -${comment.line ?? 1},1 +${comment.line ?? 1},1 @@`
  if (comment.in_reply_to_id === null) delete comment.in_reply_to_id
  if (!memory.edited.has(nodeId)) comment.updated_at = comment.created_at
  comment.reactions = reactions.summary(nodeId, textAt(comment, 'url'))
  repairAuthorship(comment, parts)
}

function repairReview(review: JsonObject, parts: Parts): void {
  const repository = repositoryOfUrl(textAt(review, 'pull_request_url'))
  const number = numberOfUrl(review.pull_request_url)
  const subject = { kind: 'review', repository, number, id: numberAt(review, 'id') } as const
  parts.memory.subjects.set(textAt(review, 'node_id'), subject)
  repairAuthorship(review, parts)
}

/** The issue that every pull request also is: emulate's issue routes do not know it. */
export function pullAsIssue(pull: JsonObject, url: string, comments: number): JsonObject {
  const repository = repositoryOfUrl(textAt(pull, 'url'))
  const api = `${url}/repos/${repository}/issues/${pull.number}`
  const taken = [
    'number',
    'title',
    'body',
    'user',
    'state',
    'labels',
    'assignee',
    'assignees',
    'milestone',
    'draft',
  ]
  const times = ['created_at', 'updated_at', 'closed_at', 'author_association', 'locked']
  return {
    url: api,
    labels_url: `${api}/labels{/name}`,
    comments_url: `${api}/comments`,
    ...Object.fromEntries([...taken, ...times].map(key => [key, pull[key]])),
    node_id: pull.node_id,
    comments,
    performed_via_github_app: null,
    pull_request: { merged_at: pull.merged_at ?? null },
  }
}

export const labelNames = (thread: JsonObject): string[] =>
  listAt(thread, 'labels').map(label => textAt(label, 'name'))
