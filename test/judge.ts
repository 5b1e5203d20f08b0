/**
 * What has to hold of a thread, whoever lived it: by what GitHub and PostHog have on record, not by what the bot says
 * of itself. Simulated lives (`core/run-life`) and real processes (`chaos`) fill in the facts.
 */

export interface Counts {
  tasks: number
  runs: number
  messages: number
  cancels: number
  /** Pull requests and branches that the bot made, or that are there for its thread. */
  pulls: number
  branches: number
  statuses: number
}

export interface Facts extends Partial<Counts> {
  /** Statuses that are not folded away. */
  openStatuses: number
  /** The comments that tell what became of something, and of what each tells. */
  answers: readonly { about: string; text: string }[]
  /** Agents that do what they were asked. */
  working: number
}

/** So many, or none that counts. */
type Bound = number | { least?: number; most?: number } | undefined

export type Allowed = { [Name in keyof Counts]?: Bound } & {
  /** What has to be told. */
  told: readonly string[]
  /** What may be. */
  tellable?: readonly string[]
}

export const differs = (what: string, is: number, bound: Bound): string[] => {
  const { least = 0, most = Number.POSITIVE_INFINITY } =
    typeof bound === 'number' ? { least: bound, most: bound } : (bound ?? {})
  if (is < least) return [`${is} ${what} instead of ${least}`]
  return is > most ? [`${is} ${what} instead of ${most}`] : []
}

const counted = ['tasks', 'runs', 'messages', 'cancels', 'pulls', 'branches', 'statuses'] as const

/** One of each: nothing is done twice. */
export const wrongCounts = (facts: Partial<Counts>, allowed: Allowed) =>
  counted.flatMap(what => differs(what, facts[what] ?? 0, allowed[what]))

export function wrongIn(facts: Facts, allowed: Allowed): string[] {
  const { told, tellable = [] } = allowed
  const { answers } = facts
  const about = (what: string) => answers.filter(answer => answer.about === what)
  const isKnown = (what: string) => [...told, ...tellable].includes(what)
  const isOwned = answers.at(-1)?.text.includes('may still be working') === true
  return [
    ...wrongCounts(facts, allowed),
    ...differs('open statuses', facts.openStatuses, { most: 1 }),
    ...told.flatMap(what => differs(`answers about ${what}`, about(what).length, 1)),
    ...tellable.flatMap(what => differs(`answers about ${what}`, about(what).length, { most: 1 })),
    ...answers
      .filter(answer => !isKnown(answer.about))
      .map(({ text }) => `it says: ${JSON.stringify(text.slice(0, 160))}`),
    ...(facts.working > 0 && !isOwned ? ['an agent still works, and nobody is told'] : []),
  ]
}
