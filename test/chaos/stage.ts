/** A world of its own for one run of a scenario, and what is noted of the run. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { ledgerOf } from '../world/calls.ts'
import { type QueueKind, startWorld, type World } from '../world/world.ts'
import { verdict } from './judge.ts'
import type { Play } from './plays.ts'
import { type Random, randomOf } from './random.ts'

export interface Stage {
  world: World
  random: Random
  redis: RedisServer | undefined
  notes: Notes
}

interface Notes {
  violations: string[]
  /** ms from the end of a trouble to the first sign that the bot is at work again. */
  recoveries: number[]
  threads: number
}

export interface Scenario {
  name: string
  /** Both, unless said otherwise. */
  queues?: readonly QueueKind[]
  run(stage: Stage): Promise<void>
}

export interface Turn {
  scenario: Scenario
  queue: QueueKind
  seed: number
}

/** How long a thread may take until all is as it should be, ms: many at once take more than a minute on a busy machine. */
const giveUpAfterMs = 180_000

export async function stageOf({ scenario, queue, seed }: Turn): Promise<Notes> {
  const random = randomOf(seed, `${scenario.name} ${queue}`)
  const notes: Notes = { violations: [], recoveries: [], threads: 0 }
  const redis = queue === 'redis' ? await startRedis() : undefined
  const world = await startWorld({
    redisUrl: redis?.url,
    roles: [],
    settings: 'limits: { repository_per_day: 10000, cost_per_day: 10000 }',
    posthog: {
      rate: 'off',
      timing: timingsBy(random),
      stream: { duplicateEvery: random.between(0, 3) },
      afterTurn: random.one(['idles', 'idles', 'ends'] as const),
    },
  })
  try {
    await scenario.run({ world, random, redis, notes })
  } catch (error) {
    notes.violations.push(
      `the scenario broke off: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    if (notes.violations.length > 0)
      keepLogs(world, `reports/chaos/${scenario.name} ${queue} ${seed}`)
    await world.close()
    await redis?.stop()
  }
  return notes
}

function keepLogs({ bots }: World, directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const [index, bot] of bots.entries())
    writeFileSync(`${directory}/bot-${index + 1}.log`, bot.output())
}

/** The agent is sometimes faster and sometimes slower than the bot looks. */
function timingsBy(random: Random) {
  const ms = () => random.between(5, 120)
  return {
    queued: ms(),
    sandbox: ms(),
    clone: ms(),
    agent: ms(),
    work: ms(),
    publish: ms(),
    settle: ms(),
    log: random.between(0, 3_000),
  }
}

/** Waits for all threads to be as they should, then looks once more: what comes twice may come late. */
export async function judge(
  { world, notes }: Stage,
  plays: readonly Play[],
  wait = giveUpAfterMs,
): Promise<void> {
  notes.threads += plays.length
  const judged = async (play: Play): Promise<string[]> => {
    const late = await Promise.race([
      play.goesOn.then(
        () => [],
        (error: Error) => [error.message],
      ),
      new Promise<string[]>(done =>
        setTimeout(done, wait, ['the play did not get to its end']).unref(),
      ),
    ])
    return late.length > 0
      ? [...late, ...(await verdict(world, play, 0))]
      : verdict(world, play, wait)
  }
  const wrong = await Promise.all(plays.map(judged))
  await new Promise(done => setTimeout(done, 1_000))
  for (const [index, play] of plays.entries()) {
    const still = wrong[index]?.length ? wrong[index] : await verdict(world, play, 0)
    if (still.length === 0) continue
    notes.violations.push(
      `#${play.number} ${play.title}: ${still.join('; ')}${troublesOf(world, play)}`,
    )
  }
}

/** What went wrong on the wire for a thread, for whoever reads the violation. */
function troublesOf(world: World, play: Play): string {
  const github = callsAt(world, play).filter(
    ({ status }) => typeof status === 'string' || status >= 500,
  )
  const told = github.map(({ method, path, status }) => `${method} ${path} ${status}`)
  return told.length === 0 ? '' : ` (after ${[...new Set(told)].slice(0, 6).join(', ')})`
}

interface SeenCall {
  at: number
  method: string
  path: string
  status: number | string
}

/** The bot's calls that concern a thread, at both services, in order. */
export function callsAt(world: World, { number, expected }: Play): SeenCall[] {
  const { tasks } = ledgerOf(world, number)
  const commentIds = Object.keys(expected.reactions).filter(at => at !== 'thread')
  const wanted = new RegExp(
    [`/(?:issues|pulls)/${number}(?:/|$)`, ...commentIds.map(id => `/comments/${id}(?:/|$)`)].join(
      '|',
    ),
  )
  const github = world.github.calls
    .filter(({ path }) => wanted.test(path))
    .map(({ method, path, status, at }) => ({ method, path, status, at: Date.parse(at) }))
  const posthog = world.posthog.calls
    .filter(({ path }) => tasks.some(({ taskId }) => path.includes(taskId)))
    .filter(({ route }) => route !== 'stream')
    .map(({ method, path, status, at }) => ({
      method,
      path,
      status: status === 0 ? 'torn' : status,
      at,
    }))
  return [...github, ...posthog].sort((a, b) => a.at - b.at)
}

/** Notes how long after `since` the bot first did something for a thread. */
export function noteRecovery({ world, notes }: Stage, play: Play, since: number): void {
  const first = callsAt(world, play).find(({ at }) => at > since)
  if (first) notes.recoveries.push(first.at - since)
}
