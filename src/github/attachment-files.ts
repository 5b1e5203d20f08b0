/**
 * Downloads attachments. Strangers choose the address: each hop is checked, only GitHub gets the token, size and type
 * are limited.
 */

import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { type AttachmentFile, AttachmentRefused } from '../core/model/attachment.ts'
import { NoResponse } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import {
  type Attachment,
  assetId,
  attachmentAddress,
  extensionOf,
  fileNamed,
  lastSegment,
  redirectTarget,
  signedAddresses,
} from '../core/text/attachment-links.ts'
import { bodyUpTo } from './body-up-to.ts'
import { limitOf, unlessLimited } from './response-faults.ts'

export interface AttachmentAccess {
  webUrl: string
  token(): Promise<string>
  /** Signed addresses by `assetId`, from GitHub's HTML: the token opens hardly any private image. */
  signed?(): Promise<ReadonlyMap<string, string>>
  now(): number
  within?: number
}

const defaultLimit = 30_000
const maxRedirects = 3

/** @throws AttachmentRefused | RetryLater | NoResponse */
export async function downloadAttachment(
  access: AttachmentAccess,
  attachment: Attachment,
): Promise<AttachmentFile> {
  const address = attachmentAddress(attachment.url, access.webUrl)
  if (!address) throw new AttachmentRefused({ kind: 'elsewhere' })
  const trip = { access, deadline: AbortSignal.timeout(access.within ?? defaultLimit) }
  const isHome = address.origin === new URL(access.webUrl).origin
  const asApp = await follow(trip, address, isHome ? await access.token() : undefined)
  if (asApp) return fileIn(asApp, attachment)
  const id = assetId(address.href)
  const url = id === undefined ? undefined : (await access.signed?.())?.get(id)
  const signed = url === undefined ? undefined : attachmentAddress(url, access.webUrl)
  const other = signed ?? (isHome ? address : undefined)
  const arrived = other && (await follow(trip, other, undefined))
  if (!arrived) throw new AttachmentRefused({ kind: 'denied' })
  return fileIn(arrived, attachment)
}

interface Trip {
  access: AttachmentAccess
  deadline: AbortSignal
}

/** Redirects are followed by hand: `fetch` would follow any. `undefined`: not accessible. */
async function follow(trip: Trip, start: URL, token: string | undefined): Promise<Response | undefined> {
  const { webUrl, now } = trip.access
  const { origin } = new URL(webUrl)
  let url = start
  for (let redirects = 0; ; redirects++) {
    const atHome = url.origin === origin
    const response = await get(url, atHome ? token : undefined, trip.deadline)
    if (response.ok && !(atHome && isPage(response))) return response
    await response.body?.cancel()
    if (response.ok) return undefined
    const target = targetOf(response, url, webUrl)
    if (!target) return unusable(response, now())
    // To sign in.
    if (/^\/(?:login|session|sso)(?:\/|$)/.test(target.pathname)) return undefined
    if (redirects === maxRedirects) throw new AttachmentRefused({ kind: 'detour' })
    url = target
  }
}

async function get(url: URL, token: string | undefined, signal: AbortSignal): Promise<Response> {
  const headers = {
    accept: '*/*',
    'accept-encoding': 'identity',
    'user-agent': 'codex-task-bot',
    ...(token === undefined ? {} : { authorization: `token ${token}` }),
  }
  try {
    return await fetch(url, { headers, redirect: 'manual', signal })
  } catch (cause) {
    throw silence(cause)
  }
}

const silence = (cause: unknown): NoResponse =>
  new NoResponse('github', 'GitHub did not answer a download', { cause })

function targetOf(response: Response, from: URL, webUrl: string): URL | undefined {
  const location = response.headers.get('location')
  if (response.status < 300 || response.status > 399 || location === null) return undefined
  const target = redirectTarget(location, from, webUrl)
  if (!target) throw new AttachmentRefused({ kind: 'elsewhere' })
  return target
}

const isPage = ({ headers }: Response): boolean =>
  headers.get('content-type')?.toLowerCase().startsWith('text/html') ?? false

function unusable({ status, headers }: Response, now: number): undefined {
  const limit = limitOf({ status, message: '', headers: Object.fromEntries(headers) }, now)
  if (limit) throw limit
  if (status === 401 || status === 403 || status === 404) return undefined
  if (status >= 500) throw new NoResponse('github', `GitHub answered a download with ${status}`)
  throw new AttachmentRefused({ kind: 'status', status })
}

