/** Starts and stops the bot: the only place that knows all of its parts. */
import type { Server } from 'node:http'
import { type Overrides, openRuntime, openServer, type Runtime, receiverOf } from './bot/runtime.ts'
import { type Config, secretsOf } from './config.ts'
import { redactedCheck } from './core/model/check.ts'
import { redactor } from './core/text/redact.ts'
import type { Receive } from './github/webhooks/event.ts'
import { checkQueue } from './queue/open-queues.ts'
import { watchReadiness } from './readiness.ts'
import { closeServer } from './web/http-server.ts'

export const grace = 8_000

export interface Started {
  stop(signal: string): Promise<void>
}

export async function startBot(config: Config, overrides: Overrides = {}): Promise<Started> {
  const runtime = await openRuntime(config, overrides)
  const token = config.server.adminToken
  const admin =
    token === undefined
      ? undefined
      : (await import('./bot/open-admin.ts')).openAdmin(runtime, token)
  return goOnWith(runtime, overrides, await openServer(runtime, admin))
}

export async function startBehind(config: Config): Promise<Started & { receive: Receive }> {
  const runtime = await openRuntime(config, {})
  await runtime.learnName()
  const started = await goOnWith(runtime, {})
  const receive = receiverOf(runtime)
  return {
    ...started,
    receive(delivery) {
      runtime.queues.deliveries.came()
      return receive(delivery)
    },
  }
}

async function goOnWith(runtime: Runtime, overrides: Overrides, server?: Server): Promise<Started> {
  const { config, queues, log, state, settings } = runtime
  const isWeb = config.role === 'web'
  const work = isWeb
    ? undefined
    : await (await import('./bot/start-work.ts')).startWork(runtime, overrides)
  state.works = true
  const redact = redactor(secretsOf(config))
  state.readiness = watchReadiness({
    async examine() {
      void runtime.learnName()
      // A process that only takes webhooks is spared the memory that the doctor needs.
      if (isWeb) return [redactedCheck(await checkQueue(config.queue), redact)]
      return (await import('./doctor/examine.ts')).examineProcess(config)
    },
    log,
    ready: () => log.info({ role: config.role, queue: queues.kind }, 'ready'),
  })
  return {
    async stop(signal) {
      state.works = false
      state.readiness?.close()
      log.info({ signal }, 'stopping')
      settings.close()
      await Promise.all([work?.close(), server && closeServer(server, 2_000)])
      await queues.close(grace - 2_000)
      log.info({}, 'stopped')
    },
  }
}
