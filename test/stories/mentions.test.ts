/** `@codex-bot …`, the name of the App, is the same as `/codex …`. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue('Somebody mentions the App', world => {
  it('at the start of a line: that is a command, however it is written, and words for a run at work', async () => {
    const { posthog } = world()
    const repository = await newRepository(world())
    posthog.script({ repository }, { kind: 'manual' })
    const { says, thread, ledger, prompt } = await opensIssue(world(), 'By its name', repository)
    await says('Hello.\n\n@codex-bot --effort low fix the *login*')
    await thread.waitForStatus('⏳ Codex is working')
    expect(ledger().runs[0]?.body).toMatchObject({ reasoning_effort: 'low' })
    expect(prompt()).toContain('# Instruction\n\nfix the login\n')
    await says('@Codex-Bot[bot]: and the logout')
    await world().github.waitFor(() => ledger().messages.length === 1)
    await says('@codex-bot /codex status')
    await thread.waitForAnswer('Codex is working')
    await says('@codex-bot[bot] stop')
    await thread.waitForStatus('Stopped by `maya`')
    expect(ledger().runs).toHaveLength(1)
  })

  it('elsewhere, or another bot: nothing starts', async () => {
    const { says, thread, ledger } = await opensIssue(world(), 'In passing')
    for (const words of [
      'thanks @codex-bot, that is it',
      '@codex-bot-2 fix it',
      '@dependabot rebase',
      '`@codex-bot fix it`',
      '> @codex-bot fix it',
      '- @codex-bot fix it',
    ])
      await says(words)
    const asked = await says('@codex-bot status')
    await thread.waitForReaction('+1', asked.id)
    expect(await thread.answers()).toEqual([
      expect.stringContaining('nobody has asked for anything here yet'),
    ])
    expect(ledger().tasks).toEqual([])
  })

  it('by the command word: that is no name of the bot, which is told once, unless another bot answers to it', async () => {
    const { github } = world()
    const repository = await newRepository(world())
    const { says, thread, number } = await opensIssue(world(), 'Another name', repository)
    await says('@codex fix it')
    await thread.waitForAnswer('there is no command `@codex`. Did you mean `/codex`?')
    await says('@codex fix it, please')
    await github.as('chatgpt-codex-connector[bot]', repository).comments(number, 'I can review it.')
    await says('@codex fix it', 'olga')
    const asked = await says('@codex-bot status')
    await thread.waitForReaction('+1', asked.id)
    expect(await thread.answers()).toHaveLength(2)
  })
})
