/**
 * Other people's words inside our comments: the instruction and whatever the agent says. They keep their
 * shape, but can't mention anyone, refer to issues, show images, hide links, carry HTML or give commands.
 */

import { withoutMarkers } from '../model/marker.ts'
import {
  type BlockContent,
  type Link,
  type Nodes,
  type PhrasingContent,
  type Root,
  type RootContent,
  readMarkdown,
  type Text,
  writeMarkdown,
} from './markdown.ts'
import { keepingRecent } from './recent-texts.ts'
import { stripInvisible } from './untrusted.ts'
import { timeFor, withinTime } from './within-time.ts'

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
  const source = withoutMarkers(stripInvisible(text))
  return inTime(source) ?? asCode(source)
}

/** The status is written at each step of a Run, with the same words in it. */
const inTime = keepingRecent(
  50,
  source => withinTime(() => ({ safe: rewritten(source) }), Math.max(totalTime, timeFor(source)))?.safe,
)

/** For reading, writing and reading again, in milliseconds. */
const totalTime = 40

function rewritten(source: string): string | undefined {
  const tree = isHeavy(source) ? undefined : readMarkdown(source)
  const safe = tree && writeMarkdown({ type: 'root', children: blocks(tree.children) })
  if (safe === undefined || isHeavy(safe)) return undefined
  const again = readMarkdown(safe)
  return again && isSafe(again) ? safe : undefined
}

/** GitHub counts at most 255 signs of a fence and 80 of a span: a longer row is broken by what nobody sees. */
const maxRow = 60
const breakable = new RegExp(`(\`{${maxRow}}|~{${maxRow}})(?=[\`~])`, 'g')
const countable = (code: string): string => code.replace(breakable, `$1${zeroWidth}`)

/** A block of code around any text, written by hand as it is what is left when nothing else can be. */
function asCode(source: string): string {
  const value = countable(source)
  const fence = '`'.repeat(Math.max(3, longestRow(value) + 1))
  return `${fence}\n${value}\n${fence}`
}

const longestRow = (text: string): number =>
  (text.match(/`+/g) ?? []).reduce((longest, row) => Math.max(longest, row.length), 0)

/** Beyond these, reading takes too long, or more stack than there is. */
const maxLines = 1_000
const maxSigns = 2_000
const maxEffort = 300_000
const maxUnderlines = 100
const maxMarkers = 600
const deep = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){12}|^[ \t]{40}[ \t]*(?:>|[-+*]|\d{1,9}[.)])/m

function isHeavy(source: string): boolean {
  const prose = source.replace(fencedCode, '')
  const signs = prose.split(/\n[ \t>]*\n/).map(paragraph => countOf(sign, paragraph))
  return (
    countOf(/\n/g, prose) > maxLines ||
    sumOf(signs) > maxSigns ||
    // What a sign means may depend on all others of its paragraph.
    sumOf(signs.map(count => count ** 2)) > maxEffort ||
    countOf(/^[ \t>]*[=-]+[ \t]*$/gm, prose) > maxUnderlines ||
    sumOf(prose.split('\n').map(markersOf)) > maxMarkers ||
    deep.test(prose)
  )
}

/** Most rows of one sign are read in one go. */
const sign = /[[\]()@]|([\p{P}\p{S}])\1{0,15}/gu
const fencedCode = /^(`{3,}(?!`)|~{3,}(?!~))[^`\n]*\n(?:.*\n)*?\1[`~]*[ \t]*$/gm

/** All quotes and items that are open begin or end where a line begins. */
const markersOf = (line: string): number =>
  countOf(/>|[-+*]|\d[.)]/g, /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)]))*/.exec(line)?.[0] ?? '')

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

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

/** A link with other words on it shows its address as code. */
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

/** Of people and teams, of issues by number, and of issues by address. */
const armed = /@(?=[\w-]|$)|#(?=\d|$)|\bGH-(?=\d|$)|\/(?:issues|pulls?|discussions)\/(?=\d|$)/gi

/**
 * One line of somebody's words inside a sentence of ours. An address in it is no link: a link would go on over
 * the backslashes behind it, and what they keep from acting would act.
 */
export function inlineWords(text: string, maxLength: number): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ').trim()
  const cut = line.length > maxLength ? `${line.slice(0, maxLength).toWellFormed().trimEnd()}…` : line
  return disarm(cut.replace(/[\\`*_{}[\]<>|~&$]|:(?=\/\/)|(?<=www)\./gi, character => `\\${character}`))
}

/** More of a name or a value is of no use, and who cuts the comment later would cut off the end of the code. */
const maxCode = 500

/** A code span around any text, whatever backticks it holds. */
export function code(text: string): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ')
  const clean = countable(line.length > maxCode ? `${line.slice(0, maxCode).toWellFormed()}…` : line || ' ')
  const fence = '`'.repeat(longestRow(clean) + 1)
  const pad = clean.startsWith('`') || clean.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${clean}${pad}${fence}`
}
