/**
 * The grammar, total: any text gives commands or mistakes as values, never an exception.
 *
 *   /codex                         the thread itself is the instruction
 *   /codex [options] <words>       an instruction: the rest of the line and the lines below it
 *   /codex <command> [options] …   one of the grammar; options before its name count as well
 *
 *   `--` before the words says that they are an instruction, whatever command or template has the name of the first,
 *   and whatever stands at their end.
 *
 *   option  = --name value | --name=value | --switch | --switch=true
 *   value   = word | "several words"
 *
 * Options stand before the words, at the end of their line, on lines of their own below it or at the very end. In the
 * middle of words, right behind a `--`, and where the sentence speaks of them (`fix the --new`), they are words. What
 * phones make of the two hyphens counts as well, and one hyphen before the name of an option. A slip in the name of an
 * option is told wherever options may stand.
 *
 * A mention of the App is the same as `/codex`: `@my-app fix it`, `@my-app[bot] fix it`, `@my-app /codex fix it`.
 *
 * A command that takes nothing is one only when nothing but politeness follows on its
 * line: `/codex stop please` stops, `/codex stop the retry loop from spinning` is an instruction.
 *
 * A first word that is a slip of a command's name starts nothing, whatever follows: `near-miss.ts`.
 */
import { type CommandGrammar, instruction } from '../model/command-grammar.ts'
import { usualTrigger } from '../settings/deployment-settings.ts'
import { type CommandText, findCommands, type SeenText } from './find.ts'
import type { Misplaced } from './misplaced.ts'
import { commandMeant, isSlip, nearest } from './near-miss.ts'
import { infoOf, type OptionName, Options, optionOf, optionWords } from './options.ts'

export interface WrittenCommand {
  name: string
  options: Options
  text: string
  /** The words stand behind `--`, so that the first of them names no template. */
  literal?: true
}

export type Mistake =
  | Misplaced
  | { kind: 'unknown-option'; given: string; meant: string | undefined }
  | { kind: 'unknown-command'; given: string; meant: string }
  | { kind: 'missing-value'; option: OptionName }
  | { kind: 'bad-value'; option: OptionName; given: string; meant: string | undefined }
  | { kind: 'option-twice'; option: OptionName }
  | { kind: 'no-options-here'; command: string }
  | { kind: 'too-many'; max: number }
  | { kind: 'unreadable'; why: 'page' | 'cut' }

/**
 * @param line what stands on the line of the command, without the lines below
 * @param hides the page does not show all that was written with it
 * @param replaces what stood there before an edit
 */
export type Parsed =
  | {
      kind: 'command'
      command: WrittenCommand
      line: string
      hides: boolean
      replaces?: WrittenCommand
    }
  | Mistake

export const isMistake = (parsed: Parsed): parsed is Mistake => parsed.kind !== 'command'

const maxCommands = 10

export const commandParser = (
  grammars: readonly CommandGrammar[],
): ((seen: SeenText, calls?: string, templates?: readonly string[]) => Parsed[]) => {
  const words: GrammarOfWord = new Map(
    grammars
      .filter(({ name }) => name !== instruction)
      .flatMap(grammar => [grammar.name, ...(grammar.aliases ?? [])].map(word => [word, grammar])),
  )
  return (seen, calls = usualTrigger.word, templates = []) => {
    const { commands: found, unreadable } = findCommands(seen, calls)
    const all = found.map(each => parseCommand({ words, templates }, each))
    const different = [...new Map(all.map(parsed => [sameness(parsed), parsed])).values()]
    return [
      ...different.slice(0, maxCommands),
      ...(different.length > maxCommands ? [{ kind: 'too-many', max: maxCommands } as const] : []),
      ...(unreadable ? [{ kind: 'unreadable', why: unreadable } as const] : []),
    ]
  }
}

type GrammarOfWord = ReadonlyMap<string, CommandGrammar>

const sameness = (parsed: Parsed) =>
  isMistake(parsed) ? JSON.stringify(parsed) : nameOf(parsed.command)

/** The same for a command wherever it stands. */
export const nameOf = (command: WrittenCommand): string => JSON.stringify(command)

