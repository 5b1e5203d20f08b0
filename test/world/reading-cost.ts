/**
 * What a thread of the bot costs those who read it: comments that stand there, mails they cause, words that are open;
 * and what each comment that is a mail of its own has in it.
 */
import { z } from 'zod'
import type { Thread } from './thread.ts'

export interface ReadingCost {
  comments: number
  notifications: number
  words: number
}

export async function readingCost(thread: Thread): Promise<ReadingCost> {
  const comments = await thread.botComments()
  const open = comments.filter(({ minimized }) => !minimized)
  return {
    comments: open.length,
    // Each new comment is a mail, an edit is none.
    notifications: comments.length,
    words: open.reduce((sum, { body }) => sum + wordsOf(withoutDetails(body)), 0),
  }
}

export interface Mailed {
  id: number
  as: string
  /** Words on the page. */
  inSight: number
  /** Words in the mail, where nothing is folded. */
  inMail: number
  /** Characters of the marker, which the text part of a mail has in full. */
  marker: number
}

/** What the bot said beside its statuses, which are edited. */
export const mailedBy = async (thread: Thread): Promise<Mailed[]> =>
  (await thread.botComments()).flatMap(({ id, body }) => {
    const [marker = '', payload = ''] = body.match(/<!-- codex-run:([\w-]+)\.[\w-]+ -->/) ?? []
    const { as } = Payload.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()))
    const inSight = wordsOf(withoutDetails(body))
    return as === 'status' ? [] : [{ id, as, inSight, inMail: wordsOf(body), marker: marker.length }]
  })

const Payload = z.object({ as: z.string() })

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = low] = sorted.slice(sorted.length % 2 === 0 ? middle - 1 : middle, middle + 1)
  return (low + high) / 2
}

/** On the page, what is folded is out of sight. */
const withoutDetails = (body: string): string => body.replace(/<\/summary>[\s\S]*?<\/details>/g, '')

/** As they are read: without addresses and signs. */
function wordsOf(body: string): number {
  const shown = body
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\]\([^)]*\)/g, ' ')
  return shown.match(/[\p{L}\p{N}][^\s]*/gu)?.length ?? 0
}
