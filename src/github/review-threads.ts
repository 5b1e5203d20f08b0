/** Threads of comments on lines: which there are, and that they are resolved. */
import { z } from 'zod'
import type { ReviewThread } from '../core/model/views.ts'
import { inRepository, named, nodesOf, query } from './graphql.ts'
import type { ThreadAccess } from './read-ahead.ts'

const reviewThreads = {
  text: `query reviewThreads($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(last: 100) { nodes { id path comments(first: 1) { nodes { fullDatabaseId } } } }
    }
  }
}`,
  schema: inRepository({
    pullRequest: z.object({
      reviewThreads: nodesOf(
        z.object({
          id: z.string(),
          path: z.string(),
          comments: nodesOf(z.object({ fullDatabaseId: z.coerce.number().int() })),
        }),
      ),
    }),
  }),
}

export const reviewThreadsOf = ({ client, thread, at }: ThreadAccess) => ({
  async reviewThreads(): Promise<ReviewThread[]> {
    const found = (await query(client, reviewThreads, named(thread))).repository.pullRequest
    return found.reviewThreads.nodes.flatMap(({ id, path, comments: { nodes } }) =>
      nodes.map(({ fullDatabaseId: rootId }) => ({ id, path, rootId })),
    )
  },

  async resolveThreads(ids: readonly string[]): Promise<void> {
    const declared = ids.map((_, index) => `$thread${index}: ID!`).join(', ')
    const parts = ids.map(
      (_, index) =>
        `part${index}: resolveReviewThread(input: { threadId: $thread${index} }) { clientMutationId }`,
    )
    const text = `mutation resolveThreads(${declared}) {\n  ${parts.join('\n  ')}\n}`
    const variables = Object.fromEntries(ids.map((id, index) => [`thread${index}`, id]))
    await query(client, { text, schema: z.unknown() }, variables)
  },

  async changedBetween(base: string, head: string): Promise<string[]> {
    const compare = client.rest.repos.compareCommitsWithBasehead
    const { data } = await compare({ ...at, basehead: `${base}...${head}`, per_page: 1 })
    return (data.files ?? []).flatMap(({ filename, previous_filename: before }) => [
      filename,
      ...(before === undefined ? [] : [before]),
    ])
  },
})
