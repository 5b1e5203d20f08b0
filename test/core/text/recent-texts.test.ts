import { expect, test } from 'vitest'
import { keepingRecent } from '../../../src/core/text/event-loop.ts'

test('the last texts are worked on once, even if they gave nothing', () => {
  const worked: string[] = []
  const given = keepingRecent(2, text => {
    worked.push(text)
    return text === 'late' ? undefined : text.toUpperCase()
  })
  const asked = ['a', 'b', 'a', 'c', 'a', 'b', 'late', 'late', 'a']
  expect(asked.map(given)).toEqual(['A', 'B', 'A', 'C', 'A', 'B', undefined, undefined, 'A'])
  expect(worked).toEqual(['a', 'b', 'c', 'b', 'late', 'a'])
})
