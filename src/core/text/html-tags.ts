/**
 * The HTML that people write into Markdown, as far as it is read: a short list of elements, each closed where it was
 * opened, and in the places where a browser leaves it. All else is `unknown`, and ends what is read.
 */
import { wordSet } from './phrases.ts'

export type Piece =
  | { kind: 'text' | 'comment'; text: string }
  | { kind: 'open'; name: string; attributes: ReadonlyMap<string, string> }
  | { kind: 'close'; name: string }
  /** GitHub takes such a tag off, as in `Array<string>`. */
  | { kind: 'dropped'; text: string }
  | { kind: 'unknown' }

const attribute = String.raw`([a-z_:][\w.:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>\x60]+)))?`
const grammar = [
  // Browsers end a comment early at `<!-->` and `--!>`.
  '(?<comment><!--(?!-?>)(?:(?!--!?>)[^])*-->)',
  String.raw`<(?<slash>/?)(?<name>[a-z][a-z0-9-]*)(?<attributes>(?:\s+${attribute})*)\s*/?>`,
  '(?<text>[^<]+|<(?![a-z/!?]))',
].join('|')

export function* piecesOf(html: string): Generator<Piece> {
  const pieces = new RegExp(grammar, 'giy')
  while (pieces.lastIndex < html.length) {
    const groups = pieces.exec(html)?.groups
    yield pieceOf(groups)
    if (!groups) return
  }
}

function pieceOf(groups: Record<string, string | undefined> | undefined): Piece {
  if (groups?.text !== undefined) return { kind: 'text', text: groups.text }
  if (groups?.comment !== undefined) return { kind: 'comment', text: groups.comment }
  const name = groups?.name?.toLowerCase()
  if (name === undefined) return { kind: 'unknown' }
  const text = `${name} ${groups?.attributes}`
  if (!standard.has(name)) return { kind: 'dropped', text }
  if (!isListed(name)) return { kind: 'unknown' }
  if (groups?.slash) return { kind: 'close', name }
  const attributes = attributesOf(groups?.attributes ?? '')
  return attributes ? { kind: 'open', name, attributes } : { kind: 'unknown' }
}

function attributesOf(text: string) {
  const found = new Map<string, string>()
  for (const [, name = '', ...values] of text.matchAll(new RegExp(attribute, 'gi'))) {
    const key = name.toLowerCase()
    const value = values.find(each => each !== undefined) ?? ''
    if (found.has(key) || !(silent.test(key) || layout.get(key)?.test(value))) return undefined
    found.set(key, value)
  }
  return found
}

/** Attributes of which a page shows nothing, so nothing changes with them. GitHub takes off each `style`. */
const silent =
  /^(?:aria-[\w-]+|data-[\w-]+|alt|class|color|href|id|lang|loading|name|open|rel|role|src|style|summary|target|title)$/
/** These change size and place, and may do it this much. */
const layout: ReadonlyMap<string, RegExp> = new Map([
  ['align', /^(?:left|center|middle|right|justify)$/i],
  ['valign', /^(?:top|middle|bottom|baseline)$/i],
  ['dir', /^(?:auto|ltr)$/i],
  ['start', /^\d{1,9}$/],
  ...['colspan', 'rowspan'].map(name => [name, /^[1-9]\d?$/] as const),
  ...['border', 'cellpadding', 'cellspacing'].map(name => [name, /^1?\d$/] as const),
  ...['width', 'height'].map(name => [name, /^\d{1,4}(?:\.\d{1,9})?(?:px|%)?$/] as const),
])
/** Attributes have no words, or such as nobody means to say. */
const wordless = new Set([...wordSet('href src open target rel style loading'), ...layout.keys()])

/** @param isPasted its alternative text is the name of a file */
export const hiddenIn = (attributes: ReadonlyMap<string, string>, isPasted: boolean): string =>
  [...attributes]
    .filter(([name]) => !wordless.has(name) && !(isPasted && name === 'alt'))
    .map(([, value]) => value)
    .join(' ')

export const smaller = wordSet('sub sup small kbd samp code tt')
const phrases = wordSet('b strong i em u font del s strike ins mark span var abbr cite dfn q a')
const alone = wordSet('br wbr hr img')
const headings = wordSet('h1 h2 h3 h4 h5 h6')
const containers = wordSet('div center section details blockquote')
/** Elements that stand in certain others alone. */
const places: Readonly<Record<string, readonly string[]>> = {
  summary: ['details'],
  li: ['ul', 'ol'],
  tr: ['table', 'thead', 'tbody', 'tfoot'],
  td: ['tr'],
  th: ['tr'],
  thead: ['table'],
  tbody: ['table'],
  tfoot: ['table'],
}
/** Elements that have those in them alone. */
const frames = wordSet('ul ol table thead tbody tfoot tr')

export const isBlock = (name: string): boolean =>
  headings.has(name) ||
  containers.has(name) ||
  frames.has(name) ||
  name === 'p' ||
  name === 'hr' ||
  name in places
const isListed = (name: string) =>
  smaller.has(name) || phrases.has(name) || alone.has(name) || isBlock(name)

/** Whether words, and Markdown's own lines, may stand in these elements: the innermost is the last. */
export const mayHoldWords = (open: readonly string[]): boolean => !frames.has(open.at(-1) ?? '')
export const mayHoldBlocks = (open: readonly string[]): boolean =>
  mayHoldWords(open) && !open.some(name => name === 'p' || headings.has(name))

/** Whether a browser leaves an element in these where it was written. */
export function mayOpen(name: string, open: readonly string[]): boolean {
  const parents = places[name]
  if (parents) return parents.includes(open.at(-1) ?? '')
  if (name === 'a' && open.includes('a')) return false
  return isBlock(name) ? mayHoldBlocks(open) : mayHoldWords(open)
}

export const isAlone = (name: string): boolean => alone.has(name)
export const headingOf = (name: string): number => (headings.has(name) ? Number(name[1]) : 0)

/** All names that mean something to a browser. What has another one is a box without meaning. */
const standard = wordSet(
  'a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br button canvas caption center cite code col colgroup command content data datalist dd del desc details dfn dialog dir div dl dt element em embed fencedframe fieldset figcaption figure font footer foreignobject form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label legend li link listing main map mark marquee math menu menuitem meta meter mglyph mi mn mo ms mtext annotation-xml multicol nav nextid nobr noembed noframes noscript object ol optgroup option output p param permission picture plaintext portal pre progress q rb rbc rp rt rtc ruby s samp script search section select selectedcontent shadow slot small source spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp',
)
