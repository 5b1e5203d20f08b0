import { offerAfter } from '../run/last-word.ts'
import type { Run } from '../run/run.ts'

export type Box = 'stop' | 'retry' | 'approve'

const labels: Record<Box, string> = {
  stop: 'Stop this run',
  retry: 'Try again',
  approve: 'Carry out this plan',
}

export const boxFor = (of: Box): string => `- [ ] ${labels[of]} <!-- codex-box:${of} -->`

export function boxesAfter(run: Run): string {
  const offer = offerAfter(run)
  return offer ? boxFor(offer) : ''
}

const line = /^- \[([ xX])\] .*<!-- codex-box:(stop|retry|approve) -->/gm

export function ticked(before: string, after: string): Box | undefined {
  const was = tickedIn(before)
  return [...tickedIn(after)].find(found => !was.has(found))
}

const isBox = (name: string | undefined): name is Box => name !== undefined && Object.hasOwn(labels, name)

const tickedIn = (text: string): Set<Box> =>
  new Set([...text.matchAll(line)].flatMap(([, mark, name]) => (mark !== ' ' && isBox(name) ? [name] : [])))
