/**
 * Says what each message of the inbox changes in its Run.
 * Messages are read in their order, and a repeated one counts once.
 */
import { z } from 'zod'
import type { JobQueue } from '../model/ports.ts'
import { readJson } from '../text/json.ts'
import { mayHaveBegun, onlyIntents, openIntent } from './intents.ts'
import {
  type AddedWord,
  instructionSent,
  moved,
  nextWord,
  pending,
  wasSent,
  wordsOfRound,
} from './ledger.ts'
import {
  type AcceptedStop,
  type FollowUp,
  type OwedReply,
  type ReplyContent,
  RunMessage,
  Source,
  type Word,
} from './mailbox-part.ts'
import { inlineOf } from './open-question.ts'
import { pullsToFind } from './own-pull-request.ts'
import { endsBy, withStanding } from './pull-end.ts'
import { withRetry } from './retries.ts'
import { type ChangeOf, changed, type Intent, nextRound, type Run } from './run.ts'
import { isAtWork } from './situation.ts'
import { agentWorks } from './turn.ts'
import { asTyped, isSamePlace, toSay } from './words-to-say.ts'

export const sendMessage = (
  runs: Pick<JobQueue<Run>, 'send'>,
  runId: string,
  message: RunMessage,
): Promise<boolean> => runs.send(runId, JSON.stringify(RunMessage.parse(message)))

/** A repeated message counts once; one that this version can't read is kept for a newer one. */
export function readMessages(run: Run, inbox: readonly string[]): Run {
  const fresh = inbox
    .slice(run.mailbox.messagesRead)
    .map((_, index) => run.mailbox.messagesRead + index)
  const read = [...run.mailbox.messagesUnread, ...fresh].map(index => ({
    index,
    message: parseMessage(inbox[index] ?? ''),
  }))
  const messages = read.flatMap(({ message }) => message ?? [])
  if (messages.length === 0 && fresh.length === 0) return run
  const messagesUnread = read
    .filter(({ message }) => message === undefined)
    .map(({ index }) => index)
  const messagesRead = Math.max(run.mailbox.messagesRead, inbox.length)
  return messages.reduce(
    withMessageRead,
    changed(run, { mailbox: { messagesRead, messagesUnread } }),
  )
}

export const parseMessage = (text: string): RunMessage | undefined => readJson(RunMessage, text)

/** One cause may send messages of several kinds. */
const causeOf = ({ kind, id }: RunMessage) => (kind === 'follow-up' ? id : `${kind} ${id}`)

/** Whether it need not be sent to this Run again. */
export const hasDealtWith = (
  { mailbox: { handledMessageIds, words } }: Run,
  message: RunMessage,
): boolean =>
  handledMessageIds.includes(causeOf(message)) ||
  words.some(({ id, state, again }) => id === message.id && (state !== 'waiting' || again === true))

function withMessageRead(run: Run, message: RunMessage): Run {
  const { handledMessageIds, words, requesters, stop } = run.mailbox
  const id = causeOf(message)
  if (handledMessageIds.includes(id) || words.some(word => word.id === id)) return run
  const handled = { handledMessageIds: [...handledMessageIds, id] }
  if (message.kind !== 'follow-up')
    return withOtherMessageRead(changed(run, { mailbox: handled }), message)
  const { by, at } = message
  const edited = message.edits === undefined ? undefined : whatItEdits(run, message)
  const isUnsent = edited?.state === 'waiting' && !isOnItsWay(run, edited)
  if (isUnsent && edited.kind === 'instruction' && !stop) {
    const { text, typed, fixes, inline, attached } = message
    const asked = { at, text, typed, fixes, inline, attached, edited: true as const }
    return withReply(
      changed(run, { request: { ...run.request, ...asked }, mailbox: handled }),
      message,
    )
  }
  const fresh: AddedWord = { ...message, state: 'waiting' }
  if (stop !== undefined && at < stop.at) {
    const withFresh = withWords(run, [...words, ...moved([fresh], 'dropped', [fresh])])
    return withReply(withFresh, message, asReply(fresh))
  }
  const replaced = isUnsent && edited.kind === 'follow-up' ? edited : undefined
  const after = edited ? { ...fresh, replaces: replaced ? replaced.replaces : edited.id } : fresh
  const place = replaced ? words.indexOf(replaced) + 1 : words.length
  return changed(run, {
    mailbox: {
      words: moved(words, 'dropped', replaced ? [replaced] : []).toSpliced(place, 0, after),
      requesters: requesters.some(person => person.id === by.id) ? requesters : [...requesters, by],
      fixes: run.mailbox.fixes + (message.fixes ? 1 : 0),
      forced: message.forces ?? run.mailbox.forced,
      lastWordsAt: Math.max(at, run.mailbox.lastWordsAt ?? run.request.at),
    },
  })
}

