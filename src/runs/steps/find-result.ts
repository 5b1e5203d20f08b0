/** The result of a Run, as GitHub has it, never from the agent's text. */
import { Rejected } from '../../core/model/errors.ts'
import { second } from '../../core/model/time.ts'
import type { BranchView, CommitView, HeadView, Pull, PullView } from '../../core/model/views.ts'
import { openIntent } from '../../core/record/intents.ts'
import {
  agentsCommit,
  isByAnyAgent,
  isSurelyAgents,
  maxClaims,
  ownershipOf,
  pullNumberIn,
  watchedBranches,
} from '../../core/record/own-pull-request.ts'
import { isReadOnly } from '../../core/record/request-part.ts'
import { believeAbsent, retriedAt, triedRetry } from '../../core/record/retries.ts'
import {
  agentsHead,
  baseOf,
  changed,
  hasNewPull,
  type Run,
  type Stray,
} from '../../core/record/run.ts'
import { limits } from '../../core/record/timing.ts'
import { turnOf } from '../../core/record/turn.ts'
import { paragraphs } from '../../core/text/phrases.ts'
import { disarm, quoted } from '../../core/text/safe-markdown.ts'
import { pullFooter } from '../../core/words/small-line.ts'
import { once, refusedReads, type StepContext, step } from './step-context.ts'
import { putRight, putRightWhenFound, recorded, titleOf, wantedBase } from './tend-pull.ts'

const finding = ['pulls.from', 'branches.heads', 'commits.compare', 'commits.isMerged'] as const
type Finding = StepContext<(typeof finding)[number]>

/**
 * 1. The branches in question are compared with where they stood when the round began.
 * 2. Where its agent has pushed, pull requests are looked for. Commits that none shows get one, if they may.
 * 3. What nobody asked for is noted, to be told first.
 */
export const findResult = step('find-result', {
  github: [...finding, 'branches.default', 'pulls.create', 'thread.settle'],
  writes: ['result'],
  async do(context) {
    const { run } = context
    const heads = await headsNow(context)
    const seen: Seen = new Map()
    const changes: Change[] = []
    for (const head of heads) changes.push(await changeOf(context, head, seen))
    for (const name of [
      agentsHead(run),
      run.workspace.branch?.made ? run.workspace.branch.name : undefined,
    ])
      if (name !== undefined && heads.every(head => head.name !== name))
        await pullsFrom(context, name, seen)
    let known = changed(run, {
      result: {
        pulls: run.result.pulls.map(pull => seenNow(pull, seen)),
        resultChecked: true,
        heads: Object.fromEntries(heads.map(({ name, sha }) => [name, sha])),
      },
    })
    for (const view of await newPullsIn(context, seen))
      known = changed(known, { result: withFound(known, view) })
    const works = changes.flatMap(({ work = [] }) => work)
    const work = works.find(({ head }) => head.name === run.workspace.branch?.name) ?? works[0]
    const strays = [...run.result.strays, ...changes.flatMap(({ stray = [] }) => stray)]
    const straight = strays.find(({ kind }) => kind === 'straight')
    known = changed(known, {
      result: {
        pushed: work?.commit ?? straight?.commits[0] ?? run.result.pushed,
        pushedBranch: work
          ? isShown(known, work)
            ? undefined
            : work.head.name
          : (straight?.branch ?? run.result.pushedBranch),
      },
    })
    const stands = turnOf(run)
    const isCutOff = stands.kind === 'unfinished' || stands.kind === 'failed'
    const opening = work && !isCutOff && openingFor(known, work.head, work.views)
    const after = opening
      ? changed(known, { result: await openOurs(context, known, opening) })
      : known
    // The one that is not told as what was pushed.
    const left = works.filter(each => !isShown(after, each) && (each !== work || hasNewPull(after)))
    for (const { head, commit } of left)
      strays.push({ kind: 'left', branch: head.name, commits: [commit] })
    return { result: { ...after.result, strays } }
  },
})

/** The branches in question, and those that PostHog does not name, as its agent is not on them any more. */
async function headsNow(context: Finding): Promise<HeadView[]> {
  const { run, github } = context
  const asked = watchedBranches(run)
  const all = await github.branches.heads(asked)
  const isLeft = (head: HeadView) =>
    !asked.includes(head.name) && isSurelyAgents(run, head) && head.at + second > run.request.at
  const heads = [
    ...all.filter(({ name }) => asked.includes(name)),
    ...all.filter(isLeft).slice(0, maxClaims),
  ]
  const { branch } = run.workspace
  if (branch && heads.every(({ name }) => name !== branch.name))
    believeAbsent(`The branch ${branch.name}`, refusedReads(context, 'github'))
  return heads
}

/** The pull requests of each head that was asked about, newest first. */
type Seen = Map<string, PullView[]>

async function pullsFrom({ run, github }: Finding, name: string, seen: Seen): Promise<PullView[]> {
  const views = name === run.thread.defaultBranch ? [] : await github.pulls.from(name)
  seen.set(name, views)
  return views
}

