/**
 * One gate for every trigger and every command: the sender's own role on this repository, asked now. What
 * the command table demands, the settings may raise, and they may let in people, teams and Apps by name.
 * Whatever GitHub does not answer clearly is a no; only a limit is waited out.
 */
import { type CommandName, commands, mayAct, type Role } from '../../core/command/table.ts'
import { ComeBack, Refused } from '../../core/faults.ts'
import type { RepoSettings } from '../../core/repo-settings.ts'
import type { Permission } from '../../core/seen.ts'
import { type Asking, type Handled, refused, type TriggerHand } from './hand.ts'
import { settingsOf } from './start-run.ts'

/** A command that waits is not asked about again and again; who has lost the right meanwhile is found out. */
const askAgainAfter = 60_000

export async function gate(
  hand: TriggerHand,
  trigger: Asking,
  name: CommandName,
): Promise<Handled | undefined> {
  const { passedAt } = hand.record
  if (passedAt !== undefined && hand.deps.now() - passedAt < askAgainAfter) return undefined
  const denied = await ask(hand, trigger, name)
  if (!denied) await hand.save({ ...hand.record, passedAt: hand.deps.now() })
  return denied
}

async function ask(hand: TriggerHand, trigger: Asking, name: CommandName): Promise<Handled | undefined> {
  try {
    const { settings } = await settingsOf(hand)
    const permission = await permissionOf(hand, trigger)
    const least = settings.permissions[name] ?? commands[name].least
    const may = mayAct(permission.role, least) || (await isNamed(hand, trigger, settings))
    audit(hand, trigger, { command: name, role: permission.name, least, may })
    return may ? undefined : refused({ reply: 'not-allowed', command: name, least, role: permission.name })
  } catch (error) {
    if (error instanceof ComeBack) throw error
    audit(hand, trigger, { command: name, role: 'unknown', may: false, err: error })
    return refused({ reply: 'not-known', command: name })
  }
}

async function permissionOf(hand: TriggerHand, { sender }: Asking): Promise<Permission> {
  // An App has no role of its own; it passes by its number or not at all.
  if (sender.app !== undefined) return { role: 'none', name: 'none' }
  try {
    return await hand.github.permission(sender.login)
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return { role: 'none', name: 'none' }
    throw error
  }
}

async function isNamed(hand: TriggerHand, { sender }: Asking, { allow }: RepoSettings): Promise<boolean> {
  if (sender.app !== undefined) return allow.apps.includes(sender.app)
  if (allow.users.some(login => login.toLowerCase() === sender.login.toLowerCase())) return true
  for (const team of allow.teams) if (await hand.github.isInTeam(team, sender.login)) return true
  return false
}

export async function isListedApp(hand: TriggerHand, app: number): Promise<boolean> {
  return (await settingsOf(hand)).settings.allow.apps.includes(app)
}

interface Audited {
  command: CommandName
  role: string
  least?: Role
  may: boolean
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
