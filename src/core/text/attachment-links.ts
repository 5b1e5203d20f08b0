/** The attachments among the links and pictures that a page shows. */

import { z } from 'zod'
import { stripInvisible } from './invisible.ts'
import { withoutEntities } from './safe-markdown.ts'
import type { SeenPage } from './seen-page.ts'

export const Attachment = z.object({
  /** One line, which can be seen. */
  name: z.string(),
  url: z.string(),
})
export type Attachment = z.infer<typeof Attachment>

export const maxAttachments = 10

/** @param webUrl any page of the text's GitHub, e.g. the thread's `html_url` */
export function attachmentsIn(
  page: Pick<SeenPage, 'files'> | undefined,
  webUrl: string,
): Attachment[] {
  if (!page || !URL.canParse(webUrl)) return []
  const candidates = page.files.flatMap(({ url, words }) => {
    const address = attachmentAddress(url, webUrl)
    if (!address) return []
    const said = /^https?:\/\//i.test(words) ? '' : words
    const name = fileNamed(said) || fileNamed(lastSegment(address.href)) || 'attachment'
    return [{ name, url: address.href }]
  })
  return onlyOnce(candidates).slice(0, maxAttachments)
}

export function onlyOnce(attachments: readonly Attachment[]): Attachment[] {
  const seen = new Set<string>()
  return attachments.filter(({ url }) => {
    const key = assetId(url) ?? url
    return !seen.has(key) && seen.add(key)
  })
}

const attachmentPaths = [
  /^\/user-attachments\/(?:assets|files)\/[^/]/,
  /^\/[\w.-]+\/[\w.-]+\/(?:assets|files)\/\d+\/[^/]+$/,
]
const imageHosts: readonly string[] = [
  'https://user-images.githubusercontent.com',
  'https://private-user-images.githubusercontent.com',
]
const publicGitHub = 'https://github.com'

/** Takes only GitHub's own addresses of attachments. Nothing else is ever fetched. */
export function attachmentAddress(text: string, webUrl: string): URL | undefined {
  const url = plainUrl(text)
  const home = new URL(webUrl).origin
  if (!url) return undefined
  if (url.origin === home && attachmentPaths.some(path => path.test(url.pathname))) return url
  return home === publicGitHub && imageHosts.includes(url.origin) && url.pathname.length > 1
    ? url
    : undefined
}

/** Parsed as `fetch` parses, so that the address checked is the address fetched. */
function plainUrl(text: string, base?: URL) {
  if (!URL.canParse(text, base?.href)) return undefined
  const url = new URL(text, base)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  // A server may decode an encoded slash.
  if (url.username !== '' || url.password !== '' || /%2f|%5c/i.test(url.pathname)) return undefined
  url.hash = ''
  return url
}

const storageHosts = ['.githubusercontent.com', '.s3.amazonaws.com']

/** Where a download may be redirected: GitHub itself and its signed storage. */
export function redirectTarget(location: string, from: URL, webUrl: string): URL | undefined {
  const url = plainUrl(location, from)
  const home = new URL(webUrl)
  if (!url || url.origin === home.origin) return url
  const isStorage =
    url.host === `media.${home.host}` || storageHosts.some(end => url.host.endsWith(end))
  return url.protocol === 'https:' && isStorage ? url : undefined
}

export function assetId(url: string): string | undefined {
  const { pathname } = new URL(url)
  return /([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:\.[a-z0-9]+)?$/i
    .exec(pathname)?.[1]
    ?.toLowerCase()
}

export function signedAddresses(html: string): [id: string, url: string][] {
  return [
    ...html.matchAll(/https:\/\/private-user-images\.githubusercontent\.com\/[^\s"'<>]+/g),
  ].flatMap(([text]) => {
    const address = attachmentAddress(withoutEntities(text), publicGitHub)
    const id = address && assetId(address.href)
    return address && id !== undefined ? [[id, address.href]] : []
  })
}

const maxName = 200

const fileNamed = (text: string) =>
  stripInvisible(text).replace(/\s+/g, ' ').trim().slice(0, maxName).toWellFormed()

export function lastSegment(url: string): string {
  const { pathname } = new URL(url)
  const segment = pathname.slice(pathname.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

export const extensionOf = (name: string): string =>
  /[^.]\.([a-z0-9]{1,10})$/i.exec(name)?.[1] ?? ''