/**
 * What an edit asks: what stood there asks nothing again, nor does it for another line below. What is new replaces what
 * went, in their order.
 */
export function newCommands(before: readonly Parsed[], after: readonly Parsed[]): Parsed[] {
  const old = [...before]
  const takeOld = (isSame: (each: Parsed) => boolean) => {
    const at = old.findIndex(isSame)
    if (at !== -1) old.splice(at, 1)
    return at !== -1
  }
  const fresh = after
    .filter(each => !takeOld(was => sameness(was) === sameness(each)))
    .filter(each => !takeOld(was => !isMistake(was) && !isMistake(each) && was.line === each.line))
  const gone = old.flatMap(was => (isMistake(was) ? [] : [was.command]))
  return fresh.map(each => (isMistake(each) ? each : { ...each, replaces: gone.shift() }))
}

interface Names {
  words: GrammarOfWord
  /** The names of the repository's templates. They are asked for only where a name looks like a slip. */
  templates: readonly string[]
}

function parseCommand(names: Names, { line, below, hides }: CommandText): Parsed {
  const before = takeOptions(line)
  if (before.kind !== 'options') return before
  const named = takeNameAndEnd(names, before)
  if (named.kind !== 'named') return named
  const taken = takeAllOptions(named.command, { line: named.rest, below, before: named.options })
  const { name, takes, options: takesOptions } = named.command
  const isGiven = taken.kind === 'options' && Object.keys(taken.options).length > 0
  if (!takesOptions && (isGiven || taken.kind === 'unknown-option'))
    return { kind: 'no-options-here', command: name }
  if (taken.kind !== 'options') return taken
  const text = takes === 'nothing' ? '' : `${taken.rest}\n${taken.below}`.trim()
  return {
    kind: 'command',
    command: { name, options: taken.options, text, literal: taken.literal },
    line,
    hides: hides && text !== '',
  }
}

const politeness =
  /^(?:\s*(?:please|pls|now|it|this|that|here|again|everything|all|the|run|thanks|thank|you|immediately)\b|\s*[\p{P}\p{S}])*\s*$/iu

type GrammarOfName = Pick<CommandGrammar, 'name' | 'takes' | 'options'>

const instructionGrammar: GrammarOfName = { name: instruction, takes: 'text', options: true }

interface IsNamed {
  kind: 'named'
  command: GrammarOfName
  rest: string
}

/** The options at the end are taken first: what is left says whether a command of no words is meant. */
function takeNameAndEnd(
  names: Names,
  before: TakenOptions,
): (IsNamed & { options: Options }) | Mistake {
  const line = before.rest
  const end = endOfOptions.test(line) ? line.length : optionsAtEnd(line)
  const named = takeName(names, line.slice(0, end).trimEnd())
  if (named.kind !== 'named') return named
  if (end === line.length) return { ...named, options: before.options }
  // `/codex plan -- how --force`
  if (endOfOptions.test(named.rest))
    return { ...named, rest: `${named.rest}${line.slice(end - 1)}`, options: before.options }
  const taken = takeOptions(line.slice(end), before.options)
  return taken.kind === 'options' ? { ...named, options: taken.options } : taken
}

function takeName({ words, templates }: Names, line: string): IsNamed | Mistake {
  const match = /^(\S+)\s*/.exec(line)
  if (!match?.[1]) return { kind: 'named', command: instructionGrammar, rest: '' }
  const given = match[1].replace(/[.!?,;:…。！，？；：]+$/, '')
  const word = given.toLowerCase()
  const rest = line.slice(match[0].length)
  const command = words.get(word || match[1])
  if (command) {
    const beginsOptions = (command.options && optionAt(rest) !== undefined) || /^--\w/.test(rest)
    if (command.takes === 'text' || politeness.test(rest) || beginsOptions)
      return { kind: 'named', command, rest }
  }
  const isKnown = command !== undefined || templates.some(name => name.toLowerCase() === word)
  if (isKnown) return { kind: 'named', command: instructionGrammar, rest: line }
  const meant = commandMeant(word, [...words.keys()], rest === '')
  if (meant === undefined) return { kind: 'named', command: instructionGrammar, rest: line }
  return { kind: 'unknown-command', given, meant: words.get(meant)?.name ?? meant }
}

