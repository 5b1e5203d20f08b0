/** Things of GitHub's as GraphQL has them: the fields that are asked for of each, and the view that they become. */
import { z } from 'zod'
import type { Thread } from '../core/model/thread.ts'
import type { BranchView, CommentView, IssueBranches, Pull, PullView } from '../core/model/views.ts'
import { nodesOf } from './graphql.ts'
import { isInsider } from './webhooks/event.ts'

export const authorField = 'author { __typename login }'

/** GraphQL omits the `[bot]` suffix that REST gives. */
export const Author = z
  .object({ __typename: z.string(), login: z.string() })
  .nullable()
  .transform(author => {
    if (!author) return undefined
    const { login } = author
    const bot = author.__typename === 'Bot'
    return {
      login: bot && !login.endsWith('[bot]') ? `${login}[bot]` : login,
      bot,
    }
  })

/** What comments, reviews and comments on lines have in common. */
export const writtenFields = `id fullDatabaseId body updatedAt authorAssociation ${authorField}`

export const Written = z.object({
  id: z.string(),
  fullDatabaseId: z.coerce.number().int().positive(),
  body: z.string(),
  updatedAt: z.string(),
  authorAssociation: z.string(),
  author: Author,
})

export const writtenView = (
  node: z.infer<typeof Written>,
  createdAt: string,
): Omit<CommentView, 'in'> => ({
  id: node.fullDatabaseId,
  nodeId: node.id,
  author: node.author?.login,
  bot: node.author?.bot === true,
  insider: isInsider(node.authorAssociation),
  body: node.body,
  createdAt: Date.parse(createdAt),
  updatedAt: Date.parse(node.updatedAt),
})

export const Comment = Written.extend({ createdAt: z.string() }).transform(
  (node): CommentView => ({ ...writtenView(node, node.createdAt), in: 'thread' }),
)

const states = { OPEN: 'open', CLOSED: 'closed', MERGED: 'merged' } as const

/** Many pull requests are read at once, so none of their descriptions. */
export const listedFields = `number title url state headRefName headRepository { databaseId } ${authorField}`

const Listed = z.object({
  number: z.number(),
  title: z.string(),
  url: z.string(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']).transform(state => states[state]),
  headRefName: z.string(),
  headRepository: z.object({ databaseId: z.number() }).nullable(),
  author: Author,
})

const listedView = (node: z.infer<typeof Listed>) => ({
  number: node.number,
  title: node.title,
  url: node.url,
  state: node.state,
  author: node.author,
  head: node.headRefName,
  repoId: node.headRepository?.databaseId ?? null,
})

export const ListedPull = Listed.transform(listedView)

export const sizeFields = 'changedFiles additions deletions'

export const Size = z.object({
  changedFiles: z.number(),
  additions: z.number(),
  deletions: z.number(),
})

export const sizeIn = (node: z.infer<typeof Size>): NonNullable<Pull['size']> => ({
  files: node.changedFiles,
  additions: node.additions,
  deletions: node.deletions,
})

export const pullFields = `${listedFields} body isDraft createdAt mergedAt headRefOid baseRefName ${sizeFields}`

export const FullPull = Listed.extend({
  ...Size.shape,
  body: z.string(),
  isDraft: z.boolean(),
  createdAt: z.string(),
  mergedAt: z.string().nullable(),
  headRefOid: z.string(),
  baseRefName: z.string(),
}).transform(
  (node): PullView => ({
    ...listedView(node),
    body: node.body,
    draft: node.isDraft,
    sha: node.headRefOid,
    size: sizeIn(node),
    base: node.baseRefName,
    createdAt: Date.parse(node.createdAt),
    mergedAt: node.mergedAt === null ? undefined : Date.parse(node.mergedAt),
  }),
)

/** Source: what PostHog's tool for commits writes below each message. */
export const taskIn = (message: string): string | undefined =>
  /^Task-Id: (\S+)$/m.exec(message)?.[1]

export const Ref = z.object({ name: z.string(), target: z.object({ oid: z.string() }) })
const refView = ({ name, target }: z.infer<typeof Ref>): BranchView => ({ name, sha: target.oid })
export const Branch = Ref.transform(refView)

export const linkedField =
  'linkedBranches(first: 10) { nodes { ref { name target { oid } repository { nameWithOwner } } } }'

export const Linked = nodesOf(
  z.object({
    ref: Ref.extend({ repository: z.object({ nameWithOwner: z.string() }).optional() }).nullable(),
  }),
)

/** A branch can be linked to an issue of another repository than its own. */
export function linkedIn(
  { nodes }: z.infer<typeof Linked>,
  { owner, repo }: Pick<Thread, 'owner' | 'repo'>,
): Pick<IssueBranches, 'linked' | 'elsewhere'> {
  const refs = nodes.flatMap(({ ref }) => ref ?? [])
  const here = `${owner}/${repo}`.toLowerCase()
  const isHere = ({ repository }: (typeof refs)[number]) =>
    repository === undefined || repository.nameWithOwner.toLowerCase() === here
  const other = refs.find(ref => !isHere(ref))
  return {
    linked: refs.filter(isHere).map(refView),
    elsewhere: other?.repository && {
      repository: other.repository.nameWithOwner,
      branch: other.name,
    },
  }
}
