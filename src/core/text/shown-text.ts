/**
 * What GitHub's page shows, as plain text: an iterative walk over the HTML that GitHub rendered, by an allowlist.
 * What is not on it contributes nothing. Read are only tags, these attributes (class, lang, checked, href, src, width,
 * height, type, start, dir, data-footnotes, data-footnote-backref) and text. Pure, linear, for a worker thread.
 */

import {
  attribute,
  classesOf,
  type Element,
  elementsIn,
  elementsOf,
  has,
  hasClass,
  isElement,
  isOfSize,
  isOnlyCode,
  isText,
  languageOf,
  listNumber,
  maxNodes,
  type Node,
  type Tree,
  textIn,
  treeOf,
} from './html-tree.ts'
import { stripInvisible } from './invisible.ts'
import { longestBackticks } from './phrases.ts'
import type { Reading, ShownText } from './seen-page.ts'
import { ShownLines } from './shown-lines.ts'

/** Characters of HTML; more is not read at all. 64 KB of Markdown become up to three million. */
const maxHtml = 4_000_000
const maxText = 200_000
const maxBlocks = 12
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
  /** Preformatted: line feeds end lines. */
  lines: boolean
  language: string
  /** Pictures and links are the writer's, not quoted ones or code. */
  files: boolean
}

const top: Frame = {
  own: true,
  isTop: true,
  text: 'none',
  blocks: 0,
  small: 0,
  lines: false,
  language: '',
  files: true,
}

/** What an element does to those in it, and what is done behind them. Without it they are left out. */
interface Entered {
  frame?: Partial<Frame>
  leave?: () => void
}

type Step = { kind: 'enter'; node: Node; frame: Frame } | { kind: 'leave'; leave: () => void }

