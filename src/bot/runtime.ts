/** What every process opens, whatever its role: the clock, the log, the queue, and the server that takes webhooks. */
import type { Server } from 'node:http'
import {
  type TriggerRecord,
  triggerFormat,
  triggerIndex,
  triggerRecord,
} from '../commands/trigger-record.ts'
import { type Config, secretsOf } from '../config.ts'
import { failedCheck } from '../core/model/check.ts'
import { second } from '../core/model/time.ts'
import { type Run, runFormat } from '../core/record/run.ts'
import { runIndex } from '../core/record/run-index.ts'
import { everyCall, type TriggerWords, triggerOf } from '../core/settings/deployment-settings.ts'
import { NewestMap } from '../core/text/newest-map.ts'
import { redactor } from '../core/text/redact.ts'
import { followDeploymentFile, withoutFile } from '../deployment-file.ts'
import { appName } from '../github/app-token.ts'
import type { Receive } from '../github/webhooks/event.ts'
import { leavesWithin, turnsOfOwners } from '../github/webhooks/fair-share.ts'
import { probotVerifier } from '../github/webhooks/probot.ts'
import { receiver } from '../github/webhooks/receive.ts'
import { silenceJudge } from '../github/webhooks/silent-comments.ts'
import { webhookEndpoint } from '../github/webhooks/webhook-endpoint.ts'
import { newsSinceLastTime, version } from '../own-package.ts'
import { openQueues, type Queues } from '../queue/open-queues.ts'
import { QueueFull, QueueGone } from '../queue/work-queue.ts'
import type { Readiness } from '../readiness.ts'
import { httpServer, listen, type ReadyPage, type ServerParts } from '../web/http-server.ts'
import { openMetrics } from '../web/metrics.ts'
import { openLog } from '../web/process-log.ts'
import { onceAtATime } from '../web/requests.ts'

/** ms. Less is the way of a response, or a clock of GitHub's that is no better. */
const tolerated = 2 * second

/**
 * The time of this process. It runs by the monotonic clock, which nobody sets, from a moment that GitHub's answers
 * correct: lengths of time stay true while the machine's clock is put forward or back, and moments agree with GitHub's.
 */
export function openClock(wall = Date.now, elapsed = () => performance.now()) {
  let start = wall() - elapsed()
  const now = () => Math.floor(start + elapsed())
  return {
    /** ms since the epoch */
    now,
    /**
     * @param date the `Date` of a response, in whole seconds
     * @param askedAt when it was asked for, by `now`: it was sent between then and now, however late it is read
     */
    setBy(date: unknown, askedAt: number) {
      const from = / GMT$/.test(String(date)) ? Date.parse(String(date)) : Number.NaN
      const [ahead, behind] = [askedAt - (from + second), from - now()]
      if (ahead > tolerated) start -= ahead
      else if (behind > tolerated) start += behind
    },
  }
}

export interface Overrides {
  queue?: { lockDuration: number; stalledInterval: number }
  branchesEvery?: number
}
type BotQueues = Queues<TriggerRecord, Run>

interface ProcessState {
  works: boolean
  readiness?: Readiness
  /** How people mention the App. Until GitHub has said it, that calls nobody. */
  appName?: string | undefined
  /** The addresses of threads in which Codex asked something. */
  asked: Map<string, true>
}

/** Each comment is searched for all of them. */
const maxAskedThreads = 100

export type Runtime = Awaited<ReturnType<typeof openRuntime>>

export async function openRuntime(config: Config, overrides: Overrides) {
  const clock = openClock()
  // BullMQ and the other libraries ask for the time themselves.
  Date.now = clock.now
  const log = await openLog(config.log, redactor(secretsOf(config)))
  for (const stray of config.strays) log.warn({}, stray)
  const { redisUrl, dataDir } = config.queue
  const queues: BotQueues = await patiently(() =>
    openQueues({
      ...config.queue,
      ...overrides.queue,
      triggers: { ...triggerFormat, index: triggerIndex },
      runs: { ...runFormat, index: runIndex },
      log,
    }).catch(error => {
      const isForbidden =
        error instanceof Error && 'code' in error && forbiddenCodes.has(String(error.code))
      if (!isForbidden || redisUrl !== undefined) throw error
      const wrong = `DATA_DIR is ${dataDir}, and this process may not write there`
      throw new Error(`${wrong}: set it to a folder that its user may write to`)
    }),
  )
  const { kind, triggers, runs } = queues
  const news = kind === 'embedded' ? newsSinceLastTime(dataDir) : undefined
  if (news !== undefined) log.info({ version }, news)
  const metrics = openMetrics({
    role: config.role,
    queue: kind,
    queues: { triggers, runs },
    now: clock.now,
  })
  const state: ProcessState = {
    works: config.role === 'web',
    asked: new NewestMap(maxAskedThreads),
  }
  const { path, first } = config.settings
  const settings = path === undefined ? withoutFile(first) : followDeploymentFile(path, first, log)
  metrics.showSettings(() => settings.failed().length === 0)
  const name = appName(config.app, clock.now)
  return {
    config,
    settings,
    queues,
    log,
    metrics,
    state,
    clock,
    triggerOf: (ownerId: number): TriggerWords => ({
      ...triggerOf(settings.settings, ownerId),
      app: state.appName,
      asked: state.asked,
    }),
    /** Asks GitHub for the App's name, if it is not known. It never fails. */
    async learnName() {
      state.appName ??= await name().catch(() => undefined)
    },
  }
}

