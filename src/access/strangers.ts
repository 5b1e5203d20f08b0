/**
 * What people without rights cost is a share of what GitHub takes of the bot: so nobody who may waits for it. Not
 * counted is who they are, which is asked before anything is known of them.
 */
import type { Allowance, CallBudget } from '../core/model/call-budget.ts'
import { NewestMap } from '../core/text/newest-map.ts'

/**
 * Comments, reactions and pages. Of a burst, a third is never spent. GitHub takes about 80 a minute and 500 an hour of an
 * installation. Source: "Rate limits for the REST API", on secondary rate limits.
 */
const perSender: Allowance = { burst: 40, perHour: 60, minute: { burst: 40, perMinute: 40 } }
const perInstallation: Allowance = { burst: 60, perHour: 150, minute: { burst: 60, perMinute: 20 } }

const maxKept = 1_000

/** Whether somebody without rights may be answered or read now with so many calls, which are counted then. */
export type MayCost = (installationId: number, sender: number, calls: number) => Promise<boolean>

/** @param open a budget in this process alone is kept here, so it is opened once */
export function costsWithin(open: (name: string, allowance: Allowance) => CallBudget): MayCost {
  const opened = new NewestMap<string, CallBudget>(maxKept)
  const spends = async (name: string, allowance: Allowance, calls: number): Promise<boolean> => {
    const budget = opened.get(name) ?? open(name, allowance)
    opened.set(name, budget)
    const later = await budget.reserve({ owner: name, id: name, calls, kind: 'spare' })
    return later === undefined
  }
  return async (installationId, sender, calls) =>
    (await spends(`refusals to ${sender}`, perSender, calls)) &&
    spends(`refusals of installation ${installationId}`, perInstallation, calls)
}
