/** What is read of a text is what its page shows, and what is not read is said. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import type { SeenPage } from '../../../src/core/text/seen-page.ts'
import { shownText } from '../../../src/core/text/shown-text.ts'
import { spentOn } from '../../support/thread-time.ts'

function read(text: string, addresses: 'whole' | 'none' = 'none'): SeenPage {
  const page = shownText(text, { addresses })
  if (!page) throw new Error('it can not be read')
  return page
}
const said = (text: string, addresses?: 'whole' | 'none') => read(text, addresses).text
const own = ({ text, own }: SeenPage) =>
  own.map(({ at, plain }) => text.slice(at).split('\n', 1)[0]?.slice(0, plain) ?? '')

const Payload = z.object({
  name: z.string(),
  text: z.string(),
  word: z.string(),
  shown: z.boolean(),
})
const payloads = z
  .array(Payload)
  .parse(JSON.parse(readFileSync(new URL('../../data/hidden-texts.json', import.meta.url), 'utf8')))

test.each(payloads)('a text made to hide a word: $name', ({ name, text, word, shown }) => {
  for (const page of [read(text), read(text, 'whole')]) {
    // A reader of the page may see more than is read, and is told so.
    expect(page.text.includes(word)).toBe(shown && !page.cut)
    // Addresses behind links, and what diagrams say, are no secret, and not passed on.
    const isNone = /^(?:mermaid|stl|ls_def|emptylink|parenurl|deepparen3|escparen2)$/.test(name)
    if (!shown && !isNone) expect(page.cut || page.unshown > 0).toBe(true)
  }
})

describe('what the page shows', () => {
  test.each([
    ['paragraphs and breaks', 'a\nb\\\nc  \nd\n\ne', 'a\nb\nc\nd\n\ne'],
    ['headings', '## T *i*', '## T i'],
    ['lists', '- a\n  - b\n\n3. c\n4. d', '- a\n  - b\n\n3. c\n4. d'],
    ['boxes to tick', '- [x] a\n- [ ] b', '- [x] a\n- [ ] b'],
    ['quotes', '> a\n> b', '> a\n> b'],
    ['tables', '| a | b |\n|-|-|\n| 1 | `x` | y |', '| a | b |\n| --- | --- |\n| 1 | `x` |'],
    ['code in a line', 'a ``b`c``', 'a ``b`c``'],
    ['code, its language known to GitHub', '```Ts odd\na\n\n  b\n```', '```ts\na\n\n  b\n```'],
    ['code, odd language', '```obeyme\na\n```', '```\na\n```'],
    ['code with fences in it', '~~~\n```\na\n```\n~~~', '````\n```\na\n```\n````'],
    ['struck out', 'a ~~b~~', 'a ~~b~~'],
    ['escapes and entities', '\\*a\\* &amp; &lt;b&gt;', '*a* & <b>'],
    ['pictures', 'a ![b](https://x.y/z.png "c")', 'a [picture]'],
    ['formulas', 'a $x$ b, for $5 or $6', 'a [formula] b, for $5 or $6'],
    ['diagrams', '```mermaid\ngraph\n```', '[diagram]'],
    ['references', '[a][b] [c] ![d][b]\n\n[b]: https://x.y/z', 'a [c] [picture]'],
    ['invisible characters', 'a\u200b\u{e0061}b\u202ec\u00ad', 'abc'],
    ['a mark of byte order', '\ufeff# a\n\nb', '# a\n\nb'],
    ['blanks', `a${'\u00a0'.repeat(50)}b`, 'a b'],
    ['no comment', 'a <!-- b --> c\n\n<!--\n\nd\n-->\n\ne', 'a c\n\ne'],
    [
      'what is folded',
      '<details><summary>Log</summary>\n\na\n\n</details>\n\nb',
      '[folded]\n\nLog\n\na\n\n[end of what is folded]\n\nb',
    ],
    [
      'HTML of the short list',
      '<h2 align="center">a <b>b</b></h2>\n<p>c <code>d</code><br>e &amp; <kbd>f</kbd></p>\n<ul><li>g</li>\n<li>h</li></ul>',
      '## a b\n\nc `d`\ne & f\n\n- g\n- h',
    ],
    [
      'tables of HTML',
      '<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td><img src="https://x.y/z" width="300"></td>\n<td>\n\n`c`\n\n</td></tr>\n</table>',
      '| a | b |\n| --- | --- |\n| [picture] | `c` |',
    ],
    ['code of HTML', '<pre>\na &lt;b\n</pre>', '```\na <b\n```'],
    ['links of HTML', '<a href="https://x.y/z">a</a>', 'a'],
    ['names in angles, which GitHub takes off', 'Array<string> of <module>', 'Array of'],
  ])('%s', (_, text, shown) => expect(said(text)).toBe(shown))

  test.each([
    ['https://obeyme-and-push.to-main.example', ' (https://obeyme-and-push.to-main.example)'],
    ['https://github.com/acme/shop/blob/obeyme', ' (https://github.com/acme/shop/blob/obeyme)'],
    ['https://u:p@x.y/z', ''],
  ])('the address of a link is for who may give orders alone: %s', (href, whole) => {
    const text = `[a](${href})`
    expect([said(text), said(text, 'whole')]).toEqual(['a', `a${whole}`])
  })

  it.each(['@maya', '#12', 'acme/shop#12', 'https://x.y/z', '.'])('no address behind “%s”', words =>
    expect(said(`<a href="https://x.y/z">${words}</a>`, 'whole')).toBe(words),
  )

  test.each([
    ['a long path', `https://github.com/acme/shop/blob/main/${'obeyme/'.repeat(20)}`, 20],
    ['a path without end', `https://github.com/acme/shop/blob/main/${'obeyme/'.repeat(3_000)}`, 0],
    ['a host without end', `https://${'obeyme.'.repeat(3_000)}example/`, 0],
  ])('no hidden words in %s', (_, href, byWhoMay) => {
    const times = (text: string) => text.split('obeyme').length - 1
    const text = `[here](${href})`
    expect([times(said(text)), times(said(text, 'whole'))]).toEqual([0, byWhoMay])
    expect(times(said('[a](https://obeyme.example) '.repeat(500), 'whole'))).toBeLessThan(100)
  })
})

/** ‘W’ stands for the word that nobody sees. */
const hides = (text: string) => read(text.replaceAll('W', 'obeyme'))

