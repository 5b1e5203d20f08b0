/** The App lost access: agents there are ended, and GitHub is told nothing. */
import { mayHoldCommand } from '../core/command/find.ts'
import { isMistake, type Parsed } from '../core/command/parse.ts'
import { instruction } from '../core/model/command-grammar.ts'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { LockedJob, StepResult, WrittenText } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import { recent } from '../core/model/time.ts'
import type {
  AccessLostTrigger,
  CommentTrigger,
  LabelTrigger,
  ThreadTrigger,
  TickTrigger,
} from '../core/model/trigger.ts'
import type { RunMessage } from '../core/record/mailbox-part.ts'
import { send } from '../core/record/messages.ts'
import type { Run } from '../core/record/run.ts'
import { ofInstallation, ofRepository } from '../core/record/run-index.ts'
import { backoff, limits } from '../core/record/timing.ts'
import { acceptEach, type CommandHandler, lostWakeMs, stillWaits } from './accept-each.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  commandContext,
  refused,
  type TriggerDeps,
} from './command-context.ts'
import { commandNamed } from './command-registry.ts'
import { gate, isListedApp, mayNothing, mayUse } from './gate.ts'
import { obey } from './perform.ts'
import { newsOfPull } from './pull-news.ts'
import { commandsOf, isAnyMisplaced, textsOf } from './read-commands.ts'
import { shownBy } from './thread-history.ts'
import { afterFault, giveUpDeadly, isNews, killsUs } from './trigger-faults.ts'
import { isOfThread, type ThreadRecord, type TriggerRecord } from './trigger-record.ts'
import { wasWithdrawn, withdraw, withdrawn } from './withdraw.ts'

export const acceptTrigger = (deps: TriggerDeps) => {
  const repliedLately = recent()
  return async (job: LockedJob<TriggerRecord>): Promise<StepResult> => {
    if (!holdsThread(job)) return acceptLoss(deps, job)
    const context = commandContext(deps, job, repliedLately)
    if (killsUs(job)) return giveUpDeadly(context)
    try {
      if (await stillWaits(context)) return { kind: 'park', ms: lostWakeMs }
      const result = await accept(context, job.data.trigger)
      if (result.kind === 'end' && isNews(job.data.trigger))
        deps.meter?.handled(job.data.trigger.kind, 'news')
      return result
    } catch (error) {
      return await afterFault(context, error)
    }
  }
}

const end: StepResult = { kind: 'end' }

const holdsThread = (job: LockedJob<TriggerRecord>): job is LockedJob<ThreadRecord> => isOfThread(job.data)

/** No thread can be told of a failure, so it is retried for ever. */
async function acceptLoss(deps: TriggerDeps, job: LockedJob<TriggerRecord>): Promise<StepResult> {
  const { trigger } = job.data
  if (trigger.kind !== 'access-lost') return end
  const { log } = deps
  try {
    await loseAccess(deps, trigger)
    log.info({ trigger: job.id, installation: trigger.installationId, by: trigger.by }, 'access lost')
    return end
  } catch (error) {
    if (error instanceof RetryLater) return { kind: 'park', ms: Math.max(1, error.until - deps.now()) }
    if (!(error instanceof NoResponse) || deps.now() - job.addedAt > limits.outage) throw error
    log.warn({ trigger: job.id, err: error }, 'no usable answer')
    return { kind: 'park', ms: backoff(2) }
  }
}

function accept(context: CommandContext, trigger: ThreadTrigger): Promise<StepResult> {
  switch (trigger.kind) {
    case 'comment':
      return acceptComment(context, trigger)
    case 'label':
      return acceptLabel(context, trigger)
    case 'pull-news':
      return newsOfPull(context, trigger)
    case 'tick':
      return acceptTick(context, trigger)
    case 'withdrawal':
      return withdraw(context, trigger)
  }
}

/** Text is parsed only for senders who may use some command. */
async function acceptComment(context: CommandContext, trigger: CommentTrigger): Promise<StepResult> {
  if (!(await mayBeAnswered(context, trigger))) return end
  const texts = await textsOf(context, trigger)
  const mayHold = texts.some(({ text }) => mayHoldCommand(text, trigger.word))
  if (!mayHold) return hint(context, trigger, texts)
  if (await mayNothing(context, trigger))
    return acceptEach(context, trigger, [{ handle: () => refuseUnread(context, trigger) }])
  const parsedCommands = await commandsOf(context, trigger, texts)
  if (parsedCommands.length === 0) return hint(context, trigger, texts)
  return acceptEach(
    context,
    trigger,
    parsedCommands.map(parsed => handlerOf(context, trigger, parsed)),
  )
}

/** Tells a writer who may give them once that commands are not read where this one stands. */
async function hint(
  context: CommandContext,
  trigger: CommentTrigger,
  texts: readonly WrittenText[],
): Promise<StepResult> {
  if (!trigger.misplaced || !(await mayUse(context, trigger, instruction))) return end
  if (!(await isAnyMisplaced(context, trigger, texts))) return end
  return acceptEach(context, trigger, [{ handle: () => hinted(context, trigger) }])
}

