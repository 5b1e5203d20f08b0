/** Whose comments the agent is given, when GitHub does not say at once who they are. */
import { expect, test } from 'vitest'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import type { CommentView } from '../../src/core/model/views.ts'
import type { Run } from '../../src/core/run/run.ts'
import { limits } from '../../src/core/run/timing.ts'
import { gatherContext } from '../../src/runs/steps/gather-context.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import { runWith, t0 } from '../core/given.ts'

const zoe: CommentView = {
  author: 'zoe',
  bot: false,
  body: 'It only fails on Mondays.',
  createdAt: t0 - 2_000,
  updatedAt: t0 - 2_000,
}

/** @param answers of GitHub about zoe, one after another */
async function gathered(run: Run, ...answers: (Error | 'write')[]): Promise<string[]> {
  const hand = handWith(run, {
    github: {
      comments: async () => [zoe],
      permission: async () => {
        const answer = answers.shift() ?? expect.fail('asked again')
        if (answer instanceof Error) throw answer
        return { role: answer, name: answer }
      },
    },
  })
  const {
    workspace: { threadContext },
  } = await afterStep(gatherContext, hand)
  return threadContext?.comments.map(({ author }) => author) ?? []
}

const refusedSince = (since: number): Run =>
  runWith({
    attempts: { outages: { github: { since, until: t0, count: 1, why: 'refused', refusedSince: since } } },
  })
const refusal = (status: number): Rejected =>
  new Rejected('github', status, '', 'no', undefined, status === 404 ? 'effect' : 'read')

test.each([
  ['a refusal', refusal(403)],
  ['no answer', new NoResponse('github', 'cut off')],
  ['a limit', new RetryLater('github', t0 + 1_000, 'rate-limit', 'slow down')],
])('%s is no answer: it is asked again', async (_, fault) => {
  await expect(gathered(runWith({}), fault)).rejects.toBe(fault)
  expect(await gathered(refusedSince(t0 - 1_000), 'write')).toEqual(['zoe'])
})

test('who stays unknown is left out, and holds nobody up', async () => {
  const run = refusedSince(t0 - limits.absent)
  expect(await gathered(run, refusal(403))).toEqual([])
  const down = new NoResponse('github', 'cut off')
  await expect(gathered(run, down)).rejects.toBe(down)
})

test('each comment is read in a turn of its own, so that many long ones hold nobody up', async () => {
  const comments = Array.from({ length: 30 }, () => zoe)
  const hand = handWith(runWith({}), {
    github: { comments: async () => comments, permission: async () => ({ role: 'write', name: 'write' }) },
  })
  let turns = 0
  const turn = (): void => {
    turns += 1
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  const {
    workspace: { threadContext },
  } = await afterStep(gatherContext, hand)
  clearImmediate(next)
  expect(threadContext?.comments).toHaveLength(30)
  expect(turns).toBeGreaterThanOrEqual(29)
})

test('an account that is gone is left out at once', async () => {
  expect(await gathered(runWith({}), refusal(404))).toEqual([])
})
