/** By which words and numbers Runs are found. Titles are words of others: few of each count, cut to a length. */
import { stripInvisible } from '../text/invisible.ts'
import type { Run } from './run.ts'

/** Of a title; in characters, of a word. */
const most = { words: 12, length: 24, read: 400 }

const withWord = (word: string): string => `word ${word}`
const withNumber = (number: number): string => `word #${number}`

/** Without what letters wear: somebody who looks for `Verschlusse` finds `Verschlüsse`. */
const normal = (text: string): string =>
  stripInvisible(text.slice(0, most.read)).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

const cut = (word: string): string => [...word].slice(0, most.length).join('')

const wordsOf = (text: string): string[] => {
  const words = normal(text).match(/[\p{L}\p{N}]+/gu) ?? []
  return [...new Set(words.map(cut))].slice(0, most.words)
}

/** The sets that a Run is in. */
export const foundBy = ({ thread, baseline, result }: Run): string[] => [
  ...wordsOf(baseline.snapshot.title).map(withWord),
  ...new Set([thread.number, ...result.pulls.map(({ number }) => number)].map(withNumber)),
]

export interface Search {
  /** `owner/repository`, if a reference or an address names it. */
  repository: string | undefined
  /** What is looked for is in one set of each. */
  groups: string[][]
}

/** As people write it, and at the end of the address of a thread. */
const reference = /(?:^|\/)([\w.-]{1,40}\/[\w.-]{1,100})(?:#|\/(?:issues|pull)\/)(\d{1,12})(?!\d)/
const numbered = /^#(\d{1,12})$/

const numberOf = (digits: string): string => withNumber(Number(digits))

/** `#12`, `acme/shop#12`, the address of a thread, words of a title. Nothing if that is nothing to look for. */
export function searchOf(text: string): Search | undefined {
  const parts = stripInvisible(text.slice(0, most.read)).split(/\s+/)
  const references = parts.map(part => reference.exec(part) ?? [])
  const [, repository] = references.find(([named]) => named !== undefined) ?? []
  const groups = parts.flatMap((part, at) => {
    const digits = references[at]?.[2] ?? numbered.exec(part)?.[1]
    if (digits !== undefined) return [[numberOf(digits)]]
    // A number without a sign may be either.
    return wordsOf(part).map(word =>
      /^\d{1,12}$/.test(word) ? [withWord(word), numberOf(word)] : [withWord(word)],
    )
  })
  if (groups.length === 0) return undefined
  return { repository: repository?.toLowerCase(), groups: groups.slice(0, most.words) }
}
