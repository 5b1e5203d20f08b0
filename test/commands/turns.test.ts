/** Of commands that wait in one thread, whose turn it is. */
import { expect, test } from 'vitest'
import type { CommandContext } from '../../src/commands/command-context.ts'
import { waitedForAs } from '../../src/commands/join-or-wait.ts'
import { isPreceded } from '../../src/commands/stops.ts'
import { type TriggerRecord, triggerRecord } from '../../src/commands/trigger-record.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { runWith, t0, wordsAre } from '../core/given.ts'
import { label } from './asked.ts'

const second = 1_000
const live = runWith(wordsAre())
const over = changed(live, { result: { outcome: { kind: 'answer' } } })

const asked = (
  id: string,
  at: number,
  run?: Run,
): { id: string; addedAt: number; data: TriggerRecord } => ({
  id,
  addedAt: at,
  data: {
    ...triggerRecord({ ...label, id, at }),
    ...(run ? { waits: { since: at, run: waitedForAs(run) } } : {}),
  },
})

const minuteLater = t0 + 60 * second
const mine = asked('mine', t0 + second, live)

test.each<[string, ReturnType<typeof asked>, Run | undefined, boolean]>([
  ['what waited before it for a run that has ended', asked('first', t0, live), undefined, true],
  ['what waited before it for a run that has its result now', asked('first', t0, live), over, true],
  ['not what waits for a run that goes on', asked('first', t0, live), live, false],
  ['not what waits since after it', asked('later', t0 + 2 * second, live), undefined, false],
  ['not what came long ago and waits for no run', asked('first', t0), undefined, false],
])('goes first: %s', async (_, other, now, is) => {
  const context = {
    record: mine.data,
    job: { id: 'mine' },
    deps: {
      now: () => minuteLater,
      waiting: { listed: async () => [other, mine] },
      runs: {
        holder: async () => now?.id,
        get: async () => ({ standing: 'live', data: now }),
        inbox: async () => [],
      },
    },
  }
  expect(await isPreceded(context as unknown as CommandContext)).toBe(is)
})
