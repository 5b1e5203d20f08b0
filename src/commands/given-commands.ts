/** What a comment, a label or a ticked box asks: each in its own way, and the same for whoever carries it out. */
import { mayHoldCommand } from '../core/command/find.ts'
import { isMistake, type Mistake } from '../core/command/parse.ts'
import { instruction } from '../core/model/command-grammar.ts'
import type { StepResult, WrittenText } from '../core/model/ports.ts'
import type { CommentTrigger, LabelTrigger, TickTrigger } from '../core/model/trigger.ts'
import { commandFor } from '../core/record/request-part.ts'
import { sets } from '../core/record/run-index.ts'
import { isLabelState } from '../core/record/situation.ts'
import { callsOf } from '../core/settings/deployment-settings.ts'
import { type GivenCommand, reject, type Words } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  isStranger,
  liveRun,
  lostWakeMs,
  mayCost,
  runId,
  type ThreadContext,
} from './command-context.ts'
import { commandNamed, commands } from './command-registry.ts'
import { mayUse, senderOf } from './gate.ts'
import { commandsOf, misplacedAmong, ownText, shownBy, textsOf } from './read-commands.ts'
import { presetNameOf, wantedBy } from './run-options.ts'

type Found = { kind: 'commands'; all: readonly GivenCommand[] } | StepResult

const found = (...all: GivenCommand[]): Found => ({ kind: 'commands', all })
const end: StepResult = { kind: 'end' }

function isOf<Kind extends CommandTrigger['kind']>(
  context: CommandContext,
  kind: Kind,
): context is ThreadContext<CommandTrigger & { kind: Kind }> {
  return context.record.trigger.kind === kind
}

/** @returns what is done instead, where nothing was asked, or that is not known yet */
export async function givenCommands(context: CommandContext): Promise<Found> {
  if (isOf(context, 'comment')) return inComment(context)
  if (isOf(context, 'label')) return byLabel(context)
  return isOf(context, 'tick') ? byTick(context) : end
}

const nothingSaid: Words = { options: {}, text: '', hides: false }

const meant = (name: string, words: Words): GivenCommand => ({ command: commandNamed(name), words })

/** Words that are no command are told of to whoever may give one. */
const noCommand = (instead: CommandResult): GivenCommand => ({
  ...meant(instruction, nothingSaid),
  instead,
})

const mistaken = (mistake: Mistake): GivenCommand => noCommand(reject('mistake', mistake))

/** Text is parsed, and the lines of a review are read, only for senders who may use some command. */
async function inComment(context: ThreadContext<CommentTrigger>): Promise<Found> {
  const { trigger } = context.record
  const { commentRef, text, before } = trigger
  const mayHold = (words: string) => mayHoldCommand(words, callsOf(trigger))
  if (commentRef.kind === 'subject' && (await mayBeAnAgents(context))) return end
  if (!mayHold(text) && commentRef.kind !== 'review') return hint(context, [ownText(trigger)])
  const known = await senderOf(context)
  const mayAny = known && commands.some(({ name }) => mayUse(known, name))
  if (!mayHold(text) && !(mayAny && (await mayCost(context, 1)))) return end
  // Nobody is told that their edit made a command of what was none.
  if (before !== undefined && !mayHold(before) && isStranger(context)) return end
  if (known && !mayAny) return found(noCommand({ kind: 'silence' }))
  const texts = await textsOf(context.github, trigger)
  if (!texts.some(each => mayHold(each.text))) return hint(context, texts)
  const { parsed, attached } = await commandsOf(context, trigger, texts)
  if (parsed.length === 0) return hint(context, texts)
  return found(
    ...parsed.map(each =>
      isMistake(each)
        ? mistaken(each)
        : {
            ...meant(each.command.name, { ...each.command, ...each }),
            replaced: each.command,
            attached,
          },
    ),
  )
}

/** Tells a writer who may give them once that commands are not read where this one stands. */
async function hint(
  context: ThreadContext<CommentTrigger>,
  texts: readonly WrittenText[],
): Promise<Found> {
  const { trigger } = context.record
  if (!trigger.misplaced) return end
  const known = await senderOf(context)
  if (!known || !mayUse(known, instruction)) return end
  const misplaced = await misplacedAmong(context, trigger, texts)
  if (!misplaced) return end
  const { thread, sender, id } = trigger
  const name = `misplaced-${thread.repoId}-${thread.number}-${sender.id}`
  return (await context.deps.isFirst(name, id)) ? found(mistaken(misplaced)) : end
}

