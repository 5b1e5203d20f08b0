import { expect, test } from 'vitest'
import { withinTime } from '../../../src/core/text/event-loop.ts'
import { threadTime } from '../../support/thread-time.ts'

test('what is done in time is what comes back', () =>
  expect(withinTime(() => ({ done: 1 }))).toEqual({ done: 1 }))

const forever = (work: () => void): object => {
  for (;;) work()
}
const endless = () => forever(() => undefined)
const deep = (n: number): object => [deep(n + 1)]

test.each<[string, () => object]>([
  ['a loop without end', endless],
  ['a regular expression that blows up', () => [/^(?:a+)+$/.test(`${'a'.repeat(60)}b`)]],
  ['a loop inside another time limit', () => withinTime(endless, 1_000) ?? endless()],
  [
    'many short works inside one',
    () => forever(() => withinTime(() => forever(() => undefined), 5)),
  ],
  ['more depth than there is stack', () => deep(0)],
])('%s is cut off', (_, work) => {
  const began = threadTime()
  expect(withinTime(work)).toBeUndefined()
  expect(threadTime() - began).toBeLessThan(200)
  expect(withinTime(() => ({ still: 'here' }))).toEqual({ still: 'here' })
})

test('what only a garbage collection held up is done', () => {
  let collections = 1
  const work = (): object => {
    if (collections > 0) {
      collections -= 1
      endless()
    }
    return { done: 1 }
  }
  expect(withinTime(work)).toEqual({ done: 1 })
})

test('any other error passes', () =>
  expect(() =>
    withinTime(() => {
      throw new Error('ours')
    }),
  ).toThrow('ours'))
