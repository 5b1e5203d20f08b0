/** What a command may ask of GitHub, PostHog and the queue to decide. */
import type { CommandGrammar } from '../core/model/command-grammar.ts'
import { type PullHead, type Thread, threadSlot } from '../core/model/thread.ts'
import type { CommentRef, InlineComment } from '../core/model/trigger.ts'
import { type PullView, pullOf } from '../core/model/views.ts'
import type { Marker } from '../core/record/marker.ts'
import { isAtWork, readMessages } from '../core/record/messages.ts'
import { believeAbsent } from '../core/record/outage.ts'
import { type Run, sessionOf } from '../core/record/run.ts'
import { ofPull, ofTask, ofThread } from '../core/record/run-index.ts'
import { pausedBecause, triggerOf } from '../core/settings/deployment-settings.ts'
import { attachmentsIn } from '../core/text/attachment-links.ts'
import type { SeenPage } from '../core/text/shown-text.ts'
import { markerOf } from '../runs/steps/markers.ts'
import type { LastRun, Past, Reads } from './command.ts'
import {
  type CommandContext,
  type CommandTrigger,
  liveRun,
  refusedReads,
  settingsOf,
} from './command-context.ts'
import { shownBy, writtenIn } from './read-commands.ts'
import { repliedLately } from './reply.ts'
import { notBegun } from './stops.ts'

export function readsFor(
  context: CommandContext,
  trigger: CommandTrigger,
  grammars: readonly CommandGrammar[],
): Reads {
  const { deps, github } = context
  const { thread } = trigger
  let past: Promise<Past | undefined> | undefined
  return {
    grammars,
    usual: deps.defaults,
    isOurs: ({ session: { tenant } }) => tenant === undefined || tenant === deps.tenant,
    now: deps.now(),
    trigger: triggerOf(deps.settings.deployment, thread.owner),
    paused: pausedBecause(deps.settings.deployment),
    repliedLately: of => repliedLately(context, of),
    live: async () => (await liveRun(context, threadSlot(thread)))?.data,
    beside: () => runBeside(context),
    notBegun: () => notBegun(context),
    async hasStopped() {
      const stop = (await lastKept(context))?.mailbox.stop
      return stop?.at === trigger.at && stop.by.id === trigger.sender.id
    },
    run: async id => (await deps.runs.get(id))?.data,
    past() {
      past ??= pastOf(context)
      return past
    },
    lastRun: of => lastRunOf(context, of),
    shown: () => (trigger.kind === 'tick' ? shownBy(context.deps.signer, trigger) : undefined),
    settings: () => settingsOf(context),
    head: now => headOf(context, trigger, now === 'now'),
    branch: async name =>
      (await github.branch(name)) ?? believeAbsent(`The branch ${name}`, refusedReads(context)),
    models: () => deps.posthog.models(),
    sandboxes: () => deps.posthog.sandboxes(),
    checks: () => deps.examine(thread),
    inline: () => inlineOf(context, trigger),
  }
}

async function headOf(
  context: CommandContext,
  trigger: CommandTrigger,
  now: boolean,
): Promise<PullHead | undefined> {
  if (trigger.thread.kind !== 'pull') return undefined
  const then = now || trigger.kind === 'tick' ? undefined : trigger.head
  if (then) return then
  const view = await context.github.pull(trigger.thread.number)
  return (view ?? believeAbsent('The pull request', refusedReads(context)))?.head
}

async function inlineOf(
  context: CommandContext,
  trigger: CommandTrigger,
): Promise<InlineComment[] | undefined> {
  if (trigger.kind !== 'comment') return undefined
  const { commentRef } = trigger
  if (commentRef.kind === 'inline') return asShown(context, [await withParent(context, commentRef)])
  if (commentRef.kind !== 'review') return undefined
  return asShown(context, await context.github.reviewComments(commentRef.reviewId))
}

/** Never as it was written: what the page does not show is not the writer's word to the agent. */
async function asShown(context: CommandContext, comments: InlineComment[]): Promise<InlineComment[]> {
  const { github, record } = context
  const { url } = record.trigger.thread
  const parents = comments.flatMap(({ parent }) => (parent ? [writtenIn(parent)] : []))
  const pages = await github.shown([
    ...comments.map(writtenIn),
    ...parents.map(parent => ({ ...parent, addresses, mayBeMinimized: true })),
  ])
  const below = pages.splice(comments.length)
  return comments.map((comment, at) => {
    const page = pages[at]
    const parent = comment.parent && { author: comment.parent.author, body: shownOf(below.shift()) }
    const attached = attachmentsIn(page, url)
    return {
      ...comment,
      body: shownOf(page),
      attached: attached.length > 0 ? attached : undefined,
      parent,
    }
  })
}

const addresses = 'host' as const
const shownOf = (page: SeenPage | undefined): string =>
  page?.minimized ? '[hidden on the page]' : (page?.text ?? unseen)
const unseen = '[GitHub did not say how its page shows this comment, so it is left out]'

async function withParent(
  context: CommandContext,
  commentRef: CommentRef & { kind: 'inline' },
): Promise<InlineComment> {
  if (commentRef.rootId === commentRef.commentId) return commentRef.inline
  const parent = await context.github.inlineComment(commentRef.rootId)
  return parent ? { ...commentRef.inline, parent } : commentRef.inline
}

// An issue and its pull request are two threads with one work: a Run of the one is found in the other as well.

async function pastOf(context: CommandContext): Promise<Past | undefined> {
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

async function lastKept(context: CommandContext): Promise<Run | undefined> {
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

async function lastRunOf(
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

async function runBeside(context: CommandContext): Promise<Run | undefined> {
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
