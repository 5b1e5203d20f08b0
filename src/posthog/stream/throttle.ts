export interface Throttle {
  /** Calls `ring` at once after a quiet gap. */
  ring(): void
  /** Calls `due` and `ring` after each of these pauses in turn, ms. */
  ringAfter(pauses: readonly number[], due: () => void): void
  /** Calls `ring` once within `ms`, when the log is complete up to the last event. */
  ringWithin(ms: number): void
  still(): void
}

interface Paces {
  gap: number
  late: number
}

/** Events during a gap cause one more ring at its end: the last of a burst counts too. */
export function throttleOf(ring: () => void, { gap, late }: Paces): Throttle {
  let owed = false
  let timer: NodeJS.Timeout | undefined
  let again: NodeJS.Timeout | undefined
  let stilled = false
  let later: { timer: NodeJS.Timeout; at: number } | undefined
  let lastSaid = 0

  const ringNow = (): void => {
    if (later && Date.now() - lastSaid >= late) forget()
    ring()
  }
  const next = (): void => {
    timer = undefined
    if (!owed) return
    owed = false
    timer = setTimeout(next, gap).unref()
    ringNow()
  }
  const ringSoon = (): void => {
    if (stilled) return
    owed = true
    if (!timer) next()
  }
  const ringAfter = ([pause, ...more]: readonly number[], due: () => void): void => {
    clearTimeout(again)
    if (pause === undefined || stilled) return
    const now = (): void => {
      due()
      ringSoon()
      ringAfter(more, due)
    }
    again = setTimeout(now, pause).unref()
  }
  const forget = (): void => {
    clearTimeout(later?.timer)
    later = undefined
  }
  const plan = (ms: number): void => {
    forget()
    later = { timer: setTimeout(() => ringLater(ms), ms).unref(), at: Date.now() + ms }
  }
  const ringLater = (ms: number): void => {
    later = undefined
    if (Date.now() - lastSaid < late) plan(ms)
    ringSoon()
  }
  return {
    ring: ringSoon,
    ringAfter,
    ringWithin(ms) {
      if (stilled) return
      lastSaid = Date.now()
      if (!later || later.at > lastSaid + ms) plan(ms)
    },
    still() {
      stilled = true
      clearTimeout(timer)
      clearTimeout(again)
      forget()
    },
  }
}
