/**
 * The grammar, total: any text gives commands or mistakes as values, never an exception.
 *
 *   /codex                         the thread itself is the instruction
 *   /codex [options] <words>       an instruction: the rest of the line and the lines below it
 *   /codex <command> [options] …   one of the grammar; options before its name count as well
 *
 *   `--` before the words says that they are an instruction, whatever template has the name of the first.
 *
 *   option  = --name value | --name=value | --switch      (before the words; `--` ends them)
 *   value   = word | "several words"
 *
 * What phones make of the two hyphens counts as well, and one hyphen before the name of an option. Below the line
 * of a command, lines of nothing but options are options, too.
 *
 * Any command takes `--dry-run`.
 *
 * A command that takes nothing is one only when nothing but politeness follows on its
 * line: `/codex stop please` stops, `/codex stop the retry loop from spinning` is an instruction.
 */
import { distance } from 'fastest-levenshtein'
import { type CommandGrammar, instruction } from '../model/command-grammar.ts'
import { usualTrigger } from '../settings/deployment-settings.ts'
import { type CommandText, findCommands, type SeenText } from './find.ts'
import { infoOf, type OptionName, Options, optionOf, optionWords } from './options.ts'

interface Command {
  name: string
  options: Options
  text: string
  /** Behind `--`: its first word names no template. */
  literal?: true
}

export type Mistake =
  | { kind: 'unknown-option'; given: string; meant: string | undefined }
  | { kind: 'unknown-command'; given: string; meant: string }
  | { kind: 'missing-value'; option: OptionName }
  | { kind: 'bad-value'; option: OptionName; given: string; meant: string | undefined }
  | { kind: 'option-twice'; option: OptionName }
  | { kind: 'no-options-here'; command: string }
  | { kind: 'too-many'; max: number }
  | { kind: 'unreadable' }

/**
 * @param line what stands on the line of the command, without the lines below
 * @param hides the page does not show all that was written with it
 */
export type Parsed = { kind: 'command'; command: Command; line: string; hides: boolean } | Mistake

export const isMistake = (parsed: Parsed): parsed is Mistake => parsed.kind !== 'command'

const maxCommands = 10

export const commandParser = (
  grammars: readonly CommandGrammar[],
): ((seen: SeenText, word?: string) => Parsed[]) => {
  const words: Words = new Map(
    grammars
      .filter(({ name }) => name !== instruction)
      .flatMap(grammar => [grammar.name, ...(grammar.aliases ?? [])].map(word => [word, grammar])),
  )
  return (seen, word = usualTrigger.word) => {
    const { commands: found, unreadable } = findCommands(seen, word)
    const all = found.map(each => parseCommand(words, each))
    const different = [...new Map(all.map(parsed => [sameness(parsed), parsed])).values()]
    return [
      ...different.slice(0, maxCommands),
      ...(different.length > maxCommands ? [{ kind: 'too-many', max: maxCommands } as const] : []),
      ...(unreadable ? [{ kind: 'unreadable' } as const] : []),
    ]
  }
}

type Words = ReadonlyMap<string, CommandGrammar>

const sameness = (parsed: Parsed): string => JSON.stringify(isMistake(parsed) ? parsed : parsed.command)

/** What an edit asks: what stood there asks nothing again, nor does it for another line below. */
export function newCommands(before: readonly Parsed[], after: readonly Parsed[]): Parsed[] {
  const old = [...before]
  const takeOld = (isSame: (each: Parsed) => boolean): boolean => {
    const at = old.findIndex(isSame)
    if (at !== -1) old.splice(at, 1)
    return at !== -1
  }
  return after
    .filter(each => !takeOld(was => sameness(was) === sameness(each)))
    .filter(each => !takeOld(was => !isMistake(was) && !isMistake(each) && was.line === each.line))
}

function parseCommand(words: Words, { line, below, hides }: CommandText): Parsed {
  const before = takeOptions(line)
  if (before.kind !== 'options') return before
  const named = takeName(words, before.rest)
  if (named.kind !== 'named') return named
  const taken = takeAllOptions(named.command, { line: named.rest, below, before: before.options })
  if (taken.kind !== 'options') return taken
  const { name, takes, options: takesOptions } = named.command
  const gaveOptions = Object.keys(taken.options).some(option => option !== 'dryRun')
  if (gaveOptions && !takesOptions) return { kind: 'no-options-here', command: name }
  const text = takes === 'nothing' ? '' : `${taken.rest}\n${taken.below}`.trim()
  return {
    kind: 'command',
    command: { name, options: taken.options, text, ...(taken.literal ? { literal: true } : {}) },
    line,
    hides: hides && text !== '',
  }
}

const politeness =
  /^(?:\s*(?:please|pls|now|it|this|that|here|again|everything|all|the|run|thanks|thank|you|immediately)\b|\s*[\p{P}\p{S}])*\s*$/iu

type Named = Pick<CommandGrammar, 'name' | 'takes' | 'options'>

const unnamed: Named = { name: instruction, takes: 'text', options: true }

