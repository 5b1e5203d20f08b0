import { describe, expect, test } from 'vitest'
import { linesOf, maxFindings, placedIn, reviewWordsIn } from '../../src/core/agent/findings.ts'

const finding = { path: 'a.ts', line: 2, body: 'Why?' }
const block = (inside: string, fence = '```') => `${fence}findings\n${inside}\n${fence}`
const one = JSON.stringify([finding])

describe('findings', () => {
  test.each<[string, string, ReturnType<typeof reviewWordsIn>]>([
    ['below the words', `Fine.\n\n${block(one)}`, { text: 'Fine.', findings: [finding] }],
    [
      'between words',
      `Fine.\n${block(one)}\nThat is all.`,
      { text: 'Fine.\nThat is all.', findings: [finding] },
    ],
    ['alone', block(one), { text: '', findings: [finding] }],
    ['none', `Fine.\n${block('[]')}`, { text: 'Fine.', findings: [] }],
    ['of a longer fence', `Fine.\n${block(one, '`````')}`, { text: 'Fine.', findings: [finding] }],
    ['the last one', `${block('no')}\n${block(one)}`, { text: '```findings\nno\n```', findings: [finding] }],
    [
      'without a line',
      block('[{"path":"a.ts","line":null,"body":"Why?"}]'),
      { text: '', findings: [{ path: 'a.ts', line: null, body: 'Why?' }] },
    ],
  ])('%s', (_, answer, expected) => expect(reviewWordsIn(answer)).toEqual(expected))

  test.each([
    'Nothing to say.',
    `Fine.\n${block('[{ "path": ')}`,
    block('{"path":"a.ts","body":"no list"}'),
    block('[{"path":"a.ts","line":0,"body":"no line"}]'),
    block('[{"path":"a.ts","line":2,"body":" "}]'),
    '```findings\n[]',
    '```json\n[]\n```',
  ])('that can not be read are text: %j', answer =>
    expect(reviewWordsIn(answer)).toEqual({ text: answer, findings: [] }),
  )

  test('are no more than people read', () => {
    const many = JSON.stringify(Array.from({ length: 60 }, () => finding))
    expect(reviewWordsIn(block(many)).findings).toHaveLength(maxFindings)
  })
})

const patch = [
  ...['@@ -1,3 +1,4 @@ class A', ' one', '-two', '+zwei', '+drei', ' four', '@@ -20 +21 @@', '-x', '+y'],
]

test('lines that a patch shows are those of the new file', () => {
  expect([...linesOf(patch.join('\n'))]).toEqual([1, 2, 3, 4, 21])
  expect(linesOf('').size).toBe(0)
})

test('a finding stands on its line, or in the text', () => {
  const at = (path: string, line?: number) => ({ path, line, body: 'Why?' })
  const files = [
    { path: 'a.ts', patch: patch.join('\n') },
    { path: 'big.bin', patch: undefined },
  ]
  const { placed, rest } = placedIn(
    [at('a.ts', 21), at('a.ts', 20), at('a.ts'), at('big.bin', 1), at('b.ts', 1)],
    files,
  )
  expect(placed).toEqual([at('a.ts', 21)])
  expect(rest).toEqual([at('a.ts', 20), at('a.ts'), at('big.bin', 1), at('b.ts', 1)])
})
