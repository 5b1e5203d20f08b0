const FIRST_MS = 1_000
const MOST_MS = 60_000
const GIVE_UP_JITTER = 10

/** ms: 1 s, doubling up to 60 s, less up to half by chance. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(FIRST_MS * 2 ** (failures - 1), MOST_MS)
  return failures > GIVE_UP_JITTER ? full : Math.round(full * (1 - random() / 2))
}
