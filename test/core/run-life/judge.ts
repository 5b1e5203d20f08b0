/** What has to hold of a life that is over. */
import { expect } from 'vitest'
import { messagesIn } from '../../../src/core/agent/prompt.ts'
import { toGoOn } from '../../../src/core/record/going-on.ts'
import { endsQuietly } from '../../../src/core/record/last-word.ts'
import { pending, wasSent, wordsOfRound } from '../../../src/core/record/ledger.ts'
import type { Run } from '../../../src/core/record/run.ts'
import { type Allowed, type Facts, wrongIn } from '../../judge.ts'
import { runWith } from '../given.ts'
import { type AgentRun, isAtWork, isOver } from './agent.ts'
import { isGone } from './record-judge.ts'
import { commentOf, sourceOf, wordsOf } from './script.ts'
import type { World } from './world.ts'

const runId = runWith().id

interface Mark {
  as: string
  folded: boolean
  round: number
  text: string
}

/** The markers of our comments, and what each was about. */
const marksOf = (world: World): Mark[] =>
  world.comments.flatMap(({ id, body }) => {
    const [marker] = world.signer.read(body, { repoId: 100, number: 7 })
    const text = body.replace(/\n\n<!-- codex-run:.*$/s, '')
    return marker
      ? [{ as: marker.as, round: marker.round ?? 0, text, folded: world.folded.has(`IC_${id}`) }]
      : []
  })

export function judge(world: World, run: Run): void {
  expect(world.violations).toEqual([])
  expect(run.result.outcome, 'it ends with an outcome').toBeDefined()
  judgePush(world, run)
  if (run.result.outcome?.kind === 'stopped' && !run.schedule.admitted)
    expect(world.effects, 'stopped while it was held').toEqual([])
  // Nobody can be told anything any more; but no agent is left to work.
  if (world.uninstalled) {
    const working = run.session.agentLeft ? 0 : factsOf(world).working
    judgeFacts({ ...factsOf(world), working, answers: [] }, { ...effectsOf(world), told: [] })
  } else judgeEnd(world, run)
}

const judgeFacts = (facts: Facts, allowed: Allowed): void =>
  expect(wrongIn(facts, allowed)).toEqual([])

function judgeEnd(world: World, run: Run): void {
  expect(run.report).toMatchObject({
    done: expect.arrayContaining(['conclude', 'react', 'drop-branch']),
    labels: [],
  })
  expect(run.attempts.intent).toBeUndefined()
  judgeFacts(factsOf(world), { ...effectsOf(world), ...wordsOfThread(world, run) })
  judgeWords(world, run)
  judgeAnswers(world, run)
  judgeFinish(world, run)
  for (const pull of run.result.pulls)
    expect(pull.state, `pull request ${pull.number}`).toBe(
      world.pulls.find(({ number }) => number === pull.number)?.state,
    )
}

const startsOf = ({ effects }: World) => effects.filter(effect => effect.startsWith('run '))
/** A session that begins afresh is told the instruction as well, which is not what it is asked. */
const isFirst = (prompt: string) => messagesIn(prompt).includes(runId)

function factsOf(world: World): Facts {
  const marks = marksOf(world)
  const statuses = marks.filter(({ as }) => as === 'status')
  const before = world.tasks.filter(({ id }) => id === 'task-0' && isGone(world)).length
  return {
    tasks: world.tasks.length - before,
    runs: startsOf(world).filter(isFirst).length,
    pulls: world.effects.filter(effect => effect.startsWith('pull ')).length,
    statuses: statuses.length,
    openStatuses: statuses.filter(({ folded }) => !folded).length,
    answers: marks
      .filter(({ as }) => as === 'closing')
      .map(({ round, text }) => ({ about: `round ${round}`, text })),
    working: world.agents().filter(isAtWork).length,
  }
}

