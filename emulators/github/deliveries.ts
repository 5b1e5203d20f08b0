/** The App's webhook: delivers, keeps the log that GitHub keeps, and misbehaves on request. */

import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Answer,
  type ApiRequest,
  answer,
  failure,
  notFound,
  type Route,
  route,
} from './http.ts'
import { type JsonObject, numberAt, parseJson, textAt } from './json.ts'
import type { Upstream } from './upstream.ts'

export type WebhookMode =
  | { kind: 'normal' }
  /** Holds everything until `flush()`. */
  | { kind: 'paused' }
  /** `guid: 'new'` is what an App hook beside a repository hook does: one event, two ids. */
  | { kind: 'duplicate'; times: number; guid?: 'same' | 'new' }
  /** Each waits a random while, so that they overtake one another. */
  | { kind: 'shuffle'; withinMs: number }
  | { kind: 'late'; ms: number }
  /** Logged as failed, never sent. */
  | { kind: 'drop' }

export type Delivery = ReturnType<typeof deliveryOf>

interface Shipment {
  event: string
  guid: string
  bytes: Buffer
  redelivery: boolean
}

export interface DirectDelivery {
  guid?: string
  /** Sent as it is, instead of the payload. */
  raw?: string
}

export class Webhooks {
  target: string | undefined
  secret: string | undefined
  mode: WebhookMode = { kind: 'normal' }
  /** Oldest first. */
  readonly deliveries: Delivery[] = []
  readonly #appId: number
  readonly #closing = new AbortController()
  readonly #underway = new Set<Promise<void>>()
  #held: Shipment[] = []
  #nextId = 28_140_500_001

  constructor(options: { target: string | undefined; secret: string | undefined; appId: number }) {
    this.target = options.target
    this.secret = options.secret
    this.#appId = options.appId
  }

  get held(): number {
    return this.#held.length
  }

  enqueue(event: string, payload: unknown): void {
    const bytes = Buffer.from(JSON.stringify(payload))
    this.#ship({ event, guid: randomUUID(), bytes, redelivery: false })
  }

  /** The same bytes under the same GUID. */
  redeliver(id: number): boolean {
    const past = this.deliveries.find(delivery => delivery.id === id)
    if (past)
      this.#ship({ event: past.event, guid: past.guid, bytes: past.bytes, redelivery: true })
    return past !== undefined
  }

  /** Sends what was held, one after the other; later events are held again while the mode stays `paused`. */
  async flush(order: 'in order' | 'reversed' = 'in order'): Promise<void> {
    const held = order === 'reversed' ? this.#held.toReversed() : this.#held
    this.#held = []
    for (const shipment of held) await this.#send(shipment)
  }

