/**
 * A PostHog whose agents work on and say nothing, and a GitHub that takes what the start of a Run asks of it: answers
 * that were made before, so that the bot is what is measured. All else is handed on to the emulator. A process of its own.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { command, commandId } from './quiet-threads.ts'

const [gitHub = '', ms = '0'] = process.argv.slice(2)
const began = new Date().toISOString()
const sha = 'a'.repeat(40)
const streams = new Set<ServerResponse>()
/** When each run was taken, ms since the epoch. */
const starts: number[] = []
let comments = 1_000_000

type Route = [method: string, path: RegExp, answer: (parts: string[], body: Buffer) => object]

const run = (id: string) => ({
  id,
  status: 'in_progress',
  output: null,
  error_message: null,
  state: {},
  model: 'gpt-5.5',
  created_at: began,
  updated_at: began,
})

const model = {
  runtime_adapter: 'codex',
  model: 'gpt-5.5',
  supported_efforts: ['low', 'medium', 'high'],
}

const Asked = z.object({
  query: z.string(),
  variables: z.object({
    owner: z.string().optional(),
    name: z.string(),
    number: z.number().optional(),
  }),
})

/** As the emulator answers where there is nothing but the command. */
function graphql(body: Buffer): object {
  const { query, variables } = Asked.parse(JSON.parse(body.toString()))
  const { owner = '', name, number = 0 } = variables
  const comment = {
    id: 'IC_1',
    fullDatabaseId: String(commandId(owner, number)),
    body: command,
    createdAt: began,
    updatedAt: began,
    authorAssociation: 'MEMBER',
    author: { __typename: 'User', login: 'dev' },
  }
  const issue = {
    id: 'I_1',
    closed: false,
    comments: { totalCount: 1, nodes: [comment] },
    linkedBranches: { nodes: [] },
    closedByPullRequestsReferences: { nodes: [] },
  }
  const base = { name: 'main', target: { oid: sha } }
  const ours = { totalCount: 0, nodes: [] }
  if (query.startsWith('query threadAhead'))
    return {
      data: { repository: { id: 'R_1', file: null, templates: null, base, ours, thread: issue } },
    }
  if (query.startsWith('query')) return { data: { repository: { id: 'R_1', issue } } }
  const linkedBranch = { id: 'LB_1', ref: { name, target: { oid: sha } } }
  return { data: { createLinkedBranch: { linkedBranch, issue: { closed: false } } } }
}

function started(task: string | undefined): object {
  starts.push(Date.now())
  return { id: task, latest_run: run(randomUUID()) }
}

/** Nobody may give commands but those whom a bench calls a developer. */
const permission = (login = '') => {
  const role = login.startsWith('dev-') ? 'write' : 'none'
  return { permission: role, role_name: role, user: { login, id: 11, type: 'User' } }
}

const tasks = String.raw`^/api/projects/\d+/tasks/`
const at = (path: string): RegExp => new RegExp(`${path}$`)

const routes: readonly Route[] = [
  ['GET', at(`${tasks}[^/]+/runs/([^/]+)/`), ([id = '']) => run(id)],
  ['GET', at(`${tasks}[^/]+/runs/[^/]+/session_logs/`), () => []],
  ['GET', at(tasks), () => ({ results: [] })],
  ['GET', at(`${tasks}models/`), () => ({ models: [model] })],
  ['GET', at(String.raw`^/api/projects/\d+/integrations/`), () => ({ results: [{ id: 1 }] })],
  ['GET', at(`${tasks}([^/]+)/`), ([id]) => ({ id, task_summary: null })],
  ['POST', at(tasks), () => ({ id: randomUUID() })],
  ['POST', at(`${tasks}(?!0{8}-)([^/]+)/run/`), ([task]) => started(task)],
  ['POST', /^\/graphql$/, (_, body) => graphql(body)],
  ['GET', /\/collaborators\/([^/]+)\/permission$/, ([login]) => permission(login)],
  ['POST', /\/reactions$/, () => ({ id: 1 })],
  ['POST', /\/issues\/\d+\/comments$/, () => ({ id: ++comments, node_id: `IC_${comments}` })],
  // What a Run asks again that waited longer than what was read ahead is good for.
  ['GET', /\/issues\/(?:\d+\/)?comments$/, () => []],
  ['GET', /\/git\/matching-refs\//, () => []],
  ['GET', /\/git\/ref\/heads\/main$/, () => ({ ref: 'refs/heads/main', object: { sha } })],
  ['PATCH', /\/issues\/comments\/(\d+)$/, ([id]) => ({ id: Number(id), node_id: `IC_${id}` })],
  [
    'POST',
    /^\/app\/installations\/\d{1,3}\/access_tokens$/,
    () => ({ ...token, expires_at: inAnHour() }),
  ],
]

/** Settings of an owner, and the task by which the scope of a key is seen. */
const isNotThere = /\/contents\/\.github|\/\.github\/contents\/|\/tasks\/0{8}-/

const token = { token: 'ghs_0123456789', permissions: {}, repository_selection: 'selected' }
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()

/** It stays open, and each hears every twenty seconds that it does. */
function stream(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  res.write(keepalive)
  streams.add(res)
  res.once('close', () => streams.delete(res))
}

const keepalive = 'event: keepalive\ndata: {"type":"keepalive"}\n\n'
const shares = 100
let share = 0
setInterval(() => {
  share = (share + 1) % shares
  let n = 0
  for (const res of streams) if (n++ % shares === share) res.write(keepalive)
}, 20_000 / shares)

function handOn(req: IncomingMessage, body: Buffer, res: ServerResponse): void {
  const { method, headers, url } = req
  const sent = request(gitHub + url, { method: method ?? 'GET', headers }, answer => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(res)
  })
  sent.on('error', () => res.writeHead(502).end())
  sent.end(body)
}

function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const server = createServer(async (req, res) => {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const path = (req.url ?? '').split('?')[0] ?? ''
  if (path === '/starts') return json(res, 200, starts)
  await sleep(Number(ms))
  if (path.endsWith('/stream/')) return stream(res)
  for (const [method, pattern, answer] of routes) {
    const parts = method === req.method ? pattern.exec(path) : null
    if (parts) return json(res, method === 'POST' ? 201 : 200, answer(parts.slice(1), body))
  }
  const isOurs =
    path.startsWith('/api/projects/') || req.headers.authorization?.endsWith(token.token)
  if (isOurs) {
    // Else the bot would be measured while it makes up for what is missing here.
    if (!isNotThere.test(path)) process.stderr.write(`no answer to ${req.method} ${path}\n`)
    return json(res, 404, { message: 'Not Found' })
  }
  handOn(req, body, res)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
})
