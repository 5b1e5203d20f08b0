/**
 * The bot's HTTP server: webhooks, health, readiness, metrics, schemas of the settings, and the admin pages.
 * It cuts off senders who are slow.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asPrinted, type Check } from '../core/model/check.ts'
import { isSameSecret } from './requests.ts'

export type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>

export interface ServerParts {
  webhookEndpoint: Handler | undefined
  readiness(): Promise<ReadyPage>
  metrics?: {
    page(): Promise<{ type: string; text: string }>
    /** Opens the page from anywhere. Without one, only local requests may read it. */
    token: string | undefined
  }
  /** The JSON Schema at this path. */
  schema?(path: string): Promise<object | undefined>
  /** The pages below `/admin/`, if there are any. */
  admin?: Handler | undefined
}

export interface ReadyPage {
  ready: boolean
  /** Failed checks; strangers see only their names. */
  failed: readonly Check[]
}

export const webhookPath = '/api/github/webhooks'

/** Where others find a file of the bot's, if its webhooks come to `webhook`; nowhere, if somebody passes them on. */
export function publicAddress(webhook: string, path: string): string | undefined {
  const [base, ...rest] = webhook.split(webhookPath)
  return base && rest.length === 1 && rest[0] === '' ? `${base}/${path}` : undefined
}

/** Probot's set-up page registers the webhook at the root. */
const webhookPaths = new Set([webhookPath, '/'])

/** The server waits for nobody who dawdles. */
export function serverWith(handler: Handler): Server {
  // Node looks for such senders only every 30 seconds unless told otherwise.
  const server = createServer({ connectionsCheckingInterval: 1_000 }, (req, res) => {
    void handler(req, res).catch(() => res.headersSent || res.writeHead(500).end())
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5_000
  return server
}

export function httpServer({
  webhookEndpoint,
  readiness,
  metrics,
  schema,
  admin,
}: ServerParts): Server {
  const server = serverWith(route)

  async function route(req: IncomingMessage, res: ServerResponse) {
    const path = (req.url ?? '/').split('?')[0] ?? '/'
    if (req.method === 'POST' && webhookEndpoint && webhookPaths.has(path))
      return webhookEndpoint(req, res)
    if (admin && /^\/admin(?:\/|$)/.test(path)) return admin(req, res)
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return sendText(
        res,
        webhookPaths.has(path) || webhookEndpoint === undefined ? 404 : 405,
        'not here\n',
      )
    if (path === '/healthz') return sendText(res, 200, 'ok\n')
    if (path === '/readyz') {
      const { ready, failed } = await readiness()
      const shown = failed.map(check => (isInsider(req) ? asPrinted(check) : { name: check.name }))
      return sendText(res, ready ? 200 : 503, `${JSON.stringify({ ready, failed: shown })}\n`, json)
    }
    if (path === '/metrics' && metrics) {
      if (isInsider(req)) {
        const page = await metrics.page()
        return sendText(res, 200, page.text, page.type)
      }
      if (metrics.token === undefined)
        return sendText(res, 403, 'only for this machine; METRICS_TOKEN opens it to others\n')
      res.setHeader('www-authenticate', 'Bearer')
      return sendText(res, 401, 'METRICS_TOKEN is needed as bearer token\n')
    }
    const found = path.startsWith('/schema/') ? await schema?.(path) : undefined
    // Editors in a browser ask from elsewhere, and there is nothing secret in it.
    if (found) {
      res.setHeader('access-control-allow-origin', '*')
      return sendText(
        res,
        200,
        JSON.stringify(found, null, 2),
        'application/schema+json; charset=utf-8',
      )
    }
    return sendText(res, 404, 'not found\n')
  }

  function isInsider(req: IncomingMessage): boolean {
    if (metrics?.token === undefined) return isLocal(req, server)
    return isSameSecret(req.headers.authorization ?? '', `Bearer ${metrics.token}`)
  }

  return server
}

/** From this machine, through no proxy (which sets a header), and to a server that no other machine can reach. */
function isLocal({ socket, headers }: IncomingMessage, server: Server): boolean {
  const isProxied = Object.keys(headers).some(name => proxyHeader.test(name))
  const isHere =
    isLoopback(placeOf(server)?.address ?? '') && isLoopback(socket.remoteAddress ?? '')
  // Somebody may have another name lead here, and a page of theirs could then read ours.
  const name = (headers.host ?? '')
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  return isHere && !isProxied && (name === 'localhost' || isLoopback(name))
}

const isLoopback = (address: string) => /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address)

const proxyHeader =
  /^(?:forwarded|via|cdn-loop|x-real-ip|x-request-id|x-(?:forwarded|client|cluster-client|original|envoy|amzn|amz-cf|azure|appengine|cloud-trace|vercel|nf)(?:-.*)?|(?:true-client|cf|fly|fastly|akamai)-.*)$/

const plainText = 'text/plain; charset=utf-8'
const json = 'application/json; charset=utf-8'

function sendText(res: ServerResponse, status: number, body: string, type = plainText) {
  res
    .writeHead(status, {
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    .end(body)
}

export async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<number> {
  try {
    await once(server.listen(port, host), 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE')
      throw new Error(`port ${port} on ${host} is in use: set PORT to another one`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new Error(
        `HOST is ${host}, which is no address of this machine: set it to one, or to 0.0.0.0 for all`,
      )
    throw error
  }
  return placeOf(server)?.port ?? port
}

const placeOf = (server: Server): AddressInfo | undefined => {
  const place = server.address()
  return typeof place === 'object' && place ? place : undefined
}

/** Waits for open requests, at most `graceMs`. */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
  })
}
