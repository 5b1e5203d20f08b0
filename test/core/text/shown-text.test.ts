/** The page decides: GitHub's HTML, walked by an allowlist. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { renderMarkdown } from '../../../emulators/github/markdown.ts'
import { asWritten, type ShownText, unshownWords } from '../../../src/core/text/seen-page.ts'
import { shownText } from '../../../src/core/text/shown-text.ts'
import { cmarkAvailable } from '../../support/cmark-gfm.ts'
import { tries } from '../../support/tries.ts'

const webUrl = 'https://github.com/acme/shop/issues/7'

const read = (html: string, addresses: 'whole' | 'host' = 'host'): ShownText => {
  const page = shownText(html, { webUrl, addresses })
  if (!page) throw new Error('it is too large to be read')
  return page
}
const said = (html: string, addresses?: 'whole' | 'host'): string => read(html, addresses).text
const pageOf = async (markdown: string, addresses?: 'whole' | 'host'): Promise<ShownText> =>
  read(await renderMarkdown(markdown), addresses)
const own = ({ text, own }: ShownText): string[] =>
  own.map(({ at, plain }) => text.slice(at).split('\n', 1)[0]?.slice(0, plain) ?? '')

const Payload = z.object({
  kind: z.enum(['text', 'command']),
  name: z.string(),
  text: z.string(),
  word: z.string(),
  shown: z.boolean(),
})
/** ms of a processor, the least of three */
const timeOf = (html: string): number =>
  Math.min(
    ...[1, 2, 3].map(() => {
      const before = process.cpuUsage()
      read(html)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1_000
    }),
  )

const payloads = z
  .array(Payload)
  .parse(JSON.parse(readFileSync(new URL('../../data/hidden-texts.json', import.meta.url), 'utf8')))

