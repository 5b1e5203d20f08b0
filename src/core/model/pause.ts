/** A repository in which nothing begins until it goes on. */
import { z } from 'zod'

export const Pause = z.object({
  paused: z.boolean(),
  repoId: z.number().int(),
  /** The trigger that said so, and when, by GitHub's clock: the newest counts. */
  id: z.string(),
  at: z.number(),
  by: z.string(),
  why: z.string().default(''),
  /** ms since the epoch */
  until: z.number().optional(),
})
export type Pause = z.infer<typeof Pause>

/** `undefined`: the repository was not paused, or has gone on. */
export interface Pauses {
  of(repoId: number): Promise<Pause | undefined>
  /** What was said last counts, however late it comes. Idempotent by `id`. */
  say(pause: Pause): Promise<void>
}

export const holds = ({ paused, until }: Pause, now: number): boolean =>
  paused && (until === undefined || until > now)
