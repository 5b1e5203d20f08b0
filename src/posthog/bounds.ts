/** How much of what others say is taken in. Each string and list of theirs has a limit where it is parsed. */
import { z } from 'zod'

/** In code points, as PostHog counts. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : [...text.toWellFormed()].slice(0, most).join('')

/** Cut between words: half of a secret would not be known as one. A word longer than all that is left out. */
export function begunWords(text: string, most: number): string {
  if (text.length <= most) return text
  const head = text.slice(0, most)
  return `${head.slice(0, head.search(/\s\S*$/) + 1)}…`
}

/** @param most in UTF-16 units */
export const words = (most: number) => z.string().transform(text => begunWords(text, most))

/** The items that can be read among the first ones, and how many more there were. */
export const listOf = <T>(item: z.ZodType<T>, most: number) =>
  z.array(z.unknown()).transform(given => ({
    items: given.slice(0, most).flatMap(each => {
      const read = item.safeParse(each)
      return read.success ? [read.data] : []
    }),
    more: Math.max(0, given.length - most),
  }))