describe.skipIf(!cmarkAvailable())('texts made to hide a word', () => {
  test.each(payloads)('$kind $name: shown is $shown', async ({ text, word, shown }) => {
    const host = await pageOf(text)
    expect(host.text.includes(word)).toBe(shown)
    expect((await pageOf(text, 'whole')).text.includes(word)).toBe(shown)
    if (shown) return
    // An address behind a link, and what a diagram says, are no secret, and not passed on.
    const isSaid =
      /\]\([^ )]*obeyme|^```(?:mermaid|stl)/.test(text) || /\]\(https:\S+obeyme/.test(text)
    if (!isSaid) expect(unshownWords(text, host)).toContain(word)
  })
})

describe('what the page shows', () => {
  test.each<[string, string, string]>([
    ['paragraphs and breaks', '<p>a\nb<br>\nc</p><p>d</p>', 'a b\nc\n\nd'],
    [
      'headings',
      '<div class="markdown-heading"><h2>T <em>i</em></h2><a class="anchor" href="#t"></a></div>',
      '## T i',
    ],
    [
      'lists',
      '<ul><li>a<ul><li>b</li></ul></li></ul><ol start="3"><li>c</li><li>d</li></ol>',
      '- a\n  - b\n\n3. c\n4. d',
    ],
    [
      'boxes to tick',
      '<ul><li><input type="checkbox" class="task-list-item-checkbox" checked> a</li><li><input class="task-list-item-checkbox"> b</li></ul>',
      '- [x] a\n- [ ] b',
    ],
    ['quotes', '<blockquote><p>a<br>b</p></blockquote>', '> a\n> b'],
    [
      'tables',
      '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1<br>2</td><td><code>|</code></td></tr></tbody></table>',
      '| a | b |\n| --- | --- |\n| 1 2 | `|` |',
    ],
    ['code in a line', '<p>a <code>b`c</code></p>', 'a ``b`c``'],
    [
      'code, its language known to GitHub',
      '<div class="highlight highlight-source-zig"><pre>a\n\n  <span class="pl-k">b</span>\n</pre></div>',
      '```zig\na\n\n  b\n```',
    ],
    [
      'code, in a language of the usual ones',
      '<pre lang="Ts"><code>a</code></pre>',
      '```ts\na\n```',
    ],
    [
      'code, odd language',
      '<pre lang="obeyme"><code class="language-obeyme">a</code></pre>',
      '```\na\n```',
    ],
    ['code with fences in it', '<pre><code>```\na\n```</code></pre>', '````\n```\na\n```\n````'],
    ['struck out', '<p>a <del>b</del> <s>c</s></p>', 'a ~~b~~ ~~c~~'],
    ['rubies', '<p><ruby>a<rp>x</rp><rt>b</rt></ruby></p>', 'a(b)'],
    ['definitions', '<dl><dt>a</dt><dd>b</dd></dl>', 'a\n\n  b'],
    [
      'what is folded',
      '<details><summary>Log</summary><p>a</p></details>b',
      '[folded]\n\nLog\n\na\n\n[end of what is folded]\n\nb',
    ],
    [
      'footnotes',
      '<p>a<sup><a data-footnote-ref href="#f">1</a></sup></p><section class="footnotes" data-footnotes><h2 class="sr-only" id="x">Footnotes</h2><ol><li><p>b <a data-footnote-backref href="#g">↩</a></p></li></ol></section>',
      'a[1]\n\n1. b',
    ],
    [
      'alerts',
      '<div class="markdown-alert markdown-alert-note"><p class="markdown-alert-title"><svg><title>x</title></svg>Note</p><p>a</p></div>',
      'Note\n\na',
    ],
    [
      'pictures',
      '<p>a <img src="https://x.y/z.png" alt="b" title="c"> <picture><source srcset="d"><img src="https://x.y/e.png"></picture></p>',
      'a [picture] [picture]',
    ],
    [
      'formulas',
      '<p>a <math-renderer class="js-inline-math">$x$</math-renderer></p>',
      'a [formula]',
    ],
    [
      'diagrams',
      '<section class="js-render-needs-enrichment"><div data-plain="graph"><pre lang="mermaid">graph</pre></div></section>',
      '[diagram]',
    ],
    ['diagrams that nobody drew', '<pre lang="mermaid"><code>graph</code></pre>', '[diagram]'],
    [
      'code of the repository',
      '<p>a</p><div class="Box Box--condensed my-2"><div class="Box-header"><p>x.ts</p></div><div class="blob-wrapper blob-wrapper-embedded data"><table><tr><td>secret</td></tr></table></div></div>',
      'a\n\n[code from the repository]',
    ],
    [
      'suggestions',
      '<div class="my-2 border js-suggested-changes-blob"><div>Suggested change</div><div class="blob-wrapper"><table><tr><td class="blob-num"></td><td class="blob-code-inner blob-code-deletion">a</td></tr><tr><td class="blob-code-inner blob-code-addition"><span>b</span></td></tr></table></div></div>',
      '```diff\n- a\n+ b\n```',
    ],
    [
      'e-mail',
      '<div class="email-fragment">a\nb</div><span class="email-hidden-toggle"><a href="#">…</a></span><div class="email-hidden-reply"><div class="email-quoted-reply">c</div></div>',
      'a\nb',
    ],
    ['emoji', '<p><g-emoji class="g-emoji" alias="tada">🎉</g-emoji></p>', '🎉'],
    [
      'another direction',
      '<p dir="rtl">a</p><p>b <bdo dir="rtl">c</bdo></p>',
      '[unreadable]\n\nb [unreadable]',
    ],
    ['small in small in small', '<p><sub>a<sub>b<sub>c</sub></sub></sub></p>', 'ab [unreadable]'],
    [
      'what is not on the list',
      '<p>a<object>b</object><x-y>c</x-y><button>d</button></p><form>e</form><template><p>f</p></template><svg><text>g</text></svg>',
      'a',
    ],
    ['what is no text', '<div class="Popover">a</div><span class="sr-only">b</span><p>c</p>', 'c'],
    ['invisible characters', '<p>a\u200b\u{e0061}b\u202ec\u00ad</p>', 'abc'],
    [
      'attributes',
      '<p title="x" aria-label="y" data-z="w"><a title="t" id="i" href="mailto:o@b.y">a</a></p>',
      'a',
    ],
    ['blanks', `<p>a${'\u00a0'.repeat(50)}b</p>`, 'a b'],
  ])('%s', (_, html, text) => expect(said(html)).toBe(text))

  test.each<[string, string, string]>([
    ['https://x.y/z', 'x.y', 'https://x.y/z'],
    ['https://github.com/acme/shop/issues/9', 'acme/shop/issues/9', 'acme/shop/issues/9'],
    ['https://x.y/((obeyme))', 'x.y', 'x.y'],
    ['https://u:p@x.y/z', 'x.y', 'x.y'],
  ])('the address of a link, %s', (href, host, whole) => {
    const html = `<p><a href="${href}">a</a></p>`
    expect([said(html), said(html, 'whole')]).toEqual([`a (${host})`, `a (${whole})`])
  })

  it.each(['@maya', '#12', 'acme/shop#12', 'https://x.y/z', '.'])(
    'no address behind “%s”',
    words => {
      expect(said(`<p><a href="https://x.y/z">${words}</a></p>`, 'whole')).toBe(words)
    },
  )

  test.each<[string, string, number, number]>([
    ['a long path', `https://github.com/acme/shop/blob/main/${'obeyme/'.repeat(20)}`, 0, 20],
    [
      'a path without end',
      `https://github.com/acme/shop/blob/main/${'obeyme/'.repeat(3_000)}`,
      0,
      0,
    ],
    ['a long host', `https://${'obeyme.'.repeat(20)}example/`, 0, 20],
    ['a host without end', `https://${'obeyme.'.repeat(3_000)}example/`, 0, 0],
  ])('no hidden words in %s', (_, href, byOthers, byWhoMay) => {
    const html = `<p><a href="${href}">here</a></p>`
    const times = (text: string): number => text.split('obeyme').length - 1
    expect([times(said(html)), times(said(html, 'whole'))]).toEqual([byOthers, byWhoMay])
    const short = '<a href="https://obeyme.example">a</a> '
    expect(times(said(`<p>${short.repeat(1_000)}</p>`, 'whole'))).toBeLessThan(100)
  })

  const dots = '<p>a</p>'
  test.each<[string, string]>([
    ...[
      ...[
        '<table height="1"><tr><td>W</td></tr></table>',
        '<table><tr><td height="1">W</td></tr></table>',
      ],
      ...[
        '<table width="1"><tr><td>W</td></tr></table>',
        '<table border="999"><tr><td>W</td></tr></table>',
      ],
      ...[
        '<table cellspacing="99"><tr><td>W</td></tr></table>',
        '<table><tr><td nowrap>W</td></tr></table>',
      ],
      ...[
        '<p hidden>W</p>',
        '<p style="display:none">W</p>',
        '<div align="char">W</div>',
        '<b dir="rtl">W</b>',
      ],
      ...[
        '<ul><li value="7">W</li></ul>',
        '<span hspace="9">W</span>',
        '<table width="5000"><tr><td>W</table>',
      ],
      ...[
        '<ol start="99999999999"><li>W</li></ol>',
        '<details hidden>W</details>',
        '<a dir="RTL">W</a>',
      ],
    ].map((html): [string, string] => [html, html]),
    ...['code', 'tt', 'kbd', 'samp', 'sub', 'sup', 'small', 'rt'].map((tag): [string, string] => [
      `${tag} in itself`,
      `<p>${`<${tag}>`.repeat(3)}W${`</${tag}>`.repeat(3)}</p>`,
    ]),
    ['small in several ways', '<p><sub><code><kbd>W</kbd></code></sub></p>'],
    ['headings in headings', `<h6>a<div><h6>W</h6></div></h6>`],
    ['in the words of a picture', '<picture>W<img src="x"></picture><video>W</video>'],
    [
      'elements GitHub does not allow',
      '<font>W</font><u>W</u><bdi>W</bdi><center>W</center><marquee>W',
    ],
    ...[
      ...[
        ...['<br>', '<p></p>', '<p>\u00a0</p>', '<p>\u2800</p>', '<h1></h1>', '<hr>', '<p>.</p>'],
        '<img src="x">',
      ],
      ...[
        '<ul><li></li></ul>',
        '<table><tr><td></td></tr></table>',
        '<details></details>',
        '<div>\u3164</div>',
      ],
      ...[
        '<blockquote></blockquote>',
        '<pre>\n\n</pre>',
        '<dl><dt></dt></dl>',
        '<p><b>\u200b</b><br></p>',
      ],
      // A blank hieroglyph, a letter that looks like a dot, and what is not read
      ...['<p>\u{13441}</p>', '<p>\ua4f8</p>', '<sub><sub><sub><br></sub></sub></sub>'],
      ...['<img height="500" src="x">', '<picture><source><img height="500" src="x"></picture>'],
    ].map((gap): [string, string] => [`behind rows of ${gap}`, `${dots}${gap.repeat(50)}<p>W</p>`]),
    ...[
      ...['\u00a0', '\u2003', '\u3000', '\u2800', '\u1680', '. ', '<code></code>', '<kbd> </kbd>'],
      '\u{13441}',
      '&#x2003;',
    ].flatMap((gap): [string, string][] => [
      [`behind a line of ${gap}`, `<p>a${gap.repeat(150)}W</p>`],
      [`in the row behind lines of ${gap}`, `<p>a${gap.repeat(6_000)}</p><p>W</p>`],
    ]),
    ['behind blanks of code', `<pre>a${' '.repeat(150)}W</pre>`],
    [
      'behind blanks of code in pieces',
      `<pre>a${'<span class="pl-k"> </span>'.repeat(150)}W</pre>`,
    ],
    ['behind tabs', `<pre>a${'\t'.repeat(20)}W</pre>`],
    ['behind blank lines of code', `<pre>a${'\n'.repeat(50)}W</pre>`],
    [
      'behind a table that is high',
      `${dots}<table height="5000"><tr><td></td></tr></table><p>W</p>`,
    ],
    ['behind a picture that is moved', `${dots}<img vspace="5000" src="x"><p>W</p>`],
    ['behind an endless picture', `${dots}<img height="90000" src="x"><p>W</p>`],
    ['behind a high picture', `${dots}<img height="9999" src="x"><p>W</p>`],
    ['behind a wide picture', '<p><img width="9999" src="x"> W</p>'],
    [
      'behind a high formula',
      `${dots}<math-renderer>$\\rule{1px}{5000px}$</math-renderer><p>W</p>`,
    ],
    ['behind a long formula', `${dots}<math-renderer>${'\\\\'.repeat(50)}</math-renderer><p>W</p>`],
  ])('what no reader sees is not read: %s', (_, html) => {
    const page = read(html.replaceAll('W', 'obeyme'))
    expect(page.text).not.toContain('obeyme')
    expect(unshownWords('obeyme', page)).toEqual(['obeyme'])
  })

  const long = 'x'.repeat(150)
  const table = (...rows: string[]): string =>
    `<table>${rows.map(row => `<tr><td>${row.replaceAll('|', '</td><td>')}</td></tr>`).join('')}</table>`
  test.each<[string, string]>([
    ['code', `<pre>${long} W</pre>`],
    ['code in pieces', `<pre>${'<span class="pl-k">x</span> '.repeat(80)}W</pre>`],
    ['code with blanks between', `<pre>${`x${' '.repeat(50)}`.repeat(3)}W</pre>`],
    ['code behind wide letters', `<pre>${'修'.repeat(75)}W</pre>`],
    ['code behind a letter as wide as a sentence', `<pre>${'\ufdfa'.repeat(10)} W</pre>`],
    ['a cell pushed by the row above', table(`${long}|a`, 'b|W')],
    ['a cell pushed by the row below', table('b|W', `${long}|a`)],
    ['a cell pushed by words that do not break', table(`${'a\u00a0'.repeat(80)}|W`)],
    ['a cell pushed by code', table(`<pre>${'a '.repeat(80)}</pre>|W`)],
    ['a cell pushed by a table', table(`${table('xxx|'.repeat(30))}|W`)],
    ['a cell pushed by a picture', table('<img width="9999" src="x">|W')],
    ['a cell pushed by wide cells', table('|||W').replaceAll('<td>', '<td width="500">')],
    ['a cell pushed by many', table(`${'a|'.repeat(50)}W`)],
    [
      'a cell beside one that spans',
      table(`b|${long}`, 'a|W').replace('<td>a', '<td colspan="2">a'),
    ],
    [
      'a cell beside one that is not read',
      table(`${'a '.repeat(80)}|W`).replace('<td', '<td nowrap'),
    ],
    ['a cell below a row that is not read', table(long, 'b|W').replace('<tr', '<tr height="9"')],
    ['a cell below a wide caption', table('b|W').replace('<tr', `<caption>${long}</caption><tr`)],
    [
      'a cell beside one of the row above',
      table(`${long}|a`, 'W').replace('<td>', '<td rowspan="2">'),
    ],
    ['the end of a column as wide as its widest', table(long, `${'word '.repeat(40)}W`)],
  ])('what stands beside the page is cut, and that is said: %s', (_, html) => {
    const page = read(html.replaceAll('W', 'obeyme'))
    expect(page.text).not.toContain('obeyme')
    expect(page.text).toMatch(/\[… (?:cut: the line is longer|more cells)\]/)
    expect(unshownWords('obeyme', page)).toEqual([])
  })

  const sentence = 'it fails when the session is older than a day, '
  test.each<[string, string]>([
    ['a row of badges', `<p>${'<img src="x"> '.repeat(12)}W</p>`],
    ['a few blank lines', `<pre>a${'\n'.repeat(10)}W</pre>`],
    ['columns of a log', `<pre>a${' '.repeat(60)}W</pre>`],
    ['a picture as phones take it', '<img width="1170" height="2532" src="x"><p>W</p>'],
    ['in the middle', '<div align="center"><h1 align="center">W</h1></div>'],
    ['two columns', '<table><tr><td width="50%" valign="top" colspan="2">W</td></tr></table>'],
    [
      'a table of old',
      '<table border="1" cellpadding="5" cellspacing="0" width="600"><tr><td>W</td></tr></table>',
    ],
    ['a small note of bots', '<p><sub><sup>W</sup></sub></p>'],
    ['code in a heading', '<h3><code>W</code></h3>'],
    ['marks', '<p>e\u0301\u0323 W</p>'],
    ['a line of a stack trace', `<pre>${'x'.repeat(140)} W</pre>`],
    [
      'long words of a table',
      table(`${sentence.repeat(4)}|${'修复登录'.repeat(40)}|src/core/text/yaml.ts|W`),
    ],
    [
      'pictures as phones take them',
      `${'<img width="1179" height="2556" src="x"><br>'.repeat(2)}W`,
    ],
    ['pictures side by side', table(`${'<img width="1179" src="x">|'.repeat(2)}W`)],
    ['indented code', `<pre>if:\n${' '.repeat(40)}W</pre>`],
    ['a list in a list in a list', '<ul><li>a<ul><li>b<ul><li>W</li></ul></li></ul></li></ul>'],
  ])('what a reader sees is read: %s', (_, html) =>
    expect(said(html.replaceAll('W', 'readme'))).toContain('readme'),
  )

  it('no character that a page ignores, and no tower of marks', () => {
    const ignored = Array.from({ length: 0x110000 }, (_, code) => code)
      .filter(code => code < 0xd800 || code > 0xdfff)
      .map(code => String.fromCodePoint(code))
      .filter(sign => /\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}/u.test(sign))
    expect(ignored.length).toBeGreaterThan(4_000)
    expect(said(`<p>a${ignored.join('')}b</p>`)).toBe('ab')
    expect(said(`<p>a${'\u036f\u0364'.repeat(50)}b</p>`).length).toBeLessThan(10)
  })

  test.each<[string, string]>([
    ['code in code', '<code>x'],
    ['code with ticks', '<tt>`'],
    ['quotes', '<blockquote>'],
    ['bold', '<b>'],
    ['paragraphs', '<p><b>x'],
    ['pieces', '<b>x</b>'],
    ['links', '<a href="https://x.y">x</a>'],
    ['cells', '<table><tr><td>x'],
    ['signs', '.'],
    ['marks', '\u0301'],
  ])('takes time by the length of the text: %s', (_, unit) => {
    const page = read(unit.repeat(60_000 / unit.length))
    expect(page.text.length).toBeLessThan(10 * 60_000)
    const twice = 40 * timeOf(unit.repeat(2_000))
    expect(timeOf(unit.repeat(20_000))).toBeLessThan(Math.max(twice, 200))
  })

  it('says where it cut', () => {
    expect(said(`<pre>${'x'.repeat(5_000)}</pre>`)).toContain('[… cut: the line is longer]')
    expect(said(`<pre>a${' '.repeat(500)}b\nc</pre>`)).toBe('```\na [… cut: behind a gap]\nc\n```')
    expect(said(`<pre>a${'\n'.repeat(500)}b</pre>`)).toMatch(
      /\[… cut here: the rest stands behind a gap\]$/,
    )
    expect(said(`<table><tr>${'<td>a</td>'.repeat(50)}</tr></table>`)).toContain('[… more cells]')
    expect(said(`${'<blockquote>'.repeat(20)}a`)).toContain('[unreadable]')
    expect(read(`<p>${'<b>a</b>'.repeat(50_000)}</p>`)).toMatchObject({ cut: true })
    expect(said(`<p>${'<b>a</b>'.repeat(50_000)}</p>`)).toMatch(
      /\[… cut here: the text is longer\]$/,
    )
    expect(shownText('a'.repeat(5_000_000), { webUrl, addresses: 'host' })).toBeUndefined()
  })
})

