/** How the scripted agent touches GitHub. The simulated GitHub implements it, so that both worlds tell one story. */
export interface AgentHands {
  branchExists(repository: string, branch: string): Promise<boolean>
  openPullFor(repository: string, headBranch: string): Promise<OpenPull | undefined>
  defaultBranch(repository: string): Promise<string>
  /** Makes `branch` off `from` when it is missing. */
  commit(
    repository: string,
    branch: string,
    from: string,
    files: Record<string, string>,
    message: string,
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