const inline = new Set(
  'strong b em i ins mark g-emoji time wbr abbr cite dfn u kbd samp var ruby rb font bdi'.split(' '),
)
const struck = new Set(['del', 's', 'strike'])
const small = new Set(['sub', 'sup', 'small'])
const transparent = new Set(['div', 'span', 'section', 'figure', 'markdown-accessiblity-table', 'center'])
const headings = new Set(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'])
const rows = new Set(['table', 'thead', 'tbody', 'tfoot', 'tr'])
const pictures = new Set(['img', 'video', 'picture', 'themed-picture'])

/** Only GitHub sets classes: a writer's are taken off. */
const knownClass =
  /^(?:highlight|snippet-clipboard-content|markdown-(?:body|heading|alert)|footnotes|email-fragment|pl-|issue-(?:keyword|shorthand)|(?:user|team)-mention|js-issue-link|labelsize)/
const drawn = /^(?:mermaid|geojson|topojson|stl)$/

/** Of those that GitHub does not colour, whose name could say anything. */
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
  readonly #replaced: string[] = []
  #cut = false

  constructor(reading: Reading) {
    this.#reading = reading
    this.#home = new URL(reading.webUrl).origin
  }

  read(root: Tree): ShownText {
    const steps: Step[] = []
    const enterAll = (nodes: readonly Node[], frame: Frame): void => {
      for (let at = nodes.length - 1; at >= 0; at--) {
        const node = nodes[at]
        if (node) steps.push({ kind: 'enter', node, frame })
      }
    }
    enterAll(root.childNodes, top)
    let seen = 0
    for (let step = steps.pop(); step; step = steps.pop()) {
      if (step.kind === 'leave') {
        step.leave()
        continue
      }
      const { node, frame } = step
      if (++seen > maxNodes || this.#page.length > maxText) {
        this.#cut = true
        break
      }
      if (isText(node)) this.#text(node.value, frame)
      else if (isElement(node)) {
        const entered = this.#enter(node, frame)
        if (!entered) continue
        if (entered.leave) steps.push({ kind: 'leave', leave: entered.leave })
        enterAll(node.childNodes, { ...frame, isTop: false, text: 'none', ...entered.frame })
      }
    }
    for (const step of steps.toReversed()) if (this.#cut && step.kind === 'leave') step.leave()
    if (this.#cut) this.#page.whole('[… cut here: the text is longer]')
    return {
      ...this.#page.end(),
      elsewhere: this.#elsewhere,
      indented: this.#indented,
      files: this.#files,
      replaced: this.#replaced.join(' ').slice(0, maxText),
      cut: this.#cut,
    }
  }

  #text(value: string, { text: place, lines }: Frame): void {
    const words = stripInvisible(value)
    const { gathering } = this.#page
    if (gathering) {
      if (place !== 'none') this.#keepStart(gathering.text, words)
      gathering.text += gathering.lines ? words : collapsed(words)
      return
    }
    if (lines) {
      for (const [at, line] of words
        .replace(/^\n/, this.#page.line === '' ? '' : '\n')
        .split('\n')
        .entries()) {
        if (at > 0) this.#page.feed()
        this.#page.say(this.#spaced(line), place === 'command')
      }
      return
    }
    if (place === 'elsewhere') this.#keepStart(this.#page.line, words)
    this.#page.say(collapsed(words), place === 'command')
  }

  /** Where a command would stand if it were read there. */
  #keepStart(before: string, words: string): void {
    if (words.trim() === '') return
    const isFirst = /^(?:#{1,6} )?(?:\[[ x]\] ?)?$/.test(before.trimStart())
    if (isFirst && this.#elsewhere.length < maxElsewhere) this.#elsewhere.push(words.trim().slice(0, 100))
  }

  #enter(element: Element, frame: Frame): Entered | undefined {
    const { tagName: tag } = element
    if (attribute(element, 'dir').toLowerCase() === 'rtl' || tag === 'bdo') {
      this.#page.placeholder('[text in another direction]')
      return undefined
    }
    if (inline.has(tag)) return { frame: { text: frame.text === 'none' ? 'none' : 'elsewhere' } }
    if (struck.has(tag)) return this.#around('~~', '~~')
    if (small.has(tag)) {
      if (frame.small >= maxSmall) return undefined
      return { frame: { small: frame.small + 1 } }
    }
    if (tag === 'br') {
      this.#page.feed()
      return undefined
    }
    if (pictures.has(tag)) return this.#picture(element, frame)
    if (tag === 'a') return this.#link(element, frame)
    if (tag === 'code' || tag === 'tt') return this.#code(frame)
    if (tag === 'rt') return this.#around('(', ')')
    if (tag === 'q') return this.#around('“', '”')
    if (tag === 'input') {
      if (hasClass(element, 'task-list-item-checkbox'))
        this.#page.put(has(element, 'checked') ? '[x] ' : '[ ] ')
      return undefined
    }
    if (tag === 'math-renderer') {
      this.#replace(element, '[formula]')
      return undefined
    }
    return this.#enterBlock(element, frame)
  }

  #enterBlock(element: Element, frame: Frame): Entered | undefined {
    const { tagName: tag } = element
    const blocks = frame.blocks + 1
    if (blocks > maxBlocks && tag !== 'span') {
      this.#page.placeholder('[nested too deep]')
      return undefined
    }
    const place = frame.own ? 'elsewhere' : 'none'
    const below = { blocks }
    switch (tag) {
      case 'p':
        this.#page.block()
        return {
          frame: { ...below, text: frame.isTop ? 'command' : place },
          leave: () => this.#page.block(),
        }
      case 'blockquote':
        return this.#prefixed('> ', '> ', { ...below, own: false, files: false })
      case 'ul':
      case 'ol':
        return this.#list(element, below, frame)
      case 'li': {
        const number = element.parentNode && listNumber(element)
        const sign = number ? `${number}. ` : '- '
        const { leave } = this.#prefixed(sign, ' '.repeat(sign.length), {}, 'tight')
        return { frame: { ...below, own: frame.own, text: place }, leave }
      }
      case 'pre':
        return this.#pre(element, frame)
      case 'hr':
        this.#page.whole('---')
        return undefined
      case 'details':
        this.#page.whole('[folded]')
        return { frame: { ...below, own: false }, leave: () => this.#page.whole('[end of what is folded]') }
      case 'summary':
      case 'caption':
      case 'figcaption':
      case 'dl':
      case 'dt':
        this.#page.block()
        return { frame: { ...below, text: tag === 'dt' ? place : 'none' }, leave: () => this.#page.block() }
      case 'dd':
        return this.#prefixed('  ', '  ', { ...below, text: place }, 'tight')
      case 'td':
      case 'th':
        this.#page.gather('words')
        return { frame: { ...below, text: place }, leave: () => this.#cell() }
    }
    if (headings.has(tag)) {
      if (hasClass(element, 'sr-only')) return undefined
      this.#page.block()
      this.#page.say(`${'#'.repeat(Number(tag[1]))} `, false, 'sign')
      return { frame: { ...below, text: place }, leave: () => this.#page.block() }
    }
    if (rows.has(tag)) return this.#rows(element, frame)
    if (transparent.has(tag)) return this.#transparent(element, frame)
    return undefined
  }

  #transparent(element: Element, frame: Frame): Entered | undefined {
    const { tagName: tag } = element
    const classes = classesOf(element)
    if (classes.includes('js-render-needs-enrichment')) {
      this.#replace(element, '[diagram]')
      return undefined
    }
    if (classes.includes('blob-wrapper-embedded') || classes.includes('Box--condensed')) {
      this.#page.whole('[code from the repository]')
      return undefined
    }
    if (classes.includes('js-suggested-changes-blob')) {
      this.#suggestion(element)
      return undefined
    }
    if (classes.length > 0 && !classes.some(name => knownClass.test(name))) return undefined
    if (tag === 'span') return { frame: { own: frame.own, language: frame.language } }
    this.#page.block()
    const leave = (): void => this.#page.block()
    if (classes.includes('email-fragment'))
      return frame.isTop
        ? { frame: { own: false, text: 'command', lines: true }, leave }
        : { frame: { own: false, lines: true }, leave }
    const isForeign =
      classes.includes('footnotes') || has(element, 'data-footnotes') || classes.includes('markdown-alert')
    const language = classes.flatMap(name => /^highlight-(?:source|text)-(.{1,30})$/.exec(name)?.[1] ?? [])[0]
    const own = frame.own && !isForeign
    return {
      frame: {
        own,
        blocks: frame.blocks + (classes.length === 0 ? 1 : 0),
        text: own && classes.length === 0 ? 'elsewhere' : 'none',
        language: language ?? '',
      },
      leave,
    }
  }

  #around(before: string, after: string): Entered {
    this.#page.put(before)
    return { leave: () => this.#page.put(after) }
  }

  #replace(element: Element, words: string): void {
    this.#replaced.push(textIn(element))
    this.#page.placeholder(words)
  }

  #link(element: Element, { files }: Frame): Entered | undefined {
    const isBack = hasClass(element, 'footnote-backref') || has(element, 'data-footnote-backref')
    if (isBack || hasClass(element, 'anchor')) return undefined
    const href = attribute(element, 'href')
    this.#page.gather('words')
    return {
      frame: { own: false },
      leave: () => {
        const words = this.#page.gathered()
        if (has(element, 'data-footnote-ref')) return this.#page.put(`[${words.trim()}]`)
        const address = this.#addressOf(href, words)
        this.#page.put(address === '' ? words : `${words} (${address})`)
        if (files && /[\p{L}\p{N}]/u.test(words))
          this.#file(href, words.replaceAll('[picture]', '').replaceAll('`', '').trim())
      },
    }
  }

  /** Nothing where the words say it, or where there are none. */
  #addressOf(href: string, words: string): string {
    if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return ''
    const url = new URL(href)
    const said = words.trim()
    if (!/[\p{L}\p{N}]/u.test(said.replaceAll('[picture]', '')) || url.search.includes('jwt=')) return ''
    if (
      said === href ||
      href === `http://${said}` ||
      /^(?:@|#\d|[\w./-]+#\d|[\w./-]+@[0-9a-f]{7})/.test(said)
    )
      return ''
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

  #picture(element: Element, { files }: Frame): undefined {
    const image =
      element.tagName === 'img' ? element : elementsIn(element).find(({ tagName }) => tagName === 'img')
    this.#page.placeholder('[picture]')
    if (files && image && element.tagName !== 'video' && isOfSize(image))
      this.#file(attribute(image, 'src'), '')
    return undefined
  }

  #code({ language }: Frame): Entered {
    const { gathering } = this.#page
    if (gathering?.lines) return { frame: { language } }
    this.#page.gather('words')
    const ticks = (words: string): string => {
      const fence = '`'.repeat(longestBackticks(words) + 1)
      const pad = /^`|`$/.test(words) ? ' ' : ''
      return words === '' ? '' : fence + pad + words + pad + fence
    }
    return {
      frame: { own: false, files: false },
      leave: () => this.#page.put(ticks(this.#page.gathered().trim())),
    }
  }

  #pre(element: Element, frame: Frame): Entered | undefined {
    const named = languageOf(element)
    if (named === 'math' || drawn.test(named)) {
      this.#page.block()
      this.#replace(element, named === 'math' ? '[formula]' : '[diagram]')
      this.#page.block()
      return undefined
    }
    const language = frame.language || (languages.has(named) ? named : '')
    this.#page.gather('lines')
    return {
      frame: { own: false, files: false },
      leave: () => {
        const code = this.#page.gathered()
        if (frame.own && language === '' && isOnlyCode(element) && this.#indented.length < maxElsewhere)
          this.#indented.push(code.split('\n', 1)[0]?.slice(0, 100) ?? '')
        this.#fence(code, language)
      },
    }
  }

  /** What would push words out of sight is cut, and said. */
  #spaced(line: string): string {
    const near = line.replace(/\s{100,}(?=\S)/g, ' [… blanks] ').trimEnd()
    if (near.length <= maxLine) return near
    this.#replaced.push(near.slice(maxLine))
    return `${near.slice(0, maxLine).toWellFormed()} [… cut: the line is longer]`
  }

  #fence(code: string, language: string): void {
    const lines = code
      .replace(/\n$/, '')
      .replace(/\n(?:[ \t]*\n){20,}/g, '\n[… blank lines]\n')
      .split('\n')
      .map(line => this.#spaced(line))
    const fence = '`'.repeat(Math.max(3, longestBackticks(code) + 1))
    if (this.#page.gathering) this.#page.put(lines.join('\n'))
    else this.#page.whole(`${fence}${language}`, ...lines, fence)
  }

  #suggestion(element: Element): void {
    const lines = elementsIn(element).flatMap(cell => {
      if (cell.tagName !== 'td') return []
      const sign = hasClass(cell, 'blob-code-deletion')
        ? '-'
        : hasClass(cell, 'blob-code-addition')
          ? '+'
          : ''
      return sign === '' ? [] : [`${sign} ${stripInvisible(textIn(cell)).trimEnd()}`]
    })
    this.#fence(lines.join('\n'), 'diff')
  }

  #prefixed(first: string, rest: string, frame: Partial<Frame>, gap: 'tight' | 'loose' = 'loose'): Entered {
    const end = (): void => (gap === 'tight' ? this.#page.newLine() : this.#page.block())
    end()
    if (this.#page.gathering) return { frame, leave: end }
    const leave = this.#page.indent(first, rest)
    return {
      frame,
      leave: () => {
        leave()
        end()
      },
    }
  }

  #list(element: Element, below: Partial<Frame>, { own }: Frame): Entered {
    const isNested =
      element.parentNode && isElement(element.parentNode) && element.parentNode.tagName === 'li'
    const gap = (): void => (isNested ? this.#page.newLine() : this.#page.block())
    gap()
    return { frame: { ...below, own }, leave: gap }
  }

  #cells: string[] = []

  #rows(element: Element, { own, blocks }: Frame): Entered {
    const isInCell = this.#page.gathering !== undefined
    const frame = { own, blocks: element.tagName === 'table' ? blocks + 1 : blocks }
    if (element.tagName === 'table') {
      this.#page.block()
      return { frame, leave: () => this.#page.block() }
    }
    if (element.tagName !== 'tr') return { frame, leave: () => {} }
    const outer = this.#cells
    this.#cells = []
    return {
      frame,
      leave: () => {
        const cells = this.#cells.slice(0, maxCells)
        if (this.#cells.length > maxCells) {
          this.#replaced.push(...this.#cells.slice(maxCells))
          cells.push('[… more cells]')
        }
        const isHead = elementsOf(element).some(({ tagName }) => tagName === 'th')
        this.#cells = outer
        if (isInCell) return this.#page.put(` ${cells.join(' ')} `)
        this.#page.newLine()
        this.#page.write(`| ${cells.join(' | ')} |`)
        if (isHead) this.#page.write(`|${' --- |'.repeat(cells.length)}`)
      },
    }
  }

  #cell(): void {
    this.#cells.push(this.#page.gathered().replace(/\s+/g, ' ').trim())
  }
}

/** The page shows blanks as one. */
const collapsed = (words: string): string => words.replace(/[ \t\n\r\f]+/g, ' ').replace(/\s{10,}/g, ' ')
