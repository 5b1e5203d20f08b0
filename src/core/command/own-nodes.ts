import type { Nodes } from '../text/markdown.ts'

export interface Range {
  from: number
  to: number
}

export const inside = (at: number, { from, to }: Range): boolean => from <= at && at < to

const foreign: ReadonlySet<Nodes['type']> = new Set<Nodes['type']>([
  'blockquote',
  'definition',
  'footnoteDefinition',
  'html',
  'image',
  'inlineCode',
  'link',
  'linkReference',
])

export function* ownNodes(tree: Nodes): Generator<Nodes> {
  const pending: Nodes[] = [tree]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (foreign.has(node.type)) continue
    yield node
    if ('children' in node) for (const child of node.children) pending.push(child)
  }
}

export function rangeOf({ position }: Nodes): Range[] {
  const from = position?.start.offset
  const to = position?.end.offset
  return from === undefined || to === undefined ? [] : [{ from, to }]
}
