import { describe, expect, test } from 'vitest'
import { promptOf } from '../../src/core/agent/prompt.ts'
import type { CommentRef } from '../../src/core/model/trigger.ts'
import type { FollowUp } from '../../src/core/record/mailbox-part.ts'
import { handedOver } from '../../src/core/record/messages.ts'
import { inlineAsked } from '../../src/core/record/open-question.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { inlineAnswer } from '../../src/core/words/closing.ts'
import {
  ask,
  deployment,
  idleSince,
  inlineComment,
  logIs,
  more,
  pullThread,
  review,
  t0,
  word,
  working,
} from './given.ts'

const onLine = (commentId: number, rootId = commentId): CommentRef => ({
  kind: 'inline',
  commentId,
  rootId,
  reviewId: null,
  inline: inlineComment(commentId),
})

const by = (target: CommentRef, id: string, ...comments: number[]): FollowUp => ({
  ...more(id),
  inline: comments.map(inlineComment),
  source: { trigger: id, command: 0, target, last: true },
})

const begunBy = (commentRef: CommentRef, ...comments: number[]) =>
  working({
    thread: pullThread,
    request: {
      ...ask,
      origin: { kind: 'comment', commentRef },
      inline: comments.map(inlineComment),
    },
  })

const withSaid = (run: Run, followUp: FollowUp): Run => {
  const said = word('waiting', followUp, { again: run.mailbox.words.length > 1 || undefined })
  const waiting = changed(run, { mailbox: { words: [...run.mailbox.words.slice(0, 1), said] } })
  return changed(waiting, handedOver(waiting, said, run.session.taskRun?.id))
}

const rootsOf = (run: Run) => inlineAsked(run).map(({ rootId }) => rootId)

describe('in their own threads are answered', () => {
  test('the inline comments of the review that began a run, and of those that joined it', () => {
    const run = withSaid(begunBy(review, 1, 2), by(review, 'more', 3, 4))
    expect(rootsOf(run)).toEqual([1, 2, 3, 4])
  })

  test('lone inline comments that joined', () =>
    expect(
      rootsOf(withSaid(begunBy({ kind: 'thread', commentId: 1 }), by(onLine(7, 6), 'more', 7))),
    ).toEqual([6]))

  test('not those where the last word comes anyway', () =>
    expect(rootsOf(withSaid(begunBy(onLine(6), 6), by(onLine(7, 6), 'more', 7)))).toEqual([]))

  test('a follow-up that is said once more, once', () => {
    const once = withSaid(begunBy(review, 1), by(review, 'more', 3))
    expect(rootsOf(withSaid(once, by(review, 'more', 3)))).toEqual([1, 3])
  })
})

test('the agent is asked what became of the comments of a later review', () => {
  const prompt = promptOf(begunBy(review, 1, 2), by(review, 'more', 3), 'f')
  expect(prompt).toContain('Review comment by "zoe" (id 3)')
  expect(prompt).toContain('end with what became of each')
})

describe('a lone inline comment that joined', () => {
  const answered = (kind: 'answer' | 'stopped', commentRef: CommentRef, last: string): string => {
    const run = withSaid(begunBy(commentRef), by(onLine(7), 'more', 7))
    const since = last === 'more' ? [] : [word('read', more(last))]
    return inlineAnswer(
      changed(run, logIs(idleSince(t0, { offset: 0, answer: 'Because of one.' })), {
        mailbox: { words: [...run.mailbox.words, ...since] },
        result: { outcome: kind === 'answer' ? { kind } : { kind, by: 'maya' } },
      }),
      deployment,
    )
  }

  const inThread: CommentRef = { kind: 'thread', commentId: 1 }

  test('gets what the agent said to it', () =>
    expect(answered('answer', inThread, 'more')).toBe('Because of one.'))

  test('gets the way to the last word, where more was said since, or nothing was done', () =>
    expect([
      answered('answer', inThread, 'later'),
      answered('answer', onLine(6), 'later'),
      answered('stopped', onLine(6), 'more'),
    ]).toMatchInlineSnapshot(`
      [
        "See the last comment of this pull request.",
        "See [the answer where this began](https://github.com/acme/shop/pull/8#discussion_r6).",
        "Not done. See [the answer where this began](https://github.com/acme/shop/pull/8#discussion_r6).",
      ]
    `))
})
