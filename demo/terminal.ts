/** Text with its styles, kept apart from escape codes so that it can be measured, wrapped and compared; and tables of it. */
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'italic' | 'underline' | 'strikethrough' | Colour
type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan'

export interface Span {
  text: string
  styles: readonly Style[]
}
export type Line = readonly Span[]

export const span = (text: string, ...styles: Style[]): Span => ({ text, styles })

export const plain = (line: Line): string => line.map(({ text }) => text).join('')

export const painted = (line: Line, colour: boolean): string =>
  colour
    ? line.map(({ text, styles }) => (styles.length > 0 ? styleText([...styles], text) : text)).join('')
    : plain(line)

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const invisible = /^[\p{Cf}\p{Mn}\p{Cc}]+$/u
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/** Terminal cells. */
function width(text: string): number {
  let cells = 0
  for (const { segment } of graphemes.segment(text))
    cells += invisible.test(segment) ? 0 : wide.test(segment) ? 2 : 1
  return cells
}

/** Breaks at newlines and, where a line gets too long, at spaces; what stands before the words stays clear of them. */
export const wrap = (spans: Line, cells: number): Line[] =>
  atNewlines(spans).flatMap(line => fold(line, cells))

export const quoteBar = span('▎ ', 'blue')

function atNewlines(spans: Line): Line[] {
  const lines: Span[][] = [[]]
  for (const { text, styles } of spans)
    for (const [index, part] of text.split('\n').entries()) {
      if (index > 0) lines.push([])
      if (part !== '') lines.at(-1)?.push({ text: part, styles })
    }
  return lines
}

function fold(line: Line, cells: number): Line[] {
  if (width(plain(line)) <= cells) return [line]
  const lead = leadOf(line)
  const room = cells - width(plain(lead))
  const lines: Span[][] = [[]]
  let used = 0
  let isFresh = true
  for (const { text, styles } of line)
    for (const word of text.split(/(?<= )/).flatMap(long => pieces(long, room))) {
      if (!isFresh && used + width(word.trimEnd()) > cells) {
        lines.push([...lead])
        used = cells - room
      }
      lines.at(-1)?.push({ text: word, styles })
      used += width(word)
      isFresh = false
    }
  return lines.map(trimmed)
}

function trimmed(line: Line): Line {
  const last = line.at(-1)
  return last ? [...line.slice(0, -1), { ...last, text: last.text.trimEnd() }] : line
}

/** What the further lines begin with: the same bars, and room as wide as an icon or a list's mark. */
function leadOf(line: Line): Line {
  const first = line.findIndex(({ text }) => text !== quoteBar.text)
  const bars = line.slice(0, Math.max(0, first))
  const mark = /^ *(?:(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|[•-]|\d+\.) )?/u.exec(
    plain(line.slice(bars.length)),
  )
  return [...bars, span(' '.repeat(width(mark?.[0] ?? '')))]
}

/** A word that is longer than a whole line. */
function pieces(word: string, cells: number): string[] {
  if (width(word.trimEnd()) <= cells) return [word]
  const parts = ['']
  for (const { segment } of graphemes.segment(word)) {
    const last = parts.at(-1) ?? ''
    if (width(last + segment) > cells) parts.push(segment)
    else parts[parts.length - 1] = last + segment
  }
  return parts
}

const gap = 2
const narrowest = 8

/** In as many cells as there are: the widest columns give way first. */
export function tableLines(rows: readonly (readonly Line[])[], cells: number): Line[] {
  const columns = columnWidths(rows, cells)
  const [head, ...body] = rows.map(row => rowLines(row, columns))
  if (!head) return []
  const rule: Line = [span(columns.map(column => '─'.repeat(column)).join(' '.repeat(gap)), 'dim')]
  return [...head.map(bold), rule, ...body.flat()]
}

function columnWidths(rows: readonly (readonly Line[])[], cells: number): number[] {
  const columns = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map(row => width(plain(row[index] ?? [])))),
  )
  const room = cells - gap * (columns.length - 1)
  while (columns.reduce((sum, column) => sum + column, 0) > room) {
    const widest = Math.max(...columns)
    if (widest <= narrowest) break
    columns[columns.indexOf(widest)] = widest - 1
  }
  return columns
}

function rowLines(row: readonly Line[], columns: readonly number[]): Line[] {
  const wrapped = columns.map((column, index) => wrap(row[index] ?? [], column))
  const height = Math.max(...wrapped.map(lines => lines.length))
  return Array.from({ length: height }, (_, line) =>
    columns.flatMap((column, index) =>
      padded(wrapped[index]?.[line] ?? [], index < columns.length - 1 ? column + gap : 0),
    ),
  )
}

const padded = (line: Line, cells: number): Span[] => [
  ...line,
  span(' '.repeat(Math.max(0, cells - width(plain(line))))),
]

const bold = (line: Line): Line => line.map(({ text, styles }) => ({ text, styles: [...styles, 'bold'] }))
