/**
 * One query instead of six calls. Each part is given out once, and for a few seconds only: whoever asks again wants it
 * as it is then. Servers without the query answer single questions.
 */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { isBranchOfIssue, stemOf } from '../core/model/branch-name.ts'
import { Rejected } from '../core/model/errors.ts'
import type { SharedCache } from '../core/model/shared-cache.ts'
import type { Thread } from '../core/model/thread.ts'
import type { IssueBranches, PullView } from '../core/model/views.ts'
import { settingsPath } from '../core/settings/repository-file.ts'
import { isGraphqlError, lacksField } from './graphql-errors.ts'

export interface GivenComment {
  id: number
  body?: string | undefined
  user: { login: string; type: string } | null
  created_at: string
  updated_at: string
}

interface Parts {
  settings: { text: string | undefined }
  comments: GivenComment[]
  branches: IssueBranches
  open: true
  pull: PullView
}

const Branch = z.object({ name: z.string(), sha: z.string() })
const Shared = z.object({
  at: z.number(),
  nodes: z.object({ thread: z.string().optional(), repository: z.string().optional() }),
  open: z.literal(true).optional(),
  branches: z
    .object({
      linked: z.array(Branch),
      ours: z.array(Branch),
      base: Branch.optional(),
      ids: z.object({ issue: z.string(), repository: z.string() }).optional(),
    })
    .transform(found => ({ base: undefined, ids: undefined, ...found }))
    .optional(),
})
type Shared = z.infer<typeof Shared>

/** How long what was read ahead is good for, in ms. */
const goodFor = 10_000
const maxKept = 1_000
const mostIds = 10_000
const absentFor = 60 * 60_000

export interface ReadAheads {
  keep(key: string, parts: Partial<Parts>): void
  take<K extends keyof Parts>(key: string, part: K): Parts[K] | undefined
  see<K extends keyof Parts>(key: string, part: K): Parts[K] | undefined
  ids: { get(name: string): string | undefined; set(name: string, id: string): void }
  /** Passes on what the Run needs first: it may begin in another process than the one that took the command. */
  share(thread: Thread): Promise<void>
  /** Takes over what another process shared, unless this one knows what it read itself. */
  fetch(thread: Thread): Promise<void>
  noteAbsent(): void
  isAbsent(): boolean
}

interface Sharing {
  cache: SharedCache
  name: string
}

export function readAheads(now: () => number, sharing?: Sharing): ReadAheads {
  const kept = new Map<string, { at: number; parts: Partial<Parts> }>()
  const ids = new Map<string, string>()
  let absentUntil = 0
  const note = (name: string, id: string): void => {
    ids.set(name, id)
    dropOldest(ids, mostIds)
  }
  const fresh = (key: string): Partial<Parts> | undefined => {
    const found = kept.get(key)
    if (found && now() - found.at < goodFor) return found.parts
    kept.delete(key)
    return undefined
  }
  return {
    keep(key, parts) {
      kept.delete(key)
      kept.set(key, { at: now(), parts })
      dropOldest(kept, maxKept)
    },
    take(key, part) {
      const parts = fresh(key)
      const found = parts?.[part]
      delete parts?.[part]
      return found
    },
    see: (key, part) => fresh(key)?.[part],
    ids: {
      get: name => ids.get(name),
      set: note,
    },
    async share(thread) {
      const key = threadKey(thread)
      const { open, branches } = fresh(key) ?? {}
      const nodes = { thread: ids.get(key), repository: ids.get(String(thread.repoId)) }
      const shared: Shared = { at: now(), nodes, open, branches }
      await sharing?.cache.put(`${sharing.name} ${key}`, shared, goodFor).catch(() => {})
    },
    async fetch(thread) {
      if (!sharing) return
      const key = threadKey(thread)
      // Given out once, whoever it is given to.
      const taken = sharing.cache.take(`${sharing.name} ${key}`).then(Shared.safeParse, () => undefined)
      if (fresh(key)) return
      const found = (await taken)?.data
      if (!found) return
      const { at, nodes, open, branches } = found
      kept.set(key, { at, parts: { ...(open && { open }), ...(branches && { branches }) } })
      if (nodes.thread !== undefined) note(key, nodes.thread)
      if (nodes.repository !== undefined) note(String(thread.repoId), nodes.repository)
    },
    noteAbsent() {
      absentUntil = now() + absentFor
    },
    isAbsent: () => now() < absentUntil,
  }
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}

