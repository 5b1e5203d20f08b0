/** A command in the text of a new issue or pull request: once, whatever comes with it. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { opensIssue, opensPull } from '../world/opens-issue.ts'

onBothQueues('A command in the text of a new issue', world => {
  it('starts a run, with 👀 on the issue, and 🚀 in the end', async () => {
    const text = 'The login is flaky.\n\n/codex fix it in the text'
    const { thread, runs } = await opensIssue(world(), 'Asked in the text', undefined, text)
    await thread.waitForAnswer('Codex opened draft')
    await thread.waitForReaction('rocket')
    expect(runs()).toHaveLength(1)
    expect(JSON.stringify(runs())).toContain('fix it in the text')
  })

  it('that its author adds soon counts, and nothing that stood there before', async () => {
    const { github } = world()
    const { maya, number, thread, runs } = await opensIssue(
      world(),
      'Added later',
      undefined,
      'As it is.',
    )
    await github.as('mario').editsIssue(number, { body: 'As it is.\n\n/codex fix it for mario' })
    await maya.editsIssue(number, { body: 'As it is.\n\n/codex fix it for maya' })
    await thread.waitForAnswer('Codex opened draft')
    expect(runs()).toHaveLength(1)
    expect(JSON.stringify(runs())).toContain('fix it for maya')
  })

  it('of a pull request works on its branch, redelivered or not', async () => {
    const { github, posthog } = world()
    posthog.script('add the tests here', { kind: 'pushesToBranch', text: 'Added.' })
    const body = 'Please look.\n\n/codex add the tests here'
    const { thread, runs } = await opensPull(world(), 'maya/in-text', { body })
    await thread.waitForAnswer('@maya done')
    for (const { id, event } of github.webhooks.deliveries)
      if (event === 'pull_request') github.webhooks.redeliver(id)
    await github.webhooks.settled()
    expect(runs().map(each => each.body)).toMatchObject([{ branch: 'maya/in-text' }])
  })
})
