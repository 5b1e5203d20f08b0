/** The page decides: GitHub's HTML, walked by an allowlist. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { renderMarkdown } from '../../../emulators/github/markdown.ts'
import { asWritten, type ShownText } from '../../../src/core/text/seen-page.ts'
import { shownText } from '../../../src/core/text/shown-text.ts'
import { unshownWords } from '../../../src/core/text/unshown.ts'
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
    const isSaid = /\]\([^ )]*obeyme|^```(?:mermaid|stl)/.test(text) || /\]\(https:\S+obeyme/.test(text)
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
    ['code, in a language of the usual ones', '<pre lang="Ts"><code>a</code></pre>', '```ts\na\n```'],
    [
      'code, its language a word of the writer',
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
    ['formulas', '<p>a <math-renderer class="js-inline-math">$x$</math-renderer></p>', 'a [formula]'],
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
      '[text in another direction]\n\nb [text in another direction]',
    ],
    ['small in small in small', '<p><sub>a<sub>b<sub>c</sub></sub></sub></p>', 'ab'],
    [
      'what is not on the list',
      '<p>a<object>b</object><x-y>c</x-y><button>d</button></p><form>e</form><template><p>f</p></template><svg><text>g</text></svg>',
      'a',
    ],
    [
      'classes that are not GitHub’s text',
      '<div class="Popover">a</div><span class="sr-only">b</span><p>c</p>',
      'c',
    ],
    ['invisible characters', '<p>a\u200b\u{e0061}b\u202ec\u00ad</p>', 'abc'],
    [
      'attributes',
      '<p title="x" aria-label="y" data-z="w"><a title="t" id="i" href="mailto:o@b.y">a</a></p>',
      'a',
    ],
    ['blanks', `<p>a${'\u00a0'.repeat(50)}b</p>`, 'a b'],
  ])('%s', (_, html, text) => {
    expect(said(html)).toBe(text)
  })

  test.each<[string, string, string]>([
    ['https://x.y/z', 'x.y', 'https://x.y/z'],
    ['https://github.com/acme/shop/issues/9', 'acme/shop/issues/9', 'acme/shop/issues/9'],
    ['https://x.y/((obeyme))', 'x.y', 'x.y'],
    ['https://u:p@x.y/z', 'x.y', 'x.y'],
  ])('the address of a link, %s', (href, host, whole) => {
    const html = `<p><a href="${href}">a</a></p>`
    expect([said(html), said(html, 'whole')]).toEqual([`a (${host})`, `a (${whole})`])
  })

  it.each(['@maya', '#12', 'acme/shop#12', 'https://x.y/z', '.'])('no address behind “%s”', words => {
    expect(said(`<p><a href="https://x.y/z">${words}</a></p>`, 'whole')).toBe(words)
  })

  it('says where it cut', () => {
    expect(said(`<pre>${'x'.repeat(5_000)}</pre>`)).toContain('[… cut: the line is longer]')
    expect(said(`<pre>a${' '.repeat(500)}b</pre>`)).toContain('a [… blanks] b')
    expect(said(`<pre>a${'\n'.repeat(500)}b</pre>`)).toContain('[… blank lines]')
    expect(said(`<table><tr>${'<td>a</td>'.repeat(50)}</tr></table>`)).toContain('[… more cells]')
    expect(said(`${'<blockquote>'.repeat(20)}a`)).toContain('[nested too deep]')
    expect(read(`<p>${'<b>a</b>'.repeat(50_000)}</p>`)).toMatchObject({ cut: true })
    expect(said(`<p>${'<b>a</b>'.repeat(50_000)}</p>`)).toMatch(/\[… cut here: the text is longer\]$/)
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
      'a quoted reply',
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
  ])('%s', (_, html, lines) => {
    expect(own(read(html))).toEqual(lines)
  })

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
      'the source beside a picture',
      `<picture><source srcset="${asset}"><img src="https://x.y/z"></picture>`,
      ['https://x.y/z'],
    ],
    [
      'what is dropped',
      `<object><img src="${asset}"></object><span class="sr-only"><img src="${asset}"></span>`,
      [],
    ],
  ])('%s', (_, html, files) => {
    expect(read(html).files.map(({ url }) => url)).toEqual(files)
  })
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
  ])('%j', async (text, words) => {
    expect(unshownWords(text, await pageOf(text))).toEqual(words)
  })
})

describe('words without a sign', () => {
  it.each(['/codex fix the flaky login test', 'As said.\n\nSee (it) – now: please', '修复', ''])(
    'are shown as they were written: %j',
    text => {
      expect(asWritten(text)?.text).toBe(text)
    },
  )

  it.each([
    ...['*a*', 'a <b', '  a', 'a  b', '- a', '1. a', '# a', 'a\u200b', 'a & b', 'a\n---', 'x :tada:', '@a'],
    ...['`a`', 'www.a.b', '[a]', 'a_b', '$a$', 'a | b', 'a\\'],
  ])('any other is asked for: %j', text => {
    expect(asWritten(text)).toBeUndefined()
  })

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