function takeName(words: Words, line: string): { kind: 'named'; command: Named; rest: string } | Mistake {
  const match = /^(\S+)\s*/.exec(line)
  if (!match?.[1]) return { kind: 'named', command: unnamed, rest: '' }
  const word = match[1].toLowerCase().replace(/[.!,;:…。！，；：]+$/, '')
  const rest = line.slice(match[0].length)
  const command = words.get(word)
  if (command) {
    const beginsOptions = (command.options && optionAt(rest) !== undefined) || /^--\w/.test(rest)
    if (command.takes === 'text' || politeness.test(rest) || beginsOptions)
      return { kind: 'named', command, rest }
  }
  const meant =
    command || rest !== ''
      ? undefined
      : nearest(
          word,
          [...words.keys()].filter(({ length }) => length > 1),
        )
  return meant === undefined
    ? { kind: 'named', command: unnamed, rest: line }
    : { kind: 'unknown-command', given: match[1], meant: words.get(meant)?.name ?? meant }
}

interface Given {
  given: string
  name: OptionName | undefined
  meant: string | undefined
  after: string
}

/** Phones turn two hyphens into a dash. One is also a sign for negative numbers, lists and others' options. */
function optionAt(text: string): Given | undefined {
  const [start, hyphens, given = ''] = /^(--|[‒–—―−]{1,2}|-)([A-Za-z][\w-]*)/.exec(text) ?? []
  if (start === undefined) return undefined
  const word = given.toLowerCase()
  const name = optionOf(word)
  const meant = name === undefined ? nearest(word, optionWords) : undefined
  if (hyphens === '-' && name === undefined && meant === undefined) return undefined
  return { given, name, meant, after: text.slice(start.length) }
}

interface Taken {
  kind: 'options'
  options: Options
  rest: string
}

function takeOptions(line: string, before: Options = {}): Taken | Mistake {
  let found = before
  let rest = line
  for (let given = optionAt(rest); given; given = optionAt(rest)) {
    const option = takeOption(given)
    if (option.kind !== 'option') return option
    if (found[option.name] !== undefined) return { kind: 'option-twice', option: option.name }
    found = { ...found, ...option.set }
    rest = option.rest
  }
  return { kind: 'options', options: found, rest }
}

const endOfOptions = /^--(?:\s+|$)/

/** Below words, which may speak of options, only lines of nothing but known options count. */
function takeAllOptions(
  { takes }: Named,
  { line, below, before }: { line: string; below: string; before: Options },
): (Taken & { below: string; literal: boolean }) | Mistake {
  let taken = takeOptions(line, before)
  let rest = below
  while (taken.kind === 'options' && !endOfOptions.test(taken.rest)) {
    const [start = '', next = ''] = /^\s*(\S[^\n]*)\n?/.exec(rest) ?? []
    const given = optionAt(next)
    const isBelowWords = taken.rest !== '' || takes === 'nothing'
    if (!given || (isBelowWords && given.name === undefined)) break
    const more = takeOptions(next, taken.options)
    if (more.kind !== 'options') return more
    if (isBelowWords && more.rest !== '') break
    taken = { ...more, rest: taken.rest || more.rest }
    rest = rest.slice(start.length)
  }
  return taken.kind === 'options'
    ? {
        ...taken,
        rest: taken.rest.replace(endOfOptions, ''),
        below: rest,
        literal: endOfOptions.test(taken.rest),
      }
    : taken
}

function takeOption({
  given,
  name,
  meant,
  after,
}: Given): { kind: 'option'; name: OptionName; set: Options; rest: string } | Mistake {
  if (name === undefined) return { kind: 'unknown-option', given, meant }
  const { takes } = infoOf(name)
  const value =
    takes.kind === 'nothing'
      ? { given: '', means: takes.means, rest: after.trimStart() }
      : takeValue(after, takes.kind === 'choice')
  if (!value) return { kind: 'missing-value', option: name }
  const { success, data: set } = Options.safeParse({ [name]: value.means })
  if (success) return { kind: 'option', name, set, rest: value.rest }
  const near = takes.kind === 'choice' ? nearest(value.given.toLowerCase(), takes.of) : undefined
  return { kind: 'bad-value', option: name, given: value.given, meant: near }
}

interface Value {
  given: string
  means: unknown
  rest: string
}

function takeValue(after: string, anyCase: boolean): Value | undefined {
  const match = /^(?:=|\s+)(?:"([^"\n]*)"|“([^”\n]*)”|(?!--)(\S+))\s*/.exec(after)
  const given = match?.[1] ?? match?.[2] ?? match?.[3] ?? ''
  if (!match || given === '') return undefined
  return { given, means: anyCase ? given.toLowerCase() : given, rest: after.slice(match[0].length) }
}

export function nearest(given: string, known: readonly string[]): string | undefined {
  const close = known
    .map(word => ({ word, away: distance(given, word) }))
    .filter(({ word, away }) => away <= (word.length <= 4 ? 1 : 2) || isSwap(given, word))
    .sort((a, b) => a.away - b.away)
  return close[0]?.word
}

/** Swapped neighbours, the commonest slip, count as two for Levenshtein. */
function isSwap(given: string, word: string): boolean {
  if (given.length !== word.length) return false
  const wrong = [...word].flatMap((letter, i) => (given[i] === letter ? [] : [i]))
  const [first, second] = wrong
  return (
    wrong.length === 2 &&
    first !== undefined &&
    second === first + 1 &&
    given[first] === word[second] &&
    given[second] === word[first]
  )
}
