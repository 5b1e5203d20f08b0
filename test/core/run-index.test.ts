/** Which Runs the index names for a pull request: whoever holds it learns of it, at work or not. */
import { expect, test } from 'vitest'
import type { RunChange } from '../../src/core/record/run.ts'
import { runIndex, sets } from '../../src/core/record/run-index.ts'
import { memoryIndex } from '../support/memory-index.ts'
import { admitted, issueThread, pull, runWith, t0, toldOfPull } from './given.ts'

const job = (id: string, differs: RunChange, isLive = true) => {
  const run = { id, addedAt: t0, data: runWith({ id, ...differs }) }
  return { id, isLive, entries: runIndex.entries(run) }
}

const over: RunChange = { result: { ...toldOfPull.result, outcome: { kind: 'answer' } } }

test('the one that waits, the one that works and the one that has ended', async () => {
  const index = memoryIndex(() => [
    job('waits', toldOfPull),
    job('works', { ...toldOfPull, ...admitted }),
    job('is over', over, false),
    job('has another', { result: { pulls: [{ ...pull, number: 10 }] } }),
    job('is elsewhere', { ...toldOfPull, thread: { ...issueThread, repoId: 200 } }),
    job('has none', {}),
  ])
  const found = await index.members([sets.pull({ ...issueThread, ...pull })], {
    kind: 'first',
    count: 9,
  })
  expect(found[0]?.map(({ id }) => id)).toEqual(['is over', 'waits', 'works'])
})
