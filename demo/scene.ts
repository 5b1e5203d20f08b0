/** One scene: somebody asks, the thread is watched until every fact holds, then the request is shown. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../emulators/github/ledger.ts'
import type { PullView, ThreadView } from '../emulators/github/threads.ts'
import type { LedgerEntry } from '../emulators/posthog/world.ts'
import type { World } from '../test/world/world.ts'
import { type Line, quoteBar, span, wrap } from './terminal.ts'
import { changes, type Printer, Watch } from './thread-log.ts'

/** What must have happened, by name. */
export type Facts = Readonly<Record<string, boolean>>

/** Did not happen: the names of the facts, or the reason. */
export class Missed extends Error {
  readonly missing: readonly string[]

  constructor(missing: readonly string[]) {
    super(`did not happen: ${missing.join('; ')}`)
    this.missing = missing
  }
}

export interface Stage {
  world: World
  printer: Printer
  /** Epoch ms: what has not happened by then counts as missed. */
  deadline: number
}

export interface Seen {
  thread: ThreadView
  pulls: PullView[]
  branches: string[]
  /** What PostHog accepted since the scene began. */
  accepted: LedgerEntry[]
}

export interface Scene {
  thread: number
  ask(): Promise<unknown>
  facts(seen: Seen): Facts
  /** What the last word of the bot is about, such as the address of the pull request. */
  result(seen: Seen): string | undefined
}

/** ms from the asking. */
export interface Times {
  eyes: number
  status: number
  result: number
}

const momentToRead = 800

export async function perform({ world, printer, deadline }: Stage, scene: Scene): Promise<Times> {
  const before = world.posthog.ledger.length
  const start = await see(world, scene.thread, before)
  const watch = new Watch({ github: world.github, printer, number: scene.thread })
  await sleep(momentToRead)
  watch.startClock()
  await scene.ask()
  const look = async () => scene.facts(await see(world, scene.thread, before))
  await Promise.race([allHold(look, deadline), death(world)])
  await watch.end()
  const seen = await see(world, scene.thread, before)
  for (const pull of seen.pulls.slice(start.pulls.length))
    printer.print(...(await opened(world, pull, printer.cells)))
  printer.print(...sentToPostHog(world, seen, printer.cells))
  return timesOf(world.github.calls, watch.since, scene.result(seen))
}

async function see({ github, posthog }: World, thread: number, before: number): Promise<Seen> {
  return {
    thread: await github.thread(thread),
    pulls: await github.pulls(),
    branches: await github.branches(),
    accepted: posthog.ledger.slice(before),
  }
}

export async function death(world: World): Promise<never> {
  const code = await world.bot.exited
  throw new Missed([`the bot stays alive (it ended with code ${code})`])
}

async function opened({ github }: World, { number }: PullView, cells: number): Promise<Line[]> {
  const told = changes(undefined, await github.thread(number), 0, cells)
  return [[span('  The pull request it opened', 'bold')], [], ...told, []]
}

function sentToPostHog({ posthog }: World, { accepted }: Seen, cells: number) {
  const entry = accepted.find(({ kind }) => kind === 'run')
  const path = posthog.calls.find(
    ({ route, path }) => route === 'run' && path.includes(entry?.taskId ?? '-'),
  )?.path
  return entry && path ? requestLines(entry, path, cells) : [[span('  PostHog was asked nothing.')]]
}

/** By the clock of the emulated GitHub, which notes when each call of the bot comes in. */
function timesOf(calls: readonly Call[], since: number, result: string | undefined): Times {
  const after = (matches: (call: Call) => boolean): number => {
    const call = calls.find(call => Date.parse(call.at) >= since && call.effect && matches(call))
    return call ? Date.parse(call.at) - since : Number.NaN
  }
  const says = ({ body }: Call, words: string) => JSON.stringify(body ?? '').includes(words)
  const isComment = ({ path }: Call) => /\/issues\/(?:\d+\/comments|comments\/\d+)$/.test(path)
  return {
    eyes: after(call => call.path.endsWith('/reactions') && says(call, 'eyes')),
    status: after(isComment),
    result: after(call => isComment(call) && says(call, result ?? '\0')),
  }
}

export const isBy = (author: string) => (written: { author: string }) => written.author === author

/** 🚀 and nothing else of the bot's. */
export const ended = (reactions: readonly string[], bot: string): boolean =>
  reactions.filter(reaction => reaction.endsWith(` by ${bot}`)).join() === `rocket by ${bot}`

export const onceEach = ({ accepted }: Seen): Facts => ({
  'PostHog has exactly one new task': accepted.filter(({ kind }) => kind === 'task').length === 1,
  'PostHog has exactly one new run': accepted.filter(({ kind }) => kind === 'run').length === 1,
})

const calm = 500

/** Waited for, then looked at once more, since things may also happen twice. @param deadline epoch ms */
async function allHold(look: () => Promise<Facts>, deadline: number): Promise<void> {
  let missing: string[] = ['anything at all']
  const late = new AbortController()
  const timer = sleep(deadline - Date.now(), undefined, { signal: late.signal }).then(() => {
    throw new Missed(missing)
  })
  const held = (async () => {
    do {
      await sleep(100)
      missing = missingOf(await look())
    } while (missing.length > 0 && !late.signal.aborted)
    await sleep(calm)
    missing = missingOf(await look())
    if (missing.length > 0) throw new Missed(missing)
  })()
  try {
    await Promise.race([held, timer])
  } finally {
    late.abort()
  }
}

const missingOf = (facts: Facts): string[] =>
  Object.entries(facts)
    .filter(([, holds]) => !holds)
    .map(([what]) => what)

const promptField = 'pending_user_message'

/** The request that PostHog got, to the letter: the JSON, then its longest field as the text that it is. */
function requestLines(entry: LedgerEntry, path: string, cells: number): Line[] {
  const body = Object.entries(entry.body ?? {})
  const prompt = String(body.find(([name]) => name === promptField)?.[1] ?? '')
  const json = JSON.stringify(Object.fromEntries(body.map(abridged)), null, 2)
  return [
    [span('  What PostHog was asked', 'bold')],
    [],
    ...wrap([span(`  POST ${path}`, 'cyan')], cells),
    ...json.split('\n').map(line => [span(`  ${line}`)]),
    [],
    [span(`  ${promptField}, in full`, 'bold')],
    [],
    ...prompt.split('\n').flatMap(line => wrap([span(line)], cells - 4).map(quoted)),
    [],
  ]
}

const abridged = ([name, value]: [string, unknown]): [string, unknown] =>
  name === promptField ? [name, `… ${String(value).length} characters, below …`] : [name, value]

const quoted = (line: Line): Line => [span('  '), quoteBar, ...line]