describe('the lines that may be commands', () => {
  test.each<[string, string, string[]]>([
    ['a paragraph of the page', '<p dir="auto">/codex a<br>\nb</p>', ['/codex a', 'b']],
    ['with markup behind the word', '<p>/codex <b>a</b></p>', ['/codex ']],
    [
      'the word in markup',
      '<p><b>/codex</b> a</p><p><a href="https://x.y">/codex</a></p><p><code>/codex</code></p>',
      [],
    ],
    ['half of the word in markup', '<p>/co<i>dex a</i></p>', ['/co']],
    ['behind a line feed, which is no line', '<p>a\n/codex b</p>', ['a /codex b']],
    ['an e-mail', '<div class="email-fragment">Hi\n\n/codex a\nb</div>', ['Hi', '/codex a', 'b']],
    [
      'quoted reply',
      '<div class="email-hidden-reply"><div class="email-fragment">/codex a</div></div>',
      [],
    ],
    ['folded', '<details open><p>/codex a</p></details>', []],
    ['quoted', '<blockquote><p>/codex a</p></blockquote>', []],
    ['a footnote', '<section class="footnotes"><ol><li><p>/codex a</p></li></ol></section>', []],
    ['a box of the page', '<div><p>/codex a</p></div>', []],
    ['an alert', '<div class="markdown-alert"><p>/codex a</p></div>', []],
    ['embedded code', '<div class="blob-wrapper-embedded"><p>/codex a</p></div>', []],
    ['another direction', '<p dir="rtl">/codex a</p>', []],
    ['behind a picture', '<p><img src="https://x.y/z">/codex a</p>', []],
  ])('%s', (_, html, lines) => expect(own(read(html))).toEqual(lines))

  it('are told from those of lists, headings, cells and boxes', () => {
    const html =
      '<h1>/codex a</h1><ul><li>/codex b</li><li><input class="task-list-item-checkbox"> /codex c</li><li>so /codex d</li></ul><table><tr><td>/codex e</td></tr></table><div>/codex f</div><blockquote>/codex g</blockquote><pre>/codex h</pre>'
    expect(read(html).elsewhere.filter(line => line.startsWith('/codex'))).toEqual(
      [...'abcef'].map(name => `/codex ${name}`),
    )
  })
})

