/**
 * Finds commands, seen from both sides: a line that its writer began with the command word, and a line of the page, in
 * a paragraph of its own or an e-mail. `\/codex` and `&#47;codex` look like one on the page alone, what is in code,
 * quotes, attributes and comments in the text alone.
 */
import { usualTrigger } from '../settings/trigger-words.ts'
import { stripInvisible } from '../text/invisible.ts'
import type { ShownText } from '../text/shown-text.ts'
import { unshownWords } from '../text/unshown.ts'
import { commandStart, separators } from './line-start.ts'
import { wordPattern } from './word-pattern.ts'

/** What somebody wrote, and what GitHub's page shows of it; `undefined` when that could not be had. */
export interface SeenText {
  text: string
  page: ShownText | undefined
}

export interface CommandText {
  line: string
  below: string
  /** The page does not show all that was written from here to the next command. */
  hides: boolean
}

export interface FoundCommands {
  commands: CommandText[]
  /** The page could not be seen. */
  unreadable: boolean
}

export const namesWord = (text: string, word: string): boolean => bareWord(word).test(text)
const bareWord = wordPattern(word => `/${word}`, 'i')

/** Linear time. False means that there is no command. */
export const mayHoldCommand = (text: string, word = usualTrigger.word): boolean =>
  namesWord(text, word) && startOfLine(word).test(text)
const startOfLine = wordPattern(commandStart, 'mu')

/** @param word without the slash: letters, digits and hyphens */
export function findCommands({ text, page }: SeenText, word = usualTrigger.word): FoundCommands {
  if (!mayHoldCommand(text, word)) return { commands: [], unreadable: false }
  if (!page) return { commands: [], unreadable: true }
  const source = text.replace(/\r\n?/g, '\n')
  const found = onBothSides(startsIn(source, word).slice(0, most), startsOn(page, word).slice(0, most))
  return {
    commands: found.map(({ shown, written }, index) => {
      const next = found[index + 1]
      const below = page.text.slice(shown.end + 1, next?.shown.at)
      const part = `${shown.rest}\n${below}\n${page.text.slice(shown.at, shown.restAt)}`
      const wrote = source.slice(written.at, next?.written.at)
      const hides = page.cut || unshownWords(wrote, { text: part, replaced: page.replaced }).length > 0
      return { line: shown.rest.trim(), below: below.trimEnd(), hides }
    }),
    unreadable: false,
  }
}

/** Commands of a text that are looked at; the parser takes fewer. */
const most = 50

interface Start {
  at: number
  /** Behind the word, and what separates it. */
  restAt: number
  rest: string
  end: number
}

interface Sides {
  shown: Start
  written: Start
}

const withSeparators = wordPattern(word => `${commandStart(word)}${separators}`, 'u')

function startAt(text: string, at: number, word: string): Start | undefined {
  const feed = text.indexOf('\n', at)
  const end = feed === -1 ? text.length : feed
  const line = text.slice(at, end)
  const match = withSeparators(word).exec(line)
  if (!match) return undefined
  return { at, restAt: at + match[0].length, rest: line.slice(match[0].length), end }
}

function startsIn(source: string, word: string): Start[] {
  return [...source.matchAll(wholeStarts(word))].flatMap(({ index }) => startAt(source, index, word) ?? [])
}

const wholeStarts = wordPattern(commandStart, 'gmu')

/** The word itself is the writer's plain text, not a link or code. */
const startsOn = ({ text, own }: ShownText, word: string): Start[] =>
  own.flatMap(({ at, plain }) => {
    const start = startAt(text, at, word)
    const bare = startOfLine(word).exec(text.slice(at, start?.end ?? at))
    return start && bare && bare.index + bare[0].length <= plain ? [start] : []
  })

/** In the same order; a line of the page that nobody wrote as a command is none. */
function onBothSides(written: readonly Start[], shown: readonly Start[]): Sides[] {
  const found: Sides[] = []
  let next = 0
  for (const start of shown) {
    const at = written.findIndex((each, index) => index >= next && saysTheSame(each.rest, start.rest))
    const match = written[at]
    if (!match) continue
    found.push({ shown: start, written: match })
    next = at + 1
  }
  return found
}

/** As far as they are plain words: what follows may be rewritten by GitHub. */
function saysTheSame(written: string, shown: string): boolean {
  const words = even(written)
  const [plain = ''] = /^[\p{L}\p{N} ,.-]*/u.exec(words) ?? []
  // An address, a shortcode, a name of a commit
  const isRewritten = /^[:/#@]/.test(words.slice(plain.length))
  const sure = (isRewritten ? plain.replace(/\S*$/, '') : plain).replace(/\b[0-9a-f]{8,40}\b.*/, '')
  return even(shown).startsWith(sure.trimEnd())
}

const even = (line: string): string => stripInvisible(line).replace(/\s+/gu, ' ').trim()
