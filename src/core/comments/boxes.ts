/** Tick boxes in the status comment that do the same as the words. */

export type Box = 'stop' | 'retry'

const labels: Record<Box, string> = { stop: 'Stop this run', retry: 'Try again' }

export const box = (of: Box): string => `- [ ] ${labels[of]} <!-- codex-box:${of} -->`

const line = /^- \[([ xX])\] .*<!-- codex-box:(stop|retry) -->/gm

/** The box that is ticked now and was not before. */
export function ticked(before: string, after: string): Box | undefined {
  const was = tickedIn(before)
  return [...tickedIn(after)].find(found => !was.has(found))
}

const tickedIn = (text: string): Set<Box> =>
  new Set(
    [...text.matchAll(line)].flatMap(([, mark, name]) =>
      mark !== ' ' && (name === 'stop' || name === 'retry') ? [name] : [],
    ),
  )
