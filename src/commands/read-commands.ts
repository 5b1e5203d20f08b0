/** The texts of a trigger, seen as GitHub shows them, and the commands in them. */
import { mayHoldCommand, type SeenText } from '../core/command/find.ts'
import { type Misplaced, mayBeMisplaced, misplacedIn } from '../core/command/misplaced.ts'
import { isMistake, newCommands, type Parsed } from '../core/command/parse.ts'
import { templatesFolder, templatesIn } from '../core/command/template.ts'
import type { GitHubWith, WrittenText } from '../core/model/ports.ts'
import type { CommentTrigger, InlineComment, TickTrigger } from '../core/model/trigger.ts'
import type { Marker, Signer } from '../core/record/marker.ts'
import { callsOf } from '../core/settings/deployment-settings.ts'
import { type Attachment, attachmentsIn } from '../core/text/attachment-links.ts'
import { yieldToEventLoop } from '../core/text/event-loop.ts'
import { isShort } from '../core/text/shown-text.ts'
import { type CommandContext, isStranger, mayCost } from './command-context.ts'
import { commands, parseCommands } from './command-registry.ts'

/** The comment or review; without a command in it also the comments on lines of the review. */
export async function textsOf(
  github: GitHubWith<'reviews.comments'>,
  trigger: CommentTrigger,
): Promise<WrittenText[]> {
  const { text, commentRef, before } = trigger
  const own = ownText(trigger)
  if (
    mayHoldCommand(text, callsOf(trigger)) ||
    commentRef.kind !== 'review' ||
    before !== undefined
  )
    return [own]
  return [
    own,
    ...(await github.reviews.comments(commentRef.reviewId)).map(writtenBefore(trigger.at)),
  ]
}

export const ownText = ({ text, commentRef, before }: CommentTrigger): WrittenText => ({
  ...writtenIn({
    body: text,
    nodeId: commentRef.kind === 'subject' ? undefined : commentRef.nodeId,
  }),
  mayBeMinimized: before !== undefined,
})

type WrittenComment = Pick<InlineComment, 'body' | 'nodeId'>

export const writtenIn = ({ body: text, nodeId }: WrittenComment): WrittenText => ({
  text,
  id: nodeId,
  addresses: 'whole',
})

/** What is read after its command, and counts as it was then. */
export const writtenBefore =
  (asked: number) =>
  (comment: WrittenComment): WrittenText => ({ ...writtenIn(comment), asked, mayBeMinimized: true })

export async function commandsOf(
  context: CommandContext,
  trigger: CommentTrigger,
  written: readonly WrittenText[],
): Promise<{ parsed: Parsed[]; attached: Attachment[] }> {
  const texts = textsToSee(trigger, written)
  const pages = await keptPages(context, texts)
  const attached = pages
    .slice(oldText(trigger).length)
    .flatMap(page => attachmentsIn(page ?? undefined, trigger.thread.url))
  const parsed = await newlyAsked(trigger, texts, pages)
  // What looks like a command that is not there may be the name of a template.
  const mayBeTemplate = parsed.some(({ kind }) => kind === 'unknown-command')
  return mayBeTemplate
    ? { parsed: await newlyAsked(trigger, texts, pages, await templatesOf(context)), attached }
    : { parsed, attached }
}

/** What was seen is kept with the trigger, however often that is taken up again. */
async function keptPages(context: CommandContext, texts: readonly WrittenText[]): Promise<Pages> {
  const { record } = context
  const asked = texts.filter(({ text, mayBeMinimized }) => mayBeMinimized || !isShort(text)).length
  const pages = record.pages ?? (await pagesSeen(context, texts, asked)).map(page => page ?? null)
  if (!record.pages && asked > 0) await context.save({ pages })
  return pages
}

/** Their names come with what is read ahead. */
export const templatesOf = async ({ github }: CommandContext): Promise<string[]> =>
  templatesIn(await github.files.names(templatesFolder), commands)

function oldText(trigger: CommentTrigger): WrittenText[] {
  const { before = '' } = trigger
  return mayHoldCommand(before, callsOf(trigger)) ? [{ text: before, addresses: 'whole' }] : []
}

/** The texts that may hold commands. What stood there before an edit comes first. */
export function textsToSee(trigger: CommentTrigger, texts: readonly WrittenText[]): WrittenText[] {
  const calls = callsOf(trigger)
  const now = texts.filter(({ text }) => mayHoldCommand(text, calls))
  return [...oldText(trigger), ...now]
}

type Pages = readonly (SeenText['page'] | null)[]

/** @param texts as `textsToSee` gives them */
export async function newlyAsked(
  trigger: CommentTrigger,
  texts: readonly WrittenText[],
  pages: Pages,
  templates: readonly string[] = [],
): Promise<Parsed[]> {
  const parsed: Parsed[][] = []
  for (const [at, { text }] of texts.entries()) {
    await yieldToEventLoop()
    parsed.push(parseCommands({ text, page: pages[at] ?? undefined }, callsOf(trigger), templates))
  }
  const hadOld = oldText(trigger).length > 0
  const asked = hadOld ? (parsed.shift() ?? []) : []
  // What stood there before must not be asked again.
  const now = hadOld && !pages[0] ? asked : newCommands(asked, parsed.flat())
  // Whoever asks how the thread stands does not wait for a run that stands before that.
  const isStatus = isCommandNamed('status')
  return now.some(isCommandNamed('stop'))
    ? now
    : [...now.filter(isStatus), ...now.filter(each => !isStatus(each))]
}

export const isCommandNamed = (name: string) => (parsed: Parsed) =>
  !isMistake(parsed) && parsed.command.name === name

/** Beyond what strangers may cost, what they wrote is not seen, and so is no command. */
async function pagesSeen(context: CommandContext, texts: readonly WrittenText[], asked: number) {
  if (asked > 0 && !(await mayCost(context, asked))) return texts.map(() => undefined)
  const byStranger = isStranger(context)
  return context.github.pages.shown(texts.map(text => ({ ...text, byStranger })))
}

/** A command where none is read, or a slip of one. Only asked of a text in which there is none. */
export async function misplacedAmong(
  context: CommandContext,
  trigger: CommentTrigger,
  texts: readonly WrittenText[],
): Promise<Misplaced | undefined> {
  const calls = callsOf(trigger)
  const written = texts.filter(({ text }) => mayBeMisplaced(text, calls))
  const pages = await pagesSeen(context, written, written.length)
  return written.flatMap(({ text }, at) => misplacedIn({ text, page: pages[at] }, calls) ?? [])[0]
}

/**
 * Says which Run's comment has the box that was ticked. What an admin ticks is no comment, and names its Run itself.
 */
export const shownBy = (
  signer: Signer,
  { text, thread, run, admin }: TickTrigger,
): Marker | undefined =>
  admin !== undefined && run !== undefined
    ? { run, repo: thread.repoId, thread: thread.number, as: 'status' }
    : signer.read(text, thread).findLast(({ as }) => as !== 'pull')
