/** What a person reads of a real agent that answers, finishes, or stops. */
import { expect, it } from 'vitest'
import { opensIssue, withRealAgents } from './stage.ts'

withRealAgents('A real agent', stage => {
  it('answers, and its words are there', async () => {
    const { agents } = stage()
    agents.plays('how much is two and two', [{ thinks: 'Easy.', text: 'Two and two is four.' }])
    const { thread, says } = await opensIssue(stage(), 'A sum')
    await says('/codex how much is two and two?')
    expect(await thread.waitForAnswer('Two and two is four.')).toMatch(/^@maya/)
    expect(await thread.waitForStatus(/^### 💬/)).toContain('Codex answered')
  })
})
