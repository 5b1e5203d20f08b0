/**
 * `npm test` tells whether the bot works, in minutes. `npm run test:all` tries all there is: every crash point, both
 * queues for each story, every row that is generated.
 */
export const exhaustive = process.env.EXHAUSTIVE !== undefined

/** How often a property is tried: a share of its count, many times its count with `npm run properties`. */
const share = Number(process.env.TRIES ?? (exhaustive ? 0.3 : 0.03))

export const tries = (count: number): number => Math.max(1, Math.round(count * share))

/** Of rows that differ only in what is tried: all of them, or as many from all over. */
export const someOf = <T>(rows: readonly T[], count: number): T[] =>
  rows.filter((_, at) => exhaustive || at % Math.ceil(rows.length / count) === 0)

/** Of backends that are held to the same: all of them, or the last that is there. */
export const oneOf = <T>(backends: readonly T[]): readonly T[] =>
  exhaustive ? backends : backends.slice(-1)

/** Of what is sampled with a seed of its own: new samples with each `npm run properties`. */
export const sampleSeed = (seed: number): number =>
  process.env.TRIES === undefined ? seed : Date.now() % 1_000_000
