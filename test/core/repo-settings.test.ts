import { describe, expect, test } from 'vitest'
import { defaultSettings, problemText, readSettings } from '../../src/core/repo-settings.ts'

describe('what is wrong is told with its line and key, and then the defaults hold', () => {
  test.each([
    ['model: gpt-5\neffort: enormous\n', 2, 'effort'],
    ['modle: gpt-5\n', 1, 'modle'],
    ['limits:\n  repository: 0\n', 2, 'limits.repository'],
    ['permissions:\n  plan: write\n  run: read\n', 3, 'permissions.run'],
    ['allow:\n  users: ["*"]\n', 2, 'allow.users.0'],
    ['labels:\n  "a b": {}\n', 2, 'labels.a b'],
    ['- a\n- b\n', undefined, ''],
    ['model: [\n', 2, ''],
    [`# ${'x'.repeat(100_000)}`, undefined, ''],
  ])('%j', (text, line, key) => {
    const { settings, problem } = readSettings(text)
    expect(settings).toEqual(defaultSettings)
    expect(problem).toMatchObject({ key })
    if (line !== undefined) expect(problem?.line).toBe(line)
  })
})

test('a role below the usual one is told, as settings only demand more', () => {
  const { problem } = readSettings('permissions: { run: read }')
  expect(problem && problemText(problem)).toContain('must be write or more')
})

test.each([undefined, '', '  \n', '# nothing\n', '{}'])('%j is no problem', text => {
  expect(readSettings(text)).toEqual({ settings: defaultSettings, problem: undefined })
})

test('what is right is taken, and the rest is as usual', () => {
  const { settings, problem } = readSettings('model: gpt-5\npermissions: { run: maintain, help: write }\n')
  expect(problem).toBeUndefined()
  expect(settings).toEqual({
    ...defaultSettings,
    model: 'gpt-5',
    permissions: { run: 'maintain', help: 'write' },
  })
})
