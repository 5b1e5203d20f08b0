/** Reviews of a pull request and the comments on its lines: one query, or two lists where a server lacks it. */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { Rejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CommentView } from '../core/model/views.ts'
import type { GivenComment, ReadAheads } from './ahead-cache.ts'
import { isGraphqlError } from './graphql-errors.ts'
import { asRest, Written } from './read-ahead.ts'

type Where = Pick<CommentView, 'in' | 'on' | 'resolved'>
export type Remark = GivenComment & Where

/** The newest of each; what is older is no more than what is cut anyway. */
const pullRemarks = `query pullRemarks($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviews(last: 50) {
        nodes { id fullDatabaseId body updatedAt authorAssociation author { __typename login } submittedAt }
      }
      reviewThreads(last: 50) {
        nodes {
          isResolved
          path
          line
          originalLine
          comments(last: 20) {
            nodes { id fullDatabaseId body updatedAt authorAssociation author { __typename login } publishedAt diffHunk }
          }
        }
      }
    }
  }
}`

const Found = z.object({
  repository: z.object({
    pullRequest: z.object({
      reviews: z.object({ nodes: z.array(z.object({ ...Written, submittedAt: z.string().nullable() })) }),
      reviewThreads: z.object({
        nodes: z.array(
          z.object({
            isResolved: z.boolean(),
            path: z.string(),
            line: z.number().nullable(),
            originalLine: z.number().nullable(),
            comments: z.object({
              nodes: z.array(
                z.object({ ...Written, publishedAt: z.string().nullable(), diffHunk: z.string() }),
              ),
            }),
          }),
        ),
      }),
    }),
  }),
})

interface Access {
  client: Octokit
  aheads: Pick<ReadAheads, 'isAbsent'>
  thread: Thread
}

export async function remarksOf({ client, aheads, thread }: Access): Promise<Remark[]> {
  const found = aheads.isAbsent() ? undefined : await asked({ client, thread })
  return found ?? listed({ client, thread })
}

async function asked({ client, thread }: Omit<Access, 'aheads'>): Promise<Remark[] | undefined> {
  const variables = { owner: thread.owner, name: thread.repo, number: thread.number }
  const response = await client.graphql(pullRemarks, variables).catch(unlessInconclusive)
  const pull = Found.safeParse(response).data?.repository.pullRequest
  if (!pull) return undefined
  // What is not submitted is seen by its author alone.
  const reviews = pull.reviews.nodes.flatMap(node =>
    node.submittedAt === null ? [] : [{ ...asRest(node, node.submittedAt), in: 'review' as const }],
  )
  const lines = pull.reviewThreads.nodes.flatMap(({ isResolved, path, line, originalLine, comments }) =>
    comments.nodes.flatMap(node =>
      node.publishedAt === null
        ? []
        : [
            {
              ...asRest(node, node.publishedAt),
              in: 'line' as const,
              on: { path, line: line ?? originalLine, hunk: node.diffHunk },
              resolved: isResolved,
            },
          ],
    ),
  )
  return withWords([...reviews, ...lines])
}

function unlessInconclusive(error: unknown): undefined {
  if (error instanceof Rejected || isGraphqlError(error)) return undefined
  throw error
}

/** REST does not say what is resolved, nor when a comment of a review was published. */
async function listed({ client, thread }: Omit<Access, 'aheads'>): Promise<Remark[]> {
  const { rest } = client
  const of = { owner: thread.owner, repo: thread.repo, pull_number: thread.number, per_page: 100 }
  const newest = { ...of, sort: 'created', direction: 'desc' } as const
  const [reviews, lines] = await Promise.all([
    client.paginate(rest.pulls.listReviews, of),
    rest.pulls.listReviewComments(newest),
  ])
  return withWords([
    ...reviews.flatMap(({ submitted_at: at, ...review }) =>
      at ? [{ ...review, created_at: at, updated_at: at, in: 'review' as const }] : [],
    ),
    ...lines.data.map(comment => ({
      ...comment,
      in: 'line' as const,
      on: {
        path: comment.path,
        line: comment.line ?? comment.original_line ?? null,
        hunk: comment.diff_hunk,
      },
    })),
  ])
}

/** A review of nothing but comments on lines says nothing itself. */
const withWords = (remarks: readonly Remark[]): Remark[] =>
  remarks.filter(({ body, in: where }) => where === 'line' || (body ?? '').trim() !== '')
