/** What a new run makes old news of, and where none begins. */
import { describe, expect, test } from 'vitest'
import { startFacts, supersededBy } from '../../src/commands/new-run.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { pullThread, t0, working } from '../core/given.ts'
import { asking, closed, comment, ended, stopping } from './asked.ts'

describe('what asks for none', () => {
  const status = { commentId: 900, hash: 'h', phase: 'p', at: t0, nodeId: 'IC_900' }
  const stopped = working({
    result: { outcome: { kind: 'stopped', by: 'maya' } },
    report: { status },
  })
  test.each<[string, Run, string[]]>([
    ['a stop that was told by its status alone', stopped, ['IC_900']],
    [
      'a stop whose status is folded away',
      changed(stopped, { report: { status: { ...status, minimized: true } } }),
      [],
    ],
    ['one in another thread', { ...stopped, thread: pullThread }, []],
    [
      'an answer, whose status is folded away below it',
      changed(stopped, { result: { outcome: { kind: 'answer' } } }),
      [],
    ],
    ['one that the queue has lost', changed(stopped, { report: { status: undefined } }), []],
  ])('the next run makes old news of %s', (_, last, supersedes) =>
    expect(supersededBy(comment, last)).toEqual(supersedes),
  )

  test.each([
    ['is being stopped', stopping],
    ['has its answer', ended],
    ['is not there', undefined],
  ])('words on a closed issue whose run %s begin nothing', async (_, run) => {
    const reads = { live: async () => run, isOurs: () => true } as unknown as Parameters<
      typeof startFacts
    >[0]
    const wanted = { what: 'work', text: 'go on', options: {} } as const
    expect(await startFacts(reads, asking(closed(comment)), wanted)).toEqual({ kind: 'closed' })
  })
})
