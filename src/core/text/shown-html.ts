/** Writes the HTML elements of a text onto its page, each where it stands among Markdown's own nodes. */
import * as html from './html-tags.ts'
import { isPasted, type PageWriter, type Row, type Surroundings } from './page-writer.ts'
import { withoutEntities } from './safe-markdown.ts'
import { Cut } from './shown-lines.ts'

/** Quotes, lists and boxes in one another. */
export const maxNesting = 12
/** Elements in one another that make letters smaller. */
const maxSmall = 2

export const unreadHtml = (): Cut => new Cut('the rest begins with HTML that is not read')

/** What stands behind the tags that are open by now. */
export function within(place: Surroundings, open: readonly string[]): Surroundings {
  const isQuoted = place.isQuoted || open.includes('blockquote')
  return {
    ...place,
    open,
    isOwn: place.isOwn && open.length === place.open.length,
    isSaid: place.isSaid && !isQuoted && !open.includes('details'),
    isQuoted,
  }
}

/** What the page shows before and behind the words of an element. */
const signs: Readonly<Record<string, readonly [string, string]>> = {
  del: ['~~', '~~'],
  s: ['~~', '~~'],
  strike: ['~~', '~~'],
  q: ['“', '”'],
}

export class HtmlWriter {
  readonly #page: PageWriter
  /** The rows of each table that stands open, and of links their addresses. */
  readonly #tables: Row[][] = []
  readonly #links: string[] = []

  constructor(page: PageWriter) {
    this.#page = page
  }

  /** @param open the elements that are open before it, and then behind it; those around `place` stay open */
  tags(text: string, at: number, place: Surroundings, open: string[]) {
    for (const piece of html.piecesOf(text)) {
      const here = { ...within(place, open), isOwn: false }
      switch (piece.kind) {
        case 'comment':
        case 'dropped':
          this.#page.hide(at, piece.text)
          break
        case 'text':
          this.#words(piece.text, here)
          break
        case 'open':
          if (!html.mayOpen(piece.name, open)) throw unreadHtml()
          this.#open(piece, here, at)
          if (!html.isAlone(piece.name)) open.push(piece.name)
          break
        case 'close':
          if (open.length <= place.open.length || open.pop() !== piece.name) throw unreadHtml()
          this.#close(piece.name, here)
          break
        case 'unknown':
          throw unreadHtml()
      }
    }
  }

  /** Code that was written as HTML, without a tag in it. */
  wrotePre(text: string, open: readonly string[]) {
    const code = /^\s*<pre>(?:<code>)?([^<]*)(?:<\/code>)?<\/pre>\s*$/i.exec(text)?.[1]
    if (code === undefined || !html.mayHoldBlocks(open)) return false
    const words = plain(code)
    this.#page.row()
    this.#page.code(words.replace(/^\n/, '').trimEnd().split('\n'), '')
    return true
  }

  #words(text: string, place: Surroundings) {
    if (text.trim() === '') {
      if (!this.#page.isAtStart) this.#page.put(' ')
      return
    }
    if (!html.mayHoldWords(place.open)) throw unreadHtml()
    const words = plain(text.replaceAll('&nbsp;', '\u00a0'))
    this.#page.line(words.replaceAll('\n', ' '), place, 0)
  }

  #open({ name, attributes }: Opened, place: Surroundings, at: number) {
    const page = this.#page
    const { open } = place
    const src = withoutEntities(attributes.get('src') ?? '')
    page.hide(at, html.hiddenIn(attributes, isPasted(src)))
    if (open.length > 2 * maxNesting) throw new Cut('the rest is nested deeper than is read')
    if (html.smaller.has(name) && open.filter(each => html.smaller.has(each)).length >= maxSmall)
      throw new Cut('the rest is smaller than is read')
    if (html.isBlock(name)) page.row()
    const depth = html.headingOf(name)
    if (depth > 0) {
      page.block()
      return page.put(`${'#'.repeat(depth)} `)
    }
    const [sign] = signs[name] ?? []
    if (sign !== undefined) return page.put(sign)
    switch (name) {
      case 'br':
        return page.feed()
      case 'hr':
        return page.whole('---')
      case 'img':
        return page.picture(src, place, sizesOf(attributes))
      case 'a':
        this.#links.push(withoutEntities(attributes.get('href') ?? ''))
        return page.gather()
      case 'code':
      case 'tt':
      case 'td':
      case 'th':
        return page.gather()
      case 'details':
        return page.whole('[folded]')
      case 'blockquote':
        page.block()
        return page.indent('> ', '> ')
      case 'li':
        page.newLine()
        return page.indent('- ', '  ')
      case 'table':
        this.#tables.push([])
        return page.block()
      case 'tr':
        this.#tables.at(-1)?.push({ cells: [], isHead: false })
        return
      default:
        if (html.isBlock(name)) page.block()
    }
  }

  #close(name: string, place: Surroundings) {
    const page = this.#page
    const [, sign] = signs[name] ?? []
    if (sign !== undefined) return page.put(sign)
    switch (name) {
      case 'a':
        return page.link(this.#links.pop() ?? '', place)
      case 'code':
      case 'tt':
        return page.inlineCode()
      case 'td':
      case 'th': {
        const row = this.#tables.at(-1)?.at(-1)
        row?.cells.push(page.cell())
        if (row && name === 'th') row.isHead = true
        return
      }
      case 'details':
        return page.whole('[end of what is folded]')
      case 'blockquote':
        page.outdent()
        return page.block()
      case 'li':
        return page.outdent()
      case 'table':
        return page.rows(this.#tables.pop() ?? [])
      default:
        if (html.isBlock(name)) page.block()
    }
  }
}

type Opened = Extract<html.Piece, { kind: 'open' }>

/** @throws Cut for an entity that is not among the usual ones */
function plain(text: string) {
  const words = withoutEntities(text)
  if (/&#?\w+;/.test(words)) throw unreadHtml()
  return words
}

const sizesOf = (attributes: Opened['attributes']) =>
  ['width', 'height'].map(name => {
    const size = attributes.get(name) ?? '100'
    return size.endsWith('%') ? 10 * Number.parseInt(size, 10) : Number.parseInt(size, 10)
  })
