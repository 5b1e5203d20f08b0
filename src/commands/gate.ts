/**
 * One gate for every trigger and every command: the sender's own role on this repository, asked now. What
 * a command demands, the settings may raise, and they may let in people, teams and Apps by name.
 * Whatever GitHub does not answer clearly is a no; only a limit is waited out.
 */

import {
  type Allowance,
  type Asked,
  allowance,
  isNamed,
  needsName,
  permissionOf,
} from '../access/authorize.ts'
import { ComeBack } from '../core/model/errors.ts'
import type { Role } from '../core/model/role.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import {
  type Asking,
  type Handled,
  refused,
  settingsOf,
  type TriggerHand,
  targetOf,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import type { TriggerRecord } from './trigger-record.ts'

/** What GitHub said holds for a minute: who waits longer may have lost the right meanwhile. */
const askAgainAfter = 60_000

/** Lets through, or says why not: once a comment. */
export async function gate(hand: TriggerHand, trigger: Asking, name: string): Promise<Handled | undefined> {
  const { passedAt } = hand.record
  if (passedAt !== undefined && hand.deps.now() - passedAt < askAgainAfter) return undefined
  const denied = await ask(hand, trigger, name)
  if (denied) return hand.record.refused ? { with: 'passed-over' } : denied
  const reacted = hand.record.reacted || showHeard(hand, trigger)
  await hand.save({ ...hand.record, reacted, passedAt: hand.deps.now() })
  return undefined
}

/** The first sign of life, for people with trust; nothing waits for it, and its failure does not matter. */
function showHeard(hand: TriggerHand, trigger: Asking): boolean {
  if (hand.stranger || trigger.kind === 'tick') return false
  hand.github.react(targetOf(trigger), 'eyes').catch(() => {})
  return true
}

/** Whether the asker may use no command at all: then what they wrote is not even read. */
export async function mayNothing(hand: TriggerHand, trigger: Asking): Promise<boolean> {
  try {
    const { settings } = await askWho(hand, trigger)
    for (const { name } of commands) if ((await allowanceNow(hand, trigger, name, settings)).may) return false
    return true
  } catch (error) {
    if (error instanceof ComeBack) throw error
    return false
  }
}

/** One decision for each level, all from one question. */
async function ask(hand: TriggerHand, trigger: Asking, name: string): Promise<Handled | undefined> {
  try {
    const { settings, version } = await askWho(hand, trigger)
    const { may, least, role, trusted } = await allowanceNow(hand, trigger, name, settings)
    hand.stranger = !trusted
    audit(hand, trigger, { command: name, role, least, may, settings: version })
    return may ? undefined : refused({ reply: 'not-allowed', command: name, least, role })
  } catch (error) {
    if (error instanceof ComeBack) throw error
    hand.stranger = true
    audit(hand, trigger, { command: name, role: 'unknown', may: false, err: error })
    return refused({ reply: 'not-known', command: name })
  }
}

/** The settings, and who asks: read side by side, once for all commands of a comment. */
async function askWho(hand: TriggerHand, trigger: Asking) {
  if (hand.unknown !== undefined) throw hand.unknown
  try {
    const [settings, permission] = await Promise.all([settingsOf(hand), permissionNow(hand, trigger)])
    if (hand.record.permission !== permission) await hand.save({ ...hand.record, permission })
    return settings
  } catch (error) {
    hand.unknown = error
    throw error
  }
}

type Known = NonNullable<TriggerRecord['permission']>

async function permissionNow(hand: TriggerHand, trigger: Asking): Promise<Known> {
  const { permission } = hand.record
  const at = hand.deps.now()
  if (permission && at - permission.at < askAgainAfter) return permission
  return { ...(await permissionOf(hand.github, trigger.sender)), at }
}

async function allowanceNow(
  hand: TriggerHand,
  { sender }: Asking,
  name: string,
  settings: RepoSettings,
): Promise<Allowance> {
  const { permission } = hand.record
  if (!permission) throw new Error('nobody was asked who this is')
  if (!needsName(permission, name, settings))
    return allowance({ ...permission, named: false }, name, settings)
  const named = permission.named ?? (await isNamed(askedOf(hand, settings), sender))
  if (permission.named === undefined)
    await hand.save({ ...hand.record, permission: { ...permission, named } })
  return allowance({ ...permission, named }, name, settings)
}

export const askedOf = ({ github, deps, record }: TriggerHand, settings: RepoSettings): Asked => ({
  github,
  accounts: deps.accounts,
  repoId: record.trigger.thread.repoId,
  settings,
})

export async function isListedApp(hand: TriggerHand, app: number): Promise<boolean> {
  return (await settingsOf(hand)).settings.allow.apps.includes(app)
}

interface Audited {
  command: string
  role: string
  least?: Role
  may: boolean
  /** Which settings said so. */
  settings?: string
  err?: unknown
}

/** Who asked for what, on which commit, and why it was let through or not. */
function audit(hand: TriggerHand, trigger: Asking, decision: Audited): void {
  const { thread, sender } = trigger
  const head = trigger.kind === 'tick' ? undefined : trigger.head?.sha
  const fields = {
    audit: true,
    trigger: trigger.id,
    delivery: trigger.deliveryId,
    repository: `${thread.owner}/${thread.repo}`,
    thread: thread.number,
    by: sender.login,
    ...(head === undefined ? {} : { head }),
    ...decision,
  }
  hand.deps.log.info(fields, decision.may ? 'accepted' : 'refused')
}
