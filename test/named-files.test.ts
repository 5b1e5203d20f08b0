/** What `npm test` leaves to `npm run test:all` runs where it is named. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const filesOf = (...names: string[]) =>
  execFileSync('npx', ['vitest', 'list', '--filesOnly', ...names], {
    encoding: 'utf8',
    env: { ...process.env, EXHAUSTIVE: undefined },
  }).match(/\S+\.test\.ts/g) ?? []

test('a file that is named is run, also one that npm test leaves out', () => {
  const rare = 'test/stories/unused-branches.test.ts'
  expect(filesOf(rare)).toEqual([rare])
  expect(filesOf()).not.toContain(rare)
})
