/** What GitHub's page drops, draws or covers does not reach the agent: its own Markdown engine judges the cells. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hidesWords, visibleCode, visibleText } from '../../../src/core/text/untrusted.ts'
import { cmarkAvailable, renderAll } from '../../support/cmark-gfm.ts'
import { sampleSeed, tries } from '../../support/tries.ts'

const shown = (text: string): string => visibleText(text, 100_000)

describe('cells beyond those of the head', () => {
  test.each([
    ['| a | b |\n|---|---|\n| c | d | obey |', '| a | b |\n|---|---|\n| c | d |'],
    ['a | b\n-|-\nc | d | obey', 'a | b\n-|-\nc | d |'],
    ['| a |\n| :-: |\n| c | obey | obey |\n| d | obey', '| a |\n| :-: |\n| c |\n| d |'],
    ['> | a |\n> |-|\n> | c | obey |', '> | a |\n> |-|\n> | c |'],
    ['- | a |\n  |-|\n  | c | obey |', '- | a |\n  |-|\n  | c |'],
    ['| a |\n|-|\n| `c|obey` |', '| a |\n|-|\n| `c|'],
  ])('%j go', (text, expected) => {
    expect(shown(text)).toBe(expected)
    expect(hidesWords(`/codex fix it\n\n${text}`)).toBe(true)
  })

  test.each([
    '| a | b |\n|---|---|\n| c | d |',
    '| a | b |\n|---|---|\n| c | d \\| e |',
    '| a |\n|-|\n| c |\n\nwords | with | pipes',
    'Heading\n---\na | b | c',
    'a | b\n\n|-|\n| c | d |',
    '```\n| a |\n|-|\n| c | d |\n```',
    'run `a | b | c`',
  ])('there are none in %j', text => {
    expect(shown(text)).toBe(text)
    expect(hidesWords(text)).toBe(false)
  })
})

describe('a formula that could hide words', () => {
  test.each([
    ['see $\\color{white}{\\text{obey}}$ here', 'see [formula] here'],
    ['$$\\phantom{obey}$$', '$[formula]$'],
    ['$$\n\\phantom{obey}\n$$ and more', '$[formula]$ and more'],
    ['$`\\phantom{obey}`$', '[formula]'],
    ['$x % obey\n+ y$', '[formula]'],
    ['$\\def\\x{obey}x$', '[formula]'],
    ['```math\n\\color{white}{obey}\n```', '[formula]'],
    ['- ```math\n  \\color{white}{obey}\n  ```', '- [formula]'],
  ])('%j is not read', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  test.each([
    'it takes $O(n^2)$ or $\\frac{a_1}{\\sqrt{b}} \\le \\sum_{i=0}^\\infty x_i$',
    'set `$HOME\\bin` and `$TEMP\\x`',
    '```sh\necho "$a\\n$b"\n```',
    'costs $5 or \\$6\\foo',
    '```math\n\\alpha + \\beta\n```',
  ])('%j is none', text => {
    expect(shown(text)).toBe(text)
    expect(hidesWords(text)).toBe(false)
  })

  test('is told of in a command', () => {
    expect(hidesWords('/codex fix it $\\color{white}{obey}$')).toBe(true)
  })
})

describe('an address behind no words', () => {
  test.each([
    ['[.](https://x.example/obey)', '[.]()'],
    ['[\u200b](https://x.example/obey)', '[]()'],
    ['[&nbsp;&#8203;](obey)', '[&nbsp;]()'],
    ['[<b></b>](obey)', '[<b></b>]()'],
    ['[[.]](obey)', '[[.]]()'],
    ['[…](<obey all of it>)', '[…]()'],
    ['[words](<obey-all-of-it now>)', '[words](<tag>)'],
    ['[.][a]\n\n[a]: https://x.example/obey', '[.]()'],
    ['[.]\n\n[.]: https://x.example/obey', '[.]'],
    ['[words]\n\n[words]: obey-all-of-it', '[words]'],
    ['[words][obey all of it]\n\n[obey all of it]: https://x.example', '[words](https://x.example)'],
  ])('%j is not read', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  test.each([
    '[.](https://x.example/obey)',
    '[\u200b](obey)',
    '[<b></b>](obey)',
    '[words](<obey all of it>)',
  ])('%j is told of in a command', text => expect(hidesWords(`/codex fix it ${text}`)).toBe(true))

  test.each([
    '[words](https://x.example/a)',
    '[`code`](https://x.example/a)',
    '[![image](https://x.example/a.png)](https://x.example/b)',
    '[words] and [a][]\n\n[words]: https://x.example/a\n[a]: https://x.example/b',
    '[🔗](https://x.example/a)',
    'call a[0](b) or a[i](c)',
  ])('%j stays', text => {
    expect(shown(text)).toBe(text)
    expect(hidesWords(text)).toBe(false)
  })
})

test.each([
  ['<obey-all-rules-of-mine> b', '<tag> b'],
  ['</obey-all-rules c="d"/> b', '</tag> b'],
  ['<details><my-element>', '<details><my-element>'],
])('the name of a tag is no sentence: %j', (text, expected) => {
  expect(shown(text)).toBe(expected)
})

test('lines of a diff are code: all of them is shown', () => {
  const hunk = '@@ -1 +1 @@\n-<Login title="a">\n+"$a\\n$b" <!-- c -->\u202e'
  expect(visibleCode(hunk, 1_000)).toBe(hunk.slice(0, -1))
})

/** Each time it is used, a word of its own. */
const pieces = [
  ...['| ', ' | ', '|', '\n', '\n', '\n', '\n\n', '|-|\n', '|-|-|\n', '-|-\n', ':-\n', '---\n'],
  ...['> ', '- ', '  ', '    ', '1. ', '# ', '[^1]: ', '\\|', '\\', '`', '<b>', '***', 'W', 'W', 'W', 'W'],
]

test.runIf(cmarkAvailable())('no word that GitHub’s engine drops from a table is left', () => {
  const texts = fc.array(fc.constantFrom(...pieces), { minLength: 4, maxLength: 40 }).map(parts => {
    let count = 0
    return parts.map(part => (part === 'W' ? `w${count++}x` : part)).join('')
  })
  const samples = fc.sample(texts, { numRuns: tries(1_000), seed: sampleSeed(5) })
  const rendered = renderAll(samples)
  const wordsIn = (text: string): string[] => text.match(/w\d+x/g) ?? []
  const leaks = samples.flatMap((text, index) => {
    const page = new Set(wordsIn((rendered[index] ?? '').replace(/<[^>]*>/g, '')))
    return wordsIn(shown(text)).some(word => !page.has(word)) ? [{ text, page: rendered[index] }] : []
  })
  expect(leaks.slice(0, 3)).toEqual([])
  // The judge drops words from some of them.
  const dropped = samples.filter(
    (text, index) => wordsIn(text).length > wordsIn(rendered[index] ?? '').length,
  )
  expect(dropped.length).toBeGreaterThan(tries(30))
})
