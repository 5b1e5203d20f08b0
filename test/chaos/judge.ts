/**
 * Says what is wrong with a thread, by what GitHub and PostHog have on record: not by what the bot says of itself.
 * Too few is something to wait for, too many never is.
 */

import { type Allowed, differs, type Facts, wrongCounts, wrongIn } from '../judge.ts'
import { ledgerOf } from '../world/calls.ts'
import type { World } from '../world/world.ts'
import type { Expected, Play } from './plays.ts'

async function violations(world: World, { number, expected }: Play): Promise<string[]> {
  const view = await world.github.thread(number)
  const facts = await factsOf(world, view, expected)
  return [
    ...wrongIn(facts, allowedBy(expected)),
    ...wrongSum(facts, expected),
    ...wrongWords(world, view, expected),
    ...wrongReactions(world, view, expected),
    ...wrongLabels(view, expected),
  ]
}

type View = Awaited<ReturnType<World['github']['thread']>>

const isStatus = (body: string): boolean => body.startsWith('### ')

function allowedBy(expected: Expected): Allowed {
  const { tasks, runs, messages, cancels, statuses, branches, pulls } = expected
  const told = expected.answers.map(String)
  return { tasks, runs, messages, cancels, statuses, branches, pulls, told }
}

function countsAtPostHog(world: World, number: number) {
  const { tasks, runs, messages, cancels } = ledgerOf(world, number)
  return {
    tasks: tasks.length,
    runs: runs.length,
    messages: messages.length,
    cancels: cancels.length,
  }
}

const wrongSum = (
  { runs = 0, messages = 0 }: Pick<Facts, 'runs' | 'messages'>,
  { said }: Expected,
) => differs('runs and messages', runs + messages, said)

const oursIn = (world: World, view: View) =>
  view.comments.filter(({ author }) => author === world.github.botLogin)

async function factsOf(world: World, view: View, { answers }: Expected): Promise<Facts> {
  const { github, posthog } = world
  const { number } = view
  const statuses = oursIn(world, view).filter(({ body }) => isStatus(body))
  const branches = await github.branches()
  const pulls = (await github.pulls()).filter(
    ({ base, body }) => base === 'main' && new RegExp(`Closes #${number}(?!\\d)`).test(body),
  )
  const runs = ledgerOf(world, number).runs.map(({ runId }) => posthog.run(String(runId)))
  return {
    ...countsAtPostHog(world, number),
    pulls: pulls.length,
    branches: branches.filter(name => new RegExp(`^codex/issue-${number}(?!\\d)`).test(name))
      .length,
    statuses: statuses.length,
    openStatuses: statuses.filter(({ minimized }) => !minimized).length,
    answers: oursIn(world, view)
      .filter(({ body }) => !isStatus(body))
      .map(({ body }) => ({
        about: String(answers.find(wanted => wanted.test(body))),
        text: body,
      })),
    working: runs.filter(({ turnGoesOn }) => turnGoesOn).length,
  }
}

function wrongWords(world: World, view: View, expected: Expected): string[] {
  const { lineComments } = view
  const lineAnswers = lineComments.filter(({ author }) => author === world.github.botLogin)
  const resolved = lineComments.filter(one => one.resolved && one.replyTo === 0)
  const comments = expected.statuses + expected.answers.length
  return [
    ...differs('comments ever posted', posted(world, view.number), comments),
    ...differs('answers on lines', lineAnswers.length, expected.lineAnswers ?? 0),
    ...differs('resolved threads', resolved.length, expected.resolved ?? 0),
    ...oursIn(world, view)
      .filter(({ body }) => isStatus(body))
      .filter(({ body }) => /^### [⏳❓]/u.test(body))
      .map(({ body }) => `a status that says: ${JSON.stringify(body.slice(0, 160))}`),
  ]
}

function wrongReactions({ github }: World, view: View, expected: Expected): string[] {
  const byBot = (reactions: string[]) =>
    reactions
      .filter(reaction => reaction.endsWith(` by ${github.botLogin}`))
      .map(reaction => reaction.split(' by ')[0])
      .join(' and ')
  return Object.entries(expected.reactions).flatMap(([at, wanted]) => {
    const comment = view.comments.find(({ id }) => String(id) === at)
    const is = byBot(at === 'thread' ? view.reactions : (comment?.reactions ?? []))
    return is === wanted ? [] : [`reaction ${is || 'none'} instead of ${wanted}`]
  })
}

function wrongLabels({ labels }: View, { labels: wanted = [] }: Expected): string[] {
  const is = labels.join(', ')
  return is === wanted.join(', ')
    ? []
    : [`labels ${is || 'none'} instead of ${wanted.join(', ') || 'none'}`]
}

/** Waits until all is as it should be. Whatever is still wrong then is the verdict. */
export async function verdict(world: World, play: Play, patience: number): Promise<string[]> {
  const deadline = Date.now() + patience
  for (let pause = 150; ; pause = Math.min(pause * 1.2, 1_500)) {
    const late = Date.now() > deadline
    const complete = isComplete(world, play)
    if (complete) endTheHour(world, play)
    // Reading the thread costs calls on the emulator's own limit.
    const wrong = late || complete ? await violations(world, play) : ['not yet']
    if (wrong.length === 0 || late) return wrong
    await new Promise(resolve => setTimeout(resolve, pause))
  }
}

/** Of those of which all has been said. The looks at agents that idle would use up what PostHog allows in an hour. */
export const endTheHours = (world: World, plays: readonly Play[]): void => {
  for (const play of plays) if (isComplete(world, play)) endTheHour(world, play)
}

/** All has been said: the agents that idle do so no more, and what they might have used may go. */
function endTheHour(world: World, { number }: Play): void {
  for (const { runId } of ledgerOf(world, number).runs) world.posthog.run(String(runId)).idleOut()
}

/** By the ledgers alone. */
export function isComplete(world: World, { number, expected }: Play): boolean {
  const { tasks, runs, messages, cancels } = expected
  const facts = countsAtPostHog(world, number)
  const wrong = wrongCounts(facts, { tasks, runs, messages, cancels, told: [] })
  const enough = posted(world, number) >= expected.statuses + expected.answers.length
  return enough && wrong.length === 0 && wrongSum(facts, expected).length === 0
}

const posted = ({ github }: World, number: number): number =>
  github.writes.filter(
    ({ method, path }) => method === 'POST' && path.endsWith(`/issues/${number}/comments`),
  ).length
