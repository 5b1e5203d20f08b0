/** Options, settings and defaults together. */
import { expect, test } from 'vitest'
import { type Rejected, reject } from '../../src/commands/command.ts'
import { checkOptions } from '../../src/commands/run-options.ts'
import type { Options } from '../../src/core/command/options.ts'
import type { ReasoningEffort } from '../../src/core/model/codex-task-run-create.ts'
import type { KnownModel } from '../../src/core/model/views.ts'
import { grantsOf, noDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { issueThread } from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'

const models: KnownModel[] = [
  { name: 'gpt-5', efforts: ['low', 'medium', 'high'] },
  { name: 'gpt-5.5', efforts: ['low', 'medium', 'high', 'xhigh'] },
  { name: 'gpt-6', efforts: ['high'] },
]

const settled = (effort: ReasoningEffort | undefined, file: string, options: Options = {}) =>
  checkOptions({
    options,
    what: 'work',
    owner: issueThread.ownerId,
    settings: settingsOf(file),
    grants: grantsOf(noDeploymentSettings, issueThread.ownerId),
    usual: { model: 'gpt-5.5', effort },
    known: { models, branch: false, base: true, sandboxes: [] },
  })

const noneSoLow = reject('effort', 'low', 'gpt-6', ['high'])

test.each<[string, ReasoningEffort | undefined, string, ReasoningEffort | Rejected | undefined]>([
  ['the default', 'high', '', 'high'],
  ['none, where nobody asks for one', undefined, '', undefined],
  ['that below a ceiling, which is no default', undefined, 'limits: {max_effort: high}', 'medium'],
  ['none under a ceiling without bounds', undefined, 'limits: {max_effort: max}', undefined],
  ['the ceiling, where the usual is more', 'xhigh', 'limits: {max_effort: low}', 'low'],
  ['the usual, where the ceiling is more', 'low', 'limits: {max_effort: high}', 'low'],
  ['the most that PostHog takes of a model that it does not list', 'max', 'model: new', 'high'],
  ['the most that the model takes', 'max', '', 'xhigh'],
  ['that of the settings', 'high', 'effort: low', 'low'],
  [
    'the most that is allowed, where the default is not',
    'high',
    'limits: {max_effort: medium}',
    'medium',
  ],
  ['one that is allowed, where nobody asks for one', undefined, 'limits: {max_effort: low}', 'low'],
  [
    'one that the model takes and that is allowed',
    'max',
    'model: gpt-5\nlimits: {max_effort: low}',
    'low',
  ],
  ['never more than the ceiling', 'high', 'model: gpt-6\nlimits: {max_effort: low}', noneSoLow],
])('the effort is %s', (_, usual, file, expected) => {
  const { refused, options } = settled(usual, file)
  expect(refused ?? options?.effort).toEqual(expected)
})

test('the model is the usual one', () => expect(settled('high', '').options?.model).toBe('gpt-5.5'))

test('only offered models and no more than the highest effort are taken', () => {
  const file = 'models: [gpt-5]\nlimits: {max_effort: low}'
  expect(settled(undefined, file, { model: 'gpt-5.5' }).refused).toMatchObject({
    refusal: 'notOffered',
  })
  expect(settled(undefined, file, { effort: 'high' }).refused).toMatchObject({
    refusal: 'notOffered',
  })
  expect(settled(undefined, file).options).toMatchObject({ model: 'gpt-5', effort: 'low' })
})
