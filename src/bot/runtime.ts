import type { Logger } from 'pino'
import { type TriggerRecord, triggerFormat, triggerIndex } from '../commands/trigger-record.ts'
import { type Config, secretsOf } from '../config.ts'
import type { Reached } from '../core/model/crash-points.ts'
import { type Run, runFormat } from '../core/run/run.ts'
import { runIndex } from '../core/run/run-index.ts'
import { redactor } from '../core/text/redact.ts'
import { type FollowedFile, followDeploymentFile } from '../deployment-file.ts'
import { openQueues } from '../queue/open-queues.ts'
import type { Queues } from '../queue/work-queue.ts'
import type { Readiness } from '../readiness.ts'
import { type Metrics, openMetrics } from '../web/metrics.ts'
import { openLog } from '../web/process-log.ts'
import { openTraces, type Traces } from '../web/traces.ts'
import { type Clock, openClock } from './clock.ts'

export interface Overrides {
  queue?: { lockDuration: number; stalledInterval: number }
  reached?: Reached
  branchesEvery?: number
}
type BotQueues = Queues<TriggerRecord, Run>

interface State {
  works: boolean
  readiness?: Readiness
}

export interface Runtime {
  config: Config
  settings: FollowedFile
  queues: BotQueues
  log: Logger
  metrics: Metrics
  traces: Traces
  state: State
  clock: Clock
}

export async function openRuntime(config: Config, overrides: Overrides): Promise<Runtime> {
  const clock = openClock()
  // BullMQ and the other libraries ask for the time themselves.
  Date.now = clock.now
  const log = await openLog(config.log, redactor(secretsOf(config)))
  const traces = await openTraces(config.traces)
  const queues: BotQueues = await patiently(() =>
    openQueues({
      ...config.queue,
      traced: config.traces.endpoint !== undefined,
      ...overrides.queue,
      triggers: { ...triggerFormat, index: triggerIndex },
      runs: { ...runFormat, index: runIndex },
      log,
    }),
  )
  const { kind, triggers, runs } = queues
  const metrics = openMetrics({ role: config.role, queue: kind, queues: { triggers, runs }, now: clock.now })
  const state: State = { works: config.role === 'web' }
  const settings = followed(config.settings, log)
  return { config, settings, queues, log, metrics, traces, state, clock }
}

const followed = ({ path, first }: Config['settings'], log: Logger): FollowedFile =>
  path === undefined ? { settings: first, close() {} } : followDeploymentFile(path, first, log)

/** ms. A process that is just ending may still hold the data directory or the port. */
const giveUpAfterMs = 5_000

export async function patiently<T>(take: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + giveUpAfterMs; ; ) {
    try {
      return await take()
    } catch (error) {
      if (Date.now() >= deadline) throw error
      await new Promise(resolve => setTimeout(resolve, 250))
    }
  }
}
