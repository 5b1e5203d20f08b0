/**
 * A page as it is written: its lines, its links, pictures, code and tables, the words that it does not show, and where a
 * command would stand if it were read there. What stands beside the page, far to the right, is cut, and the page says so.
 */
import { stripInvisible } from './invisible.ts'
import { fenceFor, inlineCode } from './phrases.ts'
import type { Reading, SeenPage } from './seen-page.ts'
import { inColumns, maxColumns, ShownLines, widestOf, withoutLongBlanks } from './shown-lines.ts'

/** Where something stands. */
export interface Surroundings {
  /** A paragraph here is the page's own, and its lines may be commands. */
  isOwn: boolean
  /** What begins here may be a command in a wrong place: neither quoted, folded nor code. */
  isSaid: boolean
  /** What stands here was written by somebody else, perhaps: no file of it is passed on. */
  isQuoted: boolean
  blocks: number
  /** The HTML elements that stand open around it, the innermost last. */
  open: readonly string[]
}

export interface Row {
  cells: string[]
  isHead: boolean
}

/** Lines and files that are kept of one text. */
const maxKept = 500
/** Characters of all addresses behind words on a page: a reader looks at no more. */
const maxAddresses = 2_000
/** It holds no password, and no key to a private picture. */
const plainAddress = /^https?:\/\/(?![^/]*@|.*[?&]jwt=)[\w.~%/?#&=:@+,;-]{1,500}$/i
/** Pixels of a row of a picture: a page fits large ones in. */
const rowOfPicture = 200
/** Columns around the words of a cell. */
const padding = 3

/** Stands for a formula in a line. */
export const drawnHere = '\ufdd0'

export class PageWriter extends ShownLines {
  readonly #reading: Reading
  readonly #elsewhere: string[] = []
  readonly #indented: string[] = []
  readonly #files: SeenPage['files'] = []
  readonly #hidden: number[] = []
  #unshown = 0
  #linked = 0

  constructor(reading: Reading) {
    super()
    this.#reading = reading
  }

  /** What is hidden is known once all is written. */
  written(lines: ReturnType<ShownLines['end']>): SeenPage {
    return {
      ...lines,
      elsewhere: this.#elsewhere,
      indented: this.#indented,
      files: this.#files,
      unshown: this.#unshown,
      hidden: this.#hidden,
    }
  }

  /** Words that the page does not show. */
  hide(at: number, words: string) {
    const count = words.match(/[\p{L}\p{N}]+/gu)?.length ?? 0
    if (count > 0) this.#hidden.push(at)
    this.#unshown += count
  }

  /** @param from where the line begins in the text as it was written */
  line(line: string, place: Surroundings, from: number) {
    for (const [at, part] of line.split(drawnHere).entries()) {
      if (at > 0) this.placeholder('[formula]')
      const words = stripInvisible(part).replace(/[ \t\f]+/g, ' ')
      this.#keepStart(words, place)
      this.say(words, place.isOwn ? from : undefined)
    }
  }

  /** Where a command would stand if it were read there. */
  #keepStart(words: string, { isSaid, isOwn }: Surroundings) {
    if (!isSaid || isOwn || words.trim() === '' || this.#elsewhere.length >= maxKept) return
    if (/^(?:#{1,6} )?(?:\[[ x]\] ?)?$/.test(this.start?.trimStart() ?? 'long'))
      this.#elsewhere.push(words.trim().slice(0, 100))
  }

  /** Begins and ends with a blank line. */
  apart(read: () => void) {
    this.block()
    read()
    this.block()
  }

  inlineCode() {
    this.put(inlineCode(this.gathered().text.trim() || ' '))
  }

  code(written: readonly string[], language: string) {
    const lines = written.map(line => {
      this.row()
      return this.#shortened(stripInvisible(line))
    })
    const fence = fenceFor(lines.join('\n'), 3)
    this.whole(`${fence}${language}`, ...lines, fence)
  }

  /** It may be a paragraph that somebody indented. */
  indentedCode(first = '') {
    if (this.#indented.length < maxKept) this.#indented.push(first.slice(0, 100))
  }

  #shortened(line: string, columns = maxColumns) {
    const seen = inColumns(line, columns)
    this.gather()
    this.say(seen)
    this.gathered()
    const isWhole = line.slice(seen.length).trim() === ''
    const words = withoutLongBlanks(seen).trimEnd()
    return isWhole ? words : `${words} [… cut: the line is longer]`
  }

  cell() {
    return this.gathered()
      .text.replace(/[ \t\n]+/g, ' ')
      .trim()
  }

  /** Columns that end beside the page are as wide as what pushes them, and so are the lines in them. */
  rows(rows: readonly Row[]) {
    const widths: number[] = []
    for (const { cells } of rows)
      for (const [at, cell] of cells.entries())
        widths[at] = Math.max(widths[at] ?? 0, widestOf(cell) + padding)
    const edges = widths.map((_, at) => widths.slice(0, at + 1).reduce((sum, width) => sum + width))
    this.block()
    for (const { cells, isHead } of rows) {
      const seen = cells.filter((_, at) => (edges[at - 1] ?? 0) < maxColumns)
      const shown = seen.map((cell, at) =>
        (edges[at] ?? 0) > maxColumns
          ? this.#shortened(cell, maxColumns - (edges[at - 1] ?? 0))
          : cell,
      )
      if (seen.length < cells.length) shown.push('[… more cells]')
      if (this.isGathering) this.put(` ${shown.join(' ')} `)
      else {
        this.write(`| ${shown.join(' | ')} |`)
        if (isHead) this.write(`|${' --- |'.repeat(shown.length)}`)
      }
    }
    this.block()
  }

  /** Its words were gathered. */
  link(url: string, { isQuoted }: Pick<Surroundings, 'isQuoted'>) {
    const { text, hasWord } = this.gathered()
    const address = hasWord ? this.#addressOf(url, text.trim()) : ''
    this.#linked += address.length
    this.put(address === '' || this.#linked > maxAddresses ? text : `${text} (${address})`)
    if (hasWord && !isQuoted) this.#file(url, text.replace(/\[picture\]|`/g, '').trim())
  }

  /** Nothing where the words say it, nor of others: an address could say to the agent what no reader of the page sees. */
  #addressOf(href: string, said: string): string {
    if (
      this.#reading.addresses === 'none' ||
      !plainAddress.test(href) ||
      said === href ||
      href === `http://${said}`
    )
      return ''
    if (/^(?:@|#\d|[\w./-]+#\d|[\w./-]+@[0-9a-f]{7})/.test(said)) return ''
    return href
  }

  #file(url: string, words: string) {
    if (!/^https?:\/\//i.test(url) || this.#files.length >= maxKept) return
    // Signed addresses open private pictures.
    const address = /[?&]jwt=/.test(url) ? (url.split('?', 1)[0] ?? '') : url
    this.#files.push({ url: address, words: words.slice(0, 1_000) })
  }

  picture(
    url: string,
    { isQuoted }: Pick<Surroundings, 'isQuoted'>,
    [width = 100, height = 100]: readonly number[] = [],
  ) {
    this.row(1 + Math.floor(height / rowOfPicture))
    this.placeholder('[picture]')
    const isSeen = Math.min(width, height) >= 10 && !/#gh-(?:dark|light)-mode-only$/i.test(url)
    if (isSeen && !isQuoted) this.#file(url, '')
  }
}

/** The alternative text of such a picture is the name of its file, and nobody wrote it. */
export const isPasted = (url: string): boolean =>
  /^https:\/\/[^/]+\/user-attachments\/|^https:\/\/[\w-]+\.githubusercontent\.com\//.test(url)
