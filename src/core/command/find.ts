/**
 * Finds commands, seen from both sides: a line that its writer began with the command word, which is also a line of a
 * paragraph of the page itself. `\/codex` and `&#47;codex` look like one on the page alone, what is in code, quotes,
 * attributes and comments in the text alone. A mention of the App is the command word, too: its `calls` are
 * `codex @my-app`, as `callsOf` gives them, or the word alone.
 */
import { usualTrigger } from '../settings/deployment-settings.ts'
import type { SeenPage } from '../text/seen-page.ts'
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
  const written = text.replace(/\r\n?/g, '\n')
  const ownText = written.slice(0, quotedFrom(written))
  const ownPageEnd = quotedFrom(page.text)

  const starts = page.own.flatMap(({ at, plain, from }) => {
    if (at >= ownPageEnd || from >= ownText.length) return []
    const line = lineAt(page.text, at)
    const shown = commandIn(line, calls)
    // On the page the word is plain text: no link, and no code.
    const isPlain = shown !== undefined && shown.word.length <= plain
    const isWritten = commandIn(lineAt(ownText, from), calls) !== undefined
    return isPlain && isWritten ? [{ at, from, end: at + line.length, rest: shown.rest }] : []
  })
  const first = starts.slice(0, maxStarts)
  const commands = first.map(({ from, end, rest }, index): CommandText => {
    const next = first[index + 1]
    const to = next?.from ?? ownText.length
    return {
      line: rest.trim(),
      below: page.text.slice(end + 1, next?.at ?? ownPageEnd).trimEnd(),
      hides: (page.cut && !next) || page.hidden.some(place => place >= from && place < to),
    }
  })
  const allStarts = [...ownText.matchAll(startsOfLines(calls))]
  const isCut = page.cut && commands.length < allStarts.length
  return { commands, unreadable: isCut ? 'cut' : undefined }
}

/** Commands of a text that are looked at; the parser takes fewer. */
const maxStarts = 50

/** Linear time. False means that there is no command. */
export const mayHoldCommand = (text: string, calls = usualTrigger.word): boolean =>
  bareCall(calls).test(text) && text.search(startsOfLines(calls)) !== -1

const bareCall = callPattern(calls => `/${calls.replace(' ', '|')}`, 'i')
const startsOfLines = callPattern(commandStart, 'gmu')
const startOfLine = callPattern(calls => `(${commandStart(calls)})${separators}`, 'u')

/** The command word as it begins the line, and what stands behind it and what separates it. */
function commandIn(line: string, calls: string): { word: string; rest: string } | undefined {
  const [whole, word] = startOfLine(calls).exec(line) ?? []
  return word === undefined ? undefined : { word, rest: line.slice(whole?.length) }
}

function lineAt(text: string, at: number) {
  const end = text.indexOf('\n', at)
  return text.slice(at, end === -1 ? undefined : end)
}
