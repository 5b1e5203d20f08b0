/** Options, settings and defaults together. */
import { expect, test } from 'vitest'
import { checkOptions } from '../../src/commands/run-options.ts'
import type { ReasoningEffort } from '../../src/core/model/codex-task-run-create.ts'
import type { KnownModel } from '../../src/core/model/views.ts'
import { grantsOf, noDeploymentSettings } from '../../src/core/settings/deployment-settings.ts'
import { replies } from '../../src/core/words/replies.ts'
import { issueThread } from '../core/given.ts'
import { settingsOf } from '../support/deployment.ts'

const models: KnownModel[] = [
  { name: 'gpt-5', efforts: ['low', 'medium', 'high'] },
  { name: 'gpt-5.5', efforts: ['low', 'medium', 'high', 'xhigh'] },
]

test.each<[string, ReasoningEffort | undefined, string, object]>([
  ['the default', 'high', '', { model: 'gpt-5.5', effort: 'high' }],
  ['none, where nobody asks for one', undefined, '', { model: 'gpt-5.5', effort: undefined }],
  [
    'that below a ceiling, which is no default',
    undefined,
    'efforts: [low, medium, high]',
    { effort: 'medium' },
  ],
  [
    'none, where the ceiling bounds nothing',
    undefined,
    'efforts: [low, medium, high, xhigh, max]',
    { effort: undefined },
  ],
  ['the ceiling, where the usual is more', 'xhigh', 'efforts: [low]', { effort: 'low' }],
  ['the usual, where the ceiling is more', 'low', 'efforts: [low, medium, high]', { effort: 'low' }],
  ['the most that PostHog takes of a model that it does not list', 'max', 'model: new', { effort: 'high' }],
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
    replies.effort('max', 'gpt-5', ['low', 'medium', 'high']),
  ],
])('the effort is %s', (_, effort, file, expected) => {
  const settled = checkOptions({
    options: {},
    what: 'work',
    owner: issueThread.ownerId,
    settings: settingsOf(file),
    grants: grantsOf(noDeploymentSettings, issueThread, true),
    usual: { model: 'gpt-5.5', effort },
    known: { models, branch: false, base: true, sandboxes: [] },
  })
  expect(settled.refused ?? settled.options).toMatchObject(expected)
})
