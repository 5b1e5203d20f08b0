/**
 * What GitHub's page shows, as plain text: a walk over the HTML that GitHub rendered, by an allowlist of elements and of
 * what their attributes may do. What GitHub adds around a text contributes nothing. What a writer made smaller, nested
 * deeper, turned or moved is `[unreadable]`. Pure, linear, for a worker thread.
 */

import * as dom from './html-tree.ts'
import { stripInvisible } from './invisible.ts'
import { fenceFor, inlineCode, wordSet } from './phrases.ts'
import type { Reading, ShownText } from './seen-page.ts'
import {
  columnsOf,
  inColumns,
  maxColumns,
  maxText,
  ShownLines,
  widestOf,
  withoutLongBlanks,
} from './shown-lines.ts'

/** Characters of HTML; more is not read at all. 64 KB of Markdown become up to three million. */
const maxHtml = 4_000_000
const maxBlocks = 12
/** Elements in one another that make letters smaller. */
const maxSmall = 2
const maxElsewhere = 500
const maxFiles = 200
/** Characters of a host behind words, and of all addresses there on a page: a reader looks at no more. */
const maxHost = 100
const maxAddresses = 2_000

/** Pixels of the page in a row and in a column. It fits large pictures in, so they have more. */
const pixels = { row: 20, column: 8, rowOfPicture: 200, columnOfPicture: 60 }
/** Columns around the words of a cell. */
const padding = 3
/** Columns of a table that are looked at: more are never in sight. */
const maxCells = 100

/** A cell takes columns of its table, and is as wide as what breaks nowhere: other words wrap. */
interface Table {
  rows: { cells: { text: string; from: number; to: number }[]; isHead: boolean }[]
  widths: number[]
  /** In how many rows each column is a cell's from above. */
  taken: number[]
}

const newTable = (): Table => ({ rows: [], widths: [], taken: [] })

/** @returns `undefined` for more HTML than is read */
export function shownText(html: string, reading: Reading): ShownText | undefined {
  if (html.length > maxHtml) return undefined
  return new Walk(reading).read(dom.treeOf(html))
}

/** What a text directly below an element may be: a command, its writer's words where no command is read, or neither. */
type Standing = 'command' | 'elsewhere' | 'none'

interface Frame {
  /** Ancestors are nothing but the page, transparent, lists or tables: else nothing here is the writer's own line. */
  own: boolean
  isTop: boolean
  text: Standing
  blocks: number
  small: number
  inHeading: boolean
  inCode: boolean
  /** Preformatted: line feeds end lines. */
  lines: boolean
  language: string
  /** Pictures and links are the writer's, not quoted ones or code. */
  files: boolean
  /** The number of the list around, if it has numbers. */
  number: { next: number } | undefined
}

const top: Frame = {
  own: true,
  isTop: true,
  text: 'none',
  blocks: 0,
  small: 0,
  inHeading: false,
  inCode: false,
  lines: false,
  language: '',
  files: true,
  number: undefined,
}

/**
 * These elements are read. Classes that shrink letters are marked so. What is on neither list is GitHub's, and left
 * out.
 */
const inline = wordSet(
  'strong b em i ins mark g-emoji time wbr abbr cite dfn var ruby del s strike q a',
)
const small = wordSet('sub sup small kbd samp code tt rt')
const signs: Readonly<Record<string, readonly [before: string, after: string]>> = {
  del: ['~~', '~~'],
  s: ['~~', '~~'],
  strike: ['~~', '~~'],
  q: ['“', '”'],
  rt: ['(', ')'],
}
const headings = wordSet('h1 h2 h3 h4 h5 h6')
const boxes = new Set(['div', 'span', 'section', 'figure', 'markdown-accessiblity-table'])
const blocks = wordSet(
  'p blockquote ul ol li pre hr details summary caption figcaption dl dt dd table thead tbody tfoot tr td th',
)
const ofRows = wordSet('thead tbody tfoot tr')

