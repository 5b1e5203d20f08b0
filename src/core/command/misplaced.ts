/** Finds commands where none are read (list, heading, table, indented line, behind a courtesy), to tell the writer. */
import { usualTrigger } from '../settings/trigger-words.ts'
import { namesWord, type SeenText } from './find.ts'
import { misplacedStarts } from './line-start.ts'
import { wordPattern } from './word-pattern.ts'

const anyPlace = wordPattern(word => misplacedStarts.map(start => `(?:${start(word)})`).join('|'), 'mu')
const indentedStart = wordPattern(word => String.raw`^(?: {4,}|\t)[ \t]*/${word}(?![\w/-])`, 'im')

export const mayBeMisplaced = (text: string, word = usualTrigger.word): boolean =>
  namesWord(text, word) && anyPlace(word).test(text)

/** Of a text without a command. Not in code, quotes, links and what is folded; not where the page could not be seen. */
export function isMisplaced({ text, page }: SeenText, word = usualTrigger.word): boolean {
  if (!page || !mayBeMisplaced(text, word)) return false
  const starts = page.own.map(({ at, plain }) => page.text.slice(at, at + plain).split('\n', 1)[0] ?? '')
  return (
    [...starts, ...page.elsewhere].some(line => anyPlace(word).test(line)) ||
    // Indented lines are rarely meant as code.
    (indentedStart(word).test(text) && page.indented.some(line => indentedStart(word).test(`    ${line}`)))
  )
}
