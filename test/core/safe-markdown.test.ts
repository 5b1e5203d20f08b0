import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { describe, expect, test } from 'vitest'
import { parseCommands } from '../../src/commands/command-registry.ts'
import {
  code,
  disarm,
  inlineWords,
  quoted,
  safeMarkdown,
  spoken,
} from '../../src/core/text/safe-markdown.ts'
import { agentWords } from '../../src/core/words/words.ts'
import { actedOn } from '../security/as-github.ts'
import { pastedText } from '../support/markdown-pieces.ts'
import { seen as asSeen } from '../support/pages.ts'
import { spentOn } from '../support/thread-time.ts'
import { tries } from '../support/tries.ts'
import { deployment, runWith } from './given.ts'

const tree = (text: string) =>
  fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })

const nodes = (node: Nodes): Nodes[] =>
  ['children' in node ? node.children.flatMap(nodes) : [], node].flat()

/** What a reader sees, without the zero-width spaces that keep GitHub from acting on it. */
const seen = (text: string) =>
  nodes(tree(text))
    .flatMap(node => ('value' in node ? [node.value] : []))
    .join('')
    .replaceAll('\u200b', '')

/** U+200B is written out, so that the table shows where it goes. */
const shown = (text: string) => text.replaceAll('\u200b', '·')

describe('safe Markdown', () => {
  test.each([
    ['words', 'words'],
    ['**b** _i_ ~~s~~ `c`', '**b** *i* ~~s~~ `c`'],
    ['# H\n\n1. a\n2. b\n\n- c', '# H\n\n1. a\n2. b\n\n- c'],
    ['- [ ] a\n- [x] b', '- [ ] a\n- [x] b'],
    ['```ts\nconst a = "<b>"\n```', '```ts\nconst a = "<b>"\n```'],
    ['> quoted', '> quoted'],
    ['| a |\n|---|\n| @sam |', '| a     |\n| ----- |\n| @·sam |'],
    ['hi @sam and @acme/team', 'hi @·sam and @·acme/team'],
    ['\\@sam &#64;sam &commat;sam', '@·sam @·sam @·sam'],
    ['a#7 and GH-7', 'a#·7 and GH-·7'],
    ['`@sam #7`', '`@sam #7`'],
    ['https://example.org/x', '<https://example.org/x>'],
    ['https://github.com/o/r/issues/7', '`https://github.com/o/r/issues/7`'],
    ['<https://example.org>', '<https://example.org>'],
    ['sam@example.org', '`sam@example.org`'],
    ['[click](https://evil.example)', 'click `https://evil.example`'],
    ['[https://a.example](https://evil.example)', 'https\\://a.example `https://evil.example`'],
    ['[x](javascript:alert(1))', 'x `javascript:alert(1)`'],
    ['[a]\n\n[a]: https://evil.example', 'a'],
    ['![x](https://evil.example/x.png)', 'x `https://evil.example/x.png`'],
    ['![](https://evil.example/x.png)', 'image `https://evil.example/x.png`'],
    ['see[^1]\n\n[^1]: note', 'see1'],
    ['<b>bold</b>', '\\<b>bold\\</b>'],
    ['<script>alert(1)</script>', '\\<script>alert(1)\\</script>'],
    ['<!-- hidden -->', '\\<!-- hidden -->'],
    ['a\u0000b\u202ec\u200bd', 'abcd'],
    ['a\vb\fc\u001dd\u0085e\u2028f\u2029g', 'a b c d e f g'],
    ['', ''],
  ])('%j is %j', (text, expected) => expect(shown(safeMarkdown(text))).toBe(expected))

  test.each([
    '<a href="https://evil.example">click</a>',
    '<img src=x onerror=alert(1)>',
    '<details><summary>x</summary>\n\n@sam\n\n</details>',
    '[![x](https://a.example/x.png)](https://evil.example)',
    '[*@sam*](https://evil.example "title")',
    '> > - @sam\n> > - [x](y)',
    '1. <b>\n2. ![x][y]\n\n[y]: z',
    '<\u200bscript>',
    '&lt;script&gt;alert(1)&lt;/script&gt;',
    '\\<b>\\<!-- x -->',
    '@\u200bsam @\u2060sam @\ufeffsam',
    '[@sam][x] [x]: @sam',
    '***@sam***',
    '~~#7~~',
    '~@sam~',
    '**Note**<!--\n-->@sam',
    'www.evil.example and a,www.evil.example',
    '<https://a.example/@sam>',
    '`` ` `` @sam `',
    'a `<b>` c',
    '| [x](y) | <b> |\n|--|--|\n| ![x](y) | @sam |',
    '- <b>\n- <img src=x onerror=alert(1)>',
    '- a\n\n  <details><summary>x</summary>',
    '> <a href="https://evil.example">x</a>',
    '> - <!-- x -->\n> - <script>',
    '@[sam](https://evil.example)',
    '@[sam](x)',
    '@![sam](x)',
    '&#64;<https://evil.example>',
    '&#64;[sam][x]\n\n[x]: y',
    '@**sam** #_7_ GH-*7*',
    '#[7](https://evil.example)',
    'https://github.com/o/r/issues/7 and http://github.com/o/r/pull/7#x',
    'fixes www.github.com/o/r/discussions/7',
    '[https://github.com/o/r/issues/7](https://github.com/o/r/issues/7)',
  ])('of %j: nothing that GitHub acts on is left', text =>
    expect(actedOn(safeMarkdown(text))).toEqual([]),
  )

  test.each([
    'a\u2028/b',
    'a&#x2029;/b',
    '`a\x85/b`',
    '[a](b&#x2028;/c)',
    '``` a&#12;/b\nc\n```',
    '|a|\n|-|\n|&#13;/b|',
  ])('no program ends a line within %j', text =>
    expect(safeMarkdown(text)).not.toMatch(/[\r\v\f\x1c-\x1e\x85\u2028\u2029]/),
  )
})

