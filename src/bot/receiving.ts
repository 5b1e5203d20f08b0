import { triggerRecord } from '../commands/trigger-record.ts'
import { secretsOf } from '../config.ts'
import { everyWord, triggerOf } from '../core/settings/deployment-settings.ts'
import { redactor } from '../core/text/redact.ts'
import { silenceJudge } from '../github/webhooks/at-a-glance.ts'
import { type Receive, receiver } from '../github/webhooks/receive.ts'
import { webhookEndpoint } from '../github/webhooks/webhook-endpoint.ts'
import type { Runtime } from './runtime.ts'

export function webhookEndpointOf(runtime: Runtime) {
  const { config, settings, log, metrics } = runtime
  const secret = config.app.webhookSecret
  const isSilent = silenceJudge(everyWord(settings.settings))
  return webhookEndpoint({ secret, log, receive: receiverOf(runtime), isSilent, meter: metrics.meter })
}

export const receiverOf = ({ config, settings, queues, log, traces }: Runtime): Receive =>
  receiver({
    log,
    redact: redactor(secretsOf(config)),
    app: { triggerOf: owner => triggerOf(settings.settings, owner), appId: config.app.id },
    enqueue: trigger =>
      traces.begin('webhook', { delivery: trigger.deliveryId, trigger: trigger.id }, async () => {
        const { outcome } = await queues.triggers.add(trigger.id, triggerRecord(trigger))
        return outcome === 'added' ? 'added' : 'known'
      }),
  })
