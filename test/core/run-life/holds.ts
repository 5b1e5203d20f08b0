/** What keeps a Run from beginning, and what is read of it: it comes and goes while the Run waits, or before. */
import { day } from '../../../src/core/model/time.ts'
import type { Awaited, PullView } from '../../../src/core/model/views.ts'
import { changed, type Run } from '../../../src/core/record/run.ts'
import { runIndex, sets } from '../../../src/core/record/run-index.ts'
import { minute, pullView, runWith, t0 } from '../given.ts'
import type { Hold } from './script.ts'
import type { World } from './world.ts'

const repoId = 100

const blocker: Awaited = {
  name: '#3',
  title: 'blocker',
  url: 'https://github.com/acme/shop/issues/3',
}

export class Holds {
  /** In force, since when. */
  readonly #now = new Map<Hold, number>()
  /** What was read in the turn of the worker that has the job. */
  readonly #read = new Map<Hold, boolean>()
  /** When the last of them went, and whether somebody was told. */
  gone: { at: number; woke: boolean } | undefined

  put(hold: Hold, at: number): void {
    if (!this.#now.has(hold)) this.#now.set(hold, at)
  }

  /** @param wakes where the webhook or the timer comes through */
  lift(hold: Hold, at: number, wakes?: (hold: Hold) => boolean): void {
    if (!this.#now.delete(hold)) return
    const woke = wakes?.(hold) ?? false
    if (this.#now.size === 0) this.gone = { at, woke }
  }

  get all(): Hold[] {
    return [...this.#now.keys()]
  }

  newTurn(): void {
    this.#read.clear()
  }

  is(hold: Hold): boolean {
    const holds = this.#now.has(hold)
    this.#read.set(hold, holds)
    return holds
  }

  /** Those of `asked` that were not read in this turn, or held when they were read last. */
  inForce(asked: readonly Hold[]): Hold[] {
    return asked.filter(hold => this.#read.get(hold) !== false)
  }

  blockers = () => (this.is('blocker') ? [blocker] : [])
  openPulls = (): PullView[] => (this.is('open pulls') ? [pullView({ number: 4 })] : [])

  /** A Run of others that has cost all that there is, until it is a day old: so long that a person is called. */
  spent(now: number): { id: string; addedAt: number; data: Run; standing: 'ended' }[] {
    const at = (this.#now.get('money') ?? 0) + 12 * minute - day
    if (now >= at + day) this.lift('money', at + day)
    if (!this.is('money')) return []
    const data = changed(runWith(), {
      schedule: { admitted: true, admissionExpectedAt: at },
      session: { taskId: 'task-of-others', cost: 100 },
    })
    return [{ id: 'run-comment-300', addedAt: at, data, standing: 'ended' }]
  }
}

/** As the queue does it: who waits for something is found by it. */
export function wake(world: World, data: Run, hold: Hold): boolean {
  const { waits } = data.schedule
  const found = (set: string) =>
    runIndex.entries({ id: data.id, addedAt: t0, data }).some(each => each.set === set)
  const wakes = (set: string, isAwaited: boolean): boolean => {
    if (isAwaited !== found(set))
      world.violations.push(`waits for the ${hold}: ${isAwaited}, is found: ${found(set)}`)
    if (isAwaited) world.rows += 1
    return isAwaited
  }
  switch (hold) {
    case 'total of 0':
      return wakes(sets.line('bot'), waits?.kind === 'zero' && waits.of === 'bot')
    case 'blocker':
      return wakes(sets.untilClosed(blocker.url), waits?.kind === 'blocked')
    case 'open pulls':
      return wakes(sets.untilPullEnds(repoId), waits?.kind === 'open-pulls')
    case 'limit of 0':
    case 'money':
      return false
  }
}