/** Finds the words that it edits. Of several in the same comment, it takes those with the same text. */
function whatItEdits(run: Run, { edits, source }: FollowUp) {
  const all = run.mailbox.words.filter(
    word =>
      (word.kind === 'instruction' ||
        word.state === 'waiting' ||
        word.round === run.result.round) &&
      isSamePlace(toSay(run, word).source?.target, source?.target),
  )
  return (
    all.findLast(word => toSay(run, word).text === edits) ?? (all.length === 1 ? all[0] : undefined)
  )
}

/** What may have been sent can't be taken back. */
const isOnItsWay = (run: Run, { id }: Word) =>
  id === nextWord(run)?.id && (openIntent(run, 'deliver')?.messageId === id || mayHaveBegun(run))

const withWords = (run: Run, words: Word[]) => changed(run, { mailbox: { words } })

function withOtherMessageRead(run: Run, message: Exclude<RunMessage, { kind: 'follow-up' }>): Run {
  switch (message.kind) {
    case 'stop': {
      const unlabelled = withoutLabel(run, message)
      const reply: ReplyContent | undefined = isOutdated(unlabelled, message)
        ? { kind: 'asked-since' }
        : undefined
      return withReply(withStop(unlabelled, message), message, reply)
    }
    case 'withdraw-follow-ups':
      return withoutFollowUps(run, message)
    case 'ignored-stop':
      return changed(withoutLabel(run, message), {
        mailbox: { ignoredStop: { by: message.by.login, because: message.because } },
      })
    case 'label-off':
      return withoutLabel(run, { labelOff: message.label })
    case 'poll': {
      const claims = message.pull === undefined ? [] : pullsToFind(run, [message.pull])
      if (claims.length === 0) return run
      return changed(run, {
        result: { claimedPulls: [...run.result.claimedPulls, ...claims] },
      })
    }
    case 'pull': {
      const updated = withStanding(run, message)
      const { cost, costBefore } = updated.session
      const asked = { cost: undefined, costBefore: cost ?? costBefore }
      return endsBy(run, message) ? changed(updated, { session: asked }) : updated
    }
    case 'checked':
      return changed(run, { result: { hinted: true } })
    case 'access-lost': {
      const stopped = withStop(run, message)
      // Results of GitHub calls under way can't be known any more; those of PostHog still can.
      return changed(withRetry(stopped, 'github', undefined), {
        mailbox: { accessLost: true },
        ...onlyIntents(stopped, kind => intentsAtPostHog.has(kind)),
      })
    }
    case 'force':
      return withReply(changed(run, { mailbox: { forced: true } }), message)
    case 'release-thread':
      return changed(run, { mailbox: { releaseThread: true } })
    case 'label': {
      // A label set after the end, or after a stop, asks for a run of its own.
      const askAgain = [...run.mailbox.askAgain, ...sourceOf(message)]
      if (run.result.outcome || run.mailbox.stop)
        return changed(run, { mailbox: { releaseThread: true, askAgain } })
      const labels = [...run.report.labels, message.label]
      return withReply(changed(run, { report: { labels } }), message)
    }
  }
}

/** Whoever sets it again asks for a Run of its own. */
const withoutLabel = (run: Run, { labelOff }: { labelOff?: string }) =>
  labelOff === undefined
    ? run
    : changed(run, {
        report: { labels: run.report.labels.filter(label => label !== labelOff) },
      })

type Sourced = Pick<OwedReply, 'id'> & { by: OwedReply['to']; source?: Source }

const sourceOf = ({ source }: Sourced): Source[] => (source ? [source] : [])

/** The Run reacts to the sender's comment. */
function withReply(run: Run, message: Sourced, reply?: ReplyContent) {
  const { id, by: to } = message
  const answers = sourceOf(message).map(source => ({ id, to, source, reply }))
  return changed(run, { mailbox: { answers: [...run.mailbox.answers, ...answers] } })
}

/**
 * Notes that words were sent. Their sender is told once.
 * @param to the task run that has them; without one, they decided a permission
 */
export function handedOver(run: Run, word: Word, to?: string): ChangeOf<'mailbox' | 'report'> {
  const isBots = word.kind === 'instruction' || word.resumes
  const round = to === undefined || isBots ? undefined : (word.round ?? run.result.round)
  const words = moved(run.mailbox.words, 'sent', [word], { to, round })
  if (isBots) return { mailbox: { words } }
  const { mailbox } = word.again ? withWords(run, words) : withReply(withWords(run, words), word)
  const inline = to === undefined || word.again ? [] : inlineOf(run, word)
  if (inline.length === 0) return { mailbox }
  return { mailbox, report: { inlineAsked: [...(run.report.inlineAsked ?? []), ...inline] } }
}

