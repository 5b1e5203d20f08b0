/** How soon the first admin page begins and is whole, where 3,000 runs are known: one process that does all. */

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { liveSet } from '../src/core/model/ports.ts'
import { changed, type Outcome, type Run } from '../src/core/record/run.ts'
import { pull } from '../test/core/given.ts'
import { type Filled, followedRuns, settled, startDeployment, underWay } from './deployment.ts'
import { median, type Row } from './row.ts'
import { latencies, webhookRequest } from './webhook-load.ts'

const live = 50
const ended = 2_950
const samples = 40
const commandsPerSecond = { redis: 50, embedded: 10 }
const token = 'opens the admin pages of this bench, of 32 letters'

const outcomes: readonly Outcome[] = [
  { kind: 'pull' },
  { kind: 'answer' },
  { kind: 'nothing' },
  {
    kind: 'failed',
    class: 'agent',
    reason: 'the usage limit was reached',
    fix: 'Try again later.',
  },
]

/** The last of them two minutes ago, the first four days: a bad week. */
function over(n: number): Run {
  const run = underWay(live + n)
  const concludedAt = Date.now() - (n + 1) * 120_000
  const outcome = outcomes[n % outcomes.length] ?? { kind: 'answer' }
  return changed(run, {
    request: { ...run.request, at: concludedAt - 600_000 },
    session: { cost: 0.25 },
    result: { outcome, concludedAt, pulls: outcome.kind === 'pull' ? [pull] : [] },
  })
}

const endedRuns =
  (count: number) =>
  async ({ runs }: Filled): Promise<void> => {
    for (let from = 0; from < count; from += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const run = over(from + n)
          return runs.add(run.id, run)
        }),
      )
    await runs.work(async () => ({ kind: 'end' }), { concurrency: 50 })
    while ((await runs.query([{ kind: 'count', set: liveSet }]))[0]) await sleep(100)
  }

interface Took {
  first: number
  last: number
}

async function open(url: string): Promise<Took> {
  const began = performance.now()
  const asking = request(`${url}/admin/`, {
    headers: { authorization: `Bearer ${token}` },
    agent: false,
  })
  asking.end()
  const [response]: IncomingMessage[] = await once(asking, 'response')
  if (response?.statusCode !== 200) throw new Error(`answered ${response?.statusCode}`)
  const first = performance.now() - began
  await once(response.resume(), 'end')
  return { first, last: performance.now() - began }
}

/** One after another, as somebody looks. */
async function opened(url: string): Promise<Took[]> {
  const all: Took[] = []
  for (let n = 0; n < samples; n += 1) {
    all.push(await open(url))
    await sleep(100)
  }
  return all
}

const usual = (all: readonly Took[], of: keyof Took): number => median(all.map(took => took[of]))

const adminOn = (on: 'redis' | 'embedded'): Row => ({
  name: on === 'redis' ? 'admin' : 'admin-embedded',
  about: `first admin page of a bot that follows ${live} runs and has ended ${ended}, ms; ${on}`,
  async measure() {
    const deployment = await startDeployment({ owners: 1, on })
    try {
      await deployment.fill(endedRuns(ended))
      await deployment.fill(followedRuns(live))
      const bot = await deployment.start('all', { ADMIN_TOKEN: token })
      await settled(bot, live)
      await open(bot.url)
      const quiet = await opened(bot.url)
      const secret = String(deployment.world.env.WEBHOOK_SECRET)
      const target = { port: bot.port, path: '/api/github/webhooks', secret }
      const commands = Array.from({ length: commandsPerSecond[on] * 10 }, () =>
        webhookRequest(target, true),
      )
      const [busy] = await Promise.all([
        opened(bot.url),
        latencies(target, commands, commandsPerSecond[on]),
      ])
      return {
        kind: 'bounds',
        each: {
          'first byte': { ours: usual(quiet, 'first'), reach: 100 },
          whole: { ours: usual(quiet, 'last'), reach: 100 },
          [`first byte, ${commandsPerSecond[on]} commands a second`]: {
            ours: usual(busy, 'first'),
            reach: 200,
          },
          'whole then': { ours: usual(busy, 'last'), reach: 200 },
        },
      }
    } finally {
      await deployment.close()
    }
  },
})

export const adminRedis = adminOn('redis')
export const adminEmbedded = adminOn('embedded')