  /** Past the mode and the log: for forged, broken and repeated webhooks. */
  direct(
    event: string,
    payload: JsonObject,
    options: DirectDelivery = {},
  ): Promise<WebhookResponse> {
    const { guid = randomUUID(), raw } = options
    const request = this.#request({
      event,
      guid,
      bytes: Buffer.from(raw ?? JSON.stringify(payload)),
    })
    return post(request, this.#closing.signal)
  }

  /** Resolves when nothing is on its way to the target. */
  async settled(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.settled()
  }

  #ship(shipment: Shipment): void {
    const { mode } = this
    if (mode.kind === 'paused') this.#held.push(shipment)
    else if (mode.kind === 'drop') this.#log(shipment, 'failed to connect to host', 0)
    else if (mode.kind === 'late') this.#track(this.#sendAfter(mode.ms, shipment))
    else if (mode.kind === 'shuffle')
      this.#track(this.#sendAfter(Math.random() * mode.withinMs, shipment))
    else if (mode.kind === 'duplicate')
      for (let copy = 0; copy < mode.times; copy++)
        this.#track(
          this.#send(
            copy > 0 && mode.guid === 'new' ? { ...shipment, guid: randomUUID() } : shipment,
          ),
        )
    else this.#track(this.#send(shipment))
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underway.delete(tracked))
    this.#underway.add(tracked)
  }

  async #sendAfter(ms: number, shipment: Shipment): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined)
    await this.#send(shipment)
  }

  async #send(shipment: Shipment): Promise<void> {
    if (this.#closing.signal.aborted) return
    if (!this.target) return this.#log(shipment, 'no hook url', 0)
    const started = performance.now()
    try {
      const response = await post(this.#request(shipment), this.#closing.signal)
      const ok = response.status >= 200 && response.status < 300
      const status = ok ? 'OK' : `Invalid HTTP Response: ${response.status}`
      this.#log(shipment, status, response.status, started, response)
    } catch (error) {
      const timedOut =
        error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
      this.#log(shipment, timedOut ? 'timed out' : 'failed to connect to host', 0, started)
    }
  }

  #request(shipment: { event: string; guid: string; bytes: Buffer }): WebhookRequest {
    const { event, guid, bytes } = shipment
    return {
      target: this.target ?? '',
      event,
      guid,
      bytes,
      appId: this.#appId,
      secret: this.secret,
    }
  }

  #log(
    shipment: Shipment,
    status: string,
    statusCode: number,
    started?: number,
    response?: WebhookResponse,
  ): void {
    const duration = started === undefined ? 0 : Math.round(performance.now() - started) / 1000
    this.deliveries.push(
      deliveryOf(shipment, {
        listed: { id: this.#nextId++, status, status_code: statusCode, duration },
        request: { headers: webhookHeaders(this.#request(shipment)) },
        response: { headers: response?.headers ?? {}, payload: response?.body ?? null },
      }),
    )
  }
}

interface Came {
  /** `status` is `OK`, or why not; `duration` in seconds. */
  listed: { id: number; status: string; status_code: number; duration: number }
  request: { headers: Record<string, string> }
  response: { headers: Record<string, string>; payload: string | null }
}

/** As GitHub lists it, and what it shows of a single one. */
function deliveryOf(
  { event, guid, bytes, redelivery }: Shipment,
  { listed, request, response }: Came,
) {
  const payload = parseJson(bytes)
  return {
    ...listed,
    guid,
    event,
    action: textAt(payload, 'action') || null,
    delivered_at: new Date().toISOString().replace(/\.\d+Z/, 'Z'),
    redelivery,
    installation_id: numberAt(payload, 'installation', 'id') || null,
    repository_id: numberAt(payload, 'repository', 'id') || null,
    throttled_at: null,
    bytes,
    request,
    response,
  }
}

export interface WebhookRequest {
  target: string
  event: string
  guid: string
  appId: number
  secret: string | undefined
  bytes: Buffer
}

export interface WebhookResponse {
  status: number
  headers: Record<string, string>
  body: string
}

/** GitHub gives a receiver ten seconds. */
const TIME_LIMIT_MS = 10_000

function signatureOf(secret: string, bytes: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`
}

function webhookHeaders(webhook: WebhookRequest): Record<string, string> {
  const { secret, bytes } = webhook
  const signature = secret === undefined ? undefined : signatureOf(secret, bytes)
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
function post(webhook: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse> {
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
          const answered = Object.entries(response.headers).map(([name, value]) => [
            name,
            String(value),
          ])
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

// `/app/hook/*`, for which emulate has nothing: what an App needs to find and repeat lost deliveries.

interface Needs {
  url: string
  upstream: Upstream
  webhooks: Webhooks
}

const summary = ({ bytes: _, request: __, response: ___, ...listed }: Delivery): JsonObject =>
  listed

function full(delivery: Delivery, url: string): JsonObject {
  const request = { headers: delivery.request.headers, payload: parseJson(delivery.bytes) }
  return { ...summary(delivery), url, request, response: delivery.response }
}

/** The cursor is the id of the last delivery shown. */
function page({ webhooks, url }: Needs, { query, path }: ApiRequest): Answer {
  const perPage = Math.min(Number(query.get('per_page') ?? 30), 100)
  const before = Number(query.get('cursor')?.replace('v1_', '') ?? Number.POSITIVE_INFINITY)
  const status = query.get('status')
  const older = webhooks.deliveries
    .filter(({ id }) => id < before)
    .filter(delivery => !status || (status === 'success') === (delivery.status === 'OK'))
    .toReversed()
  const shown = older.slice(0, perPage)
  const last = shown.at(-1)
  const next = new URLSearchParams({
    per_page: String(perPage),
    cursor: `v1_${last?.id}`,
    ...(status && { status }),
  })
  const link = `<${url}${path}?${next}>; rel="next"`
  return answer(200, shown.map(summary), last && older.length > perPage ? { link } : {})
}

export function deliveryRoutes(needs: Needs): Route[] {
  const { webhooks, upstream } = needs
  const find = (id: string | undefined) =>
    webhooks.deliveries.find(delivery => delivery.id === Number(id))

  async function asApp(request: ApiRequest, work: () => Answer): Promise<Answer> {
    const { authorization } = request.headers
    const { status } = await upstream.send({ method: 'GET', path: '/app', authorization })
    return status === 200 ? work() : failure(401, 'A JSON web token could not be decoded')
  }

  return [
    route('GET', '/app/hook/config', request =>
      asApp(request, () =>
        answer(200, {
          content_type: 'json',
          insecure_ssl: '0',
          secret: '********',
          url: webhooks.target ?? '',
        }),
      ),
    ),
    route('GET', '/app/hook/deliveries', request => asApp(request, () => page(needs, request))),
    route('GET', '/app/hook/deliveries/:id{[0-9]+}', (request, { id }) =>
      asApp(request, () => {
        const found = find(id)
        return found ? answer(200, full(found, webhooks.target ?? '')) : notFound()
      }),
    ),
    route('POST', '/app/hook/deliveries/:id{[0-9]+}/attempts', (request, { id }) =>
      asApp(request, () => (webhooks.redeliver(Number(id)) ? answer(202, {}) : notFound())),
    ),
  ]
}
