/** A text of HTML as a tree of parse5, and what is asked of it. People choose its size and depth: both are bounded. */
import { type DefaultTreeAdapterTypes, defaultTreeAdapter, parseFragment } from 'parse5'

export type Element = DefaultTreeAdapterTypes.Element
export type Node = DefaultTreeAdapterTypes.ChildNode

const maxElements = 40_000
/** GitHub's own wrappers and a text's blocks need some thirty. Below it recursion is safe. */
const maxDepth = 100
const tooMuch = new Error('there is more than is read')

/** Makes the tree that a browser would make, up to where it is too large or too deep: then it is `cut`. */
export function treeOf(html: string): { nodes: readonly Node[]; cut: boolean } {
  let root: Element | undefined
  let elements = 0
  let depth = 0
  const treeAdapter: typeof defaultTreeAdapter = {
    ...defaultTreeAdapter,
    createElement(...given) {
      elements += 1
      if (elements > maxElements) throw tooMuch
      const element = defaultTreeAdapter.createElement(...given)
      if (element.tagName === 'html') root ??= element
      return element
    },
    onItemPush() {
      depth += 1
      if (depth > maxDepth) throw tooMuch
    },
    onItemPop() {
      depth -= 1
    },
  }
  try {
    return { nodes: parseFragment(html, { treeAdapter }).childNodes, cut: false }
  } catch (error) {
    if (error !== tooMuch) throw error
    return { nodes: root?.childNodes ?? [], cut: true }
  }
}

export const isText = (node: Node): node is DefaultTreeAdapterTypes.TextNode =>
  node.nodeName === '#text'
export const isElement = (node: Node): node is Element => 'tagName' in node

export const attribute = ({ attrs }: Element, name: string): string =>
  attrs.find(attr => attr.name === name)?.value ?? ''
export const has = ({ attrs }: Element, name: string): boolean =>
  attrs.some(attr => attr.name === name)
export const classesOf = (element: Element): string[] =>
  attribute(element, 'class')
    .split(/\s+/)
    .filter(name => name !== '')
    .slice(0, 30)
export const hasClass = (element: Element, name: string): boolean =>
  classesOf(element).includes(name)

/** These say something to programs, and change nothing of what words look like. */
const silent =
  /^(?:aria-.+|data-.+|abbr|alias|alt|checked|cite|class|datetime|disabled|fallback-src|headers|href|hreflang|id|itemprop|itemscope|itemtype|lang|name|open|rel|role|scope|src|summary|tabindex|target|title|type)$/
/** These change size, place or direction, and may do it this much. */
const layout: ReadonlyMap<string, RegExp> = new Map([
  ['align', /^(?:left|center|right|justify)$/i],
  ['valign', /^(?:top|middle|bottom|baseline)$/i],
  ['dir', /^(?:auto|ltr)$/i],
  ['start', /^\d{1,9}$/],
  ...['colspan', 'rowspan'].map(name => [name, /^[1-9]\d?$/] as const),
  ...['border', 'cellpadding', 'cellspacing'].map(name => [name, /^1?\d$/] as const),
  ['width', /^(?:[1-9]\d{1,2}(?:px)?|[1-9]\d?%|100%)$/],
])
/** GitHub sets the style and what plays; no writer can. */
const ofPictures =
  /^(?:canonical-src|controls|decoding|height|loading|muted|playsinline|style|width)$/
export const pictures = new Set(['img', 'video', 'picture', 'themed-picture'])

/** Attributes that may change more than is known of. */
export const unlisted = ({ tagName, attrs }: Element): Element['attrs'] =>
  attrs.filter(({ name, value }) => {
    if (pictures.has(tagName) && ofPictures.test(name)) return /\d{5}/.test(value)
    return !silent.test(name) && !layout.get(name)?.test(value)
  })

/** What an attribute says first, e.g. in pixels. */
export const numberOf = (element: Element, name: string): number =>
  Number.parseInt(attribute(element, name), 10) || 0

/** However many there are: more than a function takes. */
export const largest = (numbers: readonly (string | number)[]): number =>
  numbers.reduce<number>((most, number) => Math.max(most, Number(number)), 0)

/** The one image that a reader sees for sure: no source beside it, no dot, on each page. */
export function imageIn(picture: Element): Element | undefined {
  const [image, ...others] = [picture, ...elementsIn(picture)].filter(
    ({ tagName }) => tagName !== 'picture',
  )
  if (image?.tagName !== 'img' || others.length > 0 || unlisted(image).length > 0) return undefined
  const isOfSize = ['width', 'height'].every(
    name =>
      !has(image, name) || /^[1-9]\d{1,3}(?:\.\d{1,20})?(?:px|%)?$/.test(attribute(image, name)),
  )
  return isOfSize && !/#gh-(?:dark|light)-mode-only$/i.test(attribute(image, 'src'))
    ? image
    : undefined
}

export function languageOf(pre: Element): string {
  const code = elementsOf(pre).find(({ tagName }) => tagName === 'code')
  const named = code && classesOf(code).flatMap(name => /^language-(.+)$/.exec(name)?.[1] ?? [])[0]
  return (attribute(pre, 'lang') || named || '').toLowerCase()
}

/** Markdown makes such a block. Writers of HTML have no reason to. */
export const isOnlyCode = (pre: Element): boolean =>
  pre.childNodes.length === 1 && elementsOf(pre)[0]?.tagName === 'code'

export const elementsOf = (element: Element): Element[] => element.childNodes.filter(isElement)

function* nodesIn(root: Element): Generator<Node> {
  for (const node of root.childNodes) {
    yield node
    if (isElement(node)) yield* nodesIn(node)
  }
}

export const elementsIn = (root: Element): Element[] => [...nodesIn(root)].filter(isElement)
export const textIn = (root: Element): string =>
  [...nodesIn(root)].map(node => (isText(node) ? node.value : '')).join('')
