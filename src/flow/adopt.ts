/**
 * Takes up the Runs that the queue has lost, with all its data or not: their status comments say what they are, and
 * PostHog how far they got. That the data is lost shows in this chore's own memory, which was in it.
 */
import { z } from 'zod'
import { type Backup, type Remains, restored } from '../core/backup.ts'
import { ComeBack, Refused, Unanswered } from '../core/faults.ts'
import type { Marker, Signer } from '../core/marker.ts'
import { limits } from '../core/pace.ts'
import { readSettings, settingsPath } from '../core/repo-settings.ts'
import { isTerminal, type Pull, type Run, type Session, taskMarker } from '../core/run.ts'
import { pullOf, type SubjectView, type ThreadComment } from '../core/seen.ts'
import { fullName, Repository, threadSlot } from '../core/thread.ts'
import type { GitHub, Log, RunQueue, TasksClient } from './edges.ts'

export interface AdoptDeps {
  installations: {
    /** The numbers of those that the App has. */
    installations(): Promise<number[]>
    repositoriesOf(installationId: number): Promise<Repository[]>
    /** The App's own comments of a repository that changed since then (ms since the epoch), oldest first. */
    ownComments(repository: Repository, since: number): Promise<ThreadComment[]>
    subject(repository: Repository, number: number): Promise<SubjectView>
  }
  github: GitHub
  posthog: Pick<TasksClient, 'findTask' | 'runIds' | 'statusOf'>
  runs: Pick<RunQueue<Run>, 'get' | 'add'>
  signer: Signer
  log: Log
  now(): number
}

export interface AdoptTurn {
  memory: unknown
  signal: AbortSignal
  remember(memory: unknown): Promise<void>
}

const hour = 60 * 60_000

/** How soon the loss of the queue's data is noticed. */
export const adoptEvery = 5_000
/** A Run is edited more often than this, or it is over. */
const lookBack = 48 * hour

const Memory = z.object({
  since: z.number(),
  /** What was under way when the data was lost has arrived by then. */
  from: z.number(),
  /** Installations whose repositories are not known yet. */
  unlisted: z.array(z.number()).default([]),
  /** What has not been looked through to the end. */
  unread: z.array(Repository),
})
type Memory = z.infer<typeof Memory>

/** While another Run holds the thread, the lost one has to wait; and so has what GitHub refuses. */
const lookAgain = 30_000
/** What GitHub refuses for longer was taken away from us. */
const patience = 10 * 60_000

/** @returns ms until the next turn; nothing for the usual time */
export const adoptLost =
  (deps: AdoptDeps) =>
  async (turn: AdoptTurn): Promise<number | undefined> => {
    try {
      const memory = await begun(deps, turn)
      if (deps.now() < memory.from) return memory.from - deps.now()
      if (memory.unlisted.length + memory.unread.length === 0) return undefined
      const left = await lookThroughAll(deps, turn, await listed(deps, turn, memory))
      return left.unlisted.length + left.unread.length > 0 ? lookAgain : undefined
    } catch (error) {
      return afterFault(deps, error)
    }
  }

async function listed(deps: AdoptDeps, turn: AdoptTurn, memory: Memory): Promise<Memory> {
  let { unread } = memory
  const left: number[] = []
  for (const id of memory.unlisted) {
    turn.signal.throwIfAborted()
    const list = async () => {
      unread = [...unread, ...(await deps.installations.repositoriesOf(id))]
      return true
    }
    if (!(await attempted(deps, memory, { installation: id }, list))) left.push(id)
  }
  const next = { ...memory, unlisted: left, unread }
  if (memory.unlisted.length > 0) await turn.remember(next)
  return next
}

async function lookThroughAll(deps: AdoptDeps, turn: AdoptTurn, memory: Memory): Promise<Memory> {
  const left: Repository[] = []
  let next = memory
  for (const [index, repository] of memory.unread.entries()) {
    turn.signal.throwIfAborted()
    const facts = { installation: repository.installationId, repository: fullName(repository) }
    const look = () => lookThrough(deps, repository, memory.since)
    if (!(await attempted(deps, memory, facts, look))) left.push(repository)
    next = { ...next, unread: [...memory.unread.slice(index + 1), ...left] }
    await turn.remember(next)
  }
  return next
}

/**
 * What one installation refuses or is limited in is no reason to leave the others out.
 * @returns whether that was all
 */
async function attempted(
  { log, now }: AdoptDeps,
  { from }: Memory,
  facts: object,
  act: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof ComeBack)) throw error
    log.warn({ ...facts, err: error }, 'could not look for lost runs')
    return error instanceof Refused && now() > from + patience
  }
}

