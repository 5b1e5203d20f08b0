/** What the GraphQL schema is made of: plain objects, whose fields may be functions of their arguments. */

import type { Events } from './events.ts'
import { tipOf } from './git.ts'
import type { ApiRequest } from './http.ts'
import { type JsonObject, numberAt, objectAt, textAt } from './json.ts'
import { type Memory, type Subject, threadKey } from './memory.ts'
import { closingNumbers } from './pull-rules.ts'
import { isReaction, type ReactionBook, type ReactionContent } from './reactions.ts'
import { mayWrite } from './tokens.ts'
import type { Upstream } from './upstream.ts'

type Given = Record<string, unknown>
export type Resolved = Source | Resolved[] | string | number | boolean | null
export interface Source {
  [field: string]: Resolved | undefined | ((given: Given) => Promise<Resolved> | Resolved)
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
}

export function rootSource(parts: Parts, kind: 'query' | 'mutation', request: ApiRequest): Source {
  return kind === 'query' ? query(parts, request) : mutation(parts, request)
}

function query(parts: Parts, { actor }: ApiRequest): Source {
  return {
    __typename: 'Query',
    viewer: { __typename: 'Bot', login: actor.login },
    repository: async ({ owner, name }) => {
      const found = await parts.upstream.read(
        `/repos/${parts.memory.repository(`${owner}/${name}`)?.fullName}`,
      )
      if (found) return repository(parts, found)
      throw new QueryError('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`)
    },
    node: ({ id }) => nodeOf(parts, String(id)),
  }
}

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
    defaultBranchRef: () => ref(parts, fullName, textAt(found, 'default_branch')),
    ref: ({ qualifiedName }) => ref(parts, fullName, String(qualifiedName).replace('refs/heads/', '')),
    issue: ({ number }) => numbered(number, ['issues']),
    pullRequest: ({ number }) => numbered(number, ['pulls']),
    issueOrPullRequest: ({ number }) => numbered(number, ['issues', 'pulls']),
  }
}

