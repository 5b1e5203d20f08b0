/**
 * The keywords that close an issue, found as GitHub finds them, and the place for ours: before anything that could
 * swallow them.
 */
import { type Nodes, readMarkdown } from './markdown.ts'

export interface IssueNames {
  owner: string
  repo: string
  number: number
  url: string
}

export function closesIssue(body: string, { owner, repo, number, url }: IssueNames): boolean {
  const names = [`#${number}`, `${owner}/${repo}#${number}`, url].map(name =>
    name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  )
  const closing = new RegExp(
    `\\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \\t]{1,9}(?:${names.join('|')})(?![\\d/])`,
    'i',
  )
  const tree = readMarkdown(body)
  const pending: Nodes[] = tree ? [tree] : []
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (silent.has(node.type)) continue
    if (node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell') {
      if (closing.test(visibleWords(node))) return true
    } else if ('children' in node) for (const child of node.children) pending.push(child)
  }
  return false
}

const silent: ReadonlySet<Nodes['type']> = new Set<Nodes['type']>([
  'blockquote',
  'code',
  'definition',
  'footnoteDefinition',
  'html',
])

function visibleWords(node: Nodes): string {
  if (node.type === 'text') return node.value
  if (node.type === 'break') return '\n'
  if (node.type === 'link') return node.children.map(visibleWords).join('') === node.url ? node.url : '\ufffc'
  return 'children' in node ? node.children.map(visibleWords).join('') : '\ufffc'
}

export const withFirst = (lines: readonly string[], body: string): string =>
  [...lines, body.trim()].filter(part => part !== '').join('\n\n')
