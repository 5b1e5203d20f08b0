/** What a thread of the bot costs those who read it: comments that stand there, mails they cause, words that are open. */
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
    words: open.reduce((sum, { body }) => sum + wordsOf(body), 0),
  }
}

/** As they are read: without what is folded, without addresses and signs. */
function wordsOf(body: string): number {
  const shown = body
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<\/summary>[\s\S]*?<\/details>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\]\([^)]*\)/g, ' ')
  return shown.match(/[\p{L}\p{N}][^\s]*/gu)?.length ?? 0
}
