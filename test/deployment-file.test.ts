import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { noDeploymentSettings } from '../src/core/settings/deployment-settings.ts'
import { followDeploymentFile } from '../src/deployment-file.ts'
import { fakeLog } from './support/fake-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a file that is still being written counts when it is whole', async () => {
  const texts = ['limits: {total: 1', 'limits: {total: 10}\n']
  const said: string[] = []
  const log = fakeLog({ info: about => void said.push(JSON.stringify(about)) })
  const followed = followDeploymentFile('settings.yml', noDeploymentSettings, log, async () =>
    texts.length > 1 ? (texts.shift() ?? '') : (texts[0] ?? ''),
  )
  await vi.advanceTimersByTimeAsync(2_000)
  expect(said).toEqual(['{"total":10}'])
  expect(followed.settings.limits.total).toBe(10)
  followed.close()
})

test('what is taken out of the file goes from the settings that everybody holds', async () => {
  let text = 'trigger: {word: ai}\n'
  const followed = followDeploymentFile(
    'settings.yml',
    noDeploymentSettings,
    fakeLog(),
    async () => text,
  )
  const { settings } = followed
  await vi.advanceTimersByTimeAsync(2_000)
  expect(settings.trigger).toEqual({ word: 'ai' })
  text = 'limits: {total: 10}\n'
  await vi.advanceTimersByTimeAsync(2_000)
  expect(settings).toMatchObject({ trigger: undefined, limits: { total: 10 } })
  followed.close()
})

test.each<[string, string[], RegExp[]]>([
  ['that was empty at the start, as Compose wants one there, is no problem', [''], []],
  ['that is emptied takes nothing back', ['limits: {total: 0}', ''], [/can't be read/]],
  ['that goes away takes nothing back', ['limits: {total: 0}', 'gone'], [/can't be read/]],
])('a file %s', async (_, texts, problems) => {
  const followed = followDeploymentFile(
    'settings.yml',
    noDeploymentSettings,
    fakeLog(),
    async () => (texts[0] === 'gone' ? Promise.reject(new Error('ENOENT')) : (texts[0] ?? '')),
  )
  await vi.advanceTimersByTimeAsync(3_000)
  const before = followed.settings.limits
  if (texts.length > 1) texts.shift()
  await vi.advanceTimersByTimeAsync(3_000)
  expect(followed.failed().map(({ detail }) => detail)).toEqual(
    problems.map(problem => expect.stringMatching(problem)),
  )
  expect(followed.settings.limits).toBe(before)
  followed.close()
})
