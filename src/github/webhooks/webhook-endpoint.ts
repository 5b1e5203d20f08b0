/**
 * Where GitHub's webhooks come in: read up to a limit, verify over the raw bytes, normalise, enqueue,
 * answer. No call to anybody else is made here. If the queue can't take it, 503: GitHub then shows the
 * delivery as failed and it can be sent again.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Probot } from 'probot'
import { z } from 'zod'
import type { WebhookAnswer, WebhookMeter } from '../../core/model/meter.ts'
import type { Trigger } from '../../core/model/trigger.ts'
import { type AppIdentity, type Delivery, normalise, readEvents } from './normalise.ts'

export interface WebhookEndpointDeps {
  probot: Probot
  app: AppIdentity
  /** Takes secrets that people pasted out of what is kept. */
  redact(text: string): string
  log: {
    debug(fields: object, message: string): void
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Claims the trigger by its id and enqueues it, in one step; `known` when it was there already. */
  enqueue(trigger: Trigger): Promise<'added' | 'known'>
  meter?: WebhookMeter
}

/** GitHub caps payloads at 25 MB; those that can carry a command are far smaller. */
const maxBody = 5 * 1024 * 1024

interface Answer {
  status: number
  body: object
}

export async function openWebhookEndpoint(
  deps: WebhookEndpointDeps,
): Promise<(req: IncomingMessage, res: ServerResponse) => Promise<void>> {
  await deps.probot.ready()

  /** Straight to the one who listens: Probot would sign in as the App and build a client for each event, for nobody. */
  async function take(delivery: Delivery): Promise<Answer> {
    const { id, event } = delivery
    const read = normalise(delivery, deps.app)
    if ('ignored' in read) {
      deps.log.debug({ delivery: id, event, why: read.ignored }, 'ignored')
      return { status: 200, body: { ignored: read.ignored } }
    }
    const trigger = withoutSecrets(read.trigger, deps.redact)
    const outcome = await deps.enqueue(trigger)
    deps.log.info({ delivery: id, event, trigger: trigger.id, outcome }, 'queued')
    return { status: 202, body: { queued: trigger.id, ...(outcome === 'known' ? { known: true } : {}) } }
  }

  async function admit(req: IncomingMessage): Promise<Answer> {
    const body = await bodyOf(req)
    if (body === 'too large')
      return { status: 413, body: { error: `the payload is larger than ${maxBody} bytes` } }
    const headers = headersOf(req)
    if ('status' in headers) return headers
    if (!(await deps.probot.webhooks.verify(body, headers.signature)))
      return {
        status: 401,
        body: { error: 'the signature does not match: is the webhook secret the same here and at GitHub?' },
      }
    const payload = parsed(body)
    if (typeof payload !== 'object' || payload === null)
      return { status: 400, body: { error: 'the payload is not JSON' } }
    if (!isKnown(headers.name)) return { status: 200, body: { ignored: 'event not used' } }
    if (!Addressed.safeParse(payload).success)
      return { status: 200, body: { ignored: 'payload not understood' } }
    try {
      return await take({ id: headers.id, event: headers.name, payload })
    } catch (error) {
      deps.log.error({ delivery: headers.id, event: headers.name, err: error }, 'not queued')
      return { status: 503, body: { error: 'the queue can not take this now; send it again later' } }
    }
  }

  const tellTurnedAway = onceAMinute(count => deps.log.warn({ count }, 'deliveries turned away'))

  return async (req, res) => {
    const began = performance.now()
    const answer = await admit(req).catch((): Answer => {
      return { status: 400, body: { error: 'the request broke off' } }
    })
    if (kindOf(answer) === 'refused') tellTurnedAway()
    if (answer.status === 413) res.setHeader('connection', 'close')
    const body = JSON.stringify(answer.body)
    // With a length it goes out in one piece.
    const length = Buffer.byteLength(body)
    res.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': length }).end(body)
    if (answer.status === 413) req.destroy()
    const name = String(req.headers['x-github-event'])
    const event = isKnown(name) ? name : 'other'
    deps.meter?.answered({ event, answer: kindOf(answer), ms: performance.now() - began })
  }
}

/** Anybody can send what is turned away, so it costs no line each: the metrics count it. */
function onceAMinute(tell: (count: number) => void): () => void {
  let count = 0
  let toldAt = Number.NEGATIVE_INFINITY
  return () => {
    count += 1
    if (performance.now() - toldAt < 60_000) return
    tell(count)
    toldAt = performance.now()
    count = 0
  }
}

function kindOf({ status, body }: Answer): WebhookAnswer {
  if (status === 202) return 'known' in body ? 'known' : 'queued'
  if (status === 503) return 'unavailable'
  return status === 200 ? 'ignored' : 'refused'
}

const wordsOf = new Set(['text', 'before', 'title', 'body', 'hunk', 'path'])

/** Only what people wrote is touched, the names of files among it; other names and addresses are used, and stay. */
function withoutSecrets(trigger: Trigger, redact: (text: string) => string): Trigger {
  const clean = (part: unknown, key: string): unknown => {
    if (typeof part === 'string') return wordsOf.has(key) ? redact(part) : part
    if (Array.isArray(part)) return part.map(each => clean(each, ''))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, clean(each, name)]))
  }
  return clean(trigger, '') as Trigger
}

/** What every event that is read has. */
const Addressed = z.object({
  action: z.string(),
  installation: z.object({ id: z.number().int().positive() }).nullish(),
})

const isKnown = (name: string): boolean => readEvents.some(event => event === name)

function headersOf({ headers }: IncomingMessage): { id: string; name: string; signature: string } | Answer {
  const { 'x-github-delivery': id, 'x-github-event': name, 'x-hub-signature-256': signature } = headers
  if (typeof signature !== 'string' || signature === '')
    return { status: 401, body: { error: 'x-hub-signature-256 is missing: set a webhook secret at GitHub' } }
  if (typeof id !== 'string' || typeof name !== 'string')
    return { status: 400, body: { error: 'x-github-delivery or x-github-event is missing' } }
  return { id, name, signature }
}

/** Reads no further than the limit, whatever the headers promise. */
async function bodyOf(req: IncomingMessage): Promise<string | 'too large'> {
  if (Number(req.headers['content-length'] ?? 0) > maxBody) return 'too large'
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > maxBody) return 'too large'
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
