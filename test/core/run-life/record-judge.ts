/** What has to hold of each record that replaces another. */
import { instructionSent, wordsAdded } from '../../../src/core/record/ledger.ts'
import type { Run } from '../../../src/core/record/run.ts'
import { type Live, type Situation, situationOf } from '../../../src/core/record/situation.ts'
import { minute, second } from '../given.ts'
import { isAtWork, isOver } from './agent.ts'
import { holds as allHolds, type Hold, overslept } from './script.ts'
import type { World } from './world.ts'

interface Change {
  before: Run
  after: Run
  /** What was done at PostHog and opened at GitHub since the last one. */
  effects: readonly string[]
  /** What was begun at PostHog since. */
  begun: readonly string[]
}

/** Nothing that is known is forgotten, and nothing that was counted is counted back. */
export function checkRecord(world: World, change: Change): void {
  const wrong = (holds: boolean, what: string): void => {
    if (!holds) world.violations.push(what)
  }
  checkCounts(change, wrong)
  checkSession(change, wrong)
  checkStop(world, change, wrong)
  checkStart(world, change, wrong)
  const { before, after, effects } = change
  if (before.session.taskId !== undefined && !isGone(world))
    wrong(after.session.taskId === before.session.taskId, 'another task')
  if (before.result.outcome && after.result.round === before.result.round)
    wrong(
      JSON.stringify(after.result.outcome) === JSON.stringify(before.result.outcome),
      'the outcome changed',
    )
  // What an agent ended without reading is said to another.
  for (const { id, state } of before.mailbox.words)
    wrong(state === 'waiting' || !effects.includes(`say ${id}`), `${id} is said again`)
}

/** The session of before, as far as anybody can see. */
export const isGone = ({ script, unknown }: World): boolean =>
  script.earlier === 'gone' || (script.earlier !== undefined && unknown)

type Wrong = (holds: boolean, what: string) => void

function checkCounts({ before, after }: Change, wrong: Wrong): void {
  const counts = ({ result, mailbox }: Run) => ({
    round: result.round,
    messagesRead: mailbox.messagesRead,
    reported: result.reported,
    added: wordsAdded({ mailbox }).length,
  })
  const now = counts(after)
  for (const [count, was] of Object.entries(counts(before)))
    wrong(
      (Object.entries(now).find(([name]) => name === count)?.[1] ?? 0) >= was,
      `${count} went back`,
    )
  wrong(
    before.mailbox.handledMessageIds.every(
      (id, index) => after.mailbox.handledMessageIds[index] === id,
    ),
    'a message was forgotten',
  )
  const known = [...after.mailbox.words.map(({ id }) => id), ...after.mailbox.handledMessageIds]
  wrong(new Set(known).size === known.length, 'something is known twice')
  for (const { id, state } of before.mailbox.words) {
    const now = after.mailbox.words.find(word => word.id === id)
    wrong(now !== undefined, `${id} was forgotten`)
    const isFinal = state === 'read' || state === 'dropped'
    wrong(!isFinal || now?.state === state, `${id} was ${state}, and is ${now?.state}`)
  }
  wrong(after.result.pulls.length >= before.result.pulls.length, 'a pull request was forgotten')
  if (before.schedule.admitted) wrong(after.schedule.admitted, 'the turn was forgotten')
}

const ranks: Record<Live['kind'], number> = {
  waiting: 0,
  preparing: 0,
  starting: 1,
  working: 2,
  ending: 2,
  stopping: 3,
}
const rankOf = (situation: Situation) => (situation.kind === 'ended' ? 4 : ranks[situation.kind])

/** In one round and one session, where a Run stands only goes on, and so does what was heard. */
function checkSession({ before, after }: Change, wrong: Wrong): void {
  const resumes =
    before.session.taskRun &&
    !after.session.taskRun &&
    (!instructionSent(after) || after.session.earlier?.taskRunId === before.session.taskRun.id)
  if (before.result.round === after.result.round && !resumes) {
    const [from, to] = [situationOf(before), situationOf(after)]
    wrong(rankOf(to) >= rankOf(from), `went back from ${from.kind} to ${to.kind}`)
  }
  if (!before.session.taskRun || before.session.taskRun.id !== after.session.taskRun?.id) return
  wrong(
    !isOver(before.session.taskRun) || isOver(after.session.taskRun),
    'an ended task run came to life',
  )
  wrong(
    (after.session.sessionLog?.offset ?? 0) >= (before.session.sessionLog?.offset ?? 0),
    'the log was read again',
  )
  wrong(
    (after.session.sessionLog?.turns ?? 0) >= (before.session.sessionLog?.turns ?? 0),
    'a turn was forgotten',
  )
}

/**
 * A Run is let in by what was read in that very turn, or right before by its command, and keeps its place until then; once the last reason is gone, it
 * comes in at once if it was told, else with its next poll.
 */
function checkStart({ holds, script, now }: World, { before, after }: Change, wrong: Wrong): void {
  const { enteredAt } = before.schedule
  if (enteredAt !== undefined) wrong(after.schedule.enteredAt === enteredAt, 'its place was lost')
  if (before.schedule.admitted || !after.schedule.admitted) return
  const ofLimits: readonly Hold[] = before.schedule.waits
    ? ['limit of 0', 'total of 0']
    : ['total of 0']
  const reasons = allHolds.filter(
    each => ofLimits.includes(each) || (script.limited && !each.endsWith('of 0')),
  )
  wrong(holds.inForce(reasons).length === 0, `let in although: ${holds.inForce(reasons).join()}`)
  const isPlain =
    script.ahead === 0 && script.overtaken === 0 && script.luck.every(luck => luck === 'well')
  if (!isPlain || !holds.gone) return
  const { at, woke } = holds.gone
  wrong(
    now - at <= (woke ? 2 * second : slowestPoll),
    `let in ${now - at} ms after the last reason had gone`,
  )
}

/** Who waits for people polls after half an hour at the latest, which is longer in a life that lasts. */
const slowestPoll = 31 * minute * overslept

/** From the moment it was read, a stop lets nothing begin, and ends in a stop whose agent works no more. */
function checkStop(world: World, { before, after, begun }: Change, wrong: Wrong): void {
  if (!before.mailbox.stop || before.result.outcome) return
  wrong(begun.length === 0, `began after a stop: ${begun.join()}`)
  if (!after.result.outcome) return
  wrong(
    after.result.outcome.kind === 'stopped' || after.result.outcome.kind === 'failed',
    `a stop ended in ${after.result.outcome.kind}`,
  )
  const working = world.agents().filter(isAtWork)
  wrong(
    after.result.outcome.kind === 'failed' || working.length === 0,
    'stopped, and an agent still works',
  )
}
