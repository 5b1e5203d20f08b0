/** Texts of others that one step needs are each read in a turn of the event loop of their own. */
import { expect, test } from 'vitest'
import { agentWords, readAgentWords } from '../../../src/core/words/words.ts'
import { threadTime } from '../../support/thread-time.ts'
import { deployment, runWith } from '../given.ts'

const run = runWith({})

const taken = (work: () => unknown): number => {
  const before = threadTime()
  work()
  return threadTime() - before
}

test('those of an answer', async () => {
  const said = (name: string) => `${name} ${'*a* '.repeat(200)}\n\n${'**b** c '.repeat(1_000)}`
  agentWords(said('warm'), run, deployment)
  const atOnce = taken(() => agentWords(said('at once'), run, deployment))
  await readAgentWords(said('in turns'), run.thread)
  expect(taken(() => agentWords(said('in turns'), run, deployment))).toBeLessThan(atOnce / 2)
})
