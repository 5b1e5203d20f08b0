/**
 * Downloads attachments. Strangers choose the address: each hop is checked, only GitHub gets the token, size and type
 * are limited.
 */

import { z } from 'zod'
import { BadAttachment, Rejected } from '../core/model/errors.ts'
import { faultOf, retryAt, silence } from '../core/model/faults.ts'
import type { AttachmentFile } from '../core/model/ports.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import * as links from '../core/text/attachment-links.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { bodyUpTo, unlessLimited } from './request-rules.ts'

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
const elsewhere = 'GitHub sent the download on to an address that is not its own'

/** @throws BadAttachment | RetryLater | NoResponse */
export async function downloadAttachment(
  access: AttachmentAccess,
  attachment: links.Attachment,
): Promise<AttachmentFile> {
  const address = links.attachmentAddress(attachment.url, access.webUrl)
  if (!address) throw new BadAttachment(elsewhere)
  const trip = { access, deadline: AbortSignal.timeout(access.within ?? defaultLimit) }
  const isHome = address.origin === new URL(access.webUrl).origin
  const asAnybody = async (): Promise<Response | undefined> => {
    const id = links.assetId(address.href)
    const url = id === undefined ? undefined : (await access.signed?.())?.get(id)
    const signed = url === undefined ? undefined : links.attachmentAddress(url, access.webUrl)
    const other = signed ?? (isHome ? address : undefined)
    return other && follow(trip, other, undefined)
  }
  const arrived =
    (await follow(trip, address, isHome ? await access.token() : undefined)) ?? (await asAnybody())
  if (!arrived) throw new BadAttachment('GitHub does not let the bot download it')
  return fileIn(arrived, attachment)
}

interface Trip {
  access: AttachmentAccess
  deadline: AbortSignal
}

/** Redirects are followed by hand: `fetch` would follow any. `undefined`: not accessible. */
async function follow(
  trip: Trip,
  start: URL,
  token: string | undefined,
): Promise<Response | undefined> {
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
    // These are pages to sign in.
    if (/^\/(?:login|session|sso)(?:\/|$)/.test(target.pathname)) return undefined
    if (redirects === maxRedirects) throw new BadAttachment('GitHub sent the download on too often')
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
    throw silence('github', cause)
  }
}

function targetOf(response: Response, from: URL, webUrl: string): URL | undefined {
  const location = response.headers.get('location')
  if (response.status < 300 || response.status > 399 || location === null) return undefined
  const target = links.redirectTarget(location, from, webUrl)
  if (!target) throw new BadAttachment(elsewhere)
  return target
}

const isPage = ({ headers }: Response) =>
  headers.get('content-type')?.toLowerCase().startsWith('text/html') ?? false

function unusable({ status, headers }: Response, now: number): undefined {
  const until = retryAt(headers.get('retry-after'), now)
  const fault = faultOf({ service: 'github', status, until }, now)
  if (!(fault instanceof Rejected)) throw fault
  if (status === 401 || status === 403 || status === 404) return undefined
  throw new BadAttachment(`GitHub answered ${status} when it was downloaded`)
}

interface Kind {
  type: string
  extensions: readonly string[]
  begins: RegExp
}

/** Their first bytes must match: a broken image would fail the agent's turn. */
const kinds: readonly Kind[] = [
  { type: 'image/png', extensions: ['png'], begins: /^\x89PNG\r\n\x1a\n/ },
  { type: 'image/jpeg', extensions: ['jpg', 'jpeg'], begins: /^\xff\xd8\xff/ },
  { type: 'image/gif', extensions: ['gif'], begins: /^GIF8[79]a/ },
  { type: 'image/webp', extensions: ['webp'], begins: /^RIFF[\s\S]{4}WEBP/ },
  { type: 'application/pdf', extensions: ['pdf'], begins: /^[\s\S]{0,1024}%PDF-/ },
]
const isText = (type: string) =>
  /^text\/[\w.+-]{1,100}$|^application\/(?:csv|javascript|jsonl?|sql|toml|x-ndjson|x-sh|xml|(?:x-)?yaml)$/.test(
    type,
  )
