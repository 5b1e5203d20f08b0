/**
 * Batches calls of one pass of the event loop into one `act`, never two at a time. Each caller waits for its own batch.
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
