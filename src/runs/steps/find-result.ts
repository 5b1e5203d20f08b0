/** The result of a Run, as GitHub has it, never from the agent's text. */
import { Rejected } from '../../core/model/errors.ts'
import type { BranchView, Pull, PullView } from '../../core/model/views.ts'
import { openIntent } from '../../core/record/intents.ts'
import { agentsCommit, maxClaims, ownershipOf, pullNumberIn } from '../../core/record/own-pull-request.ts'
import { isReadOnly } from '../../core/record/request-part.ts'
import { believeAbsent, retriedAt, triedRetry } from '../../core/record/retries.ts'
import { agentsHead, baseOf, changed, type Run } from '../../core/record/run.ts'
import { limits } from '../../core/record/timing.ts'
import { standingOf } from '../../core/record/turn.ts'
import type { Branch } from '../../core/record/workspace-part.ts'
import { paragraphs } from '../../core/text/phrases.ts'
import { disarm, quoted } from '../../core/text/safe-markdown.ts'
import { pullFooter } from '../../core/words/small-line.ts'
import { once, refusedReads, type StepContext, step } from './step-context.ts'
import { putRight, putRightWhenFound, recorded, titleOf, wantedBase } from './tend-pull.ts'

const finding = ['pulls.from', 'branches.find', 'commits.compare', 'commits.isMerged'] as const
type Finding = StepContext<(typeof finding)[number]>

export const findResult = step('find-result', {
  github: [...finding, 'branches.default', 'pulls.create', 'thread.settle'],
  writes: ['result'],
  async do(context) {
    const { found, seen } = await pullsOfHeads(context)
    const pushed = await findPushed(context, seen)
    const { defaultBranch } = context.run.thread
    const from = pushed?.head.name ?? defaultBranch
    const views = from === defaultBranch ? [] : (seen.get(from) ?? (await context.github.pulls.from(from)))
    const { run } = context
    // Events about them may be late.
    const pulls = run.result.pulls.map(pull => {
      const view = [...seen.values()].flat().find(({ number }) => number === pull.number)
      if (!view) return pull
      const { state, draft, sha } = view
      return { ...pull, state, draft, sha, size: sha === pull.sha ? pull.size : undefined }
    })
    const before = changed(run, { result: { pulls } })
    const known = changed(before, {
      result: {
        ...(found ? withFound(before, found) : {}),
        resultChecked: true,
        pushed: pushed?.commit ?? run.result.pushed,
        pushedBranch: pushed && !views.some(shows(pushed.head)) ? pushed.head.name : undefined,
      },
    })
    const stands = standingOf(run)
    const isCutOff = stands.kind === 'unfinished' || stands.kind === 'failed'
    const opening = pushed && !isCutOff && openingFor(known, pushed.head, views)
    return { result: opening ? await openOurs(context, known, opening) : known.result }
  },
})

/** The pull requests of each head that was asked about, newest first. */
type Seen = ReadonlyMap<string, PullView[]>

async function pullsOfHeads(context: Finding): Promise<{ found?: PullView; seen: Seen }> {
  const { run } = context
  const { branch } = run.workspace
  const heads = new Set([agentsHead(run), branch?.made ? branch.name : undefined])
  const known = new Set(run.result.pulls.map(({ number }) => number))
  const seen = new Map<string, PullView[]>()
  for (const head of heads) {
    if (head === undefined || head === run.thread.defaultBranch || head === run.baseline.head?.ref) continue
    const views = await context.github.pulls.from(head)
    seen.set(head, views)
    const fresh = views.filter(({ state, number }) => state !== 'closed' && !known.has(number))
    for (const view of fresh.slice(0, maxClaims)) if (await isOwn(context, view)) return { found: view, seen }
  }
  return { seen }
}

const shows =
  (branch: BranchView) =>
  ({ state, sha }: PullView): boolean =>
    state === 'open' || (state === 'merged' && sha === branch.sha)

interface Pushed {
  commit: string
  head: BranchView
}

