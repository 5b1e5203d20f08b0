/**
 * One gate for every trigger and every command: the sender's own role on this repository, asked now. What
 * the command table demands, the settings may raise, and they may let in people, teams and Apps by name.
 * Whatever GitHub does not answer clearly is a no; only a limit is waited out.
 */
import type { CommandName, Role } from '../../core/command/table.ts'
import { ComeBack } from '../../core/faults.ts'
import { allowanceOf } from '../permission.ts'
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
    const { settings, version } = await settingsOf(hand)
    const { may, least, role, trusted } = await allowanceOf(hand.github, trigger.sender, name, settings)
    hand.stranger = !trusted
    audit(hand, trigger, { command: name, role, least, may, settings: version })
    return may ? undefined : refused({ reply: 'not-allowed', command: name, least, role })
  } catch (error) {
    if (error instanceof ComeBack) throw error
    audit(hand, trigger, { command: name, role: 'unknown', may: false, err: error })
    return refused({ reply: 'not-known', command: name })
  }
}

export async function isListedApp(hand: TriggerHand, app: number): Promise<boolean> {
  return (await settingsOf(hand)).settings.allow.apps.includes(app)
}

interface Audited {
  command: CommandName
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
