/** What came of Runs, and what they cost. Pure. */

import { day } from '../../core/model/time.ts'
import { outcomeKinds } from '../../core/record/run.ts'
import type { RunFigures } from '../../core/record/run-figures.ts'
import { lastDays, meanWait, type OutcomesOfDay, together } from './board.ts'

export interface Figures {
  name: string
  runs: number
  /** Opened by them, and what became of these. */
  pulls: number
  merged: number
  closed: number
  /** US dollars, as far as PostHog said. */
  cost: number
}

export interface DayFigures extends OutcomesOfDay {
  cost: number
  /** ms that they waited in line on average, if any had to. */
  wait: number | undefined
}

/** `cost` is its own share. */
type Costed = RunFigures & { cost: number }

/** PostHog counts by task, which several Runs may share: of each Run counts what it added. */
function costed(ended: readonly RunFigures[]): Costed[] {
  const known = new Map<string, number>()
  return ended
    .toSorted((a, b) => a.at - b.at)
    .map(run => {
      const before = known.get(run.task) ?? 0
      const cost = run.cost ?? 0
      known.set(run.task, Math.max(before, cost))
      return { ...run, cost: Math.max(0, cost - before) }
    })
}

function figuresOf(name: string, all: readonly Costed[]): Figures {
  const pulls = new Map<string, string>()
  for (const { repoId, pulls: own } of all)
    for (const { number, state } of own) pulls.set(`${repoId}#${number}`, state)
  const states = [...pulls.values()]
  return {
    name,
    runs: all.length,
    pulls: states.length,
    merged: states.filter(state => state === 'merged').length,
    closed: states.filter(state => state === 'closed').length,
    cost: all.reduce((sum, { cost }) => sum + cost, 0),
  }
}

/** Shown in any case. */
export const usualDays = 14

export interface AllFigures {
  total: Figures
  /** From the first on which one ended, the oldest first. */
  days: readonly DayFigures[]
  allDays: DayFigures
  repositories: readonly Figures[]
  people: readonly Figures[]
}

/** @param ended those of some days, in any order */
export function allFigures(ended: readonly RunFigures[], now: number, days: number): AllFigures {
  const all = costed(ended)
  const starts = lastDays(now, days)
  const byDay = new Map(together(all, ({ at }) => dayOf(at)))
  const first = Math.min(...byDay.keys(), starts.at(-usualDays) ?? now)
  const by = (nameOf: (run: RunFigures) => string): Figures[] =>
    together(all, nameOf)
      .map(([name, own]) => figuresOf(name, own))
      .toSorted((a, b) => b.cost - a.cost || b.runs - a.runs)
  return {
    total: figuresOf('All', all),
    days: starts.filter(start => start >= first).map(start => ofDay(start, byDay.get(start) ?? [])),
    allDays: ofDay(0, all),
    repositories: by(({ owner, repo }) => `${owner}/${repo}`),
    people: by(run => run.by),
  }
}

const dayOf = (at: number): number => at - (at % day)

const ofDay = (start: number, own: readonly Costed[]): DayFigures => ({
  day: start,
  cost: own.reduce((sum, { cost }) => sum + cost, 0),
  wait: meanWait(own.map(({ waited }) => waited)),
  outcomes: outcomeKinds.map(kind => ({
    kind,
    count: own.filter(({ outcome }) => outcome === kind).length,
  })),
})
