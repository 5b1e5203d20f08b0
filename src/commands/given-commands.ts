/** What a comment, a label or a ticked box asks: each in its own way, and the same for whoever carries it out. */
import { mayHoldCommand } from '../core/command/find.ts'
import { isMistake, type Mistake, type Parsed } from '../core/command/parse.ts'
import { instruction } from '../core/model/command-grammar.ts'
import type { StepResult, WrittenText } from '../core/model/ports.ts'
import type { CommentTrigger, LabelTrigger, TickTrigger } from '../core/model/trigger.ts'
import { asksBack } from '../core/record/open-question.ts'
import { openQuestion } from '../core/record/permission-request.ts'
import { commandFor } from '../core/record/request-part.ts'
import { sets } from '../core/record/run-index.ts'
import { isLabelState } from '../core/record/situation.ts'
import { callsOf } from '../core/settings/deployment-settings.ts'
import type { Attachment } from '../core/text/attachment-links.ts'
import { type GivenCommand, reject } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  endOfJob,
  isStranger,
  mayBeAnAgents,
  mayCost,
  type ThreadContext,
} from './command-context.ts'
import { commandNamed, commands } from './command-registry.ts'
import { mayUse, senderOf } from './gate.ts'
import { besideText } from './label-beside-text.ts'
import { commandsOf, misplacedAmong, ownText, shownBy, textsOf } from './read-commands.ts'
import { presetNameOf, wantedBy } from './run-options.ts'

/** The commands, or what becomes of the job where nothing was asked, or that is not known yet. */
type CommandsOrEnd = { kind: 'commands'; all: readonly GivenCommand[] } | StepResult

const asked = (...all: GivenCommand[]): CommandsOrEnd => ({ kind: 'commands', all })

export async function givenCommands(context: CommandContext): Promise<CommandsOrEnd> {
  if (isOf(context, 'comment')) return inComment(context)
  if (isOf(context, 'label')) return byLabel(context)
  return isOf(context, 'tick') ? byTick(context) : endOfJob
}

function isOf<Kind extends CommandTrigger['kind']>(
  context: CommandContext,
  kind: Kind,
): context is ThreadContext<CommandTrigger & { kind: Kind }> {
  return context.record.trigger.kind === kind
}

/**
 * 1. What an agent may have written is nobody's command.
 * 2. A comment without the command word asks nothing. The lines of a review may.
 * 3. Text is parsed, and the lines of a review are read, only for senders who may use some command.
 * 4. Where no command is found, one may stand where none is read.
 */
async function inComment(context: ThreadContext<CommentTrigger>): Promise<CommandsOrEnd> {
  const { trigger } = context.record
  const { commentRef, text, before } = trigger
  const mayHold = (words: string) => mayHoldCommand(words, callsOf(trigger))
  if (commentRef.kind === 'subject' && (await mayBeAnAgents(context))) return endOfJob

  if (!mayHold(text) && commentRef.kind !== 'review') return hint(context, [ownText(trigger)])

  const sender = await senderOf(context)
  const mayUseSome = sender !== undefined && commands.some(({ name }) => mayUse(sender, name))
  if (!mayHold(text) && !(mayUseSome && (await mayCost(context, 1)))) return endOfJob
  // Nobody is told that their edit made a command of what was none.
  const isMadeByEdit = before !== undefined && !mayHold(before)
  if (isMadeByEdit && isStranger(context)) return endOfJob
  if (sender && !mayUseSome) return asked(noCommand({ kind: 'silence' }))

  const texts = await textsOf(context.github, trigger)
  if (!texts.some(each => mayHold(each.text))) return hint(context, texts)
  const { parsed, attached } = await commandsOf(context, trigger, texts)
  if (parsed.length === 0) return hint(context, texts)
  return asked(...parsed.map(each => givenBy(each, attached)))
}

function givenBy(parsed: Parsed, attached: Attachment[]): GivenCommand {
  if (isMistake(parsed)) return mistaken(parsed)
  const { command, line, hides, replaces } = parsed
  const { name, options, text, literal } = command
  const words = { options, text, literal, line, hides, replaces }
  return { command: commandNamed(name), words, replaced: command, attached }
}

async function byLabel(context: ThreadContext<LabelTrigger>): Promise<CommandsOrEnd> {
  const { trigger } = context.record
  const { settings } = await context.settings()
  const isOurState = settings.labels.state && isLabelState(presetNameOf(trigger).toLowerCase())
  if (isOurState) return asked(noCommand(reject('stateLabel', trigger.label)))
  const joined = await besideText(context)
  return joined ?? asked(withText(commandFor(wantedBy(trigger, settings))))
}

async function byTick(context: ThreadContext<TickTrigger>): Promise<CommandsOrEnd> {
  const { trigger } = context.record
  // A box counts only in a comment with our signature for this thread.
  const marker = shownBy(context.deps.signer, trigger)
  if (!marker) return endOfJob
  context.remember({ trigger: { ...trigger, run: marker.run } })
  const { box } = trigger
  if (box === 'fix') return asked(withText(instruction, 'fix'))
  const [, choice] = box.split('-')
  return asked(choice ? withText(instruction, choice) : withText(box))
}

/** No options, as in a box or a label. */
const withText = (name: string, text = ''): GivenCommand => ({
  command: commandNamed(name),
  words: { options: {}, text, hides: false },
})

/** Words that are no command are told of to whoever may give one. */
const noCommand = (instead: CommandResult): GivenCommand => ({ ...withText(instruction), instead })

const mistaken = (mistake: Mistake) => noCommand(reject('mistake', mistake))

/** Tells a writer who may give them once that commands are not read where this one stands. */
async function hint(
  context: ThreadContext<CommentTrigger>,
  texts: readonly WrittenText[],
): Promise<CommandsOrEnd> {
  const { trigger } = context.record
  if (!trigger.misplaced) return endOfJob
  const writer = await senderOf(context)
  if (!writer || !mayUse(writer, instruction)) return endOfJob
  const misplaced = (await misplacedAmong(context, trigger, texts)) ?? (await unaddressed(context))
  if (!misplaced) return endOfJob
  const { thread, sender, id } = trigger
  const mention = misplaced.kind === 'unknown-word' && /^@(.+)/.exec(misplaced.given)?.[1]
  if (mention && (await isAnotherBots(context, mention.toLowerCase()))) return endOfJob
  const name = `misplaced-${thread.repoId}-${mention || thread.number}-${sender.id}`
  return (await context.deps.isFirst(name, id)) ? asked(mistaken(misplaced)) : endOfJob
}

/** Another bot may go by the command word: where it has spoken, it is meant. */
async function isAnotherBots({ github }: CommandContext, mention: string): Promise<boolean> {
  const others = await github.comments.ofOthers()
  return others.some(({ author = '', bot }) => bot && author.includes(mention))
}

async function unaddressed({ deps, record }: CommandContext): Promise<Mistake | undefined> {
  const runs = await deps.runs.listed([sets.thread(record.trigger.thread)], newestOne)
  return runs.some(({ data }) => openQuestion(data) ?? asksBack(data))
    ? { kind: 'unaddressed' }
    : undefined
}

const newestOne = { kind: 'last', count: 1 } as const
