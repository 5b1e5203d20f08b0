/**
 * Takes a webhook over HTTP:
 * 1. No body is read without a signature to hold it against, nor beyond the bounds of `body-reader.ts`.
 * 2. Probot verifies the signature.
 * 3. A comment without a command is known by its bytes. JSON is parsed of the others.
 * 4. `receive` makes a trigger of the delivery and enqueues it, or says why nothing is done.
 * 5. The answer says which: 2xx, or 503 if the queue can't take it. GitHub can then redeliver it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { WebhookMeter, WebhookResult } from '../../core/model/meter.ts'
import type { Log } from '../../core/model/ports.ts'
import { onceAMinute } from '../../core/model/time.ts'
import type { Ignored } from '../../core/model/trigger.ts'
import { readJson } from '../../core/text/json.ts'
import { bodyReader, maxBody } from './body-reader.ts'
import type { Receive, Received } from './event.ts'
import { isEventName } from './normalise.ts'
import type { Verify } from './probot.ts'

export interface WebhookEndpointDeps {
  verify: Verify
  receive: Receive
  /** A webhook came that GitHub has sent. */
  came?(): void
  /** Nobody has to look at it. */
  isSilent?(event: string, body: Buffer): boolean
  log: Pick<Log, 'debug' | 'warn' | 'error'>
  meter?: WebhookMeter
}

export function webhookEndpoint({
  verify,
  receive,
  came,
  isSilent,
  log,
  meter,
}: WebhookEndpointDeps): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const { readBody, release } = bodyReader()
  const warnOfRefused = onceAMinute(() => performance.now())

  return async (req, res) => {
    const response = await responseTo(req).catch(() => refused(400, 'the request broke off'))
    const { kind, why = '' } = response
    if (kind === 'refused') warnOfRefused(why, () => log.warn({ why }, 'rejected deliveries'))
    send(response, req, res)
    const name = String(req.headers['x-github-event'])
    meter?.answered(isEventName(name) ? name : 'other', kind)
  }

  async function responseTo(req: IncomingMessage): Promise<WebhookResponse> {
    const headers = headersOf(req)
    if (headers.kind !== 'headers') return headers
    const body = await readBody(req)
    if (body === 'too large') return refused(413, `the payload is larger than ${maxBody} bytes`)
    if (body === 'too much') return refused(503, 'too much is sent at once; send it again later')
    try {
      return await verifyAndReceive(headers, body)
    } finally {
      release(body)
    }
  }

  async function verifyAndReceive(
    { id, event, signature }: Headers,
    body: Buffer,
  ): Promise<WebhookResponse> {
    const text = body.toString('utf8')
    if (text === '') return refused(400, 'the payload is not JSON')
    if (!(await verify(text, signature))) return badSignature
    came?.()
    if (isSilent?.(event, body)) {
      log.debug({ delivery: id, event, why: 'no command' }, 'ignored')
      return ignored('no command')
    }
    const payload = readJson(Payload, text)
    if (!payload) return refused(400, 'the payload is not JSON')
    if (!isEventName(event)) return ignored('event not used')
    return receive({ id, event, payload }).then(received, cause => {
      log.error({ delivery: id, event, err: cause }, 'not queued')
      return unavailable
    })
  }
}

const Payload = z.custom<object>(payload => typeof payload === 'object' && payload !== null)

interface Headers {
  kind: 'headers'
  id: string
  event: string
  signature: string
}

function headersOf({ headers }: IncomingMessage): Headers | WebhookResponse {
  const {
    'x-github-delivery': id,
    'x-github-event': event,
    'x-hub-signature-256': signature,
  } = headers
  if (typeof signature !== 'string' || !/^sha256=[0-9a-f]{64}$/.test(signature))
    return refused(401, 'x-hub-signature-256 is missing: set a webhook secret at GitHub')
  if (typeof id !== 'string' || typeof event !== 'string')
    return refused(400, 'x-github-delivery or x-github-event is missing')
  return { kind: 'headers', id, event, signature }
}

interface WebhookResponse {
  kind: WebhookResult
  status: number
  body: object
  /** The log says what to do about a refusal. */
  why?: string
}

function received(outcome: Received): WebhookResponse {
  switch (outcome.kind) {
    case 'ignored':
      return ignored(outcome.why)
    case 'known':
      return { kind: 'known', status: 202, body: { queued: outcome.id, known: true } }
    case 'added':
      return { kind: 'queued', status: 202, body: { queued: outcome.id } }
  }
}

const ignored = (why: Ignored): WebhookResponse => ({
  kind: 'ignored',
  status: 200,
  body: { ignored: why },
})

const unavailable: WebhookResponse = {
  kind: 'unavailable',
  status: 503,
  body: { error: 'the queue can not take this now; send it again later' },
}

const refused = (status: number, error: string, why = error): WebhookResponse => ({
  kind: 'refused',
  status,
  body: { error },
  why,
})

const badSignature = refused(
  401,
  'the signature does not match: is the webhook secret the same here and at GitHub?',
  'the signature does not match: WEBHOOK_SECRET is not the one on the App’s settings page, or somebody else sent it',
)

/** Whoever still sends a body that was refused is cut off. */
function send({ kind, status, body }: WebhookResponse, req: IncomingMessage, res: ServerResponse) {
  const isUnread = kind === 'refused' && !req.complete
  if (isUnread) res.setHeader('connection', 'close')
  const text = JSON.stringify(body)
  res
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    })
    .end(text)
  if (isUnread) req.destroy()
}
