/** How many Runs share a PostHog key: its polls are spread over all of them. */
import type { JobIndex } from '../core/model/job-index.ts'
import { ownersPlace, working } from '../core/run/run-index.ts'

type Counted = Pick<JobIndex, 'query'> & { liveCount(): Promise<number> }

/** @param owners in lower case, each with the tenant that it has instead of the usual one */
export async function liveRunsOf<Tenant>(
  tenant: Tenant,
  owners: ReadonlyMap<string, Tenant>,
  runs: Counted,
): Promise<number> {
  const theirs = [...owners.entries()]
  const own = theirs.filter(([, serves]) => serves === tenant).map(([owner]) => owner)
  if (own.length > 0) return atWork(own, runs)
  const [live, elsewhere] = await Promise.all([
    runs.liveCount(),
    atWork(
      theirs.map(([owner]) => owner),
      runs,
    ),
  ])
  return Math.max(0, live - elsewhere)
}

async function atWork(owners: readonly string[], runs: Counted): Promise<number> {
  if (owners.length === 0) return 0
  const counts = await runs.query(
    owners.map(owner => ({ kind: 'count', set: working(ownersPlace(owner)) }) as const),
  )
  return counts.reduce<number>((sum, count = 0) => sum + count, 0)
}
