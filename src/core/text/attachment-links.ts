/**
 * Files that people attach to an issue, a pull request or a comment: which links are such files, and what is
 * said of those that could not be passed on. The text of a thread is anybody's, so an
 * address counts only if it is exactly one of GitHub's own; nothing else is ever fetched.
 */
import { z } from 'zod'
import { Rejected, type Service } from '../model/errors.ts'
import { type Nodes, type Root, readMarkdown } from './markdown.ts'
import { stripInvisible } from './untrusted.ts'
import { withinTime } from './within-time.ts'

export interface Attachment {
  /** A file name: at most 255 bytes, without slashes, controls or anything that can't be seen. */
  name: string
  url: string
}

export interface AttachmentFile {
  name: string
  /** A media type without parameters. */
  type: string
  bytes: Uint8Array<ArrayBuffer>
}

/** What became of the attachments of a Run. */
export const StagedAttachments = z.object({
  /** For `pending_user_artifact_ids`: they serve one start of one task, within 24 hours. */
  ids: z.array(z.string()),
  failed: z.array(z.object({ name: z.string(), why: z.string() })),
})
export type StagedAttachments = z.infer<typeof StagedAttachments>

/** How many one Run takes along. */
export const maxAttachments = 10

/**
 * The attachments that a text shows, in order, each once.
 * @param webUrl any page of the GitHub that the text is from, e.g. the thread's `html_url`
 */
export function attachmentsIn(markdown: string, webUrl: string, most = maxAttachments): Attachment[] {
  if (!URL.canParse(webUrl) || !mayHoldAttachment(markdown, new URL(webUrl))) return []
  const candidates = linksIn(markdown).flatMap(({ url, words }) => {
    const address = attachmentAddress(url, webUrl)
    return address ? [{ name: nameOf(words, address), url: address.href }] : []
  })
  return onlyOnce(candidates).slice(0, most)
}

/** What takes too long to be read as Markdown is plain text, in which nothing is attached. */
function linksIn(markdown: string): Shown[] {
  const tree = readMarkdown(markdown)
  return (tree && withinTime(() => shownLinks(tree))) ?? []
}

/** Spares the parsing of most texts. */
function mayHoldAttachment(markdown: string, { host }: URL): boolean {
  const text = markdown.toLowerCase()
  return text.includes(host) || text.includes('githubusercontent.com')
}

/** One file may be shown under its lasting address and under a signed one. */
export function onlyOnce(attachments: readonly Attachment[]): Attachment[] {
  const seen = new Set<string>()
  return attachments.filter(({ url }) => {
    const key = assetId(url) ?? url
    return !seen.has(key) && seen.add(key)
  })
}

/* Addresses */

const attachmentPaths = [
  /^\/user-attachments\/(?:assets|files)\/[^/]/,
  /^\/[\w.-]+\/[\w.-]+\/(?:assets|files)\/\d+\/[^/]+$/,
]
const imageHosts: readonly string[] = [
  'https://user-images.githubusercontent.com',
  'https://private-user-images.githubusercontent.com',
]
const publicGitHub = 'https://github.com'

/** The address as it is to be fetched, if it is one of an attachment on the GitHub that `webUrl` is a page of. */
export function attachmentAddress(text: string, webUrl: string): URL | undefined {
  const url = plainUrl(text)
  const home = new URL(webUrl).origin
  if (!url) return undefined
  if (url.origin === home && attachmentPaths.some(path => path.test(url.pathname))) return url
  return home === publicGitHub && imageHosts.includes(url.origin) && url.pathname.length > 1 ? url : undefined
}

/** Parsed as `fetch` does it, so that what is compared is what is asked. */
function plainUrl(text: string, base?: URL): URL | undefined {
  if (!URL.canParse(text, base?.href)) return undefined
  const url = new URL(text, base)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  // An encoded slash could mean another path to the server than to us.
  if (url.username !== '' || url.password !== '' || /%2f|%5c/i.test(url.pathname)) return undefined
  url.hash = ''
  return url
}

const storageHosts = ['.githubusercontent.com', '.s3.amazonaws.com']

/** Where GitHub may send a download on to: its own pages, and the storage that its signed addresses point at. */
export function redirectTarget(location: string, from: URL, webUrl: string): URL | undefined {
  const url = plainUrl(location, from)
  const home = new URL(webUrl)
  if (!url || url.origin === home.origin) return url
  const isStorage = url.host === `media.${home.host}` || storageHosts.some(end => url.host.endsWith(end))
  return url.protocol === 'https:' && isStorage ? url : undefined
}

