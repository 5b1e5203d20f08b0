/** What has to hold of a life that is over. */
import { expect } from 'vitest'
import { messagesIn } from '../../../src/core/agent/prompt.ts'
import { endsQuietly } from '../../../src/core/record/last-word.ts'
import type { Run } from '../../../src/core/record/run.ts'
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
  judgeEffects(world)
  judgePush(world, run)
  // Nobody can be told anything any more; but no agent is left to work.
  if (world.uninstalled) judgeLeaving(world, run)
  else judgeEnd(world, run)
}

function judgeEnd(world: World, run: Run): void {
  expect(run.report.announced).toMatchObject({ comment: true, reaction: true, label: true, branch: true })
  expect(run.attempts.intent).toBeUndefined()
  judgeThread(world, run)
  judgeWords(world, run)
  judgeAnswers(world, run)
  judgeAgents(world, run)
  for (const pull of run.result.pulls)
    expect(pull.state, `pull request ${pull.number}`).toBe(
      world.pulls.find(({ number }) => number === pull.number)?.state,
    )
}

const startsOf = ({ effects }: World): string[] => effects.filter(effect => effect.startsWith('run '))
/** A session that begins afresh is told the instruction as well, which is not what it is asked. */
const isFirst = (prompt: string): boolean => messagesIn(prompt).includes(runId)
const followUpsOf = (world: World): string[] => startsOf(world).filter(prompt => !isFirst(prompt))

/** One task, one run, and another run only for words that found the last one ended. */
function judgeEffects(world: World): void {
  const before = world.tasks.filter(({ id }) => id === 'task-0' && isGone(world)).length
  expect(world.tasks.length - before, 'tasks').toBeLessThanOrEqual(1)
  const starts = startsOf(world)
  expect(starts.filter(isFirst).length, 'starts').toBeLessThanOrEqual(1)
  const followUps = followUpsOf(world)
  expect(new Set(followUps).size, 'follow-ups').toBe(followUps.length)
  expect(world.effects.filter(effect => effect.startsWith('pull ')).length, 'pulls').toBeLessThanOrEqual(1)
}

/** What people put on the branch is not the agent's. */
function judgePush({ commits }: World, { result: { outcome } }: Run): void {
  if (outcome?.kind !== 'pushed') return
  expect(commits.find(({ sha }) => sha === outcome.sha)?.byPerson, 'who pushed').toBe(false)
}

function judgeLeaving(world: World, run: Run): void {
  if (run.session.agentLeft) return
  const working = world.agents().filter(isAtWork)
  expect(run.result.outcome?.kind === 'pull' || working.length === 0, 'an agent still works').toBe(true)
}

/** One status comment, or one a round where that of before is folded away; one last word a round, and none empty. */
function judgeThread(world: World, run: Run): void {
  const marks = marksOf(world)
  const statuses = marks.filter(({ as }) => as === 'status')
  expect(statuses.filter(({ folded }) => !folded).length, 'open statuses').toBeLessThanOrEqual(1)
  expect(statuses.length, 'statuses').toBeLessThanOrEqual(run.result.round + 1)
  if (world.statusesDeleted === 0) expect(statuses.length, 'statuses').toBeGreaterThan(0)
  const closings = marks.filter(({ as }) => as === 'closing')
  const rounds = closings.map(({ round }) => round)
  expect(new Set(rounds).size, 'closing comments').toBe(rounds.length)
  // Not waited for where the thread takes none and another command waits.
  const leftOut = world.unwritten > 0 && run.mailbox.releaseThread
  expect(rounds.includes(run.result.round) || endsQuietly(run) || leftOut, 'a last word').toBe(true)
  for (const { text } of closings) expect(text).toMatch(/^@(?:maya|zoe) \S/)
}

/** A pull request is told while its agent goes on; no other end leaves one working without a word. */
function judgeAgents(world: World, run: Run): void {
  const working = world.agents().filter(isAtWork)
  if (working.length === 0 || run.result.outcome?.kind === 'pull') return
  const last = marksOf(world).findLast(({ as, round }) => as === 'closing' && round === run.result.round)
  expect(last?.text, 'an agent still works').toMatch(/may still be working/)
}

/** Of an agent that has ended, what its log does not show was never read; where it shows no words, nobody can tell. */
const wordsReadBy =
  ({ script }: World) =>
  (agent: AgentRun): string[] => {
    const unread = isOver(agent) && script.showsWords ? agent.words.flat() : []
    return [...agent.said].filter(([id]) => !unread.includes(id)).map(([, text]) => text)
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
    if (world.withdrawn().includes(id) && run.mailbox.droppedMessageIds.includes(id) && given.size === 0)
      continue
    // A service that says no for good has its Run let go.
    if ((refusals || world.unwritten > 0) && given.size + again === 0) continue
    // Words that an agent ended without reading, and that could be said to no other, are asked again.
    const mayBeBoth = run.mailbox.pendingFollowUps.some(message => message.id === id)
    expect(given.size + again, `answers to ${id}`).toBe(mayBeBoth && given.has('+1') ? 2 : 1)
    const replies = world.comments.filter(({ body }) =>
      world.signer
        .read(body, { repoId: 100, number: 7 })
        .some(found => found.run === id && found.as === 'reply'),
    )
    if (world.unwritten === 0) expect(replies.length, `words to ${id}`).toBe(given.has('-1') ? 1 : 0)
  }
}

/**
 * Every word that was accepted reached the agent once, or was dropped by a stop; where there is nothing to go on with,
 * or a service said no, it is asked again.
 */
function judgeWords(world: World, run: Run): void {
  const accepted = world.accepted()
  const waiting = run.mailbox.pendingFollowUps.map(({ id }) => id)
  if (run.session.taskId !== undefined && run.workspace.branch && run.result.outcome?.kind !== 'failed')
    expect(waiting).toEqual([])
  for (const id of waiting) expect([...world.askedAgain], 'is asked again').toContain(sourceOf(id).trigger)
  expect(run.mailbox.messagesRead).toBe(world.inbox.length)
  const read = new Set([...run.mailbox.handledMessageIds, ...waiting])
  expect(
    accepted.filter(id => !read.has(id)),
    'words that were lost',
  ).toEqual([])
  // Where PostHog shows nothing any more, nobody can see what was read: the thread is told of the agent.
  if (run.session.agentLeft) return
  const told = [...world.agents().flatMap(wordsReadBy(world)), ...followUpsOf(world)]
  for (const id of accepted.filter(
    each =>
      run.mailbox.handledMessageIds.includes(each) &&
      !run.mailbox.droppedMessageIds.includes(each) &&
      !waiting.includes(each),
  ))
    expect(told.filter(text => text.includes(wordsOf(id))).length, `${id} reached the agent`).toBe(1)
}
