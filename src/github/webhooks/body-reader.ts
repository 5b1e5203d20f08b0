/** Reads the bodies of requests within bounds: strangers send them, and nobody has verified them yet. */
import type { IncomingMessage } from 'node:http'

/** GitHub caps payloads at 25 MB; those that can carry a command are far smaller. */
export const maxBody = 5 * 1024 * 1024

/** All bodies together have at most so many bytes at once. */
const maxHeld = 64 * 1024 * 1024

interface OpenBody {
  size: number
  letGo(): void
}

/**
 * Never reads beyond the limits, whatever the headers say. Beyond what may be held at once the largest body that is
 * still being read is let go: many large ones keep no small one out.
 */
export function bodyReader() {
  const open = new Set<OpenBody>()
  let held = 0

  function makeRoom() {
    while (held > maxHeld && open.size > 0)
      [...open].reduce((largest, each) => (each.size > largest.size ? each : largest)).letGo()
  }

  const readBody = (req: IncomingMessage): Promise<Buffer | 'too large' | 'too much'> =>
    new Promise((resolve, reject) => {
      if (Number(req.headers['content-length'] ?? 0) > maxBody) return resolve('too large')
      let chunks: Buffer[] = []
      const body: OpenBody = {
        size: 0,
        letGo: () => {
          drop()
          resolve('too much')
        },
      }
      const drop = () => {
        req.off('data', take).pause()
        if (!open.delete(body)) return
        held -= body.size
        chunks = []
      }
      const take = (chunk: Buffer) => {
        chunks.push(chunk)
        body.size += chunk.length
        held += chunk.length
        if (body.size > maxBody) {
          drop()
          resolve('too large')
        } else makeRoom()
      }
      open.add(body)
      req.on('data', take)
      req.once('end', () => {
        if (!open.delete(body)) return
        const [first] = chunks
        resolve(first?.length === body.size ? first : Buffer.concat(chunks, body.size))
      })
      req.once('error', reject)
      req.once('close', () => {
        drop()
        if (!req.complete) reject(new Error('the request broke off'))
      })
    })

  return {
    readBody,
    /** What was read is not needed any more. */
    release(body: Buffer) {
      held -= body.length
    },
  }
}
