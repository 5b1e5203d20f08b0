const atATime = 10
/** ms */
const longestPause = 10_000

/**
 * Wakes Runs a few at a time. A wake that failed is repeated until the Run was woken, as nothing else would say it again.
 * @param failed hears of the first failure in a row for a Run
 * @param firstPause ms, doubled with each failure
 */
export function pileOf(
  wake: (runId: string) => Promise<void>,
  failed: (error: unknown) => void,
  firstPause = 500,
) {
  const waiting = new Set<string>()
  const failing = new Map<string, { pause: number; timer: NodeJS.Timeout | undefined }>()
  let underWay = 0

  function add(runId: string): void {
    waiting.add(runId)
    go()
  }

  function go(): void {
    for (const runId of waiting) {
      if (underWay >= atATime) return
      waiting.delete(runId)
      underWay += 1
      void wake(runId)
        .then(
          () => forget(runId),
          error => repeat(runId, error),
        )
        .finally(() => {
          underWay -= 1
          go()
        })
    }
  }

  function repeat(runId: string, error: unknown): void {
    const before = failing.get(runId)
    if (!before) failed(error)
    if (before?.timer) return
    const pause = Math.min(longestPause, before ? before.pause * 2 : firstPause)
    const again = (): void => {
      failing.set(runId, { pause, timer: undefined })
      add(runId)
    }
    failing.set(runId, { pause, timer: setTimeout(again, pause).unref() })
  }

  function forget(runId: string): void {
    clearTimeout(failing.get(runId)?.timer)
    failing.delete(runId)
  }

  return {
    add,
    size: (): number => waiting.size,
    clear(): void {
      waiting.clear()
      for (const runId of [...failing.keys()]) forget(runId)
    },
  }
}