/** Options with a slip, or without their value, are options, too: their writer is told so. */
function isNothingButOptions(text: string): boolean {
  let rest = text
  do {
    const given = optionAt(rest)
    const name = given && (given.name ?? slipOf(given, rest))
    if (!given || !name) return false
    const isSwitch = infoOf(name).takes.kind === 'nothing'
    if (isSwitch && !/^(?:=|[.!?,;…]*(?:\s|$))/.test(given.after)) return false
    const value = isSwitch ? undefined : takeValue(given.after, false)
    if (value && !mayBeMeant(name, value.given)) return false
    rest = value?.rest ?? given.after.replace(isSwitch ? /^=\S*/ : /^=/, '').trimStart()
  } while (!thanks.test(rest))
  return true
}

/** `fix the --effort option` has none. */
function mayBeMeant(name: OptionName, value: string) {
  const { takes } = infoOf(name)
  const given = value.toLowerCase()
  return takes.kind === 'choice'
    ? nearest(given, takes.of) !== undefined
    : !/^(?:option|flag|switch|parameter|argument|setting|value)s?\b/.test(given)
}

/** Others' options may be close, too: what is short, or begins with one hyphen, is theirs. */
function slipOf({ given, meant }: WrittenOption, text: string) {
  const isOurs = meant !== undefined && meant.length > 3 && !/^-[A-Za-z]/.test(text)
  return isOurs && isSlip(given.toLowerCase(), meant) ? optionOf(meant) : undefined
}

const thanks =
  /^(?:\s*(?:please|pls|plz|thanks|thank you)\b|\s*(?:[.!?,;…\p{Extended_Pictographic}]|\ufe0f))*\s*$/iu

/** Reads the last words of a line only: more options than there are can't stand there. */
const mostAtEnd = 2 * optionWords.length

/** What stands before an option that is a word of the sentence, or another program's. */
const spokenOf = /(?:^|\s)(?:--|the|an?|this|that|its|our|your|my|option|flag|switch)\s+$/i

/** Where the options at the end of a line begin; its length if there are none. */
function optionsAtEnd(line: string) {
  const starts = [...line.matchAll(/(?<=\s)(?:--?|[‒–—―−]{1,2})[A-Za-z]/g)].slice(-mostAtEnd)
  const start = starts.find(({ index }) => isNothingButOptions(line.slice(index)))
  return start && !spokenOf.test(line.slice(0, start.index)) ? start.index : line.length
}

/** Phones turn two hyphens into a dash. One is also a sign for negative numbers, lists and others' options. */
function optionAt(text: string) {
  const [start, hyphens, given = ''] = /^(--|[‒–—―−]{1,2}|-)([A-Za-z][\w-]*)/.exec(text) ?? []
  if (start === undefined) return undefined
  const word = given.toLowerCase()
  const name = optionOf(word)
  const meant = name === undefined ? nearest(word, optionWords) : undefined
  if (hyphens === '-' && name === undefined && meant === undefined) return undefined
  return { given, name, meant, after: text.slice(start.length) }
}

type WrittenOption = NonNullable<ReturnType<typeof optionAt>>

interface TakenOptions {
  kind: 'options'
  options: Options
  rest: string
}

function takeOptions(line: string, before: Options = {}): TakenOptions | Mistake {
  let taken: TakenOptions = { kind: 'options', options: before, rest: line }
  for (let given = optionAt(line); given; given = optionAt(taken.rest)) {
    const option = takeOption(given)
    if (option.kind !== 'option') return option
    const { name, set, rest } = option
    if (taken.options[name] !== undefined) return { kind: 'option-twice', option: name }
    taken = { kind: 'options', options: { ...taken.options, ...set }, rest }
  }
  return taken
}

const endOfOptions = /^--(?:\s+|$)/

type TakenBelow = TakenOptions & { below: string; literal?: true }

