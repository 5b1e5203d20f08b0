/**
 * Makes text of others safe in our comments: it can't mention, refer, show images, hide links, carry HTML or command.
 */

import { withoutMarkers } from '../model/marker.ts'
import { blocks, countable, disarm, isHarmless } from './harmless-nodes.ts'
import { isHeavy } from './heavy-markdown.ts'
import { stripInvisible } from './invisible.ts'
import { readMarkdown, writeMarkdown } from './markdown.ts'
import { keepingRecent } from './recent-texts.ts'
import { timeFor, withinTime } from './within-time.ts'

/** As a block quote: clearly not ours, and no line begins with a command. */
export const quoted = (text: string, maxLength: number): string => asQuote(cutSafely(text, maxLength))

/** As our own words; as a quote where a line of it may be a command, of ours or to another bot. */
export function spoken(text: string, maxLength: number): string {
  const safe = cutSafely(text, maxLength)
  return mayCommand.test(safe) ? asQuote(safe) : safe
}

/** Bots read lines as they stand, in code as well. */
const mayCommand = /^[ \t]*[/!]\w|`\/\w|^[ \t]*(?:bors|r\?) /im

function cutSafely(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).trimEnd()} …` : text
  const safe = safeMarkdown(cut)
  // Escapes add length, and a later cut could remove them.
  return safe.length > 2 * maxLength + 1_000 ? cutSafely(text, Math.floor(maxLength / 2)) : safe
}

const asQuote = (safe: string): string =>
  safe
    .split('\n')
    .map(line => (line === '' ? '>' : `> ${line}`))
    .join('\n')

/** Text that can't be parsed safely is shown as code. */
export function safeMarkdown(text: string): string {
  const source = withoutMarkers(stripInvisible(text))
  return inTime(source) ?? asCode(source)
}

/** The status repeats the same texts at each step. */
const inTime = keepingRecent(
  50,
  source => withinTime(() => ({ safe: rewritten(source) }), Math.max(totalTime, timeFor(source)))?.safe,
)

const totalTime = 40

function rewritten(source: string): string | undefined {
  const tree = isHeavy(source) ? undefined : readMarkdown(source)
  const safe = tree && writeMarkdown({ type: 'root', children: blocks(tree.children) })
  if (safe === undefined || isHeavy(safe)) return undefined
  const again = readMarkdown(safe)
  return again && isHarmless(again) ? safe : undefined
}

/** Written by hand: the fallback when nothing else works. */
function asCode(source: string): string {
  const value = countable(source)
  const fence = '`'.repeat(Math.max(3, longestRow(value) + 1))
  return `${fence}\n${value}\n${fence}`
}

const longestRow = (text: string): number =>
  (text.match(/`+/g) ?? []).reduce((longest, row) => Math.max(longest, row.length), 0)

/** One line inside a sentence of ours. Addresses do not become links: a link could swallow the escapes behind it. */
export function inlineWords(text: string, maxLength: number): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ').trim()
  const cut = line.length > maxLength ? `${line.slice(0, maxLength).toWellFormed().trimEnd()}…` : line
  return isolated(
    disarm(cut.replace(/[\\`*_{}[\]<>|~&$]|:(?=\/\/)|(?<=www)\./gi, character => `\\${character}`)),
  )
}

/** Else words that are written from right to left reorder ours beside them. */
const isolated = (words: string): string => (rightToLeft.test(words) ? `\u2068${words}\u2069` : words)

export const rightToLeft =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/** A later cut could remove the end of longer code. */
const maxCode = 500

export function code(text: string): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ')
  const clean = countable(line.length > maxCode ? `${line.slice(0, maxCode).toWellFormed()}…` : line || ' ')
  const fence = '`'.repeat(longestRow(clean) + 1)
  const pad = clean.startsWith('`') || clean.endsWith('`') ? ' ' : ''
  return isolated(`${fence}${pad}${clean}${pad}${fence}`)
}
