/** What the status says of a pull request once its Run has ended, where several learn of it at one moment. */
import { describe, expect, test } from 'vitest'
import type { ThreadContext } from '../../src/commands/command-context.ts'
import type { StepResult } from '../../src/core/model/ports.ts'
import type { PullNewsTrigger } from '../../src/core/model/trigger.ts'
import type { NeedsRead, PullView } from '../../src/core/model/views.ts'
import { RunMessage } from '../../src/core/record/mailbox-part.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { readMessages } from '../../src/core/record/messages.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { newsOfPull } from '../../src/news/pull-news.ts'
import { newsOfHead } from '../../src/news/pull-status.ts'
import { readNeeds } from '../../src/runs/steps/read-needs.ts'
import {
  deployment,
  maya,
  pull,
  pullThread,
  pullView,
  runWith,
  t0,
  working,
} from '../core/given.ts'
import { clientOf } from '../support/client-of.ts'
import { fakeLog } from '../support/fake-log.ts'
import { memoryIndex } from '../support/memory-index.ts'
import { afterStep, handWith } from './command-world.ts'

const trigger: PullNewsTrigger = {
  id: 'checked-1',
  deliveryId: 'd',
  at: t0,
  thread: pullThread,
  sender: maya,
  kind: 'pull-news',
  news: 'checked',
  head: { ref: pull.head, sha: '', base: 'main', repoId: 100 },
}

/** A Run, and the pull request at GitHub, of which each look says what the test has it say. */
function given(run: Run, standing: 'ended' | 'live' = 'ended') {
  const kept = { id: run.id, addedAt: t0, standing, data: run }
  const sent: RunMessage[] = []
  let now = t0
  const looks: ((view: NeedsRead) => void)[] = []
  const pullLooks: ((view: Partial<PullView>) => void)[] = []
  const context = {
    job: {},
    record: { trigger, waits: { since: t0 } },
    github: clientOf({
      'pulls.needs': () => new Promise<NeedsRead>(resolve => looks.push(resolve)),
      'pulls.find': async () => ({
        ...pullView(),
        number: pull.number,
        ...(await new Promise<Partial<PullView>>(resolve => pullLooks.push(resolve))),
      }),
      'comments.edit': async () => ({ nodeId: 'IC_1' }),
    }),
    deps: {
      deployment,
      log: fakeLog(),
      signer: markerSigner('secret'),
      now: () => (now += 1),
      github: () => context.github,
      posthog: { poll: () => Promise.reject(new Error('away')), cost: async () => 1 },
      runs: {
        listed: async (sets: string[]) =>
          sets.some(set => /^(head|pull) /.test(set)) ? [kept] : [],
        members: async () => [[]],
        get: async () => kept,
        send: async (_: string, message: string) =>
          sent.push(RunMessage.parse(JSON.parse(message))) > 0,
        amendEnded: async (_: string, change: (run: Run) => Run) => {
          kept.data = change(kept.data)
          return kept
        },
      },
      waiting: {},
    },
  }
  return { kept, sent, looks, pullLooks, context: context as never }
}

const over = runWith({
  result: { outcome: { kind: 'pull' }, pulls: [pull] },
  session: { taskId: 'task-1' },
})

const view = (differs: Partial<NeedsRead> = {}) => ({
  number: pull.number,
  isKnown: true,
  hasConflicts: false,
  failedChecks: [],
  changesRequestedBy: [],
  ...differs,
  unresolved: [],
})
const red = { hasConflicts: true }

test.each([
  ['needs something', red, {}, {}],
  ['needs nothing any more', {}, red, red],
])(
  'a pull request %s: an older look that comes later changes nothing',
  async (_, newer, older, before) => {
    const needs = 'hasConflicts' in before ? { ...view(before), isKnown: undefined } : undefined
    const { kept, looks, context } = given(changed(over, { result: { needs } }))
    const both = [
      newsOfHead(context, trigger),
      newsOfHead(context, { ...trigger, id: 'checked-2' }),
    ]
    await expect.poll(() => looks.length).toBe(2)
    looks[1]?.(view(newer))
    await both[1]
    looks[0]?.(view(older))
    await both[0]
    expect(kept.data.result.needs?.hasConflicts).toBe('hasConflicts' in newer ? true : undefined)
  },
)

const merged = { state: 'merged', mergedAt: t0 } as const
const ofPull = { ...trigger, thread: { ...pullThread, number: pull.number } }

test.each(['ended', 'live'] as const)(
  'ready and merged in one second, a Run that is %s: the merge stands, whichever look is answered last',
  async standing => {
    const { kept, sent, pullLooks, context } = given(over, standing)
    const both = [
      newsOfPull(context, { ...ofPull, id: 'ready', news: 'ready_for_review' }),
      newsOfPull(context, { ...ofPull, id: 'merged', news: 'merged' }),
    ]
    await expect.poll(() => pullLooks.length).toBe(2)
    pullLooks[1]?.(merged)
    await both[1]
    pullLooks[0]?.({ state: 'open' })
    await both[0]
    const run = readMessages(
      kept.data,
      sent.map(message => JSON.stringify(message)),
    )
    expect(run.result).toMatchObject({ ended: { how: 'merged' }, pulls: [{ state: 'merged' }] })
  },
)

