/** A command in the text of a new issue or pull request: once, whatever comes with it. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues('A command in the text of a new issue', world => {
  const opens = async (issue: { title: string; body: string; labels?: string[] }, by = 'maya') => {
    const { number } = await world().github.as(by).opensIssue(issue)
    return { number, thread: new Thread(world(), number) }
  }
  const runs = (number: number) => ledgerOf(world(), number).runs

  it('starts a run, with 👀 on the issue, and 🚀 in the end', async () => {
    const { number, thread } = await opens({
      title: 'Asked in the text',
      body: 'The login is flaky.\n\n/codex fix it in the text',
    })
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForReaction('rocket')
    expect(runs(number)).toHaveLength(1)
    expect(JSON.stringify(runs(number)[0]?.body)).toContain('fix it in the text')
  })

  it('that its author adds soon counts, and nothing that stood there before', async () => {
    const { github } = world()
    const { number, thread } = await opens({ title: 'Added later', body: 'As it is.' })
    await github.as('mario').editsIssue(number, { body: 'As it is.\n\n/codex fix it for mario' })
    await github.as('maya').editsIssue(number, { body: 'As it is.\n\n/codex fix it for maya' })
    await thread.waitForAnswer('pull request is ready')
    expect(runs(number)).toHaveLength(1)
    expect(JSON.stringify(runs(number)[0]?.body)).toContain('fix it for maya')
  })

  it('of a pull request works on its branch, redelivered or not', async () => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    posthog.script('add the tests here', { kind: 'pushesToBranch', text: 'Added.' })
    await maya.pushes('maya/in-text', { 'in-text.ts': 'let it' })
    const { number } = await maya.opensPull({
      head: 'maya/in-text',
      title: 'Tests are missing',
      body: 'Please look.\n\n/codex add the tests here',
    })
    const thread = new Thread(world(), number)
    await thread.waitForAnswer('@maya done')
    for (const { id, event } of github.webhooks.deliveries)
      if (event === 'pull_request') github.webhooks.redeliver(id)
    await github.webhooks.settled()
    expect(runs(number)).toHaveLength(1)
    expect(runs(number)[0]?.body).toMatchObject({ branch: 'maya/in-text' })
  })
})
