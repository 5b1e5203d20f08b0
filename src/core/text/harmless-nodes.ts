/** Strips Markdown of what GitHub acts on: mentions, references, images, disguised links, HTML and diagrams. */
import type { BlockContent, Link, Nodes, PhrasingContent, Root, RootContent, Text } from './markdown.ts'

const zeroWidth = '\u200b'

/** GitHub counts 255 fence characters and 80 backticks: longer runs are broken invisibly. */
const maxRow = 60
const breakable = new RegExp(`(\`{${maxRow}}|~{${maxRow}})(?=[\`~])`, 'g')
export const countable = (code: string): string => code.replace(breakable, `$1${zeroWidth}`)

/** Checks the output by parsing it again. */
export function isHarmless(tree: Root): boolean {
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

export const blocks = (nodes: readonly RootContent[]): BlockContent[] => nodes.flatMap(block)

function block(node: RootContent): BlockContent[] {
  switch (node.type) {
    case 'html':
      return [{ type: 'paragraph', children: phrases([plain(node.value)]) }]
    case 'code':
      return [
        {
          type: 'code',
          value: countable(node.value),
          ...(isDrawn(node.lang) ? {} : { lang: node.lang }),
        },
      ]
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

/** Languages that GitHub renders: diagrams, maps, suggested changes. */
const isDrawn = (language: string | null | undefined): boolean =>
  /^(?:suggestion|mermaid|math|geojson|topojson|stl)\b/i.test(language ?? '')

/** Neighbouring texts are joined first: `@` from one and a name from the next make a mention. */
function phrases(nodes: readonly PhrasingContent[]): PhrasingContent[] {
  const joined: PhrasingContent[] = []
  for (const next of nodes.flatMap(phrase)) {
    const last = joined.at(-1)
    if (last?.type === 'text' && next.type === 'text') last.value += next.value
    else joined.push(next)
  }
  return joined.map(node => (node.type === 'text' ? { ...node, value: disarm(node.value) } : node))
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
    case 'inlineCode':
      return [{ type: 'inlineCode', value: countable(node.value) }]
    case 'emphasis':
    case 'strong':
    case 'delete':
      return [{ ...node, children: phrases(node.children) }]
    default:
      return [node]
  }
}

const addressed = (words: string, url: string): PhrasingContent[] => [
  ...(saysSo(words, url) ? [] : [plain(`${words} `)]),
  { type: 'inlineCode', value: countable(url) },
]

const saysSo = (words: string, url: string): boolean => words === url || `http://${words}` === url

/** A plain link stays, unless GitHub would notify, or close, what it leads to. */
const isPlain = (node: Link): boolean =>
  /^https?:\/\//i.test(node.url) &&
  // What precedes an @ only looks like the host.
  !/^https?:\/\/[^/?#]*@/i.test(node.url) &&
  // GitHub decodes `&#47;` in an address.
  !/&(?:#|\w+;)/.test(node.url) &&
  saysSo(textOf(node), node.url) &&
  !/\/(?:issues|pulls?|discussions)\/\d/i.test(node.url)

const textOf = (node: Nodes): string =>
  'children' in node ? node.children.map(textOf).join('') : 'value' in node ? node.value : ''

const plain = (value: string): Text => ({ type: 'text', value })

/** A zero-width space disarms a sign and stays invisible; also at the end, where other text may follow. */
export const disarm = (text: string): string => text.replace(armed, sign => `${sign}${zeroWidth}`)

/** Mentions, references, and what keeps checks from running on a commit with these words. */
const armed =
  /@(?=[\w-]|$)|#(?=\d|$)|\bGH-(?=\d|$)|\/(?:issues|pulls?|discussions)\/(?=\d|$)|\[(?=(?:skip|no|ci|actions)[ -])|\bskip-(?=checks:)|\*\*\*(?=NO_CI)/gi
