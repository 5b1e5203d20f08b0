/**
 * What GitHub's page does not show of a Markdown text: comments, attributes, unused definitions, titles, alternative
 * texts, surplus cells, formulas, wordless links, info strings. Hand-written, as a parser can take minutes for 64 KB;
 * in doubt, text counts as hidden.
 */
import { shownMath, withoutHidingFormulas } from './formulas.ts'
import { withoutSurplusCells } from './surplus-cells.ts'
import { showsWords, withoutWordlessLinks } from './wordless-links.ts'

interface Part {
  text: string
  code: boolean
}

/** @param text with line feeds and without invisible characters */
export function withoutHidden(text: string): string {
  const parts = partsOf(text)
  const references = referencesIn(parts)
  return parts.map(part => (part.code ? shownCode(part.text) : shown(part.text, references))).join('\n')
}

/** The hidden text, in which whole instructions could stand. */
export function hiddenWords(text: string): string[] {
  const parts = partsOf(text)
  const { referred } = referencesIn(parts)
  const prose = parts.filter(({ code }) => !code).map(({ text }) => text)
  return prose.flatMap(words => {
    const rest = words.replace(unshown, '')
    const unreferred = [...rest.matchAll(definition), ...rest.matchAll(footnote)].filter(
      ([, label = '']) => !referred.has(named(label)),
    )
    return [...[...words.matchAll(unshown), ...unreferred].map(([whole]) => whole), ...unseenIn(rest)].filter(
      hidden => !spare.test(hidden),
    )
  })
}

function unseenIn(prose: string): string[] {
  const found: string[] = []
  const drop = (hidden: string): void => void found.push(hidden)
  withoutWordlessLinks(withoutHidingFormulas(withoutSurplusCells(prose, drop), drop), drop)
  return found
}

/** A definition left over from a link is harmless. */
const spare = /^\[[\w.-]{1,20}\]:[ \t]*https?:\/\/\S+$/i

const opening = /^(`{3,}(?=[^`]*$)|~{3,})/
const blockEnds: readonly (readonly [RegExp, RegExp])[] = [
  [/^ {0,3}<!--/, /-->/],
  [/^ {0,3}<\?/, /\?>/],
  [/^ {0,3}<!\[CDATA\[/, /\]\]>/],
  [/^ {0,3}<![A-Za-z]/, />/],
  [/^ {0,3}<(?:script|pre|style|textarea)(?:[\s>]|$)/i, /<\/(?:script|pre|style|textarea)>/i],
  [/^ {0,3}<\/?[A-Za-z]/, /^\s*$/],
]

/** Fences inside HTML, lists and quotes are not recognized. */
function partsOf(text: string): Part[] {
  const parts: Part[] = []
  let lines: string[] = []
  let fence = ''
  let htmlEnd: RegExp | undefined
  const flush = (code: boolean): void => {
    if (lines.length > 0) parts.push({ text: lines.join('\n'), code })
    lines = []
  }
  for (const line of text.split('\n')) {
    const opens = fence === '' && !htmlEnd ? opening.exec(line)?.[1] : undefined
    if (opens !== undefined) {
      flush(false)
      fence = opens
    }
    lines.push(line)
    if (opens !== undefined) continue
    if (fence !== '') {
      if (!closes(line, fence)) continue
      flush(true)
      fence = ''
    } else {
      htmlEnd ??= blockEnds.find(([start]) => start.test(line))?.[1]
      if (htmlEnd?.test(line)) htmlEnd = undefined
    }
  }
  flush(fence !== '')
  return parts
}

function closes(line: string, fence: string): boolean {
  const marks = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1]
  return marks !== undefined && marks[0] === fence[0] && marks.length >= fence.length
}

