/**
 * `--until-green`. When a run has ended that changed its pull request, a trigger of its own waits for the checks there.
 * Like a command it is stopped by `/codex stop`, GitHub is asked each time for its sender's right, and it is there once,
 * by its id. News of checks wake it. It looks at the newest commit alone, in this order:
 *
 * 1. A later run until green has taken its place, or it had begun one or said its last word before the queue was lost:
 *    silence.
 * 2. A run is at work on the pull request, or GitHub does not show the new commit yet: it waits.
 * 3. Checks run: it waits, for a day at most.
 * 4. The pull request or the thread is closed, nothing is checked there, or all is green: it says so.
 * 5. Checks failed: the next round starts. If the rounds are used up, or a pause or a limit holds, it says so.
 */
import { createHash } from 'node:crypto'
import { fixInstruction } from '../core/agent/pull-needs.ts'
import { day, minute, second } from '../core/model/time.ts'
import type { TickTrigger } from '../core/model/trigger.ts'
import type { NeedsView } from '../core/model/views.ts'
import { isAtCap, pullToWatch, roundsOf } from '../core/record/pull-end.ts'
import { changed, type Run, type Waits } from '../core/record/run.ts'
import type { EndOfFollowing } from '../core/words/fix-rounds.ts'
import { command, type Decision, type Reads, type Request, reject } from './command.ts'
import type { WaitingTriggers } from './command-context.ts'
import { roundAfter, runCommand } from './run-command.ts'
import { decideStart, type StartFacts, type StartReads, startFacts, type Wanted } from './start-decision.ts'

/** How long checks may take to begin after a push. */
const beginWithin = 30 * second
/** How long GitHub may go on showing an older commit. */
const shownWithin = 5 * minute
/** After that, what failed is fixed while other checks still run. */
const failsAlone = 30 * minute
/** What wakes it may be lost. */
const lookEvery = 10 * minute

const followerOf = ({ id }: Pick<Run, 'id'>): string =>
  `until-green-${createHash('sha256').update(id).digest('base64url').slice(0, 20)}`

/** What waits for the checks once the Run has ended, if anything is to. */
export function followingOf(run: Run): TickTrigger | undefined {
  const { id, thread, request, baseline, result } = run
  const pull = pullToWatch(run)
  if (pull === undefined) return undefined
  const asked = request.origin.kind === 'comment' ? request.origin.commentRef : undefined
  return {
    ...{
      kind: 'tick',
      id: followerOf(run),
      deliveryId: request.delivery ?? id,
      thread,
      text: '',
      box: 'fix',
    },
    // A stop of the time between ends it. GitHub's times are whole seconds.
    at: second * Math.floor((result.concludedAt ?? request.at) / second),
    sender: request.by,
    snapshot: baseline.snapshot,
    follows: { run: id, pull, asked },
  }
}

/** Those that wait for the checks of what one of these made. */
export async function wakeFollowers(
  { waiting }: { waiting: Pick<WaitingTriggers, 'wake'> },
  runs: readonly { data: Run }[],
): Promise<void> {
  const followed = runs.filter(({ data }) => data.request.options.untilGreen)
  await Promise.all(followed.map(({ data }) => waiting.wake(followerOf(data))))
}

interface Ended {
  kind: 'ended'
  end: EndOfFollowing
}

interface Failing {
  kind: 'failing'
  runs: readonly Run[]
  needs: NeedsView
  start: StartFacts
  /** What would hold the next round back. */
  waits: Waits | undefined
  now: number
}

type Facts = { kind: 'over' } | { kind: 'started' } | { kind: 'waits'; ms: number } | Ended | Failing

const { facts: _, decide: __, ...grammar } = runCommand

