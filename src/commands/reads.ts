/** What a command may ask of GitHub, PostHog and the queue to decide. */
import { withOrders } from '../access/authorize.ts'
import { waitsNow } from '../access/reasons-to-wait.ts'
import { filled, templateMeant, templateMissed, templatePath } from '../core/command/template.ts'
import { type CommandGrammar, mayAct } from '../core/model/command-grammar.ts'
import { isNotFound } from '../core/model/errors.ts'
import { threadSlot } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import { type Closer, type OwnComment, Pull } from '../core/model/views.ts'
import { type Marker, markerOf } from '../core/record/marker.ts'
import { readMessages } from '../core/record/messages.ts'
import { inlinePlace } from '../core/record/open-question.ts'
import { changed, newRun, type Run, sessionOf } from '../core/record/run.ts'
import { runsOfPull, sets } from '../core/record/run-index.ts'
import { isAtWork, situationOf } from '../core/record/situation.ts'
import { defaultSettings } from '../core/settings/repository-settings.ts'
import { attachmentsIn } from '../core/text/attachment-links.ts'
import type { SeenPage } from '../core/text/seen-page.ts'
import { isAsSaid, markerIn } from '../core/words/say.ts'
import { commentUrl, runUrl } from '../core/words/words.ts'
import type { CommandInTurn, Conversation, Reads } from './command.ts'
import { type CommandContext, commentRefOf, liveRun } from './command-context.ts'
import { mayUse, senderOf } from './gate.ts'
import { shownBy, templatesOf, writtenBefore, writtenIn } from './read-commands.ts'
import { repliedLately } from './reply.ts'
import { notBegun } from './stops.ts'

export function readsFor(
  context: CommandContext,
  { grammars, later }: { grammars: readonly CommandGrammar[]; later: CommandInTurn['later'] },
): Reads {
  const { deps, github } = context
  const { trigger } = context.record
  const { thread } = trigger
  let found: ReturnType<typeof conversationOf> | undefined
  const conversation = () => {
    found ??= conversationOf(context)
    return found
  }
  const templates = () => templatesOf(context)
  return {
    async usable() {
      const known = await senderOf(context)
      return grammars.filter(({ name }) => known && mayUse(known, name))
    },
    usual: deps.defaults,
    isOurs: ({ session: { tenant } }) => tenant === undefined || tenant === deps.tenant,
    now: deps.now(),
    async needs(number) {
      const [needs, { settings }] = await Promise.all([
        github.pulls.needs(number),
        context.settings(),
      ])
      return needs && withOrders(needs, settings.context.bots)
    },
    runsOf: async number => (await runsOfPull(deps.runs, thread, number)).map(({ data }) => data),
    async closers() {
      const all =
        (await github.issue.closers()) ??
        context.believeAbsent('The list of pull requests that close this') ??
        []
      const may = await Promise.all(all.map(({ author }) => mayHoldUp(context, author)))
      return all.filter((_, at) => may[at])
    },
    trigger: deps.triggerOf(thread.ownerId),
    repliedLately: () => repliedLately(context),
    live: async () => (await liveRun(deps.runs, thread))?.data,
    beside: () => runBeside(context),
    notBegun: () => notBegun(context, later),
    async refused() {
      const last = (await markersOf(context)).at(-1)
      return last?.refuses && commentUrl(thread, 'comment', last.id)
    },
    async hasStopped() {
      const stop = (await lastKept(context))?.mailbox.stop
      return stop?.at === trigger.at && stop.by.id === trigger.sender.id
    },
    run: async id => (await deps.runs.get(id))?.data,
    pageOf: run => (run.session.taskRun ? runUrl(run, deps.wordsOf(run).deployment) : undefined),
    async asItWaits(run) {
      const kept = situationOf(run).kind === 'waiting' ? await deps.runs.get(run.id) : undefined
      if (!kept || run.schedule.admitted) return run
      const { deployment } = deps.settings
      const me = { ...kept, data: run, total: deployment.limits.total }
      const own = { index: deps.runs, deployment, now: deps.now() }
      return changed(run, { schedule: { waits: await waitsNow(me, own) } })
    },
    conversation,
    async shown() {
      const marker = await markerShown(context)
      return marker && { marker, lastRun: await lastRunOf(context, marker) }
    },
    async isPlanAsSaid() {
      const known = await conversation()
      return known !== undefined && isPlanAsSaid(context, known)
    },
    settings: () => context.settings(),
    async head(now) {
      if (thread.kind !== 'pull') return undefined
      if (trigger.kind !== 'tick' && trigger.head && !now) return trigger.head
      const view = await github.pulls.find(thread.number)
      if (!view) return context.believeAbsent('The pull request')
      const { head, sha, base, repoId } = view
      return { ref: head, sha, base, repoId }
    },
    branch: async name =>
      (await github.branches.find(name)) ?? context.believeAbsent(`The branch ${name}`),
    models: () => deps.posthog.models(),
    sandboxes: () => deps.posthog.sandboxes(),
    checks: () => deps.examine(thread),
    schemaAddress: deps.schemaAddress,
    guide: deps.guide,
    async inline() {
      if (trigger.kind !== 'comment') return undefined
      const { commentRef } = trigger
      if (commentRef.kind === 'review')
        return asShown(
          context,
          await github.reviews.comments(commentRef.reviewId),
          writtenBefore(trigger.at),
        )
      if (commentRef.kind !== 'inline') return undefined
      const { inline, rootId, commentId } = commentRef
      const parent =
        rootId === commentId
          ? undefined
          : await github.comments.find({ in: 'inline', commentId: rootId })
      return asShown(context, [{ ...inline, parent }], writtenIn)
    },
    templates,
    async template(text) {
      const names = await templates()
      const meant = templateMeant(text, names)
      return meant
        ? filled(meant, await github.files.text(templatePath(meant.name)))
        : templateMissed(text, names)
    },
  }
}

