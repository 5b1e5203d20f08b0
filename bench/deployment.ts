/** A deployment on Redis, whose owners have a PostHog each, where agents work quietly. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TriggerRecord, triggerFormat, triggerIndex } from '../src/commands/trigger-record.ts'
import { type Thread, threadSlot } from '../src/core/model/thread.ts'
import { newRun, type Run, runFormat } from '../src/core/record/run.ts'
import { runIndex } from '../src/core/record/run-index.ts'
import { openQueues, type Queues } from '../src/queue/open-queues.ts'
import { branch, issueThread, taskRun, working } from '../test/core/given.ts'
import { type RedisServer, startRedis } from '../test/support/redis-server.ts'
import type { Bot } from '../test/world/bot.ts'
import { startWorld, type World } from '../test/world/world.ts'
import { startServer } from './child.ts'

/** A PostHog lets so many be looked at and streamed at once; more would wait for their turn. */
export const perOwner = 200

type Filled = Queues<TriggerRecord, Run>

interface Deployment {
  redis: RedisServer
  world: World
  start(role: 'web' | 'worker'): Promise<Bot>
  /** Has work put into the queue, as a process would that was there before. */
  fill(fill: (queues: Filled) => Promise<void>): Promise<void>
  close(): Promise<void>
}

export async function startDeployment(count: number): Promise<Deployment> {
  const redis = await startRedis('--appendfsync', 'everysec')
  const world = await startWorld({ redisUrl: redis.url, roles: [] })
  const services = await startServer('quiet-services.ts', world.github.url)
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  const file = join(folder, 'settings.yml')
  const url = `http://127.0.0.1:${services.port}`
  const owners = Array.from({ length: count }, (_, n) => n)
  const lines = owners.flatMap(n => [
    `  ${n + 1}:`,
    `    posthog: { host: ${url}, project_id: ${n + 1}, api_key_env: KEY_OF_${n} }`,
  ])
  await writeFile(file, ['owners:', ...lines, ''].join('\n'))
  const keys = Object.fromEntries(owners.map(n => [`KEY_OF_${n}`, `phx_a_key_for_the_owner_${n}`]))
  const env = { GITHUB_API_URL: url, POSTHOG_HOST: url, SETTINGS_FILE: file, ...keys }
  return {
    redis,
    world,
    start: role => world.startBot(role, env),
    fill: fill => filled({ redisUrl: redis.url, dataDir: folder }, fill),
    async close() {
      await world.close()
      services.stop()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function filled(
  place: { redisUrl: string; dataDir: string },
  fill: (queues: Filled) => Promise<void>,
): Promise<void> {
  const queues: Filled = await openQueues({
    ...place,
    triggers: { ...triggerFormat, index: triggerIndex },
    runs: { ...runFormat, index: runIndex },
  })
  try {
    await fill(queues)
  } finally {
    await queues.close(1_000)
  }
}

/** Runs that are under way, as an earlier worker left them. */
export const followedRuns =
  (count: number) =>
  async ({ runs }: Filled): Promise<void> => {
    for (let from = 0; from < count; from += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, count - from) }, (_, n) => {
          const run = underWay(from + n)
          return runs.add(run.id, run, threadSlot(run.thread))
        }),
      )
  }

function threadOf(place: number, number: number): Thread {
  const owner = `owner-${place}`
  const url = `https://github.com/${owner}/shop/issues/${number}`
  return {
    ...issueThread,
    installationId: place + 1,
    owner,
    ownerId: place + 1,
    repoId: 1_000 + place,
    number,
    url,
  }
}

const body =
  'The login test fails every third time on CI. It waits 500 ms for a token that takes longer. '.repeat(
    8,
  )

/** One whose agent was started just now, in a thread of its own. */
function underWay(n: number): Run {
  const at = Date.now()
  const thread = threadOf(Math.floor(n / perOwner), 1 + (n % perOwner))
  const { thread: _, ...usual } = working()
  const id = String(n).padStart(12, '0')
  return newRun({
    ...usual,
    id: `run-comment-${100_000 + n}`,
    thread,
    request: { ...usual.request, at },
    baseline: { ...usual.baseline, snapshot: { ...usual.baseline.snapshot, body } },
    schedule: { admitted: true, admissionExpectedAt: at },
    workspace: {
      ...usual.workspace,
      branch: { ...branch, name: `codex/issue-${thread.number}-login-is-flaky` },
    },
    session: {
      ...usual.session,
      taskId: `00000000-0000-4000-8000-${id}`,
      taskRun: { ...taskRun, id: `00000000-0000-4000-9000-${id}`, since: at, changedAt: at },
    },
    report: { status: { commentId: 500_000 + n, hash: 'before', phase: 'working', at } },
  })
}

/** Until the worker has opened the streams of all of them, and done what it does after a first look. */
export async function settled(worker: Bot, runs: number): Promise<void> {
  for (let last = -1; ; ) {
    const open = await openStreams(worker)
    if (open >= runs && open === last) return
    last = open
    await sleep(2_000)
  }
}

async function openStreams({ url }: Bot): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text()
  return Number(/^codex_bot_streams_open (\d+)/m.exec(page)?.[1] ?? 0)
}
