/** What became of the pull request after a Run, and which Run tells it. Pure. */
import type { Pull } from '../model/views.ts'
import { changed, type Ended, type Rounds, type Run } from './run.ts'

/** How it stands at GitHub; when it ended, ms since the epoch, and the rounds until then, for the Run that tells it. */
export interface PullStanding extends Pick<Pull, 'number' | 'state'> {
  draft?: boolean | undefined
  base?: string | undefined
  at?: number | undefined
  rounds?: Rounds | undefined
  /** When GitHub was asked for it, our clock. */
  readAt?: number | undefined
}

/** An answer to an earlier look may come later. */
const isStale = ({ result }: Run, { number, readAt = Number.POSITIVE_INFINITY }: PullStanding): boolean =>
  readAt < (result.pullsReadAt[number] ?? 0)

/** Says whether this standing ends it. */
export const endsBy = (run: Run, stands: PullStanding): boolean =>
  run.result.ended === undefined && !isStale(run, stands) && endAfter(run, stands) !== undefined

export function withStanding(run: Run, stands: PullStanding): Run {
  if (isStale(run, stands)) return run
  const { number, readAt } = stands
  return changed(run, {
    result: {
      pullsReadAt: { ...run.result.pullsReadAt, ...(readAt !== undefined && { [number]: readAt }) },
      rounds: endsBy(run, stands) ? stands.rounds : run.result.rounds,
      pulls: run.result.pulls.map(pull =>
        pull.number === stands.number
          ? {
              ...pull,
              state: stands.state,
              draft: stands.draft ?? pull.draft,
              base: stands.base ?? pull.base,
            }
          : pull,
      ),
      ended: endAfter(run, stands),
      needs:
        stands.state !== 'open' && stands.number === run.result.needs?.number ? undefined : run.result.needs,
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
  runs.findLast(({ data }) => hasChanged(data)) ?? runs.findLast(({ data }) => data.result.pulls.length > 0)

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

export const isAtCap = ({ asked, byPostHog }: Rounds, most: number): boolean => asked + byPostHog >= most

/** The open pull requests that the Run opened or works on. */
export const openPullsOf = ({
  thread,
  workspace: { branch },
  result: { pulls, ended },
}: Run): Pick<Pull, 'number' | 'head'>[] => [
  ...(thread.kind === 'pull' && branch && ended?.number !== thread.number
    ? [{ number: thread.number, head: branch.name }]
    : []),
  ...pulls.filter(({ state }) => state === 'open'),
]

export const openPullFrom = (run: Run, ref: string): number | undefined =>
  openPullsOf(run).findLast(({ head }) => head === ref)?.number

/** The pull requests that were not told of in an earlier round. */
export const newPulls = ({ result: { pulls, reported } }: Run): Pull[] =>
  pulls.slice(Math.min(reported, Math.max(0, pulls.length - 1)))
