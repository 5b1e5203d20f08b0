/**
 * The sets of the index that a Run is in: each is declared once, with its key and what may begin when a Run leaves it.
 * A waiting Run stands in line at the narrowest scope that has no free slot, or whose limit is 0, and at those inside
 * it: so it blocks nobody who could start now.
 */

import type { IndexEntry, JobIndex, JobQueue, JobRecord } from '../model/ports.ts'
import { fullName, type Repository, type Thread, threadSlot } from '../model/thread.ts'
import { day } from '../model/time.ts'
import { mayHaveBegun } from './intents.ts'
import { instructionSent } from './ledger.ts'
import { openPullsOf } from './pull-end.ts'
import { isReadOnly } from './request-part.ts'
import { type Run, type Scope, scopes } from './run.ts'
import { situationOf } from './situation.ts'

export interface Indexed {
  id: string
  /** ms since the epoch. Older Runs start first; at the same ms, by id. */
  addedAt: number
  data: Run
}

interface Declared<Key> {
  /** The keys of the sets that the Run is in. */
  keys(run: Run): readonly Key[]
  /** Its place in them. If there is none, a Run stands by when it was added. */
  score?(run: Run): number | undefined
  /** See `IndexEntry`. */
  keptMs?(run: Run): number | undefined
  /** Sets whose first Run may begin when this one leaves. */
  wakes?(key: Key, run: Run): string[]
}

function set<Key>(nameOf: (key: Key) => string, { keys, score, keptMs, wakes }: Declared<Key>) {
  const entries = ({ addedAt, data }: Indexed): (IndexEntry & { wakes: string[] })[] =>
    keys(data).map(key => ({
      set: nameOf(key),
      score: score?.(data) ?? addedAt,
      keptMs: keptMs?.(data),
      wakes: wakes?.(key, data) ?? [],
    }))
  return Object.assign((key: Key) => nameOf(key), { entries })
}

type ScopeKey = `person ${number} ${number}` | `repository ${number}` | `owner ${number}` | 'bot'

export function scopeKey({ thread, request }: Run, scope: Scope): ScopeKey {
  switch (scope) {
    case 'person':
      return `person ${thread.repoId} ${request.by.id}`
    case 'repository':
      return `repository ${thread.repoId}`
    case 'owner':
      return `owner ${thread.ownerId}`
    case 'bot':
      return scope
  }
}

export const tasksOf = ({ session: { taskId, earlier } }: Run): string[] => [
  ...new Set([taskId, earlier?.taskId].filter(task => task !== undefined)),
]

export const liveGroups = ['question', 'set-up', 'working', 'waiting'] as const

/** What a Run is to whoever looks after the bot. One that failed has ended, too. */
export type Group = (typeof liveGroups)[number] | 'failed' | 'ended'

/** Which Runs: of a repository by its id, of an issue or pull request by its number, else by a name in lower case. */
export interface Whose {
  kind: Exclude<Scope, 'bot'> | 'number'
  name: string | number
}

type Standing = 'begun' | 'admitted' | 'waiting'
type Ref = Pick<Thread, 'repoId'> & { ref: string }
type Numbered = Pick<Thread, 'repoId' | 'number'>

const kept = (): number => 30 * day
const isOpen = ({ result }: Run): boolean => result.outcome === undefined
const beganAt = ({ schedule }: Run): number | undefined => schedule.admissionExpectedAt
const endedAt = ({ result }: Run): number | undefined => result.concludedAt
/** The heads of its pull requests, and these. */
const refsOf = ({ thread: { repoId }, result }: Run, ...more: (string | undefined)[]): Ref[] =>
  [...new Set([...more, ...result.pulls.map(({ head }) => head)])].flatMap(ref =>
    ref === undefined ? [] : [{ repoId, ref }],
  )
const placesOf = (run: Run): ScopeKey[] => scopes.map(scope => scopeKey(run, scope))

