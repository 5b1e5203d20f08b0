/** The list in docs/security-rules.md, read against the tests that it names. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const docs = join(import.meta.dirname, '../../docs')
const page = readFileSync(join(docs, 'security-rules.md'), 'utf8')
const rows = [...page.matchAll(/^(\d+)\. \*\*(.+?)\*\*(.*)$/gm)]

test('the rules are numbered, and none was lost', () => {
  expect(rows.map(([, number]) => Number(number))).toEqual(rows.map((_, at) => at + 1))
  expect(rows.length).toBeGreaterThanOrEqual(36)
})

test('each rule is held by a test that is there, or the list says who holds it', () => {
  const unheld = rows.filter(([, , , heldBy = '']) => {
    const tests = [...heldBy.matchAll(/\]\((\.\.\/test\/[^)]+\.test\.ts)\)/g)]
    const areThere = tests.every(([, path = '']) => existsSync(join(docs, path)))
    return !areThere || (tests.length === 0 && !heldBy.includes('**Not ours:** '))
  })
  expect(unheld.map(([row]) => row)).toEqual([])
})
