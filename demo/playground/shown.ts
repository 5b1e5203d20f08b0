/** A text as GitHub's page shows it, made fit to stand in this one. */
import {
  parseFragment,
  serialize,
  type DefaultTreeAdapterTypes as Tree,
  defaultTreeAdapter as tree,
} from 'parse5'
import { renderMarkdown } from '../../emulators/github/markdown.ts'

interface Place {
  /** Of this text alone: ids in it begin with it. */
  key: string
  /** Where the emulated GitHub is, without a slash at the end. */
  github: string
  repository: string
}

/** @returns HTML that is safe here: GitHub's allowlist made it, and nothing in it reaches for the page around it */
export function shownBody(text: string, place: Place): string {
  const root = parseFragment(renderMarkdown(text))
  let boxes = 0
  const pending: Tree.ChildNode[] = root.childNodes.toReversed()
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (!tree.isElementNode(node)) continue
    pending.push(...node.childNodes.toReversed())
    node.attrs = node.attrs.filter(({ name }) => !reaching.has(name))
    for (const attr of node.attrs) if (attr.name === 'id') attr.value = `${place.key}-${attr.value}`
    if (node.tagName === 'a') lead(node, place)
    if (node.tagName === 'input') boxes += box(node, boxes)
  }
  return serialize(root)
}

/** What an element says to a form, a link or a script elsewhere in the page. */
const reaching = new Set(
  'name for form action method enctype accept accept-charset accesskey tabindex target rel usemap headers disabled'.split(
    ' ',
  ),
)

/** A thread of the emulated GitHub is a page here; the rest opens beside it, and is told nothing. */
function lead(link: Tree.Element, { key, github, repository }: Place): void {
  const href = link.attrs.find(({ name }) => name === 'href')
  if (!href) return
  if (href.value.startsWith('#')) {
    href.value = `#${key}-${href.value.slice(1)}`
    return
  }
  const base = `${github}/${repository}/`
  const [, number] = /^(?:issues|pull)\/(\d+)\b/.exec(href.value.replace(base, '')) ?? []
  if (href.value.startsWith(base) && number !== undefined) href.value = `/threads/${number}`
  else link.attrs.push({ name: 'target', value: '_blank' }, { name: 'rel', value: 'noreferrer' })
}

/** @returns how many boxes of the text this is: one that stands in no list is none */
function box(input: Tree.Element, index: number): number {
  const item = input.parentNode
  const isTask = item !== null && tree.isElementNode(item) && item.tagName === 'li'
  const label = (isTask && textOf(item).trim()) || 'Task'
  input.attrs.push({ name: 'autocomplete', value: 'off' }, { name: 'aria-label', value: label })
  if (isTask) item.attrs.push({ name: 'class', value: 'task-list-item' })
  input.attrs.push(
    isTask ? { name: 'data-box', value: String(index) } : { name: 'disabled', value: '' },
  )
  return isTask ? 1 : 0
}

const textOf = (parent: Tree.ParentNode): string =>
  parent.childNodes
    .map(node => {
      if (tree.isTextNode(node)) return node.value
      return tree.isElementNode(node) ? textOf(node) : ''
    })
    .join('')

const boxInText = /^(\s*(?:[-*+]|\d+[.)])\s+\[)([ xX])(?=\])/gm

/** GitHub edits the text when somebody ticks a box. @param index of the box, from 0 */
export function ticked(text: string, index: number): string {
  let at = 0
  return text.replace(boxInText, (found, before: string, mark: string) =>
    at++ === index ? `${before}${mark === ' ' ? 'x' : ' '}` : found,
  )
}

const emojis: Readonly<Record<string, string>> = {
  '+1': '👍',
  '-1': '👎',
  laugh: '😄',
  confused: '😕',
  heart: '❤️',
  hooray: '🎉',
  rocket: '🚀',
  eyes: '👀',
}

/** Of `eyes` or `eyes by codex-bot[bot]`. */
export const emojiOf = (reaction: string): string =>
  emojis[reaction.split(' ')[0] ?? ''] ?? reaction

interface StoredMarker {
  as?: unknown
  backup?: unknown
}

/** The signed, hidden lines of a text of the bot's, without their signatures. */
export const markersIn = (text: string): StoredMarker[] =>
  [...text.matchAll(/<!-- codex-run:([\w-]+)\.[\w-]+ -->/g)].flatMap(([, payload = '']) => {
    try {
      const marker: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
      return typeof marker === 'object' && marker !== null ? [marker] : []
    } catch {
      return []
    }
  })

/** For the terminal: what GitHub folds away stays folded, and tags leave no trace. */
export const plainLines = (text: string): string[] =>
  wordsOf(text)
    .replace(/<details>\s*<summary>([\s\S]*?)<\/summary>[\s\S]*?<\/details>/g, '▸ $1 (folded)')
    .replace(/<\/?su[bp]>|<!--[\s\S]*?-->|\u200b/g, '')
    .split('\n')
    .filter(line => line.trim() !== '')

/** What people read of a text: without the signed lines. */
export const wordsOf = (text: string): string => text.replace(/\s*<!-- codex-run:.*? -->/g, '')
