/** The pretended S3 behind presigned forms and links; not under PostHog's authentication. */
import type { IncomingHttpHeaders } from 'node:http'
import { asJsonLines, wholeLog } from './log-routes.ts'
import type { Reply } from './reply.ts'
import type { World } from './world.ts'

export async function serveObject(
  world: World,
  method: string,
  url: URL,
  headers: IncomingHttpHeaders,
  raw: Buffer,
): Promise<Reply> {
  if (method === 'POST' && url.pathname === '/__s3/upload') return upload(world, headers, raw)
  const log = /^\/__s3\/logs\/(.+)\.jsonl$/.exec(url.pathname)?.[1]
  const run = world.runs.find(({ id }) => id === log)
  if (run)
    return {
      status: 200,
      text: asJsonLines(wholeLog(run, world.settings)),
      headers: { 'content-type': 'application/jsonl' },
    }
  const object = world.artifacts.objects.get(url.searchParams.get('key') ?? '')
  return object ? { status: 200, text: object.toString('utf8') } : s3Error(404, 'NoSuchKey')
}

async function upload(world: World, headers: IncomingHttpHeaders, raw: Buffer): Promise<Reply> {
  const form = await readForm(headers, raw)
  if (!form) return s3Error(400, 'MalformedPOSTRequest')
  const key = form.get('key')
  const file = form.get('file')
  const names = [...form.keys()]
  const staged = typeof key === 'string' ? world.artifacts.preparedPath(key) : undefined
  if (!staged || form.get('policy') !== 'emulated' || form.get('x-amz-signature') !== 'emulated')
    return s3Error(403, 'AccessDenied')
  if (file === null || typeof file === 'string' || names.at(-1) !== 'file')
    return s3Error(400, 'InvalidArgument')
  const content = Buffer.from(await file.arrayBuffer())
  // The policy leaves 64 KiB for the form itself.
  if (content.length > staged.size + 65_536) return s3Error(400, 'EntityTooLarge')
  world.artifacts.objects.set(staged.entry.storage_path, content)
  return { status: 204 }
}

async function readForm(headers: IncomingHttpHeaders, raw: Buffer): Promise<FormData | undefined> {
  const type = headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return undefined
  return new Response(raw, { headers: { 'content-type': type } }).formData().catch(() => undefined)
}

const s3Error = (status: number, code: string): Reply => ({
  status,
  text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`,
  headers: { 'content-type': 'application/xml' },
})
