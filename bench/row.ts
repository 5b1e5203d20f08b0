/** One line of the table: what is measured, beside its floor, and how far it should reach. */

export type Measured =
  /** Per second, the more the better: the ratio is ours to the floor's. */
  | { kind: 'rate'; floor: number; ours: number; reach: number }
  /** In ms, the less the better. */
  | { kind: 'time'; floor: number; ours: number; reach: number }
  /** Without a floor: the less the better, each in its own unit. */
  | { kind: 'bounds'; each: Record<string, { ours: number; reach: number }> }

export interface Row {
  name: string
  about: string
  measure(): Promise<Measured>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}

/** Each round is a measurement of both, one after the other, so that a noisy neighbour meets both. */
export async function inRounds(
  rounds: number,
  floor: () => Promise<number>,
  ours: () => Promise<number>,
): Promise<{ floor: number; ours: number }> {
  const measured = { floor: [] as number[], ours: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    measured.floor.push(await floor())
    measured.ours.push(await ours())
  }
  return { floor: median(measured.floor), ours: median(measured.ours) }
}

export function isReached(measured: Measured): boolean {
  switch (measured.kind) {
    case 'rate':
      return measured.ours / measured.floor >= measured.reach
    case 'time':
      return measured.ours / measured.floor <= measured.reach
    case 'bounds':
      return Object.values(measured.each).every(({ ours, reach }) => ours < reach)
  }
}
