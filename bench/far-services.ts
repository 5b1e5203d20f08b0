/** A world in which GitHub and PostHog are 100 ms away, and the same calls without the bot, one after another. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../emulators/github/ledger.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { startWorld, type World } from '../test/world/world.ts'
import { inRounds, type Row } from './row.ts'

const far = 100
const rounds = 9

/** One thread, in a world where every call takes its time. */
export class Far {
  readonly world: World

  constructor(world: World) {
    this.world = world
    const times = Number.POSITIVE_INFINITY
    world.github.fault({ path: '', times, fault: { kind: 'takes', ms: far } })
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
    const maya = github.as('maya')
    const { number } = await maya.opensIssue({ title: 'Login is flaky', body: 'As said.' })
    await this.#quiet()
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

  /** Until the bot has nothing left to do for those who asked before. */
  async #quiet(): Promise<void> {
    const { github, posthog } = this.world
    await github.settled()
    for (let before = -1; ; ) {
      const calls = github.calls.length + posthog.ledger.length
      if (calls === before) return
      before = calls
      await sleep(1_000)
    }
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
  floor(far: Far): Promise<() => Promise<void>>
  ours(far: Far): Promise<number>
}

/** Both in ms; what has to be prepared for the floor takes no part in it. */
export const timed = ({ name, about, reach, on, floor, ours }: Timed): Row => ({
  name,
  about,
  async measure() {
    const redis = on === 'redis' ? await startRedis() : undefined
    const world = await startWorld({ redisUrl: redis?.url, posthog: { rate: 'off' } })
    try {
      const far = new Far(world)
      // Code that is hot, connections that are open, and what is asked once.
      for (let n = 0; n < 10; n += 1) await ours(far)
      const measured = await inRounds(
        rounds,
        async () => far.time(await floor(far)),
        () => ours(far),
      )
      return { kind: 'time', reach, ...measured }
    } finally {
      await world.close()
      await redis?.stop()
    }
  },
})

let floors = 0
/** A name that is new each time. */
export const fresh = (): string => `floor-${++floors}`
