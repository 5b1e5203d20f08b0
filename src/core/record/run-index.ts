/**
 * The sets of the index that a Run is in. A waiting Run stands in line at the narrowest scope that has no free slot,
 * and at those inside it: so it blocks nobody who could start now.
 */
import type { IndexEntry, JobIndex } from '../model/ports.ts'
import { type Thread, threadSlot } from '../model/thread.ts'
import { day } from '../model/time.ts'
import { mayHaveBegun } from './intents.ts'
import { openQuestion } from './permission-request.ts'
import { retryOf, services } from './retries.ts'
import { type Outcome, type Run, type Scope, scopes } from './run.ts'

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
      return ownersPlace(thread.owner)
  }
}

export const ownersPlace = (owner: string): string => `owner ${owner.toLowerCase()}`

export const working = (place: string): string => `working ${place}`
export const inLine = (place: string): string => `in line ${place}`
export const started = (window: string): string => `started ${window}`

export const threadWindow = ({ data: { thread } }: Placed): string => threadSlot(thread)
export const botsWindow = (whose: Placed): string => `bots ${threadWindow(whose)}`
const isBots = ({ data }: Placed): boolean => data.request.by.app !== undefined

export const inSession = (task: string, how: 'begun' | 'admitted' | 'waiting'): string =>
  `session ${how} ${task}`

export const tasksOf = ({
  data: {
    session: { taskId, earlier },
  },
}: Placed): string[] => [...new Set([taskId, earlier?.taskId].filter(task => task !== undefined))]

export const onBranch = ({ repoId }: Pick<Thread, 'repoId'>, ref: string): string => `branch ${repoId} ${ref}`
export const ofPull = ({ repoId }: Pick<Thread, 'repoId'>, number: number): string =>
  `pull ${repoId} ${number}`
export const ofThread = (thread: Parameters<typeof threadSlot>[0]): string => threadSlot(thread)
export const ofTask = (task: string): string => `task ${task}`
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

const kept = 30 * day

export const runIndex = {
  /** A new version has the index rebuilt: raise it when the entries change. */
  version: '5',
  entries: (run: Indexed & { data: Run }): IndexEntry[] => [
    ...limited(run),
    ...held(run),
    ...sessions(run),
    ...branches(run),
    ...pulls(run),
    { set: ofThread(run.data.thread), score: run.addedAt, keptMs: kept },
    ...begun(run),
    ...onBoards(run),
    { set: ofInstallation(run.data.thread.installationId), score: run.addedAt },
    { set: ofRepository(run.data.thread.repoId), score: run.addedAt },
  ],
}

/** In a task, by when each run was added. */
const begun = ({ addedAt, data: { session } }: Indexed & { data: Run }): IndexEntry[] =>
  session.taskId !== undefined && session.taskRun
    ? [{ set: ofTask(session.taskId), score: addedAt, keptMs: kept }]
    : []

function limited(run: Indexed): IndexEntry[] {
  const {
    schedule: { admitted },
    result: { outcome },
  } = run.data
  if (admitted) return [...(outcome ? [] : places(run)), ...starts(run)]
  return outcome ? [] : line(run)
}

const startOf = ({ addedAt, data }: Indexed): number => data.schedule.admissionExpectedAt ?? addedAt

const places = (run: Indexed): IndexEntry[] =>
  scopes.map(scope => ({ set: working(placeOf(run, scope)), score: startOf(run) }))

const starts = (run: Indexed): IndexEntry[] =>
  [
    ...scopes.map(scope => placeOf(run, scope)),
    threadWindow(run),
    ...(isBots(run) ? [botsWindow(run)] : []),
  ].map(window => ({ set: started(window), score: startOf(run), keptMs: day }))

function line(run: Indexed): IndexEntry[] {
  const { waits = { kind: 'line', of: 'owner' } as const } = run.data.schedule
  if (waits.kind !== 'line') return []
  const within = scopes.slice(0, scopes.indexOf(waits.of) + 1)
  return within.map(scope => ({ set: inLine(placeOf(run, scope)), score: run.addedAt }))
}

export const whilePaused = (repoId: number): string => `paused ${repoId}`
export const whileBotPaused = 'paused bot'
export const untilClosed = (url: string): string => `until closed ${url.toLowerCase()}`
export const untilPullEnds = (repoId: number): string => `until a pull ends ${repoId}`

/** By what they wait for: whoever ends that wakes them. */
function held({ addedAt: score, data: { thread, schedule, result } }: Indexed): IndexEntry[] {
  const { waits } = schedule
  if (result.outcome) return []
  switch (waits?.kind) {
    case 'pause':
      return [{ set: waits.of === 'bot' ? whileBotPaused : whilePaused(thread.repoId), score }]
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
  const how = admitted ? (hasBegun ? 'begun' : 'admitted') : 'waiting'
  return tasksOf(run).map(task => ({ set: inSession(task, how), score: run.addedAt }))
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

/** What a Run is to whoever looks after the bot. One that failed has ended, too. */
export type Group = 'question' | 'set-up' | 'paused' | 'working' | 'waiting' | 'failed' | 'ended'

/** Whose Runs: by the name that they had, in lower case. */
export interface Whose {
  kind: Scope
  name: string
}

export const onBoard = (group: Group, whose?: Whose): string =>
  whose === undefined ? `board ${group}` : `board ${group} ${whose.kind} ${whose.name}`
export const withOutcome = (kind: Outcome['kind']): string => `outcome ${kind}`

export function groupOf(run: Run): Exclude<Group, 'failed'> {
  const { result, schedule, session } = run
  if (result.outcome) return 'ended'
  if (openQuestion(run)) return 'question'
  if (services.some(service => retryOf(run, service)?.setup)) return 'set-up'
  if (!session.taskRun && schedule.waits?.kind === 'pause') return 'paused'
  return schedule.admitted ? 'working' : 'waiting'
}

/** By when it was added, or by when it came to its outcome: then it is kept. */
function onBoards(run: Indexed & { data: Run }): IndexEntry[] {
  const {
    thread: { owner, repo },
    request: { by },
    result: { outcome, concludedAt },
  } = run.data
  const names: Record<Scope, string> = { person: by.login, repository: `${owner}/${repo}`, owner }
  const whose = [undefined, ...scopes.map(kind => ({ kind, name: names[kind].toLowerCase() }))]
  if (!outcome) return whose.map(each => ({ set: onBoard(groupOf(run.data), each), score: run.addedAt }))
  const groups: Group[] = isFailure(outcome) ? ['ended', 'failed'] : ['ended']
  const sets = [
    ...groups.flatMap(group => whose.map(each => onBoard(group, each))),
    withOutcome(outcome.kind),
  ]
  return sets.map(set => ({ set, score: concludedAt ?? run.addedAt, keptMs: kept }))
}

const isFailure = ({ kind }: Outcome): boolean => kind === 'failed' || kind === 'unfinished'

export function linesMoved(before: Indexed, after: Indexed): string[] {
  const stays = new Set([...limited(after), ...sessions(after)].map(({ set }) => set))
  const left = [...limited(before), ...sessions(before)].filter(({ set }) => !stays.has(set))
  return [...new Set(left.flatMap(({ set }) => lineBehind(set)))]
}

function lineBehind(set: string): string[] {
  const [kind, how, ...rest] = set.split(' ')
  switch (kind) {
    case 'working':
      return [inLine([how, ...rest].join(' '))]
    case 'in':
      return [set]
    case 'session':
      return [inSession(rest.join(' '), 'waiting'), inSession(rest.join(' '), 'admitted')]
    default:
      return []
  }
}
