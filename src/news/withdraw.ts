/**
 * A withdrawal (deleted, edited, unlabelled, closed) may come late: it concerns earlier requests, if GitHub confirms
 * it.
 */
import {
  commandId,
  commentRefOf,
  endOfJob,
  liveRun,
  type ThreadContext,
  withdrawn,
} from '../commands/command-context.ts'
import { type Deleted, isStillSo, mayUse, senderOf } from '../commands/gate.ts'
import { stopCommand } from '../commands/stop-command.ts'
import { isOfThread } from '../commands/trigger-record.ts'
import type { StepResult } from '../core/model/ports.ts'
import type { Person } from '../core/model/thread.ts'
import type { CommentRef, ThreadTrigger, WithdrawalTrigger } from '../core/model/trigger.ts'
import { type AddedWord, pending, wordsOfRound } from '../core/record/ledger.ts'
import type { RunMessage } from '../core/record/mailbox-part.ts'
import { sendMessage } from '../core/record/messages.ts'
import { isClosedByMerge } from '../core/record/own-pull-request.ts'
import type { Run } from '../core/record/run.ts'
import { sets, wakeRunsIn } from '../core/record/run-index.ts'

/** What is taken back, by whom and when: a withdrawal says so, and so does news of a closed pull request. */
type Withdrawal = Pick<WithdrawalTrigger, 'id' | 'at' | 'thread' | 'sender' | 'what'>

export async function withdraw(context: ThreadContext, trigger: Withdrawal): Promise<StepResult> {
  if (trigger.what.kind === 'thread')
    await wakeRunsIn(context.deps.runs, sets.untilClosed(trigger.thread.url))
  const waiting = await waitingFor(context, trigger)
  const live = (await liveRun(context.deps.runs, trigger.thread))?.data
  const meant = live && concerns(live, trigger) && live.request.at <= trigger.at ? live : undefined
  const words = live ? wordsOf(live, trigger) : []
  if (!meant && waiting.length === 0 && words.length === 0) return endOfJob
  const refs = [
    ...(meant ? [commentRefOf(meant.request.origin)] : []),
    ...waiting.map(({ data }) => commentRefOf(data.trigger)),
    ...words.map(({ source }) => source?.target),
  ]
  const byReview = refs.some(ref => ref?.kind === 'review')
  if (!(await isStillSo(context, trigger, byReview))) return endOfJob
  const withdrawnIds: string[] = []
  for (const { id, data } of waiting)
    if (await mayStop(context, trigger, data.trigger.sender)) {
      await context.deps.waiting.send(id, withdrawn)
      if (trigger.what.kind === 'comment') withdrawnIds.push(commandId({ record: data }))
    }
  if (live && !(await takeWordsBack(context, trigger, { run: live, words, withdrawnIds })))
    return { kind: 'park', ms: 200 }
  if (meant) await takeAway(context, trigger, meant)
  return endOfJob
}

/** Words that came from there, be it that the agent has them. */
const wordsOf = (run: Run, { at: until, what }: Withdrawal): AddedWord[] =>
  [...pending(run), ...wordsOfRound(run)].filter(
    ({ source, at }) => at <= until && what.kind === 'comment' && isPlace(source?.target, what),
  )

/**
 * @param withdrawnIds of commands that may be about to say something to the Run
 * @returns false when the Run takes no message any more: its words are then asked again, and found waiting
 */
async function takeWordsBack(
  context: ThreadContext,
  trigger: Withdrawal,
  {
    run,
    words,
    withdrawnIds,
  }: { run: Run; words: readonly AddedWord[]; withdrawnIds: readonly string[] },
) {
  const { id, sender: by, at } = trigger
  const followUps = [...withdrawnIds]
  for (const { id: word, by: sayer, state } of words)
    if (await mayStop(context, trigger, sayer)) followUps.push(word)
    else if (state === 'waiting')
      await sendMessage(context.deps.runs, run.id, {
        kind: 'ignored-stop',
        id,
        by,
        because: wordsDeleted,
      })
  if (followUps.length === 0) return true
  const message = {
    kind: 'withdraw-follow-ups',
    id,
    by,
    at,
    because: reasonFor(trigger),
    followUps,
  } as const
  return (await sendMessage(context.deps.runs, run.id, message)) || words.length === 0
}

const wordsDeleted = 'deleted words that wait for the agent'

async function takeAway(context: ThreadContext, trigger: Withdrawal, run: Run) {
  const { id, sender: by, what, at } = trigger
  const tell = (message: RunMessage) => sendMessage(context.deps.runs, run.id, message)
  const labelOff = what.kind === 'label' ? what.label : undefined
  if (await isMerge(context, trigger)) {
    if (labelOff !== undefined) await tell({ kind: 'label-off', id, label: labelOff })
    return
  }
  // It is one message: after the first, the Run has no label, and a second would not concern it.
  const said = { id, by, because: reasonFor(trigger), labelOff }
  if (await mayStop(context, trigger, run.request.by)) await tell({ kind: 'stop', ...said, at })
  else await tell({ kind: 'ignored-stop', ...said })
}

const isMerge = async ({ github }: ThreadContext, { what, at, thread }: Withdrawal) =>
  what.kind === 'thread' &&
  what.by === 'closed' &&
  thread.kind === 'issue' &&
  (await isClosedByMerge(github, at))

async function waitingFor(context: ThreadContext, withdrawal: Withdrawal) {
  const waiting = await context.deps.waiting.listed([sets.thread(withdrawal.thread)])
  return waiting.flatMap(({ id, data }) => {
    if (!isOfThread(data)) return []
    const { trigger } = data
    return trigger.at <= withdrawal.at && isReason(trigger, withdrawal) ? [{ id, data }] : []
  })
}

function isReason(trigger: ThreadTrigger, { what }: Withdrawal) {
  switch (what.kind) {
    case 'thread':
      // Commands in a closed thread still get a reply.
      return what.by !== 'closed' && (trigger.kind === 'comment' || trigger.kind === 'label')
    case 'label':
      return trigger.kind === 'label' && trigger.label === what.label
    case 'comment':
      return isPlace(commentRefOf(trigger), what)
  }
}

function concerns({ request: { origin }, report: { labels } }: Run, { what }: Withdrawal) {
  switch (what.kind) {
    case 'thread':
      return true
    case 'label':
      return labels.includes(what.label) && origin.kind === 'label'
    case 'comment':
      return isPlace(commentRefOf(origin), what)
  }
}

function isPlace(asked: CommentRef | undefined, what: Deleted) {
  switch (asked?.kind) {
    case 'review':
      return what.in === 'inline' && what.reviewId === asked.reviewId
    case 'thread':
    case 'inline':
      return asked.kind === what.in && asked.commentId === what.commentId
    default:
      return false
  }
}

async function mayStop(context: ThreadContext, { sender, what }: Withdrawal, requester: Person) {
  if (sender.id === requester.id || (what.kind === 'thread' && what.by !== 'closed')) return true
  const known = await senderOf(context)
  return known !== undefined && mayUse(known, stopCommand.name)
}

function reasonFor({ what }: Withdrawal) {
  switch (what.kind) {
    case 'label':
      return 'took the label off'
    case 'comment':
      return 'deleted the comment that asked for it'
    case 'thread':
      return `${what.by} this`
  }
}
