/** Whoever runs the bot changes what it may, without stopping it. */
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

/** The beginning of a picture. */
const png = '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489'

onEitherQueue(
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

      writeFileSync(world().settingsFile, 'pause: The budget of November is spent\n')
      await bot.says(/SETTINGS_FILE has changed/)
      const kept = await asks()
      const status = await kept.waitForStatus('⏸️ Codex is paused here')
      expect(status).toContain('Paused by whoever runs this bot: The budget of November is spent.')

      writeFileSync(world().settingsFile, 'pause: [perhaps\n')
      await bot.says(/SETTINGS_FILE has errors/)
      const still = await asks()
      await still.waitForStatus('The budget of November is spent')
      expect(ledgerOf(world(), kept.number, repository).runs).toEqual([])

      writeFileSync(world().settingsFile, 'pause: false\n')
      await kept.waitForAnswer('pull request is ready')
      await still.waitForAnswer('pull request is ready')
    })

    it('its defaults hold where no file of owner or repository says otherwise', async () => {
      const { github, bot } = world()
      const repository = await github.addRepo('acme', 'by-default')
      const maya = github.as('maya', repository)
      const before = bot.output().split('SETTINGS_FILE has changed').length
      writeFileSync(
        world().settingsFile,
        `defaults:
  branch_prefix: robot/
  model: gpt-5
  effort: low
  mode: interactive
  permission: full-access
  attachments: false
  instructions: Mind the mole.
  comments: outcomes
`,
      )
      await github.waitFor(() => bot.output().split('SETTINGS_FILE has changed').length > before)
      const picture = github.attachments.add({
        name: 'shot.png',
        type: 'image/png',
        bytes: Buffer.from(png, 'hex'),
      })
      const { number } = await maya.opensIssue({ title: 'By default', body: picture.markdown })
      await maya.comments(number, '/codex do it')
      const thread = new Thread(world(), number, repository)
      await thread.waitForAnswer('pull request is ready')
      const run = ledgerOf(world(), number, repository).runs[0]?.body
      expect(run).toMatchObject({
        branch: `robot/issue-${number}-by-default`,
        model: 'gpt-5',
        reasoning_effort: 'low',
        mode: 'interactive',
        initial_permission_mode: 'full-access',
        pending_user_message: expect.stringContaining('Mind the mole.'),
      })
      expect(run).not.toHaveProperty('pending_user_artifact_ids')
      await thread.waitForReaction('rocket', (await thread.view()).comments[0]?.id)
      expect(await thread.statuses()).toEqual([])
    })
  },
  { settings: 'pause: false\n', oneByOne: true },
)
