const atATime = 10

export function pileOf(wake: (runId: string) => Promise<void>, failed: (error: unknown) => void) {
  const waiting = new Set<string>()
  let underWay = 0

  function go(): void {
    for (const runId of waiting) {
      if (underWay >= atATime) return
      waiting.delete(runId)
      underWay += 1
      void wake(runId)
        .catch(failed)
        .finally(() => {
          underWay -= 1
          go()
        })
    }
  }

  return {
    add(runId: string): void {
      waiting.add(runId)
      go()
    },
    size: (): number => waiting.size,
    clear: (): void => waiting.clear(),
  }
}
