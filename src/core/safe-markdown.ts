/**
 * Other people's words inside our comments: the instruction and whatever the agent says. They keep their
 * shape, but can't mention anyone, refer to issues, show images, hide links, carry HTML or give commands.
 */
import type { BlockContent, Link, Nodes, PhrasingContent, Root, RootContent, Text } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown, gfmToMarkdown } from 'mdast-util-gfm'
import { toMarkdown } from 'mdast-util-to-markdown'
import { gfm } from 'micromark-extension-gfm'
import { stripInvisible } from './untrusted.ts'

const zeroWidth = '\u200b'

/** Words as a block quote: whose words they are is plain, and no line of them begins with a command. */
export function quoted(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).trimEnd()} …` : text
  const safe = safeMarkdown(cut)
  // Signs grow when they are made safe, and who cuts the comment later may cut off what makes them so.
  if (safe.length > 2 * maxLength + 1_000) return quoted(text, Math.floor(maxLength / 2))
  return safe
    .split('\n')
    .map(line => (line === '' ? '>' : `> ${line}`))
    .join('\n')
}

/** What can't be read as GitHub will read it, or not in good time, is shown as it was written, as code. */
export function safeMarkdown(text: string): string {
  const source = stripInvisible(text)
  if (isHeavy(source)) return asCode(source)
  const safe = written({ type: 'root', children: blocks(parsed(source).children) })
  return isHeavy(safe) || !isSafe(parsed(safe)) ? asCode(source) : safe
}

const parsed = (source: string): Root =>
  fromMarkdown(source, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })

const written = (tree: Root): string =>
  toMarkdown(tree, { extensions: [gfmToMarkdown()], bullet: '-' }).trim()

const asCode = (value: string): string => written({ type: 'root', children: [{ type: 'code', value }] })

/** Beyond these, reading takes a time that grows with the square of the length, or more stack than there is. */
const mostSigns = 4_000
const mostUnderlines = 200
const deep = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){12}|^[ \t]{40}[ \t]*(?:>|[-+*]|\d{1,9}[.)])/m

const isHeavy = (source: string): boolean =>
  countOf(/[*_~`[\]|<>&]+|\n/g, source) > mostSigns ||
  countOf(/^[ \t>]*[=-]+[ \t]*$/gm, source) > mostUnderlines ||
  deep.test(source)

const countOf = (sign: RegExp, text: string): number => text.match(sign)?.length ?? 0

/** What was made is read again: nothing may stand in it that GitHub acts on. */
function isSafe(tree: Root): boolean {
  const pending: Nodes[] = [tree]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (forbidden.has(node.type)) return false
    if (node.type === 'text' && disarm(node.value) !== node.value) return false
    if (node.type === 'link' && !isPlain(node)) return false
    if ('children' in node && node.type !== 'link') pending.push(...node.children)
  }
  return true
}

const forbidden: ReadonlySet<Nodes['type']> = new Set<Nodes['type']>([
  'html',
  'image',
  'imageReference',
  'linkReference',
  'definition',
  'footnoteReference',
  'footnoteDefinition',
])

/* What stands below one another */

const blocks = (nodes: readonly RootContent[]): BlockContent[] => nodes.flatMap(block)

function block(node: RootContent): BlockContent[] {
  switch (node.type) {
    case 'html':
      return [{ type: 'paragraph', children: [plain(node.value)] }]
    case 'code':
      return [{ type: 'code', value: node.value, ...(isDrawn(node.lang) ? {} : { lang: node.lang }) }]
    case 'blockquote':
      return [{ ...node, children: blocks(node.children) }]
    case 'list':
      return [
        { ...node, children: node.children.map(item => ({ ...item, children: blocks(item.children) })) },
      ]
    case 'table':
      return [
        {
          ...node,
          children: node.children.map(row => ({
            ...row,
            children: row.children.map(cell => ({ ...cell, children: phrases(cell.children) })),
          })),
        },
      ]
    case 'heading':
    case 'paragraph':
      return [{ ...node, children: phrases(node.children) }]
    case 'thematicBreak':
      return [node]
    default:
      return []
  }
}

/** Languages of which GitHub makes something else than code: pictures, maps, a change that one click accepts. */
const isDrawn = (language: string | null | undefined): boolean =>
  /^(?:suggestion|mermaid|math|geojson|topojson|stl)\b/i.test(language ?? '')

/* What stands in a line */

const phrases = (nodes: readonly PhrasingContent[]): PhrasingContent[] =>
  nodes.flatMap(phrase).reduce<PhrasingContent[]>(joined, [])

/** Text that came to stand beside text reads on: `@` from here and a name from there are a mention. */
function joined(done: PhrasingContent[], next: PhrasingContent): PhrasingContent[] {
  const last = done.at(-1)
  if (last?.type !== 'text' || next.type !== 'text') return [...done, next]
  return [...done.slice(0, -1), plain(last.value + next.value)]
}

function phrase(node: PhrasingContent): PhrasingContent[] {
  switch (node.type) {
    case 'text':
    case 'html':
      return [plain(node.value)]
    case 'image':
      return addressed(node.alt || 'image', node.url)
    case 'imageReference':
      return [plain(node.alt ?? 'image')]
    case 'linkReference':
      return phrases(node.children)
    case 'footnoteReference':
      return [plain(node.label ?? '')]
    case 'link':
      return isPlain(node) ? [node] : addressed(textOf(node), node.url)
    case 'emphasis':
    case 'strong':
    case 'delete':
      return [{ ...node, children: phrases(node.children) }]
    default:
      return [node]
  }
}

/** A link with other words on it shows its address as code. */
const addressed = (words: string, url: string): PhrasingContent[] => [
  plain(`${words} `),
  { type: 'inlineCode', value: url },
]

/**
 * A link that says where it goes stays, except to an issue or the like: that one would be told of it, or even
 * be closed by it.
 */
function isPlain(node: Link): boolean {
  const words = textOf(node)
  return (
    /^https?:\/\//i.test(node.url) &&
    (words === node.url || `http://${words}` === node.url) &&
    !/\/(?:issues|pulls?|discussions)\/\d/i.test(node.url)
  )
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
  const cut = line.length > maxLength ? `${line.slice(0, maxLength).toWellFormed().trimEnd()}…` : line
  return disarm(cut.replace(/[\\`*_{}[\]<>|~&$]/g, character => `\\${character}`))
}

/** More of a name or a value is of no use, and who cuts the comment later would cut off the end of the code. */
const mostCode = 500

/** A code span around any text, whatever backticks it holds. */
export function code(text: string): string {
  const line = stripInvisible(text).replace(/\s+/g, ' ')
  const clean = line.length > mostCode ? `${line.slice(0, mostCode).toWellFormed()}…` : line || ' '
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(run => run[0].length))
  const fence = '`'.repeat(longest + 1)
  const pad = clean.startsWith('`') || clean.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${clean}${pad}${fence}`
}
