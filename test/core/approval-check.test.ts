import { expect, test } from 'vitest'
import { approversWhoDidNotAsk } from '../../src/core/record/own-pull-request.ts'
import { approvalCheck } from '../../src/core/words/approval-check.ts'

const person = (login: string, id: number) => ({ login, id })
const [maya, olga, theo] = [person('maya', 1), person('olga', 2), person('theo', 3)]

test('nobody else approved yet', () =>
  expect(approvalCheck([], [maya, olga, theo])).toMatchInlineSnapshot(`
    {
      "name": "codex approval",
      "state": "pending",
      "summary": "Codex worked on this for maya, olga, and theo. Someone else with write access must approve the newest commit. The approval of a bot does not count.",
      "title": "Somebody other than maya, olga, and theo has to approve",
    }
  `))

test('somebody else did', () =>
  expect(approvalCheck([theo], [maya])).toMatchInlineSnapshot(`
    {
      "name": "codex approval",
      "state": "success",
      "summary": "Codex worked on this for maya. Somebody else approved this commit.",
      "title": "Approved by theo",
    }
  `))

test('whoever asked is not on record any more', () =>
  expect(approvalCheck([], []).title).toBe(
    'Somebody other than whoever asked for it has to approve',
  ))

test.each([
  ['whoever asked is nobody else', [1], []],
  ['somebody else counts', [2], [maya]],
  ['where nobody knows who asked, nobody counts', [], []],
])('%s', (_, asked, others) =>
  expect(approversWhoDidNotAsk([maya], new Set(asked))).toEqual(others),
)
