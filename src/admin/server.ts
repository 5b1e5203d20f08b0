/** The one HTTP server of a process: the webhook door, and the pages that say whether it lives and is ready. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface ServerParts {
  /** Absent in a process that takes no webhooks. */
  door: ((req: IncomingMessage, res: ServerResponse) => Promise<void>) | undefined
  /** Rejects when the queue does not answer. */
  ready(): Promise<void>
  metrics?(): Promise<{ type: string; text: string }>
}

export const webhookPath = '/api/github/webhooks'

/** Probot's set-up page registers the App's webhook at the root, so that is a door too. */
const doors = new Set([webhookPath, '/'])

export function httpServer({ door, ready, metrics }: ServerParts): Server {
  const server = createServer((req, res) => {
    void route(req, res).catch(() => res.headersSent || res.writeHead(500).end())
  })
  // A sender that dawdles holds nothing for long.
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5_000

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?')[0] ?? '/'
    if (req.method === 'POST' && door && doors.has(path)) return door(req, res)
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return text(res, doors.has(path) || door === undefined ? 404 : 405, 'not here\n')
    if (path === '/healthz') return text(res, 200, 'ok\n')
    if (path === '/readyz')
      return ready().then(
        () => text(res, 200, 'ready\n'),
        () => text(res, 503, 'the queue does not answer\n'),
      )
    if (path === '/metrics' && metrics) {
      const page = await metrics()
      return text(res, 200, page.text, page.type)
    }
    return text(res, 404, 'not found\n')
  }
  return server
}

const plain = 'text/plain; charset=utf-8'

function text(res: ServerResponse, status: number, body: string, type = plain): void {
  res
    .writeHead(status, {
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    .end(body)
}

/** @throws an error that names the address when it can't be had */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`port ${port} on ${host} is in use: set PORT to another one`)
          : error,
      )
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

/** Takes no new connections, and waits for the requests at hand, at most `graceMs`. */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
