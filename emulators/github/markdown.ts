/**
 * What GitHub makes of a Markdown text: `cmark-gfm` where it is installed, else micromark with GitHub's extensions,
 * then GitHub's published allowlist (html-pipeline's sanitization filter), then what its own filters add.
 */
import { execFile, spawnSync } from 'node:child_process'
import { micromark } from 'micromark'
import { gfm, gfmHtml } from 'micromark-extension-gfm'
import { parseFragment, serialize, type DefaultTreeAdapterTypes as Tree } from 'parse5'

type Element = Tree.Element
type Node = Tree.ChildNode

/** Rendered by GitHub's own engine, if it is here; with hard breaks, as comments have them. */
export async function renderMarkdown(text: string): Promise<string> {
  const known = rendered.get(text)
  if (known !== undefined) return known
  return keep(text, asPage((await cmark(text)) ?? byMicromark(text)))
}

/** The same at once, for tests of what is pure. */
export function renderMarkdownNow(text: string): string {
  const known = rendered.get(text)
  if (known !== undefined) return known
  const { status, stdout } = spawnSync('cmark-gfm', flags, {
    input: text,
    maxBuffer: 64 * 2 ** 20,
    encoding: 'utf8',
  })
  return keep(text, asPage(status === 0 ? stdout : byMicromark(text)))
}

function keep(text: string, html: string): string {
  rendered.set(text, html)
  const [oldest] = rendered.keys()
  if (rendered.size > 5_000 && oldest !== undefined) rendered.delete(oldest)
  return html
}

const rendered = new Map<string, string>()

const flags = [
  ...['--to', 'html', '--github-pre-lang', '--unsafe', '--hardbreaks'],
  ...['table', 'strikethrough', 'autolink', 'tagfilter', 'tasklist', 'footnotes'].flatMap(name => [
    '-e',
    name,
  ]),
]

let installed: boolean | undefined

function cmark(text: string): Promise<string | undefined> {
  installed ??= spawnSync('cmark-gfm', ['--version']).status === 0
  if (!installed) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const child = execFile('cmark-gfm', flags, { maxBuffer: 64 * 2 ** 20 }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(text)
  })
}

const byMicromark = (text: string): string =>
  micromark(text, {
    allowDangerousHtml: true,
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
  }).replace(/(<p>[\s\S]*?<\/p>)/g, paragraph => paragraph.replace(/(?<!<br \/>)\n/g, '<br />\n'))

/** From the engine's HTML to the page's. */
export function asPage(html: string): string {
  const root = parseFragment(html)
  sanitise(root)
  decorate(root)
  return serialize(root)
}

const elements = new Set(
  'h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table thead tbody tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure figcaption abbr bdo cite dfn mark small source span time wbr section input'.split(
    ' ',
  ),
)
/** Class and `data-*` are those of GitHub's own filters, which run after it; a writer's are taken off. */
const attributes = new Set(
  'href src longdesc loading alt itemscope itemtype cite srcset abbr accept accept-charset accesskey action align aria-describedby aria-hidden aria-label aria-labelledby axis border char charoff charset checked clear cols colspan compact coords datetime dir disabled enctype for frame headers height hreflang hspace id ismap label lang maxlength media method multiple name nohref noshade nowrap open progress prompt readonly rel rev role rows rowspan rules scope selected shape size span start summary tabindex title type usemap valign value width itemprop'.split(
    ' ',
  ),
)
const cells = new Set(['tr', 'td', 'th', 'thead', 'tbody', 'tfoot'])

/** What the engine itself makes carries these, and no writer's does: raw HTML can't say `data-footnotes` on GitHub. */
const engines = /^(?:footnotes|footnote-ref|footnote-backref)$/

function sanitise(root: Tree.DocumentFragment): void {
  const pending: Tree.ParentNode[] = [root]
  for (let parent = pending.pop(); parent; parent = pending.pop()) {
    const kept: Node[] = []
    const queue: Node[] = [...parent.childNodes].reverse()
    for (let node = queue.pop(); node; node = queue.pop()) {
      if (node.nodeName === '#text') kept.push(node)
      if (!('tagName' in node)) continue
      if (isAllowed(node)) {
        clean(node)
        kept.push(node)
        pending.push(node)
      } else if (node.tagName !== 'script')
        for (const child of node.childNodes.toReversed()) queue.push(child)
    }
    parent.childNodes = kept
    for (const child of kept) child.parentNode = parent
  }
}

function isAllowed({ tagName, attrs, parentNode }: Element): boolean {
  if (!elements.has(tagName)) return false
  if (tagName === 'input')
    return attrs.some(({ name, value }) => name === 'type' && value === 'checkbox')
  if (tagName === 'li') return within(parentNode, ['ul', 'ol'])
  return !cells.has(tagName) || within(parentNode, ['table'])
}

function within(parent: Tree.ParentNode | null, names: readonly string[]): boolean {
  for (let node = parent; node && 'tagName' in node; node = node.parentNode)
    if (names.includes(node.tagName)) return true
  return false
}

