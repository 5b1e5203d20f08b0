import { expect, test } from 'vitest'
import { mayServe, type Rights, rightsOf } from '../../src/core/record/request-part.ts'
import { changed, sessionOf, wantedRights } from '../../src/core/record/run.ts'
import { ask, branch, pull, rights, taskRunIs, working } from './given.ts'

test('a session serves those who want exactly what it may do', () => {
  expect(mayServe({ may: rights }, rights)).toBe(true)
  expect(
    mayServe({ may: { ...rights, permission: 'auto' } }, rightsOf(ask.options, branch.name)),
  ).toBe(true)
  expect(
    mayServe({ may: rightsOf({ ...ask.options, model: 'GPT-5.5' }, branch.name) }, rights),
  ).toBe(true)
})

const others: [string, Partial<Rights>][] = [
  ['permission mode', { permission: 'read-only' }],
  ['more permission', { permission: 'full-access' }],
  ['publishing', { publishes: false }],
  ['mode', { mode: 'interactive' }],
  ['model', { model: 'gpt-5' }],
  ['effort', { effort: 'low' }],
  ['sandbox', { sandbox: '8d1ae1a0-9a44-4d32-8d0c-3a7be2a0d7e1' }],
  ['authorship', { authorship: 'user' }],
  ['signal report', { signalReport: 'r1' }],
  ['branch', { branches: ['main'] }],
]

test.each(others)('not those with another %s, either way', (_, differs) => {
  const other = { ...rights, ...differs }
  expect(mayServe({ may: other }, rights)).toBe(false)
  expect(mayServe({ may: rights }, other)).toBe(false)
})

test('one of which nothing is known serves nobody', () => expect(mayServe({}, rights)).toBe(false))

test('a run that may only read publishes nothing', () =>
  expect(rightsOf({ ...ask.options, permission: 'read-only' }, 'main')).toMatchObject({
    permission: 'read-only',
    publishes: false,
  }))

test('a session works on the branch of its own pull request', () => {
  const run = working(taskRunIs({ may: rights, headBranch: pull.head }))
  const onPull = changed(run, { workspace: { branch: { ...branch, name: pull.head } } })
  expect(mayServe(sessionOf(run) ?? {}, wantedRights(onPull))).toBe(true)
  const elsewhere = changed(run, { workspace: { branch: { ...branch, name: 'main' } } })
  expect(mayServe(sessionOf(run) ?? {}, wantedRights(elsewhere))).toBe(false)
})
