/** A server that stands for a service, on a port that nobody has. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { closeServer, listen } from '../../src/web/http-server.ts'

export interface LocalServer {
  url: string
  server: Server
  /** With all its connections. */
  close(): Promise<void>
}

export async function startServer(answer: RequestListener): Promise<LocalServer> {
  const server = createServer(answer)
  const port = await listen(server, { host: '127.0.0.1', port: 0 })
  return { url: `http://127.0.0.1:${port}`, server, close: () => closeServer(server, 0) }
}
