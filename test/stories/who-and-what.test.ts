import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('Who may ask, and what is understood', world => {
  const asks = async (login: string, text: string) => {
    const { github } = world()
    const issue = await github.as('maya').opensIssue({ title: `Asked by ${login}` })
    const comment = await github.as(login).comments(issue.number, text)
    return { thread: new Thread(world(), issue.number), comment, number: issue.number }
  }

  it.sequential('whom GitHub does not know for a while is asked for again, not refused', async () => {
    const { github } = world()
    const fault = github.fault({
      path: '/collaborators/mario/',
      times: 6,
      fault: { kind: 'status', code: 502 },
    })
    const { thread, number } = await asks('mario', '/codex do it')
    await thread.waitForAnswer('@mario the pull request is ready')
    fault.cancel()
    expect(fault.hits).toBe(6)
    expect((await thread.botComments()).join('\n')).not.toContain('did not say which permission')
    expect(ledgerOf(world(), number).runs).toHaveLength(1)
  })

  it('who may ask for help may not start a run in the line below', async () => {
    const { thread, number } = await asks('rita', '/codex help\n\n/codex do it')
    await thread.waitForAnswer('All commands, options and reactions')
    await thread.waitForAnswer('@rita you need write permission')
    expect(ledgerOf(world(), number).tasks).toEqual([])
  })
})
