/**
 * What pages count of Runs that ended, without reading them. The index keeps it by day: figures longer than the queue
 * keeps the Run, why it failed for as long as that needs somebody.
 */
import { z } from 'zod'
import { day } from '../model/time.ts'
import { stripInvisible } from '../text/invisible.ts'
import { Outcome, outcomeKinds, type Run } from './run.ts'

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

export const RunFailure = RunFigures.pick({ at: true, repoId: true, owner: true, by: true }).extend({
  number: z.number(),
  /** Without what helps, and cut: it may hold words of others. */
  outcome: Outcome,
})
export type RunFailure = z.infer<typeof RunFailure>

/** A day more than failures are shown for. */
export const failuresKeptDays = 4

/** Of a day in UTC. */
export const failuresOn = (at: number): string => `failures ${Math.floor(at / day)}`

const maxReason = 300
const leftOut = ''
const cut = (reason: string): string => stripInvisible(reason).slice(0, maxReason).toWellFormed()

export function failureOf({ thread, request, result }: Run): RunFailure | undefined {
  const { outcome, concludedAt } = result
  if (concludedAt === undefined || (outcome?.kind !== 'failed' && outcome?.kind !== 'unfinished'))
    return undefined
  return {
    ...{ at: concludedAt, repoId: thread.repoId, owner: thread.owner, by: request.by.login },
    number: thread.number,
    outcome: outcome.kind === 'failed' ? { ...outcome, reason: cut(outcome.reason), fix: leftOut } : outcome,
  }
}
