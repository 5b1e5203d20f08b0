/**
 * What a person can read of a Markdown text on GitHub's page, as plain text. The Markdown is walked from its first block to
 * its last. What a page does not show (comments, titles, alternative texts) is left out and counted. At the first thing
 * that may look otherwise on GitHub's page than here (HTML outside a short list, footnotes, deep nesting, a gap that
 * pushes the rest out of sight), reading ends, and the text says so. Pure; for a worker thread, as people choose the size.
 */
import { timeFor } from './event-loop.ts'
import * as html from './html-tags.ts'
import { stripInvisible } from './invisible.ts'
import * as md from './markdown.ts'
import { fenceFor, inlineCode, wordSet } from './phrases.ts'
import { withoutEntities } from './safe-markdown.ts'
import type { Reading, SeenPage } from './seen-page.ts'
import {
  Cut,
  inColumns,
  maxColumns,
  ShownLines,
  widestOf,
  withoutLongBlanks,
} from './shown-lines.ts'

/** ms for the parser, and twice that if need be: what people write takes a tenth of it. */
const parserTime = 500
/** Characters of the beginning that is read of what is too long or complex for it. */
const maxBeginning = 3_000
/** Quotes, lists and boxes in one another. */
const maxBlocks = 12
/** Elements in one another that make letters smaller. */
const maxSmall = 2
/** Lines and files that are kept of one text. */
const maxKept = 500
/** Characters of a host behind words, and of all addresses there on a page: a reader looks at no more. */
const maxHost = 100
const maxAddresses = 2_000
/** Pixels of a row of a picture: a page fits large ones in. */
const rowOfPicture = 200

/** It takes a few ms, whatever it holds. */
export const isShort = (text: string): boolean => timeFor(text) === Number.POSITIVE_INFINITY

/** @returns `undefined` for a text that is too long or complex from its first paragraph on */
export function shownText(text: string, reading: Reading): SeenPage | undefined {
  // The parser skips a mark of byte order, and counts no place for it.
  const source = text.replace(/\r\n?/g, '\n').replace(/^\ufeff/, ' ')
  const tree = md.readPlaces(source, parserTime)
  if (tree) return new Walk(source, reading, 'whole').read(tree)
  // What follows a blank line changes no block before it.
  const beginning = source.slice(0, Math.max(0, source.lastIndexOf('\n\n', maxBeginning)))
  const its = beginning === '' ? undefined : md.readPlaces(beginning, parserTime)
  return its && new Walk(beginning, reading, 'beginning').read(its)
}

