/** The step `find-result` finds the result of a Run as GitHub has it, never from the agent's text. */
import type { Pull, PullView } from '../../core/model/views.ts'
import { maxClaims } from '../../core/record/own-pull-request.ts'
import { agentsHead, changed, hasNewPull, type Run, type Stray } from '../../core/record/run.ts'
import { turnOf } from '../../core/record/turn.ts'
import { isOwn, withAdopted } from './adopt-pull.ts'
import {
  type BranchChange,
  branchChanges,
  branchReads,
  headsNow,
  type PushedWork,
} from './branch-changes.ts'
import { openPull, pullToOpen } from './open-pull.ts'
import { type StepContext, step } from './step-context.ts'

export const findResult = step('find-result', {
  github: [...branchReads, 'branches.default', 'pulls.create', 'thread.settle'],
  writes: ['result'],
  async do(context) {
    const { run } = context
    // 1. What changed on the branches since the round began?
    const heads = await headsNow(context)
    const changes = await branchChanges(context, heads)
    // 2. How do its pull requests stand, and which new ones are its own?
    const views = changes.flatMap(({ pulls = [] }) => pulls)
    const updated = changed(run, {
      result: {
        pulls: run.result.pulls.map(pull => updatedPull(pull, views)),
        resultChecked: true,
        heads: Object.fromEntries(heads.map(({ name, sha }) => [name, sha])),
      },
    })
    const adopted = changed(updated, {
      result: withAdopted(updated, await pullsFoundOnBranches(context, changes)),
    })
    // 3. What did the agent push? The Run's own branch comes first, and a push to a base last.
    const works = changes.flatMap(({ work = [] }) => work)
    const work = works.find(({ head }) => head.name === run.workspace.branch?.name) ?? works[0]
    const strays = [...run.result.strays, ...changes.flatMap(({ stray = [] }) => stray)]
    const straight = strays.find(({ kind }) => kind === 'straight')
    const pushed = work?.commit ?? straight?.commits[0] ?? run.result.pushed
    const pushedBranch = work?.head.name ?? straight?.branch ?? run.result.pushedBranch
    // 4. Does a pull request show it? Then that is told, not the branch.
    const shown = work ? pullThatShows(adopted, work) : run.result.shownIn
    const withPushed = changed(adopted, {
      result: {
        pushed,
        pushedBranch: shown ? undefined : pushedBranch,
        shownIn: shown && { number: shown.number, url: shown.url },
      },
    })
    // 5. Else the bot opens one, unless the turn was cut off.
    const isCutOff = ['unfinished', 'failed'].includes(turnOf(run).kind)
    const wanted = work && !isCutOff && pullToOpen(withPushed, work)
    const after = wanted
      ? changed(withPushed, { result: await openPull(context, withPushed, wanted) })
      : withPushed
    // 6. What nobody asked for is noted, to be told first. So are commits that are told nowhere else.
    const unannounced = works.filter(
      each => !pullThatShows(after, each) && (each !== work || hasNewPull(after)),
    )
    const left = unannounced.map(
      ({ head, commit }): Stray => ({ kind: 'left', branch: head.name, commits: [commit] }),
    )
    return { result: { ...after.result, strays: [...strays, ...left] } }
  },
})

/** Events about a pull request may be late. */
function updatedPull(pull: Pull, views: readonly PullView[]): Pull {
  const view = views.find(({ number }) => number === pull.number)
  if (!view) return pull
  const { state, draft, sha } = view
  return { ...pull, state, draft, sha, size: sha === pull.sha ? pull.size : undefined }
}

/** Pull requests of the Run that its record does not have. On a branch of people they are theirs. */
async function pullsFoundOnBranches(
  context: StepContext<'commits.compare'>,
  changes: readonly BranchChange[],
) {
  const { baseline, result, workspace } = context.run
  const { branch } = workspace
  const isBranchOfPeople = (name: string) =>
    name === baseline.head?.ref ||
    (name === branch?.name && !branch.made && name !== agentsHead(context.run))
  const isNew = ({ state, number }: PullView) =>
    state !== 'closed' && result.pulls.every(pull => pull.number !== number)
  const own: PullView[] = []
  for (const { name, pulls = [] } of changes) {
    if (isBranchOfPeople(name)) continue
    for (const view of pulls.filter(isNew).slice(0, maxClaims))
      if (await isOwn(context, view)) own.push(view)
  }
  return own
}

const pullThatShows = ({ result }: Run, { head, pulls }: PushedWork) =>
  pulls.find(({ state, sha }) => state === 'open' || (state === 'merged' && sha === head.sha)) ??
  result.pulls.find(({ state, sha }) => state !== 'closed' && sha === head.sha)
