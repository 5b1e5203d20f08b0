/** What people's keyboards make of a command, and what they change below it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue('A command as people write it', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('with dollars in prose: the words arrive as they are, from all who are read', async () => {
    const { maya, number, thread, ledger } = await opens('It costs $5')
    await world().github.as('mario').comments(number, 'It says $7 or $8 there, and $PATH is set.')
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await maya.comments(number, '/codex show $10 instead of $5, see $HOME and $PATH')
    await thread.waitForAnswer('pull request is ready')
    const prompt = String(Object(ledger().runs[0]?.body).pending_user_message)
    expect(prompt).toContain('# Instruction\n\nshow $10 instead of $5, see $HOME and $PATH\n')
    expect(prompt).toContain('It says $7 or $8 there, and $PATH is set.')
  })

  it('with a label in another case', async () => {
    const { maya, number, thread, ledger } = await opens('Case')
    await maya.labels(number, 'Codex:High')
    await thread.waitForAnswer('pull request is ready')
    await world().github.waitFor(async () => (await thread.view()).labels.length === 0)
    expect(ledger().runs.map(({ body }) => body)).toMatchObject([{ reasoning_effort: 'high' }])
  })
})
