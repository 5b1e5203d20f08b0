/**
 * One turn of the event loop for each who asks, in their order: many texts that each take their time leave room
 * between them for everything else.
 */
let last: Promise<void> = Promise.resolve()

export function loopTurn(): Promise<void> {
  last = last.then(() => new Promise(resolve => setImmediate(resolve)))
  return last
}

export async function readInTurns(reads: readonly (() => unknown)[]): Promise<void> {
  for (const read of reads) {
    await loopTurn()
    read()
  }
  await loopTurn()
}
