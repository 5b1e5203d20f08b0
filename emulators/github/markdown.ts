/** What GitHub makes of a Markdown text, by its grammar and its published allowlist (html-pipeline's sanitization filter). */
import { micromark } from 'micromark'
import { gfm, gfmHtml } from 'micromark-extension-gfm'
import { parseFragment, serialize, type DefaultTreeAdapterTypes as Tree } from 'parse5'

type Element = Tree.Element
type Node = Tree.ChildNode

/** With hard breaks, as comments have them. */
export const renderMarkdown = (text: string): string =>
  asPage(
    micromark(text, {
      allowDangerousHtml: true,
      extensions: [gfm()],
      htmlExtensions: [gfmHtml()],
    }).replace(/(<p>[\s\S]*?<\/p>)/g, paragraph =>
      paragraph.replace(/(?<!<br \/>)\n/g, '<br />\n'),
    ),
  )

/** From the engine's HTML to the page's. */
export function asPage(html: string): string {
  const root = parseFragment(html)
  sanitise(root)
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
