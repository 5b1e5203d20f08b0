/**
 * Says what is wrong with a thread, by what GitHub and PostHog have on record: not by what the bot says of itself.
 * Too few is something to wait for, too many never is.
 */

import { ledgerOf } from '../world/calls.ts'
import type { World } from '../world/world.ts'
import type { Expected, Play } from './plays.ts'

async function violations(world: World, { number, expected }: Play): Promise<string[]> {
  const view = await world.github.thread(number)
  return [
    ...countsAtPostHog(world, number, expected),
    ...wrongWords(world, view, expected),
    ...wrongReactions(world, view, expected),
    ...wrongLabels(view, expected),
    ...(await wrongBranches(world, number, expected)),
    ...(expected.mayGoBack ? [] : wentBack(world, view)),
  ]
}

type View = Awaited<ReturnType<World['github']['thread']>>

const differs = (what: string, is: number, should: number | undefined): string[] =>
  should === undefined || is === should ? [] : [`${is} ${what} instead of ${should}`]

function countsAtPostHog(world: World, number: number, expected: Expected): string[] {
  const { tasks, runs, messages, cancels } = ledgerOf(world, number)
  return [
    ...differs('runs and messages', runs.length + messages.length, expected.said),
    ...differs('tasks', tasks.length, expected.tasks),
    ...differs('runs', runs.length, expected.runs),
    ...differs('messages', messages.length, expected.messages),
    ...differs('cancels', cancels.length, expected.cancels),
  ]
}

const isStatus = (body: string): boolean => body.startsWith('### ')

function wrongWords(world: World, view: View, expected: Expected): string[] {
  const { github } = world
  const bodies = view.comments
    .filter(({ author }) => author === github.botLogin)
    .map(({ body }) => body)
  const statuses = bodies.filter(isStatus)
  const answers = bodies.filter(body => !isStatus(body))
  const matching = (wanted: RegExp) => answers.filter(body => wanted.test(body)).length
  const lineAnswers = view.lineComments.filter(({ author }) => author === github.botLogin).length
  const resolved = view.lineComments.filter(one => one.resolved && one.replyTo === 0).length
  return [
    ...differs('status comments', statuses.length, expected.statuses),
    ...differs('answers', answers.length, expected.answers.length),
    ...differs(
      'comments ever posted',
      posted(world, view.number),
      expected.statuses + expected.answers.length,
    ),
    ...expected.answers.flatMap(wanted => differs(`answers like ${wanted}`, matching(wanted), 1)),
    ...answers
      .filter(body => !expected.answers.some(wanted => wanted.test(body)))
      .map(body => `it says: ${JSON.stringify(body.slice(0, 160))}`),
    ...differs('answers on lines', lineAnswers, expected.lineAnswers ?? 0),
    ...differs('resolved threads', resolved, expected.resolved ?? 0),
    ...statuses
      .filter(body => expected.status?.test(body) === false)
      .map(body => `a status that says: ${JSON.stringify(body.slice(0, 160))}`),
    ...statuses
      .filter(body => /^### [⏳❓]/u.test(body))
      .map(body => `a status that waits: ${body.split('\n')[0]}`),
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

async function wrongBranches(
  { github }: World,
  number: number,
  expected: Expected,
): Promise<string[]> {
  const ours = (await github.branches()).filter(name =>
    new RegExp(`^codex/issue-${number}(?!\\d)`).test(name),
  )
  const closing = (await github.pulls()).filter(({ body }) =>
    new RegExp(`Closes #${number}(?!\\d)`).test(body),
  )
  return [
    ...differs('branches of ours', ours.length, expected.branches),
    ...differs('pull requests', closing.length, expected.pulls),
    ...(expected.pulls === undefined ? [] : closing)
      .filter(({ base }) => base !== 'main')
      .map(({ base }) => `a pull request into ${base}`),
  ]
}

/** How far along a heading is. Nothing but a new round may lead back, and no play here has one. */
const stages = [
  /waits (?:for|until)/,
  /getting ready|preparing a sandbox/,
  /is (?:working|planning|reviewing|answering)/,
  /is stopping/,
  /has ended/,
  /^### (?!⏳)/,
]

function wentBack({ github }: World, view: View): string[] {
  const statuses = view.comments.filter(
    ({ author, body }) => author === github.botLogin && isStatus(body),
  )
  return statuses.flatMap(({ id }) => statusWentBack(github, id))
}

function statusWentBack(github: World['github'], id: number): string[] {
  const bodies = github.writes
    .filter(({ method, path }) => method === 'PATCH' && path.endsWith(`/issues/comments/${id}`))
    .map(({ body }) => (body as { body?: string } | undefined)?.body ?? '')
    // A service or a person that is waited for says nothing of how far along it is.
    .filter(body => !/^### (?:⏸️|❓)/u.test(body))
  const ranks = bodies.map(text => stages.findIndex(stage => stage.test(text)))
  return ranks.flatMap((rank, index) =>
    rank < (ranks[index - 1] ?? rank)
      ? [`the status went back to: ${bodies[index]?.split('\n')[0]}`]
      : [],
  )
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
function isComplete(world: World, { number, expected }: Play): boolean {
  const enough = posted(world, number) >= expected.statuses + expected.answers.length
  return enough && countsAtPostHog(world, number, expected).length === 0
}

const posted = ({ github }: World, number: number): number =>
  github.writes.filter(
    ({ method, path }) => method === 'POST' && path.endsWith(`/issues/${number}/comments`),
  ).length
