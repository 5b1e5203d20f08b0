/** Each caller waits, in order, for a pass of the event loop: long work on many texts leaves room for timers and requests. */
let last: Promise<void> = Promise.resolve()

export function yieldToEventLoop(): Promise<void> {
  last = last.then(() => new Promise(resolve => setImmediate(resolve)))
  return last
}

export async function readOneByOne(reads: readonly (() => unknown)[]): Promise<void> {
  for (const read of reads) {
    await yieldToEventLoop()
    read()
  }
  await yieldToEventLoop()
}