interface Surroundings {
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

/** GitHub colours these. The name of any other language could say anything. */
const languages = wordSet(
  'bash c cpp cs csharp css csv diff docker dockerfile go graphql haskell html http ini java javascript js json jsx kotlin kt lua make makefile markdown md nginx perl php plaintext powershell proto python py r rb ruby rs rust scala scss sh shell sql suggestion swift text toml ts tsx txt typescript vue xml yaml yml zig',
)
const drawings = wordSet('mermaid geojson topojson stl')

/** A formula as GitHub may draw it: no blank inside its dollars, no letter behind them. */
const formula = /\$\$[^$]+\$\$|\$(?![\s$])[^$\n]*[^\s$]\$(?![\w$])/g
/** It may push what follows it far away. */
const isHigh = (words: string): boolean => /\d{3}/.test(words) || words.split('\\\\').length > 10
/** Stands for a formula in a line. */
const drawnHere = '\ufdd0'

/** These have no honest use in a command; joiners and variation selectors make emoji. */
const deceiving = /[\u{e0000}-\u{e0fff}\u202a-\u202e\u2066-\u2069]+/gu
/** The page shows `__init__.py` in bold letters, which is another name. */
const dunder = /(?<![\w`])__[A-Za-z]\w{0,40}__(?=[.(])|(?<=\.)__[A-Za-z]\w{0,40}__(?![\w`])/g
/** GitHub's engine counts no more backticks and tildes in a row, so fences end elsewhere. */
const longFence = /([`~])\1{79}/
/** Begins a tag for some engine, though ours took it for words. */
const halfTag = /(?<!\\)(?:\\\\)*<(?:!|\/?[a-z][a-z0-9-]*(?:[\s/>]|$))/i

const unknown = (): Cut => new Cut('the rest begins with HTML that is not read')

class Walk {
  readonly #source: string
  readonly #part: 'whole' | 'beginning'
  readonly #reading: Reading
  readonly #home: string
  readonly #page = new ShownLines()
  readonly #elsewhere: string[] = []
  readonly #indented: string[] = []
  readonly #files: SeenPage['files'] = []
  readonly #hidden: number[] = []
  /** The rows of each HTML table that stands open, and of links their addresses. */
  readonly #tables: Row[][] = []
  readonly #links: string[] = []
  /** Addresses of definitions, by their labels. */
  readonly #addresses = new Map<string, string>()
  #unshown = 0
  #linked = 0

  constructor(source: string, reading: Reading, part: 'whole' | 'beginning') {
    this.#source = source
    this.#part = part
    this.#reading = reading
    this.#home = new URL(reading.webUrl).origin
  }

  read(tree: md.Root): SeenPage {
    for (const node of md.nodesIn(tree))
      if (node.type === 'definition' && !this.#addresses.has(node.identifier))
        this.#addresses.set(node.identifier, node.url)
    const why = this.#whyCut(() =>
      this.#blocks(tree.children, {
        isOwn: true,
        isSaid: true,
        isQuoted: false,
        blocks: 0,
        open: [],
      }),
    )
    const isPart = this.#part === 'beginning'
    const page = this.#page.end(why ?? (isPart ? 'the text is longer' : undefined))
    for (const { index } of this.#source.matchAll(deceiving)) this.#hide(index, 'sign')
    for (const { 0: name, index } of this.#source.matchAll(dunder))
      if (!page.text.includes(name)) this.#hide(index, name)
    return {
      ...page,
      elsewhere: this.#elsewhere,
      indented: this.#indented,
      files: this.#files,
      unshown: this.#unshown,
      hidden: this.#hidden,
    }
  }

  #whyCut(read: () => void): string | undefined {
    try {
      read()
      return undefined
    } catch (error) {
      if (error instanceof Cut) return error.message
      throw error
    }
  }

  #blocks(nodes: readonly md.RootContent[], place: Surroundings, first = nodes[0]): void {
    if (place.blocks > maxBlocks) throw new Cut('the rest is nested deeper than is read')
    const open = [...place.open]
    for (const node of nodes) {
      const isQuoted = place.isQuoted || open.includes('blockquote')
      const isSaid = place.isSaid && !isQuoted && !open.includes('details')
      const isOwn = place.isOwn && open.length === 0
      if (node.type === 'html' && this.#isLazy(node, first, place)) throw unknown()
      if (node.type === 'html' && this.#isPre(node, { ...place, open })) continue
      if (node.type === 'html') this.#html(node, place, open, place.open.length)
      else this.#block(node, { ...place, isOwn, isSaid, isQuoted, open })
    }
    if (open.length > place.open.length) throw unknown()
  }

  #block(node: md.RootContent, place: Surroundings) {
    if (node.type === 'definition') {
      const { title, label } = node
      return this.#hide(offsetOf(node), `${title ?? ''} ${isName(label) ? '' : label}`)
    }
    if (!html.mayHoldBlocks(place.open)) throw unknown()
    this.#page.row()
    switch (node.type) {
      case 'paragraph':
        return this.#apart(() => this.#leaf(node, place, 'p'))
      case 'heading':
        return this.#apart(() => {
          this.#page.put(`${'#'.repeat(node.depth)} `)
          this.#leaf(node, { ...place, isOwn: false }, 'h1')
        })
      case 'blockquote':
        return this.#apart(() => {
          this.#page.indent('> ', '> ')
          this.#blocks(node.children, {
            ...place,
            isOwn: false,
            isSaid: false,
            isQuoted: true,
            blocks: place.blocks + 1,
          })
          this.#page.outdent()
        })
      case 'list':
        return this.#list(node, place)
      case 'code':
        return this.#code(node, place)
      case 'table':
        return this.#table(node, { ...place, isOwn: false })
      case 'thematicBreak':
        return this.#page.whole('---')
      default:
        throw new Cut('the rest has a footnote, which is not read')
    }
  }

  /** Begins and ends with a blank line. */
  #apart(read: () => void): void {
    this.#page.block()
    read()
    this.#page.block()
  }

  #list({ ordered, start, children }: md.List, place: Surroundings): void {
    const isInner = place.blocks > 0
    if (isInner) this.#page.newLine()
    else this.#page.block()
    for (const [at, item] of children.entries()) {
      const sign = ordered ? `${(start ?? 1) + at}. ` : '- '
      this.#page.newLine()
      this.#page.row()
      this.#page.indent(sign, ' '.repeat(sign.length))
      if (typeof item.checked === 'boolean') this.#page.put(item.checked ? '[x] ' : '[ ] ')
      const within = {
        ...place,
        isOwn: false,
        blocks: place.blocks + 1,
        open: [...place.open, 'li'],
      }
      const [first, ...others] = item.children
      const isParagraph = first?.type === 'paragraph'
      if (isParagraph) this.#leaf(first, within, 'p')
      this.#blocks(isParagraph ? others : item.children, within, first)
      this.#page.outdent()
    }
    if (!isInner) this.#page.block()
  }

  #code(node: md.Code, place: Surroundings) {
    const written = this.#sourceOf(node)
    if (longFence.test(written)) throw new Cut('the rest has a longer fence than is read')
    const language = (node.lang ?? '').toLowerCase()
    if (drawings.has(language)) return this.#page.whole('[diagram]')
    if (language === 'math') {
      if (isHigh(node.value)) throw new Cut('the rest stands behind a high formula')
      return this.#page.whole('[formula]')
    }
    this.#hide(offsetOf(node), `${isName(language) ? '' : language} ${node.meta ?? ''}`)
    const isIndented = !/^[ \t]*(?:`{3}|~{3})/.test(written)
    if (isIndented && place.isSaid && this.#indented.length < maxKept)
      this.#indented.push(node.value.split('\n', 1)[0]?.slice(0, 100) ?? '')
    this.#fence(node.value.split('\n'), languages.has(language) ? language : '')
  }

  /** Code that was written as HTML, without a tag in it. */
  #isPre({ value }: md.Html, { open }: Surroundings): boolean {
    const code = /^\s*<pre>(?:<code>)?([^<]*)(?:<\/code>)?<\/pre>\s*$/i.exec(value)?.[1]
    if (code === undefined || !html.mayHoldBlocks(open)) return false
    const words = withoutEntities(code)
    if (/&#?\w+;/.test(words)) throw unknown()
    this.#page.row()
    this.#fence(words.replace(/^\n/, '').trimEnd().split('\n'), '')
    return true
  }

  #fence(written: readonly string[], language: string): void {
    const lines = written.map(line => {
      this.#page.row()
      return this.#shortened(stripInvisible(line))
    })
    const fence = fenceFor(lines.join('\n'), 3)
    this.#page.whole(`${fence}${language}`, ...lines, fence)
  }

