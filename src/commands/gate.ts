/** Whether the sender may: by their role, asked now, or by name in the settings. Unclear answers mean no. */
import {
  type Allowance,
  allowance,
  isNamed,
  needsName,
  type PersonCheck,
  permissionOf,
} from '../access/authorize.ts'
import { mayHoldCommand } from '../core/command/find.ts'
import type { Role } from '../core/model/command-grammar.ts'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import { second } from '../core/model/time.ts'
import type { WithdrawalTrigger } from '../core/model/trigger.ts'
import { believeAbsent } from '../core/record/outage.ts'
import { limits } from '../core/record/timing.ts'
import { triggerOf } from '../core/settings/deployment-settings.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import type { Command } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  refused,
  refusedReads,
  settingsOf,
  targetOf,
} from './command-context.ts'
import { commands, parseCommands } from './command-registry.ts'
import { writtenIn } from './read-commands.ts'
import type { TriggerRecord } from './trigger-record.ts'

/** ms: after a longer wait the right may be lost. */
const permissionLastsMs = 60_000

export async function gate(
  context: CommandContext,
  trigger: CommandTrigger,
  { name, repliesAtOnce = false }: Pick<Command, 'name' | 'repliesAtOnce'>,
): Promise<CommandResult | undefined> {
  const { passedAt } = context.record
  if (passedAt !== undefined && context.deps.now() - passedAt < permissionLastsMs) return undefined
  const denied = await checkAllowed(context, trigger, name)
  if (denied) return context.record.refused ? { kind: 'passed-over' } : denied
  if (!repliesAtOnce && (await wasGone(context, trigger))) return { kind: 'passed-over' }
  const reacted = context.record.reacted || (!repliesAtOnce && reactWithEyes(context, trigger))
  await context.save({ ...context.record, reacted, passedAt: context.deps.now() })
  return undefined
}

export async function reactWithEyesNow(context: CommandContext, trigger: CommandTrigger): Promise<void> {
  if (!context.record.reacted && reactWithEyes(context, trigger))
    await context.save({ ...context.record, reacted: true })
}

export async function mayUse(
  context: CommandContext,
  trigger: CommandTrigger,
  name: string,
): Promise<boolean> {
  try {
    const { settings } = await identifySender(context, trigger)
    return (await allowanceNow(context, trigger, name, settings)).may
  } catch (error) {
    if (isAskedAgain(context, error)) throw error
    return false
  }
}

export async function mayNothing(context: CommandContext, trigger: CommandTrigger): Promise<boolean> {
  try {
    const { settings } = await identifySender(context, trigger)
    for (const { name } of commands)
      if ((await allowanceNow(context, trigger, name, settings)).may) return false
    return true
  } catch (error) {
    if (isAskedAgain(context, error)) throw error
    return false
  }
}

async function checkAllowed(
  context: CommandContext,
  trigger: CommandTrigger,
  name: string,
): Promise<CommandResult | undefined> {
  try {
    const { settings, version } = await identifySender(context, trigger)
    const { may, least, role } = await allowanceNow(context, trigger, name, settings)
    audit(context, trigger, { command: name, role, least, may, settings: version })
    return may ? undefined : refused({ kind: 'not-allowed', command: name, least, role })
  } catch (error) {
    if (isAskedAgain(context, error)) throw error
    audit(context, trigger, { command: name, role: 'unknown', may: false, err: error })
    return refused({ kind: 'not-known', command: name })
  }
}

async function identifySender(context: CommandContext, trigger: CommandTrigger) {
  if (context.unknown !== undefined) throw context.unknown
  try {
    const [settings, permission] = await Promise.all([settingsOf(context), permissionNow(context, trigger)])
    const { record } = context
    if (record.permission !== permission || record.unknownSince !== undefined)
      await context.save({ ...record, permission, unknownSince: undefined })
    return settings
  } catch (error) {
    context.unknown = error
    context.stranger = true
    const { unknownSince = context.deps.now() } = context.record
    await context.save({ ...context.record, unknownSince })
    throw error
  }
}

/** An answer that was lost or refused says nothing about the sender, who is told so only if that lasts. */
function isAskedAgain({ deps, record: { unknownSince } }: CommandContext, error: unknown): boolean {
  if (error instanceof RetryLater) return true
  const isUnclear = error instanceof NoResponse || (error instanceof Rejected && error.of === 'read')
  return isUnclear && unknownSince !== undefined && deps.now() - unknownSince < limits.refusedBefore
}

type Known = NonNullable<TriggerRecord['permission']>

async function permissionNow(context: CommandContext, trigger: CommandTrigger): Promise<Known> {
  const { permission } = context.record
  const at = context.deps.now()
  if (permission && at - permission.at < permissionLastsMs) return permission
  return { ...(await permissionOf(context.github, trigger.sender, refusedReads(context))), at }
}

