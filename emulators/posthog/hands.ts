import { createHash } from 'node:crypto'

interface MemoryCommit {
  branch: string
  from: string
  files: Record<string, string>
  message: string
  sha: string
}

interface Repository {
  branches: Set<string>
  commits: MemoryCommit[]
  pulls: (NewPull & { number: number; url: string; open: boolean })[]
}

/** A GitHub of sets and arrays, for when no simulated GitHub stands beside the emulator. */
export class MemoryHands implements AgentHands {
  readonly #repositories = new Map<string, Repository>()

  constructor() {
    for (const name of ['acme/shop', 'acme/web']) this.repository(name)
  }

  repositories(): string[] {
    return [...this.#repositories.keys()]
  }

  repository(name: string): Repository {
    const key = name.toLowerCase()
    const known = this.#repositories.get(key)
    if (known) return known
    const made: Repository = { branches: new Set(['main']), commits: [], pulls: [] }
    this.#repositories.set(key, made)
    return made
  }

  async branchExists(repository: string, branch: string): Promise<boolean> {
    return this.repository(repository).branches.has(branch)
  }

  async openPullFor(repository: string, headBranch: string): Promise<OpenPull | undefined> {
    return this.repository(repository).pulls.find(pull => pull.open && pull.head === headBranch)
  }

  async defaultBranch(): Promise<string> {
    return 'main'
  }

  async commit(
    repository: string,
    branch: string,
    from: string,
    files: Record<string, string>,
    message: string,
  ): Promise<{ sha: string }> {
    const { branches, commits } = this.repository(repository)
    const sha = createHash('sha1').update(`${repository}${branch}${commits.length}`).digest('hex')
    branches.add(branch)
    commits.push({ branch, from, files, message, sha })
    return { sha }
  }

  async openPull(repository: string, pull: NewPull): Promise<{ number: number; url: string }> {
    const { branches, pulls } = this.repository(repository)
    if (!branches.has(pull.base)) throw new Error(`base branch ${pull.base} does not exist`)
    const number = pulls.length + 1
    const url = `https://github.com/${repository}/pull/${number}`
    pulls.push({ ...pull, number, url, open: true })
    return { number, url }
  }
}

/** How the scripted agent touches GitHub. The simulated GitHub implements it, so that both worlds tell one story. */
export interface AgentHands {
  /** Names of all that there are, in lower case. */
  repositories(): string[]
  branchExists(repository: string, branch: string): Promise<boolean>
  openPullFor(repository: string, headBranch: string): Promise<OpenPull | undefined>
  defaultBranch(repository: string): Promise<string>
  /** Makes `branch` off `from` when it is missing, or is to begin `anew`. */
  commit(
    repository: string,
    branch: string,
    from: string,
    files: Record<string, string>,
    message: string,
    anew?: true,
  ): Promise<{ sha: string }>
  openPull(repository: string, pull: NewPull): Promise<{ number: number; url: string }>
}

export interface OpenPull {
  number: number
  base: string
  url: string
}

export interface NewPull {
  head: string
  base: string
  title: string
  body: string
  draft: boolean
}
