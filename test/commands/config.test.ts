/** `/codex config` shows what holds for the next run, not what somebody wished for. */
import { expect, test } from 'vitest'
import { settingsFile } from '../../src/commands/command-registry.ts'
import { configCommand } from '../../src/commands/config-command.ts'
import {
  grantsOf,
  readDeploymentSettings,
  usualTrigger,
} from '../../src/core/settings/deployment-settings.ts'
import { settingsOfLayers } from '../../src/core/settings/layers.ts'
import { issueThread } from '../core/given.ts'

interface Given {
  deployment?: string
  owner?: string
  repository?: string
}

function rows({ deployment = '', owner = '', repository = '' }: Given) {
  const read = readDeploymentSettings(deployment)
  if (read.kind !== 'read') return expect.fail('the settings of the deployment have a slip')
  const grants = grantsOf(read.value, issueThread.ownerId)
  const layer = (text: string) => ({
    ...settingsFile.read(text),
    state: 'read' as const,
    problem: undefined,
    version: 'v',
  })
  const files = { owner: layer(owner), repository: layer(repository) }
  const given = { owner: files.owner.given, repository: files.repository.given }
  const settings = settingsOfLayers(settingsFile, grants, given)
  const now = { settings, grants, files, problem: undefined, slips: [], usable: true, version: 'v' }
  const decision = configCommand.decide(expect.fail as never, {
    now,
    usual: { model: 'gpt-5.5', effort: 'high' },
    trigger: usualTrigger,
    schema: undefined,
    models: [],
  })
  const { text } = decision.kind === 'reply' ? decision.reply : expect.fail(decision.kind)
  return (key: string) => text.split('\n').find(line => line.startsWith(`| \`${key}\` |`))
}

test('`as_user` as it is granted, by whom it is denied, and nothing where nobody asks for it', () => {
  const granted = 'owners: {5: {as_user: true}}'
  const repository = 'as_user: true'
  expect(rows({ repository })('as_user')).toContain('| `false` | the bot’s settings |')
  expect(rows({ deployment: granted, repository, owner: repository })('as_user')).toContain(
    '| `true` | this repository, line 1 |',
  )
  expect(rows({ deployment: granted })('as_user')).toContain('| `false` | default |')
})

test('the effort that a ceiling leaves of the wished one', () => {
  const row = rows({ repository: 'effort: high\nlimits:\n  max_effort: low\n' })
  expect(row('effort')).toContain(
    '| `low` | this repository, line 1 and the bot’s settings and this repository, line 3 |',
  )
})

test('a model of the list, where the wished one is not in it', () => {
  const row = rows({ deployment: 'owners: {5: {models: [gpt-5]}}' })
  expect(row('model')).toContain('| `gpt-5` | the bot’s settings |')
})

test('how many sandboxes there are, as the thread may be public', () => {
  const row = rows({ deployment: 'owners: {5: {sandboxes: [Payments with secrets, gpu]}}' })
  expect(row('sandboxes')).toContain('| `2 names` | the bot’s settings |')
})