/** One task, one run, and another run only for what the last one ended without. */
function effectsOf(world: World): Omit<Allowed, 'told'> {
  const unread = world.agents().filter(agent => unreadBy(agent).length > 0).length
  const followUps = startsOf(world).filter(prompt => !isFirst(prompt))
  expect(followUps.length - new Set(followUps).size, 'follow-ups').toBeLessThanOrEqual(unread)
  return { tasks: { most: 1 }, runs: { most: 1 + unread }, pulls: { most: 1 } }
}

/** What people put on the branch is not the agent's. */
function judgePush({ commits }: World, { result: { outcome } }: Run): void {
  if (outcome?.kind !== 'pushed') return
  expect(commits.find(({ sha }) => sha === outcome.sha)?.byPerson, 'who pushed').toBe(false)
}

/** A status a round; one last word a round, and none empty. */
function wordsOfThread(world: World, run: Run): Pick<Allowed, 'statuses' | 'told' | 'tellable'> {
  const { round } = run.result
  const { answers } = factsOf(world)
  // What went wrong may stand above.
  for (const { text } of answers) expect(text).toMatch(/^(?:⚠️ .*\n\n)?@(?:maya|zoe) \S/)
  // Not waited for where the thread takes none and another command waits, nor for a GitHub that is away for a day.
  const isLetGo = run.report.readOnlyThread && run.mailbox.releaseThread
  const leftOut = isLetGo || (world.unwritten > 0 && run.mailbox.releaseThread)
  // A round whose words PostHog refused came to nothing, and the end of the one before stands.
  const cameToNothing = round > 0 && wordsOfRound(run).length === 0
  const stands = cameToNothing && answers.some(({ about }) => about === `round ${round - 1}`)
  const quiet = stands || endsQuietly(run) || leftOut
  return {
    statuses: { least: world.statusesDeleted === 0 ? 1 : 0, most: round + 1 },
    told: quiet ? [] : [`round ${round}`],
    tellable: Array.from({ length: quiet ? round + 1 : round }, (_, at) => `round ${at}`),
  }
}

const closingOf = (world: World, { result: { round } }: Run) =>
  marksOf(world).findLast(mark => mark.as === 'closing' && mark.round === round)?.text

/** What is told as finished is, with the agent's last words; what is not was asked to go on, once a round. */
function judgeFinish(world: World, run: Run): void {
  const asked = [...startsOf(world), ...world.agents().flatMap(({ said }) => [...said.values()])]
  const wentOn = asked.filter(text => text.includes(toGoOn)).length
  expect(wentOn, 'asked to go on').toBeLessThanOrEqual(run.result.round + 1)
  const last = world.agents().at(-1)
  const isUnread = last !== undefined && unreadBy(last).length > 0
  const { outcome } = run.result
  switch (outcome?.kind) {
    case 'unfinished':
      expect(last?.turn?.done === true && !isUnread, 'it had finished').toBe(false)
      if (outcome.why !== 'interrupted' && outcome.why !== 'refusal')
        expect(run.result.resumed, 'it was asked to go on').toBeDefined()
      return
    case 'answer':
      // Whether there has to be a last word, `judgeThread` says.
      if (last?.turn?.said !== undefined)
        expect(closingOf(world, run) ?? last.turn.said, 'the last words').toContain(last.turn.said)
      break
    case 'nothing':
      expect(last?.turn?.said, 'it said something').toBeUndefined()
      break
    case 'pull':
    case 'pushed':
      break
    default:
      return
  }
  expect(last?.turn?.done === true && !isUnread, 'it had not finished').toBe(true)
}

/** Taken back, before it came or after. */
const isDropped = ({ mailbox: { words, handledMessageIds } }: Run, id: string) =>
  handledMessageIds.includes(id) || words.some(word => word.id === id && word.state === 'dropped')

/** What an agent has ended without reading. */
const unreadBy = (agent: AgentRun) => (isOver(agent) ? agent.words.flat() : [])

