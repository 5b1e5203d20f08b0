import { mayHoldCommand } from '../core/command/find.ts'
import { newCommands, type Parsed } from '../core/command/parse.ts'
import type { CommentTrigger } from '../core/model/trigger.ts'
import { usualTrigger } from '../core/settings/trigger-words.ts'
import { yieldToEventLoop } from '../core/text/event-loop.ts'
import type { CommandContext } from './command-context.ts'
import { parseCommands } from './command-registry.ts'

export async function textsOf(
  { github }: CommandContext,
  { text, commentRef, before, word }: CommentTrigger,
): Promise<string[]> {
  const mayHold = (words: string): boolean => mayHoldCommand(words, word ?? usualTrigger.word)
  if (mayHold(text) || commentRef.kind !== 'review' || before !== undefined) return [text].filter(mayHold)
  const inline = await github.reviewComments(commentRef.reviewId)
  return inline.map(({ body }) => body).filter(mayHold)
}

export async function commandsOf(
  { before, word = usualTrigger.word }: CommentTrigger,
  texts: readonly string[],
): Promise<Parsed[]> {
  const old = await parsedOf(before ?? '', word)
  const parsed: Parsed[] = []
  for (const text of texts) parsed.push(...(await parsedOf(text, word)))
  return newCommands(old, parsed)
}

async function parsedOf(text: string, word: string): Promise<Parsed[]> {
  if (!mayHoldCommand(text, word)) return []
  await yieldToEventLoop()
  return parseCommands(text, word)
}
