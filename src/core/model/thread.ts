/** The issue or pull request that something is about: its repository, people, text and names. */
import { createHash } from 'node:crypto'
import { z } from 'zod'

export const Thread = z.object({
  installationId: z.int(),
  owner: z.string(),
  /** GitHub's number of the owner: a login can change hands. 0 is nobody's. */
  ownerId: z.int().default(0),
  repo: z.string(),
  repoId: z.int(),
  defaultBranch: z.string(),
  /** 0: none, of news that is about a branch. */
  number: z.int().nonnegative(),
  kind: z.enum(['issue', 'pull']),
  url: z.string(),
})
export type Thread = z.infer<typeof Thread>

export const Repository = Thread.omit({ number: true, kind: true, url: true })
export type Repository = z.infer<typeof Repository>

export const Person = z.object({ login: z.string(), id: z.int() })
export type Person = z.infer<typeof Person>

/** Who acts on the admin pages: no account of GitHub's, whose logins have no spaces. */
export const botAdmin: Person = { login: 'an admin of this bot', id: 0 }

/** The text when the command was given; later edits are not read. */
export const Snapshot = z.object({
  title: z.string(),
  body: z.string(),
  author: z.string(),
  open: z.boolean(),
  /** How many open issues block it, as the webhook says. */
  blockers: z.int().optional(),
  /** The fingerprint of title and description as they were written, before a record redacts them. */
  fingerprint: z.string().optional(),
})
export type Snapshot = z.infer<typeof Snapshot>

/** Stands for texts that are too long to be kept. */
export const hashOf = (length: number, ...texts: string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('base64url').slice(0, length)

export const PullHead = z.object({
  ref: z.string(),
  sha: z.string(),
  base: z.string(),
  repoId: z.int().nullable(),
})
export type PullHead = z.infer<typeof PullHead>

export const fullName = (thread: Pick<Thread, 'owner' | 'repo'>): string =>
  `${thread.owner}/${thread.repo}`

export const nounOf = ({ kind }: Pick<Thread, 'kind'>) =>
  kind === 'issue' ? 'issue' : 'pull request'

export const threadName = (thread: Thread): string => `${fullName(thread)}#${thread.number}`

export const threadSlot = (thread: Pick<Thread, 'repoId' | 'number'>): string =>
  `thread-${thread.repoId}-${thread.number}`

export const isFork = (head: PullHead, thread: Pick<Thread, 'repoId'>): boolean =>
  head.repoId !== thread.repoId
