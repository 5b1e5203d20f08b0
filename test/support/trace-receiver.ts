/** Takes traces by OTLP/HTTP, as a collector does, and keeps their spans. */
import { createServer } from 'node:http'
import { z } from 'zod'

const Value = z.looseObject({ stringValue: z.string().optional() })
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(z.object({ key: z.string(), value: Value })),
})
const Batch = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(Span) })) })),
})

export interface ReceivedSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  /** Those that are texts. */
  about: Record<string, string>
}

export interface TraceReceiver {
  url: string
  spans: ReceivedSpan[]
  close(): Promise<void>
}

export async function startTraceReceiver(): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      if (req.method === 'POST' && req.url === '/v1/traces') spans.push(...read(Buffer.concat(chunks)))
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

const read = (body: Buffer): ReceivedSpan[] =>
  Batch.parse(JSON.parse(body.toString()))
    .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(scope => scope.spans)
    .map(({ name, traceId, spanId, parentSpanId, attributes }) => ({
      name,
      traceId,
      spanId,
      parentSpanId,
      about: Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? ''])),
    }))
