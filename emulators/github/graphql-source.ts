/** What the GraphQL schema is made of: plain objects, whose fields may be functions of their arguments. */

import { tipOf } from './git.ts'
import type { ApiRequest } from './http.ts'
import { type JsonObject, listAt, numberAt, textAt } from './json.ts'
import type { Layer } from './layer.ts'
import { type Subject, threadKey } from './memory.ts'
import { closingNumbers, sizeOf } from './pull-rules.ts'
import { isReaction, type Reaction, type ReactionContent } from './reactions.ts'
import { mayAtLeast, mayRead } from './roles.ts'

export type Given = Record<string, unknown>
export type Resolved = Source | Resolved[] | string | number | boolean | null
export interface Source {
  [field: string]:
    | Resolved
    | undefined
    | ((given: Given, context: Context) => Promise<Resolved> | Resolved)
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

export function query(layer: Layer, { actor }: ApiRequest): Source {
  return {
    __typename: 'Query',
    user: ({ login }) => user(layer, String(login)),
    repository: async ({ owner, name }) => {
      const fullName = `${owner}/${name}`
      // It follows renames unless told otherwise.
      const known = layer.memory.repository(fullName) ?? layer.memory.movedTo(fullName)
      const found =
        known &&
        (await layer.maySee(actor, known)) &&
        (await layer.upstream.read(`/repos/${known.fullName}`))
      if (found) return repository(layer, found)
      throw new QueryError(
        'NOT_FOUND',
        `Could not resolve to a Repository with the name '${fullName}'.`,
      )
    },
    node: ({ id }) => subjectNode(layer, String(id)),
    nodes: ({ ids }) =>
      Promise.all((Array.isArray(ids) ? ids : []).map(id => nodeOr(layer, String(id)))),
  }
}

async function user({ upstream, memory }: Layer, login: string): Promise<Resolved> {
  const found = await upstream.read(`/users/${encodeURIComponent(login)}`)
  if (!found)
    throw new QueryError('NOT_FOUND', `Could not resolve to a User with the login of '${login}'.`)
  memory.users.set(textAt(found, 'node_id'), textAt(found, 'login'))
  const shown = {
    login: textAt(found, 'login'),
    id: textAt(found, 'node_id'),
    databaseId: numberAt(found, 'id'),
  }
  return {
    __typename: isBotLogin(login) ? 'Bot' : 'User',
    ...shown,
    url: textAt(found, 'html_url'),
  }
}

const isBotLogin = (login: string): boolean => login.endsWith('[bot]')

function repository(layer: Layer, found: JsonObject): Source {
  const fullName = textAt(found, 'full_name')
  const numbered = async (number: unknown, kinds: ('issues' | 'pulls')[]): Promise<Resolved> => {
    for (const kind of kinds) {
      const thread = await layer.upstream.read(`/repos/${fullName}/${kind}/${number}`)
      if (thread)
        return kind === 'issues' ? issue(layer, fullName, thread) : pull(layer, fullName, thread)
    }
    throw new QueryError('NOT_FOUND', `Could not resolve to an Issue with the number of ${number}.`)
  }
  return {
    __typename: 'Repository',
    id: textAt(found, 'node_id'),
    databaseId: numberAt(found, 'id'),
    name: textAt(found, 'name'),
    nameWithOwner: fullName,
    url: textAt(found, 'html_url'),
    object: ({ expression }) => blob(layer, fullName, String(expression)),
    refs: async ({ refPrefix, query, first }) => {
      const all = await layer.upstream.readAll(`/repos/${fullName}/branches`)
      const names = all
        .map(branch => textAt(branch, 'name'))
        .filter(name => name.includes(String(query ?? '')))
      if (refPrefix !== 'refs/heads/')
        throw new Error(`GitHub emulator: refs below ${refPrefix} are not built`)
      return connection(await Promise.all(names.map(name => ref(layer, fullName, name))), first)
    },
    pullRequests: async ({ headRefName, baseRefName, states, first }) => {
      const all = await layer.upstream.readAll(`/repos/${fullName}/pulls?state=all`)
      const wanted = all
        .filter(one => !headRefName || textAt(one, 'head', 'ref') === headRefName)
        .filter(one => !baseRefName || textAt(one, 'base', 'ref') === baseRefName)
        .map(one => pull(layer, fullName, one))
      return connection(
        wanted.filter(({ state }) => !Array.isArray(states) || states.includes(state)),
        first,
      )
    },
    ref: ({ qualifiedName }) =>
      ref(layer, fullName, String(qualifiedName).replace('refs/heads/', '')),
    label: async ({ name }) => {
      const label = await layer.upstream.read(
        `/repos/${fullName}/labels/${encodeURIComponent(String(name))}`,
      )
      if (!label) return null
      const id = textAt(label, 'node_id')
      layer.memory.labels.set(id, textAt(label, 'name'))
      return { __typename: 'Label', id, name: textAt(label, 'name') }
    },
    issue: ({ number }) => numbered(number, ['issues']),
    pullRequest: ({ number }) => numbered(number, ['pulls']),
    issueOrPullRequest: ({ number }) => numbered(number, ['issues', 'pulls']),
  }
}

/** `HEAD:.github/codex.yml`: a file as it is at a ref; of other expressions the layer knows nothing. */
async function blob(
  { upstream }: Layer,
  repository: string,
  expression: string,
): Promise<Resolved> {
  const [, at = '', path = ''] = /^([^:]+):(.+)$/.exec(expression) ?? []
  const query = at === 'HEAD' ? '' : `?ref=${encodeURIComponent(at)}`
  const contents = `/repos/${repository}/contents/${path}${query}`
  const found = await upstream.read(contents)
  if (!found) return tree(await upstream.readAll(contents))
  if (found.type !== 'file') return null
  const bytes = Buffer.from(textAt(found, 'content'), 'base64')
  const sha = textAt(found, 'sha')
  const isBinary = bytes.includes(0)
  const text = isBinary ? null : bytes.toString('utf8')
  return { __typename: 'Blob', id: sha, oid: sha, isBinary, isTruncated: false, text }
}

const tree = (entries: JsonObject[]): Resolved =>
  entries.length === 0
    ? null
    : {
        __typename: 'Tree',
        entries: entries.map(entry => ({
          __typename: 'TreeEntry',
          name: textAt(entry, 'name'),
          type: entry.type === 'dir' ? 'tree' : 'blob',
        })),
      }

async function ref(layer: Layer, fullName: string, branch: string): Promise<Resolved> {
  const { upstream } = layer
  const oid = await tipOf(upstream.asAdmin.bind(upstream), fullName, branch)
  if (!oid) return null
  return {
    __typename: 'Ref',
    id: `REF_${branch}`,
    name: branch,
    prefix: 'refs/heads/',
    target: commit(layer, fullName, oid),
    repository: () => repositoryNamed(layer, fullName),
  }
}

async function repositoryNamed(layer: Layer, fullName: string): Promise<Resolved> {
  const found = await layer.upstream.read(`/repos/${fullName}`)
  return found ? repository(layer, found) : null
}

const commit = (layer: Layer, repository: string, oid: string): Source => ({
  __typename: 'Commit',
  oid,
  id: oid,
  message: async () => textAt(await gitCommit(layer, repository, oid), 'message'),
  committedDate: async () => textAt(await gitCommit(layer, repository, oid), 'committer', 'date'),
  author: async () => {
    const author = textAt(await gitCommit(layer, repository, oid), 'author', 'name')
    return { __typename: 'GitActor', name: author }
  },
  history: async ({ first }) => {
    const all = await layer.upstream.readAll(`/repos/${repository}/commits?sha=${oid}`)
    return connection(
      all.map(one => commit(layer, repository, textAt(one, 'sha'))),
      first,
    )
  },
})

const gitCommit = ({ upstream }: Layer, repository: string, oid: string) =>
  upstream.read(`/repos/${repository}/git/commits/${oid}`)

const connection = (all: Resolved[], first: unknown): Source => ({
  totalCount: all.length,
  nodes: all.slice(0, Number(first ?? 100)),
  pageInfo: { hasNextPage: false, endCursor: null },
})

function thread(layer: Layer, found: JsonObject): Source {
  const id = textAt(found, 'node_id')
  return {
    id,
    databaseId: numberAt(found, 'id'),
    number: numberAt(found, 'number'),
    title: textAt(found, 'title'),
    ...written(layer, found),
    url: textAt(found, 'html_url'),
    state: found.merged ? 'MERGED' : textAt(found, 'state').toUpperCase(),
    closed: found.state === 'closed',
    comments: ({ last }) => comments(layer, found, Number(last ?? 100)),
    createdAt: textAt(found, 'created_at'),
    updatedAt: textAt(found, 'updated_at'),
    locked: found.locked === true,
    author: actor(found.user),
    labels: ({ first }) =>
      connection(
        listAt(found, 'labels').map(label => ({
          name: textAt(label, 'name'),
          id: textAt(label, 'node_id'),
        })),
        first,
      ),
    ...reactable(layer, id),
  }
}

/** The newest of them, oldest first. */
async function comments(layer: Layer, thread: JsonObject, last: number): Promise<Resolved> {
  const path = textAt(thread, 'url')
    .replace(/^.*?(?=\/repos\/)/, '')
    .replace('/pulls/', '/issues/')
  const all = await layer.upstream.readAll(`${path}/comments`)
  const nodes = all.slice(-last).map(comment => ({
    __typename: 'IssueComment',
    id: textAt(comment, 'node_id'),
    fullDatabaseId: String(numberAt(comment, 'id')),
    ...written(layer, comment),
    ...minimization(layer, textAt(comment, 'node_id')),
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
  return {
    __typename,
    login: login.replace(/\[bot\]$/, ''),
    id: textAt(found, 'node_id'),
    databaseId: numberAt(found, 'id'),
  }
}

function issue(layer: Layer, fullName: string, found: JsonObject): Source {
  const key = threadKey(fullName, numberAt(found, 'number'))
  return {
    __typename: 'Issue',
    ...thread(layer, found),
    repository: () => repositoryNamed(layer, fullName),
    closedByPullRequestsReferences: async ({ first, includeClosedPrs }) => {
      const number = numberAt(found, 'number')
      const all = await layer.upstream.readAll(`/repos/${fullName}/pulls?state=all`)
      const closing = all.filter(
        one =>
          closingNumbers(textAt(one, 'body')).includes(number) &&
          (includeClosedPrs === true || one.state === 'open'),
      )
      return connection(
        closing.map(one => pull(layer, fullName, one)),
        first,
      )
    },
    linkedBranches: async ({ first }) => {
      const names = layer.memory.linkedBranches.get(key) ?? []
      const refs = await Promise.all(names.map(name => linkedBranch(layer, fullName, name)))
      // Deleting a branch takes its link away.
      return connection(
        refs.filter(linked => linked !== null),
        first,
      )
    },
  }
}

export async function linkedBranch(
  layer: Layer,
  repository: string,
  name: string,
): Promise<Resolved> {
  const [of, branch] = name.includes(':') ? name.split(':') : [repository, name]
  const found = await ref(layer, of ?? '', branch ?? '')
  return found && { __typename: 'LinkedBranch', id: `LB_${repository}:${name}`, ref: found }
}

function mergeable({ memory: { conflicts } }: Layer, key: string): string {
  const foundIn = conflicts.get(key)
  if (foundIn === undefined) return 'MERGEABLE'
  conflicts.set(key, foundIn - 1)
  return foundIn > 1 ? 'UNKNOWN' : 'CONFLICTING'
}

function pull(layer: Layer, repository: string, found: JsonObject): Source {
  const size = async (of: 'changed_files' | 'additions' | 'deletions') =>
    (await sizeOf(layer, repository, found))[of]
  return {
    __typename: 'PullRequest',
    ...thread(layer, found),
    changedFiles: () => size('changed_files'),
    additions: () => size('additions'),
    deletions: () => size('deletions'),
    isDraft: found.draft === true,
    merged: found.merged === true,
    mergedAt: textAt(found, 'merged_at') || null,
    baseRefName: textAt(found, 'base', 'ref'),
    headRefName: textAt(found, 'head', 'ref'),
    headRefOid:
      layer.memory.pulls.get(threadKey(repository, numberAt(found, 'number')))?.headSha ??
      textAt(found, 'head', 'sha'),
    isCrossRepository: textAt(found, 'head', 'repo', 'full_name') !== repository,
    headRepository: () => headRepository(layer, found),
    mergeable: () => mergeable(layer, threadKey(repository, numberAt(found, 'number'))),
    latestOpinionatedReviews: async ({ first, writersOnly }) => {
      const all = await layer.upstream.readAll(`${apiPath(found)}/reviews`)
      const opinions = new Map(
        all
          .filter(review =>
            ['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'].includes(textAt(review, 'state')),
          )
          .map(review => [textAt(review, 'user', 'login'), review]),
      )
      const counted = await Promise.all(
        [...opinions].map(async ([login, review]) =>
          writersOnly !== true || (await mayAtLeast(layer, repository, login, 'write'))
            ? [review]
            : [],
        ),
      )
      return connection(
        counted.flat().map(review => ({
          __typename: 'PullRequestReview',
          state: textAt(review, 'state'),
          author: actor(review.user),
          commit: { __typename: 'Commit', oid: textAt(review, 'commit_id') },
        })),
        first,
      )
    },
    reviewRequests: ({ first }) =>
      connection(
        listAt(found, 'requested_reviewers').map(one => ({ requestedReviewer: actor(one) })),
        first,
      ),
    commits: () => {
      const key = threadKey(repository, numberAt(found, 'number'))
      const head = layer.memory.pulls.get(key)?.headSha
      const checks = (layer.memory.checks.get(key) ?? []).filter(({ sha }) => sha === head)
      const nodes = checks.map(({ name, conclusion, app = 15_368, isStatus }, at) => {
        const url = `${textAt(found, 'html_url')}/checks?name=${encodeURIComponent(name)}`
        return isStatus
          ? { __typename: 'StatusContext', context: name, state: conclusion, targetUrl: url }
          : {
              __typename: 'CheckRun',
              name,
              conclusion,
              detailsUrl: url,
              startedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, at)).toISOString(),
              checkSuite: { __typename: 'CheckSuite', app: { __typename: 'App', databaseId: app } },
            }
      })
      const rollup = nodes.length > 0 ? { contexts: () => connection(nodes, 100) } : null
      const statusCheckRollup = (_: Given, { request: { actor } }: Context) => {
        if (mayRead(actor, 'checks') && mayRead(actor, 'statuses')) return rollup
        throw new QueryError('FORBIDDEN', 'Resource not accessible by integration')
      }
      return connection([{ commit: { statusCheckRollup } }], 1)
    },
    reviews: ({ last }) => reviews(layer, found, Number(last ?? 100)),
    reviewThreads: ({ last }) => reviewThreads(layer, found, Number(last ?? 100)),
  }
}

const apiPath = (pull: JsonObject): string => textAt(pull, 'url').replace(/^.*?(?=\/repos\/)/, '')

async function reviews({ upstream }: Layer, pull: JsonObject, last: number): Promise<Resolved> {
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
async function reviewThreads(layer: Layer, pull: JsonObject, last: number): Promise<Resolved> {
  const { upstream, memory } = layer
  const of = textAt(pull, 'base', 'repo', 'full_name')
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
        pullRequestReview: async () => ({
          __typename: 'PullRequestReview',
          authorCanPushToRepository: await mayAtLeast(
            layer,
            of,
            textAt(comment, 'user', 'login'),
            'write',
          ),
        }),
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
      comments: ({ first, last }: Given) =>
        first === undefined ? newest(comments, Number(last ?? 100)) : connection(comments, first),
    }
  })
  return newest(threads, last)
}