/** Events about it may be late. */
function seenNow(pull: Pull, seen: Seen): Pull {
  const view = [...seen.values()].flat().find(({ number }) => number === pull.number)
  if (!view) return pull
  const { state, draft, sha } = view
  return { ...pull, state, draft, sha, size: sha === pull.sha ? pull.size : undefined }
}

async function newPullsIn(context: Finding, seen: Seen): Promise<PullView[]> {
  const { run } = context
  const known = new Set(run.result.pulls.map(({ number }) => number))
  const { branch } = run.workspace
  const ofOthers = [
    run.baseline.head?.ref,
    branch?.made || agentsHead(run) === branch?.name ? '' : branch?.name,
  ]
  const own: PullView[] = []
  for (const [name, views] of seen) {
    if (ofOthers.includes(name)) continue
    const fresh = views.filter(({ state, number }) => state !== 'closed' && !known.has(number))
    for (const view of fresh.slice(0, maxClaims)) if (await isOwn(context, view)) own.push(view)
  }
  return own
}

/** Commits of the agent on a branch, the newest of its own, and the pull requests from there. */
interface Work {
  head: BranchView
  commit: string
  views: PullView[]
}

const isShown = ({ result: { pulls } }: Run, { head, views }: Work): boolean =>
  views.some(({ state, sha }) => state === 'open' || (state === 'merged' && sha === head.sha)) ||
  pulls.some(({ state, sha }) => state !== 'closed' && sha === head.sha)

interface Change {
  work?: Work
  stray?: Stray
}

async function changeOf(context: Finding, head: HeadView, seen: Seen): Promise<Change> {
  const { run, github } = context
  const { branch } = run.workspace
  const { name, sha } = head
  const known = run.result.pulls.findLast(pull => pull.head === name)
  const before =
    run.result.heads[name] ?? known?.sha ?? (branch?.name === name ? branch.sha : undefined)
  if (!branch || sha === before) return {}
  const isBase = name !== branch.name && (name === run.thread.defaultBranch || name === branch.into)
  if (isBase && before === undefined) return {}
  // Without a task in its commit it is nobody's for sure: it is told, and nothing is done with it.
  if (head.task === undefined && !watchedBranches(run).includes(name)) {
    const isAlone = (await github.pulls.from(name)).length === 0
    return isAlone ? { stray: { kind: 'left', branch: name, commits: [sha] } } : {}
  }
  const views = isBase ? [] : await pullsFrom(context, name, seen)
  // Its pull request may have been there before the branch was known.
  const from = before ?? views[0]?.sha ?? branch.sha
  const compared = from === sha ? undefined : await github.commits.compare(from, sha)
  if (before === undefined && !compared?.commits.length) return {}
  const commit = await ownCommit(context, head, compared?.commits)
  if (isBase)
    return commit === undefined
      ? {}
      : { stray: { kind: 'straight', branch: name, commits: [commit] } }
  const work = commit === undefined ? undefined : { head, commit, views }
  const isForced = before !== undefined && compared?.isDescendant === false
  if (!isForced || (compared.commits.length > 0 && !work)) return { work }
  const commits = await droppedOf(context, { before, after: sha, kept: compared.commits })
  return {
    work,
    stray: commits.length > 0 ? { kind: 'dropped', branch: name, commits } : undefined,
  }
}

/** Merged pull requests that are looked for behind one commit. */
const maxMerged = 5

/**
 * On branches of others, and of a run that was only to read, what is not surely the agent's is none of its own. Whoever
 * merges another pull request of Codex brings the commits of that.
 */
async function ownCommit(
  { run, github }: Finding,
  { name, sha }: BranchView,
  commits: readonly CommitView[] | undefined,
): Promise<string | undefined> {
  const { branch } = run.workspace
  const isOfOthers =
    name !== branch?.name &&
    [run.thread.defaultBranch, branch?.into, run.baseline.head?.ref].includes(name)
  if (!isOfOthers && !isReadOnly(run.request.what)) return agentsCommit(run, sha, commits)
  const sure = (commits ?? []).filter(commit => isSurelyAgents(run, commit))
  for (const commit of sure.slice(-maxMerged).toReversed())
    if (!(await github.commits.isMerged(commit.sha))) return commit.sha
  return undefined
}

const maxDropped = 10

/** Commits that no agent made, and of which there is no copy: a rebase keeps their first lines. */
async function droppedOf(
  { github }: Finding,
  { before, after, kept }: { before: string; after: string; kept: readonly CommitView[] },
): Promise<string[]> {
  const { commits = [] } = (await github.commits.compare(after, before)) ?? {}
  const subjects = new Set(kept.map(({ subject }) => subject))
  return commits
    .filter(commit => !isByAnyAgent(commit) && !subjects.has(commit.subject))
    .map(({ sha }) => sha)
    .slice(-maxDropped)
}

type Opening = Pick<Pull, 'head' | 'base'>

