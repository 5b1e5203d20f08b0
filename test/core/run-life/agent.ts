/** PostHog's side of a Run: an agent that moves on a little whenever somebody looks. */
import { messagesIn } from '../../../src/core/agent/prompt.ts'
import type { LogEntry, TaskRunSnapshot, Unfinished } from '../../../src/core/model/task-run.ts'
import { minute, pullView } from '../given.ts'
import { type Turn, wordsOf } from './script.ts'
import type { World } from './world.ts'

export interface AgentRun {
  id: string
  status: TaskRunSnapshot['status']
  error: string | undefined
  log: LogEntry[]
  /** Entries of its log from before this Run. */
  before: number
  pulls: string[]
  /** What it was begun with: the text, and the messages in it. */
  prompt: string
  first: readonly string[]
  /** What it was told since, by the id of each message: one id is heard once. */
  said: Map<string, string>
  /** Turns that are to come. */
  due: number
  /** The ids of the messages of each of them. */
  words: string[][]
  /** How many prompts its log has, and the one that is not answered. */
  prompts: number
  open: string | undefined
  /** When its last turn ended. */
  idleSince: number
  /** Looks until the turn under way is over. */
  busy: number
  cancelled: boolean
  /** What it does is PostHog's own, and no matter of the Run. */
  byItself: boolean
  /** When its row changed last: not while it waits. */
  updatedAt: number
  /** The permission that it waits for. */
  asks: { id: string; question: boolean } | undefined
  /** What was said to it by choosing. */
  chosen: string[]
  marker: Unfinished | undefined
  /** Whether the turn under way, or the last one, is for the Run. */
  forRun: boolean
  /** Of its last turn for the Run: whether it came to its end, and what was said in it last. */
  turn: { done: boolean; said: string | undefined } | undefined
}

/** One that was just started, among the runs of its task. */
export function begin(runs: AgentRun[], prompt = ''): AgentRun {
  const first = messagesIn(prompt)
  const run: AgentRun = {
    id: crypto.randomUUID(),
    status: 'queued',
    error: undefined,
    log: [],
    before: 0,
    pulls: [],
    prompt,
    first,
    said: new Map(),
    due: 1,
    words: [first],
    prompts: 0,
    open: undefined,
    idleSince: Number.POSITIVE_INFINITY,
    busy: 0,
    cancelled: false,
    byItself: false,
    updatedAt: 0,
    asks: undefined,
    chosen: [],
    marker: undefined,
    forRun: true,
    turn: undefined,
  }
  runs.push(run)
  return run
}

export const isOver = ({ status }: Pick<AgentRun, 'status'>): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

const idleFor = 60 * minute

/** It may have taken words that it has not read. */
export const isResting = ({ status, busy, asks, idleSince }: AgentRun): boolean =>
  status === 'in_progress' && busy === 0 && asks === undefined && Number.isFinite(idleSince)

export const isIdle = ({ status, due, busy, asks }: AgentRun): boolean =>
  status === 'in_progress' && due === 0 && busy === 0 && asks === undefined

/** At what the Run has it do. */
export const isAtWork = (agent: AgentRun): boolean =>
  !isOver(agent) && !isIdle(agent) && !agent.cancelled && !agent.byItself

export function goOn(world: World, agent: AgentRun): void {
  const waits = agent.asks !== undefined && !agent.cancelled
  if (isOver(agent) || waits) return
  agent.updatedAt = world.now
  if (agent.cancelled) agent.status = 'cancelled'
  else if (agent.status === 'queued') agent.status = 'in_progress'
  else if (agent.busy > 0) stayBusy(world, agent)
  else if (agent.due > 0) takeTurn(world, agent)
  else if (world.now - agent.idleSince > idleFor) agent.status = 'completed'
}

/** PostHog's own words, where the agent is done and its pull request has checks. */
export function ciTurn(_world: World, agent: AgentRun): void {
  if (!isIdle(agent) || agent.pulls.length === 0) return
  agent.due += 1
  agent.words.push([])
  agent.byItself = true
}

const log = (world: World, agent: AgentRun, what: LogEntry['what']): void =>
  void agent.log.push({ at: world.now, what })

function stayBusy(world: World, agent: AgentRun): void {
  agent.busy -= 1
  log(world, agent, { kind: 'activity' })
  if (agent.busy > 0) return
  speak(world, agent)
  endTurn(world, agent)
}

function speak(world: World, agent: AgentRun): void {
  const text = `the words of turn ${world.turn}.`
  log(world, agent, { kind: 'message', text })
  if (agent.turn && agent.forRun) agent.turn.said = text
}

