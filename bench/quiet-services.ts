/**
 * A PostHog whose agents work on and say nothing, and a GitHub where nobody may give commands: answers that were made
 * before, so that the bot is what is measured. All else is handed on to the emulator. A process of its own.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

const [gitHub = ''] = process.argv.slice(2)
const began = new Date().toISOString()
const streams = new Set<ServerResponse>()

type Route = [method: string, path: RegExp, answer: (parts: string[]) => object]

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

const permission = (login = '') => ({
  permission: 'none',
  role_name: 'none',
  user: { login, id: 11, type: 'User' },
})

/** What is read ahead of a thread. */
const ahead = {
  id: 'R_1',
  file: null,
  templates: null,
  base: { name: 'main', target: { oid: 'a'.repeat(40) } },
  ours: { totalCount: 0, nodes: [] },
  thread: {
    id: 'I_1',
    closed: false,
    comments: { totalCount: 0, nodes: [] },
    linkedBranches: { nodes: [] },
    closedByPullRequestsReferences: { nodes: [] },
  },
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
  ['POST', /^\/graphql$/, () => ({ data: { repository: ahead } })],
  ['GET', /\/collaborators\/([^/]+)\/permission$/, ([login]) => permission(login)],
  ['POST', /\/reactions$/, () => ({ id: 1 })],
  ['POST', /\/issues\/\d+\/comments$/, () => ({ id: 1, node_id: 'IC_1' })],
  ['GET', /\/issues\/\d+\/comments$/, () => []],
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
  if (path.endsWith('/stream/')) return stream(res)
  for (const [method, pattern, answer] of routes) {
    const parts = method === req.method ? pattern.exec(path) : null
    if (parts) return json(res, method === 'POST' ? 201 : 200, answer(parts.slice(1)))
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
