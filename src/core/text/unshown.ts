/** Words of a text that its page does not show, apart from rewritings of GitHub's that hide nothing. Linear. */
import { stripInvisible } from './invisible.ts'
import type { ShownText } from './seen-page.ts'

/** These have no honest use in a command; joiners and variation selectors make emoji. */
const deceiving = /[\u{e0000}-\u{e0fff}\u202a-\u202e\u2066-\u2069]/u

/**
 * The words that are neither on the page nor rewritten harmlessly, in order, at most a hundred.
 * @param page what is shown of this text
 */
export function unshownWords(text: string, page: Pick<ShownText, 'text' | 'replaced'>): string[] {
  const shown = new Map<string, number>()
  for (const word of wordsIn(`${page.text}\n${page.replaced}`)) shown.set(word, (shown.get(word) ?? 0) + 1)
  const unshown: string[] = deceiving.test(text) ? ['invisible signs'] : []
  for (const word of wordsIn(withoutRewritten(stripInvisible(text)))) {
    const left = shown.get(word) ?? 0
    if (left > 0) shown.set(word, left - 1)
    else if (unshown.push(word) >= 100) break
  }
  // Shown as bold, which is another name: `__init__.py`.
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

const wordless = new Set(
  'b i em strong code sub sup kbd s ins del mark small a span tt var samp u wbr'.split(' '),
)
const known = new Set(
  'p div br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody tfoot tr td th blockquote pre details summary img picture source figure figcaption q ruby rt caption'.split(
    ' ',
  ),
)

function withoutRewritten(text: string): string {
  const isGitHubs = (url: string): boolean => /\/user-attachments\/|githubusercontent\.com\//.test(url)
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
