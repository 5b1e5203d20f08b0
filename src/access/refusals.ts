/** What the bot writes to people without rights is a share of what GitHub takes of it: so nobody who may waits for it. */
import type { Allowance, CallBudget } from '../core/model/call-budget.ts'

/**
 * Comments and reactions. Of a burst, a third is never spent. GitHub takes about 80 a minute and 500 an hour of an
 * installation. Source: "Rate limits for the REST API", on secondary rate limits.
 */
const perSender: Allowance = { burst: 40, perHour: 60, minute: { burst: 40, perMinute: 40 } }
const perInstallation: Allowance = { burst: 60, perHour: 150, minute: { burst: 60, perMinute: 20 } }

const perRefusal = 2
const maxKept = 1_000

/** Whether a comment and a reaction may be written now to somebody without rights; they are counted then. */
export type MayRefuse = (installationId: number, sender: number) => Promise<boolean>

/** @param open a budget in this process alone is kept here, so it is opened once */
export function refusalsWithin(open: (name: string, allowance: Allowance) => CallBudget): MayRefuse {
  const opened = new Map<string, CallBudget>()
  const spends = async (name: string, allowance: Allowance): Promise<boolean> => {
    const budget = opened.get(name) ?? open(name, allowance)
    opened.delete(name)
    opened.set(name, budget)
    const [oldest] = opened.keys()
    if (opened.size > maxKept && oldest !== undefined) opened.delete(oldest)
    const later = await budget.reserve({ owner: name, id: name, calls: perRefusal, kind: 'spare' })
    return later === undefined
  }
  return async (installationId, sender) =>
    (await spends(`refusals to ${sender}`, perSender)) &&
    spends(`refusals of installation ${installationId}`, perInstallation)
}
