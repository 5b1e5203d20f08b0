/** What a deployment grants and bounds. */
import { expect, test } from 'vitest'
import {
  grantsOf,
  noDeploymentSettings,
  readDeploymentSettings,
} from '../../src/core/settings/deployment-settings.ts'

const read = (text: string) => {
  const file = readDeploymentSettings(text)
  if (file.kind === 'problems') return expect.fail(JSON.stringify(file.problems))
  return file.value
}

const nothing = { granted: new Set(), sandboxes: [] }

test('nothing is granted that is not written down for the number of the owner', () => {
  const other = read('owners: {6: {as_user: true, sandboxes: [A]}}')
  for (const settings of [noDeploymentSettings, read('owners: {5: {}}'), other])
    expect(grantsOf(settings, 5)).toMatchObject(nothing)
  // An owner without a number has nothing either.
  expect(grantsOf(other, 0)).toMatchObject(nothing)
})

test.each([
  ['as_user: true', { granted: new Set(['as_user']) }],
  ['signal_report: true', { granted: new Set(['signal_report']) }],
  ['sandboxes: [Small box]', { granted: new Set(['sandboxes']), sandboxes: ['Small box'] }],
  ['sandboxes: []', nothing],
  ['models: [a]', { granted: new Set(), models: ['a'] }],
])('%s grants just that', (grant, expected) =>
  expect(grantsOf(read(`owners: {5: {${grant}}}`), 5)).toMatchObject(expected),
)

test('of two ceilings, that of all and that of the owner, the lower one holds', () => {
  const settings = read(
    'limits: {person: 2, repository: 9, total: 0}\nowners: {5: {limits: {person: 3, repository: 4}}}',
  )
  expect(grantsOf(settings, 5).ceilings).toEqual({ person: 2, repository: 4 })
  expect(grantsOf(settings, 6).ceilings).toEqual({ person: 2, repository: 9 })
})

test('how many may work in the whole bot is no ceiling of a repository', () => {
  const settings = read('limits: {total: 0, repository: 2}')
  expect(settings.limits.total).toBe(0)
  expect(grantsOf(settings, 5).ceilings).toEqual({ repository: 2 })
})

test.each([
  ['owners:\n  5:\n    as_usr: true\n', [[3, 'owners.5.as_usr']]],
  [
    'owners:\n  5:\n    as_user: maybe\nlimits:\n  person: -1\n',
    [
      [3, 'owners.5.as_user'],
      [5, 'limits.person'],
    ],
  ],
  ['owners:\n  "a b": {}\n', [[2, 'owners.a b']]],
  ['owners:\n  5: {}\n  5: {}\n', [[3, '5']]],
  [
    'owners:\n  0: {}\n  05x: {}\n',
    [
      [2, 'owners.0'],
      [3, 'owners.05x'],
    ],
  ],
  ['owners:\n  5: {settings: optional}\n', [[2, 'owners.5.settings']]],
  ['owners:\n  5:\n    as_user: [shop]\n', [[3, 'owners.5.as_user']]],
  ['owners:\n  __proto__: {as_user: false}\n', [[2, 'owners.__proto__']]],
  ['owners:\n  5:\n    posthog: {project_id: 1}\n', [[3, 'owners.5.posthog.api_key_env']]],
  [
    'owners:\n  5:\n    posthog: {project_id: 1, api_key_env: phx-key}\n',
    [[3, 'owners.5.posthog.api_key_env']],
  ],
  ['defaults:\n  allow: {}\n', [[2, 'defaults.allow']]],
  ['limits: [\n', [[2, '']]],
  ['pause: true\n', [[1, 'pause']]],
  ['owners:\n  5: {limits: {total: 1}}\n', [[2, 'owners.5.limits.total']]],
])('what is wrong is told at once, with line and key: %j', (text, expected) => {
  const file = readDeploymentSettings(text)
  expect(file.kind === 'problems' && file.problems.map(({ line, key }) => [line, key])).toEqual(
    expected,
  )
})

test('an owner is a number, and a login is told how to find it', () => {
  const file = readDeploymentSettings('owners:\n  acme: {as_user: true}\n  "a b": {}\n')
  expect(
    file.kind === 'problems' && file.problems.map(({ message }) => message),
  ).toMatchInlineSnapshot(`
    [
      "must be the number of that account, as a login can change hands: \`gh api users/acme --jq .id\` prints it",
      "must be the number of a person or an organization",
    ]
  `)
})
