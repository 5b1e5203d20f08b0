/** Options, settings and defaults together. */
import { expect, test } from 'vitest'
import { settle } from '../../src/commands/run-options.ts'
import { grantsOf, noDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { issueThread } from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'

test.each<[string, 'low' | 'high' | 'max' | undefined, string, object]>([
  ['the default', 'high', '', { model: 'gpt-5.5', effort: 'high' }],
  ['none, where nobody asks for one', undefined, '', { model: 'gpt-5.5' }],
  ['the most that the model takes', 'max', '', { effort: 'xhigh' }],
  ['that of the settings', 'high', 'effort: low', { effort: 'low' }],
  [
    'the most that is allowed, where the default is not',
    'high',
    'efforts: [low, medium]',
    { effort: 'medium' },
  ],
  ['one that is allowed, where nobody asks for one', undefined, 'efforts: [low]', { effort: 'low' }],
  [
    'one that the model takes and that is allowed',
    'max',
    'model: gpt-5\nefforts: [low, max]',
    { effort: 'low' },
  ],
  [
    'never one that is not allowed',
    'high',
    'model: gpt-5\nefforts: [max]',
    { kind: 'effort', effort: 'max' },
  ],
])('the effort is %s', (_, effort, file, expected) => {
  const settled = settle({
    options: {},
    what: 'work',
    owner: issueThread.owner,
    settings: settingsOf(file),
    grants: grantsOf(noDeploymentSettings, issueThread),
    usual: { model: 'gpt-5.5', effort },
    known: { models: [], branch: false, sandboxes: [] },
  })
  expect(settled.kind === 'settled' ? settled.options : settled).toMatchObject(expected)
})
