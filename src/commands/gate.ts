/** Whether the sender may: by their role, asked now, or by name in the settings. Unclear answers mean no. */

import {
  type Allowance,
  allowance,
  isNamed,
  needsName,
  type PersonCheck,
  permissionOf,
} from '../access/authorize.ts'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { Role } from '../core/model/role.ts'
import { limits } from '../core/run/timing.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import type { Command } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  refused,
  refusedReads,
  settingsOf,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import { reactWithEyes } from './eyes.ts'
import { wasGone } from './is-gone.ts'
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
    const { may, least, role, trusted } = await allowanceNow(context, trigger, name, settings)
    context.stranger = !trusted
    audit(context, trigger, { command: name, role, least, may, settings: version })
    return may ? undefined : refused({ kind: 'not-allowed', command: name, least, role })
  } catch (error) {
    if (isAskedAgain(context, error)) throw error
    context.stranger = true
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
  if (!needsName(permission, name, settings))
    return allowance({ ...permission, named: false }, name, settings)
  const named = permission.named ?? (await isNamed(personCheckOf(context, settings), sender))
  if (permission.named === undefined)
    await context.save({ ...context.record, permission: { ...permission, named } })
  return allowance({ ...permission, named }, name, settings)
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
    ...(head === undefined ? {} : { head }),
    ...decision,
  }
  context.deps.log.info(fields, decision.may ? 'accepted' : 'refused')
}
