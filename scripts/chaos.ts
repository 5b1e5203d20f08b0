/**
 * Real processes, a real Redis or the embedded queue, and emulators that break on cue, whose ledgers are the judge.
 * Prints a table and `0 violations`, or each violation with its seed and the command that has it again.
 */
import { setMaxListeners } from 'node:events'
import { parseArgs } from 'node:util'
import { bundle } from '../test/bundle.ts'
import {
  alwaysCrashes,
  commandCrashes,
  everyPoint,
  heirAtHand,
  twentyDeaths,
} from '../test/chaos/scenarios/crashes.ts'
import { frozenWorker } from '../test/chaos/scenarios/freezes.ts'
import { blockedMeanwhile, burstAtLimit, heldAtZero } from '../test/chaos/scenarios/holds.ts'
import { queueLost, queueRestored, twin } from '../test/chaos/scenarios/losses.ts'
import { lostByGitHub, lostByPostHog } from '../test/chaos/scenarios/lost-answers.ts'
import {
  gitHubFull,
  gitHubSaysNothing,
  postHogFull,
  redisAway,
} from '../test/chaos/scenarios/outages.ts'
import { rollingRestarts } from '../test/chaos/scenarios/restarts.ts'
import { diskFull, starved } from '../test/chaos/scenarios/shortages.ts'
import { polled, unrulyWebhooks } from '../test/chaos/scenarios/webhooks.ts'
import { stageOf, type Turn } from '../test/chaos/stage.ts'
import { redisAvailable } from '../test/support/redis-server.ts'
import type { QueueKind } from '../test/world/world.ts'
import { Score } from './chaos/score.ts'

const usage = `npm run chaos                    every scenario, 20 seeds, both queues
  --seeds N                        so many seeds
  --seed N                         this seed alone
  --minutes N                      every scenario once, then what can be done in so many minutes: each seed on one queue in turn
  --queue redis|embedded|both
  --only TEXT                      scenarios with this in their name; may be given several times
  --lanes N                        so many worlds at a time, 2 unless told
`

/** The longest first, so that the others run beside it; then the short ones. */
const scenarios = [
  lostByGitHub,
  heirAtHand,
  frozenWorker,
  redisAway,
  unrulyWebhooks,
  polled,
  starved,
  diskFull,
  gitHubFull,
  queueLost,
  queueRestored,
  twin,
  blockedMeanwhile,
  heldAtZero,
  burstAtLimit,
  rollingRestarts,
  everyPoint,
  lostByPostHog,
  twentyDeaths,
  alwaysCrashes,
  commandCrashes,
  postHogFull,
  gitHubSaysNothing,
]

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    queue: { type: 'string', default: 'both' },
    only: { type: 'string', multiple: true, default: [''] },
    lanes: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || !['redis', 'embedded', 'both'].includes(values.queue)) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}

await bundle()
const began = Date.now()
const limit =
  values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000
const seeds =
  values.seed === undefined
    ? Array.from({ length: Number(values.seeds) }, (_, n) => n + 1)
    : [Number(values.seed)]
const both: readonly QueueKind[] = ['redis', 'embedded']
const withRedis = redisAvailable()
const wanted = (queue: QueueKind): boolean =>
  (values.queue === 'both' || values.queue === queue) && (queue === 'embedded' || withRedis)

const turns = seeds.flatMap(seed =>
  scenarios
    .filter(({ name }) => values.only.some(text => name.includes(text)))
    .flatMap((scenario, index) =>
      queuesOf((scenario.queues ?? both).filter(wanted), seed + index).map(queue => ({
        scenario,
        queue,
        seed,
      })),
    ),
)

if (turns.length === 0) {
  process.stdout.write(
    `no scenario is called ${values.only.join(' or ')}, or it needs another queue\n`,
  )
  process.exit(2)
}

/** In a short run each seed has one queue, so that every scenario comes up. */
function queuesOf(queues: readonly QueueKind[], turn: number): readonly QueueKind[] {
  const [queue] = queues.length > 1 ? [queues[turn % queues.length]] : queues
  return Number.isFinite(limit) && queue ? [queue] : queues
}

// Several worlds, each with servers that hang on one signal.
setMaxListeners(0)
process.setMaxListeners(0)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    process.stdout.write(
      `${score.table(scenarios.map(({ name }) => name))}cut short by ${signal}\n`,
    )
    process.exit(1)
  })

const score = new Score()
await Promise.all(Array.from({ length: Number(values.lanes) }, lane))
process.stdout.write(score.table(scenarios.map(({ name }) => name)))
process.exit(score.violations.length === 0 ? 0 : 1)

/** One world after another. Those of the first seed are always played, later ones if they will likely be over in time. */
async function lane(): Promise<void> {
  for (let turn = turns.shift(); turn; turn = turns.shift()) {
    const left = limit - (Date.now() - began)
    if (turn.seed === seeds[0] || left >= score.usualMs(turn.scenario.name)) await play(turn)
  }
}

async function play(turn: Turn): Promise<void> {
  const from = Date.now()
  const messages = await stageOf(turn)
  score.add(turn, { ...messages, ms: Date.now() - from })
  const wrong = messages.violations.map(what => `    ✗ ${what}\n`).join('')
  const took = `${Math.round((Date.now() - from) / 1000)} s`
  process.stdout.write(
    `${wrong ? '✗' : '✓'} ${turn.scenario.name} · ${turn.queue} · seed ${turn.seed} · ${took}\n${wrong}`,
  )
}
