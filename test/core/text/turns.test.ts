/** Texts of others that one step needs are each read in a turn of the event loop of their own. */
import { expect, test } from 'vitest'
import { promptOf, readForPrompt } from '../../../src/core/agent/prompt.ts'
import { agentWords, readAgentWords } from '../../../src/core/comments/words.ts'
import { firstWords } from '../../../src/core/run/words-to-say.ts'
import { threadTime } from '../../support/thread-time.ts'
import { ask, runWith } from '../given.ts'

/** Takes a reader some milliseconds, and is another text each time. */
const long = (name: string, length = 25_000): string => `${name}\n\n${'[a](b "c") '.repeat(length / 11)}`

const taken = (work: () => unknown): number => {
  const before = threadTime()
  work()
  return threadTime() - before
}

/** The longest turn of the loop while something goes on, in milliseconds of the processor. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let over = false
  let at = threadTime()
  const look = (): void => {
    longest = Math.max(longest, threadTime() - at)
    at = threadTime()
    if (!over) setImmediate(look)
  }
  setImmediate(look)
  await work()
  over = true
  await new Promise(resolve => setImmediate(resolve))
  return longest
}

const promptOfLong = (name: string) => {
  const run = runWith({
    request: {
      ...ask,
      inline: Array.from({ length: 8 }, (_, n) => ({
        id: n,
        author: 'maya',
        path: 'a.ts',
        line: 1,
        hunk: '',
        body: long(`${name} inline ${n}`),
      })),
    },
    baseline: { snapshot: { title: 'Long', body: long(`${name} body`), author: 'sam', open: true } },
  })
  return { run, words: firstWords(run) }
}

test('those of a prompt', async () => {
  promptOf(promptOfLong('warm').run, promptOfLong('warm').words, 'f')
  const at = promptOfLong('at once')
  const atOnce = taken(() => promptOf(at.run, at.words, 'f'))
  const { run, words } = promptOfLong('in turns')
  const turn = await longestTurn(() => readForPrompt(run, words))
  expect(turn).toBeLessThan(atOnce / 2)
  expect(taken(() => promptOf(run, words, 'f'))).toBeLessThan(atOnce / 2)
})

test('those of an answer', async () => {
  const said = (name: string): string => `${name} ${'*a* '.repeat(200)}\n\n${'**b** c '.repeat(1_000)}`
  agentWords(said('warm'))
  const atOnce = taken(() => agentWords(said('at once')))
  await readAgentWords(said('in turns'))
  expect(taken(() => agentWords(said('in turns')))).toBeLessThan(atOnce / 2)
})
