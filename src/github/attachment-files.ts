/**
 * Downloads attachments. Strangers choose the address: each hop is checked, only GitHub gets the token, size and type
 * are limited.
 */
import { NoResponse, RetryLater } from '../core/model/errors.ts'
import { type Attachment, type AttachmentFile, AttachmentRefused } from '../core/text/attachment.ts'
import { assetId, attachmentAddress, redirectTarget } from '../core/text/attachment-address.ts'
import { checkContents, nameFor, sizeLimit, typeOf } from './attachment-type.ts'

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
  const deadline = AbortSignal.timeout(access.within ?? defaultLimit)
  return read(await arrive({ access, deadline }, address), attachment)
}

interface Trip {
  access: AttachmentAccess
  deadline: AbortSignal
}

async function arrive(trip: Trip, address: URL): Promise<Response> {
  const isHome = address.origin === new URL(trip.access.webUrl).origin
  const asApp = await follow(trip, address, isHome ? await trip.access.token() : undefined)
  if (asApp) return asApp
  const signed = await signedOf(trip.access, address)
  const other = signed ?? (isHome ? address : undefined)
  const arrived = other && (await follow(trip, other, undefined))
  if (!arrived) throw new AttachmentRefused({ kind: 'denied' })
  return arrived
}

async function signedOf(access: AttachmentAccess, address: URL): Promise<URL | undefined> {
  const id = assetId(address.href)
  const url = id === undefined ? undefined : (await access.signed?.())?.get(id)
  return url === undefined ? undefined : attachmentAddress(url, access.webUrl)
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
    if (isSignIn(target)) return undefined
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

const isSignIn = ({ pathname }: URL): boolean => /^\/(?:login|session|sso)(?:\/|$)/.test(pathname)

function unusable({ status, headers }: Response, now: number): undefined {
  const wait = Number(headers.get('retry-after') ?? Number.NaN)
  if (status === 429 || (status === 403 && !Number.isNaN(wait))) {
    const until = now + (Number.isNaN(wait) ? 60 : wait) * 1000
    throw new RetryLater('github', until, 'rate-limit', 'GitHub’s rate limit is reached')
  }
  if (status === 401 || status === 403 || status === 404) return undefined
  if (status >= 500) throw new NoResponse('github', `GitHub answered a download with ${status}`)
  throw new AttachmentRefused({ kind: 'status', status })
}

async function read(response: Response, attachment: Attachment): Promise<AttachmentFile> {
  try {
    const type = typeOf(attachment, response.headers.get('content-type'))
    const name = nameFor(attachment, type)
    const bytes = await readUpTo(response, sizeLimit(type, name))
    checkContents(type, bytes)
    return { name, type, bytes }
  } finally {
    await response.body?.cancel().catch(() => undefined)
  }
}

async function readUpTo(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new AttachmentRefused({ kind: 'size', limit })
  if (Number(response.headers.get('content-length')) > limit) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length
      if (size > limit) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof AttachmentRefused ? error : silence(error)
  }
  return Buffer.concat(chunks)
}
