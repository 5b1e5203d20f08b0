/** Options, settings and defaults together. */
import { expect, test } from 'vitest'
import type { TriggerHand } from '../../src/commands/command-context.ts'
import { settle } from '../../src/commands/start-run.ts'
import { readSettings } from '../../src/core/settings/repository-settings.ts'
import { issueThread } from '../core/given.ts'
import { deploymentWith } from '../support/deployment.ts'

const handWith = (effort: 'low' | 'high' | 'max' | undefined) =>
  ({
    record: { trigger: { thread: issueThread } },
    deps: {
      settings: deploymentWith(),
      defaults: { model: 'gpt-5.5', effort },
      posthog: { models: async () => [], sandboxes: async () => [] },
    },
  }) as unknown as TriggerHand

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
    { reply: 'effort', effort: 'max' },
  ],
])('the effort is %s', async (_, usual, file, expected) => {
  const { settings } = readSettings(file)
  expect(await settle(handWith(usual), { options: {}, what: 'work' }, settings)).toMatchObject(expected)
})
