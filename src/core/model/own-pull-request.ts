/** Which pull requests and commits are a Run's own. What the agent says proves nothing. Pure. */
import type { Run } from '../run/run.ts'
import type { CommitView, PullView } from './views.ts'

export const agentLogin = 'posthog[bot]'

export const maxClaims = 5
/** What is remembered of addresses that an agent names. */
const maxNamed = 50

export const newClaims = (
  { result: { claimedPulls, foreignPulls, pulls } }: Pick<Run, 'result'>,
  urls: readonly string[],
): string[] =>
  [...new Set(urls)]
    .filter(
      url =>
        !claimedPulls.includes(url) &&
        !foreignPulls.includes(url) &&
        !pulls.some(pull => pull.url.toLowerCase() === url.toLowerCase()),
    )
    .slice(0, Math.max(0, maxNamed - claimedPulls.length - foreignPulls.length))

export type Ownership = 'ours' | 'not-ours' | 'if-descended'

type Opening = Pick<Run, 'thread' | 'request' | 'workspace'>

export function ownershipOf({ thread, request, workspace: { branch } }: Opening, view: PullView): Ownership {
  const { head, author, createdAt } = view
  // A fork's branch may have the same name.
  if (head.repoId !== thread.repoId || head.ref === thread.defaultBranch) return 'not-ours'
  if (createdAt < request.at) return 'not-ours'
  if (author?.bot && author.login === agentLogin) return 'ours'
  return branch ? 'if-descended' : 'not-ours'
}

/** People push to the same branch, and as PostHog's user the agent looks like a person. */
export function agentsCommit(
  { request, session: { taskRun } }: Pick<Run, 'request' | 'session'>,
  head: string,
  commits: readonly CommitView[] | undefined,
): string | undefined {
  const asUser = request.options.authorship === 'user' && taskRun?.authorship !== 'bot'
  return commits === undefined || asUser ? head : commits.findLast(({ byPerson }) => !byPerson)?.sha
}

export function pullNumberIn(url: string, thread: Pick<Run['thread'], 'url'>): number | undefined {
  const [, repository, number] = /^(.+)\/pull\/(\d{1,9})\/?$/.exec(url) ?? []
  const here = thread.url.replace(/\/(?:issues|pull)\/\d+$/, '')
  return repository?.toLowerCase() === here.toLowerCase() ? Number(number) : undefined
}
