import { Agent, type IncomingMessage, request } from 'node:http'
import { readAll } from '../serving.ts'
import type { Answer } from './http.ts'
import { isObject, type JsonObject, parseJson } from './json.ts'

interface Sent {
  method: string
  /** With its query. */
  path: string
  authorization?: string | undefined
  accept?: string | undefined
  body?: Buffer | string | undefined
}

/** emulate, which keeps the state. `asAdmin` looks and acts past the layer: no ledger, no faults. */
export class Upstream {
  readonly #origin: string
  readonly #publicUrl: string
  #adminCalls = 0

  constructor(origin: string, publicUrl: string) {
    this.#origin = origin
    this.#publicUrl = publicUrl
  }

  async send(sent: Sent): Promise<Answer> {
    const headers = {
      'content-type': 'application/json',
      accept: sent.accept ?? 'application/json',
      ...(sent.authorization && { authorization: sent.authorization }),
    }
    const body =
      sent.body === undefined || sent.method === 'GET' ? undefined : Buffer.from(sent.body)
    return this.#read(await this.#ask(sent, headers, body))
  }

  /** fetch would take three times as much of the processor, and a story looks thousands of times. */
  #ask(sent: Sent, headers: Record<string, string>, body: Buffer | undefined): Promise<Read> {
    return new Promise((resolve, reject) => {
      const asked = request(
        this.#origin + sent.path,
        { method: sent.method, headers, agent },
        response => {
          readAll(response).then(raw => resolve({ response, raw }), reject)
        },
      )
      asked.on('error', error => {
        // emulate had closed a connection that was kept: it has not seen the request.
        if (asked.reusedSocket && 'code' in error && error.code === 'ECONNRESET')
          this.#ask(sent, headers, body).then(resolve, reject)
        else reject(error)
      })
      asked.end(body)
    })
  }

  asAdmin(method: string, path: string, body?: unknown): Promise<Answer> {
    // emulate counts 5,000 calls an hour against each token, and takes an unknown token for its first user: the admin.
    const authorization = `token admin-${Math.floor(this.#adminCalls++ / 4_000)}`
    return this.send({
      method,
      path,
      authorization,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  }

  async read(path: string): Promise<JsonObject | undefined> {
    const { status, body } = await this.asAdmin('GET', path)
    return status === 200 && isObject(body) ? body : undefined
  }

  async readAll(path: string): Promise<JsonObject[]> {
    const all: JsonObject[] = []
    for (let page = 1; ; page++) {
      const separator = path.includes('?') ? '&' : '?'
      const { status, body } = await this.asAdmin(
        'GET',
        `${path}${separator}per_page=100&page=${page}`,
      )
      if (status !== 200 || !Array.isArray(body)) return all
      all.push(...body.filter(isObject))
      if (body.length < 100) return all
    }
  }

  #read({ response, raw }: Read): Answer {
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        String(value).replaceAll(this.#origin, this.#publicUrl),
      ]),
    )
    const isJson = headers['content-type']?.includes('json')
    const body = isJson ? parseJson(raw) : undefined
    return {
      status: response.statusCode ?? 0,
      headers,
      body,
      ...(!isJson && raw.length > 0 && { raw }),
    }
  }
}

interface Read {
  response: IncomingMessage
  raw: Buffer
}

/** More at once than the system lets wait for emulate to accept them would be reset, or sent again a second later. */
const agent = new Agent({ keepAlive: true, maxSockets: 100 })
