/** What the GraphQL schema is made of: plain objects, whose fields may be functions of their arguments. */

import type { Events } from './events.ts'

import { tipOf } from './git.ts'
import type { ApiRequest } from './http.ts'
import { type JsonObject, listAt, numberAt, textAt } from './json.ts'
import { type KnownRepository, type Memory, type Subject, threadKey } from './memory.ts'
import type { Pages } from './pages.ts'
import { closingNumbers } from './pull-rules.ts'
import { isReaction, type ReactionBook, type ReactionContent } from './reactions.ts'
import type { Actor } from './tokens.ts'
import type { Upstream } from './upstream.ts'

export type Given = Record<string, unknown>
export type Resolved = Source | Resolved[] | string | number | boolean | null
export interface Source {
  [field: string]: Resolved | undefined | ((given: Given, context: Context) => Promise<Resolved> | Resolved)
}

export interface Context {
  request: ApiRequest
  /** Something is not as it was before this request. */
  changed: boolean
  /** `Type.field` */
  denies: readonly string[]
}

export class QueryError extends Error {
  readonly type: string
  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

export interface Parts {
  upstream: Upstream
  memory: Memory
  reactions: ReactionBook
  events: Events
  pages: Pages
  maySee(actor: Actor, repository: KnownRepository): Promise<boolean>
}

export function query(parts: Parts, { actor }: ApiRequest): Source {
  return {
    __typename: 'Query',
    viewer: () => user(parts, actor.login),
    user: ({ login }) => user(parts, String(login)),
    repository: async ({ owner, name }) => {
      const known = parts.memory.repository(`${owner}/${name}`)
      const found =
        known && (await parts.maySee(actor, known)) && (await parts.upstream.read(`/repos/${known.fullName}`))
      if (found) return repository(parts, found)
      throw new QueryError('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`)
    },
    node: ({ id }) => subjectNode(parts, String(id)),
    nodes: ({ ids }) => Promise.all((Array.isArray(ids) ? ids : []).map(id => nodeOr(parts, String(id)))),
  }
}

async function user({ upstream, memory }: Parts, login: string): Promise<Resolved> {
  const found = await upstream.read(`/users/${encodeURIComponent(login)}`)
  if (!found) throw new QueryError('NOT_FOUND', `Could not resolve to a User with the login of '${login}'.`)
  memory.users.set(textAt(found, 'node_id'), textAt(found, 'login'))
  const shown = {
    login: textAt(found, 'login'),
    id: textAt(found, 'node_id'),
    databaseId: numberAt(found, 'id'),
  }
  return { __typename: isBotLogin(login) ? 'Bot' : 'User', ...shown, url: textAt(found, 'html_url') }
}

const isBotLogin = (login: string): boolean => login.endsWith('[bot]')

function repository(parts: Parts, found: JsonObject): Source {
  const fullName = textAt(found, 'full_name')
  const numbered = async (number: unknown, kinds: ('issues' | 'pulls')[]): Promise<Resolved> => {
    for (const kind of kinds) {
      const thread = await parts.upstream.read(`/repos/${fullName}/${kind}/${number}`)
      if (thread) return kind === 'issues' ? issue(parts, fullName, thread) : pull(parts, fullName, thread)
    }
    throw new QueryError('NOT_FOUND', `Could not resolve to an Issue with the number of ${number}.`)
  }
  return {
    __typename: 'Repository',
    id: textAt(found, 'node_id'),
    databaseId: numberAt(found, 'id'),
    name: textAt(found, 'name'),
    nameWithOwner: fullName,
    isPrivate: found.private === true,
    isArchived: found.archived === true,
    isDisabled: found.disabled === true,
    url: textAt(found, 'html_url'),
    object: ({ expression }) => blob(parts, fullName, String(expression)),
    defaultBranchRef: () => ref(parts, fullName, textAt(found, 'default_branch')),
    refs: async ({ refPrefix, query, first }) => {
      const all = await parts.upstream.readAll(`/repos/${fullName}/branches`)
      const names = all
        .map(branch => textAt(branch, 'name'))
        .filter(name => name.includes(String(query ?? '')))
      if (refPrefix !== 'refs/heads/')
        throw new Error(`GitHub emulator: refs below ${refPrefix} are not built`)
      return connection(await Promise.all(names.map(name => ref(parts, fullName, name))), first)
    },
    pullRequests: async ({ headRefName, baseRefName, states, first }) => {
      const all = await parts.upstream.readAll(`/repos/${fullName}/pulls?state=all`)
      const wanted = all
        .filter(one => !headRefName || textAt(one, 'head', 'ref') === headRefName)
        .filter(one => !baseRefName || textAt(one, 'base', 'ref') === baseRefName)
        .map(one => pull(parts, fullName, one))
      return connection(
        wanted.filter(({ state }) => !Array.isArray(states) || states.includes(state)),
        first,
      )
    },
    ref: ({ qualifiedName }) => ref(parts, fullName, String(qualifiedName).replace('refs/heads/', '')),
    issue: ({ number }) => numbered(number, ['issues']),
    pullRequest: ({ number }) => numbered(number, ['pulls']),
    issueOrPullRequest: ({ number }) => numbered(number, ['issues', 'pulls']),
  }
}

/** `HEAD:.github/codex.yml`: a file as it is at a ref; of other expressions the layer knows nothing. */
async function blob({ upstream }: Parts, repository: string, expression: string): Promise<Resolved> {
  const [, at = '', path = ''] = /^([^:]+):(.+)$/.exec(expression) ?? []
  const query = at === 'HEAD' ? '' : `?ref=${encodeURIComponent(at)}`
  const found = await upstream.read(`/repos/${repository}/contents/${path}${query}`)
  if (found?.type !== 'file') return null
  const bytes = Buffer.from(textAt(found, 'content'), 'base64')
  const sha = textAt(found, 'sha')
  const isBinary = bytes.includes(0)
  const text = isBinary ? null : bytes.toString('utf8')
  return { __typename: 'Blob', id: sha, oid: sha, byteSize: bytes.length, isBinary, isTruncated: false, text }
}

async function ref(parts: Parts, fullName: string, branch: string): Promise<Resolved> {
  const { upstream } = parts
  const oid = await tipOf(upstream.asAdmin.bind(upstream), fullName, branch)
  if (!oid) return null
  return {
    __typename: 'Ref',
    id: `REF_${branch}`,
    name: branch,
    prefix: 'refs/heads/',
    target: { __typename: 'Commit', oid, id: oid },
    repository: async () => {
      const found = await upstream.read(`/repos/${fullName}`)
      return found ? repository(parts, found) : null
    },
  }
}

const connection = (all: Resolved[], first: unknown): Source => ({
  totalCount: all.length,
  nodes: all.slice(0, Number(first ?? 100)),
  pageInfo: { hasNextPage: false, endCursor: null },
})

function thread(parts: Parts, found: JsonObject): Source {
  const id = textAt(found, 'node_id')
  return {
    id,
    databaseId: numberAt(found, 'id'),
    number: numberAt(found, 'number'),
    title: textAt(found, 'title'),
    ...written(parts, found),
    url: textAt(found, 'html_url'),
    state: found.merged ? 'MERGED' : textAt(found, 'state').toUpperCase(),
    closed: found.state === 'closed',
    comments: ({ last }) => comments(parts, found, Number(last ?? 100)),
    closedAt: textAt(found, 'closed_at') || null,
    createdAt: textAt(found, 'created_at'),
    updatedAt: textAt(found, 'updated_at'),
    locked: found.locked === true,
    author: actor(found.user),
    labels: ({ first }) =>
      connection(
        listAt(found, 'labels').map(label => ({ name: textAt(label, 'name'), id: textAt(label, 'node_id') })),
        first,
      ),
    assignees: ({ first }) => connection(listAt(found, 'assignees').map(actor), first),
    ...reactable(parts, id),
  }
}

/** The newest of them, oldest first. */
async function comments(parts: Parts, thread: JsonObject, last: number): Promise<Resolved> {
  const path = textAt(thread, 'url')
    .replace(/^.*?(?=\/repos\/)/, '')
    .replace('/pulls/', '/issues/')
  const all = await parts.upstream.readAll(`${path}/comments`)
  const nodes = all.slice(-last).map(comment => ({
    __typename: 'IssueComment',
    id: textAt(comment, 'node_id'),
    fullDatabaseId: String(numberAt(comment, 'id')),
    ...written(parts, comment),
    ...minimization(parts, textAt(comment, 'node_id')),
    createdAt: textAt(comment, 'created_at'),
    ...by(comment),
  }))
  return {
    totalCount: all.length,
    nodes,
    pageInfo: { hasPreviousPage: all.length > last, startCursor: null },
  }
}

const by = (written: JsonObject): Source => ({
  updatedAt: textAt(written, 'updated_at') || textAt(written, 'submitted_at'),
  authorAssociation: textAt(written, 'author_association') || 'NONE',
  author: actor(written.user),
})

/** Whose account is gone is nobody. GraphQL leaves out the `[bot]` that REST puts behind the name of one. */
function actor(found: unknown): Resolved {
  const login = textAt(found, 'login')
  if (!login) return null
  const __typename = isBotLogin(login) ? 'Bot' : 'User'
  return { __typename, login: login.replace(/\[bot\]$/, ''), id: textAt(found, 'node_id') }
}

function issue(parts: Parts, repository: string, found: JsonObject): Source {
  const key = threadKey(repository, numberAt(found, 'number'))
  return {
    __typename: 'Issue',
    ...thread(parts, found),
    linkedBranches: async ({ first }) => {
      const names = parts.memory.linkedBranches.get(key) ?? []
      const refs = await Promise.all(names.map(name => linkedBranch(parts, repository, name)))
      // Deleting a branch takes its link away.
      return connection(
        refs.filter(linked => linked !== null),
        first,
      )
    },
  }
}

export async function linkedBranch(parts: Parts, repository: string, name: string): Promise<Resolved> {
  const [of, branch] = name.includes(':') ? name.split(':') : [repository, name]
  const found = await ref(parts, of ?? '', branch ?? '')
  return found && { __typename: 'LinkedBranch', id: `LB_${repository}:${name}`, ref: found }
}

function pull(parts: Parts, repository: string, found: JsonObject): Source {
  return {
    __typename: 'PullRequest',
    ...thread(parts, found),
    isDraft: found.draft === true,
    merged: found.merged === true,
    mergedAt: textAt(found, 'merged_at') || null,
    mergedBy: actor(found.merged_by),
    baseRefName: textAt(found, 'base', 'ref'),
    headRefName: textAt(found, 'head', 'ref'),
    headRefOid: textAt(found, 'head', 'sha'),
    isCrossRepository: textAt(found, 'head', 'repo', 'full_name') !== repository,
    headRepository: () => headRepository(parts, found),
    reviews: ({ last }) => reviews(parts, found, Number(last ?? 100)),
    reviewThreads: ({ last }) => reviewThreads(parts, found, Number(last ?? 100)),
    closingIssuesReferences: async ({ first }) => {
      const numbers = closingNumbers(textAt(found, 'body'))
      const issues = await Promise.all(
        numbers.map(number => parts.upstream.read(`/repos/${repository}/issues/${number}`)),
      )
      const known = issues.filter(one => one !== undefined)
      return connection(
        known.map(one => issue(parts, repository, one)),
        first,
      )
    },
  }
}

const apiPath = (pull: JsonObject): string => textAt(pull, 'url').replace(/^.*?(?=\/repos\/)/, '')

async function reviews({ upstream }: Parts, pull: JsonObject, last: number): Promise<Resolved> {
  const all = await upstream.readAll(`${apiPath(pull)}/reviews`)
  const nodes = all.map(review => ({
    __typename: 'PullRequestReview',
    id: textAt(review, 'node_id'),
    fullDatabaseId: String(numberAt(review, 'id')),
    body: textAt(review, 'body'),
    state: textAt(review, 'state'),
    submittedAt: textAt(review, 'submitted_at') || null,
    ...by(review),
  }))
  return newest(nodes, last)
}

const newest = (nodes: Resolved[], last: number): Source => ({
  totalCount: nodes.length,
  nodes: nodes.slice(-last),
  pageInfo: { hasPreviousPage: nodes.length > last, startCursor: null },
})

/** A comment and the replies to it. Those of a review that is not submitted are its author's alone. */
async function reviewThreads({ upstream, memory }: Parts, pull: JsonObject, last: number): Promise<Resolved> {
  const all = await upstream.readAll(`${apiPath(pull)}/comments`)
  const roots = all.filter(comment => !numberAt(comment, 'in_reply_to_id'))
  const threads = roots.map(root => {
    const id = numberAt(root, 'id')
    const line = memory.reviewLines.get(id)?.line ?? (numberAt(root, 'line') || null)
    const path = textAt(root, 'path')
    const hunk = memory.hunks.get(path) ?? `@@ -${line ?? 1},1 +${line ?? 1},1 @@`
    const comments = all
      .filter(comment => comment === root || numberAt(comment, 'in_reply_to_id') === id)
      .map(comment => ({
        __typename: 'PullRequestReviewComment',
        id: textAt(comment, 'node_id'),
        fullDatabaseId: String(numberAt(comment, 'id')),
        body: textAt(comment, 'body'),
        diffHunk: textAt(comment, 'diff_hunk') || hunk,
        publishedAt: textAt(comment, 'created_at'),
        createdAt: textAt(comment, 'created_at'),
        ...by(comment),
        ...(memory.edited.has(textAt(comment, 'node_id'))
          ? {}
          : { updatedAt: textAt(comment, 'created_at') }),
      }))
    return {
      __typename: 'PullRequestReviewThread',
      id: `PRRT_${id}`,
      isResolved: memory.resolved.has(id),
      path,
      line,
      originalLine: line,
      comments: (given: Given) => newest(comments, Number(given.last ?? 100)),
    }
  })
  return newest(threads, last)
}

async function headRepository(parts: Parts, found: JsonObject): Promise<Resolved> {
  const name = textAt(found, 'head', 'repo', 'full_name')
  const there = name ? await parts.upstream.read(`/repos/${name}`) : undefined
  return there ? repository(parts, there) : null
}

/** GraphQL's names for contents: `EYES`, `THUMBS_UP`. */
export const graphqlName = (content: string): string =>
  ({ '+1': 'THUMBS_UP', '-1': 'THUMBS_DOWN' })[content] ?? content.toUpperCase()

export function contentOf(name: unknown): ReactionContent {
  const content = { THUMBS_UP: '+1', THUMBS_DOWN: '-1' }[String(name)] ?? String(name).toLowerCase()
  if (isReaction(content)) return content
  throw new QueryError('argumentLiteralsIncompatible', `'${name}' is not a ReactionContent`)
}

function reactable({ reactions }: Parts, id: string): Source {
  return {
    reactions: ({ first }) =>
      connection(
        reactions.of(id).map(one => ({
          id: `REA_${one.id}`,
          databaseId: one.id,
          content: graphqlName(one.content),
          createdAt: one.createdAt,
          user: { login: one.login },
        })),
        first,
      ),
  }
}

function known({ memory }: Parts, id: string): Subject {
  const subject = memory.subjects.get(id)
  if (subject) return subject
  throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
}

const typeOf: Readonly<Record<Subject['kind'], string>> = {
  repository: 'Repository',
  issue: 'Issue',
  pull: 'PullRequest',
  comment: 'IssueComment',
  'review-comment': 'PullRequestReviewComment',
  review: 'PullRequestReview',
}

/** What can be said of a thing without looking at it: its reactions, and whether it is minimized. */
export function nodeOf(parts: Parts, id: string): Source {
  return {
    __typename: typeOf[known(parts, id).kind],
    id,
    ...minimization(parts, id),
    ...reactable(parts, id),
  }
}

function minimization({ memory }: Parts, id: string): Source {
  const minimized = memory.minimized.get(id)
  return { isMinimized: minimized !== undefined, minimizedReason: minimized?.toLowerCase() ?? null }
}

const written = ({ pages }: Parts, found: JsonObject): Source => ({
  body: textAt(found, 'body'),
  bodyHTML: () => pages.bodyHtml(textAt(found, 'body')).catch(gone),
})

function gone(error: Error): never {
  throw new QueryError('INTERNAL', error.message)
}

async function nodeOr(parts: Parts, id: string): Promise<Resolved> {
  if (parts.memory.subjects.has(id)) return subjectNode(parts, id)
  throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
}

/** A thread whole, anything else as far as `nodeOf` knows it. */
export async function subjectNode(parts: Parts, id: string): Promise<Resolved> {
  const subject = known(parts, id)
  if (subject.kind === 'pull') return pullNode(parts, subject.repository, subject.number)
  if (subject.kind === 'repository') return nodeOf(parts, id)
  if ('id' in subject) {
    const found = await parts.upstream.read(`/repos/${subject.repository}${pathOf(subject)}`)
    return found ? { ...nodeOf(parts, id), ...written(parts, found) } : null
  }
  const { repository, number } = subject
  const found = await parts.upstream.read(`/repos/${repository}/issues/${number}`)
  return found ? issue(parts, repository, found) : null
}

function pathOf({ kind, number, id }: Extract<Subject, { id: number }>): string {
  if (kind === 'comment') return `/issues/comments/${id}`
  return kind === 'review' ? `/pulls/${number}/reviews/${id}` : `/pulls/comments/${id}`
}

export async function pullNode(parts: Parts, repository: string, number: number): Promise<Resolved> {
  const found = await parts.upstream.read(`/repos/${repository}/pulls/${number}`)
  return found ? pull(parts, repository, found) : null
}