export const untilGreen = command({
  ...grammar,

  async facts(
    reads: StartReads & Pick<Reads, 'needs' | 'runsOf' | 'heldNow' | 'isOpen' | 'now' | 'hasSpoken'>,
    request,
  ): Promise<Facts> {
    const { trigger, runId } = request
    if (trigger.kind !== 'tick' || !trigger.follows) return { kind: 'over' }
    const { pull, run } = trigger.follows
    const runs = await reads.runsOf(pull)
    const last = runs.findLast(({ request: { options } }) => options.untilGreen)
    if (last?.id === runId) return { kind: 'started' }
    // After a lost queue, it may be there before its Run is.
    if (!runs.some(({ id }) => id === run))
      return reads.now - trigger.at < day ? { kind: 'waits', ms: minute } : { kind: 'over' }
    if (last?.id !== run) return { kind: 'over' }
    if (runs.some(({ result }) => !result.outcome)) return { kind: 'waits', ms: minute }
    const needs = await reads.needs(pull)
    const since = Math.max(...runs.map(({ result }) => result.concludedAt ?? 0))
    const stands = standingOf(needs, { waited: reads.now - since, before: last.workspace.branch?.sha })
    if (stands.kind === 'waits') return stands
    if (await reads.hasSpoken()) return { kind: 'over' }
    if (stands.kind === 'ended') return stands
    if (!(await reads.isOpen())) return { kind: 'ended', end: { kind: 'closed' } }
    const start = await startFacts(reads, request, wanted(stands.needs))
    const { limits } = start.kind === 'free' ? start.held.settings : last.baseline.settings
    const asNow = changed(last, { baseline: { settings: { ...last.baseline.settings, limits } } })
    return { ...stands, runs, start, waits: await reads.heldNow(asNow), now: reads.now }
  },

  decide(request, facts): Decision {
    switch (facts.kind) {
      case 'over':
        return { kind: 'silence' }
      case 'started':
        return { kind: 'started' }
      case 'waits':
        return { kind: 'look-again', ms: facts.ms }
      case 'ended':
        return ends(request, facts.end)
      case 'failing':
        return goOn(request, facts)
    }
  },
})

const wanted = (needs: NeedsView): Wanted => ({
  what: 'work',
  text: fixInstruction(needs) ?? '',
  options: { untilGreen: true },
  mayJoin: false,
  fixes: true,
})

function ends({ trigger }: Request, end: EndOfFollowing): Decision {
  if (trigger.kind !== 'tick' || !trigger.follows) return { kind: 'silence' }
  const reply = { kind: 'until-green', pull: trigger.follows.pull, end } as const
  return end.kind === 'green' ? { kind: 'reply', reply } : reject(reply)
}

function goOn(request: Request, { runs, needs, start, waits, now }: Failing): Decision {
  // Nobody may look on any more: it does not start by itself some day.
  if (waits?.kind === 'pause' || waits?.kind === 'until') return ends(request, { kind: 'held', waits, now })
  if (start.kind === 'busy' || start.kind === 'elsewhere') return { kind: 'look-again', ms: minute }
  if (start.kind !== 'free') return decideStart(request, wanted(needs), start)
  const rounds = roundsOf(runs)
  const { fix_rounds: most } = start.held.settings.limits
  if (isAtCap(rounds, most)) return ends(request, { kind: 'rounds', most, ...rounds })
  const asked = wanted(needs)
  return decideStart(request, { ...asked, round: roundAfter(rounds, asked.options, most) }, start)
}

/**
 * @param waited ms since the last run on the pull request came to its end
 * @param before the commit that the last round began on: its checks say nothing any more
 */
export function standingOf(
  needs: NeedsView | undefined,
  { waited, before }: { waited: number; before: string | undefined },
): { kind: 'waits'; ms: number } | Ended | { kind: 'failing'; needs: NeedsView } {
  if (!needs) return { kind: 'ended', end: { kind: 'closed' } }
  const { passed, failed, running } = needs.facts?.checks ?? { passed: 0, failed: 0, running: 0 }
  if (needs.sha === before && waited < shownWithin) return { kind: 'waits', ms: beginWithin }
  if (failed > 0 && (running === 0 || waited >= failsAlone)) return { kind: 'failing', needs }
  if (running > 0)
    return waited < day ? { kind: 'waits', ms: lookEvery } : { kind: 'ended', end: { kind: 'late', running } }
  if (waited < beginWithin) return { kind: 'waits', ms: beginWithin - waited }
  return { kind: 'ended', end: passed > 0 ? { kind: 'green', passed } : { kind: 'no-checks' } }
}
