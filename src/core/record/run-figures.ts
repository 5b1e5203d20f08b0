/** What the page of outcomes counts of a Run. The index keeps it by day, longer than the queue keeps the Run. */
import { z } from 'zod'
import { day } from '../model/time.ts'
import { outcomeKinds, type Run } from './run.ts'

export const RunFigures = z.object({
  /** When it came to its outcome, ms since the epoch. */
  at: z.number(),
  outcome: z.enum(outcomeKinds),
  repoId: z.number(),
  owner: z.string(),
  repo: z.string(),
  by: z.string(),
  /** PostHog's, which Runs may share. */
  task: z.string(),
  /** US dollars of the whole task, as far as PostHog said. */
  cost: z.number().nullable(),
  /** ms in line, if it had to wait there. */
  waited: z.number().optional(),
  pulls: z.array(z.object({ number: z.number(), state: z.string() })),
})
export type RunFigures = z.infer<typeof RunFigures>

export const figuresKeptDays = 90

/** Of a day in UTC. */
export const figuresOn = (at: number): string => `figures ${Math.floor(at / day)}`

export function figuresOf(run: Run): RunFigures | undefined {
  const { thread, request, session, schedule, result } = run
  const { outcome, concludedAt } = result
  if (!outcome || concludedAt === undefined) return undefined
  return {
    at: concludedAt,
    outcome: outcome.kind,
    ...{ repoId: thread.repoId, owner: thread.owner, repo: thread.repo, by: request.by.login },
    task: session.taskId ?? run.id,
    cost: session.cost ?? null,
    waited: schedule.waitedInLine,
    pulls: result.pulls.map(({ number, state }) => ({ number, state })),
  }
}
