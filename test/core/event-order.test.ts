import { describe, expect, it } from 'vitest'
import {
  isBefore,
  type Moment,
  momentOf,
  momentOfRequest,
} from '../../src/core/record/event-order.ts'
import { comment as command, tick } from '../commands/asked.ts'
import { ask } from './given.ts'

const comment = (id: number, command?: number): Moment => ({
  at: 0,
  comment: { kind: 'thread', id },
  command,
})
const box: Moment = { at: 0, box: true }
const label: Moment = { at: 0 }

describe('Within one second of GitHub’s clock', () => {
  it.each<[string, Moment, Moment, boolean]>([
    ['a comment is stopped by a later one', comment(1), comment(2), true],
    ['a comment is not stopped by an earlier one', comment(2), comment(1), false],
    ['a command is stopped by a later one of its comment', comment(1, 0), comment(1, 1), true],
    [
      'a command is not stopped by an earlier one of its comment',
      comment(1, 1),
      comment(1, 0),
      false,
    ],
    ['a label is stopped by a comment', label, comment(1), true],
    ['a box that starts is stopped by a comment', box, comment(1), true],
    ['a box that starts stands under what the box that stops has ended', box, box, false],
    ['a label is stopped by a box', label, box, true],
    ['a comment is stopped by a label that is taken off', comment(1), label, true],
    [
      'a comment is not stopped by the text that it stands below',
      comment(1),
      { at: 0, comment: { kind: 'subject', id: 0 } },
      false,
    ],
  ])('%s', (_, asked, stop, is) => {
    expect(isBefore(asked, stop)).toBe(is)
  })

  it('nothing counts but the second when they differ', () => {
    expect(isBefore({ ...box, at: 1_000 }, { ...box, at: 2_000 })).toBe(true)
    expect(isBefore({ ...comment(1), at: 2_000 }, { ...comment(2), at: 1_000 })).toBe(false)
  })
})

it.each<[string, Moment, number | undefined, boolean]>([
  ['a comment', momentOf(command), 502, false],
  ['an edit', momentOf({ ...command, before: '' }), undefined, false],
  ['a box', momentOf(tick), undefined, true],
  ['what a box asked for', momentOfRequest({ ...ask, origin: { kind: 'tick' } }), undefined, true],
])('The moment of %s', (_, moment, id, isBox) => {
  expect([moment.comment?.id, moment.box]).toEqual([id, isBox])
})
