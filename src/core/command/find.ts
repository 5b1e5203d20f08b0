/**
 * Finds commands, seen from both sides: a line that its writer began with the command word, and a line of the page, in
 * a paragraph of its own or an e-mail. `\/codex` and `&#47;codex` look like one on the page alone, what is in code,
 * quotes, attributes and comments in the text alone. A mention of the App is the command word, too: its `calls` are
 * `codex @my-app`, as `callsOf` gives them, or the word alone.
 */
import { usualTrigger } from '../settings/deployment-settings.ts'
import { stripInvisible } from '../text/invisible.ts'
import { type Reading, type SeenPage, type ShownText, unshownWords } from '../text/seen-page.ts'
import { unspacedLetters } from '../text/shown-lines.ts'
import { shownText } from '../text/shown-text.ts'
import { isSlip } from './near-miss.ts'

function callPattern(
  sourceFor: (calls: string) => string,
  flags: string,
): (calls: string) => RegExp {
  const patterns = new Map<string, RegExp>()
  return calls => {
    const pattern = patterns.get(calls) ?? new RegExp(sourceFor(calls), flags)
    patterns.set(calls, pattern)
    return pattern
  }
}

/** The word without the slash, and the login without the `@`: of letters, digits and hyphens. */
const partsOf = (calls: string): { word: string; app: string | undefined } => {
  const [word = '', app] = calls.split(' @')
  return { word, app }
}

const anyPlace = callPattern(
  calls => misplacedStarts.map(start => `(?:${start(partsOf(calls).word)})`).join('|'),
  'mu',
)
const indentedStart = callPattern(
  calls => String.raw`^(?: {4,}|\t)[ \t]*/${partsOf(calls).word}(?![\w/-])`,
  'im',
)

/**
 * Whether a command may stand where none is read: in a list, a heading or a table, indented, behind a courtesy, or with a
 * slip in its word. A mention there is no command: people mention the App in passing.
 */
export const mayBeMisplaced = (text: string, calls = usualTrigger.word): boolean =>
  (bareWord(calls).test(text) && anyPlace(calls).test(text)) || slipIn(text, calls) !== undefined

/** A command where none is read, or what is nearly one. */
export type Misplaced =
  | { kind: 'misplaced' }
  | { kind: 'unknown-word'; given: string; meant: string }

/**
 * Says whether a text without a command has one in a wrong place, or a slip of one. Code, quotes, links and what is
 * folded don't count, and nothing does where the page could not be seen.
 */
export function misplacedIn(
  { text, page }: SeenText,
  calls = usualTrigger.word,
): Misplaced | undefined {
  if (!page || !mayBeMisplaced(text, calls) || quotedFrom(text) < text.length) return undefined
  const starts = page.own.map(
    ({ at, plain }) => page.text.slice(at, at + plain).split('\n', 1)[0] ?? '',
  )
  if (
    [...starts, ...page.elsewhere].some(line => anyPlace(calls).test(line)) ||
    // Indented lines are rarely meant as code.
    (indentedStart(calls).test(text) &&
      page.indented.some(line => indentedStart(calls).test(`    ${line}`)))
  )
    return { kind: 'misplaced' }
  return slipIn(starts.join('\n'), calls)
}

/** What only ends in another way is no slip of the word, nor is a word of programmers. */
const spoken = /^code(?:[cdrs]|cs)?$|(?:e?s|e[dr]|ing)$/

/** The word without its blank, or with one too many, or nearly the word. */
function slipIn(text: string, calls: string): Misplaced | undefined {
  const { word } = partsOf(calls.toLowerCase())
  const begun = text.matchAll(/^ {0,3}(\/( ?)([\p{L}-]+))(?=[\s:,]|$)/gmu)
  return [...begun].flatMap(([, given = '', blank = '', said = '']): Misplaced[] => {
    const name = said.toLowerCase()
    const [before, rest = ''] = name.split(word)
    const isGlued = before === '' && (rest === '') !== (blank === '') && /^\p{L}*$/u.test(rest)
    const isNear = blank === '' && word.length > 3 && isSlip(name, word)
    if (spoken.test(name) || !(isGlued || isNear)) return []
    return [{ kind: 'unknown-word', given, meant: isGlued ? `/codex ${rest}`.trimEnd() : '/codex' }]
  })[0]
}

/** Phones, keyboards and copying put these before a word; the page shows none of them. */
const unseen = String.raw`\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff`

