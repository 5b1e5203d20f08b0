/** Which bots' reviews the agent reads. */
import { expect, test } from 'vitest'
import { withListed, withOrders } from '../../src/access/authorize.ts'
import { said } from '../core/given.ts'
import { memoryAccounts, settingsOf } from '../support/deployment.ts'

const listOf = (bots: string, warned?: string[]) => ({
  settings: settingsOf(`context: { bots: [${bots}] }`),
  thread: { repoId: 100 },
  accounts: memoryAccounts(warned),
})
const rabbit = { author: 'coderabbitai[bot]', bot: true, botId: 5, in: 'review' } as const
const one = said('A finding', rabbit)

test.each([
  ['by its slug', 'CodeRabbitAI', {}, true],
  ['by its number, whatever it is called', '"rabbit:5"', {}, true],
  ['by its number, and by no other one', '"coderabbitai:6"', {}, false],
  ['where the settings name it, and no other', 'greptile-apps', {}, false],
  ['never where the settings name none', '', {}, false],
  ['in reviews, and not in the thread', 'coderabbitai', { in: 'thread' }, false],
  [
    'as a bot, and no person of that name',
    'coderabbitai',
    { author: 'coderabbitai', bot: false, botId: undefined },
    false,
  ],
] as const)('a bot is read %s', async (_, bots, rest, expected) => {
  const [found] = await withListed([said('A finding', { ...rabbit, ...rest })], listOf(bots))
  expect(found?.listed === true).toBe(expected)
})

test('an App that took over a slug is not read in the place of the one before', async () => {
  const warned: string[] = []
  const known = listOf('coderabbitai', warned)
  const isReadNow = async (botId: number) =>
    (await withListed([{ ...one, botId }], known))[0]?.listed === true
  expect([await isReadNow(5), await isReadNow(6), await isReadNow(5)]).toEqual([true, false, true])
  expect(warned).toEqual([
    'context.bots: write coderabbitai:5, so that it always means this account',
  ])
})

test('open comments are orders of who may write, or of a bot that the settings name, and spoke last', async () => {
  const bot = { login: 'coderabbitai[bot]', id: 5 }
  const read = { number: 9, failedChecks: [], hasConflicts: false, changesRequestedBy: [] }
  const unresolved = [
    { path: 'a.ts', line: 1, voices: [bot] },
    { path: 'a.ts', line: 2, voices: [{ ...bot, id: 6 }] },
    { path: 'b.ts', line: 3, voices: ['writer', { ...bot, id: 6 }] },
    { path: 'b.ts', line: 4, voices: [bot, 'writer'] },
    { path: 'b.ts', line: 5, voices: ['writer', 'agent', { ...bot, id: 6 }] },
    { path: 'b.ts', line: 6, voices: ['agent', bot] },
    { path: 'b.ts', line: 7, voices: [] },
  ] as const
  const orders = [
    { path: 'a.ts', line: 1, by: 'coderabbitai' },
    { path: 'b.ts', line: 3 },
    { path: 'b.ts', line: 4 },
    { path: 'b.ts', line: 6, by: 'coderabbitai' },
  ]
  const seen = (all: typeof unresolved | []) =>
    withOrders({ ...read, isKnown: true, unresolved: all }, listOf('coderabbitai'))
  expect(await seen(unresolved)).toEqual({ isKnown: true, needs: { ...read, unresolved: orders } })
  expect(await seen([])).toEqual({ isKnown: true })
})
