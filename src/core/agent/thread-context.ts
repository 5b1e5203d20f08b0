/**
 * What people with trust wrote before a command and since the one before it; later comments and edits are left out.
 * GitHub's times are whole seconds: what was changed in the second of the command may have been changed after it.
 */
import { mayHoldCommand } from '../command/find.ts'
import type { ThreadClient } from '../model/ports.ts'
import type { CommentView } from '../model/views.ts'
import { placeInThread, type WordsToSay } from '../record/words-to-say.ts'
import type { Context, ReadUpTo } from '../record/workspace-part.ts'
import { attachmentsIn } from '../text/attachment-links.ts'
import { yieldToEventLoop } from '../text/event-loop.ts'
import { maxPromptText, plainText } from './fence.ts'

export const maxComments = 30
export const maxOfOne = 4_000
const maxTogether = 120_000
const addresses = 'none' as const

/** `involved`: who asked or wrote the thread, without the right to write, and bots. They come behind the trusted. */
export type Trust = 'trusted' | 'involved' | 'outsider' | 'unknown'

export interface ContextSources {
  words: WordsToSay
  /** The agent has read up to here. */
  readUpTo: ReadUpTo | undefined
  /** What it is given of the thread itself; nothing if it knows the thread. */
  description: string | undefined
  comments: readonly CommentView[]
  /** Places of words that the agent gets as such, later. */
  said?: readonly string[]
  /** What commands begin with here. */
  calls: string
}

/** What others wrote later is not read. */
const untilOf = ({ at, until = at }: WordsToSay) => Math.max(at, until)

const placeIn = ({ in: where, id }: CommentView) => `${where}-${id}`

/** Comments that are asked about: those of the words themselves are with them. */
export function commentsToRead({ words, readUpTo, comments, said = [] }: ContextSources) {
  const own = new Set([
    ...said,
    placeInThread(words.source?.target),
    ...(words.inline ?? []).map(({ id }) => `line-${id}`),
  ])
  const isNew = (comment: CommentView) => {
    if (!readUpTo) return true
    const changedAt = Math.max(comment.createdAt, comment.updatedAt)
    return (
      changedAt >= readUpTo.at &&
      !(readUpTo.places.includes(placeIn(comment)) && changedAt <= readUpTo.at)
    )
  }
  const isInTime = ({ createdAt, updatedAt }: CommentView) =>
    createdAt < untilOf(words) && updatedAt < untilOf(words)
  const others = comments.filter(each => !own.has(placeIn(each)) && isNew(each))
  const read = others.filter(({ bot, listed }) => !bot || listed)
  return { inTime: read.filter(isInTime), later: read.filter(each => !isInTime(each)) }
}

export async function contextOf(
  reading: ContextSources,
  trustOf: (author: string | undefined) => Trust,
  { shown, webUrl }: { shown: ThreadClient['pages']['shown']; webUrl: string },
): Promise<Context> {
  const { words, readUpTo, description, calls } = reading
  const { inTime, later } = commentsToRead(reading)
  // A command is for the bot, and was not meant for the agent.
  const counted = (all: readonly CommentView[]) =>
    all.filter(({ body }) => !mayHoldCommand(body, calls)).length
  const of = (trust: Trust) => inTime.filter(({ author }) => trustOf(author) === trust)
  const involved = [of('involved'), of('trusted')]
  const [after = [], first = []] = involved.map(said =>
    said.filter(({ resolved }) => !resolved).toSorted((a, b) => a.createdAt - b.createdAt),
  )
  const open = [...after, ...first]
  const chosen = open.slice(-maxComments)
  const [thread, ...pages] = await shown([
    { text: description ?? '', addresses },
    ...chosen.map(({ body: text, nodeId: id }) => ({
      text,
      id,
      addresses,
      mayBeMinimized: true,
    })),
  ])
  const read: Context['comments'] = []
  let cutComments = 0
  const unseen = counted(chosen.filter((_, at) => !pages[at]))
  const minimized = counted(chosen.filter((_, at) => pages[at]?.minimized))
  let unshown = thread?.unshown ?? 0
  let length = 0
  let older = counted(open) - unseen - minimized
  for (const [at, comment] of [...chosen.entries()].reverse()) {
    const { id, author = '', createdAt, on, in: where } = comment
    const page = pages[at]
    if (!page || page.minimized) continue
    await yieldToEventLoop()
    const text = plainText(page.text, maxOfOne)
    length += text.length
    if (length > maxTogether) break
    if (page.text.length > maxOfOne) cutComments += 1
    unshown += page.unshown
    older -= counted([comment])
    read.unshift({
      id: where === 'line' ? id : undefined,
      author,
      at: createdAt,
      body: text,
      kind: where === 'review' ? 'review' : 'comment',
      on: on && { ...on, hunk: plainText(on.hunk, maxOfOne) },
    })
  }
  const cut: Context['cut'] = []
  if (words.text.length > maxPromptText) cut.push('instruction')
  if (thread && thread.text.length > maxPromptText) cut.push('description')
  const attached = attachmentsIn(thread, webUrl)
  const own = placeInThread(words.source?.target)
  const upTo = Math.max(untilOf(words), readUpTo?.at ?? 0)
  const before = readUpTo?.at === upTo ? readUpTo.places : []
  return {
    of: words.id,
    upTo: { at: upTo, places: [...before, ...(own === undefined ? [] : [own])] },
    goesOn: readUpTo !== undefined,
    comments: read.toSorted((a, b) => a.at - b.at),
    thread: description !== undefined,
    description: description === undefined ? undefined : thread?.text,
    attached: attached.length > 0 ? attached : undefined,
    cut,
    cutComments,
    unshown,
    leftOut: {
      outsiders: counted(of('outsider')),
      unknown: counted(of('unknown')),
      later: counted(later),
      resolved: counted(involved.flat()) - counted(open),
      minimized,
      unseen: unseen + (thread ? 0 : 1),
      older,
    },
  }
}
