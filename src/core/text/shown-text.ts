/**
 * What GitHub's page shows, as plain text: a walk over the HTML that GitHub rendered, by an allowlist of elements and of
 * what their attributes may do. What GitHub adds around a text contributes nothing. What a writer made smaller, nested
 * deeper, turned or moved is `[unreadable]`. Pure, linear, for a worker thread.
 */

import {
  attribute,
  classesOf,
  type Element,
  elementsIn,
  elementsOf,
  has,
  hasClass,
  imageIn,
  isElement,
  isOnlyCode,
  isText,
  languageOf,
  type Node,
  pictures,
  textIn,
  treeOf,
  unlisted,
} from './html-tree.ts'
import { stripInvisible } from './invisible.ts'
import { fenceFor, inlineCode } from './phrases.ts'
import type { Reading, ShownText } from './seen-page.ts'
import { maxText, ShownLines } from './shown-lines.ts'

/** Characters of HTML; more is not read at all. 64 KB of Markdown become up to three million. */
const maxHtml = 4_000_000
const maxBlocks = 12
/** Elements in one another that make letters smaller. */
const maxSmall = 2
const maxCells = 30
const maxLine = 2_000
const maxElsewhere = 500
const maxFiles = 200

/** @returns `undefined` for more HTML than is read */
export function shownText(html: string, reading: Reading): ShownText | undefined {
  if (html.length > maxHtml) return undefined
  return new Walk(reading).read(treeOf(html))
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
  ...{ own: true, isTop: true, text: 'none', blocks: 0, small: 0, inHeading: false, inCode: false },
  ...{ lines: false, language: '', files: true, number: undefined },
}

/**
 * These elements are read. Classes that shrink letters are marked so. What is on neither list is GitHub's, and left
 * out.
 */
const inline = new Set(
  'strong b em i ins mark g-emoji time wbr abbr cite dfn var ruby del s strike q a'.split(' '),
)
const small = new Set('sub sup small kbd samp code tt rt'.split(' '))
const signs: Readonly<Record<string, readonly [before: string, after: string]>> = {
  ...{ del: ['~~', '~~'], s: ['~~', '~~'], strike: ['~~', '~~'], q: ['“', '”'], rt: ['(', ')'] },
}
const headings = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'])
const boxes = new Set(['div', 'span', 'section', 'figure', 'markdown-accessiblity-table'])
const blocks = new Set(
  'p blockquote ul ol li pre hr details summary caption figcaption dl dt dd table thead tbody tfoot tr td th'.split(
    ' ',
  ),
)

/** GitHub alone sets classes: it takes a writer's off. */
const knownClass =
  /^(?:highlight|snippet-clipboard-content|markdown-(?:body|heading|alert)|footnotes|email-fragment|pl-|issue-(?:keyword|shorthand)|(?:user|team)-mention|js-issue-link|labelsize)/
const drawn = /^(?:mermaid|geojson|topojson|stl)$/

/** GitHub colours these. The name of any other language could say anything. */
const languages = new Set(
  'bash c cpp cs csharp css csv diff docker dockerfile go graphql haskell html http ini java javascript js json jsx kotlin kt lua make makefile markdown md nginx perl php plaintext powershell proto python py r rb ruby rs rust scala scss sh shell sql suggestion swift text toml ts tsx txt typescript vue xml yaml yml zig'.split(
    ' ',
  ),
)

class Walk {
  readonly #reading: Reading
  readonly #home: string
  readonly #page = new ShownLines()
  readonly #elsewhere: string[] = []
  readonly #indented: string[] = []
  readonly #files: ShownText['files'] = []
  #replaced = ''
  #cells: string[] = []

  constructor(reading: Reading) {
    this.#reading = reading
    this.#home = new URL(reading.webUrl).origin
  }

