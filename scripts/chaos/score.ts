/** Adds up what happened, and tells it. */
import type { Turn } from '../../test/chaos/stage.ts'

interface Result {
  violations: string[]
  recoveries: number[]
  threads: number
  ms: number
}

/** Before it is known: as long as most take. */
const guess = 60_000

export class Score {
  readonly violations: string[] = []
  readonly #results = new Map<string, Result[]>()

  add({ scenario, queue, seed }: Turn, result: Result): void {
    this.#results.set(scenario.name, [...(this.#results.get(scenario.name) ?? []), result])
    const again = `npm run chaos -- --only "${scenario.name}" --queue ${queue} --seed ${seed}`
    this.violations.push(
      ...result.violations.map(what => `${scenario.name}: ${what}\n    ${again}`),
    )
  }

  usualMs(name: string): number {
    const took = (this.#results.get(name) ?? []).map(({ ms }) => ms)
    return took.length === 0 ? guess : Math.max(...took)
  }

  table(names: readonly string[]): string {
    const rows = names.flatMap(name => this.#row(name))
    const head = ['scenario', 'runs', 'threads', 'violations', 'recovery p50', 'max']
    const widths = head.map((title, column) =>
      Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)),
    )
    const line = (row: string[]) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
    return [
      '',
      line(head),
      line(widths.map(width => '─'.repeat(width))),
      ...rows.map(line),
      '',
      ...this.violations.flatMap(what => [what, '']),
      `${this.violations.length} violations`,
      '',
    ].join('\n')
  }

  #row(name: string): string[][] {
    const results = this.#results.get(name)
    if (!results) return []
    const sum = (of: (result: Result) => number) =>
      String(results.reduce((all, result) => all + of(result), 0))
    const recoveries = results.flatMap(result => result.recoveries).sort((a, b) => a - b)
    const half = recoveries[Math.floor(recoveries.length / 2)]
    const counts = [
      String(results.length),
      sum(({ threads }) => threads),
      sum(({ violations }) => violations.length),
    ]
    return [[name, ...counts, seconds(half), seconds(recoveries.at(-1))]]
  }
}

const seconds = (ms: number | undefined): string =>
  ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`
