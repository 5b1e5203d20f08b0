/** What is said to a live Run, by people or by a webhook: checked on both ends, and folded into its record. */
import { z } from 'zod'
import { messageOfToday } from '../model/former-names.ts'
import type { RunQueue } from '../model/ports.ts'
import { inTheOpen } from './last-word.ts'
import { withOutage } from './outage.ts'
import { isTerminal, type MessageAnswer, type Run, RunMessage, Source } from './run.ts'

/** Says something to a live Run. False when it has ended or is about to: nobody will read it. */
export const send = (
  runs: Pick<RunQueue<Run>, 'send'>,
  runId: string,
  message: RunMessage,
): Promise<boolean> => runs.send(runId, JSON.stringify(RunMessage.parse(message)))

/**
 * Reads the part of the inbox that is new. A message that came twice counts once; one that this version can't read is
 * left for one that can.
 */
export function readMessages(run: Run, inbox: readonly string[]): Run {
  const fresh = inbox.slice(run.messagesRead).map((_, index) => run.messagesRead + index)
  const read = [...run.messagesUnread, ...fresh].map(index => ({
    index,
    message: parseMessage(inbox[index] ?? ''),
  }))
  const messages = read.flatMap(({ message }) => message ?? [])
  if (messages.length === 0 && fresh.length === 0) return run
  const messagesUnread = read.filter(({ message }) => message === undefined).map(({ index }) => index)
  const messagesRead = Math.max(run.messagesRead, inbox.length)
  return messages.reduce(fold, { ...run, messagesRead, messagesUnread })
}

export function parseMessage(text: string): RunMessage | undefined {
  try {
    return RunMessage.parse(messageOfToday(JSON.parse(text)))
  } catch {
    return undefined
  }
}

function fold(run: Run, message: RunMessage): Run {
  const known =
    run.handledMessageIds.includes(message.id) || run.pendingFollowUps.some(({ id }) => id === message.id)
  if (known) return run
  switch (message.kind) {
    case 'follow-up':
      return {
        ...run,
        pendingFollowUps: [...run.pendingFollowUps, message],
        lastWordsAt: Math.max(message.at, run.lastWordsAt ?? run.request.at),
      }
    case 'stop': {
      const after = stopped({ ...run, handledMessageIds: [...run.handledMessageIds, message.id] }, message)
      return withAnswer(
        after,
        message,
        after.droppedMessageIds.includes(message.id) ? 'asked-since' : undefined,
      )
    }
    case 'ignored-stop':
      return {
        ...run,
        handledMessageIds: [...run.handledMessageIds, message.id],
        ignoredStop: { by: message.by.login, because: message.because },
      }
    case 'label-off':
      return {
        ...run,
        handledMessageIds: [...run.handledMessageIds, message.id],
        labels: run.labels.filter(label => label !== message.label),
      }
    case 'poll':
      return { ...run, handledMessageIds: [...run.handledMessageIds, message.id] }
    case 'pull':
      return {
        ...run,
        handledMessageIds: [...run.handledMessageIds, message.id],
        pulls: run.pulls.map(pull =>
          pull.number === message.number
            ? { ...pull, state: message.state, draft: message.draft ?? pull.draft }
            : pull,
        ),
      }
    case 'access-lost': {
      const said = stopped(
        { ...run, handledMessageIds: [...run.handledMessageIds, message.id] },
        { ...message, kind: 'stop' },
      )
      // What was under way at GitHub will never be known; what was under way at PostHog still counts.
      const intent = said.intent && atPostHog.has(said.intent.kind) ? said.intent : undefined
      return { ...withOutage(said, 'github', undefined), accessLost: true, intent }
    }
    case 'release-thread':
      return { ...run, handledMessageIds: [...run.handledMessageIds, message.id], releaseThread: true }
    case 'label': {
      const delivered = [...run.handledMessageIds, message.id]
      // Set after the end, or after a stop, it asks for a run of its own, for which this one makes room.
      if (run.outcome || run.stop)
        return {
          ...run,
          handledMessageIds: delivered,
          releaseThread: true,
          askAgain: [...run.askAgain, ...sourceOf(message)],
        }
      return withAnswer(
        {
          ...run,
          handledMessageIds: delivered,
          labels: [...run.labels, message.label],
          announced: { ...run.announced, label: false },
        },
        message,
      )
    }
  }
}

