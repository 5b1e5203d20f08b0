/** Small pieces of sentences: beginnings and ends, times, counts, money. */

export const begun = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}`

export const ended = (words: string): string => words.trimEnd().replace(/(?<![.!?…])$/, '.')

export const timeOfDay = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)

export const dayAndTime = (at: number): string => `${dayOf(at)} ${timeOfDay(at)}`

export const moment = (at: number, now: number): string =>
  dayOf(at) === dayOf(now) ? timeOfDay(at) : dayAndTime(at)

/** A part that is not there may be an empty text, too. */
export const withoutEmpty = (parts: readonly (string | false | undefined)[]): string[] =>
  parts.flatMap(part => part || [])

export const paragraphs = (parts: readonly (string | false | undefined)[]): string =>
  withoutEmpty(parts).join('\n\n')

export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

/** An amount is code, as two dollars in one line may be a formula. */
export const dollars = (amount: number): string => `\`$${amount.toFixed(2).replace(/\.00$/, '')}\``

export function exactly(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60)
    return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Is longer than any row of backticks in the code. */
export const fenceFor = (code: string, least = 1): string =>
  (code.match(/`+/g) ?? []).reduce(
    (fence, row) => (row.length < fence.length ? fence : `${row}\``),
    '`'.repeat(least),
  )

export function inlineCode(text: string): string {
  const fence = fenceFor(text)
  const pad = /^`|`$/.test(text) ? ' ' : ''
  return fence + pad + text + pad + fence
}

/** A set of words that stand one after the other. */
export const wordSet = (words: string): ReadonlySet<string> => new Set(words.split(' '))
