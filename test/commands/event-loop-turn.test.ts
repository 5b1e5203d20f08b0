import { expect, test } from 'vitest'
import { yieldToEventLoop } from '../../src/core/text/event-loop.ts'

test('between two who take their time, others get their turn', async () => {
  const order: string[] = []
  const long = async (name: string): Promise<void> => {
    await yieldToEventLoop()
    order.push(name)
    setImmediate(() => order.push(`after ${name}`))
  }
  await Promise.all(['a', 'b', 'c'].map(long))
  await yieldToEventLoop()
  expect(order).toEqual(['a', 'after a', 'b', 'after b', 'c', 'after c'])
})