describe('what is not read', () => {
  test.each([
    ...[
      '<p hidden>W</p>',
      '<b dir="rtl">W</b>',
      '<table height="99999"><tr><td>W</td></tr></table>',
      '<script>W</script>',
      '<svg>W</svg>',
      '<bdo>W</bdo>',
      '<object>W</object>',
      '<select>W',
      '<rp>W</rp>',
      '<template>W',
      '<xmp>W',
      '<form>W</form>',
      '<title>W</title>',
      '<b>x\n\nW</b>',
      '</b>W',
      '<b><i>x</b>W</i>',
      '**<b>x**W</b>',
      '<p>\n\nW',
      '<li>W</li>',
      '<ul>W</ul>',
      '<table>W</table>',
      '<td>W</td>',
      '<p><div>W</div></p>',
      '<a><a>W</a></a>',
      '<!--> W -->',
      '<!-- x --!> W -->',
      '<div title="\nW',
      '<a b c="W',
      '<b a="1" a="2">W</b>',
      '<img src=https://x.y alt=W>',
      '<p>&zwnj;W</p>',
      'a <!W> b',
    ].map((text): [string, string] => [text, `a\n\n${text}`]),
    ...['sub', 'sup', 'small', 'kbd'].map((tag): [string, string] => [
      `${tag} in itself`,
      `a ${`<${tag}>`.repeat(3)}W${`</${tag}>`.repeat(3)}`,
    ]),
    // GitHub's engine ends the quote or list there, and begins HTML.
    ['HTML below a quote', '> a\n<img src="u">\n```\n<script>W</script>'],
    ['HTML below a list', '- a\n<b>\n`<rp>`W'],
    ['HTML below a quote in a list', '- > a\n  <i>\n  ```\n  W'],
    ['footnotes', 'a[^1]\n\n[^1]: W'],
    ['a footnote that nothing leads to', 'a\n\n[^1]: W'],
    ['a fence longer than GitHub counts', `a\n\n${'`'.repeat(300)}\nW`],
    ['what is nested deep', `a\n\n${'> '.repeat(20)}W`],
    ['a formula over several nodes', 'a $x*y*W$'],
    ['a line feed that is an entity', 'a&#10;W'],
    ...[
      '<br>\n',
      '&nbsp;\n\n',
      '\u2800\n\n',
      '#\n\n',
      '***\n\n',
      '.\n\n',
      '![](x)\n\n',
      '-\n',
      '> \n\n',
      '<div></div>\n\n',
      '<details></details>\n\n',
      '\\\n',
      '- <br>\n',
      // Specks, and what the usual fonts do not have
      '\u02c8\n\n',
      '\u02c8\n',
      '\u{13441}\n\n',
      '\ua4f8\n',
      '\ua78f\n',
      '\u1427\n',
      '\u{16800}\n',
      '\u0660\n',
      '\u0d4e\n',
      '\u119e\n',
      '\u318d\n',
      '\u4e00\n',
      '\ufe70\n',
      '\u{1b001}\n',
    ].map((gap): [string, string] => [`behind rows of ${gap}`, `a\n\n${gap.repeat(90)}\nW`]),
    ...[
      '\u00a0',
      '\u2003',
      '\u3000',
      '\u2800',
      '\u1680',
      '. ',
      '&#x2003;',
      '\u{13441}',
      '\u02c8',
      '\u0660',
    ].flatMap((gap): [string, string][] => [
      [`behind a line of ${gap}`, `a${gap.repeat(2_000)}W`],
      [`in the row below a line of ${gap}`, `a\n${gap.repeat(2_000)}\nW`],
    ]),
    ['behind blank lines of code', `\`\`\`\na${'\n'.repeat(50)}W\n\`\`\``],
    ['behind a picture without end', 'a <img height="9999" src="x"> W'],
    ['behind a high formula', 'a $\\rule{1px}{5000px}$ W'],
  ])('%s: reading ends before it, and the text says so', (_, text) => {
    const page = hides(text)
    expect(page.text).not.toContain('obeyme')
    expect(page.text).toMatch(/\[… cut here: [^\]]+\]$/)
    expect(page.cut).toBe(true)
  })

  const long = 'x'.repeat(150)
  test.each([
    ['code', `\`\`\`\n${long} W\n\`\`\``],
    ['code behind wide letters', `\`\`\`\n${'修'.repeat(75)}W\n\`\`\``],
    ['code behind a letter as wide as a sentence', `\`\`\`\n${'\ufdfa'.repeat(10)} W\n\`\`\``],
    ['code behind tabs', `\`\`\`\na${'\t'.repeat(20)}W\n\`\`\``],
    ['a cell pushed by the row above', `|${long}|a|\n|-|-|\n|b|W|`],
    ['a cell pushed by the row below', `|b|W|\n|-|-|\n|${long}|a|`],
    ['a cell pushed by words that do not break', `|${'a\u00a0'.repeat(80)}|W|\n|-|-|`],
    ['a cell pushed by many', `|${'a|'.repeat(50)}W|\n${'|-'.repeat(51)}|`],
    ['the end of a column as wide as its widest', `|${long}|\n|-|\n|${'word '.repeat(40)}W|`],
    [
      'a cell of HTML',
      `<table><tr><td>${long}</td><td>a</td></tr><tr><td>b</td><td>W</td></tr></table>`,
    ],
  ])('what stands beside the page is cut, and that is said: %s', (_, text) => {
    const page = hides(text)
    expect(page.text).not.toContain('obeyme')
    expect(page.text).toMatch(/\[… (?:cut: the line is longer|more cells)\]/)
    expect(page.unshown).toBe(0)
  })

  test.each([
    ['a row of badges', `${'![](x) '.repeat(12)}W`],
    ['a few blank lines', `\`\`\`\na${'\n'.repeat(10)}W\n\`\`\``],
    ['columns of a log', `\`\`\`\na${' '.repeat(60)}W\n\`\`\``],
    ['a picture as phones take it', '<img width="1170" height="2532" src="x">\n\nW'],
    ['two columns', '<table><tr><td width="50%" valign="top">W</td></tr></table>'],
    ['a small note of bots', '<sub><sup>W</sup></sub>'],
    ['code in a heading', '### `W`'],
    ['marks', 'e\u0301\u0323 W'],
    ['a line of a stack trace', `\`\`\`\n${'x'.repeat(140)} W\n\`\`\``],
    ['long words of a table', `|${'it fails '.repeat(20)}|${'修复登录'.repeat(40)}|W|\n|-|-|-|`],
    ['a list in a list in a list', '- a\n  - b\n    - W'],
    ...['Ελληνικά', 'Русский', 'עברית', 'العربية', 'हिन्दी', 'ไทย', '한국어', 'ქართული'].map(
      (words): [string, string] => [words, `${`${words}\n`.repeat(90)}\nW`],
    ),
  ])('what a reader sees is read: %s', (_, text) =>
    expect(said(text.replaceAll('W', 'readme'))).toContain('readme'),
  )

  it('no character that a page ignores, and no tower of marks', () => {
    const ignored = Array.from({ length: 0x110000 }, (_, code) => code)
      .filter(code => code < 0xd800 || code > 0xdfff)
      .map(code => String.fromCodePoint(code))
      .filter(sign => /\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}/u.test(sign))
    expect(ignored.length).toBeGreaterThan(4_000)
    expect(said(`a${ignored.join('')}b`)).toBe('ab')
    expect(said(`a${'\u036f\u0364'.repeat(50)}b`).length).toBeLessThan(10)
  })

  test('of a text that is too complex, all but the beginning, without what the rest may define', () => {
    const rest = `\n\n${'*a_ '.repeat(16_000)}\n\n[x]: /u`
    expect(said(`/codex fix it${rest}`)).toBe('/codex fix it\n\n[… cut here: the text is longer]')
    expect(said(`a\n\n![x]${rest}`)).toBe('a\n\n[… cut here: the text is longer]')
    expect(shownText('*a_ '.repeat(16_000), { addresses: 'none' })).toBeUndefined()
  })

  test.each([
    ['breaks', '<br>'],
    ['pieces', '<b>x</b>'],
    ['links', '[x](https://x.y)'],
    ['cells', '|x'],
    ['signs', '.'],
    ['marks', '\u0301'],
    ['quotes', '> '],
    ['comments', '<!-- x -->'],
    ['tags in an open one', '<a b '],
  ])('takes two seconds at most: %s', (_, unit) => {
    const text = unit.repeat(65_000 / unit.length)
    expect(spentOn(() => shownText(text, { addresses: 'none' }))).toBeLessThan(2_000)
  })
})

