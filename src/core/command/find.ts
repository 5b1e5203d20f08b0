/**
 * Finds commands, seen from both sides: a line that its writer began with the command word, and a line of the page, in
 * a paragraph of its own or an e-mail. `\/codex` and `&#47;codex` look like one on the page alone, what is in code,
 * quotes, attributes and comments in the text alone. A mention of the App is the command word, too: its `calls` are
 * `codex @my-app`, as `callsOf` gives them, or the word alone.
 */
import { usualTrigger } from '../settings/deployment-settings.ts'
import { stripInvisible } from '../text/invisible.ts'
import { type Reading, type SeenPage, type ShownText, unshownWords } from '../text/seen-page.ts'
import { shownText } from '../text/shown-text.ts'
import { callPattern, commandStart, separators } from './command-word.ts'
import { quotedFrom } from './quoted-mail.ts'

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

/** Linear time. False means that there is no command. */
export const mayHoldCommand = (text: string, calls = usualTrigger.word): boolean =>
  bareCall(calls).test(text) && startOfLine(calls).test(text)

const bareCall = callPattern(calls => `/${calls.replace(' ', '|')}`, 'i')
const startOfLine = callPattern(commandStart, 'mu')

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
  const pairs = onBothSides(written, shown.slice(0, maxStarts))
  return pairs.map(({ shown, written }, index) => {
    const next = pairs[index + 1]
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

const writtenStarts = (source: string, calls: string): LineStart[] =>
  [...source.matchAll(wholeStarts(calls))]
    .slice(0, maxStarts)
    .flatMap(({ index }) => startAt(source, index, calls) ?? [])

/** Commands of a text that are looked at; the parser takes fewer. */
const maxStarts = 50

interface LineStart {
  at: number
  /** The place behind the word and what separates it. */
  restAt: number
  rest: string
  end: number
}

interface BothSides {
  shown: LineStart
  written: LineStart
}

const withSeparators = callPattern(calls => `${commandStart(calls)}${separators}`, 'u')

function startAt(text: string, at: number, calls: string): LineStart | undefined {
  const feed = text.indexOf('\n', at)
  const end = feed === -1 ? text.length : feed
  const line = text.slice(at, end)
  const match = withSeparators(calls).exec(line)
  if (!match) return undefined
  return { at, restAt: at + match[0].length, rest: line.slice(match[0].length), end }
}

const wholeStarts = callPattern(commandStart, 'gmu')

/** Pairs both in their order. A line of the page that nobody wrote as a command is no command. */
function onBothSides(written: readonly LineStart[], shown: readonly LineStart[]): BothSides[] {
  const pairs: BothSides[] = []
  const said = written.map(({ rest }) => plainWords(rest))
  let next = 0
  for (const start of shown) {
    const line = withEvenBlanks(start.rest)
    const at = said.findIndex((words, index) => index >= next && line.startsWith(words))
    const match = written[at]
    if (!match) continue
    pairs.push({ shown: start, written: match })
    next = at + 1
  }
  return pairs
}

/** What a line begins with: what follows may be rewritten by GitHub. */
function plainWords(written: string): string {
  const words = withEvenBlanks(written)
  const [plain = ''] = /^[\p{L}\p{N} ,.-]*/u.exec(words) ?? []
  // An address, a shortcode, a name of a commit
  const isRewritten = /^[:/#@]/.test(words.slice(plain.length))
  const sure = (isRewritten ? plain.replace(/\S*$/, '') : plain).replace(/\b[0-9a-f]{8,40}\b.*/, '')
  return sure.trimEnd()
}

const withEvenBlanks = (line: string): string => stripInvisible(line).replace(/\s+/gu, ' ').trim()
