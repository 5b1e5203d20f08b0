/** Who sends a command, as GitHub said it at most a minute ago. */
import type { Sender } from '../core/model/command-grammar.ts'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { Person } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { idleMs } from '../core/record/retries.ts'
import { limits } from '../core/record/timing.ts'
import { type PersonCheck, permissionOf, withName } from './authorize.ts'

interface SenderQuery extends Pick<PersonCheck, 'github' | 'reads'> {
  before: Sender | undefined
  person: Person
  command: string
  now: number
  /** The settings come while GitHub is asked for the role. */
  check(): Promise<PersonCheck>
}

/** ms: after a longer wait the right may be lost. */
const lastsMs = minute

/**
 * By name in the settings only if the role is not enough for that command.
 * @returns `unknown` where GitHub could not say it: with the fault, unless that has lasted for minutes
 */
export async function senderNow(query: SenderQuery): Promise<{ sender: Sender; fault?: Error }> {
  const { before, person, command, now } = query
  const kept = before && now - before.at < lastsMs ? before : undefined
  if (kept?.kind === 'unknown' && isGivenUp(kept)) return { sender: kept }
  try {
    const role = kept?.kind === 'known' ? kept : roleOf(query)
    const [check, known] = await Promise.all([query.check(), role])
    return { sender: await withName(known, command, person, check) }
  } catch (error) {
    const isUnclear = error instanceof NoResponse || (error instanceof Rejected && error.of === 'read')
    if (!isUnclear) throw error
    const since = before?.kind === 'unknown' ? before.since + idleMs(before.at, now) : now
    const why = error instanceof Rejected ? error.message : undefined
    const sender = { kind: 'unknown', at: now, since, why } as const
    return isGivenUp(sender) ? { sender } : { sender, fault: error }
  }
}

const roleOf = async ({ github, reads, person, now }: SenderQuery): Promise<Sender & { kind: 'known' }> => ({
  kind: 'known',
  at: now,
  ...(await permissionOf(github, person, reads)),
})

const isGivenUp = ({ at, since }: { at: number; since: number }): boolean =>
  at - since >= limits.refusedBefore
