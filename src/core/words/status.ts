/**
 * The status comment of a Run, drawn as a whole from its record.
 * `phaseKey` tells whether a change must be shown at once.
 */
import { staysInStatus, willBeFolded } from '../record/last-word.ts'
import { phaseOf, type Run } from '../record/run.ts'
import { files, resultHeading, resultLines } from './closing.ts'
import { boxesAfter, boxFor, details } from './details.ts'
import { resultSmall } from './small-line.ts'
import { warnings } from './warnings.ts'
import { fixOffer, needsLines, saidAfterwards } from './what-it-needs.ts'
import { waitingKey, workHeading, workLines, workSmall } from './while-working.ts'
import { type Deployment, small } from './words.ts'

export function statusComment(run: Run, deployment: Deployment, now: number): string {
  const parts = run.result.outcome ? ended(run, deployment) : atWork(run, deployment, now)
  return parts.filter(part => part !== '').join('\n\n')
}

const atWork = (run: Run, deployment: Deployment, now: number): string[] => [
  `### ${workHeading(run, now)}`,
  ...workLines(run, now),
  warnings(run),
  details(run),
  run.mailbox.stop || phaseOf(run) === 'ending' ? '' : boxFor('stop'),
  small(workSmall(run, deployment, now)),
]

const ended = (run: Run, deployment: Deployment): string[] => [
  `### ${resultHeading(run)}`,
  ...resultLines(run),
  needsLines(run),
  saidAfterwards(run),
  files(run, deployment),
  warnings(run),
  willBeFolded(run) ? '' : details(run),
  staysInStatus(run) ? boxesAfter(run) : '',
  fixOffer(run),
  willBeFolded(run) ? '' : small(resultSmall(run, deployment, 'status')),
]

/** A change of this key is shown at once; others wait for the next edit. */
export function phaseKey(run: Run, now: number): string {
  const phase = phaseOf(run)
  const { ended, needs } = run.result
  const pulls = run.result.pulls.map(pull => `${pull.number}${pull.state}${pull.draft}`).join()
  return [
    phase === 'starting' ? 'preparing' : phase,
    run.schedule.waits === undefined ? '' : 'in line',
    run.result.round,
    run.result.outcome ? '' : waitingKey(run, now),
    pulls,
    run.session.agentLeft ? 'left' : '',
    run.mailbox.ignoredStop ? 'not stopped' : '',
    ...(run.request.edited ? [run.request.at] : []),
    ...(needs ? [JSON.stringify(needs)] : []),
    ...(ended ? [ended.how] : []),
  ].join('|')
}
