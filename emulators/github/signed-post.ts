import { createHmac } from 'node:crypto'
import { request } from 'node:http'

export interface WebhookRequest {
  target: string
  event: string
  guid: string
  appId: number
  secret: string | undefined
  /** Instead of the one computed from the secret. */
  signature?: string | undefined
  bytes: Buffer
}

export interface WebhookResponse {
  status: number
  headers: Record<string, string>
  body: string
}

/** GitHub gives a receiver ten seconds. */
const TIME_LIMIT_MS = 10_000

export function signatureOf(secret: string, bytes: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`
}

export function webhookHeaders(webhook: WebhookRequest): Record<string, string> {
  const { secret, bytes } = webhook
  const signature = webhook.signature ?? (secret === undefined ? undefined : signatureOf(secret, bytes))
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/a1b2c3d',
    'x-github-delivery': webhook.guid,
    'x-github-event': webhook.event,
    'x-github-hook-id': '482910',
    'x-github-hook-installation-target-id': String(webhook.appId),
    'x-github-hook-installation-target-type': 'integration',
    ...(signature && { 'x-hub-signature-256': signature }),
  }
}

/** One connection for each delivery: the receiver may have been killed and restarted in between. */
export function post(webhook: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse> {
  const headers = { ...webhookHeaders(webhook), 'content-length': String(webhook.bytes.length) }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)])
  return new Promise((resolve, reject) => {
    const call = request(
      webhook.target,
      { method: 'POST', headers, agent: false, signal: limit },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answered = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(answered),
            body: Buffer.concat(chunks).toString(),
          })
        })
      },
    )
    call.on('error', reject)
    call.end(webhook.bytes)
  })
}
