/**
 * The sets of the index that a Run is in. A waiting Run stands in line at the narrowest scope that has no free slot,
 * or whose limit is 0, and at those inside it: so it blocks nobody who could start now.
 */

import type { IndexEntry, JobIndex, JobQueue, JobRecord } from '../model/ports.ts'
import { fullName, type Repository, type Thread, threadSlot } from '../model/thread.ts'
import { day } from '../model/time.ts'
import { mayHaveBegun } from './intents.ts'
import { openQuestion } from './permission-request.ts'
import { openPullsOf } from './pull-end.ts'
import { isReadOnly } from './request-part.ts'
import { retryOf, services } from './retries.ts'
import { type Run, type Scope, scopes } from './run.ts'

export interface Indexed {
  id: string
  /** ms since the epoch. Older Runs start first; at the same ms, by id. */
  addedAt: number
  data: Pick<Run, 'thread' | 'schedule'> & {
    request: Pick<Run['request'], 'by'>
    session: Pick<Run['session'], 'taskId' | 'earlier' | 'instructionSent'>
    result: Pick<Run['result'], 'outcome'>
    attempts: Pick<Run['attempts'], 'intent'>
  }
}

type Placed = Pick<Indexed, 'data'>

export function placeOf({ data: { thread, request } }: Placed, scope: Scope): string {
  switch (scope) {
    case 'person':
      return `person ${thread.repoId} ${request.by.id}`
    case 'repository':
      return `repository ${thread.repoId}`
    case 'owner':
      return ownersPlace(thread.ownerId)
    case 'bot':
      return wholeBot
  }
}

export const ownersPlace = (ownerId: number): string => `owner ${ownerId}`

export const wholeBot = 'bot'

export const working = (place: string): string => `working ${place}`
export const inLine = (place: string): string => `in line ${place}`
export const started = (window: string): string => `started ${window}`

export const threadWindow = ({ data: { thread } }: Placed): string => threadSlot(thread)
type InSession = 'begun' | 'admitted' | 'waiting'
export const inSession = (task: string, how: InSession): string => `session ${how} ${task}`

export const tasksOf = ({
  data: {
    session: { taskId, earlier },
  },
}: Placed): string[] => [...new Set([taskId, earlier?.taskId].filter(task => task !== undefined))]

export const onBranch = ({ repoId }: Pick<Thread, 'repoId'>, ref: string): string => `branch ${repoId} ${ref}`
export const ofPull = ({ repoId }: Pick<Thread, 'repoId'>, number: number): string =>
  `pull ${repoId} ${number}`
export const fromHead = ({ repoId }: Pick<Thread, 'repoId'>, ref: string): string => `head ${repoId} ${ref}`
export const ofThread = (thread: Parameters<typeof threadSlot>[0]): string => threadSlot(thread)
export const ofTask = (task: string): string => `task ${task}`
/** For runs at work: where each has its repository. */
export const atPlace = (at: Repository): string =>
  `place ${at.repoId} ${at.installationId} ${fullName(at)} ${at.defaultBranch}`
/** Those that ended without a word, as the App had no access. */
export const untoldIn = (repoId: number): string => `untold ${repoId}`
export const untoldOf = (installationId: number): string => `untold of ${installationId}`
export const ofInstallation = (installationId: number): string => `installation ${installationId}`
export const ofRepository = (repoId: number): string => `repository ${repoId}`

const most = { kind: 'first', count: 10_000 } as const

export async function wakeEach(
  runs: { members: JobIndex['members']; wake(id: string): Promise<void> },
  set: string,
): Promise<void> {
  const [waiting = []] = await runs.members([set], most)
  for (const { id } of waiting) await runs.wake(id)
}

/** The newest twenty, by when they were added. */
export async function oldestFirst(
  runs: Pick<JobQueue<Run>, 'listed'>,
  sets: readonly string[],
): Promise<JobRecord<Run>[]> {
  const listed = await runs.listed(sets, { kind: 'last', count: 20 })
  return listed.toSorted((a, b) => a.addedAt - b.addedAt)
}

/** Those of the thread that it is, and those elsewhere that know it. */
export const runsOfPull = (
  runs: Pick<JobQueue<Run>, 'listed'>,
  { repoId }: Pick<Thread, 'repoId'>,
  number: number,
): Promise<JobRecord<Run>[]> => oldestFirst(runs, [ofPull({ repoId }, number), ofThread({ repoId, number })])