function afterFault({ log, now }: AdoptDeps, error: unknown): number {
  if (error instanceof ComeBack) return Math.max(1_000, error.until - now())
  if (!(error instanceof Refused) && !(error instanceof Unanswered)) throw error
  log.warn({ err: error }, 'the search for lost runs broke off')
  return 30_000
}

async function begun({ installations, log, now }: AdoptDeps, turn: AdoptTurn): Promise<Memory> {
  const known = Memory.safeParse(turn.memory).data
  if (known) return known
  const unlisted = await installations.installations()
  const memory = { since: now() - lookBack, from: now() + limits.unanswered, unlisted, unread: [] }
  log.info({ installations: unlisted.length }, 'the queue is new: looking for runs that it lost')
  await turn.remember(memory)
  return memory
}

/** @returns whether that was all */
async function lookThrough(deps: AdoptDeps, repository: Repository, since: number): Promise<boolean> {
  const comments = await deps.installations.ownComments(repository, since)
  let all = true
  for (const status of statusesIn(deps, repository, comments))
    all = (await adopt(deps, repository, status)) && all
  return all
}

interface Status {
  number: number
  commentId: number
  marker: Marker
  backup: Backup
  closed: boolean
}

/** Of the Runs of which the last word is missing, or so fresh that what comes after it may be. */
function statusesIn(
  { signer, now }: AdoptDeps,
  { repoId }: Repository,
  comments: readonly ThreadComment[],
): Status[] {
  const marked = comments.flatMap(({ id, number, changedAt, body }) =>
    signer.read(body, { repoId, number }).map(marker => ({ commentId: id, number, changedAt, marker })),
  )
  const ended = new Set(
    marked.filter(({ marker }) => marker.as === 'closing').map(({ marker }) => endOf(marker)),
  )
  return marked.flatMap(({ changedAt, ...found }) => {
    const { marker } = found
    const { backup } = marker
    if (marker.as !== 'status' || !backup) return []
    const closed = isClosed(marker, backup, ended)
    return closed && changedAt < now() - fresh ? [] : [{ ...found, backup, closed }]
  })
}

/** By then a Run has done all that comes after its last word. */
const fresh = 10 * 60_000

const endOf = ({ run, round = 0 }: Marker): string => `${run} ${round}`

/** Last words in the threads of lines of code are not among the comments that were read. */
const isClosed = (
  marker: Marker,
  { outcome, ask: { origin } }: Backup,
  ended: ReadonlySet<string>,
): boolean =>
  outcome !== undefined &&
  (ended.has(endOf(marker)) || (origin.by === 'comment' && origin.place.in === 'inline'))

async function adopt(deps: AdoptDeps, repository: Repository, status: Status): Promise<boolean> {
  const { run: id } = status.marker
  if (await deps.runs.get(id)) return true
  const remains = await remainsOf(deps, repository, status)
  const run = restored(remains, deps.now())
  const { outcome } = await deps.runs.add(id, run, threadSlot(run.thread))
  deps.log.warn({ run: id, thread: run.thread.url, outcome }, 'a run that the queue had lost')
  return outcome !== 'held'
}

async function remainsOf(
  deps: AdoptDeps,
  repository: Repository,
  { number, commentId, marker, backup, closed }: Status,
): Promise<Remains> {
  const { thread, snapshot } = await deps.installations.subject(repository, number)
  const github = deps.github(thread)
  const view = marker.pull === undefined ? undefined : await github.pull(marker.pull)
  const pulls: Pull[] = view ? [pullOf(view)] : []
  const { settings } = readSettings(await github.file(settingsPath))
  const seen = { thread, snapshot, settings, pulls }
  const found = { id: marker.run, backup, statusId: commentId, closed, ...seen }
  return { ...found, session: await sessionOf(deps, marker, { id: marker.run, thread }, backup) }
}

/** PostHog may know more of the Run than its status comment did. */
async function sessionOf(
  { posthog }: AdoptDeps,
  marker: Marker,
  run: Pick<Run, 'id' | 'thread'>,
  { earlier, taskMade }: Backup,
): Promise<Partial<Session>> {
  const taskId = marker.task ?? (await posthog.findTask(taskMarker(run)))
  if (taskId === undefined) return {}
  if (marker.taskRun !== undefined) return { taskId, taskRunId: marker.taskRun }
  const [newest] = await posthog.runIds(taskId)
  const isOwn =
    newest !== undefined &&
    newest !== earlier?.taskRunId &&
    (taskMade ||
      marker.task === undefined ||
      !isTerminal(await posthog.statusOf({ taskId, taskRunId: newest })))
  return { taskId, ...(isOwn ? { taskRunId: newest } : {}) }
}
