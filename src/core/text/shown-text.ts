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
import { drawnHere, isPasted, PageWriter, type Surroundings } from './page-writer.ts'
import { wordSet } from './phrases.ts'
import type { Reading, SeenPage } from './seen-page.ts'
import { HtmlWriter, maxNesting, unreadHtml, within } from './shown-html.ts'
import { Cut } from './shown-lines.ts'

/** ms for the parser, and twice that if need be: what people write takes a tenth of it. */
const parserTime = 1_000
/** Characters of the beginning that is read of what is too long or complex for it. */
const maxBeginning = 3_000

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

/** GitHub colours these. The name of any other language could say anything. */
const languages = wordSet(
  'bash c cpp cs csharp css csv diff docker dockerfile go graphql haskell html http ini java javascript js json jsx kotlin kt lua make makefile markdown md nginx perl php plaintext powershell proto python py r rb ruby rs rust scala scss sh shell sql suggestion swift text toml ts tsx txt typescript vue xml yaml yml zig',
)
const drawings = wordSet('mermaid geojson topojson stl')

/** A formula as GitHub may draw it: no blank inside its dollars, no letter behind them. */
const formula = /\$\$[^$]+\$\$|\$(?![\s$])[^$\n]*[^\s$]\$(?![\w$])/g
/** It may push what follows it far away. */
const isHigh = (words: string) => /\d{3}/.test(words) || words.split('\\\\').length > 10