const kept = 30 * day

export const runIndex = {
  /** A new version has the index rebuilt: raise it when the entries change. */
  version: '15',
  entries: (run: Indexed & { data: Run }): IndexEntry[] => [
    ...underLimits(run),
    ...heldBack(run),
    ...sessions(run),
    ...branches(run),
    ...pulls(run),
    ...pullsUnder(run),
    ...heads(run),
    { set: ofThread(run.data.thread), score: run.addedAt, keptMs: kept },
    ...inTask(run),
    ...onBoards(run),
    { set: ofInstallation(run.data.thread.installationId), score: run.addedAt },
    { set: ofRepository(run.data.thread.repoId), score: run.addedAt },
    { set: atPlace(run.data.thread), score: run.addedAt },
    ...untold(run.data),
  ],
}

function untold({ thread, mailbox, result: { concludedAt: score } }: Run): IndexEntry[] {
  if (!mailbox.accessLost || score === undefined) return []
  return [untoldIn(thread.repoId), untoldOf(thread.installationId)].map(set => ({ set, score, keptMs: kept }))
}

/** In a task, by when each run was added. */
const inTask = ({ addedAt, data: { session } }: Indexed & { data: Run }): IndexEntry[] =>
  session.taskId !== undefined && session.taskRun
    ? [{ set: ofTask(session.taskId), score: addedAt, keptMs: kept }]
    : []

function underLimits(run: Indexed): IndexEntry[] {
  const {
    schedule: { admitted, admissionExpectedAt: score = run.addedAt },
    result: { outcome },
  } = run.data
  if (!admitted) return outcome ? [] : line(run)
  const places = scopes.map(scope => placeOf(run, scope))
  const windows = [...places.filter(place => place !== wholeBot), threadWindow(run)]
  return [
    ...(outcome ? [] : places.map(place => ({ set: working(place), score }))),
    ...windows.map(window => ({ set: started(window), score, keptMs: day })),
  ]
}

function line(run: Indexed): IndexEntry[] {
  const { waits = { kind: 'line', of: 'owner' } as const } = run.data.schedule
  if (waits.kind !== 'line' && waits.kind !== 'zero') return []
  const within = scopes.slice(0, scopes.indexOf(waits.of) + 1)
  return within.map(scope => ({ set: inLine(placeOf(run, scope)), score: run.addedAt }))
}

export const untilClosed = (url: string): string => `until closed ${url.toLowerCase()}`
export const untilPullEnds = (repoId: number): string => `pull-ends ${repoId}`

/** By what they wait for: whoever ends that wakes them. */
function heldBack({ addedAt: score, data: { thread, schedule, result } }: Indexed): IndexEntry[] {
  const { waits } = schedule
  if (result.outcome) return []
  switch (waits?.kind) {
    case 'blocked':
      return waits.by.map(({ url }) => ({ set: untilClosed(url), score }))
    case 'open-pulls':
      return [{ set: untilPullEnds(thread.repoId), score }]
    default:
      return []
  }
}

function sessions(run: Indexed): IndexEntry[] {
  const {
    schedule: { admitted },
    result: { outcome },
    session: { instructionSent },
  } = run.data
  if (outcome) return []
  const hasBegun = instructionSent || mayHaveBegun(run.data)
  const standings: InSession[] = admitted ? (hasBegun ? ['admitted', 'begun'] : ['admitted']) : ['waiting']
  return tasksOf(run).flatMap(task =>
    standings.map(how => ({ set: inSession(task, how), score: run.addedAt })),
  )
}

function branches({
  addedAt,
  data: {
    thread,
    workspace: { branch },
    session: { taskRun },
    result: { pulls },
  },
}: Indexed & { data: Run }): IndexEntry[] {
  if (!taskRun) return []
  const refs = [branch?.name, taskRun.headBranch, ...pulls.map(({ head }) => head)]
  const named = new Set(refs.filter(ref => ref !== undefined))
  return [...named].map(ref => ({ set: onBranch(thread, ref), score: addedAt }))
}

const pulls = ({ addedAt, data: { thread, result } }: Indexed & { data: Run }): IndexEntry[] =>
  result.pulls.map(({ number }) => ({ set: ofPull(thread, number), score: addedAt, keptMs: kept }))

export const pullToCome = (repoId: number): string => `pull to come ${repoId}`
export const hasOpenPull = (repoId: number): string => `has open pull ${repoId}`

