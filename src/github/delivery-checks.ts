/** Whether GitHub reaches us with the right secret, read from recent deliveries. */
import { z } from 'zod'
import { type Check, found, passed } from '../core/model/check.ts'
import type { GitHubApp } from './app-client.ts'
import { checkTolerantly } from './tolerant-check.ts'

const Deliveries = z.array(
  z.object({ event: z.string(), status: z.string(), status_code: z.number(), delivered_at: z.string() }),
)
type Deliveries = z.infer<typeof Deliveries>

export async function checkDeliveries(app: GitHubApp): Promise<Check[]> {
  let deliveries: Deliveries = []
  const arrival = await checkTolerantly('webhook-deliveries', async () => {
    deliveries = Deliveries.parse((await app.asApp('GET /app/hook/deliveries', { per_page: 30 })).data)
    return checkArrival(deliveries)
  })
  return [arrival, checkSecret(deliveries)]
}

const isBadSignature = ({ status_code }: Deliveries[number]): boolean =>
  status_code === 400 || status_code === 401

function checkArrival([newest, ...older]: Deliveries): Check {
  if (!newest) return passed('webhook-deliveries', 'none in the last days')
  if (newest.status === 'OK' || isBadSignature(newest))
    return passed('webhook-deliveries', `the last one (${newest.event}) arrived`)
  const after = older.findIndex(({ status }) => status === 'OK')
  const failed = after === -1 ? older.length + 1 : after + 1
  return found(
    'webhook-deliveries',
    `the last ${failed === 1 ? 'one' : failed} failed: ${newest.status_code === 0 ? newest.status : `HTTP ${newest.status_code}`}`,
    fixOf(newest.status_code),
  )
}

function checkSecret(deliveries: Deliveries): Check {
  const last = deliveries.find(each => each.status === 'OK' || isBadSignature(each))
  if (!last) return passed('webhook-secret', 'no delivery of the last days tells')
  if (last.status === 'OK') return passed('webhook-secret', 'the last delivery was signed with it')
  return found(
    'webhook-secret',
    `the delivery of ${last.delivered_at} (${last.event}) was refused for its signature: HTTP ${last.status_code}`,
    'WEBHOOK_SECRET must be the one on the App’s settings page. Once it is, redeliver one there (Advanced ▸ Recent Deliveries) to see it.',
  )
}

function fixOf(status: number): string {
  if (status === 404 || status === 405)
    return 'Something else answers there: the webhook address must end in /api/github/webhooks of this bot.'
  if (status === 503) return 'The bot could not write to its queue: see the check `queue`, and its log.'
  return 'GitHub does not reach the bot: check the webhook address, and that it runs and can be reached from outside.'
}