async function headRepository(layer: Layer, found: JsonObject): Promise<Resolved> {
  const name = textAt(found, 'head', 'repo', 'full_name')
  const there = name ? await layer.upstream.read(`/repos/${name}`) : undefined
  return there ? repository(layer, there) : null
}

/** GraphQL's names for contents: `EYES`, `THUMBS_UP`. */
const graphqlName = (content: string): string =>
  ({ '+1': 'THUMBS_UP', '-1': 'THUMBS_DOWN' })[content] ?? content.toUpperCase()

export function contentOf(name: unknown): ReactionContent {
  const content = { THUMBS_UP: '+1', THUMBS_DOWN: '-1' }[String(name)] ?? String(name).toLowerCase()
  if (isReaction(content)) return content
  throw new QueryError('argumentLiteralsIncompatible', `'${name}' is not a ReactionContent`)
}

export const shownReaction = ({ id, content, createdAt, login }: Reaction): Source => ({
  id: `REA_${id}`,
  databaseId: id,
  content: graphqlName(content),
  createdAt,
  user: { login },
})

function reactable({ reactions }: Layer, id: string): Source {
  return {
    reactions: ({ first }) => connection(reactions.of(id).map(shownReaction), first),
  }
}

function known({ memory }: Layer, id: string): Subject {
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
export function nodeOf(layer: Layer, id: string): Source {
  return {
    __typename: typeOf[known(layer, id).kind],
    id,
    ...minimization(layer, id),
    ...reactable(layer, id),
  }
}

const minimization = ({ memory }: Layer, id: string): Source => ({
  isMinimized: memory.minimized.has(id),
})

const written = ({ memory }: Layer, found: JsonObject): Source => ({
  body: textAt(found, 'body'),
  lastEditedAt: memory.edited.has(textAt(found, 'node_id')) ? textAt(found, 'updated_at') : null,
})

async function nodeOr(layer: Layer, id: string): Promise<Resolved> {
  if (layer.memory.subjects.has(id)) return subjectNode(layer, id)
  throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
}

/** A thread whole, anything else as far as `nodeOf` knows it. */
export async function subjectNode(layer: Layer, id: string): Promise<Resolved> {
  const subject = known(layer, id)
  if (subject.kind === 'pull') return pullNode(layer, subject.repository, subject.number)
  if (subject.kind === 'repository') return nodeOf(layer, id)
  if ('id' in subject) {
    const found = await layer.upstream.read(`/repos/${subject.repository}${pathOf(subject)}`)
    return found ? { ...nodeOf(layer, id), ...written(layer, found) } : null
  }
  const { repository, number } = subject
  const found = await layer.upstream.read(`/repos/${repository}/issues/${number}`)
  return found ? issue(layer, repository, found) : null
}

function pathOf({ kind, number, id }: Extract<Subject, { id: number }>): string {
  if (kind === 'comment') return `/issues/comments/${id}`
  return kind === 'review' ? `/pulls/${number}/reviews/${id}` : `/pulls/comments/${id}`
}

export async function pullNode(
  layer: Layer,
  repository: string,
  number: number,
): Promise<Resolved> {
  const found = await layer.upstream.read(`/repos/${repository}/pulls/${number}`)
  return found ? pull(layer, repository, found) : null
}