/** Drops words that were to be passed on, and tells their sender why not. @param because nothing: it came too late */
export function refusedWords(run: Run, because: string | undefined, word = pending(run)[0]): Run {
  if (!word) return run
  const reply: ReplyContent =
    because === undefined
      ? { kind: 'permission-over' }
      : { kind: 'refused', because, words: asTyped(word) }
  const after = withReply(withWords(run, moved(run.mailbox.words, 'dropped', [word])), word, reply)
  const { previous } = after.result
  if (!previous || !isWithoutWords(after)) return after
  // The thread was told of it before this round, which came to nothing.
  const { outcome, concludedAt, done } = previous
  return changed(after, {
    result: { outcome, concludedAt, resultChecked: true, previous: undefined },
    // This round may have made another branch.
    report: { done: done.filter(kind => kind !== 'drop-branch') },
  })
}

const UnreadableMessage = z.object({ source: Source })

export function sourcesToAskAgain(run: Run, inbox: readonly string[]): Source[] {
  const unread = run.mailbox.messagesUnread.flatMap(
    index => readJson(UnreadableMessage, inbox[index] ?? '')?.source ?? [],
  )
  return [...run.mailbox.askAgain, ...pending(run).flatMap(sourceOf), ...unread]
}

const isOutdated = (run: Run, { at }: { at: number }) =>
  !run.mailbox.stop && isAtWork(run) && at < (run.mailbox.lastWordsAt ?? run.request.at)

/** What was not sent yet is taken back, and its senders are told. */
export function withStop(run: Run, message: AcceptedStop): Run {
  if (run.mailbox.stop || !isAtWork(run) || isOutdated(run, message)) return run
  const { words } = run.mailbox
  const { outcome, round } = run.result
  // Senders of words that were sent before have their answer, even if the agent ended without reading them.
  const unsent = pending(run).filter(word => !wasSent(word))
  const notified = unsent.reduce((after, word) => withReply(after, word, asReply(word)), run)
  const remaining = moved(words, 'dropped', pending(run))
  return changed(notified, {
    mailbox: {
      stop: { by: message.by, at: message.at, because: message.because },
      words: outcome
        ? remaining.map(word => (word.round === round ? { ...word, round: round + 1 } : word))
        : remaining,
    },
    // Drops the delivery of a message that is gone, and, after the end, the intent of the last word: the next one would
    // be taken for it.
    ...onlyIntents(run, kind => kind !== 'deliver' && !outcome),
    ...(outcome ? nextRound(run) : {}),
  })
}

const asReply = (words: FollowUp): ReplyContent => ({
  kind: 'not-passed-on',
  words: asTyped(words),
})

/** What was sent before can't be taken back. What comes later than its withdrawal is known by then. */
function withoutFollowUps(run: Run, message: RunMessage & { kind: 'withdraw-follow-ups' }): Run {
  const { words, handledMessageIds } = run.mailbox
  const unsent = pending(run).filter(
    word => message.followUps.includes(word.id) && !wasSent(word) && !isOnItsWay(run, word),
  )
  const unknown = message.followUps.filter(id => !words.some(word => word.id === id))
  const has = wordsOfRound(run).find(word => message.followUps.includes(word.id) && !word.resumes)
  const remaining = moved(words, 'dropped', unsent)
  const handled = [...new Set([...handledMessageIds, ...unknown])]
  const withdrawn = changed(run, {
    mailbox: { words: remaining, handledMessageIds: handled },
  })
  // Its comment is gone, so the reply stands in the thread.
  const source = { trigger: message.id, command: 0, last: false }
  const after =
    has && isAtWork(run)
      ? withReply(withdrawn, { ...message, source }, { kind: 'has-it', words: asTyped(has) })
      : withdrawn
  if (unsent.length === 0 || !isWithoutWords(after)) return after
  const at = Math.max(message.at, run.mailbox.lastWordsAt ?? 0)
  return withStop(after, { ...message, at })
}

/** The words of its round are gone, and the first request is done. */
function isWithoutWords(run: Run) {
  const { mailbox, result, session } = run
  if (result.outcome || mailbox.stop || pending(run).length > 0 || !instructionSent(run))
    return false
  if (!session.taskRun) return true
  return result.round > 0 && wordsOfRound(run).length === 0 && !agentWorks(run)
}

const intentsAtPostHog = new Set<Intent['kind']>(['create-task', 'rejoin', 'start-run'])
