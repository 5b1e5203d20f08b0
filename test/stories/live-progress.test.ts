/** What is seen while the agent works: what it does, by its own events. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { working } from '../world/opens-issue.ts'

onEitherQueue('An agent works', world => {
  it('its phase with counts, and its own summary at the end', async () => {
    const { thread, run } = await working(world(), 'show me')
    const agent = run(0)
    for (const path of ['src/login.ts', 'test/login.test.ts', 'src/login.ts'])
      await agent.update({
        sessionUpdate: 'tool_call',
        kind: 'edit',
        title: 'Edit',
        locations: [{ path }],
      })
    await agent.update({
      sessionUpdate: 'tool_call',
      kind: 'execute',
      title: 'npm test -- SECRET=hush',
    })
    const status = await thread.waitForStatus('Running checks')
    expect(status).toContain('\n\n**Running checks** · 2 files changed · 1 command run\n\n')
    expect(status).not.toMatch(/hush|login\.ts|Details/)

    agent.summarize('The redirect is waited for now.')
    await agent.openPull()
    await agent.completeTurn('Done, see above.')
    expect(await thread.waitForAnswer('Codex opened draft')).toContain('Done, see above.')
  })
})