/** GitHub alone sets classes: it takes a writer's off. */
const knownClass =
  /^(?:highlight|snippet-clipboard-content|markdown-(?:body|heading|alert)|footnotes|email-fragment|pl-|issue-(?:keyword|shorthand)|(?:user|team)-mention|js-issue-link|labelsize)/
const drawn = /^(?:mermaid|geojson|topojson|stl)$/

/** GitHub colours these. The name of any other language could say anything. */
const languages = wordSet(
  'bash c cpp cs csharp css csv diff docker dockerfile go graphql haskell html http ini java javascript js json jsx kotlin kt lua make makefile markdown md nginx perl php plaintext powershell proto python py r rb ruby rs rust scala scss sh shell sql suggestion swift text toml ts tsx txt typescript vue xml yaml yml zig',
)

class Walk {
  readonly #reading: Reading
  readonly #home: string
  readonly #page = new ShownLines()
  readonly #elsewhere: string[] = []
  readonly #indented: string[] = []
  readonly #files: ShownText['files'] = []
  #replaced = ''
  #addresses = 0
  #table: Table = newTable()
  /** The columns of the cell's widest part that breaks nowhere. */
  #widest = 0

  constructor(reading: Reading) {
    this.#reading = reading
    this.#home = new URL(reading.webUrl).origin
  }

  read({ nodes, cut }: { nodes: readonly dom.Node[]; cut: boolean }): ShownText {
    this.#nodes(nodes, top)
    return {
      ...this.#page.end(cut),
      elsewhere: this.#elsewhere,
      indented: this.#indented,
      files: this.#files,
      replaced: this.#replaced.slice(0, maxText),
    }
  }

  #nodes(nodes: readonly dom.Node[], frame: Frame): void {
    for (const node of nodes) {
      if (this.#page.isOver) return
      if (dom.isText(node)) this.#text(node.value, frame)
      else if (dom.isElement(node)) this.#element(node, frame)
    }
  }