/** The settings may have another prefix, which is known only when they are read. */
export const usualStem = ({ number }: Pick<Thread, 'number'>): string => stemOf('codex/', number)

export const threadKey = ({ repoId, number }: Pick<Thread, 'repoId' | 'number'>): string =>
  `${repoId}/${number}`
export const pullKey = (repoId: number, number: number): string => `${repoId}/pull/${number}`

const comments = `comments(last: 100) {
        totalCount
        nodes { fullDatabaseId body createdAt updatedAt author { __typename login } }
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
        linkedBranches(first: 10) { nodes { ref { name target { oid } } } }
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

const Answer = z.object({
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
            fullDatabaseId: z.coerce.number().int().positive(),
            body: z.string(),
            createdAt: z.string(),
            updatedAt: z.string(),
            author: z.object({ __typename: z.string(), login: z.string() }).nullable(),
          }),
        ),
      }),
      linkedBranches: z.object({ nodes: z.array(z.object({ ref: Ref.nullable() })) }).optional(),
    }),
  }),
})
type Found = z.infer<typeof Answer>['repository']

export async function readAhead(client: Octokit, aheads: ReadAheads, thread: Thread): Promise<void> {
  if (aheads.isAbsent()) return
  // What was read before is of no use to who wants it anew, whatever comes of that.
  aheads.keep(threadKey(thread), {})
  try {
    const found = Answer.parse(
      await client.graphql(threadAhead, {
        owner: thread.owner,
        name: thread.repo,
        number: thread.number,
        file: `HEAD:${settingsPath}`,
        base: `refs/heads/${thread.defaultBranch}`,
        prefix: usualStem(thread),
        isIssue: thread.kind === 'issue',
      }),
    ).repository
    aheads.ids.set(String(thread.repoId), found.id)
    aheads.ids.set(threadKey(thread), found.thread.id)
    aheads.keep(threadKey(thread), partsOf(found, thread))
    await aheads.share(thread)
  } catch (error) {
    if (lacksField(error) || isNotThere(error)) aheads.noteAbsent()
    else if (!isNoClearAnswer(error)) throw error
  }
}

const isNotThere = (error: unknown): boolean =>
  error instanceof Rejected && (error.status === 404 || error.status === 405)

/** A refusal of the whole query says nothing of its parts: each is asked for by itself. */
const isNoClearAnswer = (error: unknown): boolean =>
  error instanceof Rejected || error instanceof z.ZodError || isGraphqlError(error)

function partsOf(found: Found, { number, kind }: Thread): Partial<Parts> {
  const { comments, closed } = found.thread
  const branches = kind === 'issue' ? branchesOf(found, number) : undefined
  const settings = settingsOf(found.file)
  return {
    ...(settings ? { settings } : {}),
    ...(comments.totalCount <= comments.nodes.length ? { comments: comments.nodes.map(asRest) } : {}),
    ...(branches ? { branches } : {}),
    ...(closed ? {} : { open: true }),
  }
}

/** What has no colon is no settings: perhaps a link to them, which only REST follows. */
function settingsOf(file: Found['file']): Parts['settings'] | undefined {
  if (file === null) return { text: undefined }
  const { text, isBinary, isTruncated } = file
  return text === null || isBinary || isTruncated || !text.includes(':') ? undefined : { text }
}

function branchesOf({ id, base, ours, thread }: Found, number: number): IssueBranches | undefined {
  if (!ours || !thread.linkedBranches || ours.totalCount > ours.nodes.length) return undefined
  return {
    linked: thread.linkedBranches.nodes.flatMap(({ ref }) => (ref ? [viewOf(ref)] : [])),
    ours: ours.nodes.map(viewOf).filter(({ name }) => isBranchOfIssue(name, usualStem({ number }))),
    base: base ? viewOf(base) : undefined,
    ids: { issue: thread.id, repository: id },
  }
}

const viewOf = ({ name, target }: z.infer<typeof Ref>) => ({ name, sha: target.oid })

/** GraphQL leaves out the `[bot]` that REST puts behind the name of one. */
export function loginOf(author: { __typename: string; login: string }): string {
  const isBot = author.__typename === 'Bot' && !author.login.endsWith('[bot]')
  return isBot ? `${author.login}[bot]` : author.login
}

const asRest = (comment: Found['thread']['comments']['nodes'][number]): GivenComment => ({
  id: comment.fullDatabaseId,
  body: comment.body,
  user: comment.author && { login: loginOf(comment.author), type: comment.author.__typename },
  created_at: comment.createdAt,
  updated_at: comment.updatedAt,
})
