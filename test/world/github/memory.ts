/** What the layer has to remember because emulate does not: identities, heads, first versions, links. */

export interface PullMemory {
  id: number
  nodeId: string
  headRepository: string
  headRef: string
  /** The head as last seen while open; a merged or closed pull keeps it. */
  headSha: string
  mergeCommitSha?: string
  locked?: boolean
}

export type Subject =
  | { kind: 'repository'; repository: string }
  | { kind: 'issue' | 'pull'; repository: string; number: number }
  /** On thread `number`. */
  | { kind: 'comment' | 'review-comment' | 'review'; repository: string; number: number; id: number }

interface KnownRepository {
  fullName: string
  id: number
  private: boolean
}

export const threadKey = (repository: string, number: number): string => `${repository}#${number}`

export class Memory {
  readonly pulls = new Map<string, PullMemory>()
  readonly subjects = new Map<string, Subject>()
  readonly linkedBranches = new Map<string, string[]>()
  readonly minimized = new Map<string, string>()
  readonly reviewLines = new Map<number, { line: number; side: string }>()
  readonly installations = new Map<string, number>()
  /** Node ids of comments that were edited: emulate's `updated_at` moves even without an edit. */
  readonly edited = new Set<string>()
  readonly #before = new Map<string, Record<string, string>[]>()
  readonly #repositories = new Map<string, KnownRepository>()

  know(repository: KnownRepository): void {
    this.#repositories.set(repository.fullName.toLowerCase(), repository)
  }

  repository(fullName: string): KnownRepository | undefined {
    return this.#repositories.get(fullName.toLowerCase())
  }

  repositoriesOf(owner: string): KnownRepository[] {
    return [...this.#repositories.values()].filter(known => known.fullName.split('/')[0] === owner)
  }

  /** One entry for each edit under way, since the webhooks of two quick edits come after both. */
  keepBefore(nodeId: string, fields: Record<string, string>): void {
    this.#before.set(nodeId, [...(this.#before.get(nodeId) ?? []), fields])
  }

  takeBefore(nodeId: string): Record<string, string> | undefined {
    const [first, ...rest] = this.#before.get(nodeId) ?? []
    this.#before.set(nodeId, rest)
    return first
  }
}

/** From any address inside a repository, such as `http://…/repos/acme/shop/issues/7`. */
export function repositoryOfUrl(url: string): string {
  const match = /\/repos\/([^/]+\/[^/]+)/.exec(url)
  return match?.[1] ?? ''
}