  #inside(element: dom.Element, frame: Frame, change: Partial<Frame> = {}): void {
    this.#nodes(element.childNodes, { ...frame, isTop: false, text: 'none', ...change })
  }

  #text(value: string, frame: Frame) {
    const words = stripInvisible(value.slice(0, maxText))
    if (!frame.lines) this.#words(collapsed(words), frame)
    else {
      // A blank line at the start is none.
      const lines = (this.#page.start === '' ? words.replace(/^\n/, '') : words).split('\n')
      for (const [at, line] of lines.entries()) {
        if (at > 0) this.#page.feed()
        this.#words(line, frame)
      }
    }
    if (value.length > maxText) this.#page.stop()
  }

  #words(words: string, { text: place, lines, inCode }: Frame): void {
    if (place === 'elsewhere' || (place === 'command' && this.#page.isGathering))
      this.#keepStart(words)
    this.#page.say(words, place === 'command', lines && inCode)
  }

  /** Where a command would stand if it were read there. */
  #keepStart(words: string): void {
    if (words.trim() === '' || this.#elsewhere.length >= maxElsewhere) return
    const isFirst = /^(?:#{1,6} )?(?:\[[ x]\] ?)?$/.test(this.#page.start?.trimStart() ?? 'long')
    if (isFirst) this.#elsewhere.push(words.trim().slice(0, 100))
  }

  #element(element: dom.Element, frame: Frame) {
    const { tagName: tag } = element
    if (dom.hasClass(element, 'sr-only')) return
    this.#page.column()
    if (dom.pictures.has(tag)) return this.#picture(element, frame)
    if (tag === 'math-renderer') return this.#formula(element)
    if (tag === 'bdo') return this.#unreadable(element)
    const isInline = inline.has(tag) || small.has(tag) || tag === 'br' || tag === 'input'
    if (!isInline && !headings.has(tag) && !boxes.has(tag) && !blocks.has(tag)) return
    const read = (): void => {
      if (dom.unlisted(element).length > 0) this.#unreadable(element)
      else if (isInline) this.#inline(element, frame)
      else this.#block(element, { ...frame, blocks: frame.blocks + (ofRows.has(tag) ? 0 : 1) })
    }
    if (tag === 'td' || tag === 'th') this.#cell(element, read)
    else read()
  }

  /** It may be as high and wide as an attribute says, and has a row for each block in it. */
  #unreadable(element: dom.Element) {
    const all = [element, ...dom.elementsIn(element)]
    const most = dom.largest(
      all.flatMap(dom.unlisted).flatMap(({ value }) => value.match(/\d{1,9}/g) ?? []),
    )
    const rows = all.filter(({ tagName }) => !inline.has(tagName) && !small.has(tagName)).length
    this.#page.row(Math.floor(most / pixels.row) + rows)
    const columns = columnsOf(dom.textIn(element)) + Math.floor(most / pixels.column)
    this.#solid(columns)
    if (ofRows.has(element.tagName)) this.#widen(0, columns)
    this.#page.placeholder('[unreadable]')
  }

  /** It may be as high as it has lines, and as a length in it says. */
  #formula(element: dom.Element) {
    const formula = dom.textIn(element)
    const lengths = formula.match(/\d{1,9}(?=\.?\d{0,9}\s{0,9}(?:p[ctx]|e[mx]|mu|[cm]m|in))/g) ?? []
    this.#page.row(formula.split('\\\\').length - 1 + Math.floor(dom.largest(lengths) / pixels.row))
    this.#replace(element, '[formula]')
  }

  #inline(element: dom.Element, frame: Frame) {
    const { tagName: tag } = element
    if (tag === 'br') return this.#page.feed()
    if (tag === 'input') {
      if (dom.hasClass(element, 'task-list-item-checkbox'))
        this.#page.put(dom.has(element, 'checked') ? '[x] ' : '[ ] ')
      return
    }
    if (tag === 'a') return this.#link(element, frame)
    const within = { ...frame, small: frame.small + (small.has(tag) ? 1 : 0) }
    if (within.small > maxSmall) return this.#unreadable(element)
    if (tag === 'code' || tag === 'tt') return this.#code(element, within)
    const [before = '', after = ''] = signs[tag] ?? []
    const isPlain = before === '' && !small.has(tag) && frame.text !== 'none'
    this.#page.put(before)
    this.#inside(element, within, { text: isPlain ? 'elsewhere' : 'none' })
    this.#page.put(after)
  }

  #block(element: dom.Element, frame: Frame) {
    const { tagName: tag } = element
    if (boxes.has(tag)) return this.#box(element, frame)
    if (frame.blocks > maxBlocks) return this.#unreadable(element)
    const place = frame.own ? 'elsewhere' : 'none'
    if (tag !== 'td' && tag !== 'th') this.#page.row()
    if (headings.has(tag)) {
      if (frame.inHeading) return this.#unreadable(element)
      this.#page.block()
      this.#page.put(`${'#'.repeat(Number(tag[1]))} `)
      this.#inside(element, frame, { text: place, inHeading: true })
      return this.#page.block()
    }
    switch (tag) {
      case 'p':
        return this.#paragraph(element, frame, frame.isTop ? 'command' : place)
      case 'blockquote':
        return this.#prefixed('> ', '> ', () =>
          this.#inside(element, frame, { own: false, files: false }),
        )
      case 'ul':
      case 'ol':
        return this.#list(element, frame)
      case 'li': {
        const sign = frame.number ? `${frame.number.next++}. ` : '- '
        const readItem = (): void =>
          this.#inside(element, frame, { text: place, number: undefined })
        return this.#prefixed(sign, ' '.repeat(sign.length), readItem, 'tight')
      }
      case 'pre':
        return this.#pre(element, frame)
      case 'hr':
        return this.#page.whole('---')
      case 'details':
        this.#page.whole('[folded]')
        this.#inside(element, frame, { own: false })
        return this.#page.whole('[end of what is folded]')
      case 'dd':
        return this.#prefixed(
          '  ',
          '  ',
          () => this.#inside(element, frame, { text: place }),
          'tight',
        )
      case 'td':
      case 'th':
        return this.#inside(element, frame, { text: place })
      case 'tr':
        return this.#row(element, frame)
      case 'table':
        return this.#wholeTable(element, frame)
      case 'thead':
      case 'tbody':
      case 'tfoot':
        return this.#inside(element, frame)
      default:
        if (tag === 'caption') this.#widen(0, widestOf(dom.textIn(element)))
        return this.#paragraph(element, frame, tag === 'dt' ? place : 'none')
    }
  }

  #paragraph(element: dom.Element, frame: Frame, text: Standing): void {
    this.#apart('loose', () => this.#inside(element, frame, { text }))
  }

  /** Begins and ends with a line, or with a blank line. */
  #apart(gap: 'tight' | 'loose', read: () => void): void {
    const end = (): void => (gap === 'tight' ? this.#page.newLine() : this.#page.block())
    end()
    read()
    end()
  }

  #box(element: dom.Element, frame: Frame) {
    const classes = dom.classesOf(element)
    if (classes.includes('js-render-needs-enrichment')) return this.#replace(element, '[diagram]')
    if (classes.includes('blob-wrapper-embedded') || classes.includes('Box--condensed'))
      return this.#page.whole('[code from the repository]')
    if (classes.includes('js-suggested-changes-blob')) return this.#suggestion(element)
    if (classes.length > 0 && !classes.some(name => knownClass.test(name))) return
    // What has a class is GitHub's, and nests nothing.
    const within =
      classes.length > 0 || element.tagName === 'span' ? frame.blocks - 1 : frame.blocks
    if (within > maxBlocks) return this.#unreadable(element)
    if (element.tagName === 'span') return this.#inside(element, { ...frame, blocks: within })
    const isMail = classes.includes('email-fragment')
    const isForeign =
      isMail ||
      classes.includes('footnotes') ||
      dom.has(element, 'data-footnotes') ||
      classes.includes('markdown-alert')
    const own = frame.own && !isForeign
    const text = own && classes.length === 0 ? 'elsewhere' : 'none'
    const language = classes.flatMap(
      name => /^highlight-(?:source|text)-(.{1,30})$/.exec(name)?.[1] ?? [],
    )[0]
    this.#page.row()
    this.#page.block()
    this.#inside(element, frame, {
      own,
      blocks: within,
      language: language ?? '',
      lines: isMail,
      text: isMail && frame.isTop ? 'command' : text,
    })
    this.#page.block()
  }

  #replace(element: dom.Element, words: string): void {
    if (this.#replaced.length < maxText) this.#replaced += ` ${dom.textIn(element)}`
    this.#page.placeholder(words)
  }

  #link(element: dom.Element, frame: Frame) {
    const isBack =
      dom.hasClass(element, 'footnote-backref') || dom.has(element, 'data-footnote-backref')
    if (isBack || dom.hasClass(element, 'anchor')) return
    const href = dom.attribute(element, 'href')
    const { text, hasWord } = this.#page.gather(() => this.#inside(element, frame, { own: false }))
    if (dom.has(element, 'data-footnote-ref')) return this.#page.put(`[${text.trim()}]`)
    if (dom.hasClass(element, 'user-mention'))
      return this.#page.mention(text, frame.text === 'command')
    const address = hasWord ? this.#addressOf(href, text.trim()) : ''
    this.#addresses += address.length
    this.#page.put(address === '' || this.#addresses > maxAddresses ? text : `${text} (${address})`)
    if (frame.files && hasWord)
      this.#file(href, text.replace(/\[(?:picture|unreadable)\]|`/g, '').trim())
  }

  /** Nothing where the words say it. */
  #addressOf(href: string, said: string): string {
    if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return ''
    const url = new URL(href)
    if (url.search.includes('jwt=') || said === href || href === `http://${said}`) return ''
    if (/^(?:@|#\d|[\w./-]+#\d|[\w./-]+@[0-9a-f]{7})/.test(said)) return ''
    if (url.origin === this.#home) {
      const path =
        /^(?=.{1,100}$)\/[\w.-]+\/[\w.-]+\/(?:issues|pull|discussions|blob|tree|commit)\/[\w./-]+/.exec(
          url.pathname,
        )
      if (path) return path[0].slice(1)
    }
    if (said.includes(url.host) && this.#reading.addresses === 'host') return ''
    const isPlain = /^https?:\/\/[\w.~%/?#&=:@+,;-]{1,500}$/i.test(href) && !url.username
    if (this.#reading.addresses === 'whole' && isPlain) return href
    return url.host.length > maxHost ? '' : url.host
  }

  #file(url: string, words: string): void {
    if (!/^https?:\/\//i.test(url) || this.#files.length >= maxFiles) return
    // Signed addresses open private pictures.
    const address = /[?&]jwt=/.test(url) ? (url.split('?', 1)[0] ?? '') : url
    this.#files.push({ url: address, words: words.slice(0, 1_000) })
  }

  #picture(element: dom.Element, { files }: Frame) {
    if (dom.unlisted(element).length > 0) this.#unreadable(element)
    else this.#page.placeholder('[picture]')
    const most = (name: string): number =>
      dom.largest([element, ...dom.elementsIn(element)].map(each => dom.numberOf(each, name)))
    const columns = Math.floor(most('width') / pixels.columnOfPicture)
    this.#page.row(1 + Math.floor(most('height') / pixels.rowOfPicture))
    this.#page.column(columns)
    this.#solid(columns)
    const image = files ? dom.imageIn(element) : undefined
    if (image) this.#file(dom.attribute(image, 'src'), '')
  }

  #code(element: dom.Element, frame: Frame) {
    if (frame.inCode) return this.#inside(element, frame)
    const within = { own: false, files: false, inCode: true }
    const words = this.#page.gather(() => this.#inside(element, frame, within)).text.trim()
    if (words !== '') this.#page.put(inlineCode(words))
  }

  #pre(element: dom.Element, frame: Frame) {
    const named = dom.languageOf(element)
    if (named === 'math' || drawn.test(named)) {
      return this.#apart('loose', () =>
        this.#replace(element, named === 'math' ? '[formula]' : '[diagram]'),
      )
    }
    const language = frame.language || (languages.has(named) ? named : '')
    const within = { own: false, files: false, inCode: true, lines: true }
    const { text } = this.#page.gather(() => this.#inside(element, frame, within))
    if (
      frame.own &&
      language === '' &&
      dom.isOnlyCode(element) &&
      this.#indented.length < maxElsewhere
    )
      this.#indented.push(text.split('\n', 1)[0]?.slice(0, 100) ?? '')
    const lines = text
      .replace(/\n$/, '')
      .split('\n')
      .map(line => this.#shortened(line))
    for (const line of lines) this.#solid(columnsOf(line))
    if (frame.inCode || this.#page.isGathering) this.#page.put(lines.join('\n'))
    else this.#fence(lines, language)
  }

  /** What stands beside the page is cut, and said. */
  #shortened(line: string, columns = maxColumns): string {
    const seen = inColumns(line, columns)
    const rest = line.slice(seen.length)
    const words = withoutLongBlanks(seen).trimEnd()
    if (rest.trim() === '') return words
    this.#replaced += ` ${rest}`
    return `${words} [… cut: the line is longer]`
  }

  #fence(lines: readonly string[], language: string): void {
    const fence = fenceFor(lines.join('\n'), 3)
    this.#page.whole(`${fence}${language}`, ...lines, fence)
  }

  /** Something in a cell that has so many columns, and breaks nowhere. */
  #solid(columns: number): void {
    this.#widest = Math.max(this.#widest, columns)
  }

  #suggestion(element: dom.Element): void {
    const lines = dom.elementsIn(element).flatMap(cell => {
      const isGone = dom.hasClass(cell, 'blob-code-deletion')
      if (cell.tagName !== 'td' || !(isGone || dom.hasClass(cell, 'blob-code-addition'))) return []
      return [this.#shortened(`${isGone ? '-' : '+'} ${stripInvisible(dom.textIn(cell))}`)]
    })
    this.#fence(lines, 'diff')
  }

  #prefixed(first: string, rest: string, read: () => void, gap: 'tight' | 'loose' = 'loose'): void {
    this.#apart(gap, () => this.#page.indented(first, rest, read))
  }

  #list(element: dom.Element, frame: Frame): void {
    const gap = element.parentNode?.nodeName === 'li' ? 'tight' : 'loose'
    const start = Number.parseInt(dom.attribute(element, 'start') || '1', 10)
    const number = element.tagName === 'ol' ? { next: start } : undefined
    this.#apart(gap, () => this.#inside(element, frame, { number }))
  }

  #cell(element: dom.Element, read: () => void) {
    const { rows, taken } = this.#table
    const cells = rows.at(-1)?.cells ?? []
    const outer = this.#widest
    this.#widest = Math.floor(dom.numberOf(element, 'width') / pixels.column)
    const { text } = this.#page.gather(read)
    this.#page.column(0)
    let from = cells.at(-1)?.to ?? 0
    while (taken[from]) from += 1
    const to = from + (dom.numberOf(element, 'colspan') || 1)
    for (let at = from; at < Math.min(to, maxCells); at++)
      taken[at] = dom.numberOf(element, 'rowspan') || 1
    cells.push({ text: text.replace(/\s+/g, ' ').trim(), from, to })
    this.#widen(from, Math.max(this.#widest, widestOf(text)))
    this.#widest = outer
  }

  /** One that spans several columns may take all its width in the first. */
  #widen(column: number, columns: number): void {
    const { widths } = this.#table
    if (column < maxCells) widths[column] = Math.max(widths[column] ?? 0, padding + columns)
  }

  #row(element: dom.Element, frame: Frame) {
    const { rows, taken } = this.#table
    rows.push({
      cells: [],
      isHead: dom.elementsOf(element).some(({ tagName }) => tagName === 'th'),
    })
    this.#inside(element, frame)
    this.#table.taken = Array.from(taken, (left = 0) => Math.max(0, left - 1))
  }

  /** Columns that end beside the page are as wide as what pushes them, and so are the lines in them. */
  #wholeTable(element: dom.Element, frame: Frame): void {
    const outer = this.#table
    this.#table = newTable()
    this.#paragraph(element, frame, 'none')
    const { rows, widths } = this.#table
    this.#table = outer
    const edge = (column: number): number =>
      widths.slice(0, column).reduce((sum, width = 0) => sum + width, 0)
    this.#solid(edge(maxCells))
    for (const { cells, isHead } of rows) {
      const seen = cells.filter(({ from }) => from < maxCells && edge(from) < maxColumns)
      const shown = seen.map(({ text, from, to }) =>
        edge(to) > maxColumns ? this.#shortened(text, maxColumns - edge(from)) : text,
      )
      if (seen.length < cells.length) shown.push('[… more cells]')
      for (const { text } of cells.slice(seen.length)) this.#replaced += ` ${text}`
      if (this.#page.isGathering) this.#page.put(` ${shown.join(' ')} `)
      else {
        this.#page.newLine()
        this.#page.write(`| ${shown.join(' | ')} |`)
        if (isHead) this.#page.write(`|${' --- |'.repeat(shown.length)}`)
      }
    }
  }
}

/** The page shows blanks as one, but for those that do not break. */
const collapsed = (words: string): string => words.replace(/[ \t\n\r\f]+/g, ' ')
