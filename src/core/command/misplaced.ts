/** A command that stands where none is read, or a slip of the command word: its writer is told so. */
import { usualTrigger } from '../settings/deployment-settings.ts'
import { anyCase, callPattern, namesIn, slashWord } from './command-word.ts'
import type { SeenText } from './find.ts'
import { isSlip } from './near-miss.ts'
import { quotedFrom } from './quoted-mail.ts'

/**
 * Whether a command may stand where none is read: in a list, a heading or a table, indented, behind a courtesy, or with a
 * slip in its word. A mention there is no command: people mention the App in passing.
 */
export const mayBeMisplaced = (text: string, calls = usualTrigger.word): boolean =>
  (bareWord(calls).test(text) && anyPlace(calls).test(text)) || slipIn(text, calls) !== undefined

/** A command where none is read, or what is nearly one. */
export type Misplaced =
  | { kind: 'misplaced' }
  /** Nothing calls the bot, where Codex asked something. */
  | { kind: 'unaddressed' }
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
const otherWord = /^code(?:[cdrs]|cs)?$|(?:e?s|e[dr]|ing)$/

/** The word without its blank (`/codexfix`), with one too many (`/ codex`), with a slip of the keyboard, or as a mention. */
function slipIn(text: string, calls: string): Misplaced | undefined {
  const { word, app } = namesIn(calls.toLowerCase())
  const begun = text.matchAll(/^ {0,3}([/@]( ?)([\p{L}-]+))(?=[\s:,]|$)/gmu)
  return [...begun].flatMap(([, given = '', blank = '', said = '']): Misplaced[] => {
    const name = said.toLowerCase()
    if (given.startsWith('@')) {
      const isOurWord = app !== undefined && blank === '' && name === word
      return isOurWord ? [{ kind: 'unknown-word', given, meant: '/codex' }] : []
    }
    if (otherWord.test(name)) return []
    const [before, rest = ''] = name.split(word)
    const hasBlankTooMany = before === '' && blank !== '' && rest === ''
    const lacksBlank = before === '' && blank === '' && /^\p{L}+$/u.test(rest)
    if (hasBlankTooMany || lacksBlank)
      return [{ kind: 'unknown-word', given, meant: `/codex ${rest}`.trimEnd() }]
    const isNear = blank === '' && word.length > 3 && isSlip(name, word)
    return isNear ? [{ kind: 'unknown-word', given, meant: '/codex' }] : []
  })[0]
}

const indentedStart = callPattern(
  calls => String.raw`^(?: {4,}|\t)[ \t]*/${namesIn(calls).word}(?![\w/-])`,
  'im',
)

const bareWord = callPattern(calls => `/${namesIn(calls).word}`, 'i')
const blockSigns = String.raw`^[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]+)*(?:\[[ xX]\][ \t]+)?[*_~]{0,3}`
const inCell = String.raw`\|[ \t]*`

const courtesies =
  'please|pls|plz|kindly|hey|hi|hello|dear|ok|okay|so|now|then|next|and|also|great|good|cool|nice|thanks|thank|you|yes|sure|lgtm|can|could|would|will|team|all|bitte|danke|hallo|por favor|hola|gracias|merci|bonjour|svp'
const courtesyBefore = String.raw`${blockSigns}(?:(?:${courtesies
  .split('|')
  .map(anyCase)
  .join('|')}|@[\w-]{1,39}|\p{Extended_Pictographic}\ufe0f?)[,.!:;…]{0,3}[ \t]+){1,5}`
const afterSentence = String.raw`[\p{L}\p{N}]{3}[.!?…。！？]{1,3}[ \t]+`

/** Where the word begins a list item, heading or cell, or follows a courtesy or a sentence. It ends each match. */
const anyPlace = callPattern(calls => {
  const { word } = namesIn(calls)
  return [
    `${blockSigns}${slashWord(word, String.raw`\|`)}`,
    `${inCell}${slashWord(word, String.raw`\|`)}`,
    `${courtesyBefore}${slashWord(word)}`,
    `${afterSentence}${slashWord(word)}(?=[ \t]+[^ \t\n])`,
  ].join('|')
}, 'mu')
