/**
 * Finds commands, seen from both sides: a line that its writer began with the command word, which is also a line of a
 * paragraph of the page itself. `\/codex` and `&#47;codex` look like one on the page alone, what is in code, quotes,
 * attributes and comments in the text alone. A mention of the App is the command word, too: its `calls` are
 * `codex @my-app`, as `callsOf` gives them, or the word alone.
 */
import { usualTrigger } from '../settings/deployment-settings.ts'
import type { SeenPage } from '../text/seen-page.ts'
import type { OwnLine } from '../text/shown-lines.ts'
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
  const source = ownWords(text)
  const ownPage = quotedFrom(page.text)
  const found = page.own
    .filter(({ at, from }) => at < ownPage && from < source.length)
    .flatMap(line => bothSides(line, page.text, source, calls) ?? [])
    .slice(0, maxStarts)
  const commands = found.map(({ rest, end, from }, index) => {
    const next = found[index + 1]
    const to = next?.from ?? source.length
    return {
      line: rest.trim(),
      below: page.text.slice(end + 1, next?.at ?? ownPage).trimEnd(),
      hides: (page.cut && !next) || page.hidden.some(place => place >= from && place < to),
    }
  })
  const isCut = page.cut && commands.length < writtenStarts(source, calls)
  return { commands, unreadable: isCut ? 'cut' : undefined }
}

/** Linear time. False means that there is no command. */
export const mayHoldCommand = (text: string, calls = usualTrigger.word): boolean =>
  bareCall(calls).test(text) && startOfLine(calls).test(text)

const bareCall = callPattern(calls => `/${calls.replace(' ', '|')}`, 'i')
const startOfLine = callPattern(commandStart, 'mu')

/** The line is a command as it was written, and on the page, where the word is plain text: not a link or code. */
function bothSides({ at, plain, from }: OwnLine, page: string, source: string, calls: string) {
  const shown = startAt(page, at, calls)
  const bare = shown && startOfLine(calls).exec(page.slice(at, shown.end))
  const isPlain = bare && bare.index + bare[0].length <= plain
  return isPlain && startAt(source, from, calls) ? { ...shown, from } : undefined
}

function ownWords(text: string): string {
  const whole = text.replace(/\r\n?/g, '\n')
  return whole.slice(0, quotedFrom(whole))
}

const writtenStarts = (source: string, calls: string): number =>
  [...source.matchAll(wholeStarts(calls))].length

/** Commands of a text that are looked at; the parser takes fewer. */
const maxStarts = 50

interface LineStart {
  at: number
  /** What stands behind the word and what separates it. */
  rest: string
  end: number
}

const withSeparators = callPattern(calls => `${commandStart(calls)}${separators}`, 'u')

function startAt(text: string, at: number, calls: string): LineStart | undefined {
  const feed = text.indexOf('\n', at)
  const end = feed === -1 ? text.length : feed
  const line = text.slice(at, end)
  const match = withSeparators(calls).exec(line)
  if (!match) return undefined
  return { at, rest: line.slice(match[0].length), end }
}

const wholeStarts = callPattern(commandStart, 'gmu')