async function allowanceNow(
  context: CommandContext,
  { sender }: CommandTrigger,
  name: string,
  settings: RepoSettings,
): Promise<Allowance> {
  const { permission } = context.record
  if (!permission) throw new Error('nobody was asked who this is')
  const isAsked = needsName(permission, name, settings)
  const named = isAsked && (permission.named ?? (await isNamed(personCheckOf(context, settings), sender)))
  if (isAsked && permission.named === undefined)
    await context.save({ ...context.record, permission: { ...permission, named } })
  const allowed = allowance({ ...permission, named }, name, settings)
  context.stranger = !allowed.trusted
  return allowed
}

export function personCheckOf(context: CommandContext, settings: RepoSettings): PersonCheck {
  const { github, deps, record } = context
  const { accounts, signer } = deps
  const { repoId } = record.trigger.thread
  return { github, accounts, signer, repoId, settings, reads: refusedReads(context) }
}

export async function isListedApp(context: CommandContext, app: number): Promise<boolean> {
  return (await settingsOf(context)).settings.allow.apps.includes(app)
}

interface Audited {
  command: string
  role: string
  least?: Role
  may: boolean
  settings?: string
  err?: unknown
}

function audit(context: CommandContext, trigger: CommandTrigger, decision: Audited): void {
  const { thread, sender } = trigger
  const head = trigger.kind === 'tick' ? undefined : trigger.head?.sha
  const fields = {
    audit: true,
    repository: `${thread.owner}/${thread.repo}`,
    thread: thread.number,
    by: sender.login,
    head,
    ...decision,
  }
  context.deps.log.info(fields, decision.may ? 'accepted' : 'refused')
}

// Whether what was taken back is gone at GitHub too: a withdrawal may come late, and so may a command.

type What = WithdrawalTrigger['what']
export type Deleted = What & { kind: 'comment' }

/** ms after which a webhook counts as late: its comment may be gone by now. */
const lateAfterMs = 30_000

/** Whether a command's comment, or its label, was gone before its webhook came. */
async function wasGone(context: CommandContext, trigger: CommandTrigger): Promise<boolean> {
  const { record, job } = context
  if (record.reacted || record.passedAt !== undefined || job.addedAt - trigger.at < lateAfterMs) return false
  const what = whatIsBehind(trigger)
  return what !== undefined && isStillSo(context, { what, thread: trigger.thread }, false)
}

function whatIsBehind(trigger: CommandTrigger): What | undefined {
  if (trigger.kind === 'label') return { kind: 'label', label: trigger.label }
  if (trigger.kind !== 'comment' || trigger.commentRef.kind === 'review') return undefined
  const { kind, commentId } = trigger.commentRef
  return { kind: 'comment', in: kind, commentId, reviewId: null }
}

export async function isStillSo(
  context: CommandContext,
  { what, thread }: Pick<WithdrawalTrigger, 'what' | 'thread'>,
  byReview: boolean,
): Promise<boolean> {
  const { github, deps } = context
  const { word } = triggerOf(deps.settings.deployment, thread.owner)
  if (what.kind === 'comment')
    return !(await github.hasComment(what)) && !(byReview && (await stillRequests(context, what, word)))
  const leaves = what.kind === 'thread' && (what.by === 'deleted' || what.by === 'transferred')
  const state =
    (await github.state()) ?? (leaves ? undefined : believeAbsent('The thread', refusedReads(context)))
  if (!state) return true
  if (what.kind === 'label') return !state.labels.includes(what.label)
  switch (what.by) {
    case 'closed':
      return !state.open
    case 'locked':
      return state.locked
    case 'deleted':
    case 'transferred':
      return false
  }
}

async function stillRequests(context: CommandContext, { reviewId }: Deleted, word: string): Promise<boolean> {
  if (reviewId === null) return false
  const { github } = context
  const text = (await github.review(reviewId)) ?? believeAbsent('The review', refusedReads(context))
  if (text === undefined) return false
  const inline = (await github.reviewComments(reviewId)).map(writtenIn)
  const texts = [{ text, addresses: 'whole' as const }, ...inline].filter(each =>
    mayHoldCommand(each.text, word),
  )
  const pages = await github.shown(texts)
  return texts.some(({ text }, at) => parseCommands({ text, page: pages[at] }, word).length > 0)
}

// 👀 on what somebody with trust asked. Nothing waits for long for it, and its failure does not matter.

function reactWithEyes(context: CommandContext, trigger: CommandTrigger): boolean {
  if (context.stranger || trigger.kind === 'tick') return false
  context.eyes = context.github.react(targetOf(trigger), 'eyes').catch(() => {})
  return true
}

/** Before the eyes are taken off again. GitHub may set them later than this; then they are taken off once more. */
export async function awaitEyes({ eyes, github, record: { trigger } }: CommandContext): Promise<void> {
  if (!eyes) return
  const isLate = await Promise.race([
    eyes.then(() => false),
    new Promise<boolean>(done => setTimeout(done, second, true).unref()),
  ])
  if (isLate) eyes.then(() => github.unreact(targetOf(trigger))).catch(() => {})
}