/** The id of an uploaded image or video, which its lasting and its signed addresses share. */
export function assetId(url: string): string | undefined {
  const { pathname } = new URL(url)
  return /([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:\.[a-z0-9]+)?$/i.exec(pathname)?.[1]?.toLowerCase()
}

/** Signed addresses that GitHub wrote into the HTML of a text, by the id of what they show. */
export function signedAddresses(html: string): [id: string, url: string][] {
  return [...html.matchAll(/https:\/\/private-user-images\.githubusercontent\.com\/[^\s"'<>]+/g)].flatMap(
    ([text]) => {
      const address = attachmentAddress(withoutEntities(text), publicGitHub)
      const id = address && assetId(address.href)
      return address && id !== undefined ? [[id, address.href]] : []
    },
  )
}

/* Links */

interface Shown {
  url: string
  /** The words of a link or the alternative text of an image. */
  words: string
}

/** All links and images that a reader sees as the writer's own, in order: not in code, quotes or HTML comments. */
function shownLinks(tree: Root): Shown[] {
  const html = new HtmlReader()
  const definitions = definitionsIn(tree)
  const shown: Shown[] = []
  const pending: Nodes[] = [tree]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.type === 'html') shown.push(...html.read(node.value))
    else if (html.shows) shown.push(...linkOf(node, definitions))
    if ('children' in node && node.type !== 'blockquote') pending.push(...node.children.toReversed())
  }
  return shown
}

function linkOf(node: Nodes, definitions: ReadonlyMap<string, string>): Shown[] {
  switch (node.type) {
    case 'link':
      return [{ url: node.url, words: textOf(node) }]
    case 'image':
      return [{ url: node.url, words: node.alt ?? '' }]
    case 'linkReference':
      return [{ url: definitions.get(node.identifier) ?? '', words: textOf(node) }]
    case 'imageReference':
      return [{ url: definitions.get(node.identifier) ?? '', words: node.alt ?? '' }]
    default:
      return []
  }
}

function definitionsIn(tree: Root): Map<string, string> {
  const found = new Map<string, string>()
  for (const node of nodesOf(tree))
    if (node.type === 'definition' && !found.has(node.identifier)) found.set(node.identifier, node.url)
  return found
}

function textOf(tree: Nodes): string {
  return nodesOf(tree)
    .map(node => (node.type === 'image' ? node.alt : 'value' in node ? node.value : ''))
    .join('')
}

/** In order. Without recursion, since a text can nest deeper than the stack. */
function nodesOf(tree: Nodes): Nodes[] {
  const nodes: Nodes[] = []
  const pending: Nodes[] = [tree]
  for (let node = pending.pop(); node; node = pending.pop()) {
    nodes.push(node)
    if ('children' in node) pending.push(...node.children.toReversed())
  }
  return nodes
}

const quoting: ReadonlySet<string> = new Set(['blockquote', 'code', 'pre'])
const tag = /<(\/?)([a-z][a-z0-9-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/iy
const attribute = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g

/**
 * Reads the HTML between Markdown, piece by piece: a comment or a quote that opens in one piece goes on in
 * the Markdown after it. Each character is looked at once, whatever the text.
 */
class HtmlReader {
  #inComment = false
  #quotes = 0

  /** Whether what comes next is seen, and the writer's own. */
  get shows(): boolean {
    return !this.#inComment && this.#quotes === 0
  }

  /** The images in one piece. */
  read(html: string): Shown[] {
    const images: Shown[] = []
    let at: number | undefined = this.#inComment ? this.#endOfComment(html, 0) : 0
    while (at !== undefined) {
      const open = html.indexOf('<', at)
      if (open === -1) break
      const isComment = html.startsWith('<!--', open)
      at = isComment ? this.#endOfComment(html, open + '<!'.length) : this.#tag(html, open, images)
    }
    return images
  }

  #endOfComment(html: string, from: number): number {
    const end = html.indexOf('-->', from)
    this.#inComment = end === -1
    return this.#inComment ? html.length : end + '-->'.length
  }

  /** A tag without an end swallows the rest. */
  #tag(html: string, at: number, images: Shown[]): number | undefined {
    tag.lastIndex = at
    const [whole, slash, name = '', attributes = ''] = tag.exec(html) ?? []
    if (whole === undefined) return /[a-z/]/i.test(html[at + 1] ?? '') ? undefined : at + 1
    const kind = name.toLowerCase()
    if (quoting.has(kind)) this.#quotes = Math.max(0, this.#quotes + (slash ? -1 : 1))
    if (kind === 'img' && this.shows) images.push(imageOf(attributes))
    return at + whole.length
  }
}

function imageOf(attributes: string): Shown {
  const found = new Map<string, string>()
  for (const [, name = '', double, single, bare] of attributes.matchAll(attribute)) {
    const key = name.toLowerCase()
    if (!found.has(key)) found.set(key, withoutEntities(double ?? single ?? bare ?? ''))
  }
  return { url: found.get('src') ?? '', words: found.get('alt') ?? '' }
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}
const withoutEntities = (text: string): string =>
  text.replace(/&(?:lt|gt|quot|#39|amp);/g, entity => entities[entity] ?? entity)

/* Names */

const maxName = 255

function nameOf(words: string, address: URL): string {
  return (
    fileNamed(/^https?:\/\//i.test(words) ? '' : words) ||
    fileNamed(lastSegment(address.href)) ||
    'attachment'
  )
}

/** A name that any file system takes; empty when nothing is left of the text. */
export function fileNamed(text: string): string {
  const name = stripInvisible(text)
    .replace(/[\\/\s]+/g, ' ')
    .replace(/^[\s.]+|\s+$/g, '')
  return fitted(name)
}

/** Cut to what a file system takes, which counts bytes; the extension stays. */
function fitted(name: string): string {
  const extension = extensionOf(name)
  const ending = extension === '' ? '' : `.${extension}`
  let stem = name.slice(0, name.length - ending.length)
  const room = maxName - Buffer.byteLength(ending)
  if (Buffer.byteLength(stem) > room)
    stem = Buffer.from(stem)
      .subarray(0, room)
      .toString()
      .replace(/\ufffd+$/, '')
      .trimEnd()
  return stem + ending
}

export function lastSegment(url: string): string {
  const { pathname } = new URL(url)
  const segment = pathname.slice(pathname.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Without the dot and as it is written; empty when a name has none. */
export const extensionOf = (name: string): string => /[^.]\.([a-z0-9]{1,10})$/i.exec(name)?.[1] ?? ''

/* What is said of those that were not passed on */

export type Unfit =
  | { kind: 'type'; type: string }
  | { kind: 'size'; limit: number }
  | { kind: 'empty' }
  | { kind: 'contents'; type: string }
  | { kind: 'denied' }
  | { kind: 'status'; status: number }
  | { kind: 'elsewhere' }
  | { kind: 'detour' }
  | { kind: 'count' }
  | { kind: 'time' }
  | { kind: 'silence'; service: Service }
  | { kind: 'refusal'; service: Service; said: string }
  | { kind: 'fault' }

/** A file that is not passed on, for good. The message ends a sentence that begins with its name. */
export class AttachmentRefused extends Error {
  override name = 'AttachmentRefused'
  readonly unfit: Unfit

  constructor(unfit: Unfit) {
    super(whyNot(unfit))
    this.unfit = unfit
  }
}

const serviceName: Record<Service, string> = { github: 'GitHub', posthog: 'PostHog' }

export function whyNot(unfit: Unfit): string {
  switch (unfit.kind) {
    case 'type':
      return unfit.type === '' ? 'its type is not known' : `files of type ${unfit.type} are not passed on`
    case 'size':
      return `it is larger than ${Math.floor(unfit.limit / 1_048_576)} MB`
    case 'empty':
      return 'it is empty'
    case 'contents':
      return `it says that it is ${unfit.type}, but it is not`
    case 'denied':
      return 'GitHub does not let the bot download it'
    case 'status':
      return `GitHub answered ${unfit.status} when it was downloaded`
    case 'elsewhere':
      return 'GitHub sent the download on to an address that is not its own'
    case 'detour':
      return 'GitHub sent the download on too often'
    case 'count':
      return `no more than ${maxAttachments} are passed on`
    case 'time':
      return 'there was no time left for it'
    case 'silence':
      return `${serviceName[unfit.service]} did not answer`
    case 'refusal':
      return `${serviceName[unfit.service]} refused: ${unfit.said}`
    case 'fault':
      return 'the bot itself failed at it'
  }
}

/** PostHog forgot the staged files of a run that could not start for a day: stage them again. */
export const stagingIsLost = (error: unknown): boolean =>
  error instanceof Rejected &&
  error.service === 'posthog' &&
  error.status === 400 &&
  error.message.includes('pending_user_artifact_ids')
