/**
 * What people without rights cost is a share of what GitHub takes of the bot: so nobody who may waits for it. Who they are
 * is asked at most once a minute in a repository, and at most so often in an hour.
 */
import type { Allowance, CallBudget } from '../core/model/call-budget.ts'
import type { Sender } from '../core/model/command-grammar.ts'
import type { Person, Thread } from '../core/model/thread.ts'
import { cachedFor, hour, latelyCounted, minute } from '../core/model/time.ts'
import { madeIn, NewestMap } from '../core/text/newest-map.ts'
import { isTrusted } from './authorize.ts'
import type { SettingsNow } from './read-settings.ts'

/**
 * Comments, reactions and pages. GitHub takes about 80 a minute and 500 an hour of an
 * installation. Source: "Rate limits for the REST API", on secondary rate limits.
 */
const perSender: Allowance = { burst: 24, perHour: 60, minute: { burst: 24, perMinute: 40 } }
const perInstallation: Allowance = { burst: 36, perHour: 150, minute: { burst: 36, perMinute: 20 } }

const maxRememberedBudgets = 1_000

/** Whether somebody without rights may be answered or read now with so many calls, which are counted then. */
export type MayCost = (installationId: number, sender: number, calls: number) => Promise<boolean>

/** @param open a budget in this process alone is kept here, so it is opened once */
export function costsWithin(open: (name: string, allowance: Allowance) => CallBudget): MayCost {
  const opened = new NewestMap<string, CallBudget>(maxRememberedBudgets)
  const spends = async (name: string, allowance: Allowance, calls: number): Promise<boolean> => {
    const budget = madeIn(opened, name, () => open(name, allowance))
    const later = await budget.reserve({ owner: name, id: name, calls, isAwaited: true })
    return later === undefined
  }
  return async (installationId, sender, calls) =>
    (await spends(`refusals to ${sender}`, perSender, calls)) &&
    spends(`refusals of installation ${installationId}`, perInstallation, calls)
}

export interface Who {
  sender: Sender
  /** The settings that held when that was asked. */
  settings?: SettingsNow
}

/** A question is two calls, of the 5,000 that GitHub takes in an hour of an installation. */
const mostInVain = 30

/** Who people are where they write, for a minute after GitHub said it. */
export function whoLately(now: () => number) {
  const people = cachedFor(minute, now, (_, ask: () => Promise<Who>) => ask())
  const inVain = latelyCounted(hour, now)
  return ({ repoId }: Pick<Thread, 'repoId'>, { id }: Person, ask: () => Promise<Who>) =>
    people.get(`${repoId} ${id}`, async () => {
      if (inVain(id, 0) >= mostInVain)
        return { sender: { kind: 'unknown', at: now(), since: now() } }
      const who = await ask()
      if (who.sender.kind === 'unknown' || !isTrusted(who.sender)) inVain(id, 1)
      return who
    })
}
