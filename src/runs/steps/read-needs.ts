/**
 * The step `read-needs` asks GitHub what the Run's open pull request needs before it can be merged.
 * It leaves the answer in the result, with how often fixes were asked for.
 */
import { withOrders } from '../../access/authorize.ts'
import { unlessRejected } from '../../core/model/errors.ts'
import type { GitHubWith } from '../../core/model/ports.ts'
import type { NeedsView } from '../../core/model/views.ts'
import { openPullFrom, roundsOf } from '../../core/record/pull-end.ts'
import { agentsHead, type Run } from '../../core/record/run.ts'
import { runsOfPull } from '../../core/record/run-index.ts'
import { step } from './step-context.ts'

/** What came while the agent worked is looked at with its result. */
export const readNeeds = step('read-needs', {
  github: ['pulls.needs'],
  writes: ['result'],
  async do({ run, github, deps }) {
    const number = openPullFrom(run, agentsHead(run) ?? run.workspace.branch?.name ?? '')
    const view = number === undefined ? undefined : await needsSeen(github, number, run.baseline)
    const needs = view?.needs
    const looked = number !== undefined && view ? { number, ...view.facts } : undefined
    const onPull =
      number === undefined ? undefined : await runsOfPull(deps.index, run.thread, number)
    const others = onPull?.flatMap(({ data }) => (data.id === run.id ? [] : [data]))
    const rounds = others ? roundsOf([...others, run]) : run.result.rounds
    return { result: { hinted: undefined, needs, looked, rounds } }
  },
})

/** Only words depend on it, so a refusal is no fault of the Run. */
export async function needsSeen(
  github: GitHubWith<'pulls.needs'>,
  number: number,
  { settings }: Pick<Run['baseline'], 'settings'>,
): Promise<NeedsView | undefined> {
  const read = await github.pulls.needs(number).catch(unlessRejected)
  return read && withOrders(read, settings.context.bots)
}