/** Markdown allows three spaces before a paragraph; other blanks are a paragraph's own. */
const margin = String.raw`^ {0,3}(?:(?! )[\p{Zs}${unseen}][\p{Zs}\t${unseen}]*)?`

/** What follows the word, so that it is neither a part of another one (`/codexes`, `/codex-cli`) nor of a path. */
const wordEnd = [
  '$',
  String.raw`[\s:,]`,
  String.raw`[.!?;:,]+(?:\s|$)`,
  '--[A-Za-z]',
  String.raw`[\u2012-\u2015\u2212]`,
  `[${unspacedLetters}]`,
  // Any sign but ASCII's, and those that close what stands before them or join two words
  String.raw`[^\0-\x7f\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Pe}\p{Pf}\p{Cf}\uff0f]`,
].join('|')

/** Matches both cases of each letter, as Unicode would take more than a letter's two forms for it. */
const anyCase = (word: string): string =>
  [...word]
    .map(sign => (/[a-z]/i.test(sign) ? `[${sign.toLowerCase()}${sign.toUpperCase()}]` : sign))
    .join('')

/** @param word without the slash: letters, digits and hyphens */
const slashWord = (word: string, orElse = '(?!)'): string =>
  `/${anyCase(word)}[${unseen}]*(?=${wordEnd}|${orElse})`

/** Nobody knows whether GitHub makes a link of it, and whether that ends before `[bot]`. */
const mention = (app: string): string =>
  String.raw`@${anyCase(app)}(?:\[[bB][oO][tT]\])?[${unseen}]*(?=${wordEnd})`

/** How a command’s line begins: who mentions the App may write the word all the same. Like `misplacedStarts`, for patterns with the flag `u`. */
const commandStart = (calls: string): string => {
  const { word, app } = partsOf(calls)
  const own = slashWord(word)
  return app === undefined
    ? `${margin}${own}`
    : String.raw`${margin}(?:${own}|${mention(app)}(?:[:,]?[ \t]+${own})?)`
}

/** What may stand between the word and what is asked. */
const separators = String.raw`(?:[:,\u3001\u3002\u2026\uff01\uff0c\uff0e\uff1a\uff1b]|[.!;](?=[.!;:,]*(?:\s|$)))*`

const signs = String.raw`^[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]+)*(?:\[[ xX]\][ \t]+)?[*_~]{0,3}`
const inCell = String.raw`\|[ \t]*`

const courtesies =
  'please|pls|plz|kindly|hey|hi|hello|dear|ok|okay|so|now|then|next|and|also|great|good|cool|nice|thanks|thank|you|yes|sure|lgtm|can|could|would|will|team|all|bitte|danke|hallo|por favor|hola|gracias|merci|bonjour|svp'
const address = String.raw`${signs}(?:(?:${courtesies
  .split('|')
  .map(anyCase)
  .join('|')}|@[\w-]{1,39}|\p{Extended_Pictographic}\ufe0f?)[,.!:;…]{0,3}[ \t]+){1,5}`
const afterSentence = String.raw`[\p{L}\p{N}]{3}[.!?…。！？]{1,3}[ \t]+`

/** Where the word begins a list item, heading or cell, or follows a courtesy or a sentence. `word` ends each match. */
const misplacedStarts = [
  (word: string) => `${signs}${slashWord(word, String.raw`\|`)}`,
  (word: string) => `${inCell}${slashWord(word, String.raw`\|`)}`,
  (word: string) => `${address}${slashWord(word)}`,
  (word: string) => `${afterSentence}${slashWord(word)}(?=[ \t]+[^ \t\n])`,
] as const

/** What somebody wrote, and what GitHub's page shows of it; `undefined` when that could not be had. */
export interface SeenText {
  text: string
  page: SeenPage | undefined
}

export interface CommandText {
  line: string
  below: string
  /** The page does not show all that was written from here to the next command. */
  hides: boolean
}

export interface FoundCommands {
  commands: CommandText[]
  /** The page could not be seen at all, or not where a command was written. */
  unreadable: 'page' | 'cut' | undefined
}

const bareWord = callPattern(calls => `/${partsOf(calls).word}`, 'i')
const bareCall = callPattern(calls => `/${calls.replace(' ', '|')}`, 'i')