/** Anybody may say that their pull request closes an issue. An App was let in by somebody who may. */
async function mayHoldUp(context: CommandContext, author: Closer['author']): Promise<boolean> {
  if (!author || author.bot) return author !== undefined
  // They were let in just now.
  if (author.login === context.record.trigger.sender.login) return true
  try {
    const permission = await context.github.people.permission(author.login)
    return permission !== undefined && mayAct(permission.role, 'write')
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** Taken from the page and never from the text: what the page does not show is not the writer's word to the agent. */
async function asShown(
  context: CommandContext,
  comments: InlineComment[],
  written: typeof writtenIn,
): Promise<InlineComment[]> {
  const { github, record } = context
  const { thread, at } = record.trigger
  const parents = comments.flatMap(({ parent }) => (parent ? [writtenBefore(at)(parent)] : []))
  const pages = await github.pages.shown([
    ...comments.map(written),
    ...parents.map(parent => ({ ...parent, addresses: 'none' as const })),
  ])
  const below = pages.splice(comments.length)
  return comments.map((comment, at) => {
    const page = pages[at]
    const parent = comment.parent && { author: comment.parent.author, body: shownOf(below.shift()) }
    const attached = attachmentsIn(page, thread.url)
    return {
      ...comment,
      body: shownOf(page),
      attached: attached.length > 0 ? attached : undefined,
      parent,
    }
  })
}

function shownOf(page: SeenPage | undefined): string {
  if (page?.minimized) return '[hidden on the page]'
  return page?.changed
    ? '[changed after this was asked, so left out]'
    : (page?.text ?? unshownComment)
}
const unshownComment = '[This comment could not be read as its page shows it, so it is left out]'

async function conversationOf(context: CommandContext): Promise<Conversation | undefined> {
  const marker = await lastMarker(context)
  if (!marker) return undefined
  const [session, view, lastRun] = await Promise.all([
    sessionIn(context, marker),
    marker.pull === undefined ? undefined : pullNow(context, marker.pull),
    lastRunOf(context, marker),
  ])
  return { marker, session, pull: view && Pull.parse(view), lastRun }
}

async function lastMarker(context: CommandContext): Promise<Marker | undefined> {
  const [all, kept] = await Promise.all([markersOf(context), lastKept(context)])
  const markers = all.filter(({ refuses }) => !refuses)
  // Whoever deleted the comments of the newest run has not asked for what stood there before it.
  const isDeleted = kept?.report.status !== undefined && !markers.some(({ run }) => run === kept.id)
  const newest = markers.at(-1)
  const statusOfNewest = markers.findLast(({ as, run }) => as === 'status' && run === newest?.run)
  const fromThread = isDeleted
    ? undefined
    : (statusOfNewest ??
      (newest && (await inFull(context, newest))) ??
      (await ownPullMarker(context)))
  return fromThread ?? (kept && markerOf(kept, 'status'))
}

/** The markers of statuses, last words and refusals, in their order, each with the number of its comment. */
async function markersOf({
  github,
  deps,
  record,
}: CommandContext): Promise<(Marker & { id: number })[]> {
  const comments = await github.comments.earlier()
  return comments
    .flatMap(({ id, body }) =>
      deps.signer.read(body, record.trigger.thread).map(each => ({ ...each, id })),
    )
    .filter(({ as, refuses }) => refuses || as === 'status' || as === 'closing')
}

/** The marker of a last word only names its Run. Somebody has deleted the status, which says more. */
async function inFull({ deps }: CommandContext, marker: Marker): Promise<Marker> {
  if (marker.task !== undefined || marker.backup) return marker
  const kept = await deps.runs.get(marker.run)
  return kept ? markerOf(kept.data, 'status') : marker
}

/** The marker of the comment whose box was ticked. For a last word, it is read from the status of the same round. */
async function markerShown(context: CommandContext): Promise<Marker | undefined> {
  const { trigger } = context.record
  const shown = trigger.kind === 'tick' ? shownBy(context.deps.signer, trigger) : undefined
  if (shown?.as !== 'closing' || shown.backup) return shown
  const markers = await markersOf(context)
  return (
    markers.findLast(
      ({ as, run, round }) => as === 'status' && run === shown.run && round === shown.round,
    ) ?? shown
  )
}

/** What is newer than the command was not seen by its sender, unless the plan was approved before it was made. */
async function isPlanAsSaid(
  context: CommandContext,
  { marker, lastRun }: Conversation,
): Promise<boolean> {
  const { github, deps, record } = context
  const { trigger } = record
  const lastWord = { ...marker, as: 'closing' as const }
  if (trigger.kind === 'tick' && shownBy(deps.signer, trigger)?.as === 'closing')
    return isAsSaid(deps.signer, trigger.text, lastWord)
  const place = lastRun && inlinePlace(lastRun)
  const own = place ? await github.comments.own(undefined, place) : await github.comments.earlier()
  const where = commentRefOf(trigger)
  const commandId = where?.kind === 'thread' || where?.kind === 'inline' ? where.commentId : 0
  const plans = own.filter(({ body }) => markerIn(deps.signer, body, lastWord))
  // GitHub's times are whole seconds.
  const isBefore = ({ createdAt: at, id }: OwnComment) =>
    at < trigger.at || (at === trigger.at && id < commandId)
  const seen = plans.findLast(isBefore) ?? plans[0]
  return seen !== undefined && isAsSaid(deps.signer, seen.body, lastWord)
}

const pullNow = async (context: CommandContext, number: number) =>
  (await context.github.pulls.find(number)) ?? context.believeAbsent(`The pull request ${number}`)

/** Its run may not have edited its status yet, and the other thread of an issue and its pull request may have gone on. */
async function sessionIn(
  { deps }: CommandContext,
  { task: taskId, taskRun, branch, may }: Marker,
): Promise<Conversation['session']> {
  if (taskId === undefined) return undefined
  const [[newest] = []] = await deps.runs.members([sets.task(taskId)], { kind: 'last', count: 1 })
  const kept = newest && (await deps.runs.get(newest.id))
  const known =
    (kept && sessionOf(kept.data)) ??
    (taskRun === undefined ? undefined : { taskRunId: taskRun, may })
  return known && { taskId, taskRunId: known.taskRunId, over: false, branch, may: known.may }
}

async function lastKept(context: CommandContext): Promise<Run | undefined> {
  const { runs } = context.deps
  const [newest = []] = await runs.members([sets.thread(context.record.trigger.thread)], {
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
  return (
    view && context.deps.signer.read(view.body, thread).findLast(marker => marker.as === 'pull')
  )
}

async function lastRunOf({ deps, record }: CommandContext, { run: id, backup }: Marker) {
  const kept = (await deps.runs.get(id))?.data
  const { trigger } = record
  if (!backup) return kept
  const { request, head, branch, round, words, requesters, readUpTo, outcome, instructionDone } =
    backup
  const mailbox = { words, requesters }
  if (!kept)
    return newRun({
      id,
      thread: trigger.thread,
      request,
      mailbox,
      workspace: { branch, readUpTo },
      baseline: { snapshot: trigger.snapshot, settings: defaultSettings, head },
      result: { round, outcome, instructionDone },
    })
  // A ticked comment may be of an earlier round than the Run's last.
  return trigger.kind === 'tick' && round !== kept.result.round
    ? changed(kept, { mailbox, result: { round } })
    : kept
}

/** An issue and its pull request are two threads with one work: a Run of the one is found in the other as well. */
async function runBeside(context: CommandContext): Promise<Run | undefined> {
  const { runs } = context.deps
  const { thread } = context.record.trigger
  let beside: Run | undefined
  if (thread.kind === 'pull') {
    const ofIssue = (await runs.listed([sets.pull(thread)]))
      .filter(
        ({ standing, data }) =>
          standing === 'live' && threadSlot(data.thread) !== threadSlot(thread),
      )
      .toSorted((a, b) => a.addedAt - b.addedAt)
      .at(-1)
    beside = ofIssue && readMessages(ofIssue.data, await runs.inbox(ofIssue.id))
  } else {
    const pull = (await lastKept(context))?.result.pulls.at(-1)
    beside = pull && (await liveRun(runs, { ...thread, number: pull.number }))?.data
  }
  return beside && isAtWork(beside) ? beside : undefined
}
