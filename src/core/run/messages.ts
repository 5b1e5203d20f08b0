/** What was said to a live Run, by people or by a webhook, folded into its record. Pure. */
import { withOutage } from './outage.ts'
import { isTerminal, Note, type Run } from './run.ts'

/**
 * Reads the part of the inbox that is new. A note that came twice counts once; one that this version can't read is
 * left for one that can.
 */
export function readNotes(run: Run, inbox: readonly string[]): Run {
  const fresh = inbox.slice(run.notesRead).map((_, index) => run.notesRead + index)
  const read = [...run.notesUnread, ...fresh].map(place => ({ place, note: parseNote(inbox[place] ?? '') }))
  const notes = read.flatMap(({ note }) => note ?? [])
  if (notes.length === 0 && fresh.length === 0) return run
  const notesUnread = read.filter(({ note }) => note === undefined).map(({ place }) => place)
  return notes.reduce(fold, { ...run, notesRead: Math.max(run.notesRead, inbox.length), notesUnread })
}

function parseNote(text: string): Note | undefined {
  try {
    return Note.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function fold(run: Run, note: Note): Run {
  const known = run.delivered.includes(note.id) || run.undelivered.some(({ id }) => id === note.id)
  if (known) return run
  switch (note.says) {
    case 'more':
      return {
        ...run,
        undelivered: [...run.undelivered, note],
        saidAt: Math.max(note.at, run.saidAt ?? run.ask.at),
      }
    case 'stop':
      return stopped({ ...run, delivered: [...run.delivered, note.id] }, note)
    case 'unheeded':
      return {
        ...run,
        delivered: [...run.delivered, note.id],
        unheeded: { by: note.by.login, because: note.because },
      }
    case 'label-off':
      return {
        ...run,
        delivered: [...run.delivered, note.id],
        labels: run.labels.filter(label => label !== note.label),
      }
    case 'look':
      return { ...run, delivered: [...run.delivered, note.id] }
    case 'pull':
      return {
        ...run,
        delivered: [...run.delivered, note.id],
        pulls: run.pulls.map(pull =>
          pull.number === note.number
            ? { ...pull, state: note.state, draft: note.draft ?? pull.draft }
            : pull,
        ),
      }
    case 'access-lost': {
      const said = stopped({ ...run, delivered: [...run.delivered, note.id] }, { ...note, says: 'stop' })
      // What was under way at GitHub will never be known; what was under way at PostHog still counts.
      const intent = said.intent && atPostHog.has(said.intent.effect) ? said.intent : undefined
      return { ...withOutage(said, 'github', undefined), accessLost: true, intent }
    }
    case 'yield':
      return { ...run, delivered: [...run.delivered, note.id], yielding: true }
    case 'label':
      // Set after the end, or after a stop, it asks for a run of its own.
      if (run.outcome || run.stop) return run
      return {
        ...run,
        delivered: [...run.delivered, note.id],
        labels: [...run.labels, note.label],
        told: { ...run.told, label: false },
      }
  }
}

/** Words that the agent has not read yet are dropped: stop means all of it. */
function stopped(run: Run, note: Note & { says: 'stop' }): Run {
  if (run.stop || (run.outcome && !stillWorks(run))) return run
  // It comes late, and does not mean what was said since.
  if (note.at < (run.saidAt ?? run.ask.at)) return { ...run, dropped: [...run.dropped, note.id] }
  const unread = run.undelivered.map(({ id }) => id)
  return {
    ...run,
    stop: {
      by: note.by,
      at: note.at,
      asked: false,
      ...(note.because === undefined ? {} : { because: note.because }),
    },
    undelivered: [],
    delivered: [...run.delivered, ...unread],
    dropped: [...run.dropped, ...unread],
    // Handing on what is dropped by now would hand on what comes next; an unanswered last word of before would be
    // taken for the one to come.
    intent: run.outcome || run.intent?.effect === 'deliver' ? undefined : run.intent,
    ...(run.outcome
      ? {
          outcome: undefined,
          concludedAt: undefined,
          resultChecked: false,
          round: run.round + 1,
          told: { ...run.told, comment: false },
        }
      : {}),
  }
}

const atPostHog: ReadonlySet<NonNullable<Run['intent']>['effect']> = new Set([
  'create-task',
  'rejoin',
  'start-run',
])

const stillWorks = (run: Run): boolean =>
  run.taskRun !== undefined && !isTerminal(run.taskRun.status) && !run.heard?.idle
