/**
 * What several ask for in one turn of the event loop is done once, for all of them, and never while the last time is
 * still under way: each is told when what it asked for is done.
 */
export function inOneGo(act: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= last
      .catch(() => {})
      .then(async () => {
        await new Promise(resolve => setImmediate(resolve))
        next = undefined
        await act()
      })
    last = next
    return next
  }
}
