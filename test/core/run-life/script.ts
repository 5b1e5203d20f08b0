/**
 * One schedule of what happens to a Run: the luck of each call, and what webhooks, the stream and the agent do
 * between and during them. Made of plain values, so that a failing one is printed, shrunk and lived again.
 */
import fc from 'fast-check'
import type { RunMessage, Source } from '../../../src/core/record/mailbox-part.ts'
import { hour, maya, minute, more, t0, zoe } from '../given.ts'

/** What happens to a call. Where it fails, its effect may or may not have happened. */
export const lucks = {
  well: ['well'],
  answers: ['lost before', 'lost after', 'late', 'slow'],
  /** Of the key, or of the task alone: that one may last for days, and holds back nothing else. */
  limits: ['limit', 'limit', 'usage limit'],
  /** PostHog says no, and says it ever after. */
  refusals: ['refused'],
  /** A read says no once, at either service; or PostHog knows nothing any more, whatever is read. */
  reads: ['unread 404', 'unread 403', 'unread 404', 'unread 403', 'unknown from now on'],
  /** GitHub says no to something that is written, once: a ruleset, a lock. */
  writes: ['unwritten'],
  deaths: ['crash before', 'crash after', 'shutdown'],
  freezes: ['freeze before', 'freeze after'],
} as const
export type Luck = (typeof lucks)[keyof typeof lucks][number]

/** What the agent makes of a turn. One that `is cut short` ends for another reason than that it is done. */
const turns = [
  'answers',
  'opens',
  'opens, then goes on',
  'pushes',
  'is silent',
  'fails',
  'completes',
  'asks first',
  'asks people',
  'is cut short',
  'ends in the middle',
  'loses its sandbox',
] as const
export type Turn = (typeof turns)[number]

/** Why nothing may begin. */
export const holds = ['limit of 0', 'total of 0', 'blocker', 'open pulls', 'money'] as const
export type Hold = (typeof holds)[number]

export type Happening =
  /** A reason to wait comes, or goes: who waits is told, unless the webhook or the timer is lost. */
  | { is: 'hold'; hold: Hold; goes?: 'told' | 'untold' }
  /** A webhook that says something to the Run. */
  | { is: 'note'; note: RunMessage }
  /** News on the stream, or a process that starts: look now. */
  | { is: 'wake' }
  /** The agent goes on while nobody looks. */
  | { is: 'work' }
  /** PostHog ends a session that is idle, even one that took words and has not read them. */
  | { is: 'idle end' }
  /** PostHog has an idle agent that opened a pull request look at its checks. */
  | { is: 'ci turn' }
  /** Somebody puts a commit of their own on the branch. */
  | { is: 'push' }
  /** Somebody deletes the status comment. */
  | { is: 'status deleted' }

/** `call`: while the so-many-th call is under way. `parking`: so much of that wait has passed, in percent. */
type Moment = { call: number } | { parking: number; after: number }

export interface Event {
  when: Moment
  what: Happening
}

export interface Script {
  /** The session of an earlier Run, which this one goes on with. */
  earlier?: 'listens' | 'over' | 'gone' | undefined
  /** What that session may do: all that is asked now, or only read. */
  earlierMay?: 'work' | 'read' | undefined
  /** PostHog takes no session on to another branch, or to any. */
  resumesNowhere: boolean
  /** One for each call to a service, in order; then all goes well. */
  luck: readonly Luck[]
  events: readonly Event[]
  /** What the agent does in each of its turns. */
  turns: readonly Turn[]
  /** How long the log shows nothing of what the status has told already, in ms. */
  logLate: number
  /** How often it is somebody else's turn first. */
  ahead: number
  /** How often another is let in between its look and its admission. */
  overtaken: number
  /** Its settings have caps, and its issue may be blocked. */
  limited: boolean
  /** What holds it from the first. */
  heldBy: readonly Hold[]
  /** How often it waits for that before all of it goes; whether anybody is told. */
  heldFor: number
  heldUntold: boolean
  /** How many calls of its successor a frozen worker sleeps through. */
  sleep: number
}

/** What waits for a day has a shorter life where each wait after its first hour is so many times as long. */
export const overslept = 20

/** All goes well, with what differs. */
export const scriptWith = (given: Partial<Script> = {}): Script => ({
  luck: [],
  events: [],
  turns: [],
  resumesNowhere: false,
  logLate: 0,
  ahead: 0,
  overtaken: 0,
  limited: false,
  heldBy: [],
  heldFor: 2,
  heldUntold: false,
  sleep: 3,
  ...given,
})

export const wordsOf = (id: string): string => `words number ${id}, please`

/** As if each were a comment of its own. */
export const commentOf = (id: string): number =>
  1_000 + [...id].reduce((sum, letter) => sum * 36 + parseInt(letter, 36), 0)

export const sourceOf = (id: string): Source => ({
  trigger: `trigger ${id}`,
  command: 0,
  target: { kind: 'thread', commentId: commentOf(id) },
  last: true,
})