async function hinted(context: CommandContext, trigger: CommentTrigger): Promise<CommandResult> {
  const { thread, sender } = trigger
  const name = `misplaced-${thread.repoId}-${thread.number}-${sender.id}`
  const first = await context.deps.isFirst(name, trigger.id)
  return first ? refused({ kind: 'misplaced' }) : { kind: 'passed-over' }
}

function handlerOf(context: CommandContext, trigger: CommentTrigger, parsed: Parsed): CommandHandler {
  if (isMistake(parsed)) return { handle: () => mistaken(context, trigger, parsed) }
  const { hides, command } = parsed
  const { name, options, text } = command
  return {
    handle: () => obey(context, trigger, commandNamed(name), { options, text, hides }),
  }
}

/** A bot that the settings do not list gets no answer at all: two bots that answer each other never stop. */
async function mayBeAnswered(context: CommandContext, { sender }: CommandTrigger): Promise<boolean> {
  if (await wasWithdrawn(context)) return false
  return sender.app === undefined || isListedApp(context, sender.app)
}

const acceptOne = async (
  context: CommandContext,
  trigger: CommandTrigger,
  asked: CommandHandler,
): Promise<StepResult> =>
  (await mayBeAnswered(context, trigger)) ? acceptEach(context, trigger, [asked]) : end

const repliesOnly = { name: instruction, repliesAtOnce: true } as const

const refuseUnread = async (context: CommandContext, trigger: CommandTrigger): Promise<CommandResult> =>
  (await gate(context, trigger, repliesOnly)) ?? { kind: 'silence' }

async function mistaken(
  context: CommandContext,
  trigger: CommentTrigger,
  mistake: Parsed,
): Promise<CommandResult> {
  const denied = await gate(context, trigger, repliesOnly)
  if (denied) return denied
  return isMistake(mistake) ? refused({ kind: 'mistake', mistake }) : { kind: 'silence' }
}

const nothingSaid = { options: {}, text: '', hides: false }

const acceptLabel = (context: CommandContext, trigger: LabelTrigger): Promise<StepResult> =>
  acceptOne(context, trigger, {
    handle: () => obey(context, trigger, commandNamed(instruction), nothingSaid),
  })

/** A box counts only in a comment with our signature for this thread. */
async function acceptTick(context: CommandContext, trigger: TickTrigger): Promise<StepResult> {
  const shown = shownBy(context.deps.signer, trigger)
  if (!shown) return end
  const ticked = { ...trigger, run: shown.run }
  return acceptOne(context, ticked, {
    handle: () => obey(context, ticked, commandNamed(trigger.box), nothingSaid),
  })
}

type Repo = Pick<Thread, 'installationId' | 'owner' | 'repo' | 'repoId'>

async function loseAccess(deps: TriggerDeps, trigger: AccessLostTrigger): Promise<void> {
  const { installationId, repositories } = trigger
  const sets = repositories?.map(ofRepository) ?? [ofInstallation(installationId)]
  const [runs, waiting] = await Promise.all([deps.runs.listed(sets), deps.waiting.listed(sets)])
  const isLost = losses(deps, trigger)
  for (const { id, data } of runs)
    if (await isLost(data.thread)) await send(deps.runs, id, messageFor(trigger, data))
  for (const { id, data } of waiting)
    if (isOfThread(data) && (await isLost(data.trigger.thread))) await deps.waiting.send(id, withdrawn)
}

/** The event may be hours old: GitHub is asked once for each repository. */
function losses({ mayWorkIn }: TriggerDeps, { installationId, repositories }: AccessLostTrigger) {
  const checks = new Map<number, Promise<boolean>>()
  return async (repo: Repo): Promise<boolean> => {
    const isMeant = repositories ? repositories.includes(repo.repoId) : repo.installationId === installationId
    if (!isMeant) return false
    const check = checks.get(repo.repoId) ?? lost(mayWorkIn, repo)
    checks.set(repo.repoId, check)
    return check
  }
}

async function lost(mayWorkIn: TriggerDeps['mayWorkIn'], repo: Repo): Promise<boolean> {
  try {
    return !(await mayWorkIn(repo))
  } catch (error) {
    if (error instanceof Rejected) return true
    throw error
  }
}

const messageFor = ({ id, sender, at, by }: AccessLostTrigger, { thread }: Run): RunMessage => ({
  kind: 'access-lost',
  id,
  by: sender,
  at,
  because: because[by].replace('…', `${thread.owner}/${thread.repo}`),
})

const because: Readonly<Record<AccessLostTrigger['by'], string>> = {
  uninstalled: 'uninstalled the App',
  suspended: 'suspended the App',
  removed: 'took … out of the installation',
  transferred: 'transferred …',
  archived: 'archived …',
  deleted: 'deleted …',
}
