import type { Marker } from '../core/model/marker.ts'
import type { TickTrigger } from '../core/model/trigger.ts'
import { pullOf } from '../core/model/views.ts'
import type { Pull } from '../core/run/record/result-part.ts'
import type { Run } from '../core/run/run.ts'
import { ofThread } from '../core/run/run-index.ts'
import { markerOf } from '../runs/steps/markers.ts'
import type { CommandContext } from './command-context.ts'

export interface Past {
  marker: Marker
  pull: Pull | undefined
}

export async function pastOf(context: CommandContext): Promise<Past | undefined> {
  const marker = (await lastMarker(context)) ?? (await ownPullMarker(context)) ?? (await lastKept(context))
  if (!marker) return undefined
  const view = marker.pull === undefined ? undefined : await context.github.pull(marker.pull)
  return { marker, pull: view && pullOf(view) }
}

async function lastMarker(context: CommandContext): Promise<Marker | undefined> {
  const { thread } = context.record.trigger
  const comments = await context.github.earlierComments()
  const markers = comments.flatMap(({ body }) => context.deps.signer.read(body, thread))
  const newest = markers.findLast(({ as }) => as === 'status' || as === 'closing')
  return markers.findLast(({ as, run }) => as === 'status' && run === newest?.run) ?? newest
}

async function lastKept(context: CommandContext): Promise<Marker | undefined> {
  const { runs } = context.deps
  const [newest = []] = await runs.members([ofThread(context.record.trigger.thread)], {
    kind: 'last',
    count: 5,
  })
  const kept = await Promise.all(newest.map(({ id }) => runs.get(id)))
  const last = kept.find(run => run?.standing === 'ended')
  return last && markerOf(last.data, 'status')
}

async function ownPullMarker(context: CommandContext): Promise<Marker | undefined> {
  const { thread } = context.record.trigger
  if (thread.kind !== 'pull') return undefined
  const view = await context.github.pull(thread.number)
  return view && context.deps.signer.read(view.body, thread).findLast(marker => marker.as === 'pull')
}

export const shownBy = (
  { deps }: Pick<CommandContext, 'deps'>,
  { text, thread }: TickTrigger,
): Marker | undefined =>
  deps.signer.read(text, thread).findLast(({ as }) => as === 'status' || as === 'closing')

export interface LastRun extends Pick<Run, 'request'>, Partial<Pick<Run, 'thread'>> {
  baseline: Pick<Run['baseline'], 'snapshot' | 'head'>
  report?: Pick<Run['report'], 'status'>
  result?: Pick<Run['result'], 'outcome'>
}

export async function lastRunOf(
  context: CommandContext,
  { marker }: Pick<Past, 'marker'>,
): Promise<LastRun | undefined> {
  const kept = await context.deps.runs.get(marker.run)
  if (kept) return kept.data
  const { trigger } = context.record
  if (!marker.backup || trigger.kind === 'withdrawal' || trigger.kind === 'pull-news') return undefined
  const { request, head } = marker.backup
  return { request, baseline: { snapshot: trigger.snapshot, head } }
}
