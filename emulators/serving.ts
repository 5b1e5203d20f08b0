/**
 * What both servers stand on. Only hono's router, and not its server: sockets are torn and answers cut off here, which a
 * `Response` can't say.
 */
import type { Server } from 'node:http'
import type { Readable } from 'node:stream'
import type { PatternRouter } from 'hono/router/pattern-router'

export type Params = Record<string, string>

/**
 * All that fit, those added first before the others, with their parameters as they stand in the path: not decoded.
 * A slash at the end belongs to the path.
 */
export function matches<T>(router: PatternRouter<T>, method: string, path: string): [T, Params][] {
  if (path.endsWith('/')) return []
  const [found] = router.match(method, path)
  return found.map(([target, params]) => [target, mapParams(params, String)])
}

export function mapParams<V>(params: Record<string, V>, map: (value: V) => string): Params {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, map(value)]))
}

export const closed = (server: Server): Promise<void> =>
  new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

export async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