/** Linear time. False means that there is no command. */
export const mayHoldCommand = (text: string, calls = usualTrigger.word): boolean =>
  bareCall(calls).test(text) && startOfLine(calls).test(text)
const startOfLine = callPattern(commandStart, 'mu')

export function findCommands({ text, page }: SeenText, calls = usualTrigger.word): FoundCommands {
  if (!mayHoldCommand(text, calls)) return { commands: [], unreadable: undefined }
  if (!page) return { commands: [], unreadable: 'page' }
  const commands = commandParts(text, page, calls).map(({ shown, below, written }) => ({
    line: shown.rest.trim(),
    below: below.trimEnd(),
    hides: page.cut || page.hiding.includes(written.at),
  }))
  const isCut = page.cut && commands.length < writtenStarts(ownWords(text), calls).length
  return { commands, unreadable: isCut ? 'cut' : undefined }
}

/**
 * Reads the page in a thread of its own, as a text may be made to take long.
 * @returns `undefined` for more HTML than is read
 */
export function seenPage(
  { text, html }: { text: string; html: string },
  { calls, ...reading }: Reading & { calls?: string | undefined },
): SeenPage | undefined {
  const page = shownText(html, reading)
  if (!page) return undefined
  const hiding = commandParts(text, page, calls).flatMap(({ shown, below, written, wrote }) => {
    const part = `${shown.rest}\n${below}\n${page.text.slice(shown.at, shown.restAt)}`
    const { replaced } = page
    return unshownWords(wrote, { text: part, replaced }).length === 0 ? [] : [written.at]
  })
  return { ...page, unshown: unshownWords(text, page).length, hiding }
}

/** @returns both sides of each, and what stands below, up to the next command: on the page, and as it was written */
function commandParts(text: string, page: ShownText, calls = usualTrigger.word) {
  const source = ownWords(text)
  const written = writtenStarts(source, calls)
  const ownPage = quotedFrom(page.text)
  // The word itself is the writer's plain text, not a link or code.
  const shown = page.own.flatMap(({ at, plain }) => {
    const start = startAt(page.text, at, calls)
    const bare = startOfLine(calls).exec(page.text.slice(at, start?.end ?? at))
    return start && bare && bare.index + bare[0].length <= plain ? [start] : []
  })
  const found = onBothSides(written, shown.slice(0, most))
  return found.map(({ shown, written }, index) => {
    const next = found[index + 1]
    return {
      shown,
      written,
      below: page.text.slice(shown.end + 1, next?.shown.at ?? ownPage),
      wrote: source.slice(written.at, next?.written.at),
    }
  })
}

function ownWords(text: string): string {
  const whole = text.replace(/\r\n?/g, '\n')
  return whole.slice(0, quotedFrom(whole))
}

const writtenStarts = (source: string, calls: string): Start[] =>
  [...source.matchAll(wholeStarts(calls))]
    .slice(0, most)
    .flatMap(({ index }) => startAt(source, index, calls) ?? [])

/** Commands of a text that are looked at; the parser takes fewer. */
const most = 50

interface Start {
  at: number
  /** The place behind the word and what separates it. */
  restAt: number
  rest: string
  end: number
}

interface Sides {
  shown: Start
  written: Start
}

const withSeparators = callPattern(calls => `${commandStart(calls)}${separators}`, 'u')

function startAt(text: string, at: number, calls: string): Start | undefined {
  const feed = text.indexOf('\n', at)
  const end = feed === -1 ? text.length : feed
  const line = text.slice(at, end)
  const match = withSeparators(calls).exec(line)
  if (!match) return undefined
  return { at, restAt: at + match[0].length, rest: line.slice(match[0].length), end }
}

const wholeStarts = callPattern(commandStart, 'gmu')

/** Pairs both in their order. A line of the page that nobody wrote as a command is no command. */
function onBothSides(written: readonly Start[], shown: readonly Start[]): Sides[] {
  const found: Sides[] = []
  const said = written.map(({ rest }) => plainWords(rest))
  let next = 0
  for (const start of shown) {
    const line = even(start.rest)
    const at = said.findIndex((words, index) => index >= next && line.startsWith(words))
    const match = written[at]
    if (!match) continue
    found.push({ shown: start, written: match })
    next = at + 1
  }
  return found
}

