import type { Server } from 'node:http'
import { type Overrides, openRuntime, openServer, type Runtime, receiverOf } from './bot/runtime.ts'
import { type Config, secretsOf } from './config.ts'
import { type Check, redactedCheck } from './core/model/check.ts'
import { redactor } from './core/text/redact.ts'
import type { Receive } from './github/webhooks/webhook-endpoint.ts'
import { checkQueue } from './queue/open-queues.ts'
import { watchReadiness } from './readiness.ts'
import { closeServer } from './web/http-server.ts'

export const grace = 8_000

export interface Started {
  stop(signal: string): Promise<void>
}

export async function startBot(config: Config, overrides: Overrides = {}): Promise<Started> {
  const runtime = await openRuntime(config, overrides)
  const server = await openServer(runtime, await adminOf(runtime))
  return goOnWith(runtime, overrides, server)
}

export async function startBehind(
  config: Config,
): Promise<Started & { receive: Receive; ready(): Promise<void> }> {
  const runtime = await openRuntime(config, {})
  const started = await goOnWith(runtime, {}, undefined)
  return { ...started, receive: receiverOf(runtime), ready: () => ready(runtime) }
}

async function goOnWith(
  runtime: Runtime,
  overrides: Overrides,
  server: Server | undefined,
): Promise<Started> {
  const { config, queues, log, state } = runtime
  const work = config.role === 'web' ? undefined : await startWorkOf(runtime, overrides)
  state.works = true
  state.readiness = watchReadiness({
    examine: () => examineStart(config),
    examineDeliveries: () => examineDeliveries(config),
    log,
    ready: () => log.info({ role: config.role, queue: queues.kind }, 'ready'),
  })
  return { stop: signal => stopBot({ signal, runtime, server, work }) }
}

async function adminOf(runtime: Runtime) {
  if (runtime.config.server.adminToken === undefined) return undefined
  const { openAdmin } = await import('./bot/open-admin.ts')
  return openAdmin(runtime, runtime.config.server.adminToken)
}

async function startWorkOf(runtime: Runtime, overrides: Overrides) {
  const { startWork } = await import('./bot/start-work.ts')
  return startWork(runtime, overrides)
}

async function examineStart(config: Config): Promise<Check[]> {
  const redact = redactor(secretsOf(config))
  if (config.role === 'web') return [redactedCheck(await checkQueue(config.queue), redact)]
  const { examineAtStart } = await import('./doctor.ts')
  return examineAtStart(config, redact)
}

async function examineDeliveries(config: Config): Promise<Check[]> {
  if (config.role === 'web') return []
  const { examineDeliveries } = await import('./doctor.ts')
  return examineDeliveries(config, redactor(secretsOf(config)))
}

async function ready({ state, queues }: Pick<Runtime, 'state' | 'queues'>): Promise<void> {
  if (!state.works) throw new Error('it does not do its work')
  await queues.ready(2_000)
}

interface Stopping {
  signal: string
  runtime: Runtime
  server: Server | undefined
  work: { close(): void } | undefined
}

async function stopBot({ signal, runtime, server, work }: Stopping): Promise<void> {
  const { state, log, queues, traces, settings } = runtime
  state.works = false
  state.readiness?.close()
  log.info({ signal }, 'stopping')
  work?.close()
  settings.close()
  if (server) await closeServer(server, 2_000)
  await queues.close(grace - 2_000)
  await traces.close(500)
  log.info({}, 'stopped')
}