async function ref({ upstream }: Parts, repository: string, branch: string): Promise<Resolved> {
  const oid = await tipOf(upstream.asAdmin.bind(upstream), repository, branch)
  if (!oid) return null
  return {
    __typename: 'Ref',
    id: `REF_${branch}`,
    name: branch,
    prefix: 'refs/heads/',
    target: { oid, id: oid },
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
    body: textAt(found, 'body'),
    url: textAt(found, 'html_url'),
    state: found.merged ? 'MERGED' : textAt(found, 'state').toUpperCase(),
    ...reactable(parts, id),
  }
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

async function linkedBranch(parts: Parts, repository: string, name: string): Promise<Resolved> {
  const found = await ref(parts, repository, name)
  return found && { __typename: 'LinkedBranch', id: `LB_${repository}:${name}`, ref: found }
}

function pull(parts: Parts, repository: string, found: JsonObject): Source {
  return {
    __typename: 'PullRequest',
    ...thread(parts, found),
    isDraft: found.draft === true,
    merged: found.merged === true,
    baseRefName: textAt(found, 'base', 'ref'),
    headRefName: textAt(found, 'head', 'ref'),
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

/** GraphQL's names for contents: `EYES`, `THUMBS_UP`. */
const graphqlName = (content: string): string =>
  ({ '+1': 'THUMBS_UP', '-1': 'THUMBS_DOWN' })[content] ?? content.toUpperCase()

function contentOf(name: unknown): ReactionContent {
  const content = { THUMBS_UP: '+1', THUMBS_DOWN: '-1' }[String(name)] ?? String(name).toLowerCase()
  if (isReaction(content)) return content
  throw new QueryError('argumentLiteralsIncompatible', `'${name}' is not a ReactionContent`)
}

function reactable({ reactions }: Parts, id: string): Source {
  return {
    reactions: ({ first }) =>
      connection(
        reactions.of(id).map(({ content, login }) => ({ content: graphqlName(content), user: { login } })),
        first,
      ),
  }
}

function known({ memory }: Parts, id: string): Subject {
  const subject = memory.subjects.get(id)
  if (subject) return subject
  throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
}

function nodeOf(parts: Parts, id: string): Source {
  const minimized = parts.memory.minimized.get(id)
  const isMinimized = {
    isMinimized: minimized !== undefined,
    minimizedReason: minimized?.toLowerCase() ?? null,
  }
  return { __typename: known(parts, id).kind, id, ...isMinimized, ...reactable(parts, id) }
}

type Mutation = (parts: Parts, input: JsonObject, request: ApiRequest) => Promise<Source> | Source

const mutations: Record<string, Mutation> = {
  createLinkedBranch,
  addReaction: async (parts, input, request) => {
    const id = textAt(input, 'subjectId')
    known(parts, id)
    const user = await parts.upstream.read(`/users/${encodeURIComponent(request.actor.login)}`)
    const { reaction } = parts.reactions.add(id, contentOf(input.content), user ?? {})
    return {
      reaction: { content: graphqlName(reaction.content), id: `REA_${reaction.id}` },
      subject: nodeOf(parts, id),
    }
  },
  removeReaction: (parts, input, { actor }) => {
    const id = textAt(input, 'subjectId')
    known(parts, id)
    const content = contentOf(input.content)
    const gone = parts.reactions.remove(id, one => one.login === actor.login && one.content === content)
    return { reaction: gone ? { content: graphqlName(gone.content) } : null, subject: nodeOf(parts, id) }
  },
  minimizeComment: (parts, input) => {
    const id = textAt(input, 'subjectId')
    known(parts, id)
    parts.memory.minimized.set(id, textAt(input, 'classifier') || 'OUTDATED')
    return { minimizedComment: nodeOf(parts, id) }
  },
}

function mutation(parts: Parts, request: ApiRequest): Source {
  const bound = Object.entries(mutations).map(([name, run]) => [
    name,
    async (given: Given): Promise<Resolved> => {
      if (request.actor.kind === 'bot' && !mayWrite(request.actor, 'issues', 'pull_requests', 'contents'))
        throw new QueryError('FORBIDDEN', 'Resource not accessible by integration')
      const input = objectAt(given, 'input')
      const clientMutationId = textAt(input, 'clientMutationId') || null
      return { clientMutationId, ...(await run(parts, input, request)) }
    },
  ])
  return { __typename: 'Mutation', ...Object.fromEntries(bound) }
}

/** Creates the branch; when there is one of that name already, the answer is null and no error. */
async function createLinkedBranch(parts: Parts, input: JsonObject, request: ApiRequest): Promise<Source> {
  const subject = known(parts, textAt(input, 'issueId'))
  if (subject.kind !== 'issue') throw new QueryError('NOT_FOUND', 'Could not resolve to an Issue.')
  const { repository, number } = subject
  const name = textAt(input, 'name').replace(/^refs\/heads\//, '') || `${number}-issue`
  const made = await parts.upstream.send({
    method: 'POST',
    path: `/repos/${repository}/git/refs`,
    authorization: request.headers.authorization,
    body: JSON.stringify({ ref: `refs/heads/${name}`, sha: textAt(input, 'oid') }),
  })
  if (textAt(made.body, 'message') === 'Reference already exists') return { linkedBranch: null, issue: null }
  if (made.status === 403) throw new QueryError('FORBIDDEN', 'Resource not accessible by integration')
  if (made.status !== 201) throw new QueryError('UNPROCESSABLE', textAt(made.body, 'message'))
  const key = threadKey(repository, number)
  parts.memory.linkedBranches.set(key, [...(parts.memory.linkedBranches.get(key) ?? []), name])
  return { linkedBranch: await linkedBranch(parts, repository, name), issue: { number } }
}
