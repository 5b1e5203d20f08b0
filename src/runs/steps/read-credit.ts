import { credits } from '../../core/agent/credit.ts'
import { Rejected } from '../../core/model/errors.ts'
import { requestersOf } from '../../core/record/own-pull-request.ts'
import type { Run } from '../../core/record/run.ts'
import { step } from './step-context.ts'

/** Only words depend on it, so a refusal is no fault of the Run. GitHub lists at most 250 commits. */
export const readCredit = step('read-credit', {
  github: ['commitsSince'],
  writes: ['result'],
  async do({ run, github }) {
    const { base, head } = whatIsNew(run)
    const commits = (await github.commitsSince(base, head).catch(unlessRefused)) ?? []
    const isUsers = run.request.options.authorship === 'user'
    const own = commits.filter(({ byPerson }) => isUsers || !byPerson)
    const people = requestersOf(run)
    const lacking = own.filter(commit => !credits(commit, people, run.thread)).length
    return { result: { credit: { round: run.result.round, of: own.length, lacking } } }
  },
})

/** What it pushed since it began, or all of its pull request. */
function whatIsNew(run: Run): { base: string; head: string } {
  const { branch } = run.workspace
  const { outcome, pulls, pushedBranch } = run.result
  const pushed = outcome?.kind === 'pushed' ? outcome.sha : undefined
  const pull = pulls.findLast(({ state }) => state === 'open') ?? pulls.at(-1)
  const on = pushedBranch ?? pull?.head ?? branch?.name
  if (pushed !== undefined && branch && on === branch.name) return { base: branch.sha, head: pushed }
  const base = pull?.base ?? branch?.into ?? run.thread.defaultBranch
  return { base, head: on ?? base }
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof Rejected)) throw error
}
