/** The only Markdown parser and writer, bounded in length, depth and time. */
import type { Nodes, Root } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown, gfmToMarkdown } from 'mdast-util-gfm'
import { toMarkdown } from 'mdast-util-to-markdown'
import { gfm } from 'micromark-extension-gfm'
import { timeFor, withinTime } from './event-loop.ts'

export type { BlockContent, Link, Nodes, PhrasingContent, Root, RootContent, Text } from 'mdast'

const maxLength = 70_000
const maxDepth = 50

const grammar = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }

/** Deeper nesting on one line overflows the stack, and a regular expression compiled there ends the process. */
const tooManyMarkers = /^(?:[ \t]*(?:>|[-+*](?=[ \t\n])|\d{1,9}[.)](?=[ \t\n]))){40}/m

/** `undefined` for a text that is too long, deep or complex. */
export function readMarkdown(source: string): Root | undefined {
  if (source.length > maxLength || tooManyMarkers.test(source)) return undefined
  return withinTime(() => {
    const tree = fromMarkdown(source, grammar)
    return { tree: isDeep(tree) ? undefined : tree }
  }, timeFor(source))?.tree
}

export const writeMarkdown = (tree: Root): string | undefined =>
  withinTime(() => ({
    text: toMarkdown(tree, { extensions: [gfmToMarkdown()], bullet: '-' }).trim(),
  }))?.text

function isDeep(tree: Root): boolean {
  const pending: { node: Nodes; depth: number }[] = [{ node: tree, depth: 0 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, depth } = next
    if (depth > maxDepth) return true
    if ('children' in node) for (const child of node.children) pending.push({ node: child, depth: depth + 1 })
  }
  return false
}

/** Warms the parser up, so that the first text is not cut off for it. */
const everything =
  '# a\n\n- [x] *b* `c` ~~d~~\n> <b> ![e](f "g") [h][i]\n\n| j |\n|-|\n| k |\n\n```\nl\n```\n\n[i]: m\n\n<!-- n -->\n&amp; [^o]\n\n[^o]: p\n'
toMarkdown(fromMarkdown(everything, grammar), { extensions: [gfmToMarkdown()] })
