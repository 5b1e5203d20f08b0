/**
 * The index by which Runs are counted and found again. `sets` declares each set once: its name, and which Runs are in it.
 * 1. Runs at work, and those that wait: whoever leaves such a set wakes those that may begin then.
 * 2. Runs by what they are about: thread, pull request, branch, task, repository.
 * 3. Runs as the board lists them.
 */
import type { IndexEntry, JobIndex, JobQueue, JobRecord } from '../model/ports.ts'
import { fullName, type Thread, threadSlot } from '../model/thread.ts'
import { day } from '../model/time.ts'
import { mayHaveBegun } from './intents.ts'
import { instructionSent } from './ledger.ts'
import { openPullsOf } from './pull-end.ts'
import { isReadOnly } from './request-part.ts'
import { type Run, type Scope, scopes } from './run.ts'
import { situationOf } from './situation.ts'

type ScopeKey = `person ${number} ${number}` | `repository ${number}` | `owner ${number}` | 'bot'
type ThreadNumber = Pick<Thread, 'repoId' | 'number'>
type BranchRef = Pick<Thread, 'repoId'> & { ref: string }
interface SessionStage {
  stage: 'begun' | 'admitted' | 'waiting'
  task: string
}

export const sets = {
  working: declaredSet((scope: ScopeKey) => `working ${scope}`, {
    keys: run => (run.schedule.admitted && isOpen(run) ? scopeKeys(run) : []),
    score: admittedAt,
    wakes: (scope, { thread }): string[] => [sets.line(scope), sets.untilPullEnds(thread.repoId)],
  }),
  line: declaredSet((scope: ScopeKey) => `in line ${scope}`, {
    keys: scopesInLine,
    wakes: (scope): string[] => [sets.line(scope)],
  }),
  started: declaredSet(
    (of: ScopeKey | ThreadNumber) => `started ${typeof of === 'string' ? of : threadSlot(of)}`,
    {
      keys: run => (run.schedule.admitted ? [...scopeKeys(run).slice(0, -1), run.thread] : []),
      score: admittedAt,
      keptMs: () => day,
    },
  ),
  session: declaredSet(({ stage, task }: SessionStage) => `session ${stage} ${task}`, {
    keys: sessionStages,
    wakes: ({ task }): string[] => [
      sets.session({ stage: 'waiting', task }),
      sets.session({ stage: 'admitted', task }),
    ],
  }),
  /** Whoever closes that page wakes them. */
  untilClosed: declaredSet((url: string) => `until closed ${url.toLowerCase()}`, {
    keys: run => {
      const { waits } = run.schedule
      return waits?.kind === 'blocked' && isOpen(run) ? waits.by.map(({ url }) => url) : []
    },
  }),
  untilPullEnds: declaredSet((repoId: number) => `pull-ends ${repoId}`, {
    keys: run =>
      run.schedule.waits?.kind === 'open-pulls' && isOpen(run) ? [run.thread.repoId] : [],
    wakes: (repoId): string[] => [sets.untilPullEnds(repoId)],
  }),
  /** Under a limit of open pull requests it counts from its admission; once its pull request is there, GitHub tells. */
  pullToCome: declaredSet((repoId: number) => `pull to come ${repoId}`, {
    keys: run => (isToOpenPull(run) ? [run.thread.repoId] : []),
  }),

  thread: declaredSet<ThreadNumber>(threadSlot, {
    keys: ({ thread }) => [thread],
    keptMs: keptForMonth,
  }),
  pull: declaredSet(({ repoId, number }: ThreadNumber) => `pull ${repoId} ${number}`, {
    keys: ({ thread: { repoId }, result }) =>
      result.pulls.map(({ number }) => ({ repoId, number })),
    keptMs: keptForMonth,
  }),
  openPull: declaredSet((repoId: number) => `has open pull ${repoId}`, {
    keys: run => (openPullsOf(run).length > 0 ? [run.thread.repoId] : []),
    keptMs: keptForMonth,
  }),
  branch: declaredSet(({ repoId, ref }: BranchRef) => `branch ${repoId} ${ref}`, {
    keys: run => {
      const { workspace, session } = run
      return session.taskRun
        ? branchRefs(run, workspace.branch?.name, session.taskRun.headBranch)
        : []
    },
  }),
  /** The heads of pull requests that it opened or works on. News of their checks name the head. */
  head: declaredSet(({ repoId, ref }: BranchRef) => `head ${repoId} ${ref}`, {
    keys: run =>
      branchRefs(run, run.thread.kind === 'pull' ? run.workspace.branch?.name : undefined),
    keptMs: keptForMonth,
  }),
  task: declaredSet((task: string) => `task ${task}`, {
    keys: ({ session: { taskId, taskRun } }) => (taskId !== undefined && taskRun ? [taskId] : []),
    keptMs: keptForMonth,
  }),
  installation: declaredSet((id: number) => `installation ${id}`, {
    keys: ({ thread }) => [thread.installationId],
  }),
  repository: declaredSet((repoId: number) => `repository ${repoId}`, {
    keys: ({ thread }) => [thread.repoId],
  }),
  /** The Runs of a repository that was called so. */
  named: declaredSet((name: string) => `in ${name.toLowerCase()}`, {
    keys: ({ thread }) => [fullName(thread)],
    keptMs: keptForMonth,
  }),

  board: declaredSet<{ group: Group; whose?: Whose }>(
    ({ group, whose }) =>
      whose === undefined ? `board ${group}` : `board ${group} ${whose.kind} ${whose.name}`,
    {
      keys: run => groupsOf(run).flatMap(group => whoseOf(run).map(whose => ({ group, whose }))),
      score: ({ result }) => result.concludedAt,
      keptMs: run => (isOpen(run) ? undefined : keptForMonth()),
    },
  ),
}

