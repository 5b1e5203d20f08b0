/** Whoever runs the bot changes what it may, without stopping it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

const path = join(mkdtempSync(join(tmpdir(), 'codex-settings-')), 'settings.yml')
writeFileSync(path, 'pause: false\n')
afterAll(() => rmSync(dirname(path), { recursive: true }))

onBothQueues(
  'SETTINGS_FILE changes while the bot runs',
  world => {
    it('a pause holds at once, one with a slip changes nothing, and without it everything goes on', async () => {
      const { github, bot } = world()
      const repository = await github.addRepo('acme', 'paused')
      const maya = github.as('maya', repository)
      const asks = async (): Promise<Thread> => {
        const issue = await maya.opensIssue({ title: 'Login', body: 'x' })
        await maya.comments(issue.number, '/codex fix it')
        return new Thread(world(), issue.number, repository)
      }

      writeFileSync(path, 'pause: The budget of November is spent\n')
      await bot.says(/SETTINGS_FILE has changed/)
      const refused = await asks()
      await refused.waitForAnswer('The budget of November is spent')

      writeFileSync(path, 'pause: [perhaps\n')
      await bot.says(/SETTINGS_FILE is wrong/)
      const still = await asks()
      await still.waitForAnswer('The budget of November is spent')

      writeFileSync(path, 'pause: false\n')
      await bot.says(/SETTINGS_FILE has changed[\s\S]*SETTINGS_FILE is wrong[\s\S]*SETTINGS_FILE has changed/)
      const served = await asks()
      await served.waitForAnswer('pull request is ready')
      expect(ledgerOf(world(), refused.number, repository).runs).toEqual([])
    })
  },
  { env: { SETTINGS_FILE: path }, oneByOne: true },
)