async function byTick(context: ThreadContext<TickTrigger>): Promise<Found> {
  const { trigger } = context.record
  // A box counts only in a comment with our signature for this thread.
  const shown = shownBy(context.deps.signer, trigger)
  if (!shown) return end
  context.remember({ trigger: { ...trigger, run: shown.run } })
  const { box } = trigger
  if (box === 'fix') return found(meant(instruction, { ...nothingSaid, text: 'fix' }))
  const [, place] = box.split('-')
  return found(
    place ? meant(instruction, { ...nothingSaid, text: place }) : meant(box, nothingSaid),
  )
}

async function byLabel(context: ThreadContext<LabelTrigger>): Promise<Found> {
  if (await cameAlong(context)) return end
  const { trigger } = context.record
  const { settings } = await context.settings()
  if (settings.labels.state && isLabelState(presetNameOf(trigger).toLowerCase()))
    return found(noCommand(reject('stateLabel', trigger.label)))
  const beside = await besideText(context)
  if (beside) return beside
  return found(meant(commandFor(wantedBy(trigger, settings)), nothingSaid))
}

/** An agent that works as a user opens pull requests in their name, and its words are nobody's command. */
const mayBeAnAgents = async (context: CommandContext): Promise<boolean> =>
  context.record.trigger.thread.kind === 'pull' && isUserAtWork(context)

/** Whether an agent is at work in the repository in the name of a user. */
export async function isUserAtWork({ deps, record }: ThreadContext): Promise<boolean> {
  const live = await deps.runs.listed([sets.repository(record.trigger.thread.repoId)])
  return live.some(({ data }) => data.request.options.authorship === 'user')
}

/** Whoever transfers an issue has not put the labels on that come along. GitHub's times are whole seconds, and may be older. */
async function cameAlong(context: ThreadContext<LabelTrigger>): Promise<boolean> {
  const { thread, at } = context.record.trigger
  if (thread.kind !== 'issue') return false
  // What is asked here is read ahead with the settings.
  await context.settings()
  const moved = await context.github.issue.transferredAt()
  return moved !== undefined && at < moved + labelsComeWithin
}

/** ms */
const labelsComeWithin = 10_000
const textComesWithin = 10_000

/**
 * A new issue or pull request whose text asks for a run, too: that is one wish, and the label joins what came of it.
 * @returns `undefined` for a label that stands for itself, as it does if the text never comes
 */
async function besideText(context: ThreadContext<LabelTrigger>): Promise<StepResult | undefined> {
  const { deps, github, job, record } = context
  const { trigger } = record
  if (!trigger.withText || presetNameOf(trigger) !== '' || (await mayBeAnAgents(context)))
    return undefined
  const runIds = await runsOfText(context)
  if (runIds.length === 0) return undefined
  const text = await deps.waiting.get(textOf(trigger))
  const isSoon = deps.now() - job.addedAt < textComesWithin
  if (text?.standing === 'live') return { kind: 'park', ms: isSoon ? 300 : lostWakeMs }
  if (!text) return isSoon ? { kind: 'park', ms: 300 } : undefined
  if (await liveRun(deps.runs, trigger.thread)) return undefined
  const begun = await Promise.all(runIds.map(id => deps.runs.get(id)))
  if (begun.some(run => run !== undefined)) await github.labels.remove(trigger.label)
  return end
}

const textOf = ({ thread }: LabelTrigger): string => `text-${thread.repoId}-${thread.number}`

/** Which may begin by it. */
async function runsOfText(context: ThreadContext<LabelTrigger>): Promise<string[]> {
  const { trigger } = context.record
  const { thread, sender, at, deliveryId, snapshot, head } = trigger
  const { word, app } = context.deps.triggerOf(thread.ownerId)
  const text: CommentTrigger = {
    thread,
    sender,
    at,
    deliveryId,
    snapshot,
    head,
    id: textOf(trigger),
    kind: 'comment',
    commentRef: { kind: 'subject' },
    text: trigger.snapshot.body,
    word,
    app,
  }
  const { parsed } = await commandsOf(context, text, [ownText(text)])
  return parsed.flatMap((each, done) =>
    !isMistake(each) && commandNamed(each.command.name).starts
      ? runId({ record: { ...context.record, trigger: text, done } })
      : [],
  )
}
