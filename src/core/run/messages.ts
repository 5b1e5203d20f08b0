/** What was said to a live Run, by people or by a webhook, folded into its record. Pure. */
import { messageOfToday } from '../model/former-names.ts'
import { withOutage } from './outage.ts'
import { isTerminal, type Run, RunMessage } from './run.ts'

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

function parseMessage(text: string): RunMessage | undefined {
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
    case 'stop':
      return stopped({ ...run, handledMessageIds: [...run.handledMessageIds, message.id] }, message)
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
    case 'label':
      // Set after the end, or after a stop, it asks for a run of its own.
      if (run.outcome || run.stop) return run
      return {
        ...run,
        handledMessageIds: [...run.handledMessageIds, message.id],
        labels: [...run.labels, message.label],
        announced: { ...run.announced, label: false },
      }
  }
}

/** Words that the agent has not read yet are dropped: stop means all of it. */
function stopped(run: Run, message: RunMessage & { kind: 'stop' }): Run {
  if (run.stop || (run.outcome && !stillWorks(run))) return run
  // It comes late, and does not mean what was said since.
  if (message.at < (run.lastWordsAt ?? run.request.at))
    return { ...run, droppedMessageIds: [...run.droppedMessageIds, message.id] }
  const unread = run.pendingFollowUps.map(({ id }) => id)
  return {
    ...run,
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