const hostile = pastedText(30)

describe('for any text', () => {
  test('safe Markdown never throws and loses no plain word', () => {
    const word = fc.stringMatching(/^[a-zé修]{1,8}$/)
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), words => {
        expect(seen(safeMarkdown(words.join(' ')))).toBe(words.join(' '))
      }),
    )
    fc.assert(
      fc.property(hostile, text => {
        expect(safeMarkdown(text)).toEqual(expect.any(String))
      }),
      { numRuns: tries(500) },
    )
  })

  test('nothing that GitHub acts on is left', () => {
    fc.assert(
      fc.property(hostile, text => {
        expect(actedOn(safeMarkdown(text))).toEqual([])
        expect(actedOn(quoted(text, 10_000))).toEqual([])
        const own = `${text}[${text}](https://github.com/o/r/pull/7)`
        const acts = actedOn(spoken(own, 10_000, { repository: 'https://github.com/o/r' }))
        // The text has addresses of this repository, too, and they stay links.
        const isHere = (act: string) =>
          / → https:\/\/github\.com\/o\/r\/(?:issues|pull)\/\d+(?:\/files)?(?:#[\w-]+)?$/.test(act)
        expect(acts.filter(act => !isHere(act))).toEqual([])
      }),
      { numRuns: tries(1_500) },
    )
  })

  test('quoted words are all inside the quote, and carry no command', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 200 }), (text, max) => {
        const words = quoted(text, max)
        for (const line of words.split('\n')) expect(line).toMatch(/^>( |$)/)
        expect(parseCommands(asSeen(words))).toEqual([])
        expect(parseCommands(asSeen(`Before\n\n${words}\n\nafter`))).toEqual([])
      }),
      { numRuns: tries(1_000) },
    )
  })

  test('words in a sentence are one line of the length they may have, and carry no command', () => {
    fc.assert(
      fc.property(hostile, text => {
        const words = inlineWords(text, 80)
        expect(words).not.toMatch(/[\r\n]/)
        // Each character may be escaped or kept apart from the next.
        expect(words.length).toBeLessThanOrEqual(2 * 81)
        expect(actedOn(`By ${words} now`)).toEqual([])
        expect(parseCommands(asSeen(`✅ Asked by ${words} today`))).toEqual([])
      }),
      { numRuns: tries(1_000) },
    )
  })

  test('code is code, whatever is in it', () => {
    fc.assert(
      fc.property(hostile, text => {
        fc.pre(/[^\s`]/.test(inlineWords(text, 1_000).replace(/\\/g, '')))
        const inline = nodes(tree(`Branch ${code(text)}.`)).filter(node => node.type !== 'text')
        expect(inline.map(({ type }) => type)).toEqual(['inlineCode', 'paragraph', 'root'])
      }),
      { numRuns: tries(500) },
    )
  })
})

test.each([
  ['maya', 'maya'],
  ['  a\n b\t c ', 'a b c'],
  ['@sam #7', '@·sam #·7'],
  ['see https://a.example/x_y.', 'see `https://a.example/x_y`.'],
  [
    '*b* _i_ `c` ~s~ <b> [a](b) {x} a|b a\\b',
    '\\*b\\* \\_i\\_ \\`c\\` \\~s\\~ \\<b\\> \\[a\\](b) \\{x\\} a\\|b a\\\\b',
  ],
  ['x'.repeat(50), `${'x'.repeat(40)}…`],
  ['\u202egnp.exe', 'gnp.exe'],
  ['', ''],
])('in a sentence, %j is %j', (text, expected) =>
  expect(shown(inlineWords(text, 40))).toBe(expected),
)

test.each([
  ['main', '`main`'],
  ['a`b', '``a`b``'],
  ['a``b', '```a``b```'],
  ['`a`', '`` `a` ``'],
  ['a\nb', '`a b`'],
  ['a\u202eb', '`ab`'],
  ['@sam', '`@sam`'],
])('as code, %j is %s', (text, expected) => expect(code(text)).toBe(expected))

test.each([
  '@sam',
  '&commat;sam &#64;sam',
  '@**sam** #_7_ GH-*7*',
  '@[sam](x)',
  '<b>bold</b>',
  '![x](https://evil.example/x.png)',
  '[click](https://evil.example)',
  'fixes https://github.com/o/r/issues/7',
  'www.github.com/o/r/pull/7',
  'sam@example.org',
  'https://evil.example/x<img src=y>',
  'www.evil.example/x<img src=y>',
])('in a sentence GitHub acts on nothing of %j', text => {
  expect(actedOn(text)).not.toEqual([])
  expect(actedOn(`By ${inlineWords(text, 100)} now`)).toEqual([])
})

test.each([
  '- ',
  '>',
  '1. ',
  '*a_ ',
  '> - ',
  '-\n',
  '[',
  ']',
  '![',
  '<',
  '<!--',
  '\\',
  '~',
  '`',
  '&',
  '|',
  '@a',
  'www.)1)',
  'http://\\\n- + ',
  '\\<<!--',
  '|<!--"1)',
  '~"#\n\n',
  'a\n',
  '\n\na@b.c ',
  '```a\n',
  '~~~~b\n',
  '[^1]: ',
  '[a]: b\n',
  '|a|\n|-|\n',
  '**a',
  'a_',
  '=\n',
  '- [ ] ',
  '\t',
  '\u200b',
  '\ud800',
  '"\n',
])('20,000 characters of %j are quoted in good time', unit => {
  const text = unit.repeat(Math.ceil(20_000 / unit.length)).slice(0, 20_000)
  // Some 150 ms at most on a quiet machine, as for 20,000 characters of prose.
  expect(spentOn(() => quoted(text, 20_000))).toBeLessThan(600)
})

test('a process that has just started formats long prose', () => {
  const prose = 'The test now waits for the **session** before it logs in.\n\n'.repeat(150)
  const program = `import { safeMarkdown } from './src/core/text/safe-markdown.ts'
process.stdout.write(safeMarkdown(${JSON.stringify(prose)}))`
  const { stdout } = spawnSync(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '--eval',
    program,
  ])
  expect(stdout.toString()).toBe(prose.trim())
})

test('what is too heavy to format keeps its paragraphs, and GitHub acts on nothing in it', () => {
  const heavy = '[['.repeat(1_500)
  const words = [
    '# A title',
    '- @sam *did* [this](https://evil.example)',
    '1. <b>\n2) ![x](y)',
    'a\n===',
    '```\ncode',
  ]
  const safe = safeMarkdown([...words, heavy].join('\n\n'))
  expect(shown(safe).split('\n\n').slice(0, -1)).toEqual([
    '\\# A title',
    '\\- @·sam \\*did\\* \\[this\\](`https://evil.example`)',
    '1\\. \\<b\\>\n2\\) !\\[x\\](y)',
    'a\n\\===',
    '\\`\\`\\`\ncode',
  ])
  expect(actedOn(safe)).toEqual([])
})

test('a long text keeps its beginning and its end, and what is code there stays code', () => {
  const log = `\`\`\`\n${'a line of the log\n'.repeat(100)}the cause\n\`\`\``
  const left = (characters: number) => `… ${characters} left out …`
  expect(spoken(`It failed:\n\n${log}\n\nFixed.`, 120, { between: left })).toBe(
    'It failed:\n\n```\na line of the log\na line of the log\n```\n\n… 1729 left out …\n\n```\na line of the log\na line of the log\nthe cause\n```\n\nFixed.',
  )
})

describe('an answer', () => {
  const repository = 'https://github.com/acme/shop'
  test.each([
    'blob/main/src/a.ts',
    'blob/0123abc/src/a.ts#L12-L20',
    'tree/main/src',
    'commit/0123abc',
    'pull/7',
    'issues/7#issuecomment-9',
  ])('keeps a link to its repository: %s', where => {
    const link = `[\`this\` place](${repository}/${where})`
    expect(spoken(link, 1_000, { repository })).toBe(link)
    const bare = `${repository}/${where}`
    expect(spoken(`See ${bare}`, 1_000, { repository })).toBe(`See <${bare}>`)
  })

  test.each([
    'https://github.com/acme/other/pull/7',
    'https://github.com/acme/shop/settings',
    'https://github.com/acme/shop/blob/../settings',
    'https://evil.example/acme/shop/pull/7',
    // A browser goes up at these, too.
    'https://github.com/acme/shop/blob/%2e%2E/.%2e/.%2E/evil',
    'https://github.com/acme/shop2/pull/7',
  ])('shows any other in code: %s', address =>
    expect(spoken(`[this](${address})`, 1_000, { repository })).toBe(`this \`${address}\``),
  )

  test('puts a block of code in a quote if a line of it may be a command, and nothing else', () => {
    const block = '```ts\nfetch(a)\n/login\n```'
    expect(spoken(`The route is \`/login\`:\n\n${block}\n\nIt waits.`, 1_000)).toBe(
      'The route is `/login`:\n\n> ```ts\n> fetch(a)\n> /login\n> ```\n\nIt waits.',
    )
    expect(spoken('So:\n\n/login', 1_000)).toBe('> So:\n>\n> /login')
  })

  test.each([
    ['> [!NOTE]\n> It waits.', '> [!NOTE]\n> It waits.'],
    ['> [!nothing]\n> It waits.', '> \\[!nothing]\n> It waits.'],
    [
      '<details>\n<summary>The log</summary>\n\n- a\n\n</details>\n\nDone.',
      'The log\n\n- a\n\nDone.',
    ],
  ])('shows alerts as GitHub does, and what it folded as text: %j', (text, expected) =>
    expect(spoken(text, 1_000)).toBe(expected),
  )

  test('that is long has more above its fold than a heading', () => {
    const rest = 'All of the tests pass. '.repeat(100)
    for (const heading of ['## What I did', '**What I did**'])
      expect(agentWords(`${heading}\n\nIt waits now.\n\n${rest}`, runWith({}), deployment)).toMatch(
        /What I did(?:\*\*)?\n\nIt waits now\.\n\n<details><summary>The rest of what Codex said/,
      )
  })
})

test('a quotation that is cut says so', () => {
  expect(quoted('one two three', 7)).toBe('> one two …')
  expect(quoted('one', 3)).toBe('> one')
  expect(quoted('a\n\nb', 100)).toBe('> a\n>\n> b')
})

test.each([
  ['@sam', '@·sam'],
  ['@ sam', '@ sam'],
  ['#7 # 7 #a', '#·7 # 7 #a'],
  ['gh-7', 'gh-·7'],
  ['high-7', 'high-7'],
  ['a@', 'a@·'],
  ['see /issues/7', 'see /issues/·7'],
  ['[skip ci] [CI skip] [no ci] [skip actions]', '[·skip ci] [·CI skip] [·no ci] [·skip actions]'],
  ['[skipped] [no] [ci]', '[skipped] [no] [ci]'],
  ['skip-checks: true', 'skip-·checks: true'],
  ['***NO_CI***', '***·NO_CI***'],
])('disarmed: %j is %j', (text, expected) => expect(shown(disarm(text))).toBe(expected))
