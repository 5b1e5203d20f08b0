/**
 * The status comment of a Run, drawn as a whole from its record.
 * `phaseKey` tells whether a change must be shown at once.
 */
import { staysInStatus, willBeFolded } from '../record/last-word.ts'
import type { Run } from '../record/run.ts'
import { phaseOf, situationOf } from '../record/situation.ts'
import { paragraphs } from '../text/phrases.ts'
import { files, resultHeading, resultLines, strayLines } from './closing.ts'
import { boxesAfter, details } from './details.ts'
import { resultSmall } from './small-line.ts'
import { warnings } from './warnings.ts'
import { type AtWork, waitingKey, workHeading, workLines, workSmall } from './while-working.ts'
import { boxFor, type Deployment, small } from './words.ts'

export function statusComment(run: Run, deployment: Deployment, now: number): string {
  const stands = situationOf(run)
  const parts =
    stands.kind === 'ended' ? result(run, deployment) : atWork({ run, stands, now }, deployment)
  return paragraphs(parts)
}

const atWork = (view: AtWork, deployment: Deployment): string[] => [
  `### ${workHeading(view)}`,
  ...workLines(view),
  warnings(view.run),
  details(view.run),
  stopBox(view.stands),
  small(workSmall(view, deployment)),
]

function stopBox({ kind }: AtWork['stands']): string {
  if (kind === 'stopping' || kind === 'ending') return ''
  return kind === 'waiting' ? boxFor('stop', 'Cancel this request') : boxFor('stop')
}

const result = (run: Run, deployment: Deployment): string[] => [
  `### ${resultHeading(run)}`,
  strayLines(run),
  ...resultLines(run),
  files(run, deployment),
  warnings(run),
  willBeFolded(run) ? '' : details(run),
  staysInStatus(run) ? boxesAfter(run) : '',
  willBeFolded(run) ? '' : small(resultSmall(run, deployment, 'status')),
]

/** A change of this key is shown at once; others wait for the next edit. */
export function phaseKey(run: Run, now: number): string {
  const stands = situationOf(run)
  const pulls = run.result.pulls.map(pull => `${pull.number}${pull.state}${pull.draft}`).join()
  return [
    stands.kind === 'starting' ? 'preparing' : phaseOf(stands),
    run.result.round,
    stands.kind === 'ended' ? '' : waitingKey({ run, stands, now }),
    pulls,
    run.session.agentLeft ? 'left' : '',
    run.mailbox.ignoredStop ? 'not stopped' : '',
    ...(run.request.edited ? [run.request.at] : []),
  ].join('|')
}