function endTurn(world: World, agent: AgentRun, stopReason = 'end_turn'): void {
  log(world, agent, { kind: 'answer', id: agent.open ?? '', stopReason })
  agent.open = undefined
  agent.idleSince = world.now
  if (agent.turn && agent.forRun) agent.turn.done = stopReason === 'end_turn'
}

function prompt(world: World, agent: AgentRun, messages: string[]): string {
  agent.prompts += 1
  const id = String(agent.prompts)
  log(world, agent, { kind: 'prompt', id, messages })
  log(world, agent, { kind: 'words', messages })
  return id
}

/** Words that come during its first turn are read in it. Else they wait for a turn of their own. */
export function hear(world: World, agent: AgentRun, message: string): void {
  if (agent.prompts === 1 && agent.open !== undefined) {
    log(world, agent, {
      kind: 'answer',
      id: prompt(world, agent, [message]),
      stopReason: 'end_turn',
      steer: true,
    })
    return
  }
  agent.due += 1
  agent.words.push([message])
  agent.byItself = false
}

function takeTurn(world: World, agent: AgentRun): void {
  agent.due -= 1
  const messages = agent.words.shift() ?? []
  agent.open = prompt(world, agent, messages)
  const does = world.script.turns[world.turn] ?? 'answers'
  world.turn += 1
  // One that no words began is PostHog's own.
  agent.forRun = messages.length > 0
  if (agent.forRun) agent.turn = { done: false, said: undefined }
  log(world, agent, { kind: 'activity' })
  act(world, agent, does)
}

const stopReasons = ['cancelled', 'refusal', 'another']

function act(world: World, agent: AgentRun, does: Turn): void {
  switch (does) {
    case 'fails':
      agent.status = 'failed'
      agent.error = 'agent_error: boom'
      return
    case 'opens, then goes on':
      open(world, agent)
      speak(world, agent)
      agent.busy = 8
      return
    case 'asks first':
    case 'asks people':
      ask(world, agent, does === 'asks people')
      return
    case 'is cut short':
      speak(world, agent)
      endTurn(world, agent, stopReasons[world.turn % stopReasons.length])
      return
    case 'ends in the middle':
    case 'loses its sandbox':
      speak(world, agent)
      agent.status = 'completed'
      agent.marker = does === 'loses its sandbox' ? 'sandbox-gone' : undefined
      // Without a mark of PostHog's, its agent has ended it.
      if (agent.turn && agent.forRun && !agent.marker) agent.turn.done = true
      return
    case 'is silent':
      log(world, agent, { kind: 'activity' })
      endTurn(world, agent)
      return
    case 'opens':
      open(world, agent)
      break
    case 'pushes':
      push(world)
      break
    case 'answers':
    case 'completes':
  }
  speak(world, agent)
  endTurn(world, agent)
  if (does === 'completes') agent.status = 'completed'
}

function push(world: World): void {
  for (const name of world.branches.keys())
    if (name.startsWith('codex/'))
      world.commit(name, { sha: `${world.turn}`.padStart(40, 'd'), byPerson: false })
}

/** What somebody may say anyway, and what chooses where people are asked. */
const choosing = wordsOf('m0')

function ask(world: World, agent: AgentRun, question: boolean): void {
  const id = `ask-${world.turn}`
  agent.asks = { id, question }
  const options = [
    { id: 'yes', name: question ? choosing : 'Yes', kind: 'allow_once' },
    { id: 'no', name: 'No', kind: 'reject_once' },
  ]
  const request = { id, title: 'May I?', question, options }
  log(world, agent, { kind: 'asks', request })
}

/** An answer to another request than the one it waits for changes nothing. */
export function permitted(
  world: World,
  agent: AgentRun,
  { requestId: id, optionId }: { requestId: string; optionId: string },
): 'resolved' | 'over' {
  if (agent.asks?.id !== id || isOver(agent)) return 'over'
  if (agent.asks.question && optionId === 'yes') agent.chosen.push(choosing)
  agent.asks = undefined
  agent.busy = 2
  log(world, agent, { kind: 'permitted', id })
  return 'resolved'
}

export const pullUrl = (number: number): string => `https://github.com/acme/shop/pull/${number}`

function open(world: World, agent: AgentRun): void {
  const number = 20 + world.pulls.length
  const url = pullUrl(number)
  const pull = pullView({
    number,
    url,
    head: `codex/work-${number}`,
    body: 'Closes #7',
    createdAt: world.now,
  })
  world.branches.set(pull.head, pull.sha)
  world.pulls.push(pull)
  agent.pulls.push(url)
}
