/** Which comments on lines count as fixed, and what is answered in each. */
import { expect, test } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import type { ReviewThread } from '../../src/core/model/views.ts'
import { inlineAsked, type LineAnswer } from '../../src/core/record/open-question.ts'
import { changed, type RunChange } from '../../src/core/record/run.ts'
import { closingComment, inlineAnswer } from '../../src/core/words/closing.ts'
import { findFixed, resolveThreads } from '../../src/runs/steps/resolve-threads.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import {
  askedInReview,
  branch,
  contextFor,
  deployment,
  idleSince,
  pullThread,
  runWith,
  t0,
} from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'

const sha = 'abc1234'.padEnd(40, '0')
const done = (id: number): LineAnswer => ({ id, done: true, said: `Did ${id}.` })
const declined = (id: number): LineAnswer => ({ id, done: false, said: `Not ${id}.` })
const threadOf = (rootId: number, path = 'a.ts'): ReviewThread => ({
  id: `PRRT_${rootId}`,
  rootId,
  path,
})
const block = (lineAnswers: unknown) =>
  `Done.\n\n\`\`\`review-comments\n${JSON.stringify(lineAnswers)}\n\`\`\``

/** Asked on lines 1 and 2 of a review; the agent has read comment 3, too. */
const runSaying = (answer: string, ...differs: RunChange[]) =>
  runWith(
    {
      thread: pullThread,
      request: askedInReview(1, 2),
      baseline: { ...runWith().baseline, settings: settingsOf('review: { resolve: true }') },
      session: { sessionLog: idleSince(t0, { answer }) },
      workspace: {
        branch,
        threadContext: contextFor('run-comment-501', {
          comments: [{ id: 3, author: 'zoe', at: t0, body: 'Why?' }],
        }),
      },
      result: { outcome: { kind: 'pushed', sha }, pushed: sha, concludedAt: t0 },
    },
    ...differs,
  )

const gitHub = { threads: [1, 2, 3, 4].map(id => threadOf(id)), changed: ['a.ts'] }

async function looked(run: ReturnType<typeof runWith>, { threads, changed } = gitHub) {
  const compared: string[] = []
  const hand = handWith(run, {
    github: {
      'reviews.threads': async () => threads,
      'commits.compare': async (base, head) => {
        compared.push(`${base}...${head}`)
        return { paths: changed, commits: [], isDescendant: true }
      },
    },
  })
  const after = await afterStep(findFixed, hand)
  return { after, compared, fixed: after.result.fixed?.comments.map(({ id }) => id) }
}

test('are those that the agent says to have done, in a file that its commits changed', async () => {
  const { fixed, compared } = await looked(runSaying(block([done(1), declined(2), done(3)])))
  expect(fixed).toEqual([1, 3])
  expect(compared).toEqual([`${branch.sha}...${sha}`])
  const threads = [threadOf(1, 'b.ts'), threadOf(2)]
  expect(
    (await looked(runSaying(block([done(1), done(2)])), { ...gitHub, threads })).fixed,
  ).toEqual([2])
})

test('are none that it was not given, and none that another of its thread declines', async () => {
  const { fixed, after } = await looked(runSaying(block([done(4), done(99)])))
  expect([fixed, inlineAsked(after).length]).toEqual([[], 2])
  const inline = [{ commentId: 5, rootId: 1, messageId: 'more', by: 'comment' as const }]
  const both = runSaying(block([done(1), declined(5)]), { report: { inlineAsked: inline } })
  expect((await looked(both)).fixed).toEqual([])
})

test.each<[string, RunChange]>([
  ['whose commits are elsewhere', { result: { pushedBranch: 'codex/other' } }],
  ['whose commits another pull request shows', { result: { shownIn: { number: 99, url: 'x' } } }],
  ['that opened a pull request of its own', { result: { outcome: { kind: 'pull' } } }],
  ['that changed nothing', { result: { outcome: { kind: 'answer' } } }],
])('none is fixed by a run %s', async (_, differs) => {
  const { fixed, compared } = await looked(runSaying(block([done(1)]), differs))
  expect([fixed, compared]).toEqual([[], []])
})

test.each([
  ['without the block', 'Done.\n\n- Review comment 1: Did it.'],
  ['in another form', block([{ id: 1, done: 'yes', said: 'Did it.' }])],
  ['that contradicts itself', block([done(1), declined(1)])],
])('what is said %s is read as before', (_, answer) => {
  const run = runSaying(answer)
  expect(inlineAnswer(run, deployment)).toMatch(/^(?:Did it\.|See \[`abc1234`\]\(\S+\)\.)$/)
})

test('each thread has its answer, and the last word has none of them', async () => {
  const { after } = await looked(runSaying(block([done(1), declined(2), declined(3)])))
  const answers = inlineAsked(after).map((_, inline) =>
    inlineAnswer(changed(after, { report: { inlineAnswered: inline } }), deployment),
  )
  expect(answers).toEqual([
    'Fixed in [`abc1234`](https://github.com/acme/shop/commit/abc1234000000000000000000000000000000000).\n\nDid 1.',
    'Not 2.',
    'Not 3.',
  ])
  expect(closingComment(after, deployment)).not.toMatch(/review-comments|Did 1|Not 2/)
})

test('a refusal leaves all open, and is no fault of the run', async () => {
  const no = () => Promise.reject(new Rejected('github', 403, '', 'no', undefined, 'read'))
  const run = runSaying(block([done(1)]))
  const { result } = await afterStep(
    findFixed,
    handWith(run, { github: { 'reviews.threads': no, 'commits.compare': no } }),
  )
  expect(result.fixed).toEqual({ comments: [], resolved: true })
  const fixed = {
    comments: [
      { id: 1, threadId: 'PRRT_1' },
      { id: 3, threadId: 'PRRT_1' },
    ],
  }
  const asked: (readonly string[])[] = []
  const hand = handWith(runSaying('', { result: { fixed } }), {
    github: {
      'reviews.resolve': async ids => {
        asked.push(ids)
        throw new Rejected('github', 403, '', 'no', undefined, 'effect')
      },
    },
  })
  const after = await afterStep(resolveThreads, hand)
  expect([after.result.fixed?.resolved, asked]).toEqual([true, [['PRRT_1']]])
})
