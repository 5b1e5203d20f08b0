import { type Attachment, AttachmentRefused } from '../core/text/attachment.ts'
import { extensionOf, fileNamed, lastSegment } from '../core/text/attachment-name.ts'

interface Signature {
  extensions: readonly string[]
  begins: RegExp
}

/** Types whose first bytes must match: a broken image would fail the agent's turn. */
const signatures: ReadonlyMap<string, Signature> = new Map([
  ['image/png', { extensions: ['png'], begins: /^\x89PNG\r\n\x1a\n/ }],
  ['image/jpeg', { extensions: ['jpg', 'jpeg'], begins: /^\xff\xd8\xff/ }],
  ['image/gif', { extensions: ['gif'], begins: /^GIF8[79]a/ }],
  ['image/webp', { extensions: ['webp'], begins: /^RIFF[\s\S]{4}WEBP/ }],
  ['application/pdf', { extensions: ['pdf'], begins: /^[\s\S]{0,1024}%PDF-/ }],
])

const otherTypes: ReadonlySet<string> = new Set([
  'application/csv',
  'application/gzip',
  'application/javascript',
  'application/json',
  'application/jsonl',
  'application/sql',
  'application/toml',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/x-gzip',
  'application/x-ndjson',
  'application/x-sh',
  'application/x-tar',
  'application/x-yaml',
  'application/x-zip-compressed',
  'application/xml',
  'application/yaml',
  'application/zip',
])

const plainText =
  'c cc conf cpp cs css diff go h html ini java js jsx kt log md patch php py rb rs sh sql swift toml ts tsx txt yaml yml'

/** For files that the server calls only bytes, as many logs and patches. */
const byExtension: ReadonlyMap<string, string> = new Map([
  ...[...signatures].flatMap(([type, { extensions }]) => extensions.map(end => [end, type] as const)),
  ...plainText.split(' ').map(end => [end, 'text/plain'] as const),
  ['csv', 'text/csv'],
  ['gz', 'application/gzip'],
  ['json', 'application/json'],
  ['jsonl', 'application/x-ndjson'],
  ['tar', 'application/x-tar'],
  ['tgz', 'application/gzip'],
  ['xml', 'application/xml'],
  ['zip', 'application/zip'],
])
const onlyBytes: ReadonlySet<string> = new Set(['', 'application/octet-stream', 'binary/octet-stream'])

export function typeOf({ name, url }: Attachment, header: string | null): string {
  const said = header?.split(';')[0]?.trim().toLowerCase() ?? ''
  const type = onlyBytes.has(said) ? (typeByName(name) ?? typeByName(lastSegment(url))) : said
  if (type !== undefined && isTaken(type)) return type
  throw new AttachmentRefused({ kind: 'type', type: /^[\w.+-]+\/[\w.+-]+$/.test(said) ? said : '' })
}

const typeByName = (name: string): string | undefined => byExtension.get(extensionOf(name).toLowerCase())

const isTaken = (type: string): boolean =>
  signatures.has(type) || otherTypes.has(type) || /^text\/[\w.+-]{1,100}$/.test(type)

export function nameFor({ name, url }: Attachment, type: string): string {
  const own = extensionOf(name).toLowerCase()
  const fitting = signatures.get(type)?.extensions ?? []
  if (fitting.includes(own) || (fitting.length === 0 && own !== '')) return name
  const ending = fitting[0] ?? (extensionOf(lastSegment(url)) || (type.startsWith('text/') ? 'txt' : ''))
  return ending === '' ? name : fileNamed(`${name}.${ending}`)
}

const mebibyte = 1_048_576

/** Bytes; PostHog's limits for `user_attachment`. */
export const sizeLimit = (type: string, name: string): number =>
  type === 'application/pdf' || /\.pdf$/i.test(name) ? 10 * mebibyte : 30 * mebibyte

export function checkContents(type: string, bytes: Uint8Array): void {
  if (bytes.length === 0) throw new AttachmentRefused({ kind: 'empty' })
  const begins = signatures.get(type)?.begins
  const start = Buffer.from(bytes.subarray(0, 1100)).toString('latin1')
  if (begins && !begins.test(start)) throw new AttachmentRefused({ kind: 'contents', type })
}
