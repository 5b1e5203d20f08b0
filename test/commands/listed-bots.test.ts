/** Which bots' reviews the agent reads. */
import { expect, test } from 'vitest'
import { withListed, withOrders } from '../../src/access/authorize.ts'
import { said } from '../core/given.ts'

const rabbit = { author: 'coderabbitai[bot]', bot: true, in: 'review' } as const

test.each([
  ['by its slug', ['CodeRabbitAI'], {}, true],
  ['where the settings name it, and no other', ['greptile-apps'], {}, false],
  ['never where the settings name none', [], {}, false],
  ['in reviews, and not in the thread', ['coderabbitai'], { in: 'thread' }, false],
  [
    'as a bot, and no person of that name',
    ['coderabbitai'],
    { author: 'coderabbitai', bot: false },
    false,
  ],
] as const)('a bot is read %s', (_, bots, rest, expected) => {
  const [found] = withListed([said('A finding', { ...rabbit, ...rest })], [...bots])
  expect(found?.listed === true).toBe(expected)
})

test('open comments are orders of who may write, or of a bot that the settings name, and spoke last', () => {
  const bot = { kind: 'bot', login: 'coderabbitai[bot]' } as const
  const other = { kind: 'bot', login: 'greptile-apps[bot]' } as const
  const [writer, agent] = [{ kind: 'writer' }, { kind: 'agent' }] as const
  const read = { number: 9, failedChecks: [], hasConflicts: false, changesRequestedBy: [] }
  const unresolved = [
    { path: 'a.ts', line: 1, voices: [bot] },
    { path: 'a.ts', line: 2, voices: [other] },
    { path: 'b.ts', line: 3, voices: [writer, other] },
    { path: 'b.ts', line: 4, voices: [bot, writer] },
    { path: 'b.ts', line: 5, voices: [writer, agent, other] },
    { path: 'b.ts', line: 6, voices: [agent, bot] },
    { path: 'b.ts', line: 7, voices: [] },
  ]
  const orders = [
    { path: 'a.ts', line: 1, by: 'coderabbitai' },
    { path: 'b.ts', line: 3 },
    { path: 'b.ts', line: 4 },
    { path: 'b.ts', line: 6, by: 'coderabbitai' },
  ]
  const seen = (all: typeof unresolved | []) =>
    withOrders({ ...read, isKnown: true, unresolved: all }, ['coderabbitai'])
  expect(seen(unresolved)).toEqual({ isKnown: true, needs: { ...read, unresolved: orders } })
  expect(seen([])).toEqual({ isKnown: true })
})
