/** What came of Runs, and what they cost. Pure. */

import { fullName } from '../../core/model/thread.ts'
import { day } from '../../core/model/time.ts'
import { outcomeKinds, type Run } from '../../core/record/run.ts'
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

interface Costed {
  run: Run
  at: number
  cost: number
}

/** PostHog counts by task, which several Runs may share: of each Run counts what it added. */
function costed(ended: readonly Run[]): Costed[] {
  const known = new Map<string, number>()
  return ended
    .map(run => ({ run, at: run.result.concludedAt ?? run.request.at }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ run, at }) => {
      const { taskId = run.id, cost } = run.session
      const before = known.get(taskId) ?? 0
      known.set(taskId, Math.max(before, cost ?? 0))
      return { run, at, cost: Math.max(0, (cost ?? 0) - before) }
    })
}

function figuresOf(name: string, all: readonly Costed[]): Figures {
  const pulls = new Map<string, string>()
  for (const { run } of all)
    for (const { number, state } of run.result.pulls) pulls.set(`${run.thread.repoId}#${number}`, state)
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

export interface AllFigures {
  total: Figures
  days: readonly DayFigures[]
  repositories: readonly Figures[]
  people: readonly Figures[]
}

/** @param ended those of some days, in any order */
export function allFigures(ended: readonly Run[], now: number, days: number): AllFigures {
  const all = costed(ended)
  const by = (nameOf: (run: Run) => string): Figures[] =>
    together(all, ({ run }) => nameOf(run))
      .map(([name, own]) => figuresOf(name, own))
      .toSorted((a, b) => b.cost - a.cost || b.runs - a.runs)
  return {
    total: figuresOf('All', all),
    days: lastDays(now, days).map(start => {
      const own = all.filter(({ at }) => at >= start && at < start + day)
      return {
        day: start,
        cost: own.reduce((sum, { cost }) => sum + cost, 0),
        wait: meanWait(own.map(({ run }) => run)),
        outcomes: outcomeKinds.map(kind => ({
          kind,
          count: own.filter(({ run }) => run.result.outcome?.kind === kind).length,
        })),
      }
    }),
    repositories: by(({ thread }) => fullName(thread)),
    people: by(({ request }) => request.by.login),
  }
}
