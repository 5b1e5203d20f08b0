/**
 * One GraphQL query instead of six calls. What it brought is given out for seconds, each part once: a second reader wants
 * fresh data. The rest goes along in the record of the Run that a command starts, for whichever process works on it.
 */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { templatesFolder } from '../core/command/template.ts'
import { isBranchOfIssue, stemOf } from '../core/model/branch-name.ts'
import type { Thread } from '../core/model/thread.ts'
import type { Closer, IssueBranches } from '../core/model/views.ts'
import { settingsPath } from '../core/settings/repository-file.ts'
import { inRepository, named, nodesOf, query, send } from './graphql.ts'
import { type NodeIds, threadKey } from './node-ids.ts'
import { unlessRejected } from './response-faults.ts'

/** The usual prefix; the repository's own is not known yet. */
export const usualStem = ({ number }: Pick<Thread, 'number'>): string => stemOf('codex/', number)

const comments = `comments(last: 100) {
        totalCount
        nodes { id fullDatabaseId body createdAt updatedAt authorAssociation author { __typename login } }
      }`

export const linkedFields =
  'linkedBranches(first: 10) { nodes { ref { name target { oid } repository { nameWithOwner } } } }'

const closing = `closedByPullRequestsReferences(first: 10) {
          nodes { number title url state headRefName headRepository { databaseId } author { __typename login } }
        }`

const transfers = `timelineItems(last: 1, itemTypes: [TRANSFERRED_EVENT]) {
          nodes { ... on TransferredEvent { createdAt } }
        }`

const threadAhead = `query threadAhead($owner: String!, $name: String!, $number: Int!, $file: String!, $templates: String!, $base: String!, $prefix: String!, $isIssue: Boolean!) {
  repository(owner: $owner, name: $name) {
    id
    file: object(expression: $file) { ... on Blob { text isBinary isTruncated } }
    templates: object(expression: $templates) { ... on Tree { entries { name } } }
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
        ${closing}
        ${linkedFields}
        ${transfers}
      }
      ... on PullRequest {
        id
        closed
        ${comments}
      }
    }
  }
}`

const GivenComment = z.object({
  id: z.number(),
  node_id: z.string().optional(),
  body: z.string().optional(),
  user: z.object({ login: z.string(), type: z.string() }).nullable(),
  author_association: z.string().optional(),
  created_at: z.string(),
  updated_at: z.string(),
})
export type GivenComment = z.infer<typeof GivenComment>

const Branch = z.object({ name: z.string(), sha: z.string() })
const Branches: z.ZodType<IssueBranches> = z
  .object({
    linked: z.array(Branch),
    ours: z.array(Branch),
    base: Branch.optional(),
    elsewhere: z.object({ repository: z.string(), branch: z.string() }).optional(),
    ids: z.object({ issue: z.string(), repository: z.string() }).optional(),
  })
  .transform(found => ({ base: undefined, ids: undefined, ...found }))

const Carried = z.object({
  at: z.number(),
  open: z.literal(true).optional(),
  branches: Branches.optional(),
  comments: z.array(GivenComment).optional(),
})

interface Parts extends Omit<z.infer<typeof Carried>, 'at'> {
  closers?: Closer[]
  /** When it was transferred here last, if ever. */
  transferred?: { at: number | undefined }
  settings?: { text: string | undefined }
  /** Names of files. */
  templates?: string[]
}

/** ms */
const goodFor = 10_000
/** Of comments, in a record. */
const maxCharacters = 50_000
/** Of the answer, as a hundred commands may be in hand, and anybody may have written what they read. */
const maxBytes = 300_000

type Prefetched = ReturnType<typeof readBefore>

/** What is needed to ask something of a thread, or to write into it. */
export interface ThreadAccess {
  client: Octokit
  thread: Thread
  /** Its repository, for REST. */
  at: { owner: string; repo: string }
  ids: NodeIds
  prefetched: Prefetched
  redact(text: string): string
  /** Redacted, with the configured command word. */
  written(text: string): string
  now(): number
}

