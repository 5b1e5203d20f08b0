import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues('Somebody sets the label', world => {
  it('on a pull request: the agent works on its head, and the label comes off', async () => {
    const { github, posthog } = world()
    posthog.script('The pull request below', { kind: 'pushesToBranch', text: 'Renamed the variable.' })
    const maya = github.as('maya')
    await maya.pushes('maya/rename', { 'src/a.ts': 'let a' })
    const pull = await maya.opensPull({ head: 'maya/rename', title: 'Rename things', body: 'Please finish.' })
    await maya.labels(pull.number, 'codex')
    const thread = new Thread(world(), pull.number)

    const answer = await thread.waitForAnswer('@maya done')
    await thread.waitForReaction('rocket')
    await github.waitFor(async () => (await github.thread(pull.number)).labels.length === 0)

    expect(answer).toContain('is on this pull request')
    expect(await thread.status()).toMatch(/^### 🚀 Codex pushed .* to this pull request/)
    await github.waitFor(async () => (await thread.reactions()).join() === 'rocket')
    const { tasks, runs } = ledgerOf(world(), pull.number)
    expect(tasks).toHaveLength(1)
    expect(runs.map(({ body }) => body)).toMatchObject([{ branch: 'maya/rename', auto_publish: true }])
    expect((await github.pulls()).filter(({ head }) => head === 'maya/rename')).toHaveLength(1)
  })

  it('on an issue, twice: each time one run', async () => {
    const { github } = world()
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title: 'Label me', body: 'Do it.' })
    const thread = new Thread(world(), issue.number)
    await maya.labels(issue.number, 'codex')
    await thread.waitForAnswer('pull request is ready')
    await github.waitFor(async () => (await github.thread(issue.number)).labels.length === 0)
    expect(ledgerOf(world(), issue.number).runs).toHaveLength(1)

    // GitHub tells times in seconds, and the time is what tells two settings of a label apart.
    await new Promise(resolve => setTimeout(resolve, 1100))
    await maya.labels(issue.number, 'codex')
    await github.waitFor(async () => {
      const { runs, messages } = ledgerOf(world(), issue.number)
      return runs.length + messages.length === 2
    })
    expect(ledgerOf(world(), issue.number).tasks).toHaveLength(1)
  })
})

onEitherQueue('Somebody sets the label of a preset while a run works', world => {
  const working = async (name: string, settings = '') => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', name)
    if (settings) await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
    const maya = github.as('maya', repository)
    const { number } = await maya.opensIssue({ title: 'Labels', body: 'As said.' })
    const thread = new Thread(world(), number, repository)
    const ledger = () => ledgerOf(world(), number, repository)
    posthog.script({ repository }, { kind: 'manual' }, { times: 1 })
    await maya.comments(number, '/codex take your time')
    await thread.waitForStatus('⏳ Codex is working')
    const first = posthog.run(String(ledger().runs[0]?.runId))
    return { repository, number, maya, thread, ledger, first }
  }

  it('its instruction waits, and is followed when the run has ended', async () => {
    const { posthog } = world()
    const settings = 'labels:\n  docs: {instruction: Write the docs.}\n'
    const { repository, number, maya, thread, first } = await working('preset-of-its-own', settings)
    posthog.script({ repository, prompt: 'Write the docs' }, { kind: 'answers', text: 'Docs.' })
    await maya.labels(number, 'codex:docs')
    await thread.waitForAnswer('another run is still going')
    await first.completeTurn('Took it.')
    await thread.waitForAnswer('Took it.')
    await thread.waitForAnswer('Docs.')
  })

  it('and takes it off again before the run has ended: nothing comes of it', async () => {
    const { github } = world()
    const { number, maya, thread, ledger, first } = await working('preset-taken-off')
    await maya.labels(number, 'codex:plan')
    await thread.waitForAnswer('another run is still going')
    await maya.unlabels(number, 'codex:plan')
    await github.settled()
    await first.completeTurn('Did it.')
    await thread.waitForAnswer('Did it.')
    await thread.waitForFolded()
    expect(ledger().runs).toHaveLength(1)
    expect(ledger().cancels).toEqual([])
  })
})
