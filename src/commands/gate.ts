/** Whether the sender may: by their role, or by name in the settings. Unclear answers mean no. */
import { allowance, type Identity, isTrusted, senderNow } from '../access/authorize.ts'
import type { SettingsNow } from '../access/read-settings.ts'
import type { Who } from '../access/strangers.ts'
import { mayHoldCommand } from '../core/command/find.ts'
import type { Role } from '../core/model/command-grammar.ts'
import type { WithdrawalTrigger } from '../core/model/trigger.ts'
import { callsOf } from '../core/settings/deployment-settings.ts'
import { type GivenCommand, type Rejected, reject } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  commentRefOf,
  isLate,
  type ThreadContext,
} from './command-context.ts'
import { parseCommands } from './command-registry.ts'
import { writtenIn } from './read-commands.ts'
import { reactWithEyes } from './reply.ts'

export interface KnownSender {
  sender: Identity
  settings: SettingsNow
}

export const mayUse = ({ sender, settings }: KnownSender, command: string): boolean =>
  allowance(sender, command, settings.settings).may

/**
 * `undefined` if GitHub could not say for minutes who the sender is.
 * @throws what GitHub answered until then: it says nothing about the sender
 */
export async function senderOf(context: ThreadContext): Promise<KnownSender | undefined> {
  const { thread, sender: person } = context.record.trigger
  const { sender, settings } = await context.who(thread, person, () => roleNow(context))
  context.remember({ sender })
  if (sender.kind === 'unknown') return undefined
  // What somebody without rights writes is judged by the settings of that minute.
  return { sender, settings: await context.settings(isTrusted(sender) ? undefined : settings) }
}

async function roleNow(context: ThreadContext): Promise<Who> {
  const { deps, record, github } = context
  const { sender, fault } = await senderNow({
    before: record.sender,
    person: record.trigger.sender,
    now: deps.now(),
    github,
    reads: context.refusedReads(),
    check: () => context.personCheck(),
  })
  if (sender.kind === 'known') return { sender, settings: await context.settings() }
  if (sender !== record.sender) await context.save({ sender })
  if (fault) throw fault
  deps.log.warn({ why: sender.why }, 'the sender stays unknown')
  return { sender }
}

/** @returns what is done instead, if the sender may not */
export async function mayUseIt(
  context: CommandContext,
  { command, instead }: GivenCommand,
): Promise<CommandResult | undefined> {
  const denied = await denial(context, command.name)
  if (denied) return context.record.refused ? { kind: 'passed-over' } : denied
  if (context.record.passed) return undefined
  const repliesAtOnce = instead !== undefined || command.repliesAtOnce === true
  if (!repliesAtOnce && (await wasGone(context))) return { kind: 'passed-over' }
  const reacted = context.record.reacted || (!repliesAtOnce && reactWithEyes(context))
  await context.save({ reacted, passed: true })
  return undefined
}

async function denial(context: CommandContext, command: string): Promise<Rejected | undefined> {
  const known = await senderOf(context)
  if (!known) {
    audit(context, { command, role: 'unknown', may: false })
    const { sender } = context.record
    return reject('notKnown', command, sender?.kind === 'unknown' ? sender.why : undefined)
  }
  const { version, settings } = known.settings
  const { may, least, role } = allowance(known.sender, command, settings)
  if (!may || !context.record.passed)
    audit(context, { command, role, least, may, settings: version })
  return may ? undefined : reject('notAllowed', { command, least, role })
}

function audit(
  context: CommandContext,
  decision: { command: string; role: string; least?: Role; may: boolean; settings?: string },
) {
  const { trigger } = context.record
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
  const { log } = context.deps
  if (decision.may) log.info(fields, 'accepted')
  else context.tellOfRefused(`${thread.repoId} ${sender.id}`, () => log.info(fields, 'refused'))
}

/** Whether a command's comment, or its label, was gone before its webhook came, or before checks could be waited for. */
async function wasGone(context: CommandContext): Promise<boolean> {
  const { record } = context
  const { trigger } = record
  if (record.reacted || (trigger.kind !== 'tick' && !isLate(context))) return false
  const { thread } = trigger
  if (trigger.kind === 'label')
    return isStillSo(context, { thread, what: { kind: 'label', label: trigger.label } }, false)
  const asked = commentRefOf(trigger)
  if (!asked || asked.kind === 'subject') return false
  if (asked.kind === 'review')
    return (await context.github.reviews.text(asked.reviewId)) === undefined
  const { kind, commentId } = asked
  return isStillSo(
    context,
    { thread, what: { kind: 'comment', in: kind, commentId, reviewId: null } },
    false,
  )
}

export type Deleted = WithdrawalTrigger['what'] & { kind: 'comment' }

/** Asks GitHub whether what was taken back is gone there, too: a withdrawal may come late, and so may a command. */
export async function isStillSo(
  context: ThreadContext,
  { what, thread }: Pick<WithdrawalTrigger, 'what' | 'thread'>,
  byReview: boolean,
): Promise<boolean> {
  const { github, deps } = context
  const calls = callsOf(deps.triggerOf(thread.ownerId))
  if (what.kind === 'comment')
    return (
      !(await github.comments.find(what)) &&
      !(byReview && (await stillRequests(context, what, calls)))
    )
  const leaves = what.kind === 'thread' && (what.by === 'deleted' || what.by === 'transferred')
  const state =
    (await github.thread.state()) ?? (leaves ? undefined : context.believeAbsent('The thread'))
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

async function stillRequests(
  context: ThreadContext,
  { reviewId }: Deleted,
  calls: string,
): Promise<boolean> {
  if (reviewId === null) return false
  const { github } = context
  const text = (await github.reviews.text(reviewId)) ?? context.believeAbsent('The review')
  if (text === undefined) return false
  const inline = (await github.reviews.comments(reviewId)).map(writtenIn)
  const texts = [{ text, addresses: 'whole' as const }, ...inline].filter(each =>
    mayHoldCommand(each.text, calls),
  )
  const pages = await github.pages.shown(texts)
  return texts.some(({ text }, at) => parseCommands({ text, page: pages[at] }, calls).length > 0)
}
