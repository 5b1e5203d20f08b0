import { z } from 'zod'
import { Rejected } from '../core/model/errors.ts'
import { isGraphqlError } from './graphql-errors.ts'
import type { QueryContext } from './pull-query.ts'

const branchUse = `query branchUse($owner: String!, $name: String!, $ref: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    id
    ref(qualifiedName: $ref) { target { oid } }
    into: pullRequests(baseRefName: $branch, states: [OPEN], first: 1) { totalCount }
    from: pullRequests(headRefName: $branch, states: [OPEN], first: 20) { nodes { isCrossRepository } }
  }
}`

const BranchUse = z.object({
  repository: z.object({
    id: z.string(),
    ref: z.object({ target: z.object({ oid: z.string() }) }).nullable(),
    into: z.object({ totalCount: z.number() }),
    from: z.object({ nodes: z.array(z.object({ isCrossRepository: z.boolean() })) }),
  }),
})

export async function useOfBranch(
  { client, aheads, thread }: QueryContext,
  branch: string,
): Promise<{ sha: string | undefined; isUsed: boolean } | undefined> {
  if (aheads.isAbsent()) return undefined
  const variables = { owner: thread.owner, name: thread.repo, ref: `refs/heads/${branch}`, branch }
  const response = await client.graphql(branchUse, variables).catch(onlyRest)
  const { data } = BranchUse.safeParse(response)
  if (!data) return undefined
  const { id, ref, into, from } = data.repository
  aheads.ids.set(String(thread.repoId), id)
  const isUsed = into.totalCount > 0 || from.nodes.some(({ isCrossRepository }) => !isCrossRepository)
  return { sha: ref?.target.oid, isUsed }
}

function onlyRest(error: unknown): undefined {
  if (error instanceof Rejected || isGraphqlError(error)) return undefined
  throw error
}