  read({ nodes, cut }: { nodes: readonly Node[]; cut: boolean }): ShownText {
    this.#nodes(nodes, top)
    return {
      ...this.#page.end(cut),
      elsewhere: this.#elsewhere,
      indented: this.#indented,
      files: this.#files,
      replaced: this.#replaced.slice(0, maxText),
    }
  }

  #nodes(nodes: readonly Node[], frame: Frame): void {
    for (const node of nodes) {
      if (this.#page.isOver) return
      if (isText(node)) this.#text(node.value, frame)
      else if (isElement(node)) this.#element(node, frame)
    }
  }

  #inside(element: Element, frame: Frame, change: Partial<Frame> = {}): void {
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
        this.#words(frame.inCode ? line : this.#shortened(line), frame)
      }
    }
    if (value.length > maxText) this.#page.stop()
  }

  #words(words: string, { text: place }: Frame): void {
    if (place === 'elsewhere' || (place === 'command' && this.#page.isGathering)) this.#keepStart(words)
    this.#page.say(words, place === 'command')
  }

  /** Where a command would stand if it were read there. */
  #keepStart(words: string): void {
    if (words.trim() === '' || this.#elsewhere.length >= maxElsewhere) return
    const isFirst = /^(?:#{1,6} )?(?:\[[ x]\] ?)?$/.test(this.#page.start?.trimStart() ?? 'long')
    if (isFirst) this.#elsewhere.push(words.trim().slice(0, 100))
  }

  #element(element: Element, frame: Frame) {
    const { tagName: tag } = element
    if (hasClass(element, 'sr-only')) return
    this.#page.column()
    if (pictures.has(tag)) return this.#picture(element, frame)
    if (tag === 'math-renderer') return this.#replace(element, '[formula]')
    if (tag === 'bdo') return this.#unreadable(element)
    const isInline = inline.has(tag) || small.has(tag) || tag === 'br' || tag === 'input'
    if (!isInline && !headings.has(tag) && !boxes.has(tag) && !blocks.has(tag)) return
    if (unlisted(element).length > 0) return this.#unreadable(element)
    if (isInline) this.#inline(element, frame)
    else this.#block(element, { ...frame, blocks: frame.blocks + 1 })
  }

  /** It may be as high as an attribute says. */
  #unreadable(element: Element) {
    const numbers = unlisted(element).flatMap(({ value }) => (value.match(/\d{1,9}/g) ?? []).map(Number))
    this.#page.row(Math.ceil(Math.max(0, ...numbers) / 20) - 1)
    this.#page.placeholder('[unreadable]')
  }

  #inline(element: Element, frame: Frame) {
    const { tagName: tag } = element
    if (tag === 'br') return this.#page.feed()
    if (tag === 'input') {
      if (hasClass(element, 'task-list-item-checkbox'))
        this.#page.put(has(element, 'checked') ? '[x] ' : '[ ] ')
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

  #block(element: Element, frame: Frame) {
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
        return this.#prefixed('> ', '> ', () => this.#inside(element, frame, { own: false, files: false }))
      case 'ul':
      case 'ol':
        return this.#list(element, frame)
      case 'li': {
        const sign = frame.number ? `${frame.number.next++}. ` : '- '
        const readItem = (): void => this.#inside(element, frame, { text: place, number: undefined })
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
        return this.#prefixed('  ', '  ', () => this.#inside(element, frame, { text: place }), 'tight')
      case 'td':
      case 'th': {
        const { text } = this.#page.gather(() => this.#inside(element, frame, { text: place }))
        this.#cells.push(text.replace(/\s+/g, ' ').trim())
        return this.#page.column(0)
      }
      case 'tr':
        return this.#row(element, { ...frame, blocks: frame.blocks - 1 })
      case 'thead':
      case 'tbody':
      case 'tfoot':
        return this.#inside(element, { ...frame, blocks: frame.blocks - 1 })
      default:
        return this.#paragraph(element, frame, tag === 'dt' ? place : 'none')
    }
  }

  #paragraph(element: Element, frame: Frame, text: Standing): void {
    this.#page.block()
    this.#inside(element, frame, { text })
    this.#page.block()
  }

  #box(element: Element, frame: Frame) {
    const classes = classesOf(element)
    if (classes.includes('js-render-needs-enrichment')) return this.#replace(element, '[diagram]')
    if (classes.includes('blob-wrapper-embedded') || classes.includes('Box--condensed'))
      return this.#page.whole('[code from the repository]')
    if (classes.includes('js-suggested-changes-blob')) return this.#suggestion(element)
    if (classes.length > 0 && !classes.some(name => knownClass.test(name))) return
    // What has a class is GitHub's, and nests nothing.
    const within = classes.length > 0 || element.tagName === 'span' ? frame.blocks - 1 : frame.blocks
    if (within > maxBlocks) return this.#unreadable(element)
    if (element.tagName === 'span') return this.#inside(element, { ...frame, blocks: within })
    const isMail = classes.includes('email-fragment')
    const isForeign =
      isMail ||
      classes.includes('footnotes') ||
      has(element, 'data-footnotes') ||
      classes.includes('markdown-alert')
    const own = frame.own && !isForeign
    const text = own && classes.length === 0 ? 'elsewhere' : 'none'
    const language = classes.flatMap(name => /^highlight-(?:source|text)-(.{1,30})$/.exec(name)?.[1] ?? [])[0]
    this.#page.row()
    this.#page.block()
    this.#inside(element, frame, {
      ...{ own, blocks: within, language: language ?? '', lines: isMail },
      text: isMail && frame.isTop ? 'command' : text,
    })
    this.#page.block()
  }

  #replace(element: Element, words: string): void {
    if (this.#replaced.length < maxText) this.#replaced += ` ${textIn(element)}`
    this.#page.placeholder(words)
  }

  #link(element: Element, frame: Frame) {
    const isBack = hasClass(element, 'footnote-backref') || has(element, 'data-footnote-backref')
    if (isBack || hasClass(element, 'anchor')) return
    const href = attribute(element, 'href')
    const { text, hasWord } = this.#page.gather(() => this.#inside(element, frame, { own: false }))
    if (has(element, 'data-footnote-ref')) return this.#page.put(`[${text.trim()}]`)
    if (hasClass(element, 'user-mention')) return this.#page.mention(text, frame.text === 'command')
    const address = hasWord ? this.#addressOf(href, text.trim()) : ''
    this.#page.put(address === '' ? text : `${text} (${address})`)
    if (frame.files && hasWord) this.#file(href, text.replace(/\[(?:picture|unreadable)\]|`/g, '').trim())
  }

  /** Nothing where the words say it. */
  #addressOf(href: string, said: string): string {
    if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return ''
    const url = new URL(href)
    if (url.search.includes('jwt=') || said === href || href === `http://${said}`) return ''
    if (/^(?:@|#\d|[\w./-]+#\d|[\w./-]+@[0-9a-f]{7})/.test(said)) return ''
    if (url.origin === this.#home) {
      const path = /^\/[\w.-]+\/[\w.-]+\/(?:issues|pull|discussions|blob|tree|commit)\/[\w./-]+/.exec(
        url.pathname,
      )
      if (path) return path[0].slice(1)
    }
    if (said.includes(url.host) && this.#reading.addresses === 'host') return ''
    const isPlain = /^https?:\/\/[\w.~%/?#&=:@+,;-]{1,500}$/i.test(href) && !url.username
    return this.#reading.addresses === 'whole' && isPlain ? href : url.host
  }

  #file(url: string, words: string): void {
    if (!/^https?:\/\//i.test(url) || this.#files.length >= maxFiles) return
    // Signed addresses open private pictures.
    const address = /[?&]jwt=/.test(url) ? (url.split('?', 1)[0] ?? '') : url
    this.#files.push({ url: address, words: words.slice(0, 1_000) })
  }

  #picture(element: Element, { files }: Frame) {
    if (unlisted(element).length > 0) this.#unreadable(element)
    else this.#page.placeholder('[picture]')
    this.#page.row()
    const image = files ? imageIn(element) : undefined
    if (image) this.#file(attribute(image, 'src'), '')
  }

  #code(element: Element, frame: Frame) {
    if (frame.inCode) return this.#inside(element, frame)
    const within = { own: false, files: false, inCode: true }
    const words = this.#page.gather(() => this.#inside(element, frame, within)).text.trim()
    if (words !== '') this.#page.put(inlineCode(words))
  }

  #pre(element: Element, frame: Frame) {
    const named = languageOf(element)
    if (named === 'math' || drawn.test(named)) {
      this.#page.block()
      this.#replace(element, named === 'math' ? '[formula]' : '[diagram]')
      return this.#page.block()
    }
    const language = frame.language || (languages.has(named) ? named : '')
    const within = { own: false, files: false, inCode: true, lines: true }
    const { text } = this.#page.gather(() => this.#inside(element, frame, within))
    if (frame.own && language === '' && isOnlyCode(element) && this.#indented.length < maxElsewhere)
      this.#indented.push(text.split('\n', 1)[0]?.slice(0, 100) ?? '')
    if (frame.inCode) this.#page.put(text)
    else this.#fence(text, language)
  }

  /** What a line has beyond what is read is cut, and said. */
  #shortened(line: string): string {
    if (line.length <= maxLine) return line.trimEnd()
    this.#replaced += ` ${line.slice(maxLine)}`
    return `${line.slice(0, maxLine).toWellFormed()} [… cut: the line is longer]`
  }

  #fence(code: string, language: string): void {
    const lines = code
      .replace(/\n$/, '')
      .split('\n')
      .map(line => this.#shortened(line))
    const fence = fenceFor(code, 3)
    if (this.#page.isGathering) this.#page.put(lines.join('\n'))
    else this.#page.whole(`${fence}${language}`, ...lines, fence)
  }

  #suggestion(element: Element): void {
    const lines = elementsIn(element).flatMap(cell => {
      const isGone = hasClass(cell, 'blob-code-deletion')
      if (cell.tagName !== 'td' || !(isGone || hasClass(cell, 'blob-code-addition'))) return []
      return [`${isGone ? '-' : '+'} ${stripInvisible(textIn(cell)).trimEnd()}`]
    })
    this.#fence(lines.join('\n'), 'diff')
  }

  #prefixed(first: string, rest: string, read: () => void, gap: 'tight' | 'loose' = 'loose'): void {
    const end = (): void => (gap === 'tight' ? this.#page.newLine() : this.#page.block())
    end()
    this.#page.indented(first, rest, read)
    end()
  }

  #list(element: Element, frame: Frame): void {
    const isNested = element.parentNode?.nodeName === 'li'
    const gap = (): void => (isNested ? this.#page.newLine() : this.#page.block())
    const start = Number.parseInt(attribute(element, 'start') || '1', 10)
    gap()
    this.#inside(element, frame, { number: element.tagName === 'ol' ? { next: start } : undefined })
    gap()
  }

  #row(element: Element, frame: Frame) {
    const outer = this.#cells
    this.#cells = []
    this.#inside(element, frame)
    const cells = this.#cells.slice(0, maxCells)
    if (this.#cells.length > maxCells) {
      this.#replaced += ` ${this.#cells.slice(maxCells).join(' ')}`
      cells.push('[… more cells]')
    }
    this.#cells = outer
    if (this.#page.isGathering) return this.#page.put(` ${cells.join(' ')} `)
    this.#page.newLine()
    this.#page.write(`| ${cells.join(' | ')} |`)
    if (elementsOf(element).some(({ tagName }) => tagName === 'th'))
      this.#page.write(`|${' --- |'.repeat(cells.length)}`)
  }
}

/** The page shows blanks as one, but for those that do not break. */
const collapsed = (words: string): string => words.replace(/[ \t\n\r\f]+/g, ' ')
