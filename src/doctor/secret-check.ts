/** Whether GitHub signs with our secret: what its log of deliveries shows is verified again, with the secret as it is now. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { type Check, found, passed, unsure } from '../core/model/check.ts'
import type { GitHubApp } from '../github/app-client.ts'

export const Delivery = z.object({
  // May exceed a safe integer; Octokit then gives a bigint.
  id: z.union([z.number(), z.bigint()]).transform(String),
  event: z.string(),
  status: z.string(),
  status_code: z.number(),
  delivered_at: z.string(),
})
export type Delivery = z.infer<typeof Delivery>

export interface Secrets {
  webhookSecret: string
  /** Of before, which still holds while it is changed. */
  webhookSecretOld: string | undefined
}

const Sent = z.object({
  request: z.object({ headers: z.record(z.string(), z.unknown()), payload: z.looseObject({}) }),
})
type Sent = z.infer<typeof Sent>['request']

export const isBadSignature = ({ status_code }: Delivery): boolean =>
  status_code === 400 || status_code === 401

/** GitHub shows a payload as it was read, and a few may have been written otherwise than we write them. */
const mostRead = 3

const sameThere =
  'WEBHOOK_SECRET must be the same as on the App’s settings page. To test it, redeliver a webhook there (Advanced ▸ Recent Deliveries).'

export async function checkSecret(
  app: GitHubApp,
  deliveries: readonly Delivery[],
  { webhookSecret, webhookSecretOld }: Secrets,
): Promise<Check> {
  const answered = deliveries.filter(each => each.status === 'OK' || isBadSignature(each)).slice(0, mostRead)
  const [last] = answered
  if (!last) return unsure('webhook-secret', 'not known: no webhook was verified with this secret yet')
  const sent = await Promise.all(answered.map(({ id }) => sentOf(app, id)))
  const verified = answered.find((_, index) => isSigned(sent[index], webhookSecret))
  if (verified === last) {
    const aside = isBadSignature(last) ? '; the bot that refused it had another one' : ''
    return passed('webhook-secret', `the last delivery was signed with it${aside}`)
  }
  const which = `the delivery of ${last.delivered_at} (${last.event})`
  if (webhookSecretOld !== undefined && isSigned(sent[0], webhookSecretOld))
    return found(
      'webhook-secret',
      `GitHub signed ${which} with WEBHOOK_SECRET_OLD`,
      'Set WEBHOOK_SECRET as the webhook secret on the App’s settings page.',
    )
  if (isBadSignature(last))
    return found(
      'webhook-secret',
      `the bot refused the signature of ${which}: HTTP ${last.status_code}`,
      sameThere,
    )
  if (verified) return passed('webhook-secret', `the delivery of ${verified.delivered_at} was signed with it`)
  // GitHub signs bytes, of which its log shows only what they mean: that these do not fit proves nothing.
  return unsure(
    'webhook-secret',
    `not known: ${which} does not fit it, as far as GitHub’s log shows. If the bot refuses webhooks (HTTP 401), compare it with the App’s settings page`,
  )
}

async function sentOf(app: GitHubApp, id: string): Promise<Sent | undefined> {
  try {
    const { data } = await app.asApp('GET /app/hook/deliveries/{delivery_id}', { delivery_id: id })
    return Sent.parse(data).request
  } catch {
    return undefined
  }
}

function isSigned(sent: Sent | undefined, secret: string): boolean {
  const header = Object.entries(sent?.headers ?? {}).find(
    ([name]) => name.toLowerCase() === 'x-hub-signature-256',
  )
  const given = Buffer.from(String(header?.[1]))
  const ours = Buffer.from(`sha256=${createHmac('sha256', secret).update(bytesOf(sent)).digest('hex')}`)
  return given.length === ours.length && timingSafeEqual(given, ours)
}

/** A number beyond what JSON can hold makes it unreadable, and then it shows nothing. */
function bytesOf(sent: Sent | undefined): string {
  try {
    return JSON.stringify(sent?.payload) ?? ''
  } catch {
    return ''
  }
}
