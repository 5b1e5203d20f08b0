/**
 * Says what each message of the inbox changes in its Run.
 * Messages are read in their order, and a repeated one counts once.
 */
import { z } from 'zod'
import type { JobQueue } from '../model/ports.ts'
import { fullName, movedTo, type Repository } from '../model/thread.ts'
import type { Target } from '../model/views.ts'
import { readJson } from '../text/json.ts'
import { mayHaveBegun, onlyIntents, openIntent } from './intents.ts'
import { unfolded } from './last-word.ts'
import { type FollowUp, type MessageReply, RunMessage, type SenderReply, Source } from './mailbox-part.ts'
import { inlineOf } from './open-question.ts'
import { newClaims } from './own-pull-request.ts'
import { endsBy, tellsMore, withStanding } from './pull-end.ts'
import { withRetry } from './retries.ts'
import { type ChangeOf, changed, type Intent, nextRound, type Run, withOwnTask } from './run.ts'
import { isAtWork } from './situation.ts'
import { agentWorks } from './turn.ts'
import { isSamePlace } from './words-to-say.ts'

/** What a message may change; session and schedule are none of its business. */
type MessageChange = ChangeOf<'mailbox' | 'result' | 'report' | 'attempts'>

const withMessage = (run: Run, change: MessageChange): Run => changed(run, change)

export const send = (
  runs: Pick<JobQueue<Run>, 'send'>,
  runId: string,
  message: RunMessage,
): Promise<boolean> => runs.send(runId, JSON.stringify(RunMessage.parse(message)))

/** A repeated message counts once; one that this version can't read is kept for a newer one. */
export function readMessages(run: Run, inbox: readonly string[]): Run {
  const fresh = inbox.slice(run.mailbox.messagesRead).map((_, index) => run.mailbox.messagesRead + index)
  const read = [...run.mailbox.messagesUnread, ...fresh].map(index => ({
    index,
    message: parseMessage(inbox[index] ?? ''),
  }))
  const messages = read.flatMap(({ message }) => message ?? [])
  if (messages.length === 0 && fresh.length === 0) return run
  const messagesUnread = read.filter(({ message }) => message === undefined).map(({ index }) => index)
  const messagesRead = Math.max(run.mailbox.messagesRead, inbox.length)
  return messages.reduce(fold, withMessage(run, { mailbox: { messagesRead, messagesUnread } }))
}

export const parseMessage = (text: string): RunMessage | undefined => readJson(RunMessage, text)

function fold(run: Run, message: RunMessage): Run {
  const { handledMessageIds, droppedMessageIds, pendingFollowUps, requesters, stop } = run.mailbox
  const { id } = message
  if (handledMessageIds.includes(id) || pendingFollowUps.some(known => known.id === id)) return run
  const handled = { handledMessageIds: [...handledMessageIds, id] }
  if (message.kind !== 'follow-up') return heed(withMessage(run, { mailbox: handled }), message)
  const { by, at } = message
  const said = message.edits === undefined ? undefined : whatItEdits(run, message)
  const isUnread = said !== undefined && !mayBeRead(run, said)
  if (isUnread && said === 'request' && !stop) {
    const { text, inline, attached } = message
    const request = { ...run.request, at, text, inline, attached, template: undefined, edited: true as const }
    return withReply(changed(run, { request, mailbox: handled }), message)
  }
  const wasStoppedSince = stop !== undefined && at < stop.at
  if (wasStoppedSince) {
    const dropped = { ...handled, droppedMessageIds: [...droppedMessageIds, id] }
    return withReply(withMessage(run, { mailbox: dropped }), message, { kind: 'not-passed-on' })
  }
  const replaced = isUnread && said !== 'request' ? said : undefined
  const fresh =
    said === undefined ? message : { ...message, replaces: replaced ? replaced.replaces : idOf(run, said) }
  return withMessage(run, {
    mailbox: {
      ...(replaced ? { handledMessageIds: [...handledMessageIds, replaced.id] } : {}),
      pendingFollowUps: replaced
        ? pendingFollowUps.map(known => (known === replaced ? fresh : known))
        : [...pendingFollowUps, fresh],
      requesters: requesters.some(known => known.id === by.id) ? requesters : [...requesters, by],
      fixes: run.mailbox.fixes + (message.fixes ? 1 : 0),
      forced: message.forces ?? run.mailbox.forced,
      lastWordsAt: Math.max(at, run.mailbox.lastWordsAt ?? run.request.at),
    },
  })
}

