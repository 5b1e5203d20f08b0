/** What a deployment grants and bounds. */
import { describe, expect, test } from 'vitest'
import {
  grantsOf,
  isNamed,
  noDeploymentSettings,
  readDeploymentSettings,
} from '../../src/core/settings/deployment-settings.ts'

const read = (text: string) => {
  const file = readDeploymentSettings(text)
  if (file.kind === 'problems') return expect.fail(JSON.stringify(file.problems))
  return file.value
}
const shop = { owner: 'acme', ownerId: 5, repo: 'shop', repoId: 100 }

test('nothing is granted that is not written down', () => {
  const other = read('owners: {6: {as_user: true}}')
  for (const settings of [noDeploymentSettings, read('owners: {5: {}}'), other])
    expect(grantsOf(settings, shop, true)).toMatchObject({ granted: new Set(), sandboxes: [] })
})

test.each([
  ['as_user: true', { granted: new Set(['as_user']) }],
  ['as_user: [blog]', { granted: new Set() }],
  ['as_user: [Shop]', { granted: new Set(['as_user']) }],
  ['signal_report: true', { granted: new Set(['signal_report']) }],
  ['sandboxes: [Small box]', { granted: new Set(['sandboxes']), sandboxes: ['Small box'] }],
  ['sandboxes: [{name: A, repositories: [blog]}]', { granted: new Set(), sandboxes: [] }],
  [
    'sandboxes: [{name: A, repositories: [blog]}, {name: B, repositories: [shop]}]',
    { sandboxes: ['B'] },
  ],
])('%s grants just that', (grant, expected) =>
  expect(grantsOf(read(`owners: {5: {${grant}}}`), shop, true)).toMatchObject(expected),
)

describe('names change hands, numbers do not', () => {
  const all =
    'as_user: [shop], signal_report: true, models: [a], limits: {person: 1}, sandboxes: [A, {name: B, repositories: [shop]}]'
  const grants = (file: string, thread = shop, nameHolds = true) => {
    const { granted, sandboxes, models, ceilings } = grantsOf(read(file), thread, nameHolds)
    return [[...granted], sandboxes, models, ceilings.length]
  }
  const given = (owner: number, what = all): string => `owners: {${owner}: {${what}}}`
  const everything = [['sandboxes', 'as_user', 'signal_report'], ['A', 'B'], ['a'], 2]
  const nothing = [[], [], undefined, 1]
  const notOfShop = [['sandboxes', 'signal_report'], ['A'], ['a'], 2]

  test.each<[string, unknown[], ...Parameters<typeof grants>]>([
    ['the number, whatever the login is', everything, given(5), { ...shop, owner: 'labs' }],
    ['another number, whatever the login is', nothing, given(6)],
    ['an owner without a number', nothing, given(5), { ...shop, ownerId: 0 }],
    ['a repository that is another one by now', notOfShop, given(5), shop, false],
    [
      'the number of a repository, whatever its name is',
      everything,
      given(5, all.replaceAll('shop', 'shop:100')),
      { ...shop, repo: 'store' },
      false,
    ],
    ['another number of a repository', notOfShop, given(5, all.replaceAll('shop', 'shop:101'))],
  ])('%s', (_, expected, ...given) => expect(grants(...given)).toEqual(expected))

  test.each<[string, boolean]>([
    ['{}', false],
    ['{5: {as_user: true}}', false],
    ['{5: {as_user: [Shop]}}', true],
    ['{5: {sandboxes: [{name: B, repositories: [shop]}]}}', true],
    ['{5: {as_user: ["shop:100"]}}', false],
    ['{6: {as_user: [shop]}}', false],
  ])('whether %s names the repository: %s', (owners, expected) =>
    expect(isNamed(read(`owners: ${owners}`), shop)).toBe(expected),
  )
})

test('how many may work in the whole bot is no ceiling of a repository', () => {
  const settings = read('limits: {total: 0, repository: 2}')
  expect(settings.limits.total).toBe(0)
  expect(grantsOf(settings, shop, true).ceilings).toEqual([{ repository: 2 }])
})

describe('what is wrong is told at once, with line and key', () => {
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
    ['owners:\n  5: {}\n  5: {}\n', [[3, '']]],
    [
      'owners:\n  0: {}\n  05x: {}\n',
      [
        [2, 'owners.0'],
        [3, 'owners.05x'],
      ],
    ],
    ['owners:\n  5: {settings: optional}\n', [[2, 'owners.5.settings']]],
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
  ])('%j', (text, expected) => {
    const file = readDeploymentSettings(text)
    expect(file.kind === 'problems' && file.problems.map(({ line, key }) => [line, key])).toEqual(
      expected,
    )
  })
})

test('an owner is a number, and a login is told how to find it', () => {
  const file = readDeploymentSettings(
    'owners:\n  acme: {as_user: true}\n  "globex:12": {}\n  "a b": {}\n',
  )
  expect(
    file.kind === 'problems' && file.problems.map(({ message }) => message),
  ).toMatchInlineSnapshot(`
    [
      "must be the number of that account, as a login can change hands: \`gh api users/acme --jq .id\` prints it",
      "must be only the number: write \`12: # globex\`",
      "must be the number of a person or an organization",
    ]
  `)
})
