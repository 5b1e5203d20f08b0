/**
 * Caps without counters: a Run may start when fewer older Runs than the cap are under way in its scope.
 * A pure function of the list of live Runs, so there is nothing to leak after a crash.
 */
import type { Run } from './run.ts'

export interface LiveRun {
  id: string
  /** ms since the epoch; older Runs go first, those of one moment by id. */
  addedAt: number
  data: Pick<Run, 'thread' | 'ask' | 'outcome'>
}

/** How many others have to end before this one may start; 0 when it may start now. */
export function ahead(me: LiveRun & { data: Pick<Run, 'settings'> }, live: readonly LiveRun[]): number {
  const before = live.filter(other => other.data.outcome === undefined && isOlder(other, me))
  const here = before.filter(({ data }) => data.thread.repoId === me.data.thread.repoId)
  const mine = here.filter(({ data }) => data.ask.by.id === me.data.ask.by.id)
  const { repository, person } = me.data.settings.limits
  return Math.max(0, here.length - repository + 1, mine.length - person + 1)
}

const isOlder = (other: LiveRun, me: LiveRun): boolean =>
  other.addedAt < me.addedAt || (other.addedAt === me.addedAt && other.id < me.id)
