/** The one place that parses Markdown, or writes it from a tree: bounded in length, depth and time for any text. */
import type { Nodes, Root } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown, gfmToMarkdown } from 'mdast-util-gfm'
import { toMarkdown } from 'mdast-util-to-markdown'
import { gfm } from 'micromark-extension-gfm'
import { timeFor, withinTime } from './within-time.ts'

export type { BlockContent, Link, Nodes, PhrasingContent, Root, RootContent, Text } from 'mdast'

/** More characters can't be read within the time, whatever they are. */
const maxLength = 70_000
const maxDepth = 50

const grammar = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }

/** The tree; `undefined` for a text that is too long, too deep or too intricate to be read in good time. */
export function readMarkdown(source: string): Root | undefined {
  return bounded(source, () => fromMarkdown(source, grammar))
}

/**
 * As `readMarkdown`, with every node where it stands in the text: without emphasis, which is the slowest to
 * parse, and without the transforms that put nodes in which know no position.
 */
export function readPositions(source: string): Root | undefined {
  return bounded(source, () => fromMarkdown(source, positioned))
}

const positioned = {
  extensions: [gfm(), { disable: { null: ['attention'] } }],
  mdastExtensions: gfmFromMarkdown().map(extension => ({ ...extension, transforms: [] })),
}

/**
 * So many quotes and lists may begin on one line. More take more stack than there is, and a regular expression
 * that is compiled at its end ends the process.
 */
const tooManyMarkers = /^(?:[ \t]*(?:>|[-+*](?=[ \t\n])|\d{1,9}[.)](?=[ \t\n]))){40}/m

function bounded(source: string, read: () => Root): Root | undefined {
  if (source.length > maxLength || tooManyMarkers.test(source)) return undefined
  return withinTime(() => {
    const tree = read()
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

/** The first text of all costs what many cost later, which is not to count against its writer. */
const everything =
  '# a\n\n- [x] *b* `c` ~~d~~\n> <b> ![e](f "g") [h][i]\n\n| j |\n|-|\n| k |\n\n```\nl\n```\n\n[i]: m\n\n<!-- n -->\n&amp; [^o]\n\n[^o]: p\n'
for (const options of [grammar, positioned])
  toMarkdown(fromMarkdown(everything, options), { extensions: [gfmToMarkdown()] })
