/**
 * What GitHub's page shows of a text, as plain text, and which of its words it does not show, apart from rewritings of
 * GitHub's that hide nothing. `shown-text.ts` reads it from the page's HTML.
 */
import { stripInvisible } from './invisible.ts'
import { wordSet } from './phrases.ts'
import type { OwnLine } from './shown-lines.ts'

export interface ShownText {
  /** Lines end with a line feed; code stands between fences, addresses behind the words of links. */
  text: string
  own: OwnLine[]
  /** What begins elsewhere where no command is read: in lists, headings, cells. At most 100 characters each. */
  elsewhere: string[]
  /** First lines of code that may be an indented paragraph. */
  indented: string[]
  /** Addresses of links and pictures that can be seen, without secrets. Words are those of a link. */
  files: { url: string; words: string }[]
  /** Formulas and diagrams have another form on the page. The text only says that they are there. */
  replaced: string
  /** Longer, deeper or wider than is read; the text says where. */
  cut: boolean
}

/** What is shown of a text, beside the text as it was written. */
export interface SeenPage extends ShownText {
  /** How many of its words the page does not show, rewritings apart. */
  unshown: number
  /** Where in the text the commands begin of which the page does not show all. */
  hiding: number[]
  /** Nothing of it is shown: somebody folded it away, or changed it after the command. */
  minimized?: true
  changed?: true
}

export interface Reading {
  /** Any page of the text's GitHub. */
  webUrl: string
  /** `whole` for the instruction of who may give one; of others only the host, or the path on the same host. */
  addresses: 'whole' | 'host'
}

/** Nothing in it is a sign to Markdown, HTML or GitHub: lines of words that begin with a letter, or a command. */
const plainLine = /^(?:\/?\p{L}(?:[\p{L}\p{N} ,;.?!()%+='"’“”–—/-]|:(?= |$))*)?$/u

/** GitHub shows such a text as it was written, so nobody has to be asked. `undefined` for any other. */
export function asWritten(text: string): SeenPage | undefined {
  const source = text.replace(/\r\n?/g, '\n')
  const lines = source.split('\n')
  if (stripInvisible(source) !== source || !lines.every(line => plainLine.test(line)))
    return undefined
  if (lines.length > 200 || /\bwww\.| {2}/.test(source)) return undefined
  const own: OwnLine[] = []
  let at = 0
  for (const line of lines) {
    if (line !== '') own.push({ at, plain: line.length })
    at += line.length + 1
  }
  return { ...blank, text: source.trimEnd(), own }
}

const blank: SeenPage = {
  text: '',
  own: [],
  elsewhere: [],
  indented: [],
  files: [],
  replaced: '',
  cut: false,
  unshown: 0,
  hiding: [],
}

export const minimizedPage: SeenPage = { ...blank, minimized: true }
export const changedPage: SeenPage = { ...blank, changed: true }

/** These have no honest use in a command; joiners and variation selectors make emoji. */
const deceiving = /[\u{e0000}-\u{e0fff}\u202a-\u202e\u2066-\u2069]/u

/**
 * The words that are neither on the page nor rewritten harmlessly, in order, at most a hundred.
 * @param page what is shown of this text
 */
export function unshownWords(text: string, page: Pick<ShownText, 'text' | 'replaced'>): string[] {
  const shown = new Map<string, number>()
  for (const word of wordsIn(`${page.text}\n${page.replaced}`))
    shown.set(word, (shown.get(word) ?? 0) + 1)
  const unshown: string[] = deceiving.test(text) ? ['invisible signs'] : []
  for (const word of wordsIn(withoutRewritten(stripInvisible(text)))) {
    const left = shown.get(word) ?? 0
    if (left > 0) shown.set(word, left - 1)
    else if (unshown.push(word) >= 100) break
  }
  // The page shows `__init__.py` in bold letters, which is another name.
  for (const [name] of text.matchAll(dunder)) if (!page.text.includes(name)) unshown.push(name)
  return unshown
}

const dunder = /(?<![\w`])__[A-Za-z]\w{0,40}__(?=[.(])|(?<=\.)__[A-Za-z]\w{0,40}__(?![\w`])/g

/** Signs that format are no letters, so `**bo**ld` is one word on both sides. */
const wordsIn = (text: string): string[] =>
  text
    .toLowerCase()
    .replace(/[*~`_\\]/g, '')
    .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []

const address = /https?:\/\/[^\s<>"'|\\]+/gi
const hexNames = /\b[0-9a-f]{8,40}\b/g
const shortcode = /:[a-z0-9_+-]{1,40}:/g
const entity = /[\p{L}\p{N}]{0,40}&#?\w{1,32};[\p{L}\p{N}]{0,40}/gu
const listNumber = /^[ \t>]{0,40}\d{1,9}[.)](?=\s)/gm
const label = /\[\^[\w-]{1,20}\]:?|^ {0,3}\[[\w.-]{1,20}\]:[ \t]*$|(?<=\])\[[\w.-]{1,20}\]/gm
/** A picture that was pasted. Its alternative text is its file's name. */
const pasted =
  /!\[[^[\]\n]{0,100}\]\(ADDRESS\)|<img\s(?:(?:width|height|alt|src)="[^"<>]{0,100}"\s{0,5}){1,5}\/?>/g
const fence = /^([ \t>]{0,40}(?:`{3,}|~{3,}))[ \t]*(?:[\w#+-]{1,12})[ \t]*$/gm
const tag =
  /<\/?([a-z][a-z0-9]{0,15})((?:\s{1,20}(?:href|src|width|height|align|valign|open|colspan|rowspan|start|target|rel)(?:=(?:"[\w%. ]{0,12}"|[\w%.]{1,12}))?){0,8})\s{0,20}\/?>/gi

const wordless = wordSet(
  'b i em strong code sub sup kbd s ins del mark small a span tt var samp u wbr',
)
const known = wordSet(
  'p div br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody tfoot tr td th blockquote pre details summary img picture source figure figcaption q ruby rt caption',
)

function withoutRewritten(text: string): string {
  const isGitHubs = (url: string): boolean =>
    /\/user-attachments\/|githubusercontent\.com\//.test(url)
  return text
    .replace(address, url =>
      isGitHubs(url) && url.endsWith(')') ? 'ADDRESS)' : isGitHubs(url) ? 'ADDRESS' : ' ',
    )
    .replace(pasted, found => (found.includes('ADDRESS') ? ' ' : found))
    .replaceAll('ADDRESS', ' ')
    .replace(label, ' ')
    .replace(fence, '$1')
    .replace(tag, (whole, name: string) =>
      wordless.has(name.toLowerCase()) ? '' : known.has(name.toLowerCase()) ? ' ' : whole,
    )
    .replace(hexNames, word => (/\d/.test(word) ? ' ' : word))
    .replace(shortcode, ' ')
    .replace(entity, ' ')
    .replace(listNumber, ' ')
}