describe('files', () => {
  const asset = 'https://github.com/user-attachments/assets/0b0c0d0e-1111-2222-3333-444455556666'
  test.each<[string, string, string[]]>([
    ['a picture', `<img src="${asset}">`, [asset]],
    [
      'the address of a private one, without its secret',
      `<img src="https://private-user-images.githubusercontent.com/1/2.png?jwt=s">`,
      ['https://private-user-images.githubusercontent.com/1/2.png'],
    ],
    ['a link with words', `<a href="${asset}">log.txt</a>`, [asset]],
    ['a link without', `<a href="${asset}"> . </a>`, []],
    ['one dot', `<img width="1" height="1" src="${asset}">`, []],
    ['of a dark page', `<img src="${asset}#gh-dark-mode-only">`, []],
    [
      'a source beside it',
      `<picture><source srcset="${asset}"><img src="https://x.y/z"></picture>`,
      [],
    ],
    [
      'a picture with a source, which may be shown',
      `<picture><source><img src="${asset}"></picture>`,
      [],
    ],
    [
      'of two themes',
      `<themed-picture><picture><source><img src="${asset}"></picture></themed-picture>`,
      [],
    ],
    [
      'a picture alone',
      `<picture><img src="${asset}" width="10" height="9999"></picture>`,
      [asset],
    ],
    ...['01', '1', '001px', '1e1', '5%', '+1', ' 2', '0', '-9', '1.5', '', '99999'].flatMap(size =>
      ['width', 'height'].map((side): [string, string, string[]] => [
        `of ${side} “${size}”`,
        `<img ${side}="${size}" src="${asset}">`,
        [],
      ]),
    ),
    ['far aside', `<img hspace="9999" src="${asset}">`, []],
    ...[
      ...['', '.', '\u200b\u2800\u3164', '<img src="x">', '<img src="x">.', '<code></code>'],
      ...['<sub><sub><sub>a</sub></sub></sub>', '<bdo>a</bdo>', '<math-renderer>a</math-renderer>'],
    ].map((words): [string, string, string[]] => [
      `a link around “${words}”`,
      `<a href="${asset}">${words}</a>`,
      [],
    ]),
    ['a link around code', `<a href="${asset}"><code>log.txt</code></a>`, [asset]],
    [
      'what is dropped',
      `<object><img src="${asset}"></object><span class="sr-only"><img src="${asset}"></span>`,
      [],
    ],
  ])('%s', (_, html, files) => expect(read(html).files.map(({ url }) => url)).toEqual(files))
})