async function findPushed(context: Finding, seen: Seen): Promise<Pushed | undefined> {
  const { run, github } = context
  const { branch } = run.workspace
  if (!branch) return undefined
  const head = await github.branches.find(branch.name)
  if (!head) believeAbsent(`The branch ${branch.name}`, refusedReads(context, 'github'))
  if (head && head.sha !== branch.sha) {
    const commit = await ownCommit(context, branch.sha, head.sha)
    if (commit !== undefined) return { commit, head }
  }
  return pushedElsewhere(context, branch, seen)
}

/** Merged pull requests that are looked for behind one commit. */
const maxMerged = 5

/** Whoever merges another pull request of Codex brings its commits here: for them a plan or a review is not reproached. */
async function ownCommit({ run, github }: Finding, base: string, head: string): Promise<string | undefined> {
  let { commits } = (await github.commits.compare(base, head)) ?? {}
  for (let looked = 0; looked < maxMerged; looked += 1) {
    const commit = agentsCommit(run, head, commits)
    if (commit === undefined || !isReadOnly(run.request.what) || !(await github.commits.isMerged(commit)))
      return commit
    commits = commits?.filter(({ sha }) => sha !== commit)
  }
  return undefined
}

/** An agent may go on pushing to its own branch after the pull request from there was merged. */
async function pushedElsewhere(
  context: Finding,
  { name, sha }: Branch,
  seen: Seen,
): Promise<Pushed | undefined> {
  const { run, github } = context
  const elsewhere = agentsHead(run)
  if (elsewhere === undefined || elsewhere === name || elsewhere === run.thread.defaultBranch)
    return undefined
  const views = seen.get(elsewhere) ?? []
  const open = views.find(({ state }) => state === 'open')
  if (open) {
    // Later words may only add commits to the pull request that there is.
    const known = run.result.pulls.find(pull => pull.number === open.number)
    if (known?.sha === undefined || known.sha === open.sha) return undefined
    const since = await github.commits.compare(known.sha, open.sha)
    const commit = agentsCommit(run, open.sha, since?.commits)
    return commit === undefined ? undefined : { commit, head: { name: open.head, sha: open.sha } }
  }
  const head = await github.branches.find(elsewhere)
  if (!head || views.some(view => view.sha === head.sha)) return undefined
  const since = await github.commits.compare(views[0]?.sha ?? sha, head.sha)
  const commit = since?.commits.length ? agentsCommit(run, head.sha, since.commits) : undefined
  return commit === undefined ? undefined : { commit, head }
}

interface Opening {
  head: string
  base: string
}

/** Opens from the bot's or the agent's own branches, and from any whose pull request was merged without these commits. */
function openingFor(run: Run, head: BranchView, views: readonly PullView[]): Opening | undefined {
  const { thread } = run
  const { branch } = run.workspace
  const { pulls } = run.result
  if (!branch || run.request.what !== 'work' || run.mailbox.stop) return undefined
  if (pulls.some(({ state }) => state === 'open')) return undefined
  const isOpen = views.some(({ state }) => state === 'open')
  if (isOpen ? !openIntent(run, 'open-pull') : views.some(view => view.sha === head.sha)) return undefined
  const own = [thread.kind === 'pull' ? thread.number : undefined, ...pulls.map(({ number }) => number)]
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
      find: async () => (await context.github.pulls.from(head)).find(({ state }) => state === 'open'),
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
      const wait = { why: 'GitHub does not show it', until: now + Math.min(30_000, Math.max(1_000, age)) }
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

async function isOwn({ run, github }: StepContext<'commits.compare'>, view: PullView): Promise<boolean> {
  const ownership = ownershipOf(run, view)
  if (ownership !== 'if-descended' || !run.workspace.branch) return ownership === 'ours'
  return (await github.commits.compare(run.workspace.branch.sha, view.sha))?.isDescendant === true
}

const withPull = (pulls: Pull[], pull: Pull): Pull[] => [
  ...pulls.filter(({ number }) => number !== pull.number),
  pull,
]
