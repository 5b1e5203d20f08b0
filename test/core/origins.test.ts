/** What holds, and who said so. */
import { expect, test } from 'vitest'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { grantsOf, readDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { appliedSettings, type Origin, settingsOfLayers } from '../../src/core/settings/layers.ts'
import { issueThread } from './given.ts'

const deployment =
  'defaults: {effort: low}\nlimits: {person: 9, owner: 300}\nowners: {5: {models: [a, b]}}'
const owner =
  'model: a\nlimits:\n  person: 20\n  repository: 7\nallow: {users: ["maya:1", "zoe:2"]}\nlabels: {docs: {plan: true}}\n'
const repository =
  'effort: high\nlimits:\n  repository: 9\nallow:\n  users: ["zoe:2", "sam:3"]\npull_request: {draft: false}\n'

test('each value that holds is told with the layers that made it so', () => {
  const read = readDeploymentSettings(deployment)
  if (read.kind !== 'read') return expect.fail('the settings of the deployment have a slip')
  const grants = grantsOf(read.value, issueThread.ownerId)
  const files = { owner: settingsFile.read(owner), repository: settingsFile.read(repository) }
  const settings = settingsOfLayers(settingsFile, grants, {
    owner: files.owner.given,
    repository: files.repository.given,
  })
  const held = appliedSettings({
    settings,
    grants,
    files,
    usual: { model: 'm', effort: undefined },
  })
  const shown = (origin: Origin) =>
    'line' in origin ? `${origin.kind} ${origin.line}` : origin.kind
  const told = Object.fromEntries(
    held
      .filter(({ from }) => from.some(({ kind }) => kind !== 'default'))
      .map(({ key, value, from }) => [key, [value, ...from.map(shown)]]),
  )
  expect(told).toEqual({
    model: ['a', 'owner 1'],
    effort: ['high', 'repository 1'],
    models: [['a', 'b'], 'deployment'],
    'limits.person': [9, 'deployment'],
    'limits.owner': [300, 'deployment'],
    'limits.repository': [7, 'owner 4'],
    'allow.users': [['zoe:2'], 'repository 5', 'owner 5'],
    'labels.docs.plan': [true, 'owner 6'],
    'pull_request.draft': [false, 'repository 6'],
  })
  expect(held.find(({ key }) => key === 'mode')).toEqual({
    key: 'mode',
    value: 'background',
    from: [{ kind: 'default' }],
  })
})
