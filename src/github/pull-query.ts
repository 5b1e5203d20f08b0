import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { Rejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { PullView } from '../core/model/views.ts'
import { type ReadAheads, threadKey } from './ahead-cache.ts'
import { isGraphqlError, partOf } from './graphql-errors.ts'
import { loginOf } from './read-ahead.ts'

export const pullFields = `id number url title body isDraft state createdAt mergedAt
    headRefName headRefOid headRepository { databaseId } baseRefName author { __typename login }`

export const PullNode = z.object({
  id: z.string(),
  number: z.number(),
  url: z.string(),
  title: z.string(),
  body: z.string(),
  isDraft: z.boolean(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  createdAt: z.string(),
  mergedAt: z.string().nullable(),
  headRefName: z.string(),
  headRefOid: z.string(),
  headRepository: z.object({ databaseId: z.number() }).nullable(),
  baseRefName: z.string(),
  author: z.object({ __typename: z.string(), login: z.string() }).nullable(),
})

const states = { OPEN: 'open', CLOSED: 'closed', MERGED: 'merged' } as const

export const viewOfNode = (pull: z.infer<typeof PullNode>): PullView => ({
  number: pull.number,
  url: pull.url,
  title: pull.title,
  body: pull.body,
  draft: pull.isDraft,
  state: states[pull.state],
  head: {
    ref: pull.headRefName,
    sha: pull.headRefOid,
    base: pull.baseRefName,
    repoId: pull.headRepository?.databaseId ?? null,
  },
  author: pull.author ? { login: loginOf(pull.author), bot: pull.author.__typename === 'Bot' } : undefined,
  createdAt: Date.parse(pull.createdAt),
  mergedAt: pull.mergedAt === null ? undefined : Date.parse(pull.mergedAt),
})

const pullAndPerson = `query pullAndPerson($owner: String!, $name: String!, $number: Int!, $login: String!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { ${pullFields} } }
  user(login: $login) { id }
}`

const PullAndPerson = z.object({
  repository: z.object({ pullRequest: PullNode }),
  user: z.object({ id: z.string() }).nullish(),
})

export interface QueryContext {
  client: Octokit
  aheads: ReadAheads
  thread: Thread
}

export async function pullWith(
  { client, aheads, thread }: QueryContext,
  number: number,
  login: string,
): Promise<PullView | undefined> {
  if (aheads.isAbsent()) return undefined
  const variables = { owner: thread.owner, name: thread.repo, number, login }
  const response = await client.graphql(pullAndPerson, variables).catch(withoutPerson)
  const { data } = PullAndPerson.safeParse(response)
  if (!data) return undefined
  const { pullRequest } = data.repository
  aheads.ids.set(threadKey({ ...thread, number }), pullRequest.id)
  if (data.user) aheads.ids.set(`user/${login}`, data.user.id)
  return viewOfNode(pullRequest)
}

/** A missing user account is an error beside the data; anything else missing needs REST. */
function withoutPerson(error: unknown): unknown {
  if (error instanceof Rejected) return undefined
  if (!isGraphqlError(error)) throw error
  const part = partOf(error)
  return part?.missing.every(path => path === 'user') ? part.data : undefined
}
