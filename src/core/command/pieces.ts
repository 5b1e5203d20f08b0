/** Cuts a text where all open Markdown has ended, so that pieces can be parsed alone. Linear time. */

export interface Line {
  at: number
  end: number
}

export interface Piece {
  from: number
  to: number
  lines: Line[]
  plainTo: number
}

/** Blank to Markdown: a non-breaking space or a form feed is not. */
export const isBlank = (line: string): boolean => /^[ \t]*$/.test(line)

export function piecesOf(source: string): Piece[] {
  const pieces: Piece[] = []
  let piece: Piece = newPiece(0)
  let fence = ''
  let blank = false
  let plain = true
  // HTML and code may go on over empty lines: then the rest is one piece.
  let open = false
  const next = (at: number): void => {
    pieces.push({ ...piece, to: at })
    piece = newPiece(at)
    plain = true
    open = false
  }
  for (const line of linesOf(source)) {
    const text = source.slice(line.at, line.end)
    if (fence !== '') {
      if (closes(text, fence)) {
        fence = ''
        next(line.end + 1)
      }
      continue
    }
    if (blank && !open && /^\S/.test(text)) next(line.at)
    blank = isBlank(text)
    const opens = opening.exec(text)?.[1]
    if (opens !== undefined && plain) {
      next(line.at)
      fence = opens.slice(0, maxFence)
      continue
    }
    open ||= mayGoOn.test(text)
    plain &&= plainLine.test(text)
    if (plain) piece.plainTo = line.end
    piece.lines.push(line)
  }
  if (fence === '') next(source.length)
  return pieces
}

const newPiece = (from: number): Piece => ({ from, to: from, lines: [], plainTo: from })

const maxFence = 255
const opening = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/
const mayGoOn = /^[ \t>*+-]*(?:\d{1,9}[.)][ \t>*+-]*)*(?:<|`{3}|~{3})/
const plainLine = /^(?:[ \t]*| {0,3}[^\s>*+\-\d<`~[].*)$/

function closes(line: string, fence: string): boolean {
  const marks = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1]
  return marks !== undefined && marks[0] === fence[0] && marks.length >= fence.length
}

export function* linesOf(source: string): Generator<Line> {
  for (let at = 0; at <= source.length; ) {
    const feed = source.indexOf('\n', at)
    const end = feed === -1 ? source.length : feed
    yield { at, end }
    at = end + 1
  }
}