function clean(element: Element): void {
  element.attrs = element.attrs.filter(({ name, value }) => {
    if (name === 'class') return engines.test(value)
    if (
      name === 'data-footnotes' ||
      name === 'data-footnote-ref' ||
      name === 'data-footnote-backref'
    )
      return true
    if (name === 'href') return /^(?:https?:|mailto:|[^:]*$|#|\/)/i.test(value.trim())
    if (name === 'src') return /^(?:https?:|[^:]*$)/i.test(value.trim())
    return attributes.has(name)
  })
}

const coloured = new Set(
  'bash c cpp cs css diff go html java js json lua php python rb ruby rust sh shell sql ts tsx xml yaml yml'.split(
    ' ',
  ),
)
const drawn = new Set(['mermaid', 'geojson', 'topojson', 'stl'])

function decorate(root: Tree.DocumentFragment): void {
  const put = new Replacements()
  const pending: Node[] = [...root.childNodes]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.nodeName === '#text' && 'value' in node) formulas(node, put)
    if (!('tagName' in node)) continue
    if (node.tagName === 'pre') {
      ofCode(node, put)
      continue
    }
    if (node.tagName === 'p' || /^h[1-6]$/.test(node.tagName)) give(node, 'dir', 'auto')
    if (node.tagName === 'input') give(node, 'class', 'task-list-item-checkbox')
    if (node.tagName === 'blockquote') alert(node, put)
    if (node.tagName !== 'code' && node.tagName !== 'a') pending.push(...node.childNodes)
  }
  put.apply()
}

function give(element: Element, name: string, value: string): void {
  if (!element.attrs.some(attr => attr.name === name)) element.attrs.push({ name, value })
}

function ofCode(pre: Element, put: Replacements): void {
  const lang = pre.attrs.find(({ name }) => name === 'lang')?.value.toLowerCase() ?? ''
  const source = textOf(pre)
  if (drawn.has(lang))
    put.add(
      pre,
      `<section class="js-render-needs-enrichment render-needs-enrichment position-relative" data-type="${lang}"><div class="js-render-enrichment-target" data-plain="${escaped(source)}"><pre lang="${lang}" aria-label="Raw ${lang} code">${escaped(source)}</pre></div><span class="js-render-enrichment-loader" role="status"><span class="sr-only">Loading</span></span></section>`,
    )
  else if (lang === 'math') put.add(pre, formula(`$$${source}$$`, 'js-display-math'))
  else if (coloured.has(lang))
    put.add(pre, codeBlock(`highlight highlight-source-${lang}`, escaped(source)))
  else if (lang === '') put.add(pre, codeBlock('snippet-clipboard-content', serialize(pre)))
}

const codeBlock = (classes: string, inner: string): string =>
  `<div class="${classes} notranslate position-relative overflow-auto" dir="auto"><pre class="notranslate">${inner}</pre></div>`

const formula = (source: string, display: string): string =>
  `<math-renderer class="${display}" data-run-id="0">${escaped(source)}</math-renderer>`

/** No blank inside the dollars, no digit after them: GitHub Docs, "Writing mathematical expressions". */
const math =
  /(?<![\w$\\])\$(?![\s$])((?:\\.|[^$\\\n]){1,2000}?)(?<![\s\\])\$(?![\w$])|\$\$([^$]{1,2000})\$\$/g

function formulas(text: Tree.TextNode, put: Replacements): void {
  if (!text.value.includes('$')) return
  const html = text.value
    .split(math)
    .map((part, at) => {
      if (part === undefined) return ''
      return at % 3 === 0
        ? escaped(part)
        : formula(at % 3 === 1 ? `$${part}$` : `$$${part}$$`, 'js-inline-math')
    })
    .join('')
  put.add(text, html)
}

const alertName = /^\s*\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*$/i

function alert(quote: Element, put: Replacements): void {
  const first = quote.childNodes.find(node => 'tagName' in node)
  const text = first && 'childNodes' in first ? first.childNodes[0] : undefined
  if (!first || !text || !('value' in text)) return
  const name = alertName.exec(text.value)?.[1]
  if (name === undefined) return
  const shown = name[0]?.toUpperCase() + name.slice(1).toLowerCase()
  if ('childNodes' in first) first.childNodes = first.childNodes.slice(1)
  put.add(
    quote,
    `<div class="markdown-alert markdown-alert-${name.toLowerCase()}" dir="auto"><p class="markdown-alert-title" dir="auto"><svg class="octicon"></svg>${shown}</p>${serialize(quote)}</div>`,
  )
}

/** All at once at the end: each by itself among thousands of neighbours would take minutes. */
class Replacements {
  readonly #made = new Map<Node, Node[]>()
  readonly #parents = new Set<Tree.ParentNode>()

  add(node: Node, html: string): void {
    if (!node.parentNode) return
    this.#parents.add(node.parentNode)
    this.#made.set(node, parseFragment(html).childNodes)
  }

  apply(): void {
    for (const parent of this.#parents) {
      parent.childNodes = parent.childNodes.flatMap(child => this.#made.get(child) ?? [child])
      for (const child of parent.childNodes) child.parentNode = parent
    }
  }
}

function textOf(element: Element): string {
  let text = ''
  const pending: Node[] = [...element.childNodes].reverse()
  for (let node = pending.pop(); node; node = pending.pop()) {
    if ('value' in node) text += node.value
    if ('childNodes' in node) pending.push(...node.childNodes.toReversed())
  }
  return text
}

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