/** @param brought what the record of a Run brought, of whatever version */
export function readBefore(brought: unknown, now: () => number) {
  const found = Carried.safeParse(brought).data
  let at = Math.min(found?.at ?? Number.NEGATIVE_INFINITY, now())
  let parts: Parts = { open: found?.open, branches: found?.branches, comments: found?.comments }
  const fresh = (): Parts => (now() - at < goodFor ? parts : {})
  return {
    keep(read: Parts): void {
      at = now()
      parts = read
    },
    see: <K extends keyof Parts>(part: K): Parts[K] => fresh()[part],
    /** Once only. */
    take<K extends keyof Parts>(part: K): Parts[K] {
      const found = fresh()[part]
      delete parts[part]
      return found
    },
    /** For a record: without secrets, and without comments that are too long for it. */
    carried(redact: (text: string) => string): z.infer<typeof Carried> | undefined {
      const { open, branches, comments } = fresh()
      if (!open) return undefined
      const texts = comments?.map(comment => ({ ...comment, body: redact(comment.body ?? '') }))
      const size = texts?.reduce((sum, { body }) => sum + body.length, 0) ?? 0
      return { at, open, branches, comments: size > maxCharacters ? undefined : texts }
    },
  }
}

const Ref = z.object({ name: z.string(), target: z.object({ oid: z.string() }) })

export const Author = z.object({ __typename: z.string(), login: z.string() }).nullable()
export const HeadRepository = z.object({ databaseId: z.number() }).nullable()

/** What comments, reviews and comments on lines have in common. */
export const Written = {
  id: z.string(),
  fullDatabaseId: z.coerce.number().int().positive(),
  body: z.string(),
  updatedAt: z.string(),
  authorAssociation: z.string(),
  author: Author,
}

export const LinkedNodes = nodesOf(
  z.object({
    ref: Ref.extend({ repository: z.object({ nameWithOwner: z.string() }).optional() }).nullable(),
  }),
)

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

const CloserNode = z.object({
  number: z.number(),
  title: z.string(),
  url: z.string(),
  state: z.string(),
  headRefName: z.string(),
  headRepository: HeadRepository,
  author: Author,
})

const Closing = nodesOf(CloserNode.nullable())

const Transfers = nodesOf(z.object({ createdAt: z.string() }))
const transferOf = ({ nodes: [last] }: z.infer<typeof Transfers>): Parts['transferred'] => ({
  at: last && Date.parse(last.createdAt),
})

const ResponseData = inRepository({
  id: z.string(),
  file: z
    .object({ text: z.string().nullable(), isBinary: z.boolean().nullable(), isTruncated: z.boolean() })
    .nullable(),
  templates: z.object({ entries: z.array(z.object({ name: z.string() })).nullish() }).nullable(),
  base: Ref.nullish(),
  ours: z.object({ totalCount: z.number(), nodes: z.array(Ref) }).optional(),
  thread: z.object({
    id: z.string(),
    closed: z.boolean(),
    comments: z.object({
      totalCount: z.number(),
      nodes: z.array(z.object({ ...Written, createdAt: z.string() })),
    }),
    linkedBranches: LinkedNodes.optional(),
    closedByPullRequestsReferences: Closing.optional(),
    timelineItems: Transfers.optional(),
  }),
})
type Found = z.infer<typeof ResponseData>['repository']

