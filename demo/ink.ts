/** Text with its styles, kept apart from escape codes so that it can be measured, wrapped and compared. */

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  struck: [9, 29],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const
export type Style = keyof typeof codes

export interface Span {
  text: string
  styles: readonly Style[]
}
export type Line = readonly Span[]

export const span = (text: string, ...styles: Style[]): Span => ({ text, styles })

export const plain = (line: Line): string => line.map(({ text }) => text).join('')

export const sameLine = (a: Line | undefined, b: Line | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

export function paint(line: Line, colour: boolean): string {
  if (!colour) return plain(line)
  return line.map(({ text, styles }) => styles.reduce(painted, text)).join('')
}

const painted = (text: string, style: Style): string => {
  const [on, off] = codes[style]
  return `\x1b[${on}m${text}\x1b[${off}m`
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const invisible = /^[\p{Cf}\p{Mn}\p{Cc}]+$/u
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/** Terminal cells. */
export function width(text: string): number {
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
