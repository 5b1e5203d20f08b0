/**
 * Prefetches thread data by one GraphQL query instead of six calls. The next read of each part, within seconds, uses it up:
 * a second reader wants fresh data. What is left goes along in the record of the Run that a command starts.
 */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { templatesFolder } from '../core/command/template.ts'
import { isBranchOfIssue, stemOf } from '../core/model/branch-name.ts'
import { unlessRejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import { type Closer, CommentView, IssueBranches } from '../core/model/views.ts'
import { settingsPath } from '../core/settings/settings-file.ts'
import type { GitHubApp } from './app-client.ts'
import { inRepository, named, nodesOf, send, threadKey } from './graphql.ts'
import {
  Branch,
  Comment,
  Linked,
  ListedPull,
  linkedField,
  linkedIn,
  listedFields,
  writtenFields,
} from './nodes.ts'

/** The usual prefix; the repository's own is not known yet. */
export const usualStem = ({ number }: Pick<Thread, 'number'>): string => stemOf('codex/', number)

export const closersField = `closedByPullRequestsReferences(first: 10) { nodes { ${listedFields} } }`
export const Closers = nodesOf(ListedPull.nullable())

export const closersIn = ({ nodes }: z.infer<typeof Closers>, { repoId }: Thread): Closer[] =>
  nodes.flatMap(pull =>
    pull?.state === 'open'
      ? [{ ...pull, branch: pull.repoId === repoId ? pull.head : undefined }]
      : [],
  )

const comments = `comments(last: 100) { totalCount nodes { createdAt ${writtenFields} } }`

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
        ${closersField}
        ${linkedField}
      }
      ... on PullRequest {
        id
        closed
        ${comments}
      }
    }
  }
}`

const Carried = z.object({
  at: z.number(),
  open: z.literal(true).optional(),
  branches: IssueBranches.optional(),
  comments: z.array(CommentView).optional(),
})

interface Parts extends Omit<z.infer<typeof Carried>, 'at'> {
  closers?: Closer[]
  settings?: { text: string | undefined }
  /** Names of files. */
  templates?: string[]
}

/** ms */
const goodFor = 10_000
/** A record has at most so many characters of comments. */
const maxCharacters = 50_000
/**
 * An answer has at most so many bytes. A hundred commands may be in hand, and anybody may have written what they read.
 */
const maxBytes = 300_000

type Prefetched = ReturnType<typeof prefetchedParts>

/** What is needed to ask something of a thread, or to write into it. */
export interface ThreadAccess {
  client: Octokit
  thread: Thread
  /** Its repository, for REST. */
  at: { owner: string; repo: string }
  issue: { owner: string; repo: string; issue_number: number }
  app: GitHubApp
  prefetched: Prefetched
  redact(text: string): string
  /** Redacted, with the configured command word. */
  written(text: string): string
  now(): number
}

/** @param brought what the record of a Run brought, of whatever version */
export function prefetchedParts(brought: unknown, now: () => number) {
  const found = Carried.safeParse(brought).data
  let at = Math.min(found?.at ?? Number.NEGATIVE_INFINITY, now())
  let parts: Parts = { open: found?.open, branches: found?.branches, comments: found?.comments }
  const fresh = (): Parts => (now() - at < goodFor ? parts : {})
  return {
    keep(read: Parts) {
      at = now()
      parts = read
    },
    see: <K extends keyof Parts>(part: K) => fresh()[part],
    /** Each part can be taken once. */
    take<K extends keyof Parts>(part: K): Parts[K] {
      const found = fresh()[part]
      delete parts[part]
      return found
    },
    /** What a record keeps of it: no secrets, and no comments that are too long for it. */
    carried(redact: (text: string) => string): z.infer<typeof Carried> | undefined {
      const { open, branches, comments } = fresh()
      if (!open) return undefined
      const texts = comments?.map(comment => ({ ...comment, body: redact(comment.body) }))
      const size = texts?.reduce((sum, { body }) => sum + body.length, 0) ?? 0
      return { at, open, branches, comments: size > maxCharacters ? undefined : texts }
    },
  }
}

const ResponseData = inRepository({
  id: z.string(),
  file: z
    .object({
      text: z.string().nullable(),
      isBinary: z.boolean().nullable(),
      isTruncated: z.boolean(),
    })
    .nullable(),
  templates: z.object({ entries: z.array(z.object({ name: z.string() })).nullish() }).nullable(),
  base: Branch.nullish(),
  ours: z.object({ totalCount: z.number(), nodes: z.array(Branch) }).optional(),
  thread: z.object({
    id: z.string(),
    closed: z.boolean(),
    comments: z.object({ totalCount: z.number(), nodes: z.array(Comment) }),
    linkedBranches: Linked.optional(),
    closedByPullRequestsReferences: Closers.optional(),
  }),
})
type Found = z.infer<typeof ResponseData>['repository']

/** What GitHub refuses of it, or makes too long, is not kept: each part is then asked for by itself. */
export async function readAhead({ app, client, thread, prefetched }: ThreadAccess): Promise<void> {
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
  app.ids.set(threadKey(thread), found.thread.id)
  const { comments, closed, closedByPullRequestsReferences: closers } = found.thread
  const isWhole = comments.totalCount <= comments.nodes.length
  const { file } = found
  const isSettings = file?.text?.includes(':') && !file.isBinary && !file.isTruncated
  prefetched.keep({
    // Without a colon it is no settings file, perhaps a symlink, which only REST follows.
    settings: file === null || isSettings ? { text: file?.text ?? undefined } : undefined,
    templates: (found.templates?.entries ?? []).map(({ name }) => name),
    comments: isWhole ? comments.nodes : undefined,
    branches: thread.kind === 'issue' ? branchesAhead(found, thread) : undefined,
    open: closed ? undefined : true,
    closers: closers && closersIn(closers, thread),
  })
}

function branchesAhead({ id, base, ours, thread }: Found, of: Thread): IssueBranches | undefined {
  if (!ours || !thread.linkedBranches || ours.totalCount > ours.nodes.length) return undefined
  return {
    ...linkedIn(thread.linkedBranches, of),
    ours: ours.nodes.filter(({ name }) => isBranchOfIssue(name, usualStem(of))),
    base: base ?? undefined,
    ids: { issue: thread.id, repository: id },
  }
}