describe('words that the page does not show', () => {
  test.each<[string, string[]]>([
    ['fix **the** lo**gin**, see `a_b` and ~~c~~ [d](https://x.y/z) :tada: @maya #12', []],
    ['1. a\n1. b\n\n| x | y |\n|---|:-:|\n| 1 | 2 |\n\n> [!NOTE]\n> hi\n\n- [x] done', []],
    ['<details><summary>Log</summary>\n\n```ts\na\n```\n\n</details><br>e &amp; f<kbd>g</kbd>', []],
    ['a[^1]\n\n[^1]: b', []],
    [
      '![shot of it](https://github.com/user-attachments/assets/1-2) <img width="640" height="480" alt="b c" src="https://github.com/user-attachments/assets/3-4" />',
      [],
    ],
    ['see [x][docs]\n\n[docs]: https://x.y', []],
    ['costs $5 or $6, and $x_1$', []],
    ['Array<string>', ['string']],
    ['see __init__.py', ['__init__']],
    ['see `__init__.py`', []],
    ['a <!-- b -->', ['b']],
    ['a <span title="b">c</span>', ['span', 'title', 'b']],
    ['![b](https://x.y/z)', ['b']],
    ['a\u{e0062}', ['invisible signs']],
  ])('%j', async (text, words) => expect(unshownWords(text, await pageOf(text))).toEqual(words))
})

