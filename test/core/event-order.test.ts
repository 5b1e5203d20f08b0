import { describe, expect, it } from 'vitest'
import { isBefore, type Moment } from '../../src/core/record/event-order.ts'

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
  ])('%s', (_, asked, stop, is) => {
    expect(isBefore(asked, stop)).toBe(is)
  })

  it('nothing counts but the second when they differ', () => {
    expect(isBefore({ ...box, at: 1_000 }, { ...box, at: 2_000 })).toBe(true)
    expect(isBefore({ ...comment(1), at: 2_000 }, { ...comment(2), at: 1_000 })).toBe(false)
  })
})