describe('the lines that may be commands', () => {
  test.each([
    ['a paragraph of the page', '/codex a\nb', ['/codex a', 'b']],
    ['with markup behind the word', '/codex **a**', ['/codex ']],
    ['the word in markup', '**/codex** a\n\n[/codex](https://x.y)\n\n`/codex`', []],
    ['half of the word in markup', '/co*dex a*', ['/co']],
    ['folded', '<details open>\n\n/codex a\n\n</details>', []],
    ['quoted', '> /codex a', []],
    ['an alert', '> [!NOTE]\n> /codex a', []],
    ['a box of the page', '<div>\n\n/codex a\n\n</div>', []],
    ['HTML', '<p>/codex a</p>', []],
    ['behind a picture', '![](https://x.y/z)/codex a', []],
  ])('%s', (_, text, lines) => expect(own(read(text))).toEqual(lines))

  it('are told from those of lists, headings and cells', () => {
    const text =
      '# /codex a\n\n- /codex b\n- [x] /codex c\n- so /codex d\n\n| /codex e |\n|-|\n\n> /codex g\n\n`/codex h`'
    expect(read(text).elsewhere.filter(line => line.startsWith('/codex'))).toEqual(
      [...'abce'].map(name => `/codex ${name}`),
    )
  })
})

describe('files', () => {
  const asset = 'https://github.com/user-attachments/assets/0b0c0d0e-1111-2222-3333-444455556666'
  const signed = 'https://private-user-images.githubusercontent.com/1/2.png'
  test.each([
    ['a picture', `![](${asset})`, [asset]],
    ['a picture of HTML', `<img width="300" alt="a" src="${asset}">`, [asset]],
    ['a private one, without its secret', `<img src="${signed}?jwt=s">`, [signed]],
    ['a link with words', `[log.txt](${asset})`, [asset]],
    ['a link around code', `[\`log.txt\`](${asset})`, [asset]],
    ...['.', '\u200b\u2800\u3164', '![](x)', '<br>'].map((words): [string, string, string[]] => [
      `a link around “${words}”`,
      `[${words}](${asset})`,
      [],
    ]),
    ...['0', '1', '9px', '0%', '001', '99999', '+1', '-9', ''].flatMap(size =>
      ['width', 'height'].map((side): [string, string, string[]] => [
        `of ${side} “${size}”`,
        `<img ${side}="${size}" src="${asset}">`,
        [],
      ]),
    ),
    ['of a dark page', `![](${asset}#gh-dark-mode-only)`, []],
    ['a picture with sources', `<picture><source srcset="a"><img src="${asset}"></picture>`, []],
    ['far aside', `<img hspace="9999" src="${asset}">`, []],
    ['in a quote', `> ![](${asset})`, []],
    ['in a box', `<div>\n\n![](${asset})\n\n</div>`, [asset]],
  ])('%s', (_, text, files) => expect(read(text).files.map(({ url }) => url)).toEqual(files))
})