/** What was said to an agent: all of it, and what it read. */
function saidTo(agent: AgentRun): { said: string[]; read: string[] } {
  const unread = unreadBy(agent)
  const began = isFirst(agent.prompt) ? [] : [{ ids: agent.first, text: agent.prompt }]
  const all = [...began, ...[...agent.said].map(([id, text]) => ({ ids: [id], text }))]
  const read = all.filter(({ ids }) => !ids.some(id => unread.includes(id)))
  return {
    said: [...all.map(({ text }) => text), ...agent.chosen],
    read: [...read.map(({ text }) => text), ...agent.chosen],
  }
}

/** Whoever said something is told what became of it, once and definitely: by the Run, or by one that is asked again. */
function judgeAnswers(world: World, run: Run): void {
  expect(run.mailbox.answers).toEqual([])
  const refusals = run.result.outcome?.kind === 'failed'
  for (const id of world.answerable()) {
    const { trigger } = sourceOf(id)
    const mine = world.reactions.filter(({ commentId }) => commentId === commentOf(id))
    const given = new Set(mine.map(({ content }) => content))
    const again = world.askedAgain.has(trigger) ? 1 : 0
    // Whoever deleted the comment knows.
    if (world.withdrawn().includes(id) && isDropped(run, id) && given.size === 0) continue
    // A service that says no for good has its Run let go.
    if ((refusals || world.unwritten > 0) && given.size + again === 0) continue
    // Words that an agent ended without reading, and that could be said to no other, are asked again.
    const mayBeBoth = pending(run).some(message => message.id === id)
    expect(given.size + again, `answers to ${id}`).toBe(mayBeBoth && given.has('+1') ? 2 : 1)
    const isRead = world
      .agents()
      .some(agent => saidTo(agent).read.some(text => text.includes(wordsOf(id))))
    if (isRead) expect([...given], `${id} was read`).not.toContain('-1')
    const replies = world.comments.filter(({ body }) =>
      world.signer
        .read(body, { repoId: 100, number: 7 })
        .some(found => found.run === id && found.as === 'reply'),
    )
    if (world.unwritten === 0)
      expect(replies.length, `words to ${id}`).toBe(given.has('-1') ? 1 : 0)
  }
}

/**
 * Every word that was accepted was said, and again only where it was not read; or it was dropped by a stop; where there is nothing to go on with,
 * or a service said no, it is asked again.
 */
function judgeWords(world: World, run: Run): void {
  const accepted = world.accepted()
  // The bot's own words, to go on, are nobody's.
  const waiting = pending(run).flatMap(({ id, resumes }) => (resumes ? [] : [id]))
  if (
    run.session.taskId !== undefined &&
    run.workspace.branch &&
    run.result.outcome?.kind !== 'failed'
  )
    expect(waiting).toEqual([])
  for (const id of waiting)
    expect([...world.askedAgain], 'is asked again').toContain(sourceOf(id).trigger)
  expect(run.mailbox.messagesRead).toBe(world.inbox.length)
  const read = new Set([...run.mailbox.handledMessageIds, ...run.mailbox.words.map(({ id }) => id)])
  expect(
    accepted.filter(id => !read.has(id)),
    'words that were lost',
  ).toEqual([])
  // Where PostHog shows nothing any more, nobody can see what was read: the thread is told of the agent.
  if (run.session.agentLeft) return
  const said = world.agents().map(saidTo)
  const sent = run.mailbox.words.filter(word => wasSent(word) && word.state !== 'waiting')
  for (const id of accepted.filter(each => sent.some(({ id }) => id === each))) {
    const saying = (texts: string[]) => texts.filter(text => text.includes(wordsOf(id)))
    expect(said.flatMap(each => saying(each.said)).length, `${id} was said`).toBeGreaterThan(0)
    expect(said.flatMap(each => saying(each.read)).length, `${id} was read`).toBeLessThanOrEqual(1)
  }
}
