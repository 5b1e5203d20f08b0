/** A repository, all of an owner, or the whole bot: nothing begins there until it goes on. */
import { z } from 'zod'
import type { Thread } from './thread.ts'

export const pauseKinds = ['repository', 'owner', 'bot'] as const

export const Pause = z.object({
  paused: z.boolean(),
  of: z.enum(pauseKinds).default('repository'),
  /** The number of the repository, or of the owner; 0 for the bot. */
  repoId: z.number().int(),
  /** The trigger that said so, and when, by GitHub's clock: the newest counts. */
  id: z.string(),
  at: z.number(),
  /** Of a comment in a thread: GitHub's number, and which command of it. */
  place: z.object({ comment: z.number().int(), command: z.number().int() }).optional(),
  by: z.string(),
  why: z.string().default(''),
  /** ms since the epoch; older versions knew pauses that end by themselves */
  until: z.number().optional(),
})
export type Pause = z.infer<typeof Pause>

/** GitHub's times are whole seconds. Within one, its numbers decide, and without them a resume counts. */
export function isNewer(one: Pause, other: Pause): boolean {
  if (one.at !== other.at) return one.at > other.at
  if (!one.place || !other.place) return !one.paused && other.paused
  if (one.place.comment !== other.place.comment) return one.place.comment > other.place.comment
  return one.place.command > other.place.command
}

/** @param all in the order in which they came */
export const newestPause = ([first, ...others]: readonly Pause[]): Pause | undefined =>
  first && others.reduce((kept, next) => (isNewer(kept, next) ? kept : next), first)

/** What is paused. */
export type PauseOf = Pick<Pause, 'of' | 'repoId'>

export const pauseOfRepository = (repoId: number): PauseOf => ({ of: 'repository', repoId })
export const pauseOfOwner = (ownerId: number): PauseOf => ({ of: 'owner', repoId: ownerId })
export const pauseOfBot: PauseOf = { of: 'bot', repoId: 0 }

/** What of it a thread is in. */
export const pausedPart = (
  { repoId, ownerId }: Pick<Thread, 'repoId' | 'ownerId'>,
  of: Pause['of'],
): PauseOf =>
  of === 'repository' ? pauseOfRepository(repoId) : of === 'owner' ? pauseOfOwner(ownerId) : pauseOfBot

/** `undefined`: it was not paused, or has gone on. */
export interface Pauses {
  /** @param said what the newest comment of ours tells, read once in the life of a queue: it may be new after a loss */
  of(what: PauseOf, said?: () => Promise<Pause | undefined>): Promise<Pause | undefined>
  /** What was said last counts, however late it comes. Idempotent by `id`. */
  say(pause: Pause): Promise<void>
}

export const holds = ({ paused, until }: Pause, now: number): boolean =>
  paused && (until === undefined || until > now)
