/** The one public address: API, and under `/__emulator/` what only tests and the demo ask for. */

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closed, readAll } from '../serving.ts'
import type { Events } from './events.ts'
import type { Answer } from './http.ts'
import { parseJson } from './json.ts'
import type { Outcome, Pipeline } from './pipeline.ts'

/** Where emulate delivers its webhooks. */
export const INTAKE = '/__emulator/webhook'

interface Behind {
  pipeline: Pipeline
  events: Events
}

export class FrontDoor {
  readonly #server: Server
  #behind: Behind | undefined

  constructor() {
    this.#server = createServer((incoming, outgoing) => {
      this.#answer(incoming, outgoing).catch(error => {
        console.error('GitHub emulator failed', error)
        if (outgoing.headersSent) outgoing.destroy()
        else send(outgoing, { status: 500, headers: {}, body: { message: String(error) } })
      })
    })
  }

  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => {
        const { port } = this.#server.address() as AddressInfo
        resolve(`http://127.0.0.1:${port}`)
      })
    })
  }

  open(behind: Behind): void {
    this.#behind = behind
  }

  close(): Promise<void> {
    return closed(this.#server)
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const raw = await readAll(incoming)
    const behind = this.#behind
    const url = incoming.url ?? '/'
    if (!behind) return send(outgoing, { status: 503, headers: {}, body: { message: 'Starting' } })
    if (url === INTAKE) {
      behind.events.received(String(incoming.headers['x-github-event']), parseJson(raw))
      return send(outgoing, { status: 204, headers: {}, body: undefined })
    }
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    )
    const outcome = await behind.pipeline.handle({
      method: incoming.method ?? 'GET',
      url,
      headers,
      raw,
    })
    sendMessage(outgoing, outcome)
  }
}

function sendMessage(outgoing: ServerResponse, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answer':
      send(outgoing, outcome.answer)
      return
    case 'reset':
      outgoing.socket?.resetAndDestroy()
      return
    case 'hang':
      if (outcome.ms !== undefined) setTimeout(() => outgoing.socket?.destroy(), outcome.ms).unref()
  }
}

/** ms: a test has the clock of GitHub go on, which a bot follows. */
export const passed = { ms: 0 }

const dropped = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'content-type',
  'date',
])

function send(outgoing: ServerResponse, { status, headers, body, raw }: Answer): void {
  const kept = Object.entries(headers).filter(([name]) => !dropped.has(name))
  const bytes = raw ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)))
  const type = raw
    ? (headers['content-type'] ?? 'application/octet-stream')
    : 'application/json; charset=utf-8'
  outgoing.writeHead(status, {
    'x-github-request-id': randomBytes(8).toString('hex').toUpperCase(),
    'x-github-media-type': 'github.v3; format=json',
    // Node's own comes from a clock that nobody can move.
    date: new Date(Date.now() + passed.ms).toUTCString(),
    ...Object.fromEntries(kept),
    ...(bytes && { 'content-type': type, 'content-length': bytes.length }),
  })
  outgoing.end(bytes)
}
