/** What the agent did to branches in a round: each is compared with where it stood when the round began. */
import { second } from '../../core/model/time.ts'
import type { BranchView, CommitView, HeadView, PullView } from '../../core/model/views.ts'
import {
  agentsCommit,
  isByAnyAgent,
  isSurelyAgents,
  maxClaims,
  watchedBranches,
} from '../../core/record/own-pull-request.ts'
import { isReadOnly } from '../../core/record/request-part.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { agentsHead, type Run, type Stray } from '../../core/record/run.ts'
import { withoutEmpty } from '../../core/text/phrases.ts'
import { refusedReads, type StepContext } from './step-context.ts'

export const branchReads = [
  'branches.heads',
  'commits.compare',
  'commits.isMerged',
  'pulls.from',
] as const
type Branches = StepContext<(typeof branchReads)[number]>

export interface BranchChange {
  name: string
  /** The pull requests from there, newest first. */
  pulls?: PullView[]
  work?: PushedWork
  stray?: Stray
}

/** Commits of the agent on a branch, the newest of its own, and the pull requests from there. */
export interface PushedWork {
  head: BranchView
  commit: string
  pulls: readonly PullView[]
}

/** The watched branches, and those that PostHog does not name, as its agent is not on them any more. */
export async function headsNow(context: Branches): Promise<HeadView[]> {
  const { run, github } = context
  const watched = watchedBranches(run)
  const all = await github.branches.heads(watched)
  const isLeft = (head: HeadView) =>
    !watched.includes(head.name) && isSurelyAgents(run, head) && head.at + second > run.request.at
  const heads = [
    ...all.filter(({ name }) => watched.includes(name)),
    ...all.filter(isLeft).slice(0, maxClaims),
  ]
  const { branch } = run.workspace
  if (branch && heads.every(({ name }) => name !== branch.name))
    believeAbsent(`The branch ${branch.name}`, refusedReads(context, 'github'))
  return heads
}

/** A branch of the agent that is gone has only its pull requests: a merge may have removed it. */
export async function branchChanges(
  context: Branches,
  heads: readonly HeadView[],
): Promise<BranchChange[]> {
  const { run } = context
  const { branch } = run.workspace
  const changes: BranchChange[] = []
  for (const head of heads) changes.push({ name: head.name, ...(await changeOf(context, head)) })
  for (const name of withoutEmpty([agentsHead(run), branch?.made && branch.name]))
    if (changes.every(change => change.name !== name))
      changes.push({ name, pulls: await pullsFrom(context, name) })
  return changes
}

type Change = Omit<BranchChange, 'name'>

async function changeOf(context: Branches, head: HeadView): Promise<Change> {
  const { run, github } = context
  const { branch } = run.workspace
  const { name, sha } = head
  const before = shaBefore(run, name)
  if (!branch || sha === before) return {}
  const isBase = name === run.thread.defaultBranch || name === branch.into
  const isOwnWork = name === branch.name && !isReadOnly(run.request.what)
  if (isBase && !isOwnWork) return changeOfBase(context, head, before)
  // Without a task in its commit it is nobody's for sure: it is told, and nothing is done with it.
  if (head.task === undefined && !watchedBranches(run).includes(name)) {
    const isAlone = (await github.pulls.from(name)).length === 0
    return isAlone ? { stray: { kind: 'unclaimed', branch: name, commits: [sha] } } : {}
  }
  const pulls = await pullsFrom(context, name)
  // Where it stood is not known. If its pull request was there before, only the times of its commits say what is new.
  const wasThere = before === undefined && pulls.some(({ createdAt }) => createdAt < run.request.at)
  const from = before ?? (wasThere ? undefined : pulls[0]?.sha) ?? branch.sha
  const compared = from === sha ? undefined : await github.commits.compare(from, sha)
  const commits = wasThere
    ? compared?.commits.filter(({ at = 0 }) => at + second > run.request.at)
    : compared?.commits
  if (before === undefined && !commits?.length) return { pulls }
  const commit = await ownCommit(context, head, commits)
  const work = commit === undefined ? undefined : { head, commit, pulls }
  // Whoever only took commits off, or pushed commits of the agent, may have been the agent.
  const mayBeAgent = work !== undefined || compared?.commits.length === 0
  if (before === undefined || compared?.isDescendant !== false || !mayBeAgent)
    return { pulls, work }
  const dropped = await droppedOf(context, { before, after: sha, kept: compared.commits })
  const stray: Stray = { kind: 'dropped', branch: name, commits: dropped }
  return { pulls, work, stray: dropped.length > 0 ? stray : undefined }
}

/** Every agent may push there: a commit is the Run's own only if it names its task. */
async function changeOfBase(
  context: Branches,
  { name, sha }: HeadView,
  before: string | undefined,
): Promise<Change> {
  if (before === undefined) return {}
  const compared = await context.github.commits.compare(before, sha)
  const sure = (compared?.commits ?? []).filter(commit => isSurelyAgents(context.run, commit))
  const own = await newestUnmerged(
    context,
    sure.filter(({ task }) => task !== undefined),
  )
  if (own) return { stray: { kind: 'straight', branch: name, commits: [own] } }
  const nobodys = await newestUnmerged(context, sure)
  return nobodys ? { stray: { kind: 'unclaimed', branch: name, commits: [nobodys] } } : {}
}

/** Where a branch stood when the round began, as far as the record knows. */
function shaBefore({ result, workspace: { branch } }: Run, name: string) {
  const pull = result.pulls.findLast(({ head }) => head === name)
  return result.heads[name] ?? pull?.sha ?? (name === branch?.name ? branch.sha : undefined)
}

const pullsFrom = async ({ run, github }: Branches, name: string): Promise<PullView[]> =>
  name === run.thread.defaultBranch ? [] : github.pulls.from(name)

/** GitHub is asked of so many commits whether they are merged. */
const maxCommitsAsked = 5

/**
 * On branches of others, and of a run that was only to read, what is not surely the agent's is none of its own. Whoever
 * merges another pull request of Codex brings the commits of that.
 */
async function ownCommit(
  context: Branches,
  { name, sha }: BranchView,
  commits: readonly CommitView[] | undefined,
) {
  const { run } = context
  const isOfOthers = name !== run.workspace.branch?.name && name === run.baseline.head?.ref
  if (!isOfOthers && !isReadOnly(run.request.what)) return agentsCommit(run, sha, commits)
  return newestUnmerged(
    context,
    (commits ?? []).filter(commit => isSurelyAgents(run, commit)),
  )
}

async function newestUnmerged({ github }: Branches, commits: readonly CommitView[]) {
  for (const { sha } of commits.slice(-maxCommitsAsked).toReversed())
    if (!(await github.commits.isMerged(sha))) return sha
  return undefined
}

const maxDropped = 10

/** Commits that no agent made, and of which there is no copy: a rebase keeps their first lines. */
async function droppedOf(
  { github }: Branches,
  { before, after, kept }: { before: string; after: string; kept: readonly CommitView[] },
) {
  const { commits = [] } = (await github.commits.compare(after, before)) ?? {}
  const subjects = new Set(kept.map(({ subject }) => subject))
  return commits
    .filter(commit => !isByAnyAgent(commit) && !subjects.has(commit.subject))
    .map(({ sha }) => sha)
    .slice(-maxDropped)
}
