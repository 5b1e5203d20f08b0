import { expect, test } from 'vitest'
import { NewestMap } from '../../../src/core/text/newest-map.ts'

test('of more than it may keep, it forgets what was set longest ago, however old the name', () => {
  const map = new NewestMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('a', 3).set('c', 4)
  expect([...map]).toEqual([
    ['a', 3],
    ['c', 4],
  ])
})
