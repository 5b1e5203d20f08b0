/**
 * Whether GitHub reaches us, and signs with our secret: what its log of deliveries shows is verified again, with the
 * secret as it is now.
 */
import { createHmac } from 'node:crypto'
import type { Config } from '../config.ts'
import { type Check, failedCheck, passedCheck, unsureCheck } from '../core/model/check.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { deliveryLog } from '../github/delivery-log.ts'
import { answered } from './answered.ts'
import { questionOf } from './github-checks.ts'

type Secrets = Pick<Config['app'], 'webhookSecret' | 'webhookSecretOld'>

type AppDeliveryLog = ReturnType<typeof deliveryLog>
type Deliveries = Awaited<ReturnType<AppDeliveryLog['page']>>['attempts']
type LoggedDelivery = Deliveries[number]

const isBadSignature = ({ status_code }: LoggedDelivery) =>
  status_code === 400 || status_code === 401

/** The log is read by the bot with `WEBHOOKS=poll`: nothing arrives. */
export const checkDeliveries =
  ({ app: secrets, webhooks }: { app: Secrets } & Pick<Config, 'webhooks'>) =>
  (app: GitHubApp): Promise<Check[]> => {
    const log = deliveryLog(app)
    return answered(questionOf('webhook-deliveries'), async () => {
      const deliveries = (await log.page()).attempts
      const arrival = checkArrival(deliveries, webhooks)
      if (webhooks === 'poll') return arrival
      return [arrival, await checkSecret(log, deliveries, secrets)]
    })
  }

function checkArrival(deliveries: Deliveries, webhooks: Config['webhooks']): Check {
  const [newest] = deliveries
  if (!newest)
    return unsureCheck('webhook-deliveries', 'not known yet, since there was none in the last days')
  if (webhooks === 'poll')
    return passedCheck('webhook-deliveries', `the last one (${newest.event}) is in the log`)
  if (newest.ok || isBadSignature(newest))
    return passedCheck('webhook-deliveries', `the last one (${newest.event}) arrived`)
  const arrived = deliveries.findIndex(({ ok }) => ok)
  const failed = arrived === -1 ? deliveries.length : arrived
  const { status, status_code: code } = newest
  const detail = `the last ${failed === 1 ? 'one' : failed} failed: ${code ? `HTTP ${code}` : status}`
  return failedCheck('webhook-deliveries', detail, fixOf(code))
}

function fixOf(status: LoggedDelivery['status_code']): string {
  if (status === 404 || status === 405)
    return 'Something else answers there: the webhook address must end in /api/github/webhooks of this bot.'
  if (status === 503)
    return 'The bot could not write to its queue: see the check `queue`, and its log.'
  return 'GitHub does not reach the bot. The webhook address on the App’s settings page must lead to its HOST and PORT. Without an address, set WEBHOOKS=poll.'
}

const sameThere =
  'WEBHOOK_SECRET must be the same as on the App’s settings page. To test it, redeliver a webhook there (Advanced ▸ Recent Deliveries).'

const setAnew = 'Set WEBHOOK_SECRET as the webhook secret on the App’s settings page.'

async function checkSecret(
  log: AppDeliveryLog,
  deliveries: Deliveries,
  { webhookSecret, webhookSecretOld }: Secrets,
): Promise<Check> {
  const last = deliveries.find(each => each.ok || isBadSignature(each))
  if (!last)
    return unsureCheck('webhook-secret', 'not known: no webhook was verified with this secret yet')
  const isSignedWith = await signatureOf(log, last.id)
  if (isSignedWith(webhookSecret)) {
    const aside = isBadSignature(last) ? '; the bot that refused it had another one' : ''
    return passedCheck('webhook-secret', `the last delivery was signed with it${aside}`)
  }
  const which = `the delivery of ${new Date(last.at).toISOString()} (${last.event})`
  if (webhookSecretOld !== undefined && isSignedWith(webhookSecretOld))
    return failedCheck('webhook-secret', `GitHub signed ${which} with WEBHOOK_SECRET_OLD`, setAnew)
  if (isBadSignature(last)) {
    const detail = `the bot refused the signature of ${which}: HTTP ${last.status_code}`
    return failedCheck('webhook-secret', detail, sameThere)
  }
  // GitHub signs bytes, of which its log shows only what they mean: that these do not fit proves nothing.
  return unsureCheck(
    'webhook-secret',
    `not known: ${which} does not fit it, as far as GitHub’s log shows. If the bot refuses webhooks (HTTP 401), compare it with the App’s settings page`,
  )
}

/** Tells of a secret whether a delivery was signed with it. What can't be told counts as a no. */
async function signatureOf(log: AppDeliveryLog, id: string): Promise<(secret: string) => boolean> {
  try {
    const { headers, payload } = (await log.asShown(id)).request
    const bytes = JSON.stringify(payload)
    const isSignature = ([name]: [string, unknown]) => name.toLowerCase() === 'x-hub-signature-256'
    const given = Object.entries(headers).find(isSignature)?.[1]
    return secret => given === `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`
  } catch {
    return () => false
  }
}
