/** A world in which GitHub and PostHog are 100 ms away, and the same calls without the bot, one after another. */
import type { Call } from '../emulators/github/ledger.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { startWorld, type World } from '../test/world/world.ts'
import { inRounds, type Measured, type Row } from './row.ts'

const far = 100
const rounds = 9

/** One thread, in a world where every call takes its time. */
export class Far {
  readonly world: World
  readonly #first: boolean
  #repositories = 0
  repository: string

  constructor(world: World, first: boolean) {
    this.world = world
    this.#first = first
    this.repository = world.github.repository
    const times = Number.POSITIVE_INFINITY
    // What is asked of theo is not answered in some of them.
    world.github.fault({ path: /^(?!.*\/theo\/)/, times, fault: { kind: 'takes', ms: far } })
    world.posthog.fault({ times, fault: { kind: 'delay', ms: far } })
  }

  /** How long a person's calls take from as far away, in ms. */
  async time(calls: () => Promise<void>): Promise<number> {
    const all = { path: '', times: Number.POSITIVE_INFINITY, actor: 'any' } as const
    const slow = this.world.github.fault({ ...all, fault: { kind: 'takes', ms: far } })
    const began = performance.now()
    await calls().finally(() => slow.cancel())
    return performance.now() - began
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { url } = this.world.github
    return this.#fetch(url + path, { method, authorization: 'token token-of-olga', body })
  }

  async callPostHog(method: string, path: string, body?: unknown): Promise<unknown> {
    const { url, projectId, apiKey } = this.world.posthog
    const authorization = `Bearer ${apiKey}`
    return this.#fetch(`${url}/api/projects/${projectId}/${path}`, { method, authorization, body })
  }

  async #fetch(
    url: string,
    { method, authorization, body }: { method: string; authorization: string; body: unknown },
  ): Promise<unknown> {
    const headers = { authorization, 'content-type': 'application/json' }
    const given = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(url, { method, headers, ...given })
    if (!response.ok)
      throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  /** An issue with a command, which the bot hears of only when it is told: ms since the epoch. */
  async asks(words: string): Promise<{ number: number; told: number }> {
    const { github } = this.world
    if (this.#first) this.repository = await github.addRepo('acme', `shop-${++this.#repositories}`)
    const maya = github.as('maya', this.repository)
    const { number } = await maya.opensIssue({ title: 'Login is flaky', body: 'As said.' })
    await github.settled()
    github.webhooks.mode = { kind: 'paused' }
    await maya.comments(number, words)
    await github.waitFor(() => github.webhooks.held > 0)
    await github.settled()
    github.webhooks.mode = { kind: 'normal' }
    github.forgetCalls()
    const told = Date.now()
    await github.webhooks.flush()
    return { number, told }
  }

  /** The first call of the bot that fits. */
  called(fits: (call: Call) => boolean): Promise<Call> {
    return this.world.github.waitFor(() => this.world.github.calls.find(fits))
  }
}

interface Timed {
  name: string
  about: string
  reach: number
  on: 'redis' | 'embedded'
  /** In a repository that the bot has not met. */
  first?: true
  /** What is so before the first round. */
  prepare?(far: Far): Promise<void>
  floor(far: Far): Promise<() => Promise<void>>
  ours(far: Far): Promise<number>
}

/** Both in ms; what has to be prepared for the floor takes no part in it. */
export const timed = ({ name, about, reach, on, first, prepare, floor, ours }: Timed): Row => ({
  name,
  about,
  measure: () =>
    inFar(on, first === true, async far => {
      // Code that is hot, connections that are open, and what is asked once.
      for (let n = 0; n < 3; n += 1) await ours(far)
      await prepare?.(far)
      return {
        kind: 'time',
        reach,
        ...(await inRounds(
          rounds,
          async () => far.time(await floor(far)),
          () => ours(far),
        )),
      }
    }),
})

export async function inFar(
  on: Timed['on'],
  first: boolean,
  measure: (far: Far) => Promise<Measured>,
): Promise<Measured> {
  const redis = on === 'redis' ? await startRedis() : undefined
  const world = await startWorld({ redisUrl: redis?.url, posthog: { rate: 'off' } })
  try {
    return await measure(new Far(world, first))
  } finally {
    await world.close()
    await redis?.stop()
  }
}

let floors = 0
/** A name that is new each time. */
export const fresh = (): string => `floor-${++floors}`
