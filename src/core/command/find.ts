/**
 * Finds the lines of a comment that carry a command: `/codex` as the first word of a line. Code, quotes,
 * links and HTML are somebody else's words or not meant to act.
 */
import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'

/** Up to three blanks, as Markdown allows before a paragraph; then the word, alone or before a separator. */
const commandLine = /^ {0,3}\/codex(?=[\s:,]|$)[:,]?/i

export interface CommandText {
  /** The rest of the line after `/codex`. */
  line: string
  /** The lines below it, up to the next command. */
  below: string
}

/** Cheap and never wrong in the negative: no command can be in a text for which this is false. */
export const mayHoldCommand = (text: string): boolean => /^ {0,3}\/codex(?=[\s:,]|$)/im.test(text)

export function findCommands(text: string): CommandText[] {
  if (!mayHoldCommand(text)) return []
  const source = text.replace(/\r\n?/g, '\n')
  const plain = plainRanges(source)
  const starts: { at: number; restAt: number; lineEnd: number }[] = []
  // What a masked line begins may go on below it, up to the next empty one, and hide a command there.
  let masked = false
  for (const { at, end } of lines(source)) {
    const line = source.slice(at, end)
    masked = deep.test(line) || (masked && line.trim() !== '')
    const match = masked ? null : commandLine.exec(line)
    if (!match) continue
    const slash = at + match[0].indexOf('/')
    if (plain.some(range => range.from <= slash && slash < range.to))
      starts.push({ at, restAt: at + match[0].length, lineEnd: end })
  }
  return starts.map((start, index) => ({
    line: source.slice(start.restAt, start.lineEnd).trim(),
    below: source.slice(start.lineEnd + 1, starts[index + 1]?.at ?? source.length).trimEnd(),
  }))
}

function* lines(source: string): Generator<{ at: number; end: number }> {
  let at = 0
  while (at <= source.length) {
    const newline = source.indexOf('\n', at)
    const end = newline === -1 ? source.length : newline
    yield { at, end }
    at = end + 1
  }
}

interface Range {
  from: number
  to: number
}

/** Markdown is parsed no further: some of it takes a time that grows with the square of its length. */
const mostParsed = 16_000

/**
 * Emphasis does not matter here and is the slowest to parse; the transforms would replace text by nodes that
 * know no position.
 */
const grammar = {
  extensions: [gfm(), { disable: { null: ['attention'] } }],
  mdastExtensions: gfmFromMarkdown().map(extension => ({ ...extension, transforms: [] })),
}

/** Each line that underlines a heading has the parser look at all lines before it. */
const mostUnderlines = 200
const underline = /^[ \t>]*[=-]+[ \t]*$/gm

function parsedPart(source: string): string {
  const part = source.slice(0, mostParsed)
  const tooMany = [...part.matchAll(underline)][mostUnderlines]
  return tooMany === undefined ? part : part.slice(0, tooMany.index)
}

const deep = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){16}/

/** Quotes in lists in quotes … cost stack: what stands deeper than anybody writes is masked, at equal length. */
const shallow = (source: string): string =>
  source
    .split('\n')
    .map(line => {
      const markers = deep.exec(line)?.[0]
      return markers === undefined ? line : markers + 'x'.repeat(line.length - markers.length)
    })
    .join('\n')

/** Nodes whose text is not the writer speaking to us. */
const foreign: ReadonlySet<Nodes['type']> = new Set<Nodes['type']>([
  'blockquote',
  'code',
  'definition',
  'footnoteDefinition',
  'html',
  'image',
  'inlineCode',
  'link',
  'linkReference',
])

function plainRanges(source: string): Range[] {
  const tree = fromMarkdown(shallow(parsedPart(source)), grammar)
  const ranges: Range[] = []
  const pending: Nodes[] = [tree]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (foreign.has(node.type)) continue
    if (node.type === 'text') ranges.push(...rangeOf(node))
    if ('children' in node) pending.push(...node.children)
  }
  return ranges
}

function rangeOf(node: Nodes): Range[] {
  const from = node.position?.start.offset
  const to = node.position?.end.offset
  return from === undefined || to === undefined ? [] : [{ from, to }]
}
