/**
 * An issue and its pull request are two threads with one work: a Run of the one is found in the other as well. Asks
 * only the queue.
 */
import { type Thread, threadSlot } from '../core/model/thread.ts'
import type { TickTrigger } from '../core/model/trigger.ts'
import { type Pull, type PullView, pullOf } from '../core/model/views.ts'
import type { Marker, Signer } from '../core/record/marker.ts'
import { isAtWork, readMessages } from '../core/record/messages.ts'
import { believeAbsent } from '../core/record/outage.ts'
import { type Run, sessionOf } from '../core/record/run.ts'
import { ofPull, ofTask, ofThread } from '../core/record/run-index.ts'
import { markerOf } from '../runs/steps/markers.ts'
import { type CommandContext, liveRun, refusedReads } from './command-context.ts'

export interface Past {
  marker: Marker
  pull: Pull | undefined
}

export async function pastOf(context: CommandContext): Promise<Past | undefined> {
  const [said, kept] = await Promise.all([markersIn(context), lastKept(context)])
  // Whoever deleted the comments of the newest run has not asked for what stood there before it.
  const isDeleted = kept?.report.status !== undefined && !said.some(({ run }) => run === kept.id)
  const fromThread = isDeleted ? undefined : (newestOf(said) ?? (await ownPullMarker(context)))
  const found = fromThread ?? (kept && markerOf(kept, 'status'))
  if (!found) return undefined
  const marker = await withSession(context, found)
  const view = marker.pull === undefined ? undefined : await pullNow(context, marker.pull)
  return { marker, pull: view && pullOf(view) }
}

const pullNow = async (context: CommandContext, number: number): Promise<PullView | undefined> =>
  (await context.github.pull(number)) ?? believeAbsent(`The pull request ${number}`, refusedReads(context))

async function markersIn(context: CommandContext): Promise<Marker[]> {
  const { thread } = context.record.trigger
  const comments = await context.github.earlierComments()
  return comments
    .flatMap(({ body }) => context.deps.signer.read(body, thread))
    .filter(({ as }) => as === 'status' || as === 'closing')
}

function newestOf(markers: readonly Marker[]): Marker | undefined {
  const newest = markers.at(-1)
  return markers.findLast(({ as, run }) => as === 'status' && run === newest?.run) ?? newest
}

/** An issue and its pull request share a session, with which the other thread may have gone on since. */
async function withSession({ deps }: CommandContext, marker: Marker): Promise<Marker> {
  if (marker.task === undefined) return marker
  const [[newest] = []] = await deps.runs.members([ofTask(marker.task)], { kind: 'last', count: 1 })
  const kept = newest && newest.id !== marker.run ? await deps.runs.get(newest.id) : undefined
  const session = kept && sessionOf(kept.data)
  return session ? { ...marker, taskRun: session.taskRunId, may: session.may } : marker
}

export async function lastKept(context: CommandContext): Promise<Run | undefined> {
  const { runs } = context.deps
  const [newest = []] = await runs.members([ofThread(context.record.trigger.thread)], {
    kind: 'last',
    count: 5,
  })
  const kept = await Promise.all(newest.map(({ id }) => runs.get(id)))
  return kept.find(run => run?.standing === 'ended')?.data
}

async function ownPullMarker(context: CommandContext): Promise<Marker | undefined> {
  const { thread } = context.record.trigger
  if (thread.kind !== 'pull') return undefined
  const view = await pullNow(context, thread.number)
  return view && context.deps.signer.read(view.body, thread).findLast(marker => marker.as === 'pull')
}

export const shownBy = (signer: Signer, { text, thread }: TickTrigger): Marker | undefined =>
  signer.read(text, thread).findLast(({ as }) => as === 'status' || as === 'closing')

export interface LastRun extends Pick<Run, 'request'>, Partial<Pick<Run, 'thread'>> {
  baseline: Pick<Run['baseline'], 'snapshot' | 'head'>
  report?: Pick<Run['report'], 'status'>
  mailbox?: Pick<Run['mailbox'], 'wordsOfRound'>
  workspace?: Pick<Run['workspace'], 'readUpTo'>
  result?: Partial<Pick<Run['result'], 'outcome' | 'round' | 'instructionDone'>>
}

export async function lastRunOf(
  context: CommandContext,
  { marker }: Pick<Past, 'marker'>,
): Promise<LastRun | undefined> {
  const kept = (await context.deps.runs.get(marker.run))?.data
  const { trigger } = context.record
  const { backup } = marker
  if (!backup || trigger.kind === 'withdrawal' || trigger.kind === 'pull-news') return kept
  const { request, head, round, wordsOfRound, readUpTo, outcome, instructionDone } = backup
  const mailbox = { wordsOfRound }
  if (!kept) {
    const { thread } = trigger
    const baseline = { snapshot: trigger.snapshot, head }
    const result = { round, outcome, instructionDone }
    return { thread, request, baseline, mailbox, workspace: { readUpTo }, result }
  }
  // A ticked comment may be of an earlier round than the Run's last.
  return trigger.kind === 'tick' && round !== kept.result.round
    ? { ...kept, mailbox, result: { ...kept.result, round } }
    : kept
}

export async function runBeside(context: CommandContext): Promise<Run | undefined> {
  const { thread } = context.record.trigger
  const beside = await (thread.kind === 'pull' ? ofItsIssue(context, thread) : ofItsPull(context, thread))
  return beside && isAtWork(beside) ? beside : undefined
}

async function ofItsIssue({ deps: { runs } }: CommandContext, thread: Thread): Promise<Run | undefined> {
  const holders = await runs.listed([ofPull(thread, thread.number)])
  const newest = holders
    .filter(({ standing, data }) => standing === 'live' && threadSlot(data.thread) !== threadSlot(thread))
    .toSorted((a, b) => a.addedAt - b.addedAt)
    .at(-1)
  return newest && readMessages(newest.data, await runs.inbox(newest.id))
}

async function ofItsPull(context: CommandContext, { repoId }: Thread): Promise<Run | undefined> {
  const pull = (await lastKept(context))?.result.pulls.at(-1)
  return pull && (await liveRun(context, threadSlot({ repoId, number: pull.number })))?.data
}
