/**
 * Texts made to hide words, by the thousand, judged by the page: GitHub's engine renders them, its allowlist cleans
 * them, and an HTML parser says what can be seen. Knows nothing of how pages are read.
 */
import { parseFragment, type DefaultTreeAdapterTypes as Tree } from 'parse5'
import { asPage } from '../../emulators/github/markdown.ts'
import { findCommands } from '../../src/core/command/find.ts'
import { shownText } from '../../src/core/text/shown-text.ts'
import { type Random, randomOf } from '../chaos/random.ts'
import { renderAll } from '../support/cmark-gfm.ts'

const pieces = (
  '\n¦\n¦\n\n¦\n\n¦ ¦ ¦  \n¦\t¦\u2028¦\u00a0¦\f¦\u200b¦\\¦|¦$¦%%¦&#47;¦/codex W¦/codex W¦\\/codex W¦' +
  '&#47;codex W¦ /codex W¦    /codex W¦> /codex W¦- /codex W¦W¦W¦W W¦*W*¦**W¦_W_¦~~W~~¦`W`¦``W¦"W"¦' +
  '\'W\'¦(W)¦[W]¦<W>¦</W>¦<W W W>¦[W](https://x.y "W")¦[W]: https://x.y "W"¦[W]:\n/u\n"W"¦[.](/u (W))¦' +
  '![W](https://x.y)¦![W [W]](u)¦[W][W]¦[^W]¦[^W]: W¦[^W]:\n    W¦    W¦> ¦>W¦- ¦1. ¦# ¦' +
  '| W | W |\n|-|-|\n| W | W | W |¦---¦===¦```¦```W¦~~~ W¦````¦```mermaid\n%% W\n¦```math\nW\n¦$W$¦' +
  '$$W$$¦$`W`$¦<!--¦-->¦<!-- W -->¦<!W¦<!W>¦<?W¦?>¦<![CDATA[W¦]]>¦</1 W>¦<!-¦<!->¦<div>¦</div>¦' +
  '<div title="¦<div title=\'W¦">¦\'>¦<div W¦<p W¦<p>¦</p>¦<a title="W">¦</a>¦<rp>¦</rp>¦' +
  '<ruby>W<rp>W</rp><rt>W</rt></ruby>¦<details>¦<summary>W</summary>¦</details>¦<details title="¦' +
  '<table>¦<tr><td>W¦</table>¦<pre>¦</pre>¦<code>¦</code>¦<blockquote>¦</blockquote>¦<sub>¦<sup>W¦' +
  '<script>W</script>¦<style>W</style>¦<textarea>W¦<title>W¦<svg><text>W¦<math><mi>W¦<template>W¦' +
  '<select><option>W¦<picture><source srcset="W">¦<img alt="W" src="u">¦<input value="W">¦<br>¦<hr W>¦' +
  '<bdo dir="rtl">W</bdo>¦<p dir="rtl">¦<span hidden>W</span>¦<div style="display:none">W</div>¦' +
  '<iframe>W¦<object>W</object>¦<noscript>W¦<x-y>W</x-y>¦<dl><dt>W<dd>W¦<b>W</b>¦<i>¦</i>¦' +
  '<a href="u">W</a>¦<a href="u">¦<h3>W</h3>¦<p align="center">W</p>¦<ul><li>W</li></ul>¦<ul>¦<li>W¦</li>¦' +
  '</ul>¦<table><tr><td>W</td></tr></table>¦<tr>¦<td>¦</td>¦</tr>¦</blockquote>¦</sub>¦</sup>¦<small>¦</small>¦' +
  '<details><summary>W</summary>\n\n¦\n\n</details>\n¦<div>\n\n¦\n\n</div>\n¦<!--->¦<!-->¦--!>¦<!-- W --¦<W>W</W>¦' +
  '&#10;¦&NewLine;¦&lt;¦&#60;b>W¦<b\n>¦<b W="¦<img src="u" alt="W">\n¦\n<br>\n¦\\<¦\\`¦  \n    ¦[W]( <u> "W")¦[^1]¦[^1]: ¦' +
  '\n> W\n<b>\n¦\n- W\n<img alt="W" src="u">\n¦\n1. W\n</b>\n¦\n- > W\n> <i>\n¦\n> - W\n> </i>\n¦<rp>¦<script>W</script>\n'
).split('¦')

function hidingText(random: Random): string {
  let word = 0
  const length = random.between(2, 15)
  const parts = Array.from({ length }, () => random.one(pieces))
  return parts.join(random.next() < 0.3 ? '\n' : '').replaceAll('W', () => `zq${word++}x`)
}

interface Judged {
  text: string
  html: string
}

const words = (text: string) => new Set(text.match(/zq\d+x/g))

/** What a reader of the page can see, and the lines of its own paragraphs. */
function judge(html: string): { seen: Set<string>; lines: string[] } {
  const root = parseFragment(html)
  const seen: string[] = []
  const pending: Tree.ChildNode[] = [...root.childNodes]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if ('value' in node) seen.push(node.value)
    if ('childNodes' in node && node.nodeName !== 'rp' && node.nodeName !== 'svg')
      pending.push(...node.childNodes)
  }
  const paragraphs = root.childNodes.filter(node => node.nodeName === 'p')
  return { seen: words(seen.join(' ')), lines: paragraphs.flatMap(linesOf) }
}

function linesOf(paragraph: Tree.ChildNode): string[] {
  const lines = ['']
  const pending: Tree.ChildNode[] = [paragraph]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.nodeName === 'br') lines.push('')
    if ('value' in node) lines[lines.length - 1] += node.value
    if ('childNodes' in node) pending.push(...node.childNodes.toReversed())
  }
  return lines.map(line => line.replace(/[\u200b-\u200f]/g, '').trim())
}

const reading = { addresses: 'none' } as const

/** What is wrong with one text, in words. */
function faultsOf({ text, html }: Judged): string[] {
  const page = shownText(text, reading)
  if (!page) return ['not read']
  const { seen, lines } = judge(html)
  const faults = [...words(page.text)]
    .filter(word => !seen.has(word))
    .map(word => `${word} is not on the page`)
  const written = text.split(/\r\n?|\n/).map(line => line.replace(/[\u200b-\u200f]/g, ''))
  for (const { line, below, hides } of findCommands({ text, page }).commands) {
    const [first = ''] = words(line)
    if (!lines.some(each => /^\/codex(?!\w)/.test(each) && each.includes(first)))
      faults.push(`${line}: no line of the page`)
    if (!written.some(each => /^ {0,3}[\s\u00a0]*\/codex(?!\w)/.test(each) && each.includes(first)))
      faults.push(`${line}: no line of the writer`)
    if (!hides && [...words(`${line}\n${below}`)].some(word => !seen.has(word)))
      faults.push(`${line}: not all seen`)
  }
  return faults
}

/** @returns findings, each with the text */
export function fuzzPages(
  { seed, texts }: { seed: number; texts: number },
  tell = (_done: number): void => {},
): string[] {
  const random = randomOf(seed, 'pages')
  const findings: string[] = []
  for (let done = 0; done < texts; done += 500) {
    const batch = Array.from({ length: Math.min(500, texts - done) }, () => hidingText(random))
    const pages = renderAll(batch)
    for (const [at, text] of batch.entries())
      for (const fault of faultsOf({ text, html: asPage(pages[at] ?? '') }))
        findings.push(`${fault}\n${JSON.stringify(text)}`)
    tell(done + batch.length)
  }
  return findings
}
