/**
 * Makes text of others safe in our comments: it can't mention, refer, show images, hide links, carry HTML or command.
 */

import { withinTime } from './event-loop.ts'
import { evenLines, stripInvisible } from './invisible.ts'
import * as md from './markdown.ts'
import { madeIn, NewestMap } from './newest-map.ts'
import { fenceFor, inlineCode, paragraphs } from './phrases.ts'
import { hidden } from './redact.ts'

export interface Speech {
  /** What stands between the beginning and the end of a text from which so many characters are left out. */
  between?: (characters: number) => string
  /** The address of the repository: links to what is in it stay links. */
  repository?: string
}

/** Makes a block quote, which is clearly not ours and in which no line begins with a command. */
export const quoted = (text: string, maxLength: number, speech: Speech = {}): string =>
  asQuote(cutSafely(text, maxLength, speech))

/**
 * Shows a text as our own words, or as a quote if a line of it may be a command of ours or to another bot. Code in which
 * a line may be one is quoted alone.
 */
export function spoken(text: string, maxLength: number, speech: Speech = {}): string {
  const safe = cutSafely(text, maxLength, speech)
  const apart = safe.replace(fencedCode, block => (mayCommand.test(block) ? asQuote(block) : block))
  return mayCommand.test(apart) ? asQuote(safe) : apart
}

/** Bots read lines as they stand, in code as well. */
const mayCommand = /^[ \t]*[/!]\w|`\/codex|^[ \t]*(?:bors|r\?) /im

function cutSafely(text: string, maxLength: number, speech: Speech): string {
  const { between, repository } = speech
  const isLong = text.length > maxLength
  const safe =
    isLong && between
      ? bothEnds(text, maxLength, { between, repository })
      : safeMarkdown(isLong ? `${text.slice(0, maxLength).trimEnd()} …` : text, repository)
  // Escapes add length, and a later cut could remove them.
  return safe.length > 2 * maxLength + 1_000
    ? cutSafely(text, Math.floor(maxLength / 2), speech)
    : safe
}

/** Cuts between lines, or between words where a line is long. */
function bothEnds(
  text: string,
  maxLength: number,
  { between, repository }: Speech & Required<Pick<Speech, 'between'>>,
) {
  const head = text.slice(0, maxLength / 2).replace(/(?:\n.{0,1000}|\s\S*)$/, '')
  const tail = text.slice(-maxLength / 2).replace(/^(?:.{0,1000}\n|\S*\s)/, '')
  const before = text.slice(0, text.length - tail.length).replace(fencedCode, '')
  const [fence] = /^(?:`{3,}|~{3,})/m.exec(before) ?? []
  return paragraphs([
    safeMarkdown(head, repository),
    between(text.length - head.length - tail.length),
    safeMarkdown(fence ? `${fence}\n${tail}` : tail, repository),
  ])
}

const asQuote = (safe: string) =>
  safe
    .split('\n')
    .map(line => (line === '' ? '>' : `> ${line}`))
    .join('\n')

/**
 * Makes a change that GitHub offers: a click puts the code, whole lines, in the place of others. It is `undefined` for
 * code that nobody would see as it is, that has something redacted, or that has a line which may command a bot.
 */
export function suggestion(code: string): string | undefined {
  const isAsSeen = [stripInvisible, withoutMarkers, countable].every(clean => clean(code) === code)
  if (!isAsSeen || code.includes(hidden) || mayCommand.test(code)) return undefined
  const fence = fenceFor(code, 3)
  return `${fence}suggestion\n${code}${fence}`
}

/** Text that is too heavy to parse keeps its paragraphs and lines, and loses its formatting. */
export function safeMarkdown(text: string, repository?: string): string {
  const source = withoutMarkers(stripInvisible(text))
  return formatted(source, repository) ?? source.split('\n').map(plainLine).join('\n').trim()
}

/** The status repeats the same texts at each step. */
const recent = new NewestMap<string, { safe: string | undefined }>(50)

const formatted = (source: string, repository = '') =>
  madeIn(
    recent,
    `${repository} ${source}`,
    () =>
      withinTime(() => ({ safe: rewritten(source, linkRule(repository)) }), muchTime) ?? {
        safe: undefined,
      },
  ).safe

/** ms. Size decides: what is not heavy takes a tenth of it, and three times that in a process that has just started. */
const muchTime = 1_000

