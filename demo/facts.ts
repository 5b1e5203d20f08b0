/** What must have happened, by name; waited for, then looked at once more, since things may also happen twice. */
import { setTimeout as sleep } from 'node:timers/promises'

export type Facts = Readonly<Record<string, boolean>>

/** Did not happen: the names of the facts, or the reason. */
export class Missed extends Error {
  readonly missing: readonly string[]

  constructor(missing: readonly string[]) {
    super(`did not happen: ${missing.join('; ')}`)
    this.missing = missing
  }
}

const calm = 500

/** @param deadline epoch ms */
export async function allHold(look: () => Promise<Facts>, deadline: number): Promise<void> {
  let missing: string[] = ['anything at all']
  const late = new AbortController()
  const timer = sleep(deadline - Date.now(), undefined, { signal: late.signal }).then(() => {
    throw new Missed(missing)
  })
  const held = (async () => {
    do {
      await sleep(100)
      missing = missingOf(await look())
    } while (missing.length > 0 && !late.signal.aborted)
    await sleep(calm)
    missing = missingOf(await look())
    if (missing.length > 0) throw new Missed(missing)
  })()
  try {
    await Promise.race([held, timer])
  } finally {
    late.abort()
  }
}

const missingOf = (facts: Facts): string[] =>
  Object.entries(facts)
    .filter(([, holds]) => !holds)
    .map(([what]) => what)
