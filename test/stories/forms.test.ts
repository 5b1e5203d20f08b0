/** What GitHub takes for a formula, and people do not. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue('A command with dollars in prose', world => {
  it('arrives as it is, and so do the words of all who are read', async () => {
    const { says, thread, prompt } = await opensIssue(world(), 'It costs $5')
    await says('It says $7 or $8 there, and $PATH is set.', 'mario')
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await says('/codex show $10 instead of $5, see $HOME and $PATH')
    await thread.waitForAnswer('Codex opened draft')
    expect(prompt()).toContain('# Instruction\n\nshow $10 instead of $5, see $HOME and $PATH\n')
    expect(prompt()).toContain('It says $7 or $8 there, and $PATH is set.')
  })
})
