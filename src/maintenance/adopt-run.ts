/**
 * Finds the Runs of a repository that are not in the queue, by the status comments there, and takes them up.
 * A Run is made again of the backup in its status, its thread, its pull request and its session at PostHog.
 */
import type { SettingsReader } from '../access/read-settings.ts'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { GitHub, JobQueue, Log, TasksClient } from '../core/model/ports.ts'
import { type Repository, threadSlot } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { Pull, type SubjectView, type ThreadComment } from '../core/model/views.ts'
import type { Marker, Signer } from '../core/record/marker.ts'
import { type Backup, isOwnTaskRun, restored } from '../core/record/recovery-record.ts'
import type { Session } from '../core/record/request-part.ts'
import { changed, isTerminal, type Run, taskMarker } from '../core/record/run.ts'

export interface AdoptionDeps {
  installations: {
    installations(): Promise<number[]>
    repositoriesOf(installationId: number): Promise<Repository[]>
    ownComments(repository: Repository, since: number): Promise<ThreadComment[]>
    subject(repository: Repository, number: number): Promise<SubjectView>
  }
  github: GitHub
  tenantOf(repository: Repository): AdoptTenant | undefined
  runs: Pick<JobQueue<Run>, 'get' | 'add'>
  settings: SettingsReader
  log: Log
  now(): number
}

interface AdoptTenant {
  tenant: string
  posthog: Pick<TasksClient, 'findTask' | 'runIds' | 'statusOf'>
  signer: Signer
}

interface LostRun {
  served: AdoptTenant
  /** The status comment, and the number of its thread. */
  commentId: number
  number: number
  marker: Marker
  backup: Backup
  /** Its last word was said. */
  closed: boolean
}

/** A Run that has ended is taken up, too, for so many ms: its last effects may be missing. */
const lastEffectsMs = 10 * minute

export async function lostIn(
  { tenantOf, installations, runs, now }: AdoptionDeps,
  repository: Repository,
  since: number,
): Promise<LostRun[]> {
  const served = tenantOf(repository)
  if (!served) return []
  const { repoId } = repository
  const marked = (await installations.ownComments(repository, since)).flatMap(comment =>
    served.signer
      .read(comment.body, { repoId, number: comment.number })
      .map(marker => ({ comment, marker })),
  )
  const ended = new Set(
    marked.filter(({ marker }) => marker.as === 'closing').map(({ marker }) => endKey(marker)),
  )
  const lost: LostRun[] = []
  for (const { comment, marker } of marked) {
    const { backup } = marker
    if (marker.as !== 'status' || !backup) continue
    const { outcome, quiet, request } = backup
    const { origin, what } = request
    // Last words on lines, and reviews, are not among the comments that were read.
    const isUnread =
      what === 'review' || (origin.kind === 'comment' && origin.commentRef.kind === 'inline')
    const closed = outcome !== undefined && (quiet || ended.has(endKey(marker)) || isUnread)
    const isDone = closed && comment.changedAt < now() - lastEffectsMs
    if (isDone || (await runs.get(marker.run))) continue
    lost.push({ served, commentId: comment.id, number: comment.number, marker, backup, closed })
  }
  return lost
}

const endKey = ({ run, round = 0 }: Marker) => `${run} ${round}`

/**
 * @param confirm throws if data was lost again since the comments were read, which are outdated then
 * @returns whether none has to wait for another Run that holds its thread
 */
export async function takeUpAll(
  deps: AdoptionDeps,
  repository: Repository,
  lost: readonly LostRun[],
  confirm: () => Promise<void>,
): Promise<boolean> {
  let areAllBack = true
  const faults: unknown[] = []
  for (const run of lost) {
    try {
      await confirm()
      areAllBack = (await takeUp(deps, repository, run)) && areAllBack
    } catch (error) {
      if (!(error instanceof Rejected || error instanceof NoResponse)) throw error
      faults.push(error)
    }
  }
  // A refusal becomes final, so whatever may still pass is told before it.
  if (faults.length > 0) throw faults.find(error => error instanceof NoResponse) ?? faults[0]
  return areAllBack
}

async function takeUp(
  deps: AdoptionDeps,
  repository: Repository,
  { served, number, commentId, marker, backup, closed }: LostRun,
) {
  const { run: id, made } = marker
  const { thread, snapshot } = await deps.installations.subject(repository, number)
  const github = deps.github(thread)
  const view = marker.pull === undefined ? undefined : await github.pulls.find(marker.pull)
  const { settings } = await deps.settings.of(github.files, thread)
  const session = await sessionFound(served.posthog, marker, { id, thread }, backup)
  const place = view && { repoId: repository.repoId, number: view.number }
  const isTended = place && served.signer.read(view.body, place).some(({ run }) => run === id)
  const again = restored(
    {
      id,
      backup,
      made,
      commentId,
      closed,
      thread,
      snapshot,
      settings,
      session,
      pulls: view ? [Pull.parse(view)] : [],
      untended: view && !isTended ? [view.number] : [],
    },
    deps.now(),
  )
  const run = changed(again, {
    session: { tenant: served.tenant },
    // What was under way has arrived.
    attempts: { lagsSince: 0, caughtUpAt: 0 },
  })
  const { outcome } = await deps.runs.add(id, run, threadSlot(thread), run.request.at)
  deps.log.warn({ run: id, thread: thread.url, outcome }, 'continued a run that the queue had lost')
  return outcome !== 'held'
}

async function sessionFound(
  posthog: AdoptTenant['posthog'],
  marker: Marker,
  run: Pick<Run, 'id' | 'thread'>,
  backup: Backup,
): Promise<Partial<Session>> {
  const { earlier, taskMade } = backup
  const taskId = marker.task ?? (await posthog.findTask(taskMarker(run)))
  if (taskId === undefined) return {}
  if (isOwnTaskRun(marker, backup)) return { taskId, taskRunId: marker.taskRun }
  const [newest] = await posthog.runIds(taskId)
  const isOwn =
    newest !== undefined &&
    newest !== earlier?.taskRunId &&
    (taskMade ||
      marker.task === undefined ||
      !isTerminal(await posthog.statusOf({ taskId, taskRunId: newest })))
  return { taskId, taskRunId: isOwn ? newest : undefined }
}