type Said = FollowUp | 'request'

/** Finds the words that it edits. Of several in the same comment, it takes those with the same text. */
function whatItEdits(run: Run, { edits, source }: FollowUp): Said | undefined {
  const { mailbox, request } = run
  const isThere = (target: Target | undefined): boolean => isSamePlace(target, source?.target)
  const all: Said[] = [...mailbox.wordsOfRound, ...mailbox.pendingFollowUps].filter(words =>
    isThere(words.source?.target),
  )
  if (request.origin.kind === 'comment' && isThere(request.origin.commentRef)) all.unshift('request')
  const textOf = (said: Said): string => (said === 'request' ? request.text : said.text)
  return all.findLast(said => textOf(said) === edits) ?? (all.length === 1 ? all[0] : undefined)
}

const idOf = (run: Run, said: Said): string => (said === 'request' ? run.id : said.id)

/** What may have been sent can't be taken back. */
function mayBeRead(run: Run, said: Said): boolean {
  if (said === 'request') return run.session.instructionSent || mayHaveBegun(run)
  const [next] = run.mailbox.pendingFollowUps
  const isNext = next?.id === said.id
  const isSending = isNext && openIntent(run, 'deliver')?.messageId === said.id
  const begins = isNext && run.session.instructionSent && mayHaveBegun(run)
  return isSending || begins || !run.mailbox.pendingFollowUps.includes(said)
}

function heed(run: Run, message: Exclude<RunMessage, { kind: 'follow-up' }>): Run {
  switch (message.kind) {
    case 'stop': {
      const after = withStop(withoutLabel(run, message), message)
      const isOld = after.mailbox.droppedMessageIds.includes(message.id)
      return withReply(after, message, isOld ? { kind: 'asked-since' } : undefined)
    }
    case 'withdraw-follow-ups':
      return withoutFollowUps(run, message)
    case 'ignored-stop':
      return withMessage(withoutLabel(run, message), {
        mailbox: { ignoredStop: { by: message.by.login, because: message.because } },
      })
    case 'label-off':
      return withoutLabel(run, { labelOff: message.label })
    case 'poll': {
      const here = message.to ? followed(run, message.to) : run
      const claims = message.pull === undefined ? [] : newClaims(here, [message.pull])
      if (claims.length === 0) return here
      return withMessage(here, { result: { claimedPulls: [...here.result.claimedPulls, ...claims] } })
    }
    case 'pull': {
      const known = withStanding(run, message)
      const { cost, costBefore } = known.session
      const asked = { cost: undefined, costBefore: cost ?? costBefore }
      const after = endsBy(run, message) ? changed(known, { session: asked }) : known
      return message.at !== undefined && tellsMore(run, after) ? unfolded(after) : after
    }
    case 'checked':
      return withMessage(run, { result: { hinted: true } })
    case 'access-lost': {
      const stopped = withStop(run, { ...message, kind: 'stop' })
      const { stop } = stopped.mailbox
      const isByIt = stop !== undefined && stop !== run.mailbox.stop
      const said = isByIt ? withMessage(stopped, { mailbox: { stop: { ...stop, lost: true } } }) : stopped
      // The App can tell of it where the repository is now.
      if (message.to) return followed(said, message.to)
      // Results of GitHub calls under way can't be known any more; those of PostHog still can.
      return withMessage(withRetry(said, 'github', undefined), {
        mailbox: { accessLost: true },
        ...onlyIntents(said, kind => atPostHog.has(kind)),
      })
    }
    case 'force':
      return withReply(withMessage(run, { mailbox: { forced: true } }), message)
    case 'release-thread':
      return withMessage(run, { mailbox: { releaseThread: true } })
    case 'label': {
      // A label set after the end, or after a stop, asks for a run of its own.
      if (run.result.outcome || run.mailbox.stop)
        return withMessage(run, {
          mailbox: { releaseThread: true, askAgain: [...run.mailbox.askAgain, ...sourceOf(message)] },
        })
      const labelled = withMessage(run, {
        report: { labels: [...run.report.labels, message.label] },
      })
      return withReply(labelled, message)
    }
  }
}