/** Opens from the bot's or the agent's own branches, and from any whose pull request was merged without these commits. */
function openingFor(run: Run, head: BranchView, views: readonly PullView[]): Opening | undefined {
  const { thread } = run
  const { branch } = run.workspace
  const { pulls } = run.result
  if (!branch || run.request.what !== 'work' || run.mailbox.stop) return undefined
  if (pulls.some(({ state }) => state === 'open')) return undefined
  const isOpen = views.some(({ state }) => state === 'open')
  if (isOpen ? !openIntent(run, 'open-pull') : views.some(view => view.sha === head.sha))
    return undefined
  const own = [
    thread.kind === 'pull' ? thread.number : undefined,
    ...pulls.map(({ number }) => number),
  ]
  const merged = views.find(({ state, number }) => state === 'merged' && own.includes(number))
  if (merged) return { head: head.name, base: wantedBase(run, merged) }
  if (thread.kind === 'pull' || head.name === thread.defaultBranch) return undefined
  const isWanted = branch.made || head.name !== branch.name || baseOf(run) !== undefined
  return isWanted && head.name !== branch.into ? { head: head.name, base: branch.into } : undefined
}

async function openOurs(
  context: StepContext<'pulls.from' | 'branches.default' | 'pulls.create' | 'thread.settle'>,
  run: Run,
  { head, base }: Opening,
): Promise<Run['result']> {
  const number = `#${run.thread.number}`
  const body = [
    run.thread.kind === 'pull'
      ? `Goes on from ${number}, which was merged without these commits.`
      : `Closes ${number}`,
    run.session.sessionLog?.answer ? quoted(run.session.sessionLog.answer, 4_000) : '',
    'Opened by the bot, since the agent left its commits on the branch.',
  ]
  try {
    const view = await once(context, {
      intent: { kind: 'open-pull', at: context.deps.now() },
      find: async () =>
        (await context.github.pulls.from(head)).find(({ state }) => state === 'open'),
      perform: () =>
        context.github.pulls.create({
          head,
          base,
          // A squash merge makes it a commit subject, on which GitHub acts.
          title: titleOf(run) ?? disarm(run.baseline.snapshot.title),
          body: paragraphs(body),
          footer: pullFooter(run),
        }),
    })
    const pulls = withPull(run.result.pulls, await putRight(context, view))
    return { ...run.result, pulls, pushedBranch: undefined, unopened: undefined }
  } catch (error) {
    if (!(error instanceof Rejected && error.of === 'effect')) throw error
    // The default branch may have been renamed since.
    const now = base === run.thread.defaultBranch ? await context.github.branches.default() : base
    if (now !== base) return openOurs(context, run, { head, base: now })
    return { ...run.result, unopened: { base, why: error.message } }
  }
}

/** Looks up a claimed pull request; it is taken only if it is the Run's own. */
export const adoptPull = step('adopt-pull', {
  github: ['pulls.find', 'commits.compare', 'thread.settle'],
  writes: ['result', 'report', 'retries'],
  async do(context, { url }) {
    const { run } = context
    const claimedPulls = run.result.claimedPulls.filter(claimed => claimed !== url)
    const foreign = { claimedPulls, foreignPulls: [...run.result.foreignPulls, url] }
    const number = pullNumberIn(url, run.thread)
    if (number === undefined || (run.thread.kind === 'pull' && number === run.thread.number))
      return { result: foreign }
    const key = `pull ${url}` as const
    const unseen = triedRetry(run, key, context.deps.now())
    const isFirst = unseen === undefined
    if (isFirst && run.result.claimsSeen >= maxClaims) return { result: foreign }
    const claimsSeen = run.result.claimsSeen + (isFirst ? 1 : 0)
    const { labels } = run.baseline.settings.pull_request
    const view = await context.github.pulls.find(number, { login: run.request.by.login, labels })
    const now = context.deps.now()
    const age = now - (unseen?.since ?? now)
    // PostHog may know a pull request before GitHub shows it everywhere.
    if (!view && age < limits.unseenPull) {
      const wait = {
        why: 'GitHub does not show it',
        until: now + Math.min(30_000, Math.max(1_000, age)),
      }
      return { result: { claimsSeen }, retries: { [key]: retriedAt(run, key, now, wait) } }
    }
    if (!view || !(await isOwn(context, view))) {
      context.deps.log.warn({ url }, 'not a pull request of this run')
      return { result: { ...foreign, claimsSeen } }
    }
    return putRightWhenFound(context, view, { ...withFound(run, view), claimedPulls, claimsSeen })
  },
})

const withFound = (run: Run, view: PullView): Pick<Run['result'], 'pulls' | 'untended'> => ({
  pulls: withPull(run.result.pulls, { ...recorded(view), base: wantedBase(run, view) }),
  untended: [...run.result.untended.filter(number => number !== view.number), view.number],
})

async function isOwn(
  { run, github }: StepContext<'commits.compare'>,
  view: PullView,
): Promise<boolean> {
  const ownership = ownershipOf(run, view)
  if (ownership !== 'if-descended' || !run.workspace.branch) return ownership === 'ours'
  return (await github.commits.compare(run.workspace.branch.sha, view.sha))?.isDescendant === true
}

const withPull = (pulls: Pull[], pull: Pull): Pull[] => [
  ...pulls.filter(({ number }) => number !== pull.number),
  pull,
]