const forbiddenCodes = new Set(['EACCES', 'EPERM', 'EROFS'])

/** ms. A process that is just ending may still hold the data directory or the port. */
const giveUpAfterMs = 5_000

async function patiently<T>(take: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + giveUpAfterMs; ; ) {
    try {
      return await take()
    } catch (error) {
      if (Date.now() >= deadline) throw error
      await new Promise(resolve => setTimeout(resolve, 250))
    }
  }
}

export async function openServer(runtime: Runtime, admin: ServerParts['admin']): Promise<Server> {
  const { config, settings, log, metrics } = runtime
  const calls = everyCall(settings.settings, () => runtime.state.appName)
  // A comment on a question may be meant as its answer.
  const heeded = () => [...calls(), ...runtime.state.asked.keys()]
  // What arrives is judged by it.
  await runtime.learnName()
  const { id, privateKey, webhookSecret, webhookSecretOld } = config.app
  const endpoint =
    config.role === 'worker' || config.webhooks === 'poll'
      ? undefined
      : webhookEndpoint({
          verify: await probotVerifier({
            id,
            privateKey,
            secrets: [webhookSecret, ...(webhookSecretOld ? [webhookSecretOld] : [])],
          }),
          receive: receiverOf(runtime),
          log,
          meter: metrics.meter,
          came: runtime.queues.deliveries.came,
          isSilent: silenceJudge(heeded),
        })
  const { host, port, metricsToken } = config.server
  const server = httpServer({
    webhookEndpoint: endpoint,
    readiness: onceAtATime(() => readinessOf(runtime)),
    metrics: { page: metrics.page, token: metricsToken },
    // The schemas are loaded only when somebody asks.
    schema: async path => (await import('../settings-schemas.ts')).schemaAt(path),
    admin,
  })
  try {
    const bind = () => listen(server, { host, port })
    const actual = await (endpoint ? patiently(bind) : bind())
    log.info({ host, port: actual }, 'listening')
  } catch (error) {
    if (endpoint) throw error
    log.warn({ err: error }, 'the health pages are not available')
  }
  return server
}

const idle = failedCheck('process', 'the process is starting or stopping', 'Try again in a moment.')
const noQueue = failedCheck(
  'queue',
  'it takes no writes',
  'Look at the log of the bot, and at Redis or the disk.',
)

export async function readinessOf({ queues, settings, state }: Runtime): Promise<ReadyPage> {
  const { works, readiness } = state
  if (!works || !readiness) return { ready: false, failed: [idle] }
  const queue = await queues.ready(2_000).then(
    () => [],
    error => {
      const isKnown = error instanceof QueueGone || error instanceof QueueFull
      return [isKnown ? failedCheck('queue', error.message, error.fix) : noQueue]
    },
  )
  const others = readiness.failed().filter(({ name }) => name !== 'queue' || queue.length === 0)
  return {
    ready: readiness.isReady() && queue.length === 0,
    failed: [...settings.failed(), ...others, ...queue],
  }
}

export function receiverOf({ config, triggerOf, queues, log }: Runtime): Receive {
  const rankOf = turnsOfOwners(Date.now)
  return receiver({
    log,
    mayLeave: leavesWithin(Date.now),
    redact: redactor(secretsOf(config)),
    triggerOf,
    async enqueue(trigger) {
      const [record, rank] = [triggerRecord(trigger), rankOf(trigger)]
      const { outcome } = await queues.triggers.add(trigger.id, record, undefined, undefined, rank)
      return outcome === 'added' ? 'added' : 'known'
    },
  })
}
