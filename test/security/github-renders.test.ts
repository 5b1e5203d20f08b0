/** What we write of others' words, as GitHub's own engine renders it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withFirst } from '../../src/core/text/markdown.ts'
import { code, inlineWords, quoted, spoken } from '../../src/core/text/safe-markdown.ts'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { markdownPieces } from '../support/markdown-pieces.ts'
import { sampleSeed, tries } from '../support/tries.ts'
import { actedOnIn } from './as-github.ts'

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...markdownPieces),
      fc.string({ unit: 'grapheme-ascii', maxLength: 3 }),
    ),
    {
      maxLength: 25,
    },
  )
  .map(parts => parts.join(''))

/** As our comments, answers and pull requests carry them. */
const templates: readonly ((text: string) => string)[] = [
  text => `### 🚀 Done\n\n${quoted(text, 10_000)}\n\n✅ after`,
  text =>
    `Asked: here is the answer.\n\n<details><summary>What Codex said</summary>\n\n${quoted(text, 4_000)}\n\n</details>`,
  text =>
    `${spoken(text, 10_000)}\n\n<details><summary>Details</summary>\n\nx\n\n</details>\n\n<sub>small</sub>`,
  text => `✅ Branch [${code(text)}](https://a.example) · ${inlineWords(text, 120)} end`,
  text => `| a |\n|---|\n| ${inlineWords(text, 300)} |`,
  text => withFirst(['Closes', '<!-- codex-run:x -->'], quoted(text, 4_000)),
]

/** What GitHub would act on of all that is written of these texts, beside what is ours. */
function liveIn(texts: readonly string[]): string[] {
  const written = texts.flatMap(text => templates.map(template => template(text)))
  const expected = renderAll(templates.map(template => template('words'))).map(html =>
    actedOnIn(html),
  )
  return renderAll(written).flatMap((html, index) => {
    const own = expected[index % templates.length] ?? []
    return actedOnIn(html)
      .filter(act => !own.includes(act))
      .map(act => `${act} in ${JSON.stringify(written[index])}`)
  })
}

const fence = (length: number, sign = '`') =>
  `${sign.repeat(length)}\n@sam #7\n${sign.repeat(length)}\n@sam #7`
const span = (length: number) => `${'`'.repeat(length)} @sam ${'`'.repeat(length)} fixes #7`

test
  .skipIf(!cmarkAvailable())
  .each([
    ...[255, 256, 257].flatMap(length => [fence(length), fence(length, '~')]),
    ...[80, 81, 160, 161].map(span),
    `${'`'.repeat(300)} @sam`,
    'https://github.com/o/r/issues&#47;7 and https://github.com/o/r&sol;pull&#x2f;7',
    '<https://github.com/o/r/issues&#x2f;7>',
    '[https://good.example](https://evil.example)',
    '[good.example](https://evil.example "good.example")',
    '[https://good.example/&#97;](https://good.example@evil.example)',
    '[a][b]\n\n[b]: https://evil.example',
    '![x](https://evil.example/x.png) <img src=x>',
    '&#64;sam &commat;sam &num;7 &#35;7',
  ])('GitHub acts on nothing of %j', text => expect(liveIn([text])).toEqual([]))

test.skipIf(!cmarkAvailable())('GitHub acts on nothing of them', () => {
  const found = liveIn(fc.sample(hostile, { numRuns: tries(500), seed: sampleSeed(7) }))
  expect(found.slice(0, 5)).toEqual([])
})
