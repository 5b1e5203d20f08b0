/**
 * The parts of somebody's Markdown without what GitHub acts on: mentions, references, images, links that hide where
 * they go, HTML, and code that is drawn.
 */
import type { BlockContent, Link, Nodes, PhrasingContent, Root, RootContent, Text } from './markdown.ts'

const zeroWidth = '\u200b'

/** GitHub counts at most 255 signs of a fence and 80 of a span: a longer row is broken by what nobody sees. */
const maxRow = 60
const breakable = new RegExp(`(\`{${maxRow}}|~{${maxRow}})(?=[\`~])`, 'g')
export const countable = (code: string): string => code.replace(breakable, `$1${zeroWidth}`)

/** What was made is read again: nothing may stand in it that GitHub acts on. */
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

/* What stands below one another */

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

/** Languages of which GitHub makes something else than code: pictures, maps, a change that one click accepts. */
const isDrawn = (language: string | null | undefined): boolean =>
  /^(?:suggestion|mermaid|math|geojson|topojson|stl)\b/i.test(language ?? '')

/* What stands in a line */

/** Text that comes to stand beside text reads on: `@` from here and a name from there are a mention. */
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

/**
 * A link that says where it goes stays, except to an issue or the like: that one would be told of it, or even
 * be closed by it.
 */
const isPlain = (node: Link): boolean =>
  /^https?:\/\//i.test(node.url) &&
  // What stands before an @ there looks like the host and is none.
  !/^https?:\/\/[^/?#]*@/i.test(node.url) &&
  // GitHub reads `&#47;` in an address as the sign that it stands for.
  !/&(?:#|\w+;)/.test(node.url) &&
  saysSo(textOf(node), node.url) &&
  !/\/(?:issues|pulls?|discussions)\/\d/i.test(node.url)

const textOf = (node: Nodes): string =>
  'children' in node ? node.children.map(textOf).join('') : 'value' in node ? node.value : ''

const plain = (value: string): Text => ({ type: 'text', value })

/**
 * A zero-width space keeps what is read and takes away what GitHub would make of it. At the end of a text, too:
 * what comes next may be somebody else's.
 */
export const disarm = (text: string): string => text.replace(armed, sign => `${sign}${zeroWidth}`)

const armed = /@(?=[\w-]|$)|#(?=\d|$)|\bGH-(?=\d|$)|\/(?:issues|pulls?|discussions)\/(?=\d|$)/gi