/** Under a limit of open pull requests it counts from its admission; once its pull request is there, GitHub tells. */
function pullsUnder({ addedAt: score, data }: Indexed & { data: Run }): IndexEntry[] {
  const { thread, request, schedule, result } = data
  if (openPullsOf(data).length > 0) return [{ set: hasOpenPull(thread.repoId), score, keptMs: kept }]
  const opens = thread.kind === 'issue' && !isReadOnly(request.what)
  return opens && schedule.admitted && !result.outcome ? [{ set: pullToCome(thread.repoId), score }] : []
}

/** Where pull requests come from that it opened or works on: news of their checks name that. */
function heads({ addedAt, data: { thread, workspace, result } }: Indexed & { data: Run }): IndexEntry[] {
  const own = thread.kind === 'pull' ? workspace.branch?.name : undefined
  const refs = new Set([own, ...result.pulls.map(({ head }) => head)].filter(ref => ref !== undefined))
  return [...refs].map(ref => ({ set: fromHead(thread, ref), score: addedAt, keptMs: kept }))
}

export const liveGroups = ['question', 'set-up', 'working', 'waiting'] as const

/** What a Run is to whoever looks after the bot. One that failed has ended, too. */
export type Group = (typeof liveGroups)[number] | 'failed' | 'ended'

/** Which Runs: of a repository by its id, of an issue or pull request by its number, else by a name in lower case. */
export interface Whose {
  kind: Exclude<Scope, 'bot'> | 'number'
  name: string | number
}

export const onBoard = (group: Group, whose?: Whose): string =>
  whose === undefined ? `board ${group}` : `board ${group} ${whose.kind} ${whose.name}`
/** Those of a repository that was called so. */
export const inNamed = (name: string): string => `in ${name.toLowerCase()}`

export function groupOf(run: Run): Exclude<Group, 'failed'> {
  const { result, schedule } = run
  if (result.outcome) return 'ended'
  if (openQuestion(run)) return 'question'
  if (services.some(service => retryOf(run, service)?.setup)) return 'set-up'
  return schedule.admitted ? 'working' : 'waiting'
}

/** By when it was added, or by when it came to its outcome: then it is kept. */
function onBoards(run: Indexed & { data: Run }): IndexEntry[] {
  const {
    thread: { owner, repo, repoId, number },
    request: { by },
    result: { outcome, concludedAt, pulls },
  } = run.data
  const numbers = new Set([number, ...pulls.map(pull => pull.number)])
  const whose: (Whose | undefined)[] = [
    undefined,
    { kind: 'person', name: by.login.toLowerCase() },
    { kind: 'repository', name: repoId },
    { kind: 'owner', name: owner.toLowerCase() },
    ...[...numbers].map(name => ({ kind: 'number' as const, name })),
  ]
  const named = { set: inNamed(`${owner}/${repo}`), score: run.addedAt, keptMs: kept }
  if (!outcome)
    return [named, ...whose.map(each => ({ set: onBoard(groupOf(run.data), each), score: run.addedAt }))]
  const isFailure = outcome.kind === 'failed' || outcome.kind === 'unfinished'
  const groups: Group[] = isFailure ? ['ended', 'failed'] : ['ended']
  const sets = groups.flatMap(group => whose.map(each => onBoard(group, each)))
  return [named, ...sets.map(set => ({ set, score: concludedAt ?? run.addedAt, keptMs: kept }))]
}

export function linesMoved(before: Indexed, after: Indexed): string[] {
  const all = (run: Indexed): IndexEntry[] => [...underLimits(run), ...sessions(run), ...heldBack(run)]
  const stays = new Set(all(after).map(({ set }) => set))
  const left = all(before).filter(({ set }) => !stays.has(set))
  return [...new Set(left.flatMap(({ set }) => lineBehind(set)))]
}

function lineBehind(set: string): string[] {
  const [kind, how, ...rest] = set.split(' ')
  switch (kind) {
    case 'working':
      return [
        inLine([how, ...rest].join(' ')),
        ...(how === 'repository' ? [untilPullEnds(Number(rest[0]))] : []),
      ]
    case 'in':
    case 'pull-ends':
      return [set]
    case 'session':
      return [inSession(rest.join(' '), 'waiting'), inSession(rest.join(' '), 'admitted')]
    default:
      return []
  }
}