export const sets = {
  working: set((place: ScopeKey) => `working ${place}`, {
    keys: run => (run.schedule.admitted && isOpen(run) ? placesOf(run) : []),
    score: beganAt,
    wakes: (place, { thread }): string[] => [sets.line(place), sets.untilPullEnds(thread.repoId)],
  }),
  line: set((place: ScopeKey) => `in line ${place}`, {
    keys: placesInLine,
    wakes: (place): string[] => [sets.line(place)],
  }),
  started: set(
    (of: ScopeKey | Numbered) => `started ${typeof of === 'string' ? of : threadSlot(of)}`,
    {
      keys: run => (run.schedule.admitted ? [...placesOf(run).slice(0, -1), run.thread] : []),
      score: beganAt,
      keptMs: () => day,
    },
  ),
  session: set(({ how, task }: { how: Standing; task: string }) => `session ${how} ${task}`, {
    keys: run => tasksOf(run).flatMap(task => standingsOf(run).map(how => ({ how, task }))),
    wakes: ({ task }): string[] => [
      sets.session({ how: 'waiting', task }),
      sets.session({ how: 'admitted', task }),
    ],
  }),
  /** Whoever closes that page wakes them. */
  untilClosed: set((url: string) => `until closed ${url.toLowerCase()}`, {
    keys: ({ schedule: { waits }, result }) =>
      waits?.kind === 'blocked' && !result.outcome ? waits.by.map(({ url }) => url) : [],
  }),
  untilPullEnds: set((repoId: number) => `pull-ends ${repoId}`, {
    keys: run =>
      run.schedule.waits?.kind === 'open-pulls' && isOpen(run) ? [run.thread.repoId] : [],
    wakes: (repoId): string[] => [sets.untilPullEnds(repoId)],
  }),
  /** Under a limit of open pull requests it counts from its admission; once its pull request is there, GitHub tells. */
  pullToCome: set((repoId: number) => `pull to come ${repoId}`, {
    keys: run => (opensPull(run) ? [run.thread.repoId] : []),
  }),
  openPull: set((repoId: number) => `has open pull ${repoId}`, {
    keys: run => (openPullsOf(run).length > 0 ? [run.thread.repoId] : []),
    keptMs: kept,
  }),
  branch: set(({ repoId, ref }: Ref) => `branch ${repoId} ${ref}`, {
    keys: run => {
      const { workspace, session } = run
      return session.taskRun ? refsOf(run, workspace.branch?.name, session.taskRun.headBranch) : []
    },
  }),
  /** The heads of pull requests that it opened or works on. News of their checks name the head. */
  head: set(({ repoId, ref }: Ref) => `head ${repoId} ${ref}`, {
    keys: run => refsOf(run, run.thread.kind === 'pull' ? run.workspace.branch?.name : undefined),
    keptMs: kept,
  }),
  pull: set(({ repoId, number }: Numbered) => `pull ${repoId} ${number}`, {
    keys: ({ thread: { repoId }, result }) =>
      result.pulls.map(({ number }) => ({ repoId, number })),
    keptMs: kept,
  }),
  thread: set<Numbered>(threadSlot, { keys: ({ thread }) => [thread], keptMs: kept }),
  task: set((task: string) => `task ${task}`, {
    keys: ({ session: { taskId, taskRun } }) => (taskId !== undefined && taskRun ? [taskId] : []),
    keptMs: kept,
  }),
  installation: set((id: number) => `installation ${id}`, {
    keys: ({ thread }) => [thread.installationId],
  }),
  repository: set((repoId: number) => `repository ${repoId}`, {
    keys: ({ thread }) => [thread.repoId],
  }),
  /** The address of its repository: number, installation, name and default branch. */
  address: set<Repository>(
    at => `place ${at.repoId} ${at.installationId} ${fullName(at)} ${at.defaultBranch}`,
    { keys: ({ thread }) => [thread] },
  ),
  board: set<{ group: Group; whose?: Whose | undefined }>(
    ({ group, whose }) =>
      whose === undefined ? `board ${group}` : `board ${group} ${whose.kind} ${whose.name}`,
    {
      keys: run => groupsOf(run).flatMap(group => whoseOf(run).map(whose => ({ group, whose }))),
      score: endedAt,
      keptMs: run => (isOpen(run) ? undefined : kept()),
    },
  ),
  /** The Runs of a repository that was called so. */
  named: set((name: string) => `in ${name.toLowerCase()}`, {
    keys: ({ thread }) => [fullName(thread)],
    keptMs: kept,
  }),
}

