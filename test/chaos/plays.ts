/** What people do in one thread, and what must have come of it in the end, whatever happened meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ledgerOf } from '../world/calls.ts'
import { opensIssue, talkIn } from '../world/opens-issue.ts'
import type { World } from '../world/world.ts'

/** Exactly so many, no more and no less. */
export interface Expected {
  tasks: number
  /** `undefined` where either will do. */
  runs: number | undefined
  messages: number | undefined
  /** Both together. */
  said?: number
  /** `undefined` where it may have been needed or not. */
  cancels: number | undefined
  statuses: number
  /** One answer for each, in any order. */
  answers: RegExp[]
  /** The bot's reaction on each comment of a person, or on the thread itself (`thread`). */
  reactions: Record<string, string>
  /** Pull requests that close the issue; `undefined` where nobody could see to that. */
  pulls: number | undefined
  /** Branches that the bot made and that are still there; `undefined` where it may not know that it made them. */
  branches: number | undefined
  /** In the end; none unless told. */
  labels?: string[]
  lineAnswers?: number
  /** Threads on lines. */
  resolved?: number
}

export interface Play {
  title: string
  number: number
  expected: Expected
  /** What is still to be done once something has happened. Resolves when all has been said. */
  goesOn: Promise<void>
}

type Scene = (world: World, name: string) => Promise<Play>

const once: Omit<Expected, 'answers' | 'reactions'> = {
  tasks: 1,
  runs: 1,
  messages: 0,
  cancels: 0,
  statuses: 1,
  pulls: 1,
  branches: 0,
}
const ready = /Codex opened draft/

/** A pull request, told in a thread with this reaction there. */
const pullFor = (at: number | 'thread', reaction = 'rocket'): Expected => ({
  ...once,
  answers: [ready],
  reactions: { [at]: reaction },
})

const giveUpAfterMs = { timeout: 300_000, every: 100 }

/** Words of which no others are the beginning. */
const said = (name: string): RegExp => new RegExp(`begin-${name}\\b`)

const begun = (title: string, number: number, expected: Expected): Play => ({
  title,
  number,
  expected,
  goesOn: Promise.resolve(),
})

/** Whoever judges a play hears of how it went on; where a scenario breaks off, nobody does. */
function goingOn(play: Omit<Play, 'goesOn'>, goOn: () => Promise<void>): Play {
  const goesOn = goOn()
  goesOn.catch(() => {})
  return { ...play, goesOn }
}

export const isSaid = ({ github }: World, number: number, words: RegExp): Promise<boolean> =>
  github.waitFor(
    async () => (await github.thread(number)).comments.some(({ body }) => words.test(body)),
    giveUpAfterMs,
  )

const opens = (world: World, name: string) =>
  opensIssue(world, `Issue ${name}`, undefined, `About ${name}.`)

/** A comment on an issue, of which a pull request comes unless it is told otherwise. */
async function commented(
  world: World,
  name: string,
  text = `/codex begin-${name}`,
  differs: Partial<Expected> & { reaction?: string } = {},
): Promise<Play> {
  const { number, says } = await opens(world, name)
  const { id } = await says(text)
  const { reaction, ...others } = differs
  return begun(name, number, { ...pullFor(id, reaction), ...others })
}

/** A label on an issue: a pull request comes of it. */
const labelled: Scene = async (world, name) => {
  const { maya, number } = await opens(world, name)
  await maya.labels(number, 'codex')
  return begun(name, number, pullFor('thread'))
}

/** A comment on an issue: a pull request comes of it. */
const asked: Scene = (world, name) => commented(world, name)

type Behaviour = Parameters<World['posthog']['script']>[1]

/** As asked, of an agent that does so. */
function askedOf(world: World, name: string, ...does: [Behaviour, { times: number }?]) {
  world.posthog.script(said(name), ...does)
  return asked(world, name)
}

/**
 * The hour after the turn is over, and with it the last use of the branch; by then the Run has ended, which would
 * otherwise remove the branch itself.
 */
const idled: Scene = async (world, name) => {
  const play = await asked(world, name)
  const goOn = async () => {
    await theRunIsOver(world, play.number)
    world.posthog.run(String(ledgerOf(world, play.number).runs[0]?.runId)).idleOut()
  }
  return goingOn(play, goOn)
}

/** It waits until another issue is closed. */
export async function blocked(
  world: World,
  name: string,
): Promise<{ play: Play; closes(): Promise<void> }> {
  const before = await opens(world, `before-${name}`)
  const { maya, number, says } = await opens(world, name)
  world.github.block(number, [before.number])
  const { id } = await says(`/codex begin-${name}`)
  const expected = pullFor(id)
  const closes = async () => {
    if (ledgerOf(world, number).tasks.length > 0) throw new Error('it began while it was blocked')
    await maya.closes(before.number)
  }
  return { play: begun(name, number, expected), closes }
}

