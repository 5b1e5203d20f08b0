/** What can't be repeated: announced, done once, and looked for before it is done again. */
import { beforeEach, describe, expect, test } from 'vitest'
import { NoResponse, Rejected, ResultPending, RetryLater } from '../../src/core/model/errors.ts'
import { openIntents } from '../../src/core/record/intents.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { changed, type Intent, type Run } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { conclude } from '../../src/runs/steps/closing-comment.ts'
import { createTask } from '../../src/runs/steps/start-run.ts'
import { Cancelled, once, type StepContext } from '../../src/runs/steps/step-context.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import { ask, idleSince, left, pullThread, runWith, stopAsked, t0, working } from '../core/given.ts'

const intent: Intent = { kind: 'create-task', at: t0 }
const tried = (given: Partial<Intent> = {}): Run =>
  runWith({ attempts: { intent: [{ ...intent, at: t0 - 60_000, ...given } as Intent] } })

let done: string[]
let hand: StepContext
beforeEach(() => {
  done = []
})

/** Does it, for a Run that may have tried before; the clock stands at `at`. */
function attempt(
  run: Run,
  { at = t0, found, fails, begins = false }: Attempt = {},
): Promise<string> {
  hand = handWith(run, {
    now: () => at,
    save: async ({ attempts: { intent: [announced] = [] } }) =>
      void done.push(`save ${announced?.at}`),
    assertLocked: async () => void done.push('assert'),
  })
  return once(hand, {
    intent,
    begins,
    find: async earlier => {
      done.push(`find ${earlier.at}`)
      return found
    },
    perform: async () => {
      done.push('perform')
      if (fails) throw fails
      return 'new'
    },
  })
}

interface Attempt {
  at?: number
  found?: string
  fails?: Error
  begins?: boolean
}

const performed = [`save ${t0}`, 'assert', 'perform']

describe('if the record may lag behind what was done', () => {
  const lags = (since: number) => runWith({ attempts: { lagsSince: since } })

  test('it is looked for as if it had been tried', async () => {
    expect(await attempt(lags(t0 - 60_000), { found: 'old' })).toBe('old')
    expect(done).toEqual([`find ${lags(0).request.at}`])
  })

  test('it is done where it is not found, once what was under way has had time to show', async () => {
    await expect(attempt(lags(t0 - 1))).rejects.toThrow(ResultPending)
    done = []
    expect(await attempt(lags(t0 - limits.unanswered))).toBe('new')
    expect(done.slice(1)).toEqual(performed)
  })
})

describe('what an attempt leaves behind', () => {
  test.each([
    ['a limit: nothing', new RetryLater('posthog', t0, 'rate-limit', ''), undefined],
    ['a no: nothing', new Rejected('posthog', 400, '', ''), undefined],
    [
      'no answer: what may have, and since when',
      new NoResponse('posthog', ''),
      { ...intent, lostAt: t0 },
    ],
    ['a fault of ours: what may have happened', new Error('boom'), intent],
  ])('%s', async (_, fails, left) => {
    await expect(attempt(runWith(), { fails })).rejects.toBe(fails)
    expect(openIntents(hand.run)).toEqual(left ? [left] : [])
    expect(done).toEqual(performed)
  })
})

describe('after an attempt without an answer', () => {
  test('it is called off by a stop, if it begins something and left no trace', async () => {
    const run = changed(tried({ lostAt: t0 - limits.unanswered }), stopAsked)
    await expect(attempt(run, { begins: true })).rejects.toBeInstanceOf(Cancelled)
    expect(done).toEqual([`find ${t0 - 60_000}`])
    expect(await attempt(run)).toBe('new')
  })
})

test('a worker that sleeps through the look at PostHog’s integrations makes no second task', async () => {
  let isLost = false
  const context = handWith(runWith(), {
    assertLocked: async () => {
      if (isLost) throw new Error('lost')
    },
    posthog: {
      integrationFor: async () => {
        isLost = true
        return '2'
      },
      createTask: async () => {
        done.push('task')
        return 'task-1'
      },
    },
  })
  await expect(afterStep(createTask, context)).rejects.toThrow('lost')
  expect(done).toEqual([])
})

test('a worker that sleeps while GitHub refuses the lines of a review posts none without them', async () => {
  let isLost = false
  const finding = { path: 'src/login.ts', line: 1, body: 'This waits for nothing.' }
  const answer = ['Look.', '```findings', JSON.stringify([finding]), '```'].join('\n')
  const run = runWith({
    thread: pullThread,
    request: { ...ask, what: 'review' },
    session: { sessionLog: idleSince(t0, { answer }) },
    result: { outcome: { kind: 'answer' }, concludedAt: t0 },
  })
  const context = handWith(run, {
    assertLocked: async () => {
      if (isLost) throw new Error('lost')
    },
    github: {
      'pulls.files': async () => [{ path: finding.path, patch: '@@ -0,0 +1 @@\n+login()' }],
      'reviews.post': async ({ comments }) => {
        done.push(`${comments.length} lines`)
        isLost = true
        throw new Rejected('github', 422, '', 'Line could not be resolved')
      },
    },
  })
  await expect(afterStep(conclude, context)).rejects.toThrow('lost')
  expect(done.filter(what => what.endsWith('lines'))).toEqual(['1 lines'])
})

describe('the marker of a last word', () => {
  const signer = markerSigner('a secret of this test, 32 letters')
  const failed = working(left('conclude', 'last-word'), {
    result: { outcome: { kind: 'unfinished', why: 'sandbox-gone' }, concludedAt: t0, round: 1 },
  })
  const markerOf = async (run: Run) => {
    let said = ''
    const comment = async (text: string): Promise<{ id: number }> => {
      said = text
      return { id: 1 }
    }
    await afterStep(
      conclude,
      handWith(run, {
        github: { 'comments.post': comment, 'comments.own': async () => [] },
        signer,
      }),
    )
    return {
      length: /<!-- codex-run:.*-->/.exec(said)?.[0].length,
      ...signer.read(said, run.thread)[0],
    }
  }

  test('says which run and round it is of, and the status comment has the rest', async () => {
    const { id, thread } = failed
    const short = { run: id, repo: thread.repoId, thread: thread.number, as: 'closing', round: 1 }
    const { length, ...marker } = await markerOf(failed)
    expect(marker).toEqual(short)
    expect(length, 'in the text part of a mail').toBeLessThan(220)
  })

  test('has the record where no status comment has it', async () => {
    const marker = await markerOf(changed(failed, { report: { status: undefined } }))
    expect(marker).toMatchObject({ as: 'closing', round: 1, task: 'task-1', backup: { round: 1 } })
  })
})
