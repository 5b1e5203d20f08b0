/** Whether the sender may: by their role, or by name in the settings. Unclear answers mean no. */
import { allowance, type Identity, permissionOf, withName } from '../access/authorize.ts'
import type { SettingsNow } from '../access/read-settings.ts'
import type { Role } from '../core/model/command-grammar.ts'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import { minute } from '../core/model/time.ts'
import { idleMs } from '../core/record/retries.ts'
import { limits } from '../core/record/timing.ts'
import type { Reply } from '../core/words/replies.ts'
import type { Command } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  personCheckOf,
  refused,
  refusedReads,
  settingsOf,
} from './command-context.ts'
import { reactWithEyes } from './reply.ts'
import { isStillSo } from './withdraw.ts'

/** ms: after a longer wait the right may be lost. */
const lastsMs = minute

export interface Known {
  sender: Identity
  settings: SettingsNow
}

export const mayUse = ({ sender, settings }: Known, command: string): boolean =>
  allowance(sender, command, settings.settings).may

/**
 * Who the sender is, as GitHub said at most a minute ago, by name in the settings only if their role is not enough for
 * that command. `undefined` if GitHub could not say it for minutes.
 * @throws what GitHub answered until then: it says nothing about the sender
 */
export async function senderOf(
  context: CommandContext,
  trigger: CommandTrigger,
  command: string,
): Promise<Known | undefined> {
  const { deps, record } = context
  const before = record.sender
  const kept = before && deps.now() - before.at < lastsMs ? before : undefined
  if (kept?.kind === 'unknown' && isGivenUp(kept)) return undefined
  try {
    const asked = kept?.kind === 'known' ? kept : roleOf(context, trigger)
    const [settings, role] = await Promise.all([settingsOf(context), asked])
    const sender = await withName(role, command, trigger.sender, await personCheckOf(context))
    // Saved with what is decided by it: a process that takes over asks again.
    context.record = { ...context.record, sender }
    return { sender, settings }
  } catch (error) {
    const isUnclear = error instanceof NoResponse || (error instanceof Rejected && error.of === 'read')
    if (!isUnclear) throw error
    const at = deps.now()
    const since = before?.kind === 'unknown' ? before.since + idleMs(before.at, at) : at
    const why = error instanceof Rejected ? error.message : undefined
    const sender = { kind: 'unknown', at, since, why } as const
    await context.save({ ...context.record, sender })
    if (!isGivenUp(sender)) throw error
    deps.log.warn({ err: error }, 'the sender stays unknown')
    return undefined
  }
}

const roleOf = async (context: CommandContext, { sender }: CommandTrigger) => ({
  kind: 'known' as const,
  at: context.deps.now(),
  ...(await permissionOf(context.github, sender, refusedReads(context))),
})

const isGivenUp = ({ at, since }: { at: number; since: number }): boolean =>
  at - since >= limits.refusedBefore

/** @returns what is done instead, if the sender may not */
export async function gate(
  context: CommandContext,
  trigger: CommandTrigger,
  { name, repliesAtOnce = false }: Pick<Command, 'name' | 'repliesAtOnce'>,
): Promise<CommandResult | undefined> {
  const denied = await denial(context, trigger, name)
  if (denied) return context.record.refused ? { kind: 'passed-over' } : refused(denied)
  if (context.record.passed) return undefined
  if (!repliesAtOnce && (await wasGone(context, trigger))) return { kind: 'passed-over' }
  const reacted = context.record.reacted || (!repliesAtOnce && reactWithEyes(context, trigger))
  await context.save({ ...context.record, reacted, passed: true })
  return undefined
}

async function denial(
  context: CommandContext,
  trigger: CommandTrigger,
  command: string,
): Promise<Reply | undefined> {
  const known = await senderOf(context, trigger, command)
  if (!known) {
    audit(context, trigger, { command, role: 'unknown', may: false })
    const { sender } = context.record
    return { kind: 'not-known', command, why: sender?.kind === 'unknown' ? sender.why : undefined }
  }
  const { version, settings } = known.settings
  const { may, least, role } = allowance(known.sender, command, settings)
  if (!may || !context.record.passed)
    audit(context, trigger, { command, role, least, may, settings: version })
  return may ? undefined : { kind: 'not-allowed', command, least, role }
}

interface Audited {
  command: string
  role: string
  least?: Role
  may: boolean
  settings?: string
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

/** ms after which a webhook counts as late: its comment may be gone by now. */
const lateAfterMs = 30_000

/** Whether a command's comment, or its label, was gone before its webhook came. */
async function wasGone(context: CommandContext, trigger: CommandTrigger): Promise<boolean> {
  const { record, job } = context
  if (record.reacted || job.addedAt - trigger.at < lateAfterMs) return false
  const { thread } = trigger
  if (trigger.kind === 'label')
    return isStillSo(context, { thread, what: { kind: 'label', label: trigger.label } }, false)
  if (trigger.kind !== 'comment') return false
  const { commentRef } = trigger
  if (commentRef.kind === 'subject') return false
  if (commentRef.kind === 'review') return (await context.github.review(commentRef.reviewId)) === undefined
  const { kind, commentId } = commentRef
  return isStillSo(context, { thread, what: { kind: 'comment', in: kind, commentId, reviewId: null } }, false)
}
