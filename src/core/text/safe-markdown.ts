/**
 * Other people's words inside our comments: the instruction and whatever the agent says. They keep their
 * shape, but can't mention anyone, refer to issues, show images, hide links, carry HTML or give commands.
 */

import { withoutMarkers } from '../model/marker.ts'
import { blocks, countable, disarm, isHarmless } from './harmless-nodes.ts'
import { isHeavy } from './heavy-markdown.ts'
import { readMarkdown, writeMarkdown } from './markdown.ts'
import { keepingRecent } from './recent-texts.ts'
import { stripInvisible } from './untrusted.ts'
import { timeFor, withinTime } from './within-time.ts'

/** Words as a block quote: whose words they are is plain, and no line of them begins with a command. */
export function quoted(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).trimEnd()} …` : text
  const safe = safeMarkdown(cut)
  // Signs grow when they are made safe, and who cuts the comment later may cut off what makes them so.
  if (safe.length > 2 * maxLength + 1_000) return quoted(text, Math.floor(maxLength / 2))
  return safe
    .split('\n')
    .map(line => (line === '' ? '>' : `> ${line}`))
    .join('\n')
}

/** What can't be read as GitHub will read it, or not in good time, is shown as it was written, as code. */
export function safeMarkdown(text: string): string {
  const source = withoutMarkers(stripInvisible(text))
  return inTime(source) ?? asCode(source)
}

/** The status is written at each step of a Run, with the same words in it. */
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

/** A block of code around any text, written by hand as it is what is left when nothing else can be. */
function asCode(source: string): string {
  const value = countable(source)
  const fence = '`'.repeat(Math.max(3, longestRow(value) + 1))
  return `${fence}\n${value}\n${fence}`
}

const longestRow = (text: string): number =>
  (text.match(/`+/g) ?? []).reduce((longest, row) => Math.max(longest, row.length), 0)

/**
 * One line of somebody's words inside a sentence of ours. An address in it is no link: a link would go on over
 * the backslashes behind it, and what they keep from acting would act.
 */
export function inlineWords(text: string, maxLength: number): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ').trim()
  const cut = line.length > maxLength ? `${line.slice(0, maxLength).toWellFormed().trimEnd()}…` : line
  return disarm(cut.replace(/[\\`*_{}[\]<>|~&$]|:(?=\/\/)|(?<=www)\./gi, character => `\\${character}`))
}

/** More of a name or a value is of no use, and who cuts the comment later would cut off the end of the code. */
const maxCode = 500

export function code(text: string): string {
  const line = withoutMarkers(stripInvisible(text)).replace(/\s+/g, ' ')
  const clean = countable(line.length > maxCode ? `${line.slice(0, maxCode).toWellFormed()}…` : line || ' ')
  const fence = '`'.repeat(longestRow(clean) + 1)
  const pad = clean.startsWith('`') || clean.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${clean}${pad}${fence}`
}