export const runIndex = {
  /** A new version has the index rebuilt: raise it when the entries change. */
  version: '16',
  entries: (run: IndexedRun) => Object.values(sets).flatMap(each => each.entries(run)),
}

/** The sets whose first Run may begin, as this one has left what it was in. */
export function setsToWake(before: IndexedRun, after: IndexedRun): string[] {
  const stays = new Set(runIndex.entries(after).map(({ set }) => set))
  const gone = runIndex.entries(before).filter(({ set }) => !stays.has(set))
  return [...new Set(gone.flatMap(({ wakes }) => wakes))]
}

export async function wakeRunsIn(
  runs: { members: JobIndex['members']; wake(id: string): Promise<void> },
  set: string,
): Promise<void> {
  const [waiting = []] = await runs.members([set], { kind: 'first', count: 10_000 })
  for (const { id } of waiting) await runs.wake(id)
}

/** The newest twenty, by when they were added: the oldest of them first. */
export async function newestTwenty(
  runs: Pick<JobQueue<Run>, 'listed'>,
  names: readonly string[],
): Promise<JobRecord<Run>[]> {
  const newest = await runs.listed(names, { kind: 'last', count: 20 })
  return newest.toSorted((a, b) => a.addedAt - b.addedAt)
}

/** The Runs of the thread that the pull request is, and the Runs elsewhere that know it. */
export const runsOfPull = (
  runs: Pick<JobQueue<Run>, 'listed'>,
  { repoId }: Pick<Thread, 'repoId'>,
  number: number,
): Promise<JobRecord<Run>[]> =>
  newestTwenty(runs, [sets.pull({ repoId, number }), sets.thread({ repoId, number })])

// Which Runs are in a set.

function keptForMonth() {
  return 30 * day
}

function admittedAt({ schedule }: Run) {
  return schedule.admissionExpectedAt
}

const isOpen = ({ result }: Run) => result.outcome === undefined

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

