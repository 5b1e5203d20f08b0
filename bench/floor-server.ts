/** The least that a webhook can cost: body, HMAC, `JSON.parse`, and, with a Redis, one job added. A process of its own. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { Queue } from 'bullmq'
import { z } from 'zod'

const [secret = '', redisUrl] = process.argv.slice(2)
const queue =
  redisUrl === undefined ? undefined : new Queue('floor', { connection: { url: redisUrl } })
const Payload = z.object({ comment: z.object({ id: z.number() }) })

const server = createServer(async (req, res) => {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const wanted = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
  const given = Buffer.from(String(req.headers['x-hub-signature-256']))
  const isSigned = given.length === wanted.length && timingSafeEqual(given, wanted)
  const payload: unknown = JSON.parse(body.toString())
  if (queue)
    await queue.add('webhook', payload, { jobId: `comment-${Payload.parse(payload).comment.id}` })
  res.writeHead(isSigned ? 202 : 401, { 'content-length': 2 }).end('{}')
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
})
