/** What the layer has to remember because emulate does not: identities, heads, first versions, links. */

import type { JsonObject } from './json.ts'

export interface PullMemory {
  id: number
  nodeId: string
  headRepository: string
  headRef: string
  /** The head as last seen while open; a merged or closed pull keeps it. */
  headSha: string
  mergeCommitSha?: string
  locked?: boolean
  /** Users, as the API shows them: emulate assigns nobody to a pull request. */
  assignees?: JsonObject[]
}

/** One that runs has no conclusion. */
export interface PullCheck {
  /** Its commit. */
  sha: string
  name: string
  conclusion: string | null
  app?: number | undefined
  isStatus?: true
}

export type Subject =
  | { kind: 'repository'; repository: string }
  | { kind: 'issue' | 'pull'; repository: string; number: number }
  /** On thread `number`. */
  | {
      kind: 'comment' | 'review-comment' | 'review'
      repository: string
      number: number
      id: number
    }

export interface KnownRepository {
  fullName: string
  id: number
  private: boolean
  archived: boolean
}

const everywhere = ''

export const threadKey = (repository: string, number: number): string => `${repository}#${number}`

export class Memory {
  readonly pulls = new Map<string, PullMemory>()
  readonly subjects = new Map<string, Subject>()
  /** Logins by node id. */
  readonly users = new Map<string, string>()
  /** Names of labels by their node ids. */
  readonly labels = new Map<string, string>()
  readonly linkedBranches = new Map<string, string[]>()
  /** Numbers of the issues that block one, by its key. */
  readonly blockers = new Map<string, number[]>()
  /** Of pull requests, by key: checks of the newest commit, and at which look the base is in the way. */
  readonly checks = new Map<string, PullCheck[]>()
  readonly conflicts = new Map<string, number>()
  /** Node ids. */
  readonly minimized = new Set<string>()
  /** By path: what the diff shows above a comment. */
  readonly hunks = new Map<string, string>()
  /** Ids of the first comments of resolved threads on lines. */
  readonly resolved = new Set<number>()
  readonly reviewLines = new Map<
    number,
    { line: number; side: string; startLine?: number | undefined }
  >()
  /** By owner, whatever became of them. */
  readonly installations = new Map<string, number>()
  /** By their ids, as they were last told; of whichever App. */
  readonly checkRuns = new Map<number, JsonObject>()
  /** Ids of repositories. */
  readonly deleted = new Set<number>()
  /** Node ids of comments that were edited: emulate's `updated_at` moves even without an edit. */
  readonly edited = new Set<string>()
  readonly #changes = new Map<string, number>()
  readonly #before = new Map<string, Record<string, string>[]>()
  readonly #repositories = new Map<string, KnownRepository>()
  readonly #formerNames = new Map<string, number>()

  /** A repository that is known under another name was renamed or transferred. */
  know(repository: KnownRepository): void {
    const before = this.repositoryById(repository.id)
    if (before && before.fullName !== repository.fullName)
      this.#move(before.fullName, repository.fullName)
    this.#repositories.set(repository.fullName.toLowerCase(), repository)
    this.#formerNames.delete(repository.fullName.toLowerCase())
  }

  /** Told before and after whatever may change what somebody sees: in one thread, or anywhere. */
  changed(thread = everywhere): void {
    this.#changes.set(thread, this.#changesIn(thread) + 1)
  }

  /** Another number whenever a thread may look different. */
  changesOf(thread: string): number {
    return this.#changesIn(thread) + this.#changesIn(everywhere)
  }

  readonly #changesIn = (thread: string): number => this.#changes.get(thread) ?? 0

  repository(fullName: string): KnownRepository | undefined {
    return this.#repositories.get(fullName.toLowerCase())
  }

  repositoryById(id: number): KnownRepository | undefined {
    return [...this.#repositories.values()].find(known => known.id === id)
  }

  /** What a repository of this name is called today. */
  movedTo(formerName: string): KnownRepository | undefined {
    const id = this.#formerNames.get(formerName.toLowerCase())
    return id === undefined ? undefined : this.repositoryById(id)
  }

  forget(fullName: string): void {
    const known = this.repository(fullName)
    if (known) this.deleted.add(known.id)
    this.#repositories.delete(fullName.toLowerCase())
  }

  /** In lower case. */
  repositoryNames(): string[] {
    return [...this.#repositories.keys()]
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

  #move(from: string, to: string): void {
    const id = this.repository(from)?.id
    this.#repositories.delete(from.toLowerCase())
    if (id !== undefined) this.#formerNames.set(from.toLowerCase(), id)
    for (const subject of this.subjects.values())
      if (subject.repository === from) subject.repository = to
    for (const pull of this.pulls.values())
      if (pull.headRepository === from) pull.headRepository = to
    rekey(this.pulls, from, to)
    rekey(this.linkedBranches, from, to)
    rekey(this.blockers, from, to)
  }
}

function rekey<T>(map: Map<string, T>, from: string, to: string): void {
  for (const [key, value] of [...map]) {
    if (!key.startsWith(`${from}#`)) continue
    map.delete(key)
    map.set(`${to}${key.slice(from.length)}`, value)
  }
}

/** From any address inside a repository, such as `http://…/repos/acme/shop/issues/7`. */
export function repositoryOfUrl(url: string): string {
  const match = /\/repos\/([^/]+\/[^/]+)/.exec(url)
  return match?.[1] ?? ''
}
