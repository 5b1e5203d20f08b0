import { withoutEntities } from './html-entities.ts'
import type { Nodes, Root } from './markdown.ts'

export interface Shown {
  url: string
  words: string
}

export function shownLinks(tree: Root): Shown[] {
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

/** In order, without recursion: texts can nest deeper than the stack. */
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

/** Reads HTML across Markdown nodes: a comment opened in one ends in another. Linear time. */
class HtmlReader {
  #inComment = false
  #quotes = 0

  get shows(): boolean {
    return !this.#inComment && this.#quotes === 0
  }

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
