/** Which comment without the command word is the answer to a question. */
import { expect, test } from 'vitest'
import { answersQuestion, questionsTo } from '../../src/core/record/open-question.ts'
import { ofThread } from '../../src/core/record/run-index.ts'
import { memoryIndex } from '../support/memory-index.ts'
import { issueThread as thread } from './given.ts'

const askedAt = Date.parse('2026-11-29T12:00:00.900Z')
const maya = { login: 'maya', id: 5 }

const asked = (id: string) => ({
  id,
  entries: [
    { set: questionsTo(thread, maya.id), score: askedAt },
    { set: ofThread(thread), score: askedAt - 60_000 },
  ],
})

test.each([
  ['written after it', 5_000, true],
  ['written in the same second, of which GitHub tells no part', -900, true],
  ['written before it, and delivered late', -60_000, false],
])('%s: %i ms, %s', async (_, ms, isAnswer) => {
  const index = memoryIndex(() => [asked('run-1')])
  expect(await answersQuestion(index, { thread, sender: maya, at: askedAt + ms })).toBe(isAnswer)
})

test('of somebody else it is none', async () => {
  const index = memoryIndex(() => [asked('run-1')])
  const sender = { login: 'olga', id: 6 }
  expect(await answersQuestion(index, { thread, sender, at: askedAt + 5_000 })).toBe(false)
})

test('after another run of the thread it is none', async () => {
  const later = { id: 'run-2', entries: [{ set: ofThread(thread), score: askedAt + 1 }] }
  const index = memoryIndex(() => [asked('run-1'), later])
  expect(await answersQuestion(index, { thread, sender: maya, at: askedAt + 5_000 })).toBe(false)
})
