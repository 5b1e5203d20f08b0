/** The texts of a trigger, seen as GitHub shows them, and the commands in them. */
import { isMisplaced, mayBeMisplaced, mayHoldCommand, type SeenText } from '../core/command/find.ts'
import { newCommands, type Parsed } from '../core/command/parse.ts'
import type { WrittenText } from '../core/model/ports.ts'
import type { CommentTrigger, InlineComment } from '../core/model/trigger.ts'
import { usualTrigger } from '../core/settings/deployment-settings.ts'
import { attachmentsIn } from '../core/text/attachment-links.ts'
import { yieldToEventLoop } from '../core/text/event-loop.ts'
import { asWritten } from '../core/text/shown-text.ts'
import { type CommandContext, mayCost } from './command-context.ts'
import { parseCommands } from './command-registry.ts'

/** The comment or review; without a command in it also the comments on lines of the review. */
export async function textsOf(
  { github }: CommandContext,
  { text, commentRef, before, word }: CommentTrigger,
): Promise<WrittenText[]> {
  const own: WrittenText = {
    ...writtenIn({ body: text, ...commentRef }),
    mayBeMinimized: before !== undefined,
  }
  if (mayHoldCommand(text, word) || commentRef.kind !== 'review' || before !== undefined) return [own]
  return [own, ...(await github.reviewComments(commentRef.reviewId)).map(writtenIn)]
}

export const writtenIn = ({ body: text, nodeId }: Pick<InlineComment, 'body' | 'nodeId'>): WrittenText => ({
  text,
  of: nodeId === undefined ? undefined : { kind: 'node', id: nodeId },
  addresses: 'whole',
})

export async function commandsOf(
  context: CommandContext,
  { before = '', word = usualTrigger.word }: CommentTrigger,
  texts: readonly WrittenText[],
): Promise<Parsed[]> {
  const mayHold = ({ text }: Pick<WrittenText, 'text'>): boolean => mayHoldCommand(text, word)
  const old: WrittenText[] = mayHold({ text: before }) ? [{ text: before, addresses: 'whole' }] : []
  const written = [...old, ...texts.filter(mayHold)].map(each => ({ ...each, word }))
  const seen = await seenOnce(context, written)
  context.attached = seen
    .slice(old.length)
    .flatMap(({ page }) => attachmentsIn(page, context.record.trigger.thread.url))
  const parsed: Parsed[][] = []
  for (const text of seen) {
    await yieldToEventLoop()
    parsed.push(parseCommands(text, word))
  }
  const asked = old.length === 0 ? [] : (parsed.shift() ?? [])
  // What stood there before must not be asked again.
  if (seen[0]?.page === undefined && old.length > 0) return asked
  return newCommands(asked, parsed.flat())
}

/** What was seen is kept with the trigger, however often that is taken up again. */
async function seenOnce(context: CommandContext, texts: readonly WrittenText[]): Promise<SeenText[]> {
  const { record } = context
  const asked = texts.filter(({ text, mayBeMinimized }) => mayBeMinimized || !asWritten(text)).length
  const pages = record.pages ?? (await pagesOf(context, texts, asked)).map(page => page ?? null)
  if (!record.pages && asked > 0) await context.save({ ...context.record, pages })
  return texts.map(({ text }, at) => ({ text, page: pages[at] ?? undefined }))
}

/** Beyond what strangers may cost, what they wrote is not seen, and so is no command. */
const pagesOf = async (context: CommandContext, texts: readonly WrittenText[], asked: number) =>
  asked === 0 || (await mayCost(context, asked)) ? context.github.shown(texts) : texts.map(() => undefined)

/** Whether a command stands where none is read. Only asked of a text in which there is none. */
export async function isAnyMisplaced(
  context: CommandContext,
  { word }: CommentTrigger,
  texts: readonly WrittenText[],
): Promise<boolean> {
  const written = texts.filter(({ text }) => mayBeMisplaced(text, word))
  const pages = await pagesOf(context, written, written.length)
  return written.some(({ text }, at) => isMisplaced({ text, page: pages[at] }, word))
}
