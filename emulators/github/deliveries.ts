/** The App's webhook: delivers, keeps the log that GitHub keeps, and misbehaves on request. */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type JsonObject, numberAt, parseJson, textAt } from './json.ts'
import { post, type WebhookRequest, type WebhookResponse, webhookHeaders } from './signed-post.ts'

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

export interface Delivery {
  id: number
  guid: string
  event: string
  action: string | null
  /** `OK`, or why not. */
  status: string
  statusCode: number
  deliveredAt: string
  /** Seconds. */
  duration: number
  redelivery: boolean
  installationId: number | null
  repositoryId: number | null
  bytes: Buffer
  request: { headers: Record<string, string> }
  response: { headers: Record<string, string>; payload: string | null }
}

interface Shipment {
  event: string
  guid: string
  bytes: Buffer
  redelivery: boolean
}

export interface DirectDelivery {
  guid?: string
  secret?: string
  signature?: string
  /** Sent as it is, instead of the payload. */
  raw?: string
  times?: number
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
    if (past) this.#ship({ event: past.event, guid: past.guid, bytes: past.bytes, redelivery: true })
    return past !== undefined
  }

  /** Sends what was held, one after the other; later events are held again while the mode stays `paused`. */
  async flush(order: 'in order' | 'reversed' = 'in order'): Promise<void> {
    const held = order === 'reversed' ? this.#held.toReversed() : this.#held
    this.#held = []
    for (const shipment of held) await this.#send(shipment)
  }

  /** Past the mode and the log: for forged, broken and repeated webhooks. */
  async direct(event: string, payload: JsonObject, options: DirectDelivery = {}): Promise<WebhookResponse[]> {
    const { guid = randomUUID(), raw, times = 1, signature } = options
    const request = this.#request({ event, guid, bytes: Buffer.from(raw ?? JSON.stringify(payload)) })
    const sent = { ...request, secret: options.secret ?? this.secret, signature }
    return Promise.all(Array.from({ length: times }, () => post(sent, this.#closing.signal)))
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
    else if (mode.kind === 'shuffle') this.#track(this.#sendAfter(Math.random() * mode.withinMs, shipment))
    else if (mode.kind === 'duplicate')
      for (let copy = 0; copy < mode.times; copy++)
        this.#track(
          this.#send(copy > 0 && mode.guid === 'new' ? { ...shipment, guid: randomUUID() } : shipment),
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
    return { target: this.target ?? '', event, guid, bytes, appId: this.#appId, secret: this.secret }
  }

  #log(
    shipment: Shipment,
    status: string,
    statusCode: number,
    started?: number,
    response?: WebhookResponse,
  ): void {
    const payload = parseJson(shipment.bytes)
    this.deliveries.push({
      id: this.#nextId++,
      guid: shipment.guid,
      event: shipment.event,
      action: textAt(payload, 'action') || null,
      status,
      statusCode,
      deliveredAt: new Date().toISOString().replace(/\.\d+Z/, 'Z'),
      duration: started === undefined ? 0 : Math.round(performance.now() - started) / 1000,
      redelivery: shipment.redelivery,
      installationId: numberAt(payload, 'installation', 'id') || null,
      repositoryId: numberAt(payload, 'repository', 'id') || null,
      bytes: shipment.bytes,
      request: { headers: webhookHeaders(this.#request(shipment)) },
      response: { headers: response?.headers ?? {}, payload: response?.body ?? null },
    })
  }
}
