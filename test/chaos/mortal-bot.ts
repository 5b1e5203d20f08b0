/** A bot that dies on cue, and is brought back until told otherwise. */
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'
import { type Bot, spawnBot } from '../world/bot.ts'
import type { World } from '../world/world.ts'
import { type CrashPoint, deathAt } from './crash-points.ts'

/** Short, so that the heir of a dead process need not wait long. */
export const timing = { lockMs: 1_000, stalledMs: 500 }

const main = fileURLToPath(new URL('./mortal-main.js', import.meta.url))

/** None outlives us, however we go. */
const alive = new Set<Bot>()
process.on('exit', () => {
  for (const bot of alive) bot.signal('SIGKILL')
})

export interface Cue {
  point: CrashPoint
  nth?: number
}

interface Options {
  cue?: Cue | undefined
  env?: Record<string, string>
}

export async function spawnMortal(world: World, { cue, env = {} }: Options = {}): Promise<Bot> {
  const times = { LOCK_MS: String(timing.lockMs), STALLED_MS: String(timing.stalledMs) }
  const all = { ...world.env, ...times, ...(cue ? crashAt(cue) : {}), ...env }
  const bot = spawnBot(all, await freePort(), tmpdir(), { args: [main] })
  alive.add(bot)
  const cancel = cue && diesAt(world, cue, () => bot.signal('SIGKILL'))
  void bot.exited.then(() => {
    alive.delete(bot)
    cancel?.()
  })
  world.bots.push(bot)
  return bot
}

function crashAt({ point, nth = 1 }: Cue): { CRASH_AT?: string } {
  const { when, call } = deathAt(point)
  return 'queue' in call ? { CRASH_AT: `${when} ${call.queue}:${nth}` } : {}
}

/** A dead process gets no answer, whether its call has done its work or not. @returns what calls it off */
function diesAt(
  { github, posthog }: World,
  { point, nth = 1 }: Cue,
  kill: () => void,
): (() => void) | undefined {
  const { when, call } = deathAt(point)
  const how = {
    after: nth - 1,
    struck: kill,
    fault: { kind: 'reset', store: when === 'after' },
  } as const
  if ('queue' in call) return undefined
  const armed =
    'github' in call
      ? github.fault({ ...call.github, ...how })
      : posthog.fault({ method: 'POST', ...(call.posthog && { route: call.posthog }), ...how })
  return () => armed.cancel()
}

/**
 * Brings the one bot of a world up, and GitHub's failed deliveries with it, as GitHub's operators would: nothing is
 * redelivered by itself. One that reads the log of deliveries has no address.
 */
export async function bringUp(world: World, cue?: Cue): Promise<Bot> {
  const bot = await spawnMortal(world, { cue })
  // It may be dead before it could say that it is ready.
  const ready = await Promise.race([bot.ready().then(() => true), bot.exited.then(() => false)])
  if (!ready || world.env.WEBHOOKS === 'poll') return bot
  world.github.webhooks.target = `${bot.url}/api/github/webhooks`
  redeliverFailed(world)
  return bot
}

/** Those events of which no delivery went well, under their own ids. */
export function redeliverFailed({ github }: World): void {
  const { deliveries } = github.webhooks
  const done = new Set(deliveries.filter(({ status }) => status === 'OK').map(({ guid }) => guid))
  const again = new Map(
    deliveries.filter(({ guid }) => !done.has(guid)).map(({ guid, id }) => [guid, id]),
  )
  for (const id of again.values()) github.webhooks.redeliver(id)
}

/** @returns ms until it died, or undefined if it did not within `patience` */
export async function died(bot: Bot, patience: number): Promise<number | undefined> {
  const began = Date.now()
  const late = new AbortController()
  const timer = once(late.signal, 'abort')
  const clock = setTimeout(() => late.abort(), patience)
  const exit = await Promise.race([
    bot.exited.then(code => ({ code })),
    timer.then(() => undefined),
  ])
  clearTimeout(clock)
  // Whoever is killed has no code: a bot that gives up by itself has not died on cue.
  if (exit && exit.code !== null) throw new Error(`the bot ended by itself:\n${bot.output()}`)
  return exit && Date.now() - began
}
