/** A model that says what a test scripted, by OpenAI's Responses API over server-sent events, as Codex asks for it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { closed, readAll } from '../../emulators/serving.ts'

interface ToolCall {
  name: string
  namespace?: string
  arguments: Record<string, unknown>
}

/** One answer of the model, or of who stands before it. */
export interface Reply {
  thinks?: string
  text?: string
  calls?: ToolCall[]
  /** An item as it stands, for what Codex itself carries out. */
  raw?: { type: string; [key: string]: unknown }
  /** Milliseconds before it begins. */
  after?: number
  /** It never ends. */
  hang?: true
  /** In the place of a response. */
  status?: number
  json?: unknown
}

/** In the place of a reply: it is said when this resolves. */
export type Turn = Reply | (() => Promise<Reply>)

/** The gateway of every run, each below a path of its own. The last reply of a script is said again and again. */
export class Model {
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy())
  })
  readonly #scripts = new Map<string, Script>()

  async listen(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  /** @returns the base address for `LLM_GATEWAY_URL` */
  plays(key: string, script: Script): string {
    this.#scripts.set(key, script)
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/${key}`
  }

  close(): Promise<void> {
    return closed(this.#server)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await readAll(request)
    const [, key = '', ...rest] = (request.url ?? '/').split('/')
    const path = `/${rest.join('/')}`
    const script = this.#scripts.get(key)
    if (path.split('?')[0]?.endsWith('/models'))
      return sendJson(response, 200, { object: 'list', data: models })
    if (!script || !path.endsWith('/responses'))
      return sendJson(response, 404, { error: { message: 'Not found' } })
    await say(response, await script.next(JSON.parse(raw.toString('utf8'))))
  }
}

/** What the model says, one reply a call, whichever run asks. */
export class Script {
  readonly #turns: Turn[]
  readonly calls: { body: unknown }[] = []
  readonly #heard: (() => void)[] = []

  constructor(turns: Turn[]) {
    this.#turns = turns
  }

  async next(body: unknown): Promise<Reply> {
    const turn = this.#turns[Math.min(this.calls.length, this.#turns.length - 1)] ?? {}
    this.calls.push({ body })
    for (const heard of this.#heard.splice(0)) heard()
    return typeof turn === 'function' ? turn() : turn
  }

  /** Until the model was asked so often. */
  async called(times: number): Promise<void> {
    while (this.calls.length < times) await new Promise<void>(resolve => this.#heard.push(resolve))
  }
}

const models = ['gpt-5.5', 'gpt-5.4'].map(id => ({ id, object: 'model', owned_by: 'openai' }))

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

let replies = 0

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
}

async function say(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply.after) await sleep(reply.after)
  if (reply.status !== undefined) return sendJson(response, reply.status, reply.json)
  replies += 1
  const id = `resp_${replies}`
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (event: { type: string; [key: string]: unknown }) =>
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  send({ type: 'response.created', response: { id } })
  const items = itemsOf(reply, id)
  for (const [index, item] of items.entries()) {
    send({
      type: 'response.output_item.added',
      output_index: index,
      item: { ...item, content: [] },
    })
    for (const delta of deltasOf(item, reply)) {
      send({ ...delta, item_id: item.id, output_index: index })
      await sleep(1)
    }
    if (!reply.hang) send({ type: 'response.output_item.done', output_index: index, item })
  }
  if (reply.hang) return
  send({ type: 'response.completed', response: { id, usage, output: items } })
  response.end()
}

/** Words come in parts. */
function deltasOf(item: Item, { text = '', thinks = '' }: Reply): Item[] {
  if (item.type === 'reasoning')
    return [
      { type: 'response.reasoning_summary_part.added', summary_index: 0 },
      { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: thinks },
    ]
  if (item.type !== 'message') return []
  const parts = text.match(/[\s\S]{1,16}/gu) ?? []
  return parts.map(delta => ({ type: 'response.output_text.delta', content_index: 0, delta }))
}

interface Item {
  type: string
  [key: string]: unknown
}

function itemsOf(reply: Reply, id: string): Item[] {
  const { thinks, text, calls = [], raw } = reply
  const made: Item[] = []
  if (thinks !== undefined)
    made.push({
      type: 'reasoning',
      id: `rs_${id}`,
      summary: [{ type: 'summary_text', text: thinks }],
    })
  if (text !== undefined) {
    const content = [{ type: 'output_text', text, annotations: [] }]
    made.push({ type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed', content })
  }
  const call_id = (n: number) => `call_${id}_${n}`
  for (const [n, { arguments: given, ...call }] of calls.entries())
    made.push({
      type: 'function_call',
      id: `fc_${id}_${n}`,
      call_id: call_id(n),
      ...call,
      arguments: JSON.stringify(given),
    })
  if (raw) made.push({ call_id: call_id(0), ...raw })
  return made
}
