/**
 * How often a property is tried: a share of its count in the suite, which has to be quick, many times its count with
 * `npm run properties`, with new samples each time.
 */
const share = Number(process.env.TRIES ?? 0.3)

export const tries = (count: number): number => Math.max(1, Math.round(count * share))

/** Of what is sampled with a seed of its own. */
export const sampleSeed = (seed: number): number =>
  process.env.TRIES === undefined ? seed : Date.now() % 1_000_000
