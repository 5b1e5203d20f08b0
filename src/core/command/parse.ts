/**
 * The grammar, total: any text gives commands or mistakes as values, never an exception.
 *
 *   /codex                         the thread itself is the instruction
 *   /codex [options] <words>       an instruction: the rest of the line and the lines below it
 *   /codex <command> [options] …   one of the table
 *
 *   option  = --name value | --name=value | --switch      (before the words; `--` ends them)
 *   value   = word | "several words"
 *
 * A word of the table that takes nothing is a command only when nothing but politeness follows on its
 * line: `/codex stop please` stops, `/codex stop the retry loop from spinning` is an instruction.
 */
import { distance } from 'fastest-levenshtein'
import { efforts, type ReasoningEffort } from '../agent/run-request.ts'
import { type CommandText, findCommands } from './find.ts'
import { aliases, type CommandName, commands, type OptionName, options } from './table.ts'

export interface Options {
  model?: string
  effort?: ReasoningEffort
  branch?: string
  new?: true
  sandbox?: string
  'as-user'?: true
  'signal-report'?: string
}

export interface Command {
  name: CommandName
  options: Options
  /** The words of the command; empty when the thread itself is meant. */
  text: string
}

/** What is wrong, as a value: every kind has its own sentence. */
export type Mistake =
  | { mistake: 'unknown-option'; given: string; meant: string | undefined }
  | { mistake: 'unknown-command'; given: string; meant: CommandName }
  | { mistake: 'missing-value'; option: OptionName }
  | { mistake: 'bad-value'; option: OptionName; given: string; meant: string | undefined }
  | { mistake: 'option-twice'; option: OptionName }
  | { mistake: 'no-options-here'; command: CommandName }
  | { mistake: 'too-many'; most: number }
  | { mistake: 'unreadable' }

export type Parsed = { command: Command } | Mistake

export const isMistake = (parsed: Parsed): parsed is Mistake => 'mistake' in parsed

/** Each command is answered, so a text must not hold as many as its writer likes. */
const mostCommands = 10

/** What is said twice counts once. */
export function parseCommands(text: string): Parsed[] {
  const { commands: found, unreadable } = findCommands(text)
  const all: Parsed[] = found.map(parseCommand)
  const different = [...new Map(all.map(parsed => [JSON.stringify(parsed), parsed])).values()]
  return [
    ...different.slice(0, mostCommands),
    ...(different.length > mostCommands ? [{ mistake: 'too-many', most: mostCommands } as const] : []),
    ...(unreadable ? [{ mistake: 'unreadable' } as const] : []),
  ]
}

function parseCommand({ line, below }: CommandText): Parsed {
  const named = takeName(line)
  if ('mistake' in named) return named
  const taken = takeOptions(named.rest)
  if ('mistake' in taken) return taken
  const info = commands[named.name]
  const gaveOptions = Object.keys(taken.options).length > 0
  if (gaveOptions && !info.options) return { mistake: 'no-options-here', command: named.name }
  if (info.takes === 'nothing') return { command: { name: named.name, options: taken.options, text: '' } }
  const text = `${taken.rest}\n${below}`.trim()
  return { command: { name: named.name, options: taken.options, text } }
}

const politeness =
  /^(?:\s*(?:please|pls|now|it|this|that|here|again|everything|all|the|run|thanks|thank|you|immediately)\b|\s*[\p{P}\p{S}])*\s*$/iu

/** The command that a line names, and what is left of it; an instruction without a name is a `run`. */
function takeName(line: string): { name: CommandName; rest: string } | Mistake {
  const match = /^(\S+)\s*/.exec(line)
  if (!match?.[1]) return { name: 'run', rest: '' }
  const word = match[1].toLowerCase().replace(/[.!,;:]+$/, '')
  const rest = line.slice(match[0].length)
  const name = commandNamed(word)
  if (name) return commands[name].takes === 'text' || takesLine(name, rest) ? { name, rest } : whole(line)
  const meant = rest === '' ? nearest(word, commandWords) : undefined
  return meant
    ? { mistake: 'unknown-command', given: match[1], meant: commandNamed(meant) ?? 'help' }
    : whole(line)
}

const whole = (line: string): { name: CommandName; rest: string } => ({ name: 'run', rest: line })

const takesLine = (name: CommandName, rest: string): boolean =>
  politeness.test(rest) || (commands[name].options && isOption(rest)) || /^--\w/.test(rest)

/** `run` is what any other words are; were it a word of its own, "run the tests" would lose its verb. */
const commandWords = [...Object.keys(commands).filter(word => word !== 'run'), ...Object.keys(aliases)]

function commandNamed(word: string): CommandName | undefined {
  if (isKey(aliases, word)) return aliases[word]
  return isKey(commands, word) && word !== 'run' ? word : undefined
}

const isKey = <T extends object>(table: T, word: string): word is keyof T & string =>
  Object.hasOwn(table, word)

/** Phones write two hyphens as a dash. */
const optionStart = /^(?:--|[–—])(?=[A-Za-z])/

const isOption = (text: string): boolean => optionStart.test(text)

function takeOptions(line: string): { options: Options; rest: string } | Mistake {
  let found: Options = {}
  let rest = line
  while (isOption(rest)) {
    const option = takeOption(rest)
    if ('mistake' in option) return option
    if (Object.keys(option.set).some(name => isKey(found, name)))
      return { mistake: 'option-twice', option: option.name }
    found = { ...found, ...option.set }
    rest = option.rest
  }
  return { options: found, rest: rest.replace(/^--(?:\s+|$)/, '') }
}

function takeOption(text: string): { name: OptionName; set: Options; rest: string } | Mistake {
  const match = /^(?:--|[–—])([A-Za-z][\w-]*)/.exec(text)
  const given = match?.[1] ?? ''
  const name = given.toLowerCase()
  if (!isKey(options, name))
    return { mistake: 'unknown-option', given, meant: nearest(name, Object.keys(options)) }
  const after = text.slice(match?.[0].length ?? 0)
  if (name === 'new' || name === 'as-user') return { name, set: { [name]: true }, rest: after.trimStart() }
  const value = /^(?:=|\s+)(?:"([^"\n]*)"|“([^”\n]*)”|(?!--)(\S+))\s*/.exec(after)
  const word = value?.[1] ?? value?.[2] ?? value?.[3] ?? ''
  if (!value || word === '') return { mistake: 'missing-value', option: name }
  const set = setOption(name, word)
  return 'mistake' in set ? set : { name, set, rest: after.slice(value[0].length) }
}

function setOption(name: OptionName, value: string): Options | Mistake {
  switch (name) {
    case 'effort': {
      const effort = efforts.find(known => known === value.toLowerCase())
      return effort
        ? { effort }
        : {
            mistake: 'bad-value',
            option: name,
            given: value,
            meant: nearest(value.toLowerCase(), [...efforts]),
          }
    }
    case 'model':
    case 'branch':
    case 'sandbox':
    case 'signal-report':
      return { [name]: value }
    case 'new':
    case 'as-user':
      return { [name]: true }
  }
}

/** The known word that a slip of the finger may have meant. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const close = known
    .map(word => ({ word, away: distance(given, word) }))
    .filter(({ word, away }) => away <= (word.length <= 4 ? 1 : 2) || isSwap(given, word))
    .sort((a, b) => a.away - b.away)
  return close[0]?.word
}

/** Two neighbouring letters changed places, the commonest slip, which Levenshtein counts as two. */
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
