import { expect, test } from 'vitest'
import { madeIn, NewestMap } from '../../../src/core/text/newest-map.ts'

test('the last texts are worked on once, even if they gave nothing', () => {
  const worked: string[] = []
  const kept = new NewestMap<string, { given: string | undefined }>(2)
  const given = (text: string) =>
    madeIn(kept, text, () => {
      worked.push(text)
      return { given: text === 'late' ? undefined : text.toUpperCase() }
    }).given
  const asked = ['a', 'b', 'a', 'c', 'a', 'b', 'late', 'late', 'a']
  expect(asked.map(given)).toEqual(['A', 'B', 'A', 'C', 'A', 'B', undefined, undefined, 'A'])
  expect(worked).toEqual(['a', 'b', 'c', 'b', 'late', 'a'])
})