const shownCode = (code: string): string =>
  /^(?:`{3,}|~{3,})[ \t]*math\b/i.test(code) ? shownMath(code) : withoutInfo(code)

/** GitHub shows nothing of a fence's info string; its first word is the language. */
const withoutInfo = (code: string): string =>
  code.replace(
    /^(`{3,}|~{3,})[ \t]*([\w#+.-]{0,30}).*/,
    (_, fence: string, language: string) => fence + language,
  )

/** Comments, processing instructions, CDATA and declarations, closed or running to the end. */
const unshown =
  /<!--[\s\S]*?(?:-->|$)|<\?[\s\S]*?(?:\?>|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<![A-Za-z][\s\S]*?(?:>|$)/g

const before = String.raw`^(?:[ \t>*+-]|\d{1,9}[.)])*`
const title = String.raw`"(?:\\.|[^"\\\n]|\n(?![ \t]*\n))*"|'(?:\\.|[^'\\\n]|\n(?![ \t]*\n))*'|\((?:\\.|[^()\\\n]|\n(?![ \t]*\n))*\)`

/** `[label]: address "title"` */
const definition = new RegExp(
  String.raw`${before}\[((?!\^)(?:\\.|[^[\]\\]){1,999})\]:(?:[ \t]*\n[ \t>]*|[ \t]*)(?:<([^<>\n]*)>|([^\s<]\S*))(?:(?:[ \t]+|[ \t]*\n[ \t>]*)(?:${title}))?[ \t]*$`,
  'gm',
)

/** `[^label]: words`, with the lines below that belong to it. */
const footnote = new RegExp(
  String.raw`${before}\[(\^[^[\]\s]{1,999})\]:.*(?:\n(?![ \t]*(?:\n|$)).+|(?:\n[ \t]*)+\n(?: {4}|\t).+)*`,
  'gm',
)

interface References {
  referred: ReadonlySet<string>
  addresses: ReadonlyMap<string, string>
}

function shown(prose: string, { referred, addresses }: References): string {
  const text = withoutAttributes(prose.replace(unshown, '').replace(sentence, '<$1tag'))
    .replace(definition, (_, label: string, bracketed?: string, bare?: string) =>
      addressShown({ label, address: bracketed ?? bare ?? '' }, referred),
    )
    .replace(footnote, (whole: string, label: string) => (referred.has(named(label)) ? whole : ''))
    .replace(linkTitle, '$1)')
    .replace(alternative, '![image]')
    .replace(reference, (whole: string, label: string) => {
      const address = addresses.get(named(label))
      return address === undefined ? whole : `](${isAddress(address) ? address : ''})`
    })
  return withoutWordlessLinks(withoutHidingFormulas(withoutSurplusCells(text)))
}

/** Keeps the address; anything else that a definition says is hidden. */
const addressShown = (
  { label, address }: { label: string; address: string },
  referred: ReadonlySet<string>,
): string =>
  referred.has(named(label)) && showsWords(label) && isAddress(address) ? `[${label}]: ${address}` : ''

const isAddress = (address: string): boolean => /^https?:\/\/\S+$/i.test(address)

/** `[words][label]`: the label is nowhere on the page. */
const reference = /\]\[((?:\\.|[^[\]\\]){1,999})\]/g

const named = (label: string): string => label.replace(/\s+/g, ' ').trim().toLowerCase()

function referencesIn(parts: readonly Part[]): References {
  const prose = parts.flatMap(({ text, code }) => (code ? [] : [text.replace(unshown, '')])).join('\n')
  return {
    // Definitions that some text refers to.
    referred: new Set(
      [...prose.matchAll(/(?<!\])\[([^[\]]{1,999})\](?!:)/g)].map(([, label = '']) => named(label)),
    ),
    addresses: new Map(
      [...prose.matchAll(definition)].map(([, label = '', bracketed, bare]) => [
        named(label),
        bracketed ?? bare ?? '',
      ]),
    ),
  }
}

/** `[words](address "title")` */
const linkTitle =
  /(\]\([ \t]*(?:<[^<>\n]*>|[^\s()<>]+))(?:[ \t]+(?:\n[ \t]*)?|\n[ \t]+)(?:"[^"]*"|'[^']*'|\([^()]*\))[ \t]*\)/g
/** `![words](address)`; where the image can be seen, they can't. */
const alternative = /!\[(?:[^[\]]|\[[^[\]]*\])*\](?=[([])/g

/** GitHub drops unknown tags, whose names may be sentences. */
const sentence = /<(\/?)[A-Za-z](?:[A-Za-z0-9]*-[A-Za-z0-9]*-|[A-Za-z0-9-]{20})[A-Za-z0-9-]*(?=[\s/>])/g

/** Tags keep their name only. */
function withoutAttributes(text: string): string {
  const kept: string[] = []
  const reader = new TagReader(text)
  let from = 0
  for (const { index, 0: start, 1: name = '' } of text.matchAll(/<(\/?[A-Za-z][A-Za-z0-9-]*)(?=[\s/])/g)) {
    if (index < from) continue
    const end = reader.endOf(index + start.length)
    if (end === undefined) continue
    const closed = text[end - 1] === '/' && end - 1 === index + start.length ? '/' : ''
    kept.push(text.slice(from, index), `<${name}${closed}>`)
    from = end + 1
  }
  return kept.join('') + text.slice(from)
}

/** Finds the end of tags in linear time. */
class TagReader {
  readonly #text: string
  readonly #last: Readonly<Record<string, number>>
  #budget: number

  constructor(text: string) {
    this.#text = text
    this.#last = { '"': text.lastIndexOf('"'), "'": text.lastIndexOf("'"), '>': text.lastIndexOf('>') }
    this.#budget = 20 * text.length + 1_000
  }

  /** Position of its `>`. Without one it is no tag, and the page shows it. */
  endOf(start: number): number | undefined {
    let at = start
    for (; at <= (this.#last['>'] ?? -1); at++) {
      const character = this.#text[at] ?? ''
      if (character === '>') return this.#spent(start, at)
      if (character === '<') return void this.#spent(start, at)
      if (character !== '"' && character !== "'") continue
      const close = at < (this.#last[character] ?? -1) ? this.#text.indexOf(character, at + 1) : -1
      if (close === -1 || this.#budget < 0) return this.#text.indexOf('>', at)
      at = close
    }
    return undefined
  }

  #spent(start: number, end: number): number {
    this.#budget -= end - start
    return end
  }
}
