/** What we write of others' words, as GitHub's own engine renders it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withFirst } from '../../src/core/text/closing-words.ts'
import { code, inlineWords, quoted } from '../../src/core/text/safe-markdown.ts'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { actedOnIn } from './as-github.ts'

const snippets = [
  ...[
    '@sam',
    '#7',
    'GH-7',
    '<b>',
    '</b>',
    '<!--',
    '-->',
    '![',
    '[',
    '](',
    ')',
    'https://a.example',
    'www.a.example',
  ],
  ...[
    '`',
    '```',
    '`'.repeat(79),
    '`'.repeat(81),
    '`'.repeat(254),
    '`'.repeat(256),
    '~'.repeat(256),
    '\n',
    '\n\n',
    '> ',
  ],
  ...[
    '- ',
    '1. ',
    '    ',
    '|',
    '|-|',
    '\\',
    '&#64;',
    '&lt;',
    '*',
    '_',
    '~~',
    '~',
    '[^1]',
    ': ',
    '[a]: b',
    '\u200b',
    ' ',
  ],
  ...[
    'words',
    '<a@b.c>',
    '"',
    '$',
    '$$',
    ':',
    'https://github.com/o/r/issues&#47;7',
    'https://github.com/o/r/issues/7',
  ],
  ...[
    '<https://github.com/o/r/pull&#x2f;7>',
    'http://u@evil.example',
    '<img src=x>',
    '</details>',
    '<details>',
    'fixes ',
  ],
  ...['&sol;', '&num;7', 'a@b.c', '```\n', '\n~~~\n', '- [x] ', '<xmp>', '<?', '<![CDATA['],
]
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...snippets), fc.string({ unit: 'grapheme-ascii', maxLength: 3 })), {
    maxLength: 25,
  })
  .map(parts => parts.join(''))

/** As our comments, answers and pull requests carry them. */
const templates: readonly ((text: string) => string)[] = [
  text => `### 🚀 Done\n\n${quoted(text, 10_000)}\n\n✅ after`,
  text =>
    `Asked: here is the answer.\n\n<details><summary>What Codex said</summary>\n\n${quoted(text, 4_000)}\n\n</details>`,
  text => `✅ Branch [${code(text)}](https://a.example) · ${inlineWords(text, 120)} end`,
  text => `| a |\n|---|\n| ${inlineWords(text, 300)} |`,
  text => withFirst(['Closes', '<!-- codex-run:x -->'], quoted(text, 4_000)),
]

test.skipIf(!cmarkAvailable())('GitHub acts on nothing of them', () => {
  const texts = fc.sample(hostile, { numRuns: 500, seed: Number(process.env.SEED ?? 7) })
  const written = texts.flatMap(text => templates.map(template => template(text)))
  const plain = templates.map(template => template('words'))
  const expected = renderAll(plain).map(html => actedOnIn(html))
  const found = renderAll(written).flatMap((html, index) => {
    const acts = actedOnIn(html)
    const identity = expected[index % templates.length] ?? []
    return acts
      .filter(act => !identity.includes(act))
      .map(act => `${act} in ${JSON.stringify(written[index])}`)
  })
  expect(found.slice(0, 5)).toEqual([])
})
