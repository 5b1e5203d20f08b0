export interface Throttle {
  /** Calls `ring` at once after a quiet gap, then again after each gap, `times` in all. */
  ring(times: number): void
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
  let owed = 0
  let timer: NodeJS.Timeout | undefined
  let stilled = false
  let later: { timer: NodeJS.Timeout; at: number } | undefined
  let lastSaid = 0

  const ringNow = (): void => {
    if (later && Date.now() - lastSaid >= late) forget()
    ring()
  }
  const next = (): void => {
    timer = undefined
    if (owed === 0) return
    owed -= 1
    timer = setTimeout(next, gap).unref()
    ringNow()
  }
  const ringTimes = (times: number): void => {
    if (stilled) return
    owed = Math.max(owed, times)
    if (!timer) next()
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
    ringTimes(1)
  }
  return {
    ring: ringTimes,
    ringWithin(ms) {
      if (stilled) return
      lastSaid = Date.now()
      if (!later || later.at > lastSaid + ms) plan(ms)
    },
    still() {
      stilled = true
      clearTimeout(timer)
      forget()
    },
  }
}
