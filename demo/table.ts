/** A table in as many cells as there are: the widest columns give way first. */
import { type Line, plain, type Span, span, width, wrap } from './ink.ts'

const gap = 2
const narrowest = 8

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
