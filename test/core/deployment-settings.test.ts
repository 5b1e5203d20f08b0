/** What a deployment grants and bounds. */
import { describe, expect, test } from 'vitest'
import {
  givenByName,
  grantsOf,
  noDeploymentSettings,
  pausedBecause,
  readDeploymentSettings,
} from '../../src/core/settings/deployment-settings.ts'

const read = (text: string) => {
  const file = readDeploymentSettings(text)
  if (file.kind === 'problems') return expect.fail(JSON.stringify(file.problems))
  return file.value
}
const shop = { owner: 'acme', ownerId: 5, repo: 'shop', repoId: 100 }
const allHold = { owner: true, repository: true }

test('nothing is granted that is not written down', () => {
  const other = read('owners: {other: {as_user: true}}')
  for (const settings of [noDeploymentSettings, read('owners: {acme: {}}'), other])
    expect(grantsOf(settings, shop, allHold)).toMatchObject({ granted: new Set(), sandboxes: [] })
})

test.each([
  ['as_user: true', { granted: new Set(['as_user']) }],
  ['as_user: [blog]', { granted: new Set() }],
  ['as_user: [Shop]', { granted: new Set(['as_user']) }],
  ['signal_report: true', { granted: new Set(['signal_report']) }],
  ['sandboxes: [Small box]', { sandboxes: ['Small box'] }],
  ['sandboxes: [{name: A, repositories: [blog]}, {name: B, repositories: [shop]}]', { sandboxes: ['B'] }],
])('%s grants just that', (grant, expected) => {
  expect(grantsOf(read(`owners: {ACME: {${grant}}}`), shop, allHold)).toMatchObject(expected)
})

test('an owner may be an Enterprise Managed User', () => {
  const settings = read('owners: {maya_acme: {as_user: true}}')
  const grants = grantsOf(settings, { ...shop, owner: 'maya_acme' }, allHold)
  expect(grants.granted).toEqual(new Set(['as_user']))
})

describe('names change hands, numbers do not', () => {
  const all =
    'as_user: [shop], signal_report: true, models: [a], limits: {person: 1}, sandboxes: [A, {name: B, repositories: [shop]}]'
  const grants = (file: string, thread = shop, holds = allHold) => {
    const { granted, sandboxes, models, ceilings } = grantsOf(read(file), thread, holds)
    return [[...granted], sandboxes, models, ceilings.length]
  }
  const byLogin = `owners: {acme: {${all}}}`
  const byNumber = (id: number): string => `owners: {"acme:${id}": {${all}}}`
  const otherOwner = { owner: false, repository: true }
  const otherRepository = { owner: true, repository: false }
  const everything = [['as_user', 'signal_report'], ['A', 'B'], ['a'], 2]
  const nothing = [[], [], undefined, 1]
  const notOfShop = [['signal_report'], ['A'], ['a'], 2]

  test.each<[string, unknown[], ...Parameters<typeof grants>]>([
    ['the login, as long as it holds', everything, byLogin],
    ['a login that is another account by now', nothing, byLogin, shop, otherOwner],
    ['a repository that is another one by now', notOfShop, byLogin, shop, otherRepository],
    ['the number, whatever the login is', everything, byNumber(5), { ...shop, owner: 'labs' }, otherOwner],
    ['another number, whatever the login is', nothing, byNumber(6)],
    [
      'the number of a repository, whatever its name is',
      everything,
      byLogin.replaceAll('shop', 'shop:100'),
      { ...shop, repo: 'store' },
      otherRepository,
    ],
    ['another number of a repository', notOfShop, byLogin.replaceAll('shop', 'shop:101')],
  ])('%s', (_, expected, ...given) => {
    expect(grants(...given)).toEqual(expected)
  })

  test.each<[string, { owner: boolean; repository: boolean }]>([
    ['{}', { owner: false, repository: false }],
    ['{acme: {as_user: true}}', { owner: true, repository: false }],
    ['{acme: {as_user: [Shop]}}', { owner: true, repository: true }],
    ['{"acme:5": {sandboxes: [{name: B, repositories: [shop]}]}}', { owner: false, repository: true }],
    ['{"acme:5": {as_user: ["shop:100"]}}', { owner: false, repository: false }],
    ['{globex: {as_user: [shop]}}', { owner: false, repository: false }],
  ])('what %s gives by name', (owners, expected) => {
    expect(givenByName(read(`owners: ${owners}`), shop)).toEqual(expected)
  })
})

test('pause says why', () => {
  expect(pausedBecause(read('pause: false'))).toBeUndefined()
  expect(pausedBecause(read('pause: true'))).toBe('')
  expect(pausedBecause(read('pause: The budget is spent'))).toBe('The budget is spent')
})

describe('what is wrong is told at once, with line and key', () => {
  test.each([
    ['owners:\n  acme:\n    as_usr: true\n', [[3, 'owners.acme.as_usr']]],
    [
      'owners:\n  acme:\n    as_user: maybe\nlimits:\n  person: 0\n',
      [
        [3, 'owners.acme.as_user'],
        [5, 'limits.person'],
      ],
    ],
    ['owners:\n  "a b": {}\n', [[2, 'owners.a b']]],
    ['owners:\n  Acme: {}\n  acme: {}\n', [[3, 'owners.acme']]],
    ['owners:\n  acme: {}\n  "ACME:5": {}\n', [[3, 'owners.ACME:5']]],
    ['owners:\n  "acme:5": {}\n  "globex:05": {}\n', [[3, 'owners.globex:05']]],
    ['owners:\n  acme: {settings: optional}\n', [[2, 'owners.acme.settings']]],
    ['owners:\n  __proto__: {as_user: false}\n', [[2, 'owners.__proto__']]],
    ['owners:\n  acme:\n    posthog: {project_id: 1}\n', [[3, 'owners.acme.posthog.api_key_env']]],
    [
      'owners:\n  acme:\n    posthog: {project_id: 1, api_key_env: phx-key}\n',
      [[3, 'owners.acme.posthog.api_key_env']],
    ],
    ['defaults:\n  allow: {}\n', [[2, 'defaults.allow']]],
    ['pause: [\n', [[2, '']]],
  ])('%j', (text, expected) => {
    const file = readDeploymentSettings(text)
    expect(file.kind === 'problems' && file.problems.map(({ line, key }) => [line, key])).toEqual(expected)
  })
})

test('two ways to write one owner are named both', () => {
  const file = readDeploymentSettings('owners:\n  Acme: {as_user: true}\n  acme: {}\n')
  expect(file.kind === 'problems' && file.problems.map(({ message }) => message)).toEqual([
    'is the same owner as Acme',
  ])
})
