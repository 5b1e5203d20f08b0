import type { CommandGrammar } from '../core/model/command-grammar.ts'
import { type PullHead, threadSlot } from '../core/model/thread.ts'
import type { CommentRef, InlineComment } from '../core/model/trigger.ts'
import { believeAbsent } from '../core/record/outage.ts'
import { pausedBecause, triggerOf } from '../core/settings/deployment-settings.ts'
import { attachmentsIn } from '../core/text/attachment-links.ts'
import type { SeenPage } from '../core/text/shown-text.ts'
import type { Reads } from './command.ts'
import {
  type CommandContext,
  type CommandTrigger,
  liveRun,
  refusedReads,
  settingsOf,
} from './command-context.ts'
import { writtenIn } from './read-commands.ts'
import { repliedLately } from './reply.ts'
import { notBegun } from './stops.ts'
import { lastKept, lastRunOf, type Past, pastOf, runBeside, shownBy } from './thread-history.ts'

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
