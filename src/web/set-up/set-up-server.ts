/** The set-up page: asks, has GitHub make the App from a manifest, writes `.env`, checks, starts the bot. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Guard } from './guard.ts'
import { messagePage } from './set-up-pages.ts'
import { moved, type Reply, send, shown } from './set-up-reply.ts'
import { type SetUpDeps, Steps } from './set-up-steps.ts'

export interface SetUp {
  server: Server
  token: string
}

export function setUpServer(deps: SetUpDeps): SetUp {
  const guard = new Guard(deps.names)
  const steps = new Steps(deps)

  async function replyTo(req: IncomingMessage): Promise<Reply> {
    const url = new URL(req.url ?? '/', 'http://localhost')
    const admission = guard.admit(req, url)
    switch (admission.kind) {
      case 'out':
        return shown(messagePage('Not here', admission.why), admission.status)
      case 'opened':
        return moved('/set-up', { 'set-cookie': admission.cookie })
      case 'in':
        return steps.take(req, url)
    }
  }

  const server = createServer((req, res) => {
    const path = (req.url ?? '/').split('?')[0]
    if (path === '/healthz') return void plain(res, 200, 'ok\n')
    if (path === '/readyz') return void plain(res, 503, 'the bot is not set up yet\n')
    replyTo(req).then(
      reply => send(res, reply),
      error => send(res, shown(messagePage('That did not work', wordsOf(error)), 500)),
    )
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  return { server, token: guard.token }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const plain = (res: ServerResponse, status: number, text: string): unknown =>
  res
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(text)
