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

  it('theo, who may only triage, is refused once and clearly', async () => {
    const { thread, comment, number } = await asks('theo', '/codex do it')
    const answer = await thread.waitForAnswer('@theo you need write permission')
    await thread.waitForReaction('-1', comment.id)
    expect(answer).toContain('Yours is triage.')
    expect(await thread.botComments()).toHaveLength(1)
    expect(ledgerOf(world(), number).tasks).toEqual([])
  })

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

  it('a closed issue is refused with the reason', async () => {
    const { github } = world()
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title: 'Closed' })
    await maya.closes(issue.number)
    await maya.comments(issue.number, '/codex do it')
    await new Thread(world(), issue.number).waitForAnswer('this is closed')
  })

  it('help lists every command, for everybody', async () => {
    const { thread, comment } = await asks('rita', '/codex help')
    const answer = await thread.waitForAnswer('All commands, options and reactions')
    await thread.waitForReaction('+1', comment.id)
    for (const command of ['stop', 'retry', 'status', 'plan', 'approve'])
      expect(answer).toContain(`/codex ${command}`)
  })

  it.each([
    ['/codex --efort high fix it', 'Did you mean `--effort`?'],
    ['/codex --model gtp-5 fix it', 'Did you mean `gpt-5`?'],
  ])('%s is answered with what is wrong', async (text, said) => {
    const { thread, number } = await asks('maya', text)
    await thread.waitForAnswer(said)
    expect(ledgerOf(world(), number).tasks).toEqual([])
  })

  it('words that are no command, and commands of other bots, leave no trace', async () => {
    const { github } = world()
    const { thread, comment, number } = await asks('maya', 'Nice work!\n\n```\n/codex fix it\n```')
    await github.as('posthog[bot]').comments(number, '/codex do it')
    await github.settled()
    const last = await github.as('maya').comments(number, '/codex status')
    await thread.waitForReaction('+1', last.id)
    expect(await thread.botComments()).toHaveLength(1)
    expect(await thread.reactions(comment.id)).toEqual([])
  })

  it('who may ask for help may not start a run in the line below', async () => {
    const { thread, number } = await asks('rita', '/codex help\n\n/codex do it')
    await thread.waitForAnswer('All commands, options and reactions')
    await thread.waitForAnswer('@rita you need write permission')
    expect(ledgerOf(world(), number).tasks).toEqual([])
  })

  it('several commands in one comment are all answered, in order', async () => {
    const { thread } = await asks('maya', '/codex help\n\n/codex status')
    await thread.waitForAnswer('All commands, options and reactions')
    await thread.waitForAnswer('nothing was asked here yet')
    expect(await thread.answers()).toHaveLength(2)
  })
})
