/** An owner is given a PostHog of their own while the bot runs: nothing changes before a restart, and no run is left behind. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import { FreshQueues } from '../support/fresh-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

const queues = new FreshQueues()
let world: World
let own: Awaited<ReturnType<typeof startPostHog>>

beforeAll(async () => {
  world = await startWorld({ roles: [], settings: 'limits: {}\n', env: await queues.next() })
  own = await startPostHog({
    hands: world.github.hands,
    projectId: 77,
    apiKeys: [
      {
        key: 'phx_of_acme_and_nobody_else_at_all',
        userId: 2,
        scopes: ['task:write', 'integration:read'],
      },
    ],
  })
})
afterAll(async () => {
  await world?.close()
  await own?.close()
  await queues.close()
})

it('its runs go on where they began, and new ones begin there from the restart on', async () => {
  const { posthog } = world
  const begins = async (title: string) => {
    const { says, thread } = await opensIssue(world, title)
    await says('/codex fix it')
    return thread
  }
  const readyz = async () => (await fetch(`${world.bot.url}/readyz`)).text()
  const fileIsOk = async () =>
    /^codex_bot_settings_file_ok (\d)/m.exec(
      await (await fetch(`${world.bot.url}/metrics`)).text(),
    )?.[1]
  posthog.script('Before', { kind: 'manual' })
  const bot = await world.startBot()
  const before = await begins('Before')
  await before.waitForStatus('Codex is working')
  expect(await fileIsOk()).toBe('1')

  const entry = `{posthog: {host: "${own.url}", project_id: 77, api_key_env: KEY_OF_ACME}}`
  writeFileSync(world.settingsFile, `owners:\n  1: ${entry}\n`)
  await bot.says(/owners\.….posthog has changed/)
  expect(await readyz()).toMatch(/owners\.1\.posthog has changed: it applies after a restart/)
  expect(await fileIsOk()).toBe('0')
  const meanwhile = await begins('Meanwhile')
  await meanwhile.waitForAnswer('Codex opened draft')
  expect(own.ledger).toEqual([])

  await bot.stop()
  await world.startBot('all', { KEY_OF_ACME: own.apiKey })
  expect(await readyz()).not.toContain('settings-file')
  const after = await begins('After')
  await after.waitForAnswer('Codex opened draft')
  expect(own.ledger.filter(({ kind }) => kind === 'run')).toHaveLength(1)
  await posthog.runs()[0]?.completeTurn('Nothing to change.')
  await before.waitForAnswer(/Nothing to change\./)

  // The project is not set up at all any more: the thread is told, and a stop is still a stop.
  own.script('Lost', { kind: 'manual' })
  const lost = await begins('Lost')
  await lost.waitForStatus('Codex is working')
  await world.bot.stop()
  writeFileSync(world.settingsFile, 'owners: [slip\n')
  await expect(world.startBot()).rejects.toThrow(/SETTINGS_FILE has an error/)
  writeFileSync(world.settingsFile, 'owners: {}\n')
  await world.startBot()
  expect(await lost.waitForStatus('Codex waits for PostHog')).toMatch(
    /is not set up in this bot any more/,
  )
  writeFileSync(world.settingsFile, 'owners: [slip\n')
  await world.bot.says(/SETTINGS_FILE has errors/)
  expect(await readyz()).toMatch(/"name":"settings-file".*SETTINGS_FILE has an error/)
  expect(await fileIsOk()).toBe('0')
})