export const words = (id: string): RunMessage => ({
  ...more(id, wordsOf(id), zoe),
  source: sourceOf(id),
})
export const stop = (id: string, because?: string): RunMessage & { kind: 'stop' } => ({
  kind: 'stop',
  id,
  by: maya,
  at: t0,
  ...(because === undefined ? { source: sourceOf(id) } : { because }),
})

const below = (n: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: n - 1 })

const labelOff: RunMessage = { kind: 'label-off', id: 'o', label: 'codex:high' }
const ignoredStop: RunMessage = {
  kind: 'ignored-stop',
  id: 'i',
  by: zoe,
  because: 'closed the issue',
}
const accessLost: RunMessage = {
  kind: 'access-lost',
  id: 'u',
  by: maya,
  at: t0 + hour,
  because: 'removed the App',
}

const withdrawal = (of: string): RunMessage => ({
  kind: 'withdraw-follow-ups',
  id: `w-${of}`,
  by: zoe,
  at: t0 + hour,
  because: 'deleted the comment that asked for it',
  followUps: [of],
})

const label: RunMessage = {
  kind: 'label',
  id: 'l',
  by: zoe,
  at: t0,
  label: 'codex:high',
  source: sourceOf('l'),
}
const early: RunMessage = { ...stop('e'), at: t0 - minute }
const goodReasons = ['closed the issue', 'took the label off'].map(why => stop('w', why))

/** Few ids, so that many come twice. */
const note: fc.Arbitrary<RunMessage> = fc.oneof(
  { weight: 5, arbitrary: below(5).map(i => words(`m${i}`)) },
  below(5).map(i => withdrawal(`m${i}`)),
  below(2).map(i => stop(`s${i}`)),
  fc.constant(early),
  fc.constantFrom(...goodReasons),
  below(3).map((i): RunMessage => ({ kind: 'poll', id: `k${i}` })),
  fc.constant(label),
  fc
    .record({ i: below(2), state: fc.constantFrom('merged', 'merged', 'closed') })
    .map(
      ({ i, state }): RunMessage => ({ kind: 'pull', id: `p${i}-${state}`, number: 20 + i, state }),
    ),
  fc.constantFrom(labelOff, ignoredStop, accessLost),
  fc.constant<RunMessage>({ kind: 'release-thread', id: 'y' }),
)

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: note.map((said): Happening => ({ is: 'note', note: said })) },
  { weight: 2, arbitrary: fc.constant<Happening>({ is: 'wake' }) },
  { weight: 2, arbitrary: fc.constant<Happening>({ is: 'work' }) },
  fc.constant<Happening>({ is: 'idle end' }),
  fc.constant<Happening>({ is: 'ci turn' }),
  fc.constantFrom<Happening>({ is: 'push' }, { is: 'status deleted' }),
  {
    weight: 2,
    arbitrary: fc
      .record({
        hold: fc.constantFrom(...holds),
        goes: fc.constantFrom(undefined, 'told', 'untold'),
      })
      .map((what): Happening => ({ is: 'hold', ...what })),
  },
)

const moment: fc.Arbitrary<Moment> = fc.oneof(
  fc.record({ call: below(60) }),
  fc.record({ parking: below(12), after: below(101) }),
)

/** Ten deaths in one step give the Run up, which is another story. */
const mostDeaths = 8

function survivable(all: readonly Luck[]): Luck[] {
  let deaths = 0
  const deadly = (luck: Luck): boolean => luck.startsWith('crash') || luck.startsWith('freeze')
  return all.map(luck => (deadly(luck) && ++deaths > mostDeaths ? 'well' : luck))
}

export const scripts = (bad: readonly Luck[]): fc.Arbitrary<Script> =>
  fc.record({
    earlier: fc.constantFrom<Script['earlier']>(undefined, undefined, 'listens', 'over', 'gone'),
    earlierMay: fc.constantFrom<Script['earlierMay']>('work', 'work', 'read'),
    luck: fc
      .array(
        fc.oneof({ weight: 5, arbitrary: fc.constant<Luck>('well') }, fc.constantFrom(...bad)),
        // Without a size, arrays end after ten.
        { maxLength: 60, size: 'max' },
      )
      .map(survivable),
    events: fc.array(fc.record({ when: moment, what: happening }), { maxLength: 8, size: 'max' }),
    turns: fc.array(fc.constantFrom(...turns), { maxLength: 6, size: 'max' }),
    resumesNowhere: fc.constantFrom(false, false, false, true),
    logLate: fc.constantFrom(0, 0, 700, 2_200, 10_000),
    ahead: fc.constantFrom(0, 0, 0, 1, 2),
    overtaken: fc.constantFrom(0, 0, 0, 1, 2),
    limited: fc.boolean(),
    heldBy: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray([...holds])),
    heldFor: below(4),
    heldUntold: fc.boolean(),
    sleep: below(12),
  })