/** What GitHub refused where the repository was is asked again where it is, and can be told there. */
const followed = (run: Run, to: Repository): Run =>
  withMessage(withRetry(withRepository(run, to), 'github', undefined), { mailbox: { accessLost: false } })

/** Whoever sets it again asks for a Run of its own. */
const withoutLabel = (run: Run, { labelOff }: { labelOff?: string | undefined }): Run =>
  labelOff === undefined
    ? run
    : withMessage(run, { report: { labels: run.report.labels.filter(label => label !== labelOff) } })

type Sourced = Pick<MessageReply, 'id'> & { by: MessageReply['to']; source?: Source | undefined }

const sourceOf = ({ source }: Sourced): Source[] => (source ? [source] : [])

/** The Run reacts to the sender's comment; older versions left that to the command. */
const withReply = (run: Run, message: Sourced, reply?: SenderReply): Run =>
  withMessage(run, {
    mailbox: {
      answers: [
        ...run.mailbox.answers,
        ...sourceOf(message).map(source => ({
          id: message.id,
          to: message.by,
          source,
          reply,
        })),
      ],
    },
  })

export function handedOver(run: Run): ChangeOf<'mailbox' | 'report'> {
  const [message, ...rest] = run.mailbox.pendingFollowUps
  if (!message) return {}
  if (message.resumes) return { mailbox: { pendingFollowUps: rest } }
  const report = { answerTo: message.by.login }
  const { handledMessageIds, followUpsSent } = run.mailbox
  const wordsOfRound = [...run.mailbox.wordsOfRound.filter(({ id }) => id !== message.id), message]
  if (handledMessageIds.includes(message.id))
    return { mailbox: { pendingFollowUps: rest, wordsOfRound }, report }
  const handed = withMessage(run, {
    mailbox: {
      pendingFollowUps: rest,
      handledMessageIds: [...handledMessageIds, message.id],
      followUpsSent: followUpsSent + 1,
      wordsOfRound,
    },
  })
  const { mailbox } = withReply(handed, message)
  const inline = inlineOf(run, message)
  if (inline.length === 0) return { mailbox, report }
  const inlineAsked = [...(run.report.inlineAsked ?? []), ...inline]
  return { mailbox, report: { ...report, inlineAsked } }
}

/** Settles the words that were to be passed on next, and tells their sender why not. */
export function refusedWords(run: Run, reply: SenderReply): Run {
  const [message, ...rest] = run.mailbox.pendingFollowUps
  if (!message) return run
  const { handledMessageIds, droppedMessageIds } = run.mailbox
  const settled = withMessage(run, {
    mailbox: {
      pendingFollowUps: rest,
      handledMessageIds: [...handledMessageIds, message.id],
      droppedMessageIds: [...droppedMessageIds, message.id],
    },
  })
  const after = withReply(settled, message, reply)
  const { previous } = after.result
  if (!previous || !isWithoutWords(after)) return after
  // The thread was told of it before this round, which came to nothing.
  const { outcome, concludedAt, done } = previous
  return withMessage(after, {
    result: { outcome, concludedAt, resultChecked: true, previous: undefined },
    // This round may have made another branch.
    report: { done: done.filter(kind => kind !== 'drop-branch') },
  })
}

const Unread = z.object({ source: Source })

export function leftUndone(run: Run, inbox: readonly string[]): Source[] {
  const unread = run.mailbox.messagesUnread.flatMap(
    index => readJson(Unread, inbox[index] ?? '')?.source ?? [],
  )
  return [...run.mailbox.askAgain, ...run.mailbox.pendingFollowUps.flatMap(sourceOf), ...unread]
}