/** These have no honest use in a command; joiners and variation selectors make emoji. */
const deceiving = /[\u{e0000}-\u{e0fff}\u202a-\u202e\u2066-\u2069]+/gu
/** The page shows `__init__.py` in bold letters, which is another name. */
const dunder = /(?<![\w`])__[A-Za-z]\w{0,40}__(?=[.(])|(?<=\.)__[A-Za-z]\w{0,40}__(?![\w`])/g
/** GitHub's engine counts no more backticks and tildes in a row, so fences end elsewhere. */
const longFence = /([`~])\1{79}/
/** Begins a tag for some engine, though ours took it for words. */
const halfTag = /(?<!\\)(?:\\\\)*<(?:!|\/?[a-z][a-z0-9-]*(?:[\s/>]|$))/i

class Walk {
  readonly #source: string
  readonly #part: 'whole' | 'beginning'
  readonly #page: PageWriter
  readonly #html: HtmlWriter
  /** Addresses of definitions, by their labels. */
  readonly #addresses = new Map<string, string>()

  constructor(source: string, reading: Reading, part: 'whole' | 'beginning') {
    this.#source = source
    this.#part = part
    this.#page = new PageWriter(reading)
    this.#html = new HtmlWriter(this.#page)
  }

  read(tree: md.Root) {
    for (const node of md.nodesIn(tree))
      if (node.type === 'definition' && !this.#addresses.has(node.identifier))
        this.#addresses.set(node.identifier, node.url)
    const why =
      this.#whyCut(tree) ?? (this.#part === 'beginning' ? 'the text is longer' : undefined)
    const lines = this.#page.end(why)
    for (const { index } of this.#source.matchAll(deceiving)) this.#page.hide(index, 'sign')
    for (const { 0: name, index } of this.#source.matchAll(dunder))
      if (!lines.text.includes(name)) this.#page.hide(index, name)
    return this.#page.written(lines)
  }

  #whyCut({ children }: md.Root) {
    const top = { isOwn: true, isSaid: true, isQuoted: false, blocks: 0, open: [] }
    try {
      this.#blocks(children, top)
      return undefined
    } catch (error) {
      if (error instanceof Cut) return error.message
      throw error
    }
  }

  #blocks(nodes: readonly md.RootContent[], place: Surroundings, first = nodes[0]) {
    if (place.blocks > maxNesting) throw new Cut('the rest is nested deeper than is read')
    const open = [...place.open]
    for (const node of nodes) {
      if (node.type !== 'html') this.#block(node, within(place, open))
      else if (this.#isLazy(node, first, place)) throw unreadHtml()
      else if (!this.#html.wrotePre(node.value, open))
        this.#html.tags(node.value, offsetOf(node), place, open)
    }
    if (open.length > place.open.length) throw unreadHtml()
  }

  #block(node: Exclude<md.RootContent, md.Html>, place: Surroundings) {
    const page = this.#page
    if (node.type === 'definition') {
      const { title, label } = node
      return page.hide(offsetOf(node), `${title ?? ''} ${isName(label) ? '' : label}`)
    }
    if (!html.mayHoldBlocks(place.open)) throw unreadHtml()
    page.row()
    const inner = { ...place, isOwn: false }
    switch (node.type) {
      case 'paragraph':
        return page.apart(() => this.#leaf(node, place, 'p'))
      case 'heading':
        return page.apart(() => {
          page.put(`${'#'.repeat(node.depth)} `)
          this.#leaf(node, inner, 'h1')
        })
      case 'blockquote':
        return page.apart(() => {
          page.indent('> ', '> ')
          const quoted = { ...inner, isSaid: false, isQuoted: true, blocks: place.blocks + 1 }
          this.#blocks(node.children, quoted)
          page.outdent()
        })
      case 'list':
        return this.#list(node, inner)
      case 'code':
        return this.#code(node, place)
      case 'table':
        return this.#table(node, inner)
      case 'thematicBreak':
        return page.whole('---')
      default:
        throw new Cut('the rest has a footnote, which is not read')
    }
  }

  #list({ ordered, start, children }: md.List, place: Surroundings) {
    const page = this.#page
    const isInner = place.blocks > 0
    if (isInner) page.newLine()
    else page.block()
    for (const [at, item] of children.entries()) {
      const sign = ordered ? `${(start ?? 1) + at}. ` : '- '
      page.newLine()
      page.row()
      page.indent(sign, ' '.repeat(sign.length))
      if (typeof item.checked === 'boolean') page.put(item.checked ? '[x] ' : '[ ] ')
      const inItem = { ...place, blocks: place.blocks + 1, open: [...place.open, 'li'] }
      const [first, ...others] = item.children
      const isParagraph = first?.type === 'paragraph'
      if (isParagraph) this.#leaf(first, inItem, 'p')
      this.#blocks(isParagraph ? others : item.children, inItem, first)
      page.outdent()
    }
    if (!isInner) page.block()
  }

  #code(node: md.Code, place: Surroundings) {
    const page = this.#page
    const written = this.#sourceOf(node)
    if (longFence.test(written)) throw new Cut('the rest has a longer fence than is read')
    const language = (node.lang ?? '').toLowerCase()
    if (drawings.has(language)) return page.whole('[diagram]')
    if (language === 'math') {
      if (isHigh(node.value)) throw new Cut('the rest stands behind a high formula')
      return page.whole('[formula]')
    }
    page.hide(offsetOf(node), `${isName(language) ? '' : language} ${node.meta ?? ''}`)
    const lines = node.value.split('\n')
    const isIndented = !/^[ \t]*(?:`{3}|~{3})/.test(written)
    if (isIndented && place.isSaid) page.indentedCode(lines[0])
    page.code(lines, languages.has(language) ? language : '')
  }

  #table(node: md.Table, place: Surroundings) {
    const page = this.#page
    const [head] = node.children
    const columns = head?.children.length ?? 0
    const rows = node.children.map((row, at) => {
      page.row()
      // GitHub leaves out what stands beyond the head.
      for (const cell of row.children.slice(columns))
        page.hide(offsetOf(cell), this.#sourceOf(cell))
      const cells = row.children.slice(0, columns).map(cell => {
        page.gather()
        this.#leaf(cell, place, 'td')
        return page.cell()
      })
      return { cells, isHead: at === 0 }
    })
    page.rows(rows)
  }

  /** A block without blocks in it. */
  #leaf(node: md.Paragraph | md.Heading | md.TableCell, place: Surroundings, name: string) {
    const written = this.#sourceOf(node)
    if (longFence.test(written)) throw new Cut('the rest has a longer fence than is read')
    const inText = written.replace(/(`+)[^`]+\1/g, '\ufffc').match(formula)?.length ?? 0
    const within = [...md.nodesIn(node)]
    if (within.reduce((sum, each) => sum + formulasIn(each), 0) !== inText)
      throw new Cut('the rest has a formula with Markdown in it')
    if (within.some(each => each.type === 'html' && this.#isLazy(each, node, place)))
      throw unreadHtml()
    this.#phrases(node.children, { ...place, open: [...place.open, name] })
  }

  /** It begins a line without the signs of the quote or list around it: for GitHub's engine those end there. */
  #isLazy(tag: md.Html, before: md.Nodes | undefined, { blocks }: Surroundings): boolean {
    if (blocks === 0 || !before) return false
    const marginOf = (node: md.Nodes) => {
      const at = offsetOf(node)
      return this.#source.slice(this.#source.lastIndexOf('\n', at - 1) + 1, at)
    }
    const [margin, first] = [marginOf(tag), marginOf(before)]
    const quotes = (text: string) => text.split('>').length
    return (
      /^[\s>]*$/.test(margin) && (margin.length < first.length || quotes(margin) < quotes(first))
    )
  }

  #phrases(nodes: readonly md.PhrasingContent[], place: Surroundings) {
    const open = [...place.open]
    for (const node of nodes) {
      if (node.type === 'html') this.#html.tags(node.value, offsetOf(node), place, open)
      else this.#phrase(node, within(place, open))
    }
    if (open.length > place.open.length) throw unreadHtml()
  }

  #phrase(node: Exclude<md.PhrasingContent, md.Html>, place: Surroundings) {
    const page = this.#page
    const styled = { ...place, isOwn: false }
    const at = offsetOf(node)
    switch (node.type) {
      case 'text':
        return this.#text(node, place)
      case 'break':
        return page.feed()
      case 'emphasis':
      case 'strong':
        return this.#phrases(node.children, styled)
      case 'delete':
        page.put('~~')
        this.#phrases(node.children, styled)
        return page.put('~~')
      case 'inlineCode':
        page.gather()
        page.say(stripInvisible(node.value))
        return page.inlineCode()
      case 'link':
        page.hide(at, node.title ?? '')
        return this.#link(node.url, node.children, styled)
      case 'linkReference':
        if (!isName(node.label)) page.hide(at, node.label ?? '')
        return this.#link(this.#addressOf(node), node.children, styled)
      case 'image':
        page.hide(at, `${isPasted(node.url) ? '' : node.alt} ${node.title ?? ''}`)
        return page.picture(node.url, place)
      case 'imageReference':
        page.hide(at, `${node.alt ?? ''} ${node.label ?? ''}`)
        return page.picture(this.#addressOf(node), place)
      default:
        throw new Cut('the rest has a footnote, which is not read')
    }
  }

  #link(url: string, nodes: readonly md.PhrasingContent[], place: Surroundings) {
    this.#page.gather()
    this.#phrases(nodes, { ...place, isSaid: false })
    this.#page.link(url, place)
  }

  #addressOf({ identifier }: md.Association) {
    return this.#addresses.get(identifier) ?? ''
  }

  #text(node: md.Text, place: Surroundings) {
    const written = this.#sourceOf(node)
    if (halfTag.test(written)) throw unreadHtml()
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
      this.#page.line(line, place, from)
    }
  }

  #sourceOf({ position }: md.Nodes) {
    return this.#source.slice(position?.start.offset, position?.end.offset)
  }
}

const formulasIn = (node: md.Nodes) =>
  node.type === 'text' ? (node.value.match(formula)?.length ?? 0) : 0

const offsetOf = ({ position }: md.Nodes) => position?.start.offset ?? 0

/** A label of a link, or the name of a language: too short to say anything. */
const isName = (label: string | null | undefined) => /^[\w.#+-]{0,20}$/.test(label ?? '')