const plainLine = (line: string) =>
  inlineWords(line, line.length).replace(/^(?:[#=+-]|\d{1,9}(?=[.)]))/, begin =>
    /\d/.test(begin) ? `${begin}\\` : `\\${begin}`,
  )

function rewritten(source: string, stays: LinkRule) {
  const tree = isHeavy(source) ? undefined : md.readMarkdown(source)
  const written = tree && md.writeMarkdown({ type: 'root', children: blocks(tree.children, stays) })
  if (written === undefined) return undefined
  // An entity may have become the end of a line, or a marker.
  const safe = evenLines(written).replace(alert, '$1[')
  if (isHeavy(safe) || withoutMarkers(safe) !== safe) return undefined
  const again = md.readMarkdown(safe)
  return again && isHarmless(again, stays) ? safe : undefined
}

/** The line by which GitHub makes a box of a quote, as in `[!TIP]`. */
const alert = /^(> )\\\[(?=![A-Z]{3,9}\]$)/gm

/** Makes one line inside a sentence of ours. An address is code: as a link, it could swallow the escapes behind it. */
export function inlineWords(text: string, maxLength: number): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ').trim()
  const cut =
    line.length > maxLength ? `${line.slice(0, maxLength).toWellFormed().trimEnd()}…` : line
  const parts = cut.split(address)
  const safe = parts.map((part, at) =>
    at % 2 === 1 ? code(part) : disarm(part.replace(special, '\\$&')),
  )
  return isolated(safe.join(''))
}

const address = /((?:[a-z][a-z\d+.-]{0,20}:\/\/|www\.)[^\s`|]{0,400}[^\s`|.,:;!?'")\]}>*_~…])/i
const special = /[\\`*_{}[\]<>|~&$]|:(?=\/\/)|(?<=www)\./gi

/** Otherwise words that are written from right to left reorder ours beside them. */
const isolated = (words: string) => (rightToLeft.test(words) ? `\u2068${words}\u2069` : words)

export const rightToLeft =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/** A later cut could remove the end of longer code. */
const maxCode = 500

export function code(text: string): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ')
  const cut = line.length > maxCode ? `${line.slice(0, maxCode).toWellFormed()}…` : line || ' '
  return isolated(inlineCode(countable(cut)))
}

/** Breaks what would be a marker of ours, or a box to tick, in text of others that we post. */
export const withoutMarkers = (text: string): string =>
  text.replace(/codex-(run|box):/gi, 'codex-$1 :')

const zeroWidth = '\u200b'

/** GitHub counts 255 fence characters and 80 backticks: longer runs are broken invisibly. */
const maxRow = 60
const breakable = new RegExp(`(\`{${maxRow}}|~{${maxRow}})(?=[\`~])`, 'g')
const countable = (code: string) => code.replace(breakable, `$1${zeroWidth}`)

/** Checks the output by parsing it again. */
function isHarmless(node: md.Nodes, stays: LinkRule): boolean {
  if (forbidden.has(node.type)) return false
  if (node.type === 'text') return disarm(node.value) === node.value
  if (node.type === 'link' && !stays(node)) return false
  if (node.type === 'link' && saysSo(nodeWords(node), node.url)) return true
  return !('children' in node) || node.children.every(each => isHarmless(each, stays))
}

const forbidden = new Set<md.Nodes['type']>([
  'html',
  'image',
  'imageReference',
  'linkReference',
  'definition',
  'footnoteReference',
  'footnoteDefinition',
])

const blocks = (nodes: readonly md.RootContent[], stays: LinkRule): md.BlockContent[] =>
  nodes.flatMap(node => block(node, stays) ?? [])

function block(node: md.RootContent, stays: LinkRule): md.BlockContent | undefined {
  switch (node.type) {
    case 'html': {
      const words = withoutFolds(node.value).trim()
      return words === ''
        ? undefined
        : { type: 'paragraph', children: phrases([textNode(words)], stays) }
    }
    case 'code':
      return {
        type: 'code',
        value: countable(node.value),
        lang: drawn.test(node.lang ?? '') ? undefined : node.lang,
      }
    case 'blockquote':
      return { ...node, children: blocks(node.children, stays) }
    case 'list':
      return {
        ...node,
        children: node.children.map(item => ({ ...item, children: blocks(item.children, stays) })),
      }
    case 'table':
      return {
        ...node,
        children: node.children.map(row => ({
          ...row,
          children: row.children.map(cell => ({
            ...cell,
            children: phrases(cell.children, stays),
          })),
        })),
      }
    case 'heading':
    case 'paragraph':
      return { ...node, children: phrases(node.children, stays) }
    case 'thematicBreak':
      return node
    default:
      return undefined
  }
}

/** Languages that GitHub renders: diagrams, maps, suggested changes. */
const drawn = /^(?:suggestion|mermaid|math|geojson|topojson|stl)\b/i

/** Neighbouring texts are joined first: `@` from one and a name from the next make a mention. */
function phrases(nodes: readonly md.PhrasingContent[], stays: LinkRule): md.PhrasingContent[] {
  const joined: md.PhrasingContent[] = []
  for (const next of nodes.flatMap(node => phrase(node, stays))) {
    const last = joined.at(-1)
    if (last?.type === 'text' && next.type === 'text') last.value += next.value
    else joined.push(next)
  }
  return joined.map(node => (node.type === 'text' ? { ...node, value: disarm(node.value) } : node))
}

function phrase(node: md.PhrasingContent, stays: LinkRule): md.PhrasingContent[] {
  switch (node.type) {
    case 'text':
      return [textNode(node.value)]
    case 'html':
      return [textNode(withoutFolds(node.value))]
    case 'image':
      return addressed(node.alt || 'image', node.url)
    case 'imageReference':
      return [textNode(node.alt ?? 'image')]
    case 'linkReference':
      return phrases(node.children, stays)
    case 'footnoteReference':
      return [textNode(node.label ?? '')]
    case 'link':
      if (!stays(node)) return addressed(nodeWords(node), node.url)
      return saysSo(nodeWords(node), node.url)
        ? [node]
        : [{ type: 'link', url: node.url, children: phrases(node.children, stays) }]
    case 'inlineCode':
      return [{ type: 'inlineCode', value: countable(node.value) }]
    case 'emphasis':
    case 'strong':
    case 'delete':
      return [{ ...node, children: phrases(node.children, stays) }]
    default:
      return [node]
  }
}

const addressed = (words: string, url: string): md.PhrasingContent[] => [
  ...(saysSo(words, url) ? [] : [textNode(`${words} `)]),
  { type: 'inlineCode', value: countable(saysSo(words, url) ? words : url) },
]

const saysSo = (words: string, url: string) =>
  [words, `http://${words}`, `mailto:${words}`].includes(url)

/** Says whether a link stays one. */
type LinkRule = (node: md.Link) => boolean

/** @param repository its address */
const linkRule =
  (repository: string): LinkRule =>
  node =>
    isPlain(node) ||
    (repository !== '' &&
      node.url.startsWith(`${repository}/`) &&
      partOfRepository.test(node.url.slice(repository.length)))

const partOfRepository =
  /^\/(?:(?:issues|pull)\/\d+(?:\/(?:files|commits|checks))?|(?:blob|tree|commit)\/(?!.*(?:\.|%2e){2})[\w.~%/@+-]+)(?:#[\w-]+)?$/i

/** A plain link stays, unless GitHub would notify, or close, what it leads to. */
const isPlain = (node: md.Link) =>
  /^https?:\/\//i.test(node.url) &&
  // What precedes an @ only looks like the host.
  !/^https?:\/\/[^/?#]*@/i.test(node.url) &&
  // GitHub decodes `&#47;` in an address.
  !/&(?:#|\w+;)/.test(node.url) &&
  saysSo(nodeWords(node), node.url) &&
  !/\/(?:issues|pulls?|discussions)\/\d/i.test(node.url)

function nodeWords(node: md.Nodes): string {
  if ('children' in node) return node.children.map(nodeWords).join('')
  return 'value' in node ? node.value : ''
}

/** What an agent folds is shown as its text. */
const withoutFolds = (html: string) => html.replace(/<\/?(?:details|summary)(?:\s[^<>]*)?>/gi, '')

const textNode = (value: string): md.Text => ({ type: 'text', value })

/** A zero-width space disarms a sign and stays invisible; also at the end, where other text may follow. */
export const disarm = (text: string): string => text.replace(armed, sign => `${sign}${zeroWidth}`)

/** Mentions, references, and what keeps checks from running on a commit with these words. */
const armed =
  /@(?=[\w-]|$)|#(?=\d|$)|\bGH-(?=\d|$)|\/(?:issues|pulls?|discussions)\/(?=\d|$)|\[(?=(?:skip|no|ci|actions)[ -])|\bskip-(?=checks:)|\*\*\*(?=NO_CI)/gi

/** Beyond these, parsing takes too long or overflows the stack. */
const maxLines = 1_000
const maxSigns = 2_000
const maxEffort = 300_000
const maxUnderlines = 100
const maxMarkers = 600
const deep = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){12}|^[ \t]{40}[ \t]*(?:>|[-+*]|\d{1,9}[.)])/m

function isHeavy(source: string) {
  const prose = source.replace(fencedCode, '')
  const signs = prose.split(/\n[ \t>]*\n/).map(paragraph => countOf(sign, paragraph))
  const markersOf = (line: string) =>
    countOf(/>|[-+*]|\d[.)]/g, /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)]))*/.exec(line)?.[0] ?? '')
  return (
    countOf(/\n/g, prose) > maxLines ||
    total(signs) > maxSigns ||
    // The meaning of a sign may depend on all others of its paragraph.
    total(signs.map(count => count ** 2)) > maxEffort ||
    countOf(/^[ \t>]*[=-]+[ \t]*$/gm, prose) > maxUnderlines ||
    total(prose.split('\n').map(markersOf)) > maxMarkers ||
    deep.test(prose)
  )
}

const sign = /[[\]()@]|([\p{P}\p{S}])\1{0,15}/gu
const fencedCode = /^(`{3,}(?!`)|~{3,}(?!~))[^`\n]*\n(?:.*\n)*?\1[`~]*[ \t]*$/gm

const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)

const countOf = (sign: RegExp, text: string) => text.match(sign)?.length ?? 0

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}

export const withoutEntities = (text: string): string =>
  text.replace(/&(?:lt|gt|quot|#39|amp);/g, entity => entities[entity] ?? entity)
