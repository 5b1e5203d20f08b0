import { describe, expect, test } from 'vitest'
import { maxFindings, patchLines, placedIn, reviewWordsIn } from '../../src/core/agent/findings.ts'

const finding = { path: 'a.ts', line: 2, body: 'Why?' }
const block = (inside: string, fence = '```') => `${fence}findings\n${inside}\n${fence}`
const one = JSON.stringify([finding])
const fine = { text: 'Fine.', findings: [finding] }
const alone = { text: '', findings: [finding] }
const anywhere = { text: '', findings: [{ path: 'a.ts', line: undefined, body: 'Why?' }] }

describe('findings', () => {
  test.each<[string, string, ReturnType<typeof reviewWordsIn>]>([
    ['below the words', `Fine.\n\n${block(one)}`, fine],
    [
      'between words',
      `Fine.\n${block(one)}\nThat is all.`,
      { text: 'Fine.\nThat is all.', findings: [finding] },
    ],
    ['alone', block(one), alone],
    ['none', `Fine.\n${block('[]')}`, { text: 'Fine.', findings: [] }],
    ['of a longer fence', `Fine.\n${block(one, '`````')}`, fine],
    [
      'the last one',
      `${block('no')}\n${block(one)}`,
      { text: '```findings\nno\n```', findings: [finding] },
    ],
    [
      'without a line',
      block('[{"path":"a.ts","line":null,"body":"Why?"}]'),
      { text: '', findings: [{ path: 'a.ts', line: null, body: 'Why?' }] },
    ],
    ['of a line that is none', block('[{"path":"a.ts","line":"2-4","body":"Why?"}]'), anywhere],
    ['of a line in quotes', block('[{"path":"a.ts","line":"2","body":"Why?"}]'), alone],
    ['of line 0', block('[{"path":"a.ts","line":0,"body":"Why?"}]'), anywhere],
    [
      'of which one can not be read',
      `Fine.\n${block('[{"path":null,"body":5},{"path":"a.ts","line":2,"body":"Why?"}]')}`,
      { text: 'Fine.\n```\n{"path":null,"body":5}\n```', findings: [finding] },
    ],
    [
      'of which the last is cut, and none is quite JSON',
      '```findings\n[\n{"path":"a.ts","line":2,"body":"Why?",},\n// And:\n{"path":"b.t',
      { text: '```\n{"path":"b.t\n```', findings: [finding] },
    ],
    ['whose fence has two names', `Fine.\n\`\`\`json findings\n${one}\n\`\`\``, fine],
    ['whose fence has waves', `Fine.\n~~~findings\n${one}\n~~~`, fine],
    ['whose fence never ends', `Fine.\n\`\`\`findings\n${one}\n`, fine],
    ['that end the text in a block of JSON', `Fine.\n\n\`\`\`json\n${one}\n\`\`\`\n`, fine],
    ['that end it in a block without a name', `Fine.\n\n\`\`\`\n${one}\n\`\`\``, fine],
    ['that end it without a fence', `Fine.\n\n${JSON.stringify([finding], null, 2)}\n`, fine],
    ['that are all of it', one, alone],
    [
      'below a block that is none',
      `Fine.\n\`\`\`\nx\n\`\`\`\n\n\`\`\`json\n${one}\n\`\`\``,
      { text: 'Fine.\n```\nx\n```', findings: [finding] },
    ],
  ])('%s', (_, answer, expected) => expect(reviewWordsIn(answer)).toEqual(expected))

  test.each([
    'Nothing to say.',
    `Fine.\n${block('[{ "path": ')}`,
    block('{"path":"a.ts","body":"no list"}'),
    block('[{"path":"a.ts","line":2,"body":" "}]'),
    // Code that is spoken of.
    'It gives:\n\n```json\n[]\n```',
    'It gives:\n\n[]',
    `First:\n\n\`\`\`json\n${one}\n\`\`\`\n\nIt says more.`,
    `\`\`\`ts\n${one}\n\`\`\``,
    'See\n[the page](https://example.com)',
  ])('that can not be read are text: %j', answer =>
    expect(reviewWordsIn(answer)).toEqual({ text: answer, findings: [] }),
  )

  test('are no more than people read', () => {
    const many = JSON.stringify(Array.from({ length: 60 }, () => finding))
    expect(reviewWordsIn(block(many)).findings).toHaveLength(maxFindings)
  })
})

const patch = [
  '@@ -1,3 +1,4 @@ class A',
  ' one',
  '-two',
  '+zwei',
  '+drei',
  ' four',
  '@@ -20 +21 @@',
  '-x',
  '+y',
  '@@ -0,0 +23 @@',
  '+z\r',
]

test('lines that a patch shows are those of the new file', () => {
  expect([...patchLines(patch.join('\n'))]).toEqual([
    [1, 'one'],
    [2, 'zwei'],
    [3, 'drei'],
    [4, 'four'],
    [21, 'y'],
    [23, 'z\r'],
  ])
  expect(patchLines('').size).toBe(0)
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

describe('a change is offered', () => {
  const offered = (replacement: unknown, line = 3, start_line?: unknown) => {
    const found = [{ path: 'a.ts', line, start_line, body: 'Why?', replacement }]
    const { findings } = reviewWordsIn(block(JSON.stringify(found)))
    const [{ startLine, suggestion } = {}] = placedIn(findings, [
      { path: 'a.ts', patch: patch.join('\n') },
    ]).placed
    return suggestion === undefined ? undefined : [startLine ?? line, line, suggestion]
  }

  test.each<[string, Parameters<typeof offered>, unknown]>([
    ['for a line', ['dreizehn'], [3, 3, '```suggestion\ndreizehn\n```']],
    ['for several', ['a\nb\nc\n', 4, 2], [2, 4, '```suggestion\na\nb\nc\n```']],
    ['as a deletion', [''], [3, 3, '```suggestion\n```']],
    ['as an empty line', ['\n'], [3, 3, '```suggestion\n\n```']],
    ['with blanks as they are', ['\tx  '], [3, 3, '```suggestion\n\tx  \n```']],
    ['with backticks', ['`````js'], [3, 3, '``````suggestion\n`````js\n``````']],
  ])('%s', (_, given, expected) => {
    const [start, line, block] = offered(...given) ?? expect.fail('none')
    expect([start, line, block]).toEqual(expected)
  })

  test.each<[string, Parameters<typeof offered>]>([
    ['for lines that the diff does not show', ['x', 21, 4]],
    ['for lines that end before they begin', ['x', 2, 3]],
    ['for lines as they are', ['drei\n']],
    ['for lines that end as on Windows', ['x', 23]],
    ['that is no text', [{ lines: ['x'] }]],
    ['that is long', ['x'.repeat(4_001)]],
    ['with what nobody sees', ['if (isAdmin\u202e) {']],
    ['with a secret that was taken out', ['const key = "‹redacted›"']],
    ['with a command to a bot', ['one\n/merge']],
    ['with a marker', ['<!-- codex-run: x -->']],
    ['with more backticks than GitHub counts', ['`'.repeat(300)]],
  ])('none %s: the finding stays', (_, given) => expect(offered(...given)).toBeUndefined())

  test('none for more lines than people read', () => {
    const long = ['@@ -0,0 +1,101 @@', ...Array.from({ length: 101 }, (_, at) => `+${at}`)].join(
      '\n',
    )
    const of = (line: number) =>
      placedIn(
        [{ path: 'a.ts', line, start_line: 1, body: 'Why?', replacement: 'x' }],
        [{ path: 'a.ts', patch: long }],
      ).placed[0]?.suggestion
    expect([of(100), of(101)]).toEqual(['```suggestion\nx\n```', undefined])
  })
})
