/**
 * What people with trust wrote before a command and since the one before it; later comments and edits are left out.
 * GitHub's times are whole seconds: what was changed in the second of the command may have been changed after it.
 */
import type { CommentView } from '../model/views.ts'
import type { Context, ReadUpTo } from '../run/record/workspace-part.ts'
import { placeOf, type Words } from '../run/words-to-say.ts'
import { yieldToEventLoop } from '../text/event-loop.ts'
import { visibleCode, visibleText } from '../text/untrusted.ts'

const maxComments = 30
export const maxOfOne = 4_000
const maxTogether = 120_000
/** Characters of an instruction, of a description. */
export const maxBody = 30_000

export type Trust = 'trusted' | 'outsider' | 'unknown'

export interface Reading {
  words: Words
  /** Where the agent has read up to. */
  readUpTo: ReadUpTo | undefined
  /** What it is given of the thread itself; nothing if it knows the thread. */
  description: string | undefined
  comments: readonly CommentView[]
}

const isLonger = (text: string, than: number): boolean =>
  text.length > than && visibleText(text, Number.POSITIVE_INFINITY).length > than

const placeIn = ({ in: where, id }: CommentView): string => `${where}-${id}`

/** Comments that are asked about: those of the words themselves are with them. */
export function commentsOf({ words, readUpTo, comments }: Omit<Reading, 'description'>) {
  const own = new Set([placeOf(words.target), ...(words.inline ?? []).map(({ id }) => `line-${id}`)])
  const isNew = (comment: CommentView): boolean => {
    if (!readUpTo) return true
    const changedAt = Math.max(comment.createdAt, comment.updatedAt)
    return changedAt >= readUpTo.at && !(placeIn(comment) === readUpTo.place && changedAt <= readUpTo.at)
  }
  const isInTime = ({ createdAt, updatedAt }: CommentView): boolean =>
    createdAt < words.at && updatedAt < words.at
  const others = comments.filter(each => !own.has(placeIn(each)) && isNew(each))
  const people = others.filter(({ bot }) => !bot)
  return {
    inTime: people.filter(isInTime),
    bots: others.filter(each => each.bot && isInTime(each)).length,
    later: people.filter(each => !isInTime(each)).length,
  }
}

export async function contextOf(
  reading: Reading,
  trustOf: (author: string | undefined) => Trust,
): Promise<Context> {
  const { words, readUpTo, description } = reading
  const { inTime, bots, later } = commentsOf(reading)
  const of = (trust: Trust): CommentView[] => inTime.filter(({ author }) => trustOf(author) === trust)
  const trusted = of('trusted')
  const open = trusted.filter(({ resolved }) => !resolved)
  const newest = open.toSorted((a, b) => a.createdAt - b.createdAt).slice(-maxComments)
  const read: Context['comments'] = []
  let cutComments = 0
  let length = 0
  for (const { author = '', createdAt, body, on, in: where } of newest.toReversed()) {
    await yieldToEventLoop()
    const text = visibleText(body, maxOfOne)
    length += text.length
    if (length > maxTogether) break
    if (isLonger(body, maxOfOne)) cutComments += 1
    read.unshift({
      author,
      at: createdAt,
      body: text,
      kind: where === 'review' ? 'review' : 'comment',
      ...(on ? { on: { ...on, hunk: visibleCode(on.hunk, maxOfOne) } } : {}),
    })
  }
  const cut: Context['cut'] = []
  if (isLonger(words.text, maxBody)) cut.push('instruction')
  if (isLonger(description ?? '', maxBody)) cut.push('description')
  return {
    of: words.id,
    upTo: { at: words.at, place: placeOf(words.target) },
    goesOn: readUpTo !== undefined,
    comments: read,
    thread: description !== undefined,
    cut,
    cutComments,
    leftOut: {
      bots,
      outsiders: of('outsider').length,
      unknown: of('unknown').length,
      later,
      resolved: trusted.length - open.length,
      older: open.length - read.length,
    },
  }
}
