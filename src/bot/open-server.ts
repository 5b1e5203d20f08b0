import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { found } from '../core/model/check.ts'
import { QueueGone } from '../queue/work-queue.ts'
import { httpServer, listen, type ReadyPage, webhookPath } from '../web/http-server.ts'
import { webhookEndpointOf } from './receiving.ts'
import { patiently, type Runtime } from './runtime.ts'

export async function openServer(runtime: Runtime): Promise<Server> {
  const { config, log, metrics } = runtime
  const webhookEndpoint = config.role === 'worker' ? undefined : webhookEndpointOf(runtime)
  const server = httpServer({
    webhookEndpoint,
    readiness: () => readinessOf(runtime),
    metrics: { page: metrics.page, token: config.server.metricsToken },
  })
  const { host, port, proxyUrl } = config.server
  try {
    const actual = await (webhookEndpoint
      ? patiently(() => listen(server, { host, port }))
      : listen(server, { host, port }))
    log.info({ host, port: actual }, 'listening')
    if (proxyUrl !== undefined && webhookEndpoint)
      await proxy(proxyUrl, `http://${isIPv6(host) ? `[${host}]` : host}:${actual}${webhookPath}`, log)
  } catch (error) {
    if (webhookEndpoint) throw error
    log.warn({ err: error }, 'no health pages')
  }
  return server
}

const idle = found('process', 'it begins or ends its work', 'Ask again in a moment.')
const noQueue = found('queue', 'it does not answer', 'Look at the log of the bot, and at Redis or the disk.')

async function readinessOf({ queues, state: { works, readiness } }: Runtime): Promise<ReadyPage> {
  if (!works || !readiness) return { ready: false, failed: [idle] }
  const queue = await queues.ready(2_000).then(
    () => [],
    error => [error instanceof QueueGone ? found('queue', error.message, error.fix) : noQueue],
  )
  const others = readiness.failed().filter(({ name }) => name !== 'queue' || queue.length === 0)
  return { ready: readiness.isReady() && queue.length === 0, failed: [...others, ...queue] }
}

/** Loaded only here: it reads proxy settings at import and throws on a wrong one. */
async function proxy(source: string, target: string, logger: Logger): Promise<void> {
  const { SmeeClient } = await import('smee-client')
  await new SmeeClient({ source, target, logger }).start()
}
