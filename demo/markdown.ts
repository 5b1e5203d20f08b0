/** A comment's Markdown as GitHub would show it, for the terminal. */
import type { List, Nodes, PhrasingContent, RootContent } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { type Line, quoteBar, type Span, type Style, span, tableLines, wrap } from './terminal.ts'

const maxAddress = 44

/** @param cells what a line may hold */
export function markdownLines(markdown: string, cells: number): Line[] {
  const visible = markdown.replaceAll('\u200b', '').replaceAll('\r\n', '\n')
  const tree = fromMarkdown(visible, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })
  return stacked(folded(tree.children), cells)
}

/** With an empty line between blocks. */
const stacked = (blocks: readonly Block[], cells: number): Line[] =>
  blocks
    .map(block => blockLines(block, cells))
    .filter(lines => lines.length > 0)
    .flatMap((lines, index) => (index === 0 ? lines : [[], ...lines]))

type Block = RootContent | { type: 'fold'; summary: string }

/** `<details>` is shown as a person finds it: closed. */
function folded(blocks: readonly RootContent[]): Block[] {
  const shown: Block[] = []
  let closed = false
  for (const block of blocks) {
    const html = block.type === 'html' ? block.value : ''
    if (/<details\b/i.test(html)) {
      shown.push({ type: 'fold', summary: summaryOf(html) })
      closed = true
    } else if (!closed) shown.push(block)
    if (/<\/details>/i.test(html)) closed = false
  }
  return shown
}

const summaryOf = (html: string): string =>
  /<summary>([\s\S]*?)<\/summary>/i.exec(html)?.[1]?.trim() ?? 'Details'

function blockLines(block: Block, cells: number): Line[] {
  switch (block.type) {
    case 'fold':
      return [[span(`▸ ${block.summary}`, 'bold'), span(' (folded)', 'dim')]]
    case 'heading':
      return wrap(inline(block.children, ['bold']), cells)
    case 'paragraph':
      return wrap(inline(block.children, []), cells)
    case 'blockquote':
      return stacked(block.children, cells - 2).map(line => [quoteBar, ...line])
    case 'code':
      return block.value.split('\n').flatMap(line => wrap([span(line, 'cyan')], cells - 4).map(indented))
    case 'list':
      return listLines(block, cells)
    case 'table':
      return tableLines(
        block.children.map(row => row.children.map(cell => inline(cell.children, []))),
        cells,
      )
    case 'thematicBreak':
      return [[span('─'.repeat(Math.min(cells, 40)), 'dim')]]
    default:
      return []
  }
}

const indented = (line: Line): Line => [span('    '), ...line]

const listLines = (list: List, cells: number): Line[] =>
  list.children.flatMap((item, index) => {
    const mark = list.ordered ? `${(list.start ?? 1) + index}. ` : '• '
    const rest = span(' '.repeat(mark.length))
    return item.children
      .flatMap(child => blockLines(child, cells - mark.length))
      .map((line, row) => [row === 0 ? span(mark, 'dim') : rest, ...line])
  })

/** `<sub>` lasts until it is closed; other tags leave no trace, and comments none of their words either. */
function inline(nodes: readonly PhrasingContent[], styles: readonly Style[]): Span[] {
  const spans: Span[] = []
  let small = false
  for (const node of nodes) {
    if (node.type === 'html' && /^<\/?su[bp]>$/i.test(node.value)) small = !node.value.startsWith('</')
    else spans.push(...phrase(node, small ? [...styles, 'dim'] : styles))
  }
  return spans
}

function phrase(node: PhrasingContent, styles: readonly Style[]): Span[] {
  switch (node.type) {
    case 'text':
      return [{ text: node.value, styles }]
    case 'inlineCode':
      return [{ text: node.value, styles: [...styles, 'cyan'] }]
    case 'strong':
      return inline(node.children, [...styles, 'bold'])
    case 'emphasis':
      return inline(node.children, [...styles, 'italic'])
    case 'delete':
      return inline(node.children, [...styles, 'strikethrough'])
    case 'link':
      return link(node.url, inline(node.children, [...styles, 'underline']))
    case 'image':
      return [{ text: `[${node.alt || 'image'}]`, styles: [...styles, 'dim'] }]
    case 'break':
      return [span('\n')]
    case 'html':
      return /^<br\b/i.test(node.value) ? [span('\n')] : []
    default:
      return textOf(node) === '' ? [] : [{ text: textOf(node), styles }]
  }
}

function link(url: string, words: Span[]): Span[] {
  const isBare = words.map(({ text }) => text).join('') === url
  return isBare ? words : [...words, span(` (${shortened(url)})`, 'dim')]
}

const shortened = (url: string): string =>
  url.length > maxAddress ? `${url.slice(0, maxAddress - 1)}…` : url

const textOf = (node: Nodes): string =>
  'children' in node ? node.children.map(textOf).join('') : 'value' in node ? node.value : ''
