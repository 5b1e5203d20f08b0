/** The index of a few jobs that are at hand. */
import type {
  Guard,
  IndexEntry,
  IndexQuery,
  JobIndex,
  JobQueue,
  Member,
} from '../../src/core/model/ports.ts'

interface Job {
  id: string
  entries: readonly IndexEntry[]
  isLive?: boolean
}

/** Of records it has none. */
export function memoryIndex(
  jobs: () => readonly Job[],
): JobIndex & Pick<JobQueue<never>, 'listed' | 'get'> {
  const members = (sets: readonly string[]): Map<string, Member[]> => {
    const found = new Map<string, Member[]>(sets.map(set => [set, []]))
    for (const { id, entries, isLive = true } of jobs())
      for (const { set, score, keptMs } of entries)
        if (isLive || keptMs !== undefined) found.get(set)?.push({ id, score })
    for (const all of found.values()) all.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    return found
  }
  return {
    listed: async () => [],
    get: async () => undefined,
    query: async asked => {
      const found = members(asked.map(({ set }) => set))
      return asked.map(ask => answer(ask, found.get(ask.set) ?? []))
    },
    members: async (sets, { kind, count }) => {
      const found = members(sets)
      return sets.map(set => {
        const all = found.get(set) ?? []
        return (kind === 'first' ? all : all.toReversed()).slice(0, count)
      })
    },
  }
}

/** How many of the guards refuse to save the job. */
export async function refusals(
  index: Pick<JobIndex, 'members'>,
  id: string,
  guards: readonly Guard[],
): Promise<number> {
  const sets = guards.map(({ set }) => set)
  const members = await index.members(sets, { kind: 'first', count: Number.POSITIVE_INFINITY })
  return guards.filter(({ above = Number.NEGATIVE_INFINITY, most }, n) => {
    const others = members[n]?.filter(each => each.id !== id && each.score > above) ?? []
    return others.length >= most
  }).length
}

function answer(ask: IndexQuery, all: readonly Member[]): number | undefined {
  if (ask.kind === 'from-end') return all.at(-ask.nth)?.score
  const { before, above = Number.NEGATIVE_INFINITY } = ask
  return all.filter(each => each.score > above && (!before || isBefore(each, before))).length
}

const isBefore = (a: Member, b: Member): boolean =>
  a.score < b.score || (a.score === b.score && a.id < b.id)