/** What a server says of a file that it does not know, as many logs and patches. */
const isUnknown = (type: string) => /^(?:(?:application|binary)\/octet-stream)?$/.test(type)

/** Bytes; PostHog's limits for `user_attachment`. */
const maxOfPdf = 10 * 1_048_576
const maxOfOthers = 30 * 1_048_576

async function fileIn(response: Response, attachment: links.Attachment): Promise<AttachmentFile> {
  try {
    const said = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
    const endings = [attachment.name, links.lastSegment(attachment.url)].map(each =>
      links.extensionOf(each).toLowerCase(),
    )
    const kind = kinds.find(({ type, extensions }) =>
      isUnknown(said) ? endings.some(ending => extensions.includes(ending)) : type === said,
    )
    if (!kind && !isText(said) && !isUnknown(said)) throw notTaken(said)
    const name = nameFor(attachment.name, endings, kind)
    const bytes = await readUpTo(response, /\.pdf$/i.test(name) ? maxOfPdf : maxOfOthers)
    if (bytes.length === 0) throw new BadAttachment('it is empty')
    const start = bytes.toString('latin1', 0, 8_000)
    if (kind && !kind.begins.test(start))
      throw new BadAttachment(`it says that it is ${kind.type}, but it is not`)
    // Git tells texts from the rest in this way.
    if (!kind && isUnknown(said) && start.includes('\0')) throw notTaken(said)
    return { name, type: kind?.type ?? (isText(said) ? said : 'text/plain'), bytes }
  } finally {
    await response.body?.cancel().catch(() => undefined)
  }
}

const notTaken = (said: string) =>
  new BadAttachment(
    /^[\w.+-]+\/[\w.+-]+$/.test(said)
      ? `files of type ${said} are not passed on`
      : 'its type is not known',
  )

function nameFor(name: string, [own = '', other = '']: readonly string[], kind: Kind | undefined) {
  const fits = kind ? kind.extensions.includes(own) : own !== ''
  return fits ? name : `${name}.${kind?.extensions[0] ?? (other || 'txt')}`
}

async function readUpTo(response: Response, limit: number): Promise<Buffer<ArrayBuffer>> {
  const bytes =
    Number(response.headers.get('content-length')) > limit
      ? undefined
      : await bodyUpTo(response.body, limit).catch((cause: unknown) => {
          throw silence('github', cause)
        })
  if (!bytes) throw new BadAttachment(`it is larger than ${limit / 1_048_576} MB`)
  return bytes
}

export function attachmentReader(
  access: ThreadAccess,
  commentRef: CommentRef | undefined,
): (attachment: links.Attachment) => Promise<AttachmentFile> {
  const { app, thread, now } = access
  let reading: Promise<Map<string, string>> | undefined
  const reads = {
    webUrl: thread.url,
    now,
    token: () => app.readToken(thread),
    signed: () => (reading ??= signedIn(access, commentRef)),
  }
  return attachment => downloadAttachment(reads, attachment)
}

/** @throws RetryLater; other failures give none */
async function signedIn(
  { client, thread, at: repository, issue }: ThreadAccess,
  ref: CommentRef | undefined,
): Promise<Map<string, string>> {
  const mediaType = { format: 'full+json' }
  const at = { ...repository, mediaType }
  const { issues, pulls } = client.rest
  const texts: Promise<{ data: unknown }>[] = [issues.get({ ...issue, mediaType })]
  if (ref?.kind === 'thread') texts.push(issues.getComment({ ...at, comment_id: ref.commentId }))
  if (ref?.kind === 'inline')
    texts.push(pulls.getReviewComment({ ...at, comment_id: ref.commentId }))
  if (ref?.kind === 'review') {
    const review = { ...at, pull_number: thread.number, review_id: ref.reviewId }
    texts.push(pulls.getReview(review), pulls.listCommentsForReview({ ...review, per_page: 100 }))
  }
  const responses = await Promise.all(texts.map(text => text.catch(unlessLimited)))
  const htmls = responses
    .flatMap(response => response?.data)
    .flatMap(text => WithHtml.safeParse(text).data?.body_html ?? [])
  return new Map(htmls.flatMap(links.signedAddresses))
}

const WithHtml = z.object({ body_html: z.string() })