test('a Run that is at work takes along how often an agent was sent until the merge', async () => {
  const run = working({ result: { pulls: [pull] }, mailbox: { fixes: 2 } })
  const { sent, pullLooks, context } = given(run, 'live')
  const news = newsOfPull(context, { ...ofPull, news: 'merged' })
  await expect.poll(() => pullLooks.length).toBe(1)
  pullLooks[0]?.(merged)
  await news
  expect(sent).toMatchObject([
    { kind: 'pull', state: 'merged', rounds: { asked: 2, byPostHog: 0 } },
  ])
})

test('what a Run finds after the merge counts for no more rounds', async () => {
  const rounds = { asked: 3, byPostHog: 1 }
  const run = changed(over, {
    result: { pulls: [{ ...pull, state: 'merged' }], hinted: true, rounds },
  })
  expect((await afterStep(readNeeds, handWith(run))).result).toMatchObject({
    hinted: undefined,
    rounds,
  })
})

test('what a Run finds at its end counts with what others on the pull request were sent for', async () => {
  const earlier = working({ result: { pulls: [pull] }, mailbox: { fixes: 1 } })
  const run = { ...changed(over, { result: { hinted: true }, mailbox: { fixes: 1 } }), id: 'run-2' }
  // As it was saved last, when nobody had been sent for it yet.
  const saved = { ...over, id: run.id }
  const listed = [earlier, saved].map((data, at) => ({
    id: data.id,
    addedAt: t0 + at,
    standing: 'live' as const,
    data,
  }))
  const index = { ...memoryIndex(() => []), listed: async () => listed }
  const hand = handWith(run, { github: { 'pulls.needs': async () => view(red) }, index })
  expect((await afterStep(readNeeds, hand)).result.rounds).toEqual({ asked: 2, byPostHog: 0 })
})

describe('the first red check of a pull request after the last word', () => {
  const unitTests = { name: 'unit tests', url: 'https://ci.example/1' }
  const told = changed(over, {
    session: {
      sessionLog: { offset: 0, prompts: [], turns: 1 },
      taskRun: { id: 'task-run-1', since: t0, status: 'completed', changedAt: t0 },
    },
  })

  /** What is posted, and after how many minutes, if these checks are red at each look. */
  async function mails(
    looks: NeedsRead['failedChecks'][],
    { run = told, isFirst = true, ciTurns = 0 } = {},
  ): Promise<[string, number][]> {
    const { kept, context } = given(run)
    const posted: [string, number][] = []
    let now = t0
    let look = -1
    const github = clientOf({
      'pulls.needs': async () => view({ failedChecks: looks[look] ?? [] }),
      'comments.own': async () => [],
      'comments.post': async text => {
        posted.push([text.split('\n\n<!--')[0] ?? '', Math.round((now - t0) / 60_000)])
        return { id: 9, nodeId: 'IC_9' }
      },
    })
    const its: ThreadContext = Object.assign(context, { github })
    Object.assign(its.job, { assertLocked: async () => {} })
    const byPostHog = { at: t0, what: { kind: 'prompt', byPostHog: true } }
    Object.assign(its.deps, {
      github: () => github,
      now: () => now,
      isFirst: async () => isFirst,
      posthog: { poll: async () => ({ log: Array(ciTurns).fill(byPostHog), offset: 1 }) },
    })
    let record = its.record
    Object.defineProperty(its, 'record', { get: () => record })
    its.save = async change => {
      record = { ...record, ...change }
    }
    let result: StepResult = { kind: 'park', ms: 0 }
    while (result.kind === 'park') {
      now += result.ms
      look += 1
      result = await newsOfHead(its, trigger)
    }
    expect(kept.data.result.needs?.failedChecks ?? []).toEqual(looks.at(-1))
    return posted
  }

  test('mails once, after the minutes in which PostHog may send its agent', async () => {
    const words = `@maya a check failed on #${pull.number}: [unit tests](https://ci.example/1).`
    expect(await mails([[unitTests], [unitTests]])).toEqual([
      [`${words}\n\n- [ ] Fix this <!-- codex-box:fix -->`, 5],
    ])
  })

  const before = changed(told, {
    result: { needs: view({ failedChecks: [unitTests] }) },
  })
  test.each<[string, NeedsRead['failedChecks'][], Parameters<typeof mails>[1]]>([
    ['that was told before', [[unitTests]], { isFirst: false }],
    ['that the last word has', [[unitTests]], { run: before }],
    ['that is green a moment later', [[unitTests], []], {}],
    ['that PostHog sends its agent for', [[unitTests], [unitTests]], { ciTurns: 1 }],
  ])('mails nobody of one %s', async (_, looks, rest) =>
    expect(await mails(looks, rest)).toEqual([]),
  )
})
