import { staysInStatus } from '../record/last-word.ts'
import { phaseOf, type Run } from '../record/run.ts'
import { resultHeading, resultLines, resultSmall } from './closing.ts'
import { boxesAfter, boxFor, details } from './details.ts'
import { warnings } from './warnings.ts'
import { waitingFor, workHeading, workLines, workSmall } from './while-working.ts'
import { type Deployment, small } from './words.ts'

export function statusComment(run: Run, deployment: Deployment, now: number): string {
  const parts = run.result.outcome ? over(run, deployment) : working(run, deployment, now)
  return parts.filter(part => part !== '').join('\n\n')
}

const working = (run: Run, deployment: Deployment, now: number): string[] => [
  `### ${workHeading(run, now)}`,
  ...workLines(run, now),
  warnings(run),
  details(run),
  run.mailbox.stop ? '' : boxFor('stop'),
  small(workSmall(run, deployment, now)),
]

const over = (run: Run, deployment: Deployment): string[] => [
  `### ${resultHeading(run)}`,
  ...resultLines(run),
  warnings(run),
  details(run),
  staysInStatus(run) ? boxesAfter(run) : '',
  small(resultSmall(run, deployment, 'status')),
]

/** A change of this key is shown at once; others wait for the next edit. */
export function phaseKey(run: Run, now: number): string {
  const phase = phaseOf(run)
  const pulls = run.result.pulls.map(pull => `${pull.number}${pull.state}${pull.draft}`).join()
  return [
    phase === 'starting' ? 'working' : phase,
    run.schedule.waits === undefined ? '' : 'in line',
    run.result.round,
    run.result.outcome ? '' : waitingFor(run, now),
    pulls,
    run.session.agentLeft ? 'left' : '',
    run.mailbox.ignoredStop ? 'not stopped' : '',
  ].join('|')
}
