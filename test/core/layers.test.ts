/** Deployment ▸ owner ▸ repository. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { commands, settingsFile } from '../../src/commands/command-registry.ts'
import { efforts, effortsUpTo } from '../../src/core/model/codex-task-run-create.ts'
import { mayAct } from '../../src/core/model/command-grammar.ts'
import {
  type DeploymentSettings,
  grantsOf,
  noDeploymentSettings,
  readDeploymentSettings,
} from '../../src/core/settings/deployment-settings.ts'
import { settingsOfLayers } from '../../src/core/settings/layers.ts'
import type { GivenSettings } from '../../src/core/settings/repository-settings.ts'
import { tries } from '../support/tries.ts'

const deployment = (text: string): DeploymentSettings => {
  const file = readDeploymentSettings(text)
  return file.kind === 'read' ? file.value : expect.fail(JSON.stringify(file.problems))
}

const given = (text: string): GivenSettings => {
  const { given, problems } = settingsFile.read(text)
  expect(problems).toEqual([])
  return given
}

test.each<[what: string, deployment: string, owner: string, repository: string, expected: object]>([
  [
    'nobody says anything',
    '',
    '',
    '',
    { mode: 'background', limits: { repository: 50, cost_per_day: 50, repository_per_day: 100 } },
  ],
  ['the owner fills in', '', 'model: a', '', { model: 'a' }],
  [
    'the deployment fills in',
    'defaults: {effort: high}',
    '',
    'mode: interactive',
    { effort: 'high' },
  ],
  [
    'the owner over the deployment',
    'defaults: {effort: low}',
    'effort: high',
    '',
    { effort: 'high' },
  ],
  [
    'repository ▸ owner',
    '',
    'model: a\nmode: interactive',
    'model: b',
    { model: 'b', mode: 'interactive' },
  ],
  [
    'parts of a setting are chosen one by one',
    '',
    'pull_request: {assign: false}',
    'pull_request: {review: true}',
    { pull_request: { assign: false, review: true, draft: true } },
  ],
  [
    'labels of both',
    '',
    'labels: {a: {plan: true}, b: {}}',
    'labels: {b: {plan: true}}',
    { labels: { a: { plan: true }, b: { plan: true } } },
  ],
  [
    'a repository is stricter',
    '',
    'limits: {person: 5}',
    'limits: {person: 3}',
    { limits: { person: 3 } },
  ],
  [
    'a repository is no looser',
    '',
    'limits: {person: 5}',
    'limits: {person: 9}',
    { limits: { person: 5 } },
  ],
  [
    'an owner may go beyond a default, not beyond a ceiling',
    'limits: {person: 80}',
    'limits: {person: 90, repository: 300}',
    '',
    { limits: { person: 80, repository: 300 } },
  ],
  [
    'limits of an owner',
    'limits: {owner: 300}',
    '',
    '',
    { limits: { owner: 300, owner_per_day: 5000 } },
  ],
  [
    'a repository may leave a limit of its owner',
    '',
    'limits: {open_pull_requests: 8}',
    'limits: {person: 3}',
    { limits: { open_pull_requests: 8, person: 3 } },
  ],
  [
    'the files of owner and repository lift a limit of a day, as a default is no ceiling',
    '',
    'limits: {cost_per_day: 900}',
    'limits: {repository_per_day: 400}',
    { limits: { cost_per_day: 900, repository_per_day: 400 } },
  ],
  [
    'what the deployment allows in a day holds where no file says less',
    'limits: {cost_per_day: 200, repository_per_day: 300}\nowners: {5: {limits: {cost_per_day: 150}}}',
    '',
    '',
    { limits: { cost_per_day: 150, repository_per_day: 300 } },
  ],
  ['a ceiling is no wish', 'limits: {person: 80}', '', '', { limits: { person: 50 } }],
  ['models of the owner', '', 'models: [a, b]', 'models: [b, c]', { models: ['b'] }],
  [
    'models none has',
    'owners: {5: {models: [a, b]}}',
    'models: [a, c]',
    'models: [c]',
    { models: ['a'] },
  ],
  [
    'the lower effort',
    'limits: {max_effort: high}',
    'limits: {max_effort: medium}',
    'limits: {max_effort: low}',
    { limits: { max_effort: 'low' } },
  ],
  [
    'the most effort of a repository is no more than its owner’s',
    '',
    'limits: {max_effort: low}',
    'limits: {max_effort: max}',
    { limits: { max_effort: 'low' } },
  ],
  [
    'the stricter role',
    '',
    'permissions: {run: maintain}',
    'permissions: {run: write, plan: admin}',
    { permissions: { run: 'maintain', plan: 'admin', stop: 'write' } },
  ],
  ['a no of the owner to --as-user', '', 'as_user: false', 'as_user: true', { as_user: false }],
  ['a yes of the owner to --as-user', '', 'as_user: true', '', { as_user: true }],
  [
    'a no of the repository to --as-user',
    '',
    'as_user: true',
    'as_user: false',
    { as_user: false },
  ],
  [
    'who is let in, of those that the owner lists',
    '',
    'allow: {users: ["maya:1", "Zoe:2"], teams: []}',
    'allow: {users: ["zoe:2", "sam:3"], teams: [all]}',
    { allow: { users: ['zoe:2'], teams: [] } },
  ],
])('%s', (_, above, owner, repository, expected) => {
  const grants = grantsOf(deployment(above), 5)
  const files = { owner: given(owner), repository: given(repository) }
  expect(settingsOfLayers(settingsFile, grants, files)).toMatchObject(expected)
})

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined })
const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.subarray([...values], { minLength: 1 })

const countsInFiles = [
  'repository',
  'person',
  'repository_per_day',
  'cost_per_day',
  'open_pull_requests',
] as const
const counts = [...countsInFiles, 'owner', 'owner_per_day'] as const
type Count = (typeof counts)[number]
const limitsOf = (names: readonly Count[]) =>
  fc.record(
    {
      ...(Object.fromEntries(
        names.map(name => [name, fc.integer({ min: 1, max: 10_000 })]),
      ) as Record<Count, fc.Arbitrary<number>>),
      max_effort: fc.constantFrom(...efforts),
    },
    { requiredKeys: [] },
  )
const limits = limitsOf(counts)
const models = ['a', 'b', 'c']
const named = fc.subarray(['maya', 'zoe', 'sam'])
const numbered = fc.subarray(['maya:1', 'zoe:2', 'sam:3'])
const file = fc.record(
  {
    limits: limitsOf(countsInFiles),
    models: some(models),
    as_user: fc.boolean(),
    permissions: fc.dictionary(
      // What takes a maintainer can be raised only once.
      fc.constantFrom(
        ...commands
          .filter(({ least }) => !['maintain', 'admin'].includes(least))
          .map(({ name }) => name),
      ),
      fc.constantFrom('write', 'maintain', 'admin'),
    ),
    allow: fc.record({ users: numbered, teams: named }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
)
const above = fc.record({ limits, own: limits, models: maybe(some(models)) })

test('a ceiling is never loosened from below', () => {
  fc.assert(
    fc.property(above, file, file, ({ limits: ofAll, own, models: granted }, owner, repository) => {
      const owners = {
        5: { ...deployment('owners: {5: {}}').owners[5], limits: own, models: granted },
      }
      const grants = grantsOf(
        { ...noDeploymentSettings, limits: ofAll, owners: owners as DeploymentSettings['owners'] },
        5,
      )
      const settingsWith = (repository: GivenSettings) =>
        settingsOfLayers(settingsFile, grants, { owner, repository })
      const settings = settingsWith(repository)
      const without = settingsWith({})
      for (const name of counts)
        for (const ceiling of [ofAll, own, owner.limits ?? {}])
          expect(settings.limits[name] ?? Infinity).toBeLessThanOrEqual(ceiling[name] ?? Infinity)
      const most = [ofAll, own]
        .flatMap(({ max_effort }) => max_effort ?? [])
        .map(effort => efforts.indexOf(effort))
      for (const effort of effortsUpTo(settings.limits.max_effort))
        expect(efforts.indexOf(effort)).toBeLessThanOrEqual(Math.min(...most, efforts.length))
      // Whatever the repository says, no more is allowed than if it said nothing.
      expect(without.models ?? models).toEqual(
        expect.arrayContaining(settings.models ?? [...models]),
      )
      expect(effortsUpTo(without.limits.max_effort)).toEqual(
        expect.arrayContaining([...effortsUpTo(settings.limits.max_effort)]),
      )
      if (granted)
        expect(granted).toEqual(expect.arrayContaining(settings.models ?? ['none named']))
      for (const [name, role] of Object.entries(without.permissions))
        expect(mayAct(settings.permissions[name] ?? 'none', role ?? 'admin')).toBe(true)
      if (owner.as_user === false) expect(settings.as_user).toBe(false)
      for (const who of ['users', 'teams'] as const) {
        const listed = owner.allow?.[who]
        if (listed) expect(listed).toEqual(expect.arrayContaining(settings.allow[who]))
      }
    }),
    { numRuns: tries(7_000) },
  )
})
