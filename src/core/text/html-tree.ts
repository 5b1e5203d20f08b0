/** A text of HTML as a tree of parse5, and what is asked of it. Iterative, as people choose its depth. */
import { type DefaultTreeAdapterTypes, parseFragment } from 'parse5'

export type Tree = DefaultTreeAdapterTypes.DocumentFragment
export type Element = DefaultTreeAdapterTypes.Element
export type Node = DefaultTreeAdapterTypes.ChildNode

export const maxNodes = 60_000

export const treeOf = (html: string): Tree => parseFragment(html)

export const isText = (node: Node): node is DefaultTreeAdapterTypes.TextNode => node.nodeName === '#text'
export const isElement = (node: DefaultTreeAdapterTypes.ParentNode | Node): node is Element =>
  'tagName' in node

export const attribute = ({ attrs }: Element, name: string): string =>
  attrs.find(attr => attr.name === name)?.value ?? ''
export const has = ({ attrs }: Element, name: string): boolean => attrs.some(attr => attr.name === name)
export const classesOf = (element: Element): string[] =>
  attribute(element, 'class')
    .split(/\s+/)
    .filter(name => name !== '')
    .slice(0, 30)
export const hasClass = (element: Element, name: string): boolean => classesOf(element).includes(name)

export function isOfSize(image: Element): boolean {
  const isTiny = ['width', 'height'].some(name =>
    /^\s*[0-3](?:\.\d*)?(?:px|%)?\s*$/.test(attribute(image, name)),
  )
  return !isTiny && !/#gh-(?:dark|light)-mode-only$/i.test(attribute(image, 'src'))
}

export function languageOf(pre: Element): string {
  const code = elementsOf(pre).find(({ tagName }) => tagName === 'code')
  const named = code && classesOf(code).flatMap(name => /^language-(.+)$/.exec(name)?.[1] ?? [])[0]
  return (attribute(pre, 'lang') || named || '').toLowerCase()
}

/** As Markdown makes it; HTML of a writer has no reason to. */
export const isOnlyCode = (pre: Element): boolean =>
  pre.childNodes.length === 1 && elementsOf(pre)[0]?.tagName === 'code'

export const elementsOf = (element: Element): Element[] => element.childNodes.filter(isElement)

export function listNumber(item: Element): number | undefined {
  const list = item.parentNode
  if (!list || !isElement(list) || list.tagName !== 'ol') return undefined
  const start = Number.parseInt(attribute(list, 'start') || '1', 10)
  const numbers = numbersOf.get(list) ?? new Map(elementsOf(list).map((one, at) => [one, at]))
  numbersOf.set(list, numbers)
  return (Number.isNaN(start) ? 1 : start) + (numbers.get(item) ?? 0)
}

const numbersOf = new WeakMap<Element, Map<Element, number>>()

function nodesIn(root: Element): Node[] {
  const nodes: Node[] = []
  const pending: Node[] = [root]
  for (let node = pending.pop(); node && nodes.length < maxNodes; node = pending.pop()) {
    nodes.push(node)
    if (isElement(node))
      for (let at = node.childNodes.length - 1; at >= 0; at--) {
        const child = node.childNodes[at]
        if (child) pending.push(child)
      }
  }
  return nodes
}

export const elementsIn = (root: Element): Element[] => nodesIn(root).filter(isElement)
export const textIn = (root: Element): string =>
  nodesIn(root)
    .map(node => (isText(node) ? node.value : ''))
    .join('')
