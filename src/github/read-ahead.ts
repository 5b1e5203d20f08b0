/** One GraphQL query instead of six calls. */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { isBranchOfIssue, stemOf } from '../core/model/branch-name.ts'
import { Rejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { IssueBranches } from '../core/model/views.ts'
import { settingsPath } from '../core/settings/repository-file.ts'
import { type GivenComment, type Parts, type ReadAheads, threadKey } from './ahead-cache.ts'
import { send } from './graphql.ts'

/** The usual prefix; the repository's own is not known yet. */
export const usualStem = ({ number }: Pick<Thread, 'number'>): string => stemOf('codex/', number)

const comments = `comments(last: 100) {
        totalCount
        nodes { id fullDatabaseId body createdAt updatedAt authorAssociation author { __typename login } }
      }`

const threadAhead = `query threadAhead($owner: String!, $name: String!, $number: Int!, $file: String!, $base: String!, $prefix: String!, $isIssue: Boolean!) {
  repository(owner: $owner, name: $name) {
    id
    file: object(expression: $file) { ... on Blob { text isBinary isTruncated } }
    base: ref(qualifiedName: $base) @include(if: $isIssue) { name target { oid } }
    ours: refs(refPrefix: "refs/heads/", query: $prefix, first: 50) @include(if: $isIssue) {
      totalCount
      nodes { name target { oid } }
    }
    thread: issueOrPullRequest(number: $number) {
      ... on Issue {
        id
        closed
        ${comments}
        linkedBranches(first: 10) { nodes { ref { name target { oid } repository { nameWithOwner } } } }
      }
      ... on PullRequest {
        id
        closed
        ${comments}
      }
    }
  }
}`

const Ref = z.object({ name: z.string(), target: z.object({ oid: z.string() }) })

/** What comments, reviews and comments on lines have in common. */
export const Written = {
  id: z.string(),
  fullDatabaseId: z.coerce.number().int().positive(),
  body: z.string(),
  updatedAt: z.string(),
  authorAssociation: z.string(),
  author: z.object({ __typename: z.string(), login: z.string() }).nullable(),
}

export const LinkedNodes = z.object({
  nodes: z.array(
    z.object({
      ref: Ref.extend({ repository: z.object({ nameWithOwner: z.string() }).optional() }).nullable(),
    }),
  ),
})

/** A branch can be linked to an issue of another repository than its own. */
export function linkedOf(
  { nodes }: z.infer<typeof LinkedNodes>,
  { owner, repo }: Pick<Thread, 'owner' | 'repo'>,
): Pick<IssueBranches, 'linked' | 'elsewhere'> {
  const refs = nodes.flatMap(({ ref }) => ref ?? [])
  const here = `${owner}/${repo}`.toLowerCase()
  const isHere = ({ repository }: (typeof refs)[number]): boolean =>
    repository === undefined || repository.nameWithOwner.toLowerCase() === here
  const other = refs.find(ref => !isHere(ref))
  return {
    linked: refs.filter(isHere).map(viewOf),
    ...(other?.repository
      ? { elsewhere: { repository: other.repository.nameWithOwner, branch: other.name } }
      : {}),
  }
}

const ResponseData = z.object({
  repository: z.object({
    id: z.string(),
    file: z
      .object({
        text: z.string().nullable(),
        isBinary: z.boolean().nullable(),
        isTruncated: z.boolean(),
      })
      .nullable(),
    base: Ref.nullish(),
    ours: z.object({ totalCount: z.number(), nodes: z.array(Ref) }).optional(),
    thread: z.object({
      id: z.string(),
      closed: z.boolean(),
      comments: z.object({
        totalCount: z.number(),
        nodes: z.array(
          z.object({
            ...Written,
            createdAt: z.string(),
          }),
        ),
      }),
      linkedBranches: LinkedNodes.optional(),
    }),
  }),
})
type Found = z.infer<typeof ResponseData>['repository']

/** What GitHub refuses of it is not kept: each part is then asked for by itself. */
export async function readAhead(client: Octokit, aheads: ReadAheads, thread: Thread): Promise<void> {
  // A failed read must not leave old data.
  aheads.keep(threadKey(thread), {})
  const variables = {
    owner: thread.owner,
    name: thread.repo,
    number: thread.number,
    file: `HEAD:${settingsPath}`,
    base: `refs/heads/${thread.defaultBranch}`,
    prefix: usualStem(thread),
    isIssue: thread.kind === 'issue',
  }
  try {
    const { data, missing } = await send(client, threadAhead, variables)
    const found = ResponseData.safeParse(data).data?.repository
    if (missing.size > 0 || !found) return
    aheads.ids.set(String(thread.repoId), found.id)
    aheads.ids.set(threadKey(thread), found.thread.id)
    aheads.keep(threadKey(thread), partsOf(found, thread))
    await aheads.share(thread)
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
  }
}

function partsOf(found: Found, thread: Thread): Partial<Parts> {
  const { comments, closed } = found.thread
  const branches = thread.kind === 'issue' ? branchesOf(found, thread) : undefined
  const settings = settingsOf(found.file)
  return {
    settings,
    comments:
      comments.totalCount <= comments.nodes.length
        ? comments.nodes.map(node => asRest(node, node.createdAt))
        : undefined,
    branches,
    open: closed ? undefined : true,
  }
}

/** Without a colon it is no settings file, perhaps a symlink, which only REST follows. */
function settingsOf(file: Found['file']): Parts['settings'] | undefined {
  if (file === null) return { text: undefined }
  const { text, isBinary, isTruncated } = file
  return text === null || isBinary || isTruncated || !text.includes(':') ? undefined : { text }
}

function branchesOf({ id, base, ours, thread }: Found, of: Thread): IssueBranches | undefined {
  if (!ours || !thread.linkedBranches || ours.totalCount > ours.nodes.length) return undefined
  return {
    ...linkedOf(thread.linkedBranches, of),
    ours: ours.nodes.map(viewOf).filter(({ name }) => isBranchOfIssue(name, usualStem(of))),
    base: base ? viewOf(base) : undefined,
    ids: { issue: thread.id, repository: id },
  }
}

const viewOf = ({ name, target }: z.infer<typeof Ref>) => ({ name, sha: target.oid })

/** GraphQL omits the `[bot]` suffix that REST gives. */
export function loginOf(author: { __typename: string; login: string }): string {
  const isBot = author.__typename === 'Bot' && !author.login.endsWith('[bot]')
  return isBot ? `${author.login}[bot]` : author.login
}

export interface GivenNode {
  id: string
  fullDatabaseId: number
  body: string
  updatedAt: string
  authorAssociation: string
  author: { __typename: string; login: string } | null
}

export const asRest = (node: GivenNode, createdAt: string): GivenComment => ({
  id: node.fullDatabaseId,
  node_id: node.id,
  body: node.body,
  user: node.author && { login: loginOf(node.author), type: node.author.__typename },
  author_association: node.authorAssociation,
  created_at: createdAt,
  updated_at: node.updatedAt,
})
