/** Texts of others that one step needs are each read in a turn of the event loop of their own. */
import { expect, test } from 'vitest'
import { agentWords, readAgentWords } from '../../../src/core/words/words.ts'
import { threadTime } from '../../support/thread-time.ts'

const taken = (work: () => unknown): number => {
  const before = threadTime()
  work()
  return threadTime() - before
}

test('those of an answer', async () => {
  const said = (name: string): string =>
    `${name} ${'*a* '.repeat(200)}\n\n${'**b** c '.repeat(1_000)}`
  agentWords(said('warm'), String)
  const atOnce = taken(() => agentWords(said('at once'), String))
  await readAgentWords(said('in turns'))
  expect(taken(() => agentWords(said('in turns'), String))).toBeLessThan(atOnce / 2)
})