const scopeKeys = (run: Run) => scopes.map(scope => scopeKey(run, scope))

/**
 * It stands in line at the narrowest scope that has no free slot, or whose limit is 0, and at those inside it: so it
 * blocks nobody who could start now.
 */
function scopesInLine(run: Run): ScopeKey[] {
  const { admitted, waits = { kind: 'line', of: 'owner' } as const } = run.schedule
  if (admitted || !isOpen(run) || (waits.kind !== 'line' && waits.kind !== 'zero')) return []
  return scopeKeys(run).slice(0, scopes.indexOf(waits.of) + 1)
}

export const sessionTasks = ({ session: { taskId, earlier } }: Run): string[] => [
  ...new Set([taskId, earlier?.taskId].filter(task => task !== undefined)),
]

function sessionStages(run: Run): SessionStage[] {
  if (!isOpen(run)) return []
  const inStage = (stage: SessionStage['stage']) => sessionTasks(run).map(task => ({ stage, task }))
  if (!run.schedule.admitted) return inStage('waiting')
  const hasBegun = instructionSent(run) || mayHaveBegun(run)
  return [...inStage('admitted'), ...(hasBegun ? inStage('begun') : [])]
}

function isToOpenPull(run: Run) {
  const { thread, request, schedule } = run
  const mayOpen = thread.kind === 'issue' && !isReadOnly(request.what)
  return mayOpen && schedule.admitted && isOpen(run) && openPullsOf(run).length === 0
}

/** The heads of its pull requests, and these. */
function branchRefs(
  { thread: { repoId }, result }: Run,
  ...more: (string | undefined)[]
): BranchRef[] {
  const names = new Set([...more, ...result.pulls.map(({ head }) => head)])
  return [...names].flatMap(ref => (ref === undefined ? [] : [{ repoId, ref }]))
}

export const liveGroups = ['question', 'set-up', 'working', 'waiting'] as const

/** What a Run is to whoever looks after the bot. One that failed has ended, too. */
export type Group = (typeof liveGroups)[number] | 'failed' | 'ended'

function groupsOf(run: Run): Group[] {
  const situation = situationOf(run)
  if (situation.kind !== 'ended')
    return [situation.held?.kind ?? (situation.admitted ? 'working' : 'waiting')]
  const { kind } = run.result.outcome ?? {}
  return kind === 'failed' || kind === 'unfinished' ? ['ended', 'failed'] : ['ended']
}

/** Which Runs: of a repository by its id, of an issue or pull request by its number, else by a name in lower case. */
export interface Whose {
  kind: Exclude<Scope, 'bot'> | 'number'
  name: string | number
}

/** @returns also that it is among all of its group */
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

// What a declaration says.

export interface IndexedRun {
  id: string
  /** ms since the epoch. Older Runs start first; at the same ms, by id. */
  addedAt: number
  data: Run
}

interface SetDeclaration<Key> {
  /** The keys of the sets that the Run is in. */
  keys(run: Run): readonly Key[]
  /** Its place in them. If there is none, a Run stands by when it was added. */
  score?(run: Run): number | undefined
  /** See `IndexEntry`. */
  keptMs?(run: Run): number | undefined
  /** Sets whose first Run may begin when this one leaves. */
  wakes?(key: Key, run: Run): string[]
}

/** @returns the name of the set for a key, and with it the entries of a Run */
function declaredSet<Key>(
  nameOf: (key: Key) => string,
  { keys, score, keptMs, wakes }: SetDeclaration<Key>,
) {
  const entries = ({ addedAt, data }: IndexedRun): (IndexEntry & { wakes: string[] })[] =>
    keys(data).map(key => ({
      set: nameOf(key),
      score: score?.(data) ?? addedAt,
      keptMs: keptMs?.(data),
      wakes: wakes?.(key, data) ?? [],
    }))
  return Object.assign((key: Key) => nameOf(key), { entries })
}
