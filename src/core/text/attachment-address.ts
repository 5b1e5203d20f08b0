/** Recognizes GitHub's own attachment addresses. Nothing else is ever fetched. */
import { withoutEntities } from './html-entities.ts'

const attachmentPaths = [
  /^\/user-attachments\/(?:assets|files)\/[^/]/,
  /^\/[\w.-]+\/[\w.-]+\/(?:assets|files)\/\d+\/[^/]+$/,
]
const imageHosts: readonly string[] = [
  'https://user-images.githubusercontent.com',
  'https://private-user-images.githubusercontent.com',
]
const publicGitHub = 'https://github.com'

export function attachmentAddress(text: string, webUrl: string): URL | undefined {
  const url = plainUrl(text)
  const home = new URL(webUrl).origin
  if (!url) return undefined
  if (url.origin === home && attachmentPaths.some(path => path.test(url.pathname))) return url
  return home === publicGitHub && imageHosts.includes(url.origin) && url.pathname.length > 1 ? url : undefined
}

/** Parsed as `fetch` parses, so that the address checked is the address fetched. */
function plainUrl(text: string, base?: URL): URL | undefined {
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
  const isStorage = url.host === `media.${home.host}` || storageHosts.some(end => url.host.endsWith(end))
  return url.protocol === 'https:' && isStorage ? url : undefined
}

export function assetId(url: string): string | undefined {
  const { pathname } = new URL(url)
  return /([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:\.[a-z0-9]+)?$/i.exec(pathname)?.[1]?.toLowerCase()
}

export function signedAddresses(html: string): [id: string, url: string][] {
  return [...html.matchAll(/https:\/\/private-user-images\.githubusercontent\.com\/[^\s"'<>]+/g)].flatMap(
    ([text]) => {
      const address = attachmentAddress(withoutEntities(text), publicGitHub)
      const id = address && assetId(address.href)
      return address && id !== undefined ? [[id, address.href]] : []
    },
  )
}
