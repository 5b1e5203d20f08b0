/** The texts of a trigger, seen as GitHub shows them, and the commands in them. */
import { isMisplaced, mayBeMisplaced, mayHoldCommand, type SeenText } from '../core/command/find.ts'
import { newCommands, type Parsed } from '../core/command/parse.ts'
import type { WrittenText } from '../core/model/ports.ts'
import type { CommentRef, CommentTrigger, InlineComment } from '../core/model/trigger.ts'
import { usualTrigger } from '../core/settings/deployment-settings.ts'
import { attachmentsIn } from '../core/text/attachment-links.ts'
import { yieldToEventLoop } from '../core/text/event-loop.ts'
import { asWritten } from '../core/text/shown-text.ts'
import type { CommandContext } from './command-context.ts'
import { parseCommands } from './command-registry.ts'

/** The comment or review; without a command in it also the comments on lines of the review. */
export async function textsOf(
  { github }: CommandContext,
  { text, commentRef, before, word }: CommentTrigger,
): Promise<WrittenText[]> {
  const own: WrittenText = { ...instructionIn(text, commentRef), isEdited: before !== undefined }
  if (mayHoldCommand(text, word) || commentRef.kind !== 'review' || before !== undefined) return [own]
  return [own, ...(await github.reviewComments(commentRef.reviewId)).map(inlineText)]
}

const instructionIn = (text: string, { nodeId }: CommentRef): WrittenText => ({
  text,
  of: nodeId === undefined ? undefined : { kind: 'node', id: nodeId },
  addresses: 'whole',
})

export const inlineText = ({ body: text, nodeId }: InlineComment): WrittenText => ({
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
  const seen = await seenOnce(context, [...old, ...texts.filter(mayHold)])
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
  const { record, github } = context
  const pages = record.pages ?? (await github.shown(texts)).map(page => page ?? null)
  const isPlain = texts.every(({ text, isEdited }) => !isEdited && asWritten(text))
  if (!record.pages && !isPlain) await context.save({ ...context.record, pages })
  return texts.map(({ text }, at) => ({ text, page: pages[at] ?? undefined }))
}

/** Whether a command stands where none is read. Only asked of a text in which there is none. */
export async function isAnyMisplaced(
  { github }: CommandContext,
  { word }: CommentTrigger,
  texts: readonly WrittenText[],
): Promise<boolean> {
  const written = texts.filter(({ text }) => mayBeMisplaced(text, word))
  const pages = await github.shown(written)
  return written.some(({ text }, at) => isMisplaced({ text, page: pages[at] }, word))
}