/** What a line begins with: what follows may be rewritten by GitHub. */
function plainWords(written: string): string {
  const words = even(written)
  const [plain = ''] = /^[\p{L}\p{N} ,.-]*/u.exec(words) ?? []
  // An address, a shortcode, a name of a commit
  const isRewritten = /^[:/#@]/.test(words.slice(plain.length))
  const sure = (isRewritten ? plain.replace(/\S*$/, '') : plain).replace(/\b[0-9a-f]{8,40}\b.*/, '')
  return sure.trimEnd()
}

const even = (line: string): string => stripInvisible(line).replace(/\s+/gu, ' ').trim()

/** `-----Original Message-----`, `---------- Weitergeleitete Nachricht ---------`, in any language. */
const dashed = /^[-=]{3,}\s*\p{L}[^-=]*[-=]{3,}$/u

/** `On Monday Eve wrote:`, and what has an address and a time and ends as that does. */
const verbs = [
  ...[
    'wrote',
    'schrieb',
    'a écrit',
    'escribió',
    'escreveu',
    'ha scritto',
    'scrisse',
    'schreef',
    'skrev',
  ],
  ...[
    'kirjoitti',
    'írta',
    'a scris',
    'yazdı',
    'napsala?',
    'napísala?',
    'napisała?',
    'написала?',
    'написав',
  ],
].join('|')
const wrote = new RegExp(String.raw`\S.*(?<!\p{L})(?:${verbs})(?:\(.\))?(?:\s.*)?\s?:$`, 'iu')
const wroteUnspaced = /.(?:写道|寫道|のメール|작성)\s?[:：]$/u
const byAddress = /\d.*\S@\S+.*[:：]$/u
/** Lines that it may be wrapped over, and characters of each. */
const maxLines = 4
const maxLine = 250

/** The head of a mail, as Outlook puts it above what it quotes. */
const field = (names: string): RegExp =>
  new RegExp(String.raw`^[*_]*(?:${names})\s?[*_]*[:：]`, 'iu')
const from = field(
  'From|Von|De|Da|Van|Från|Fra|Lähettäjä|Od|От|Від|Kimden|Feladó|发件人|寄件者|差出人|보낸 사람',
)
const sent = field(
  'Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Para|Asunto|Assunto|Inviato|A|Oggetto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|Lähetetty|Wysłano|Do|Temat|Отправлено|Кому|Тема|发送时间|收件人|主题|日期|送信日時|宛先|件名|보낸 날짜',
)

const others = [
  /^(?:Begin forwarded message|Anfang der weitergeleiteten Nachricht|Début du message (?:réexpédié|transféré)|Inicio del mensaje reenviado|Inizio messaggio inoltrato)\s?:/iu,
  /Reply to this email directly/i,
  // GitHub makes issues of discussions so.
  /^#+\s*Discussed in\b/i,
  /^Discussed in https?:/i,
  /discussions-op-text/i,
]
/** And issues of comments, whose words stand above this line. */
const posted = /^[^\p{L}]*(?:<su[bp]>)?[^\p{L}]*Originally posted by\b/iu

const begins = (lines: readonly string[], at: number): boolean => {
  const line = lines[at] ?? ''
  if (line === '') return false
  if (dashed.test(line) || others.some(pattern => pattern.test(line))) return true
  const next = lines.slice(at + 1, at + maxLines)
  if (from.test(line) && next.some(each => sent.test(each))) return true
  const end = next.indexOf('')
  const wrapped = next.slice(0, end === -1 ? undefined : end)
  // People write so, too, but neither when nor from which address.
  // A command is none.
  const isDated = /^[^/@].*(?:\d|\S@\S)/u.test(line) || /^On\s/i.test(line)
  if (!isDated) return false
  return [line, ...wrapped.map((_, n) => [line, ...wrapped.slice(0, n + 1)].join(' '))].some(
    words =>
      /[:：]$/.test(words) &&
      [wrote, wroteUnspaced, byAddress].some(pattern => pattern.test(words)),
  )
}

/** @returns the offset; the length of a text in which nobody else is quoted so. Linear time */
export function quotedFrom(text: string): number {
  const written = text.split('\n')
  // No line that a program writes is longer.
  const lines = written.map(line =>
    line.length > 4 * maxLine ? '' : line.trim().slice(0, maxLine),
  )
  if (lines.some(line => posted.test(line))) return 0
  const at = lines.findIndex((_, index) => begins(lines, index))
  return at === -1 ? text.length : written.slice(0, at).join('\n').length + (at > 0 ? 1 : 0)
}
