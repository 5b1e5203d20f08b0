/** What became of the pull request after a Run, and which Run tells it. Pure. */
import type { Pull, Rounds } from '../model/views.ts'
import type { PullStanding } from './mailbox-part.ts'
import { changed, type Ended, type Run } from './run.ts'

/** An answer to an earlier look may come later. */
const isStale = ({ result }: Run, { number, readAt = Number.POSITIVE_INFINITY }: PullStanding) =>
  readAt < (result.pullsReadAt[number] ?? 0)

/** Says whether this standing ends it. */
export const endsBy = (run: Run, stands: PullStanding): boolean =>
  run.result.ended === undefined && !isStale(run, stands) && endAfter(run, stands) !== undefined

export function withStanding(run: Run, stands: PullStanding): Run {
  if (isStale(run, stands)) return run
  const { number, state, readAt } = stands
  const { pulls, pullsReadAt, rounds, needs } = run.result
  const withThis = (pull: Pull): Pull => {
    const { draft = pull.draft, base = pull.base } = stands
    return pull.number === number ? { ...pull, state, draft, base } : pull
  }
  return changed(run, {
    result: {
      pullsReadAt: readAt === undefined ? pullsReadAt : { ...pullsReadAt, [number]: readAt },
      rounds: endsBy(run, stands) ? stands.rounds : rounds,
      pulls: pulls.map(withThis),
      ended: endAfter(run, stands),
      needs: state !== 'open' && number === needs?.number ? undefined : needs,
    },
  })
}

function endAfter({ result: { ended } }: Run, stands: PullStanding): Ended | undefined {
  const { number, state, at } = stands
  const known = ended?.number === number ? ended : undefined
  if (state === 'open') return known ? undefined : ended
  return known?.how === state || at === undefined ? ended : { number, how: state, at }
}

/** The newest that changed it, or else opened it, of those that know it, oldest first. */
export const tellerOf = <Of extends { data: Run }>(runs: readonly Of[]): Of | undefined =>
  runs.findLast(({ data }) => hasChanged(data)) ??
  runs.findLast(({ data }) => data.result.pulls.length > 0)

export const hasChanged = ({ result: { outcome } }: Run): boolean =>
  outcome?.kind === 'pull' || outcome?.kind === 'pushed'

/** Sums over the runs of one pull request. Several may have had one session. */
export function roundsOf(runs: readonly Run[]): Rounds {
  const byPostHog = new Map<string, number>()
  for (const { session } of runs) {
    const { id = '' } = session.taskRun ?? {}
    byPostHog.set(id, Math.max(byPostHog.get(id) ?? 0, session.sessionLog?.ciTurns ?? 0))
  }
  return {
    asked: runs.reduce((sum, { mailbox }) => sum + mailbox.fixes, 0),
    byPostHog: [...byPostHog.values()].reduce((sum, each) => sum + each, 0),
  }
}

export const isAtCap = ({ asked, byPostHog }: Rounds, most: number): boolean =>
  asked + byPostHog >= most

/** The open pull requests that the Run opened or works on. */
export function openPullsOf({
  thread,
  workspace: { branch },
  result,
}: Run): Pick<Pull, 'number' | 'head'>[] {
  const opened = result.pulls.filter(({ state }) => state === 'open')
  const isOnPull = thread.kind === 'pull' && branch && result.ended?.number !== thread.number
  return isOnPull ? [{ number: thread.number, head: branch.name }, ...opened] : opened
}

export const openPullFrom = (run: Run, ref: string): number | undefined =>
  openPullsOf(run).findLast(({ head }) => head === ref)?.number

/** The pull requests that were not told of in an earlier round. */
export const newPulls = ({ result: { pulls, reported } }: Run): Pull[] =>
  pulls.slice(Math.min(reported, Math.max(0, pulls.length - 1)))
