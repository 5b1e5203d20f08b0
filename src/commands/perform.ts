/**
 * Carries out what a command decided: it queues a Run, or sends the Run of the thread a message.
 * A reply is only handed back here: `accept-trigger.ts` posts it.
 * A message is saved before it is sent, so a crash neither loses nor repeats it.
 */
import { unlessRejected } from '../core/model/errors.ts'
import { threadSlot } from '../core/model/thread.ts'
import { isWordOutdated } from '../core/record/last-word.ts'
import { RunMessage, type Source } from '../core/record/mailbox-part.ts'
import { hasDealtWith, parseMessage, sendMessage } from '../core/record/messages.ts'
import { changed, type Run } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import { replies } from '../core/words/replies.ts'
import { ownSince } from '../core/words/say.ts'
import { lastWordAnew, showLastWord } from '../runs/steps/closing-comment.ts'
import { answerWith, type Decision, reject } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  commandId,
  isLate,
  reactionTargetOf,
  runId,
  type ThreadContext,
} from './command-context.ts'
import { awaitEyes } from './reply.ts'

/** ms after which what is just beginning in the thread is there. */
export const soon = 200

const edited = 'edited the comment that asked for it'

/** Whether the queue lost what the thread shows: a reply, or a word of its Run. */
async function isForgotten(context: CommandContext): Promise<boolean> {
  const kept = await context.deps.runs.get(runId(context))
  if (kept?.standing === 'live') return false
  const { at, thread } = context.record.trigger
  const own: ReadonlySet<string> = new Set([commandId(context), runId(context)])
  // There its Run has its status, wherever it was asked for.
  const comments = await ownSince(context.github, at)
  const markers = comments.flatMap(({ body }) => context.deps.signer.read(body, thread))
  return markers.some(({ run }) => own.has(run))
}

export async function perform(
  context: CommandContext,
  decision: Decision,
  isLast: boolean,
): Promise<CommandResult> {
  const { tenant, runs, log } = context.deps
  switch (decision.kind) {
    case 'start': {
      // An older copy of the queue begins its Run again, which finds what was done; GitHub's log may not.
      if (isLate(context) && (await isForgotten(context))) return { kind: 'passed-over' }
      const baseline = { prefetched: context.github.thread.prefetched() }
      // It waited for another one here.
      const schedule = { enteredAt: context.record.waits?.since }
      // A Run that was made before may be forgotten.
      const attempts = { lagsSince: context.job.lagsSince }
      const run = changed(decision.run, { session: { tenant }, baseline, schedule, attempts })
      const { outcome } = await runs.add(run.id, run, threadSlot(run.thread))
      log.info({ run: run.id, outcome }, 'run queued')
      if (outcome === 'held') return { kind: 'wait', ms: soon }
      await withdrawFixes(context)
      return { kind: 'run' }
    }
    case 'started':
      return { kind: 'run' }
    case 'message':
      return tellRun(context, decision, isLast)
    case 'take-over': {
      const { run } = decision
      const id = `${commandId(context)}-release-${run.result.round}`
      if (!run.mailbox.releaseThread)
        await sendMessage(runs, run.id, { kind: 'release-thread', id })
      return { kind: 'wait', behind: run }
    }
    case 'replace': {
      const { sender: by, at } = context.record.trigger
      const message = {
        kind: 'stop',
        id: `${commandId(context)}-edited`,
        by,
        at,
        because: edited,
      } as const
      await sendMessage(runs, decision.run.id, message)
      return { kind: 'wait', behind: decision.run }
    }
    case 'show-plan': {
      const { run } = decision
      const { deps, github, job, record } = context
      const words = { ...deps.wordsOf(run), settings: deps.settings }
      const url = await lastWordAnew(run, record.trigger.at, { github, job, deps: words })
      return reject('planChanged', url)
    }
    case 'reply':
      // In an older copy of the queue, the facts may be what its own Run has done since.
      return context.job.lagsSince && (await isForgotten(context))
        ? { kind: 'passed-over' }
        : decision
    case 'wait':
    case 'silence':
      return decision
  }
}

async function tellRun(
  context: CommandContext,
  { runId, message: said, beside }: Decision & { kind: 'message' },
  isLast: boolean,
): Promise<CommandResult> {
  const { record, job } = context
  const { trigger } = record
  const source: Source = {
    trigger: job.id,
    command: record.done,
    target: trigger.kind === 'tick' ? trigger.commentRef : reactionTargetOf(context),
    last: isLast && record.reacted,
  }
  const message = RunMessage.parse({
    ...said,
    id: commandId(context),
    by: trigger.sender,
    at: trigger.at,
    // If the message has a source, the Run itself replies, in its own thread.
    source: beside ? undefined : source,
  })
  await context.save({ pendingMessage: { runId, message, beside } })
  // The Run takes the eyes off when it has the message.
  await awaitEyes(context)
  return goOnTelling(context)
}

/** Done once the Run has the message; if that Run has ended, the command starts over. */
export async function goOnTelling(context: CommandContext): Promise<CommandResult> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return { kind: 'start-over' }
  const { runId, message, beside } = pendingMessage
  const { runs } = context.deps
  const isTaken =
    (await isDealtWith(context, pendingMessage)) || (await sendMessage(runs, runId, message))
  if (isTaken && beside) return answerWith(replies.stoppingBeside(beside))
  if (isTaken) return { kind: 'message' }
  await context.save({ pendingMessage: undefined })
  const isEnding = (await runs.get(runId))?.standing === 'live'
  return { kind: isEnding ? 'wait' : 'start-over' }
}

/** Whether its Run has the message; that Run then replies. */
export async function isWithItsRun(context: CommandContext): Promise<boolean> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return false
  if (await isDealtWith(context, pendingMessage)) return true
  const inbox = await context.deps.runs.inbox(pendingMessage.runId)
  return inbox.some(text => parseMessage(text)?.id === pendingMessage.message.id)
}

/** While a Run is at work, no box of an earlier one sends an agent to fix the same. */
async function withdrawFixes(context: CommandContext) {
  const { thread } = context.record.trigger
  const known = await context.deps.runs.listed([sets.thread(thread), sets.pull(thread)], recentOnes)
  for (const { id, standing, data } of known)
    if (standing === 'ended' && data.result.needs)
      await amend(context, id, run => changed(run, { result: { needs: undefined } })).catch(
        unlessRejected,
      )
}

const recentOnes = { kind: 'last', count: 5 } as const

/** Changes an ended Run, and what its last word tells. Of several changes at once, the last edit shows all of them. */
export async function amend(
  { deps }: ThreadContext,
  id: string,
  change: (run: Run) => Run,
): Promise<boolean> {
  let before: Run | undefined
  let kept = await deps.runs.amendEnded(id, run => {
    before = run
    return change(run)
  })
  if (!kept) return false
  if (before && kept.data !== before) deps.meter?.moved(before, kept.data)
  while (kept && isWordOutdated(kept.data)) {
    const { data: run } = kept
    const lastWord = await showLastWord(run, { github: deps.github(run.thread), deps })
    kept = await deps.runs.amendEnded(id, each => changed(each, { report: { lastWord } }))
  }
  return kept !== undefined
}

type Pending = NonNullable<CommandContext['record']['pendingMessage']>

async function isDealtWith(
  { deps }: CommandContext,
  { runId, message }: Pending,
): Promise<boolean> {
  const kept = await deps.runs.get(runId)
  return kept?.standing === 'ended' && hasDealtWith(kept.data, message)
}
