/**
 * Reads webhooks, has them verified and received, and answers. 503 if the queue can't take one: GitHub can then redeliver it.
 * Nothing is read without a signature to hold it against, and what is held of bodies is bounded as a whole.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { WebhookMeter, WebhookResult } from '../../core/model/meter.ts'
import type { Log } from '../../core/model/ports.ts'
import type { Ignored } from '../../core/model/trigger.ts'
import { readJson } from '../../core/text/json.ts'
import { readEvents } from './normalise.ts'
import type { ProbotWebhooks } from './receive.ts'

export interface WebhookEndpointDeps extends ProbotWebhooks {
  /** A webhook came that GitHub has sent. */
  came?(): void
  /** It holds no command: nobody looks at it. */
  isSilent?(event: string, body: Buffer): boolean
  log: Pick<Log, 'debug' | 'warn' | 'error'>
  meter?: WebhookMeter
}

/** GitHub caps payloads at 25 MB; those that can carry a command are far smaller. */
export const maxBody = 5 * 1024 * 1024

/** All bodies together have at most so many bytes at once. */
const maxHeld = 64 * 1024 * 1024

interface WebhookResponse {
  kind: WebhookResult
  status: number
  body: object
  /** The log says what to do about a refusal. */
  why?: string
}

const ignored = (why: Ignored): WebhookResponse => ({
  kind: 'ignored',
  status: 200,
  body: { ignored: why },
})
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

export function webhookEndpoint(
  deps: WebhookEndpointDeps,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const bodies = bodyReader()

  async function admit(req: IncomingMessage): Promise<WebhookResponse> {
    const headers = headersOf(req)
    if (headers.kind !== 'headers') return headers
    const body = await bodies.readBody(req)
    if (body === 'too large') return refused(413, `the payload is larger than ${maxBody} bytes`)
    if (body === 'too much') return refused(503, 'too much is sent at once; send it again later')
    try {
      return await admitBody(headers, body)
    } finally {
      bodies.release(body)
    }
  }

  async function admitBody(headers: Headers, body: Buffer): Promise<WebhookResponse> {
    const text = body.toString('utf8')
    if (text === '') return refused(400, 'the payload is not JSON')
    if (!(await deps.verify(text, headers.signature))) return badSignature
    deps.came?.()
    if (deps.isSilent?.(headers.name, body)) {
      deps.log.debug({ delivery: headers.id, event: headers.name, why: 'no command' }, 'ignored')
      return ignored('no command')
    }
    const payload = readJson(Payload, text)
    if (!payload) return refused(400, 'the payload is not JSON')
    if (!isKnownEvent(headers.name)) return ignored('event not used')
    try {
      const received = await deps.receive({ id: headers.id, event: headers.name, payload })
      if (received.kind === 'ignored') return ignored(received.why)
      const queued = { queued: received.id }
      return received.kind === 'known'
        ? { kind: 'known', status: 202, body: { ...queued, known: true } }
        : { kind: 'queued', status: 202, body: queued }
    } catch (cause) {
      deps.log.error({ delivery: headers.id, event: headers.name, err: cause }, 'not queued')
      const error = 'the queue can not take this now; send it again later'
      return { kind: 'unavailable', status: 503, body: { error } }
    }
  }

  const warnOfRefused = onceAMinute((count, why) =>
    deps.log.warn({ count, why }, 'rejected deliveries'),
  )

  return async (req, res) => {
    const response = await admit(req).catch(() => refused(400, 'the request broke off'))
    if (response.kind === 'refused') warnOfRefused(response.why ?? '')
    const isUnread = response.kind === 'refused' && !req.complete
    if (isUnread) res.setHeader('connection', 'close')
    const body = JSON.stringify(response.body)
    const length = Buffer.byteLength(body)
    res
      .writeHead(response.status, { 'content-type': 'application/json', 'content-length': length })
      .end(body)
    if (isUnread) req.destroy()
    const name = String(req.headers['x-github-event'])
    const event = isKnownEvent(name) ? name : 'other'
    deps.meter?.answered(event, response.kind)
  }
}

/** Anybody can cause refusals, so they are logged once a minute. */
function onceAMinute(tell: (count: number, why: string) => void): (why: string) => void {
  let count = 0
  let loggedAt = Number.NEGATIVE_INFINITY
  return why => {
    count += 1
    if (performance.now() - loggedAt < 60_000) return
    tell(count, why)
    loggedAt = performance.now()
    count = 0
  }
}

const Payload = z.custom<object>(payload => typeof payload === 'object' && payload !== null)

const known = new Set<string>(readEvents)
const isKnownEvent = (name: string): boolean => known.has(name)

interface Headers {
  kind: 'headers'
  id: string
  name: string
  signature: string
}

function headersOf({ headers }: IncomingMessage): Headers | WebhookResponse {
  const {
    'x-github-delivery': id,
    'x-github-event': name,
    'x-hub-signature-256': signature,
  } = headers
  if (typeof signature !== 'string' || !/^sha256=[0-9a-f]{64}$/.test(signature))
    return refused(401, 'x-hub-signature-256 is missing: set a webhook secret at GitHub')
  if (typeof id !== 'string' || typeof name !== 'string')
    return refused(400, 'x-github-delivery or x-github-event is missing')
  return { kind: 'headers', id, name, signature }
}

interface Reading {
  size: number
  letGo(): void
}

/**
 * Never reads beyond the limits, whatever the headers say. Beyond what may be held at once the largest body that is
 * still being read is let go: many large ones keep no small one out.
 */
function bodyReader() {
  const reading = new Set<Reading>()
  let held = 0

  function makeRoom(): void {
    while (held > maxHeld && reading.size > 0)
      [...reading].reduce((largest, each) => (each.size > largest.size ? each : largest)).letGo()
  }

  const readBody = (req: IncomingMessage): Promise<Buffer | 'too large' | 'too much'> =>
    new Promise((resolve, reject) => {
      if (Number(req.headers['content-length'] ?? 0) > maxBody) return resolve('too large')
      let chunks: Buffer[] = []
      const mine: Reading = {
        size: 0,
        letGo: () => {
          drop()
          resolve('too much')
        },
      }
      const drop = (): void => {
        req.off('data', take).pause()
        if (!reading.delete(mine)) return
        held -= mine.size
        chunks = []
      }
      const take = (chunk: Buffer): void => {
        chunks.push(chunk)
        mine.size += chunk.length
        held += chunk.length
        if (mine.size > maxBody) {
          drop()
          resolve('too large')
        } else makeRoom()
      }
      reading.add(mine)
      req.on('data', take)
      req.once('end', () => {
        if (!reading.delete(mine)) return
        const [first] = chunks
        resolve(first?.length === mine.size ? first : Buffer.concat(chunks, mine.size))
      })
      req.once('error', reject)
      req.once('close', () => {
        drop()
        if (!req.complete) reject(new Error('the request broke off'))
      })
    })

  return {
    readBody,
    release(body: Buffer): void {
      held -= body.length
    },
  }
}
