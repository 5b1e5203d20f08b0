/** Which pull requests and commits are a Run's own. What the agent says proves nothing. Pure. */
import { z } from 'zod'
import type { GitHubWith } from '../model/ports.ts'
import { falseAtFirst } from '../model/schema-parts.ts'
import { isFork, type Person, Thread } from '../model/thread.ts'
import type { CommitView, ListedPull, Made, PullView } from '../model/views.ts'
import { withoutEmpty } from '../text/phrases.ts'
import { Session } from './request-part.ts'
import { agentsHead, isTerminal, type Run, sessionOf } from './run.ts'
import type { Branch } from './workspace-part.ts'

export const agentLogin = 'posthog[bot]'

/** So many that an agent names, and that are not its own, are asked about. */
export const maxClaims = 5

/** The other pull requests of this repository that PostHog's agent names, and that nobody has looked up. */
export function pullsToFind({ thread, result }: Run, urls: readonly string[]): string[] {
  const named = [...result.claimedPulls, ...result.foreignPulls]
  const wasClaimed = (url: string) =>
    named.includes(url) || result.pulls.some(pull => pull.url.toLowerCase() === url.toLowerCase())
  const isHere = (url: string) => {
    const number = pullNumberIn(url, thread)
    return number !== undefined && !(thread.kind === 'pull' && number === thread.number)
  }
  const fresh = [...new Set(urls)].filter(url => isHere(url) && !wasClaimed(url))
  return fresh.slice(0, Math.max(0, maxClaims - named.length))
}

export type Ownership = 'ours' | 'not-ours' | 'if-descended'

/** A fork's branch may have the same name. */
export const mayBeOurs = (
  { repoId, defaultBranch }: Pick<Thread, 'repoId' | 'defaultBranch'>,
  pull: ListedPull,
): boolean => pull.repoId === repoId && pull.head !== defaultBranch

export const isByAgent = ({ author }: ListedPull): boolean =>
  author?.bot === true && author.login === agentLogin

export function ownershipOf(
  { thread, request, workspace: { branch } }: Run,
  view: PullView,
): Ownership {
  if (!mayBeOurs(thread, view) || view.createdAt < request.at) return 'not-ours'
  if (isByAgent(view)) return 'ours'
  return branch ? 'if-descended' : 'not-ours'
}

/** The people whose words made the work, in this Run and in those that it goes on from. */
export function requestersOf({ request, mailbox }: Pick<Run, 'request' | 'mailbox'>): Person[] {
  const all = [request.by, ...(request.before ?? []), ...mailbox.requesters]
  return [...new Map(all.map(each => [each.id, each])).values()]
}

/** The people who approved and did not ask for it. It is nobody if nobody knows any more who asked. */
export function approversWhoDidNotAsk<Of extends { id: number }>(
  approvedBy: readonly Of[],
  asked: ReadonlySet<number>,
): Of[] {
  return asked.size === 0 ? [] : approvedBy.filter(({ id }) => !asked.has(id))
}

/** A commit names the task of the agent that made it, if its own tool made it. */
export const isSurelyAgents = ({ session }: Pick<Run, 'session'>, { app, task }: Made): boolean =>
  task === undefined ? app === agentLogin : task === session.taskId

export const isByAnyAgent = ({ app, task }: Made): boolean =>
  task !== undefined || app === agentLogin

/** The head of the thread's pull request, if it is in its repository. */
export const ownHead = ({ thread, baseline: { head } }: Run) =>
  head && !isFork(head, thread) ? head : undefined

/** The branches of which GitHub is asked, before and after each round. */
export function watchedBranches(run: Run): string[] {
  const { thread, workspace, result, session } = run
  const all = [
    ...(session.taskRun?.pushedTo ?? []),
    thread.defaultBranch,
    workspace.branch?.into,
    workspace.branch?.name,
    agentsHead(run),
    ownHead(run)?.ref,
    ...Object.keys(result.heads),
    ...result.pulls.map(pull => pull.state === 'open' && pull.head),
  ]
  return [...new Set(withoutEmpty(all))]
}

/** People push to the same branch, and as PostHog's user the agent looks like a person. */
export function agentsCommit(
  { request, session: { taskId, taskRun } }: Pick<Run, 'request' | 'session'>,
  head: string,
  commits: readonly CommitView[] | undefined,
): string | undefined {
  const asUser = request.options.authorship === 'user' && taskRun?.authorship !== 'bot'
  if (commits === undefined || asUser) return head
  return commits.findLast(({ byPerson, task = taskId }) => !byPerson && task === taskId)?.sha
}

export function pullNumberIn(url: string, thread: Pick<Run['thread'], 'url'>): number | undefined {
  const [, repository, number] = /^(.+)\/pull\/(\d{1,9})\/?$/.exec(url) ?? []
  const here = thread.url.replace(/\/(?:issues|pull)\/\d+$/, '')
  return repository?.toLowerCase() === here.toLowerCase() ? Number(number) : undefined
}

const sameMoment = 60_000

/** Merging stops nothing, be it of a pull request that nobody here knows of yet. */
export const isClosedByMerge = async (github: GitHubWith<'issue.merges'>, closedAt: number) =>
  (await github.issue.merges()).some(mergedAt => Math.abs(mergedAt - closedAt) <= sameMoment)

/** A branch without commits. The agent may still use it until its task run ends, up to an hour after the Run. */
export const UnusedBranch = z.object({
  thread: Thread,
  name: z.string(),
  sha: z.string(),
  session: Session,
  since: z.number(),
  removing: falseAtFirst,
  removed: falseAtFirst,
})
export type UnusedBranch = z.infer<typeof UnusedBranch>

/** The branch may be removed if a Run of this thread made it, it has no commits and no agent is at work. */
export function removableBranch(run: Run): Branch | undefined {
  const { branch, madeBranch } = run.workspace
  if (run.session.agentLeft && !sessionAtWork(run)) return undefined
  const isOwn = branch?.name === madeBranch && branch?.name !== run.thread.defaultBranch
  return isOwn && branch?.fresh ? branch : undefined
}

export function sessionAtWork(run: Run): Session | undefined {
  const { taskRun, earlier } = run.session
  if (taskRun) return isTerminal(taskRun.status) ? undefined : sessionOf(run)
  return earlier && !earlier.over
    ? { taskId: earlier.taskId, taskRunId: earlier.taskRunId }
    : undefined
}
