import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  constant,
  ourNames,
  ours,
  plainText,
  quotedName,
  section,
} from '../../src/core/agent/fence.ts'
import { stripInvisible } from '../../src/core/text/invisible.ts'
import { tries } from '../support/tries.ts'

test('a text is cut with a word about it', () => {
  expect(plainText('abcdef', 3)).toBe('abc\n[… cut here: the text is longer]')
  expect(plainText('a\u200bbc', 3)).toBe('abc')
})

describe('invisible characters go', () => {
  test.each([
    ['zero width', 'a\u200bb\u200cc\u200dd\ufeffe', 'abcde'],
    ['bidirectional', '\u202ea\u202c\u2066b\u2069\u200fc', 'abc'],
    [
      'tags that spell words',
      `a${[...'hidden'].map(letter => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')}b`,
      'ab',
    ],
    ['variation selectors', 'a\ufe0fb\u{e0100}c', 'abc'],
    ['controls', 'a\u0000b\u0007c\u001bd\u007fe\u0085f', 'abcde f'],
    ['soft hyphen and fillers', 'a\u00adb\u3164c\u115fd\uffa0e', 'abcde'],
    ['the lines and tabs of a text stay', 'a\n\tb', 'a\n\tb'],
    [
      'letters of any script stay',
      'é 修复 Ошибка עברית العربية 🚀',
      'é 修复 Ошибка עברית العربية 🚀',
    ],
    ['half of a pair', 'a\ud800b', 'a\ufffdb'],
  ])('%s', (_, text, expected) => expect(stripInvisible(text)).toBe(expected))

  test('from any text, and what is left is left alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const clean = stripInvisible(text)
        expect(stripInvisible(clean)).toBe(clean)
        expect(clean).not.toMatch(
          /[\p{Cf}\p{Cc}]/u.test(clean.replace(/[\n\r\t]/g, ''))
            ? /[\u200b-\u200f\u202a-\u202e\u2060-\u206f\u{e0000}-\u{e0fff}]/u
            : /(?!)/,
        )
      }),
      { numRuns: tries(500) },
    )
  })
})

describe('a fence', () => {
  test('stands around the text', () =>
    expect(section(ours`B`, [{ head: 'A', text: 'words' }], 'f3')).toContain(
      '\n\n<<<f3\nf3 A:\nwords\n\nf3>>>',
    ))

  test('can not be ended by the text', () => {
    const fence = '0123456789abcdef'
    const text = fc
      .array(
        fc.oneof(
          fc.constantFrom(fence, '>>>', '<<<', '\n', fence.slice(0, 8), fence.slice(8)),
          fc.string(),
        ),
      )
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(text, words => {
        fc.pre(!words.replaceAll(fence, '').includes(fence))
        const parts = [
          { head: words, text: words },
          { head: 'B', text: words },
        ]
        expect(section(ours`A`, parts, fence).split(fence)).toHaveLength(6)
      }),
    )
  })
})

describe('outside the fence', () => {
  test('stands nothing that others wrote: it does not compile', () => {
    const name: string = 'x'
    // @ts-expect-error a text
    expect(ours`a ${name}`).toBe('a x')
    // @ts-expect-error a text that is known only in part
    expect(constant(`${name}!`)).toBe('x!')
  })

  test.each([
    ['feature/größe_2@x', '`feature/größe_2@x`'],
    ['a`\u2028b\u00a0c"', '`a\\u{60}\\u{2028}b\\u{a0}c\\u{22}`'],
  ])('the branch %j is one word: %s', (name, expected) =>
    expect(ourNames.branch(name)).toBe(expected),
  )
})

test('a name that others gave stands on one line between quotes, and is cut', () => {
  expect(quotedName(' a"\u2028\v# b\n- c\u200b ')).toBe('"a # b - c"')
  expect(quotedName('x'.repeat(300))).toBe(`"${'x'.repeat(200)}…"`)
})