/** What GitHub refuses of it, or makes too long, is not kept: each part is then asked for by itself. */
export async function readAhead({ client, thread, ids, prefetched }: ThreadAccess): Promise<void> {
  // A failed read must not leave old data.
  prefetched.keep({})
  const variables = {
    ...named(thread),
    file: `HEAD:${settingsPath}`,
    templates: `HEAD:${templatesFolder}`,
    base: `refs/heads/${thread.defaultBranch}`,
    prefix: usualStem(thread),
    isIssue: thread.kind === 'issue',
  }
  const response = await send(client, threadAhead, variables, maxBytes).catch(unlessRejected)
  const found = ResponseData.safeParse(response?.data).data?.repository
  if (!found || response?.missing.size !== 0) return
  ids.set(String(thread.repoId), found.id)
  ids.set(threadKey(thread), found.thread.id)
  const { comments, closed, closedByPullRequestsReferences: closers, timelineItems } = found.thread
  const isWhole = comments.totalCount <= comments.nodes.length
  const { file } = found
  const isSettings = file?.text?.includes(':') && !file.isBinary && !file.isTruncated
  prefetched.keep({
    // Without a colon it is no settings file, perhaps a symlink, which only REST follows.
    settings: file === null || isSettings ? { text: file?.text ?? undefined } : undefined,
    templates: (found.templates?.entries ?? []).map(({ name }) => name),
    comments: isWhole ? comments.nodes.map(node => asRest(node, node.createdAt)) : undefined,
    branches: thread.kind === 'issue' ? branchesAhead(found, thread) : undefined,
    open: closed ? undefined : true,
    closers: closers?.nodes.flatMap(node => closerOf(node, thread)),
    transferred: timelineItems && transferOf(timelineItems),
  })
}

const threadTransfer = {
  text: `query threadTransfer($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
        ${transfers}
    }
  }
}`,
  schema: inRepository({ issue: z.object({ timelineItems: Transfers }) }),
}

/** When an issue was transferred here last, ms since the epoch. */
export async function transferredAt({
  client,
  thread,
  prefetched,
}: ThreadAccess): Promise<number | undefined> {
  const known = prefetched.see('transferred')
  if (known) return known.at
  const { issue } = (await query(client, threadTransfer, named(thread))).repository
  return transferOf(issue.timelineItems)?.at
}

const threadClosers = {
  text: `query threadClosers($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
        ${closing}
    }
  }
}`,
  schema: inRepository({ issue: z.object({ closedByPullRequestsReferences: Closing }) }),
  // Those that the App may not see.
  optional: ['repository.issue.closedByPullRequestsReferences.nodes.*'],
}

/** @returns `undefined` for what GitHub refuses to say */
export async function closersOf({ client, thread }: ThreadAccess): Promise<Closer[] | undefined> {
  const found = await query(client, threadClosers, named(thread)).catch(unlessRejected)
  return found?.repository.issue.closedByPullRequestsReferences.nodes.flatMap(node => closerOf(node, thread))
}

const threadMerges = {
  text: `query threadMerges($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
      closedByPullRequestsReferences(first: 50, includeClosedPrs: true) { nodes { mergedAt } }
    }
  }
}`,
  schema: inRepository({
    issue: z.object({
      closedByPullRequestsReferences: nodesOf(z.object({ mergedAt: z.string().nullish() }).nullable()),
    }),
  }),
  optional: threadClosers.optional,
}

export async function mergesOf({ client, thread }: ThreadAccess): Promise<number[]> {
  const { issue } = (await query(client, threadMerges, named(thread))).repository
  return issue.closedByPullRequestsReferences.nodes.flatMap(node =>
    node?.mergedAt ? [Date.parse(node.mergedAt)] : [],
  )
}

function closerOf(node: z.infer<typeof CloserNode> | null, { repoId }: Thread): Closer[] {
  if (node?.state !== 'OPEN') return []
  const { number, title, url, headRefName, headRepository } = node
  const branch = headRepository?.databaseId === repoId ? headRefName : undefined
  const author = node.author
    ? { login: loginOf(node.author), bot: node.author.__typename === 'Bot' }
    : undefined
  return [{ number, title, url, branch, author }]
}

function branchesAhead({ id, base, ours, thread }: Found, of: Thread): IssueBranches | undefined {
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

export const asRest = (node: z.infer<z.ZodObject<typeof Written>>, createdAt: string): GivenComment => ({
  id: node.fullDatabaseId,
  node_id: node.id,
  body: node.body,
  user: node.author && { login: loginOf(node.author), type: node.author.__typename },
  author_association: node.authorAssociation,
  created_at: createdAt,
  updated_at: node.updatedAt,
})