const freed: Scene = async (world, name) => {
  const { play, closes } = await blocked(world, name)
  const goOn = async () => {
    await isSaid(world, play.number, /waits for #/)
    await closes()
  }
  return goingOn(play, goOn)
}

/** The agent leaves its commits on the branch, so the bot opens the pull request. */
const pushed: Scene = async (world, name) => {
  const play = await askedOf(world, name, { kind: 'pushesToBranch' })
  play.expected.branches = 1
  return play
}

/** The sandbox goes in the middle of the turn: the bot has the agent go on, once, in a run of its own. */
const cutOff: Scene = async (world, name) => {
  const goes = { kind: 'stopsShort', by: 'sandbox_gone', text: 'Half of it is done.' } as const
  const play = await askedOf(world, name, goes, { times: 1 })
  play.expected.runs = 2
  return play
}

/** More words while the agent works. */
const steered: Scene = async (world, name) => {
  const play = await askedOf(world, name, { kind: 'manual' })
  const maya = world.github.as('maya')
  const { expected } = play
  const goOn = async () => {
    const run = await runOf(world, play.number)
    const { id } = await maya.comments(play.number, `/codex more-${name}`)
    expected.reactions[id] = '+1'
    await world.github.waitFor(
      () => ledgerOf(world, play.number).messages.length > 0,
      giveUpAfterMs,
    )
    await world.posthog.run(run).completeTurn('Half of it is done.')
  }
  Object.assign(expected, { messages: 1, answers: [ready] })
  return goingOn(play, goOn)
}

/** A stop that comes late, after words that were said since. */
const overtaken: Scene = async (world, name) => {
  const play = await askedOf(world, name, { kind: 'manual' })
  const { github, posthog } = world
  const maya = github.as('maya')
  const { expected, number } = play
  const goOn = async () => {
    const run = await runOf(world, number)
    github.webhooks.mode = { kind: 'paused' }
    const stop = await maya.comments(number, '/codex stop')
    // GitHub's clock tells whole seconds.
    await sleep(1_100)
    github.webhooks.mode = { kind: 'normal' }
    const more = await maya.comments(number, `/codex more-${name}`)
    Object.assign(expected.reactions, { [stop.id]: '-1', [more.id]: '+1' })
    await github.waitFor(() => ledgerOf(world, number).messages.length > 0, giveUpAfterMs)
    await github.webhooks.flush()
    await isSaid(world, number, overtakenWords)
    await posthog.run(run).completeTurn('Half of it is done.')
  }
  Object.assign(expected, { messages: 1, answers: [overtakenWords, ready] })
  return goingOn(play, goOn)
}
const overtakenWords = /started the run here after you wrote .*, so it goes on/

/** The agent asks in a session that plans, as somebody wants it in PostHog, and is answered. */
const questioned: Scene = async (world, name) => {
  const play = await askedOf(world, name, {
    kind: 'asksPermission',
    question: `Blue or red for ${name}?`,
    choices: ['Blue', 'Red'],
    inMode: 'plan',
    next: { kind: 'answers', text: `It is blue, ${name}.` },
  })
  const { expected, number } = play
  const { github } = world
  const goOn = async () => {
    await isSaid(world, number, questionWords)
    const { id } = await github.as('maya').comments(number, '/codex 1')
    expected.reactions[id] = '+1'
  }
  Object.assign(expected, { pulls: 0, answers: [questionWords, /It is blue/] })
  return goingOn(play, goOn)
}
const questionWords = /Codex has a question/

/** More words after the end, to an agent that is idle but still there. */
const rejoined: Scene = async (world, name) => {
  const play = await askedOf(world, name, { kind: 'manual' })
  const { expected, number } = play
  const goOn = async () => {
    const run = world.posthog.run(await runOf(world, number))
    await run.openPull()
    await run.completeTurn('There it is.')
    await theRunIsOver(world, number)
    const { id } = await world.github.as('maya').comments(number, `/codex again-${name}`)
    expected.reactions[id] = 'rocket'
  }
  Object.assign(expected, { messages: 1, statuses: 2, answers: [ready, /@maya done/] })
  return goingOn(play, goOn)
}

/** Stop, while the agent works. */
const stopped: Scene = async (world, name) => {
  const play = await askedOf(world, name, { kind: 'hangs' })
  const { expected, number } = play
  const [first = ''] = Object.keys(expected.reactions)
  const goOn = async () => {
    await runOf(world, number)
    const { id } = await world.github.as('maya').comments(number, '/codex stop')
    expected.reactions[id] = '+1'
  }
  Object.assign(expected, {
    cancels: 1,
    pulls: 0,
    answers: [],
    // Not even its eyes are left.
    reactions: { [first]: '' },
  })
  return goingOn(play, goOn)
}

/** A question that starts nothing. */
const answered: Scene = (world, name) =>
  commented(world, name, '/codex help', {
    tasks: 0,
    runs: 0,
    statuses: 0,
    pulls: 0,
    answers: [/All commands, options and reactions/],
    reaction: '+1',
  })

/** A question to the agent, of which nothing but words comes. */
const explained: Scene = async (world, name) => {
  world.posthog.script(said(name), { kind: 'answers', text: `It is blue, ${name}.` })
  return commented(world, name, `/codex ask begin-${name}`, {
    pulls: 0,
    answers: [/@maya It is blue/],
  })
}

/** Its pull request is merged once the last word is there, which then says so. */
const merged: Scene = async (world, name) => {
  const play = await asked(world, name)
  const { number } = play
  const goOn = async () => {
    await isSaid(world, number, ready)
    const { maya, pulls } = talkIn(world, number)
    const pull = Number((await pulls())[0]?.number)
    await maya.readies(pull)
    await maya.mergesPull(pull)
  }
  Object.assign(play.expected, { answers: [/^🎉 \*\*Merged\*\*/] })
  return goingOn(play, goOn)
}

/** A file is attached to the command. */
const attached: Scene = async (world, name) => {
  const file = world.github.attachments.add({
    name: 'log.txt',
    type: 'text/plain',
    bytes: Buffer.from(`log of ${name}`),
  })
  return commented(world, name, `/codex begin-${name} ${file.markdown}`)
}

async function opensPull({ github }: World, name: string) {
  const maya = github.as('maya')
  const path = `src/${name}.ts`
  const head = `maya/${name}`
  await maya.pushes(head, { [path]: 'one\ntwo\nthree\n' })
  const { number } = await maya.opensPull({ head, title: `Pull ${name}` })
  return { maya, path, number }
}

/** A review with two comments on lines, each of which gets its own answer. */
const reviewed: Scene = async (world, name) => {
  world.posthog.script(said(name), { kind: 'pushesToBranch', text: 'All addressed.' })
  const { path, number } = await opensPull(world, name)
  const comments = [1, 2].map(line => ({ path, line, body: `Rename line ${line}.` }))
  await world.github.as('mario').reviews(number, { body: `/codex begin-${name}`, comments })
  const expected = { ...once, pulls: 0, answers: [/@mario done/], reactions: {}, lineAnswers: 2 }
  return begun(name, number, expected)
}

/** A comment on a line that the agent fixes, and one that it declines. */
const resolved: Scene = async (world, name) => {
  const { maya, path, number } = await opensPull(world, name)
  const [first, second] = [
    await maya.commentsOnLine(number, { path, line: 1, body: 'Rename line 1.' }),
    await maya.commentsOnLine(number, { path, line: 2, body: 'Rename line 2.' }),
  ]
  const verdicts = [
    { id: first.id, done: true, said: 'Renamed.' },
    { id: second.id, done: false, said: 'It is right.' },
  ]
  const text = `All seen to.\n\n\`\`\`review-comments\n${JSON.stringify(verdicts)}\n\`\`\``
  world.posthog.script(said(name), { kind: 'pushesToBranch', files: { [path]: 'eins\n' }, text })
  // What was written in the second of a command is not read with it.
  await sleep(1_100)
  const { id } = await maya.comments(number, `/codex begin-${name}`)
  const expected = {
    ...once,
    pulls: 0,
    answers: [/@maya done/],
    reactions: { [id]: 'rocket' },
    lineAnswers: 2,
    resolved: 1,
  }
  return begun(name, number, expected)
}

/** The last that a Run does is to fold its status away. After a crash it takes a moment until it ends. */
async function theRunIsOver(world: World, number: number): Promise<void> {
  await world.github.waitFor(
    async () => (await world.github.thread(number)).comments.some(({ minimized }) => minimized),
    giveUpAfterMs,
  )
  for (let lives = -1; lives !== world.bots.length; await sleep(4_000)) lives = world.bots.length
}

/** The task run of a thread, once its agent is at work. */
async function runOf(world: World, number: number): Promise<string> {
  return world.github.waitFor(() => {
    const run = ledgerOf(world, number).runs[0]?.runId
    return run !== undefined && world.posthog.run(run).status === 'in_progress' ? run : undefined
  }, giveUpAfterMs)
}

export const scenes = {
  labelled,
  asked,
  idled,
  freed,
  pushed,
  cutOff,
  steered,
  questioned,
  overtaken,
  rejoined,
  stopped,
  answered,
  explained,
  merged,
  attached,
  reviewed,
  resolved,
}
export type SceneName = keyof typeof scenes
