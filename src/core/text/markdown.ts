/** The only Markdown parser and writer, bounded in length, depth and time, and what is looked for in a tree of it. */
import type { Nodes, Root } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown, gfmToMarkdown } from 'mdast-util-gfm'
import { toMarkdown } from 'mdast-util-to-markdown'
import { gfm } from 'micromark-extension-gfm'
import { timeFor, withinTime } from './event-loop.ts'
import { paragraphs } from './phrases.ts'

export type * from 'mdast'

const maxLength = 70_000
const maxDepth = 50

const grammar = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }

/** Deeper nesting on one line overflows the stack, and a regular expression compiled there ends the process. */
const tooManyMarkers = /^(?:[ \t]*(?:>|[-+*](?=[ \t\n])|\d{1,9}[.)](?=[ \t\n]))){40}/m

/** `undefined` for a text that is too long, deep or complex. */
export const readMarkdown = (source: string): Root | undefined =>
  read(source, grammar, timeFor(source))

/** The same, with the place of each node in the text: what our extensions would find in words afterwards has none. */
export const readPlaces = (source: string, milliseconds: number): Root | undefined =>
  read(source, places, milliseconds)

const places = {
  extensions: grammar.extensions,
  mdastExtensions: gfmFromMarkdown().map(extension => ({ ...extension, transforms: [] })),
}

function read(source: string, its: typeof grammar | typeof places, milliseconds: number) {
  if (source.length > maxLength || tooManyMarkers.test(source)) return undefined
  return withinTime(() => {
    const tree = fromMarkdown(source, its)
    return { tree: isDeeper(tree, maxDepth) ? undefined : tree }
  }, milliseconds)?.tree
}

export const writeMarkdown = (tree: Root): string | undefined =>
  withinTime(() => ({
    text: toMarkdown(tree, { extensions: [gfmToMarkdown()], bullet: '-' }).trim(),
  }))?.text

const isDeeper = (node: Nodes, most: number): boolean =>
  most < 0 || ('children' in node && node.children.some(child => isDeeper(child, most - 1)))

/** It and all in it. */
export function* nodesIn(node: Nodes): Generator<Nodes> {
  yield node
  if ('children' in node) for (const child of node.children) yield* nodesIn(child)
}

interface IssueNames {
  owner: string
  repo: string
  number: number
  url: string
}

/** The keywords that close an issue, found as GitHub finds them. */
export function closesIssue(body: string, { owner, repo, number, url }: IssueNames): boolean {
  const names = [`#${number}`, `${owner}/${repo}#${number}`, url].map(name =>
    name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  )
  const closing = new RegExp(
    `\\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \\t]{1,9}(?:${names.join('|')})(?![\\d/])`,
    'i',
  )
  const closesIn = (node: Nodes): boolean => {
    if (silent.has(node.type)) return false
    return node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell'
      ? closing.test(visibleWords(node))
      : 'children' in node && node.children.some(closesIn)
  }
  const tree = readMarkdown(body)
  return tree !== undefined && closesIn(tree)
}

const silent = new Set<Nodes['type']>([
  'blockquote',
  'code',
  'definition',
  'footnoteDefinition',
  'html',
])

function visibleWords(node: Nodes): string {
  if (node.type === 'text') return node.value
  if (node.type === 'break') return '\n'
  if (node.type === 'link')
    return node.children.map(visibleWords).join('') === node.url ? node.url : '\ufffc'
  return 'children' in node ? node.children.map(visibleWords).join('') : '\ufffc'
}

/** A place for lines of ours: before anything that could swallow them. */
export const withFirst = (lines: readonly string[], body: string): string =>
  paragraphs([...lines, body.trim()])

/** Warms the parser up, so that the first text is not cut off for it. */
const everything =
  '# a\n\n- [x] *b* `c` ~~d~~\n> <b> ![e](f "g") [h][i]\n\n| j |\n|-|\n| k |\n\n```\nl\n```\n\n[i]: m\n\n<!-- n -->\n&amp; [^o]\n\n[^o]: p\n'
toMarkdown(fromMarkdown(everything, grammar), { extensions: [gfmToMarkdown()] })