export const runIndex = {
  /** A new version has the index rebuilt: raise it when the entries change. */
  version: '16',
  entries: (run: Indexed) => Object.values(sets).flatMap(each => each.entries(run)),
}

/** The sets whose first Run may begin, as this one has left what it was in. */
export function linesMoved(before: Indexed, after: Indexed): string[] {
  const stays = new Set(runIndex.entries(after).map(({ set }) => set))
  const left = runIndex.entries(before).filter(({ set }) => !stays.has(set))
  return [...new Set(left.flatMap(({ wakes }) => wakes))]
}

function placesInLine(run: Run): ScopeKey[] {
  const { admitted, waits = { kind: 'line', of: 'owner' } as const } = run.schedule
  if (admitted || !isOpen(run) || (waits.kind !== 'line' && waits.kind !== 'zero')) return []
  return placesOf(run).slice(0, scopes.indexOf(waits.of) + 1)
}

function standingsOf(run: Run): Standing[] {
  if (!isOpen(run)) return []
  if (!run.schedule.admitted) return ['waiting']
  return instructionSent(run) || mayHaveBegun(run) ? ['admitted', 'begun'] : ['admitted']
}

function opensPull(run: Run): boolean {
  const { thread, request, schedule } = run
  const mayOpen = thread.kind === 'issue' && !isReadOnly(request.what)
  return mayOpen && schedule.admitted && isOpen(run) && openPullsOf(run).length === 0
}

function groupsOf(run: Run): Group[] {
  const situation = situationOf(run)
  if (situation.kind !== 'ended')
    return [situation.held?.kind ?? (situation.admitted ? 'working' : 'waiting')]
  const { kind } = run.result.outcome ?? {}
  return kind === 'failed' || kind === 'unfinished' ? ['ended', 'failed'] : ['ended']
}

function whoseOf({ thread, request, result }: Run): (Whose | undefined)[] {
  const numbers = new Set([thread.number, ...result.pulls.map(({ number }) => number)])
  return [
    undefined,
    { kind: 'person', name: request.by.login.toLowerCase() },
    { kind: 'repository', name: thread.repoId },
    { kind: 'owner', name: thread.owner.toLowerCase() },
    ...[...numbers].map(name => ({ kind: 'number' as const, name })),
  ]
}

const most = { kind: 'first', count: 10_000 } as const

export async function wakeEach(
  runs: { members: JobIndex['members']; wake(id: string): Promise<void> },
  name: string,
): Promise<void> {
  const [waiting = []] = await runs.members([name], most)
  for (const { id } of waiting) await runs.wake(id)
}

/** The newest twenty, by when they were added. */
export async function oldestFirst(
  runs: Pick<JobQueue<Run>, 'listed'>,
  names: readonly string[],
): Promise<JobRecord<Run>[]> {
  const listed = await runs.listed(names, { kind: 'last', count: 20 })
  return listed.toSorted((a, b) => a.addedAt - b.addedAt)
}

/** The Runs of the thread that the pull request is, and the Runs elsewhere that know it. */
export const runsOfPull = (
  runs: Pick<JobQueue<Run>, 'listed'>,
  { repoId }: Pick<Thread, 'repoId'>,
  number: number,
): Promise<JobRecord<Run>[]> =>
  oldestFirst(runs, [sets.pull({ repoId, number }), sets.thread({ repoId, number })])