  /** What stands beside the page is cut, and said. */
  #shortened(line: string, columns = maxColumns): string {
    const seen = inColumns(line, columns)
    this.#page.gather()
    this.#page.say(seen)
    this.#page.gathered()
    const isWhole = line.slice(seen.length).trim() === ''
    const words = withoutLongBlanks(seen).trimEnd()
    return isWhole ? words : `${words} [… cut: the line is longer]`
  }

  #table(node: md.Table, place: Surroundings): void {
    const [head] = node.children
    const columns = head?.children.length ?? 0
    const rows = node.children.map((row, at): Row => {
      this.#page.row()
      // GitHub leaves out what stands beyond the head.
      for (const cell of row.children.slice(columns))
        this.#hide(offsetOf(cell), this.#sourceOf(cell))
      const cells = row.children.slice(0, columns).map(cell => {
        this.#page.gather()
        this.#leaf(cell, place, 'td')
        return oneLine(this.#page.gathered().text)
      })
      return { cells, isHead: at === 0 }
    })
    this.#rows(rows)
  }

  /** Columns that end beside the page are as wide as what pushes them, and so are the lines in them. */
  #rows(rows: readonly Row[]): void {
    const widths: number[] = []
    for (const { cells } of rows)
      for (const [at, cell] of cells.entries())
        widths[at] = Math.max(widths[at] ?? 0, widestOf(cell) + padding)
    const edges = widths.map((_, at) => widths.slice(0, at + 1).reduce((sum, width) => sum + width))
    this.#page.block()
    for (const { cells, isHead } of rows) {
      const seen = cells.filter((_, at) => (edges[at - 1] ?? 0) < maxColumns)
      const shown = seen.map((cell, at) =>
        (edges[at] ?? 0) > maxColumns
          ? this.#shortened(cell, maxColumns - (edges[at - 1] ?? 0))
          : cell,
      )
      if (seen.length < cells.length) shown.push('[… more cells]')
      if (this.#page.isGathering) this.#page.put(` ${shown.join(' ')} `)
      else {
        this.#page.write(`| ${shown.join(' | ')} |`)
        if (isHead) this.#page.write(`|${' --- |'.repeat(shown.length)}`)
      }
    }
    this.#page.block()
  }

  /** A block without blocks in it. */
  #leaf(node: md.Paragraph | md.Heading | md.TableCell, place: Surroundings, name: string): void {
    const written = this.#sourceOf(node)
    if (longFence.test(written)) throw new Cut('the rest has a longer fence than is read')
    const inText = written.replace(/(`+)[^`]+\1/g, '\ufffc').match(formula)?.length ?? 0
    const within = [...md.nodesIn(node)]
    if (within.reduce((sum, each) => sum + formulasIn(each), 0) !== inText)
      throw new Cut('the rest has a formula with Markdown in it')
    if (within.some(each => each.type === 'html' && this.#isLazy(each, node, place)))
      throw unknown()
    this.#phrases(node.children, { ...place, open: [...place.open, name] })
  }

  /** It begins a line without the signs of the quote or list around it: for GitHub's engine those end there. */
  #isLazy(tag: md.Html, before: md.Nodes | undefined, { blocks }: Surroundings): boolean {
    if (blocks === 0 || !before) return false
    const marginOf = (node: md.Nodes): string => {
      const at = offsetOf(node)
      return this.#source.slice(this.#source.lastIndexOf('\n', at - 1) + 1, at)
    }
    const [margin, first] = [marginOf(tag), marginOf(before)]
    const quotes = (text: string): number => text.split('>').length
    return (
      /^[\s>]*$/.test(margin) && (margin.length < first.length || quotes(margin) < quotes(first))
    )
  }

  #phrases(nodes: readonly md.PhrasingContent[], place: Surroundings): void {
    const open = [...place.open]
    for (const node of nodes) {
      const isPlain = open.length === place.open.length
      if (node.type === 'html') this.#html(node, place, open, place.open.length)
      else this.#phrase(node, { ...place, open, isOwn: place.isOwn && isPlain })
    }
    if (open.length > place.open.length) throw unknown()
  }

  #phrase(node: Exclude<md.PhrasingContent, md.Html>, place: Surroundings) {
    const styled = { ...place, isOwn: false }
    switch (node.type) {
      case 'text':
        return this.#text(node, place)
      case 'break':
        return this.#page.feed()
      case 'emphasis':
      case 'strong':
        return this.#phrases(node.children, styled)
      case 'delete':
        this.#page.put('~~')
        this.#phrases(node.children, styled)
        return this.#page.put('~~')
      case 'inlineCode': {
        const words = stripInvisible(node.value)
        this.#page.gather()
        this.#page.say(words)
        return this.#page.put(inlineCode(this.#page.gathered().text.trim() || ' '))
      }
      case 'link':
        this.#hide(offsetOf(node), node.title ?? '')
        return this.#link(node.url, node.children, place)
      case 'linkReference':
        if (!isName(node.label)) this.#hide(offsetOf(node), node.label ?? '')
        return this.#link(this.#addresses.get(node.identifier) ?? '', node.children, place)
      case 'image':
        this.#hide(offsetOf(node), `${isPasted(node.url) ? '' : node.alt} ${node.title ?? ''}`)
        return this.#picture(node.url, place)
      case 'imageReference':
        this.#hide(offsetOf(node), `${node.alt ?? ''} ${node.label ?? ''}`)
        return this.#picture(this.#addresses.get(node.identifier) ?? '', place)
      default:
        throw new Cut('the rest has a footnote, which is not read')
    }
  }

  #text(node: md.Text, place: Surroundings): void {
    const written = this.#sourceOf(node)
    if (halfTag.test(written)) throw unknown()
    // It may be a picture, or a footnote, by what is defined in the rest.
    if (this.#part === 'beginning' && written.includes('[')) throw new Cut('the text is longer')
    const drawn = node.value.replaceAll(drawnHere, '').replace(formula, found => {
      if (isHigh(found)) throw new Cut('the rest stands behind a high formula')
      return drawnHere + '\n'.repeat(found.split('\n').length - 1)
    })
    const lines = drawn.split('\n')
    // An entity may be a line feed, which ends no line of the page.
    if (lines.length !== written.split('\n').length)
      throw new Cut('the rest has a line feed as an entity')
    let from = this.#source.lastIndexOf('\n', offsetOf(node) - 1) + 1
    for (const [at, line] of lines.entries()) {
      if (at > 0) {
        this.#page.feed()
        from = this.#source.indexOf('\n', from) + 1
      }
      this.#line(line, place, from)
    }
  }

  #line(line: string, place: Surroundings, from: number): void {
    for (const [at, part] of line.split(drawnHere).entries()) {
      if (at > 0) this.#page.placeholder('[formula]')
      const words = stripInvisible(part).replace(/[ \t\f]+/g, ' ')
      this.#keepStart(words, place)
      this.#page.say(words, place.isOwn ? from : undefined)
    }
  }

  /** Where a command would stand if it were read there. */
  #keepStart(words: string, { isSaid, isOwn }: Surroundings): void {
    if (!isSaid || isOwn || words.trim() === '' || this.#elsewhere.length >= maxKept) return
    if (/^(?:#{1,6} )?(?:\[[ x]\] ?)?$/.test(this.#page.start?.trimStart() ?? 'long'))
      this.#elsewhere.push(words.trim().slice(0, 100))
  }

  #link(url: string, nodes: readonly md.PhrasingContent[], place: Surroundings): void {
    this.#page.gather()
    this.#phrases(nodes, { ...place, isOwn: false, isSaid: false })
    this.#endLink(url, place)
  }

  #endLink(url: string, { isQuoted }: Pick<Surroundings, 'isQuoted'>): void {
    const { text, hasWord } = this.#page.gathered()
    const address = hasWord ? this.#addressOf(url, text.trim()) : ''
    this.#linked += address.length
    this.#page.put(address === '' || this.#linked > maxAddresses ? text : `${text} (${address})`)
    if (hasWord && !isQuoted) this.#file(url, text.replace(/\[picture\]|`/g, '').trim())
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
    if (!/^https?:\/\//i.test(url) || this.#files.length >= maxKept) return
    // Signed addresses open private pictures.
    const address = /[?&]jwt=/.test(url) ? (url.split('?', 1)[0] ?? '') : url
    this.#files.push({ url: address, words: words.slice(0, 1_000) })
  }

  #picture(
    url: string,
    { isQuoted }: Surroundings,
    [width = 100, height = 100]: readonly number[] = [],
  ): void {
    this.#page.row(1 + Math.floor(height / rowOfPicture))
    this.#page.placeholder('[picture]')
    const isSeen = Math.min(width, height) >= 10 && !/#gh-(?:dark|light)-mode-only$/i.test(url)
    if (isSeen && !isQuoted) this.#file(url, '')
  }

  /** The tags of a writer among Markdown's own nodes. @param open changes with them; its first `outer` stay open */
  #html(node: md.Html, place: Surroundings, open: string[], outer: number): void {
    for (const piece of html.piecesOf(node.value)) {
      const isFolded = open.includes('details')
      const isQuoted = place.isQuoted || open.includes('blockquote')
      const here = {
        ...place,
        open,
        isOwn: false,
        isSaid: place.isSaid && !isFolded && !isQuoted,
        isQuoted,
      }
      switch (piece.kind) {
        case 'comment':
        case 'dropped':
          this.#hide(offsetOf(node), piece.text)
          break
        case 'text':
          this.#htmlText(piece.text, here)
          break
        case 'open':
          if (!html.mayOpen(piece.name, open)) throw unknown()
          this.#open(piece, here, offsetOf(node))
          if (!html.isAlone(piece.name)) open.push(piece.name)
          break
        case 'close':
          if (open.length <= outer || open.pop() !== piece.name) throw unknown()
          this.#close(piece.name, here)
          break
        case 'unknown':
          throw unknown()
      }
    }
  }

  #htmlText(text: string, place: Surroundings): void {
    if (text.trim() === '') {
      if (!this.#page.isAtStart) this.#page.put(' ')
      return
    }
    const words = withoutEntities(text.replaceAll('&nbsp;', '\u00a0'))
    if (!html.mayHoldWords(place.open) || /&#?\w+;/.test(words)) throw unknown()
    this.#line(words.replaceAll('\n', ' '), place, 0)
  }

  #open({ name, attributes }: Opened, place: Surroundings, at: number) {
    const page = this.#page
    const { open } = place
    const src = withoutEntities(attributes.get('src') ?? '')
    this.#hide(at, html.hiddenIn(attributes, isPasted(src)))
    if (open.length > 2 * maxBlocks) throw new Cut('the rest is nested deeper than is read')
    if (html.smaller.has(name) && open.filter(each => html.smaller.has(each)).length >= maxSmall)
      throw new Cut('the rest is smaller than is read')
    if (html.isBlock(name)) page.row()
    const depth = html.headingOf(name)
    if (depth > 0) {
      page.block()
      return page.put(`${'#'.repeat(depth)} `)
    }
    switch (name) {
      case 'br':
        return page.feed()
      case 'hr':
        return page.whole('---')
      case 'img':
        return this.#picture(src, place, sizesOf(attributes))
      case 'a':
        this.#links.push(withoutEntities(attributes.get('href') ?? ''))
        return page.gather()
      case 'code':
      case 'tt':
      case 'td':
      case 'th':
        return page.gather()
      case 'del':
      case 's':
      case 'strike':
        return page.put('~~')
      case 'q':
        return page.put('“')
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
    switch (name) {
      case 'a':
        return this.#endLink(this.#links.pop() ?? '', place)
      case 'code':
      case 'tt':
        return page.put(inlineCode(page.gathered().text.trim() || ' '))
      case 'td':
      case 'th': {
        const row = this.#tables.at(-1)?.at(-1)
        row?.cells.push(oneLine(page.gathered().text))
        if (row && name === 'th') row.isHead = true
        return
      }
      case 'del':
      case 's':
      case 'strike':
        return page.put('~~')
      case 'q':
        return page.put('”')
      case 'details':
        return page.whole('[end of what is folded]')
      case 'blockquote':
        page.outdent()
        return page.block()
      case 'li':
        return page.outdent()
      case 'table':
        return this.#rows(this.#tables.pop() ?? [])
      default:
        if (html.isBlock(name)) page.block()
    }
  }

  #hide(at: number, words: string): void {
    const count = words.match(/[\p{L}\p{N}]+/gu)?.length ?? 0
    if (count > 0) this.#hidden.push(at)
    this.#unshown += count
  }

  #sourceOf({ position }: md.Nodes): string {
    return this.#source.slice(position?.start.offset, position?.end.offset)
  }
}

interface Row {
  cells: string[]
  isHead: boolean
}
/** Columns around the words of a cell. */
const padding = 3

type Opened = Extract<html.Piece, { kind: 'open' }>

const formulasIn = (node: md.Nodes): number =>
  node.type === 'text' ? (node.value.match(formula)?.length ?? 0) : 0

const offsetOf = ({ position }: md.Nodes): number => position?.start.offset ?? 0
const oneLine = (words: string): string => words.replace(/[ \t\n]+/g, ' ').trim()

/** A label of a link, or the name of a language: too short to say anything. */
const isName = (label: string | null | undefined): boolean => /^[\w.#+-]{0,20}$/.test(label ?? '')

/** Its alternative text is its file's name, and nobody wrote it. */
const isPasted = (url: string): boolean =>
  /^https:\/\/[^/]+\/user-attachments\/|^https:\/\/[\w-]+\.githubusercontent\.com\//.test(url)

const sizesOf = (attributes: Opened['attributes']): number[] =>
  ['width', 'height'].map(name => {
    const size = attributes.get(name) ?? '100'
    return size.endsWith('%') ? 10 * Number.parseInt(size, 10) : Number.parseInt(size, 10)
  })
