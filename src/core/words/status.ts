import type { CheckReport } from '../model/views.ts'
import { isUndone, staysInStatus } from '../record/last-word.ts'
import { phaseOf, type Run } from '../record/run.ts'
import { checkedSha, commentsOf, statusPlace } from '../record/status-place.ts'
import { files, resultHeading, resultLines, resultSmall } from './closing.ts'
import { boxesAfter, boxFor, details } from './details.ts'
import { warnings } from './warnings.ts'
import { fixOffer, needsLines } from './what-it-needs.ts'
import { waitingKey, workHeading, workLines, workSmall } from './while-working.ts'
import { type Deployment, small } from './words.ts'

export function statusComment(run: Run, deployment: Deployment, now: number): string {
  return joined([`### ${headingOf(run, now)}`, ...below(run, deployment, now)])
}

/** The same on a branch, where nothing can be ticked; or no more than that there is a run. */
export function statusCheck(run: Run, deployment: Deployment, now: number): CheckReport {
  const { outcome } = run.result
  const thread = `[#${run.thread.number}](${run.thread.url})`
  const isQuiet = commentsOf(run.baseline.settings) === 'outcomes'
  // On one that other branches have, a check that is not over would hold up what waits for all of theirs.
  const hasOwnCommit = run.thread.kind === 'pull' || checkedSha(run) !== run.workspace.branch?.sha
  return {
    id: run.id,
    name: `codex #${run.thread.number}`,
    state: outcome ? (isUndone(outcome) ? 'neutral' : 'success') : hasOwnCommit ? 'pending' : 'neutral',
    title: isQuiet ? 'Codex' : headingOf(run, now),
    summary: isQuiet
      ? `Codex works for ${thread}, and answers there.`
      : joined([...below(run, deployment, now), `For ${thread}.`]),
    url: run.thread.url,
  }
}

const joined = (parts: readonly string[]): string => parts.filter(part => part !== '').join('\n\n')

const headingOf = (run: Run, now: number): string =>
  run.result.outcome ? resultHeading(run) : workHeading(run, now)

function below(run: Run, deployment: Deployment, now: number): string[] {
  const hasBoxes = statusPlace(run) !== 'check'
  if (!run.result.outcome) {
    const box = hasBoxes && !run.mailbox.stop ? boxFor('stop') : ''
    return [...workLines(run, now), warnings(run), details(run), box, small(workSmall(run, deployment, now))]
  }
  return [
    ...resultLines(run),
    needsLines(run),
    files(run, deployment),
    warnings(run),
    details(run),
    ...(hasBoxes ? [staysInStatus(run) ? boxesAfter(run) : '', fixOffer(run)] : []),
    small(resultSmall(run, deployment, 'status')),
  ]
}

/** A change of this key is shown at once; others wait for the next edit. */
export function phaseKey(run: Run, now: number): string {
  const phase = phaseOf(run)
  const { ended, needs } = run.result
  const pulls = run.result.pulls.map(pull => `${pull.number}${pull.state}${pull.draft}`).join()
  return [
    phase === 'starting' ? 'working' : phase,
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
