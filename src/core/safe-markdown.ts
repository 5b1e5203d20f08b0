/**
 * Other people's words inside our comments: the instruction and whatever the agent says. They keep their
 * shape, but can't mention anyone, refer to issues, show images, hide links, carry HTML or give commands.
 */
import type { Link, Nodes, PhrasingContent, Root, RootContent, Text } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown, gfmToMarkdown } from 'mdast-util-gfm'
import { toMarkdown } from 'mdast-util-to-markdown'
import { gfm } from 'micromark-extension-gfm'
import { stripInvisible } from './untrusted.ts'

const zeroWidth = '\u200b'

/** Words as a block quote: whose words they are is plain, and no line of them begins with a command. */
export function quoted(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).trimEnd()} …` : text
  return safeMarkdown(cut)
    .split('\n')
    .map(line => (line === '' ? '>' : `> ${line}`))
    .join('\n')
}

export function safeMarkdown(text: string): string {
  const tree = fromMarkdown(stripInvisible(text), {
    extensions: [gfm()],
    mdastExtensions: [gfmFromMarkdown()],
  })
  const safe: Root = { type: 'root', children: tree.children.flatMap(safeBlock) }
  return toMarkdown(safe, { extensions: [gfmToMarkdown()], bullet: '-' }).trim()
}

function safeBlock(node: RootContent): RootContent[] {
  switch (node.type) {
    case 'html':
      return [{ type: 'paragraph', children: [plain(node.value)] }]
    case 'definition':
    case 'footnoteDefinition':
      return []
    default:
      return [safeNode(node)]
  }
}

/** A copy of a node whose children, at any depth, are safe. */
function safeNode<T extends Nodes>(node: T): T {
  if (node.type === 'text') return { ...node, value: disarm(node.value) }
  if (!('children' in node)) return node
  return { ...node, children: node.children.flatMap(safeChild) }
}

function safeChild(node: Nodes): Nodes[] {
  switch (node.type) {
    case 'html':
      return [plain(node.value)]
    case 'image':
      return [plain(node.alt || 'image'), plain(' '), { type: 'inlineCode', value: node.url }]
    case 'imageReference':
      return [plain(node.alt ?? 'image')]
    case 'linkReference':
    case 'footnoteReference':
      return 'children' in node ? node.children.flatMap(safeChild) : [plain(node.label ?? '')]
    case 'link':
      return safeLink(node)
    case 'definition':
    case 'footnoteDefinition':
      return []
    default:
      return [safeNode(node)]
  }
}

/** A link that says where it goes stays; one with other words on it shows its address as code. */
function safeLink(node: Link): Nodes[] {
  const words = textOf(node)
  if (/^https?:\/\//i.test(node.url) && (words === node.url || `http://${words}` === node.url)) return [node]
  const children: PhrasingContent[] = [plain(`${words} `), { type: 'inlineCode', value: node.url }]
  return children
}

const textOf = (node: Nodes): string =>
  'children' in node ? node.children.map(textOf).join('') : 'value' in node ? node.value : ''

const plain = (value: string): Text => ({ type: 'text', value: disarm(value) })

/** A zero-width space keeps what is read and takes away what GitHub would make of it. */
export const disarm = (text: string): string =>
  text
    .replace(/@(?=[A-Za-z0-9])/g, `@${zeroWidth}`)
    .replace(/#(?=\d)/g, `#${zeroWidth}`)
    .replace(/\bGH-(?=\d)/gi, word => `${word}${zeroWidth}`)

/** One line of somebody's words inside a sentence of ours. */
export function inlineWords(text: string, maxLength: number): string {
  const line = stripInvisible(text).replace(/\s+/g, ' ').trim()
  const cut = line.length > maxLength ? `${line.slice(0, maxLength).trimEnd()}…` : line
  return disarm(cut.replace(/[\\`*_{}[\]<>|~]/g, character => `\\${character}`))
}

/** A code span around any text, whatever backticks it holds. */
export function code(text: string): string {
  const clean = stripInvisible(text).replace(/\s+/g, ' ')
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(run => run[0].length))
  const fence = '`'.repeat(longest + 1)
  const pad = clean.startsWith('`') || clean.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${clean}${pad}${fence}`
}