function takeAllOptions(
  grammar: GrammarOfName,
  { line, below, before }: { line: string; below: string; before: Options },
): TakenBelow | Mistake {
  const onLine = takeOptions(line, before)
  if (onLine.kind !== 'options') return onLine
  const taken = takeLinesBelow(grammar, { ...onLine, below })
  if (taken.kind !== 'options') return taken
  if (endOfOptions.test(taken.rest))
    return { ...taken, rest: taken.rest.replace(endOfOptions, ''), literal: true }
  const end = lastLines(taken.below)
  const atEnd = takeOptions(asLine(taken.below.slice(end)), taken.options)
  if (atEnd.kind !== 'options') return atEnd
  return { ...taken, options: atEnd.options, below: taken.below.slice(0, end).trimEnd() }
}

/** Below words, which may speak of options, only lines of nothing but options count: the first ones. */
function takeLinesBelow({ takes }: GrammarOfName, onLine: TakenBelow): TakenBelow | Mistake {
  let taken = onLine
  while (!endOfOptions.test(taken.rest)) {
    const [start = '', next = ''] = /^\s*(\S[^\n]*)\n?/.exec(taken.below) ?? []
    const given = optionAt(next)
    const isBelowWords = taken.rest !== '' || takes === 'nothing'
    if (!given || (isBelowWords && given.name === undefined && !isNothingButOptions(next))) break
    const more = takeOptions(next, taken.options)
    if (more.kind !== 'options') return more
    if (isBelowWords && more.rest !== '') break
    taken = { ...more, rest: taken.rest || more.rest, below: taken.below.slice(start.length) }
  }
  return taken
}

/** Where the lines at the end of a text begin that hold only options; its length if there are none. */
function lastLines(text: string) {
  let start = text.length
  for (let lines = 0; lines < mostAtEnd && start > 0; lines++) {
    const before = text.lastIndexOf('\n', start - 1)
    const line = text.slice(before + 1, start).trim()
    if (line !== '' && !/^[-‒–—―−]/.test(line)) break
    start = Math.max(before, 0)
  }
  return isNothingButOptions(asLine(text.slice(start))) ? start : text.length
}

const asLine = (text: string) => text.replace(/\s+/g, ' ').trim()

function takeOption(
  at: WrittenOption,
): { kind: 'option'; name: OptionName; set: Options; rest: string } | Mistake {
  const { given, name, meant, after } = at
  if (name === undefined) return { kind: 'unknown-option', given, meant }
  const { takes } = infoOf(name)
  const value =
    takes.kind === 'nothing'
      ? takeSwitch(after, takes.means)
      : takeValue(after, takes.kind === 'choice')
  if (!value) return { kind: 'missing-value', option: name }
  if (value.means === undefined) return { kind: 'option', name, set: {}, rest: value.rest }
  const { success, data: set } = Options.safeParse({ [name]: value.means })
  if (success) return { kind: 'option', name, set, rest: value.rest }
  const near = takes.kind === 'choice' ? nearest(value.given.toLowerCase(), takes.of) : undefined
  return { kind: 'bad-value', option: name, given: value.given, meant: near }
}

/** `--new`, `--new=true`, and `--new=false`, which is as good as nothing. */
function takeSwitch(after: string, means: unknown) {
  const [whole = '', given = ''] = /^=(\S*)/.exec(after) ?? []
  const rest = after.slice(whole.length).trimStart()
  if (whole === '' || /^"?(?:true|yes|on|1)"?$/i.test(given)) return { given, means, rest }
  return {
    given: given || '=',
    means: /^"?(?:false|no|off|0)"?$/i.test(given) ? undefined : given,
    rest,
  }
}

function takeValue(after: string, anyCase: boolean) {
  const match = /^(?:=|\s+)(?:"([^"\n]*)"|“([^”\n]*)”|(?!--)(\S+))\s*/.exec(after)
  const given = match?.[1] ?? match?.[2] ?? match?.[3] ?? ''
  if (!match || given === '') return undefined
  return { given, means: anyCase ? given.toLowerCase() : given, rest: after.slice(match[0].length) }
}