function withStop(run: Run, message: RunMessage & { kind: 'stop' }): Run {
  if (run.mailbox.stop || !isAtWork(run)) return run
  if (message.at < (run.mailbox.lastWordsAt ?? run.request.at))
    return withMessage(run, {
      mailbox: { droppedMessageIds: [...run.mailbox.droppedMessageIds, message.id] },
    })
  // Senders of messages already handled have their answer, even if the agent ended without reading them.
  const unsaid = run.mailbox.pendingFollowUps.filter(({ id }) => !run.mailbox.handledMessageIds.includes(id))
  const unread = unsaid.map(({ id }) => id)
  const notified = unsaid.reduce((known, each) => withReply(known, each, { kind: 'not-passed-on' }), run)
  return withMessage(notified, {
    mailbox: {
      stop: {
        by: message.by,
        at: message.at,
        because: message.because,
      },
      pendingFollowUps: [],
      handledMessageIds: [...run.mailbox.handledMessageIds, ...unread],
      droppedMessageIds: [...run.mailbox.droppedMessageIds, ...unread],
    },
    // Drops the delivery of a message that is gone, and, after the end, the intent of the last word: the next one would
    // be taken for it.
    ...onlyIntents(run, kind => kind !== 'deliver' && !run.result.outcome),
    ...(run.result.outcome ? nextRound(run) : {}),
  })
}

/** What may have been sent can't be taken back. What comes later than its withdrawal is known by then. */
function withoutFollowUps(run: Run, message: RunMessage & { kind: 'withdraw-follow-ups' }): Run {
  const { pendingFollowUps, handledMessageIds, droppedMessageIds } = run.mailbox
  const [next] = pendingFollowUps
  const isSending = next !== undefined && openIntent(run, 'deliver')?.messageId === next.id
  const mayBeSent = isSending || (run.session.instructionSent && mayHaveBegun(run))
  const ids = message.followUps.filter(
    id => !handledMessageIds.includes(id) && !(id === next?.id && mayBeSent),
  )
  if (ids.length === 0) return run
  const after = withMessage(run, {
    mailbox: {
      pendingFollowUps: pendingFollowUps.filter(({ id }) => !ids.includes(id)),
      handledMessageIds: [...handledMessageIds, ...ids],
      droppedMessageIds: [...droppedMessageIds, ...ids],
    },
  })
  const hadWords = after.mailbox.pendingFollowUps.length < pendingFollowUps.length
  if (!hadWords || !isWithoutWords(after)) return after
  const at = Math.max(message.at, run.mailbox.lastWordsAt ?? 0)
  return withStop(after, { ...message, kind: 'stop', at })
}

/** The words of its round are gone, and the first request is done. */
function isWithoutWords(run: Run): boolean {
  const { mailbox, result, session } = run
  if (result.outcome || mailbox.stop || mailbox.pendingFollowUps.length > 0 || !session.instructionSent)
    return false
  if (!session.taskRun) return true
  return result.round > 0 && mailbox.wordsOfRound.length === 0 && !agentWorks(run)
}

const atPostHog: ReadonlySet<Intent['kind']> = new Set(['create-task', 'rejoin', 'start-run'])

/** A Run that has not begun makes its task where the repository is now. */
export function withRepository(run: Run, to: Repository): Run {
  const { branch } = run.workspace
  // What goes into the default branch goes on to do so.
  const into = branch?.into === run.thread.defaultBranch ? to.defaultBranch : branch?.into
  const moved = changed(run, {
    thread: movedTo(run.thread, to),
    workspace: { branch: branch && { ...branch, into: into ?? branch.into } },
  })
  const { taskMade, taskRun } = run.session
  if (taskRun || mayHaveBegun(run) || fullName(to) === fullName(run.thread)) return moved
  return changed(withOwnTask(moved), {
    ...onlyIntents(run, kind => kind !== 'create-task'),
    ...(taskMade ? { session: { taskId: undefined, taskMade: false } } : {}),
  })
}