describe('words that the page does not show', () => {
  test.each([
    ['fix **the** lo**gin**, see `a_b` and ~~c~~ [d](https://x.y/z) :tada: @maya #12', 0],
    ['1. a\n1. b\n\n| x | y |\n|---|:-:|\n| 1 | 2 |\n\n> [!NOTE]\n> hi\n\n- [x] done', 0],
    ['<details><summary>Log</summary>\n\n```ts\na\n```\n\n</details><br>e &amp; f<kbd>g</kbd>', 0],
    [
      '![shot of it](https://github.com/user-attachments/assets/1-2) <img width="640" height="480" alt="b c" src="https://github.com/user-attachments/assets/3-4" />',
      0,
    ],
    ['see [x][docs]\n\n[docs]: https://x.y', 0],
    ['costs $5 or $6, and $x_1$', 0],
    ['see `__init__.py`', 0],
    ['Array<string>', 1],
    ['see __init__.py', 1],
    ['a <!-- b -->', 1],
    ['a <span title="b">c</span>', 1],
    ['![b](https://x.y/z)', 1],
    ['[a](https://x.y "b c")', 2],
    ['```js b c\n```', 2],
    ['| a |\n|-|\n| b | c |', 1],
    ['a\u{e0062}', 1],
  ])('are counted: %j', (text, count) => expect(read(text).unshown).toBe(count))

  it('are known by their place', () => {
    const text = 'a\n\nb <!-- c -->\n\n![d](https://x.y/z)'
    expect(read(text).hidden).toEqual([text.indexOf('<!'), text.indexOf('![')])
  })
})
