/** The list in docs/security-rules.md, read against the tests that it names. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

const rows = [...textOf('docs/security-rules.md').matchAll(/^(\d+)\. \*\*(.+?)\*\* (.+)$/gm)].map(
  ([, number, rule = '', heldBy = '']) => ({ number: Number(number), rule, heldBy }),
)

test('the rules are numbered, and none was lost', () => {
  expect(rows.map(({ number }) => number)).toEqual(rows.map((_, n) => n + 1))
  expect(rows.length).toBeGreaterThanOrEqual(36)
})

/** `[name](file): “title”, “title” · [name](file): …` */
const named = rows.flatMap(({ number, heldBy }) =>
  [...heldBy.matchAll(/\]\(\.\.\/(test\/[^)]+)\): ((?:“[^”]+”(?:, )?)+)/g)].flatMap(
    ([, file = '', titles = '']) =>
      [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ number, file, title })),
  ),
)

test.each(rows)(
  'rule $number is held by a test, or it says who holds it: $rule',
  ({ number, heldBy }) => {
    expect(named.some(each => each.number === number) || heldBy.startsWith('**Not ours:** ')).toBe(
      true,
    )
  },
)

describe('a test that is named is there', () => {
  test.each(named)('$number: $file “$title”', ({ file, title }) => {
    expect(textOf(file).includes(title)).toBe(true)
  })

  test('under each link', () => {
    const links = rows.flatMap(({ heldBy }) => heldBy.match(/\]\(\.\.\/test\//g) ?? [])
    expect(new Set(named.map(({ number, file }) => `${number} ${file}`)).size).toBe(links.length)
  })
})
