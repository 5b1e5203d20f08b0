import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports from which connections start by themselves, so that none of those takes it meanwhile; above 10080, the
 * last that fetch calls a bad port.
 */
const lowest = 10_081
const highest = 32_000

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
