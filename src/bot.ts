/** The composition root of a running bot: opens the edges, joins them to the flows, starts and stops them. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { Logger } from 'pino'
import { Probot } from 'probot'
import { SmeeClient } from 'smee-client'
import { openLog } from './admin/log.ts'
import { closeServer, httpServer, listen, webhookPath } from './admin/server.ts'
import { type Config, secretsOf } from './config.ts'
import { markerSigner } from './core/marker.ts'
import { redactor } from './core/redact.ts'
import { Run, type Session } from './core/run.ts'
import { acceptTrigger } from './flow/accept-trigger.ts'
import { advanceRun } from './flow/advance-run.ts'
import type { Reached } from './flow/crash-points.ts'
import { TriggerRecord, triggerRecord } from './flow/trigger-record.ts'
import { gitHubApp } from './github/client.ts'
import { openDoor } from './github/door.ts'
import { gitHubThread } from './github/threads.ts'
import { type StreamWatch, watchRuns } from './posthog/stream.ts'
import { postHogTasks } from './posthog/tasks.ts'
import { openQueues } from './queue/open-queues.ts'
import type { Queues } from './queue/work-queue.ts'

/** The label that starts a run. */
const label = 'codex'

/** Everything stops within this, whatever hangs. */
export const grace = 8_000

export interface Started {
  stop(signal: string): Promise<void>
}

/** What only a build for tests sets. */
export interface Overrides {
  queue?: { lockDuration: number; stalledInterval: number }
  reached?: Reached
}

type BotQueues = Queues<TriggerRecord, Run>

export async function startBot(config: Config, overrides: Overrides = {}): Promise<Started> {
  const log = await openLog(config.log, redactor(secretsOf(config)))
  const queues: BotQueues = await openQueues({
    ...config.queue,
    ...overrides.queue,
    parseTrigger: value => TriggerRecord.parse(value),
    parseRun: value => Run.parse(value),
    log,
  })
  const server = await openServer(config, queues, log)
  const work = config.role === 'web' ? undefined : await startWork(config, queues, log, overrides)
  log.info({ role: config.role, queue: queues.kind }, 'ready')
  return { stop: signal => stopBot({ signal, log, server, queues, stream: work?.stream }) }
}

interface Stopping {
  signal: string
  log: Logger
  server: Server
  queues: BotQueues
  stream: StreamWatch | undefined
}

async function stopBot({ signal, log, server, queues, stream }: Stopping): Promise<void> {
  log.info({ signal }, 'stopping')
  stream?.close()
  await closeServer(server, 2_000)
  await queues.close(grace - 2_000)
  log.info({}, 'stopped')
}

async function openServer(config: Config, queues: BotQueues, log: Logger): Promise<Server> {
  const door = config.role === 'worker' ? undefined : await doorOf(config, queues, log)
  const server = httpServer({ door, ready: () => queues.ping(2_000) })
  const { host, port, proxyUrl } = config.server
  try {
    const actual = await listen(server, { host, port })
    log.info({ host, port: actual }, 'listening')
    if (proxyUrl !== undefined && door) await proxy(proxyUrl, `http://${host}:${actual}${webhookPath}`, log)
  } catch (error) {
    // A worker beside a web process on one machine needs no pages of its own.
    if (door) throw error
    log.warn({ err: error }, 'no health pages')
  }
  return server
}

const proxy = (source: string, target: string, log: Logger): Promise<unknown> =>
  new SmeeClient({ source, target, logger: log }).start()

function doorOf(config: Config, queues: BotQueues, log: Logger) {
  const { id, privateKey, webhookSecret } = config.app
  const probot = new Probot({ appId: id, privateKey, secret: webhookSecret, log })
  return openDoor({
    probot,
    log,
    redact: redactor(secretsOf(config)),
    ours: { label, appId: id },
    enqueue: async trigger => {
      const { outcome } = await queues.triggers.add(trigger.id, triggerRecord(trigger))
      return outcome === 'added' ? 'added' : 'known'
    },
  })
}

/** Joins PostHog's stream, which knows task runs, to the Runs that are to look. */
function newsFor(config: Config, queues: BotQueues, log: Logger) {
  const runs = new Map<string, string>()
  const stream = watchRuns(config.posthog, {
    log,
    onNews: taskRunId => queues.runs.wake(runs.get(taskRunId) ?? ''),
  })
  return {
    stream,
    watch(session: Session, runId: string): boolean {
      runs.set(session.taskRunId, runId)
      stream.watch(session)
      return true
    },
    unwatch(taskRunId: string): void {
      runs.delete(taskRunId)
      stream.unwatch(taskRunId)
    },
  }
}

async function startWork(
  config: Config,
  queues: BotQueues,
  log: Logger,
  { reached = () => {} }: Overrides,
): Promise<{ stream: StreamWatch }> {
  const now = Date.now
  const redact = redactor(secretsOf(config))
  const app = gitHubApp(
    { appId: config.app.id, privateKey: config.app.privateKey, apiUrl: config.app.apiUrl },
    now,
  )
  const shared = {
    github: (thread: Run['thread']) => gitHubThread(app, thread, { now, redact }),
    posthog: postHogTasks(config.posthog, { now, redact }),
    signer: markerSigner(config.app.webhookSecret),
    log,
    now,
    reached,
  }
  const news = newsFor(config, queues, log)
  const deployment = { posthogUrl: config.posthog.host, posthogProject: config.posthog.projectId }
  const accept = acceptTrigger({
    ...shared,
    deployment,
    runs: queues.runs,
    waiting: queues.triggers,
    defaults: config.run,
    label,
  })
  const advance = advanceRun({
    ...shared,
    deployment,
    liveRuns: () => queues.runs.liveCount(),
    others: async since => (await Promise.all([queues.runs.live(), queues.runs.recentlyEnded(since)])).flat(),
    stream: news,
    userToken: config.posthog.userToken,
    fence: () => randomBytes(8).toString('hex'),
  })
  await queues.triggers.work(accept, { concurrency: 20 })
  await queues.runs.work(advance, { concurrency: 50 })
  return { stream: news.stream }
}