/** Bytes; PostHog's limits for `user_attachment`. */
const maxOfPdf = 10 * 1_048_576
const maxOfOthers = 30 * 1_048_576

async function fileIn(response: Response, attachment: Attachment): Promise<AttachmentFile> {
  try {
    const type = typeOf(attachment, response.headers.get('content-type'))
    const name = nameFor(attachment, type)
    const isPdf = type === 'application/pdf' || /\.pdf$/i.test(name)
    const bytes = await readUpTo(response, isPdf ? maxOfPdf : maxOfOthers)
    if (bytes.length === 0) throw new AttachmentRefused({ kind: 'empty' })
    const begins = signatures.get(type)?.begins
    const start = Buffer.from(bytes.subarray(0, 1100)).toString('latin1')
    if (begins && !begins.test(start)) throw new AttachmentRefused({ kind: 'contents', type })
    return { name, type, bytes }
  } finally {
    await response.body?.cancel().catch(() => undefined)
  }
}

async function readUpTo(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new AttachmentRefused({ kind: 'size', limit })
  if (Number(response.headers.get('content-length')) > limit) throw tooLarge()
  const bytes = await bodyUpTo(response.body, limit).catch((cause: unknown) => {
    throw silence(cause)
  })
  if (!bytes) throw tooLarge()
  return bytes
}

export interface ThreadAccess {
  client: Octokit
  thread: Thread
  commentRef?: CommentRef
  token(): Promise<string>
  now(): number
}

export function attachmentReader(access: ThreadAccess): (attachment: Attachment) => Promise<AttachmentFile> {
  let signed: Promise<Map<string, string>> | undefined
  const { thread, token, now } = access
  return attachment =>
    downloadAttachment(
      {
        webUrl: thread.url,
        token,
        now,
        signed() {
          signed ??= signedIn(access)
          return signed
        },
      },
      attachment,
    )
}

/** @throws RetryLater; other failures give none */
async function signedIn({ client, thread, commentRef }: ThreadAccess): Promise<Map<string, string>> {
  const at = { owner: thread.owner, repo: thread.repo, mediaType: { format: 'full+json' } }
  const { issues, pulls } = client.rest
  const texts: Promise<{ data: unknown }>[] = [issues.get({ ...at, issue_number: thread.number })]
  if (commentRef?.kind === 'thread')
    texts.push(issues.getComment({ ...at, comment_id: commentRef.commentId }))
  if (commentRef?.kind === 'inline')
    texts.push(pulls.getReviewComment({ ...at, comment_id: commentRef.commentId }))
  if (commentRef?.kind === 'review') {
    const review = { ...at, pull_number: thread.number, review_id: commentRef.reviewId }
    texts.push(pulls.getReview(review), pulls.listCommentsForReview({ ...review, per_page: 100 }))
  }
  const responses = await Promise.all(texts.map(text => text.catch(unlessLimited)))
  const htmls = responses
    .flatMap(response => response?.data)
    .flatMap(text => WithHtml.safeParse(text).data?.body_html ?? [])
  return new Map(htmls.flatMap(signedAddresses))
}

const WithHtml = z.object({ body_html: z.string() })

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

function typeOf({ name, url }: Attachment, header: string | null): string {
  const said = header?.split(';')[0]?.trim().toLowerCase() ?? ''
  const type = onlyBytes.has(said) ? (typeByName(name) ?? typeByName(lastSegment(url))) : said
  const isTaken =
    signatures.has(type ?? '') || otherTypes.has(type ?? '') || /^text\/[\w.+-]{1,100}$/.test(type ?? '')
  if (type !== undefined && isTaken) return type
  throw new AttachmentRefused({ kind: 'type', type: /^[\w.+-]+\/[\w.+-]+$/.test(said) ? said : '' })
}

const typeByName = (name: string): string | undefined => byExtension.get(extensionOf(name).toLowerCase())

function nameFor({ name, url }: Attachment, type: string): string {
  const own = extensionOf(name).toLowerCase()
  const fitting = signatures.get(type)?.extensions ?? []
  if (fitting.includes(own) || (fitting.length === 0 && own !== '')) return name
  const ending = fitting[0] ?? (extensionOf(lastSegment(url)) || (type.startsWith('text/') ? 'txt' : ''))
  return ending === '' ? name : fileNamed(`${name}.${ending}`)
}