describe('words without a sign', () => {
  it.each(['/codex fix the flaky login test', 'As said.\n\nSee (it) – now: please', '修复', ''])(
    'are shown as they were written: %j',
    text => expect(asWritten(text)?.text).toBe(text),
  )

  it.each([
    ...[
      '*a*',
      'a <b',
      '  a',
      'a  b',
      '- a',
      '1. a',
      '# a',
      'a\u200b',
      'a & b',
      'a\n---',
      'x :tada:',
      '@a',
    ],
    ...['`a`', 'www.a.b', '[a]', 'a_b', '$a$', 'a | b', 'a\\'],
  ])('any other is asked for: %j', text => expect(asWritten(text)).toBeUndefined())

  it.skipIf(!cmarkAvailable())('as GitHub’s own engine shows them', async () => {
    const sign = fc.constantFrom(
      ...'ab/Zé修 ,;.?!()%+=\'"-–—:\n'.split(''),
      '/codex',
      'www',
      '\n\n',
      '---',
      '1',
    )
    const text = fc.array(sign, { maxLength: 25 }).map(signs => signs.join(''))
    await fc.assert(
      fc.asyncProperty(text, async words => {
        const guessed = asWritten(words)
        if (!guessed) return
        const page = await pageOf(words)
        const flat = (shown: string): string[] => shown.split('\n').filter(line => line !== '')
        expect(flat(guessed.text)).toEqual(flat(page.text))
        expect(own(guessed)).toEqual(own(page))
      }),
      { numRuns: tries(60) },
    )
  })
})
