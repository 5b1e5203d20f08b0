/** Whoever runs the bot changes what it may, without stopping it. */
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, attachesPicture, opensIssue } from '../world/opens-issue.ts'

onEitherQueue(
  'SETTINGS_FILE changes while the bot runs',
  world => {
    it('a limit of 0 holds at once, one with a slip changes nothing, and without it everything goes on', async () => {
      const { bot } = world()
      const asked = () => asks(world(), 'fix it')

      writeFileSync(world().settingsFile, 'limits: { total: 0 }\n')
      await bot.says(/SETTINGS_FILE has changed/)
      const kept = await asked()
      const status = await kept.thread.waitForStatus('⏸️ Codex starts nothing new here')
      expect(status).toContain(
        '`limits.total` is 0, so nothing new starts. Whoever runs the bot can raise it in `SETTINGS_FILE`.',
      )

      writeFileSync(world().settingsFile, 'limits: [perhaps\n')
      await bot.says(/SETTINGS_FILE has errors/)
      const still = await asked()
      await still.thread.waitForStatus('`limits.total` is 0')
      expect(kept.ledger().runs).toEqual([])

      writeFileSync(world().settingsFile, 'limits: { total: 1 }\n')
      await kept.thread.waitForAnswer('Codex opened draft')
      await still.thread.waitForAnswer('Codex opened draft')
    })

    it('its defaults hold where no file of owner or repository says otherwise', async () => {
      const { github, bot } = world()
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
      const issue = await opensIssue(
        world(),
        'By default',
        undefined,
        attachesPicture(world()).markdown,
      )
      const { number, says, thread, ledger } = issue
      const asked = await says('/codex do it')
      await thread.waitForAnswer('Codex opened draft')
      const run = ledger().runs[0]?.body
      expect(run).toMatchObject({
        branch: `robot/issue-${number}-by-default`,
        model: 'gpt-5',
        reasoning_effort: 'low',
        mode: 'interactive',
        initial_permission_mode: 'full-access',
        pending_user_message: expect.stringContaining('Mind the mole.'),
      })
      expect(run).not.toHaveProperty('pending_user_artifact_ids')
      await thread.waitForReaction('rocket', asked.id)
      expect(await thread.statuses()).toEqual([])
    })
  },
  { settings: 'limits: {}\n', oneByOne: true },
)