type Sourced = Pick<MessageAnswer, 'id'> & { by: MessageAnswer['to']; source?: Source | undefined }

const sourceOf = ({ source }: Sourced): Source[] => (source ? [source] : [])

/** Who sent a message is told what became of it; older versions had the command itself wait for that. */
const withAnswer = (run: Run, message: Sourced, reply?: MessageAnswer['reply']): Run => ({
  ...run,
  answers: [
    ...run.answers,
    ...sourceOf(message).map(source => ({
      id: message.id,
      to: message.by,
      source,
      ...(reply ? { reply } : {}),
    })),
  ],
})

/** The oldest words have reached an agent, the first one or, where that ended without reading them, another. */
export function handedOver(run: Run): Run {
  const [message, ...rest] = run.pendingFollowUps
  if (!message) return run
  const next: Run = { ...run, pendingFollowUps: rest, answerTo: message.by.login }
  if (run.handledMessageIds.includes(message.id)) return next
  return withAnswer(
    {
      ...next,
      handledMessageIds: [...run.handledMessageIds, message.id],
      followUpsSent: run.followUpsSent + 1,
    },
    message,
  )
}

const Unread = z.object({ source: Source })

/** What an ending Run leaves undone: words that its agent never got, and messages that this version can't read. */
export function leftUndone(run: Run, inbox: readonly string[]): Source[] {
  const unread = run.messagesUnread.flatMap(index => sourceIn(inbox[index] ?? ''))
  return [...run.askAgain, ...run.pendingFollowUps.flatMap(sourceOf), ...unread]
}

function sourceIn(text: string): Source[] {
  try {
    return [Unread.parse(JSON.parse(text)).source]
  } catch {
    return []
  }
}

/** Words that the agent has not read yet are dropped: stop means all of it. */
function stopped(run: Run, message: RunMessage & { kind: 'stop' }): Run {
  if (run.stop || (run.outcome && !stillWorks(run))) return run
  // It comes late, and does not mean what was said since.
  if (message.at < (run.lastWordsAt ?? run.request.at))
    return { ...run, droppedMessageIds: [...run.droppedMessageIds, message.id] }
  // Of those that an agent ended without reading, their senders heard already.
  const dropped = run.pendingFollowUps.filter(({ id }) => !run.handledMessageIds.includes(id))
  const unread = dropped.map(({ id }) => id)
  const answered = dropped.reduce((known, each) => withAnswer(known, each, 'not-passed-on'), run)
  return {
    ...answered,
    stop: {
      by: message.by,
      at: message.at,
      asked: false,
      ...(message.because === undefined ? {} : { because: message.because }),
    },
    pendingFollowUps: [],
    handledMessageIds: [...run.handledMessageIds, ...unread],
    droppedMessageIds: [...run.droppedMessageIds, ...unread],
    // Handing on what is dropped by now would hand on what comes next; an unanswered last word of before would be
    // taken for the one to come.
    intent: run.outcome || run.intent?.kind === 'deliver' ? undefined : run.intent,
    ...(run.outcome
      ? {
          outcome: undefined,
          concludedAt: undefined,
          resultChecked: false,
          round: run.round + 1,
          announced: { ...run.announced, comment: false },
          ...inTheOpen(run),
        }
      : {}),
  }
}

const atPostHog: ReadonlySet<NonNullable<Run['intent']>['kind']> = new Set([
  'create-task',
  'rejoin',
  'start-run',
])

const stillWorks = (run: Run): boolean =>
  run.taskRun !== undefined && !isTerminal(run.taskRun.status) && !run.sessionLog?.idle
