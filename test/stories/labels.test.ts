import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import {
  newRepository,
  nextSecond,
  opensIssue,
  opensPull,
  type Talk,
  working,
} from '../world/opens-issue.ts'

onBothQueues('Somebody sets the label', world => {
  it('on a pull request: the agent works on its head, and the label comes off', async () => {
    const { github, posthog } = world()
    posthog.script('The pull request below', {
      kind: 'pushesToBranch',
      text: 'Renamed the variable.',
    })
    const { maya, number, thread, ledger } = await opensPull(world(), 'maya/rename')
    await maya.labels(number, 'codex')

    const answer = await thread.waitForAnswer('@maya done')
    await thread.waitForReaction('rocket')
    await github.waitFor(async () => (await thread.view()).labels.length === 0)
    expect(answer).toContain('is on this pull request')
    expect(await thread.status()).toMatch(/^### 🚀 Codex pushed .* to this pull request/)
    await github.waitFor(async () => (await thread.reactions()).join() === 'rocket')
    const { tasks, runs } = ledger()
    expect(tasks).toHaveLength(1)
    expect(runs.map(({ body }) => body)).toMatchObject([
      { branch: 'maya/rename', auto_publish: true },
    ])
    expect((await github.pulls()).filter(({ head }) => head === 'maya/rename')).toHaveLength(1)
  })

  it('on an issue, twice: each time one run', async () => {
    const { github } = world()
    const { maya, number, thread, ledger } = await opensIssue(world(), 'Label me')
    await maya.labels(number, 'codex')
    await thread.waitForAnswer('Codex opened draft')
    await github.waitFor(async () => (await thread.view()).labels.length === 0)
    expect(ledger().runs).toHaveLength(1)

    // GitHub tells times in seconds, and the time is what tells two settings of a label apart.
    await new Promise(resolve => setTimeout(resolve, 1100))
    await maya.labels(number, 'codex')
    await github.waitFor(() => ledger().runs.length + ledger().messages.length === 2)
    expect(ledger().tasks).toHaveLength(1)
  })
})

onEitherQueue('Somebody sets the label of a preset while a run works', world => {
  it('its instruction waits, and is followed when the run has ended', async () => {
    const settings = 'labels:\n  docs: {instruction: Write the docs.}\n'
    const repository = await newRepository(world(), settings)
    const { number, maya, thread, run } = await working(world(), 'take your time', repository)
    world().posthog.script(
      { repository, prompt: 'Write the docs' },
      { kind: 'answers', text: 'Docs.' },
    )
    await maya.labels(number, 'codex:docs')
    await thread.waitForReaction('eyes')
    await run(0).completeTurn('Took it.')
    await thread.waitForAnswer('Took it.')
    await thread.waitForAnswer('Docs.')
  })
})

onEitherQueue('Somebody sets a label that asks for words alone', world => {
  const unlabelled = ({ thread }: Talk) =>
    world().github.waitFor(async () => (await thread.view()).labels.length === 0)

  it('codex:ask: what the issue says is the question, and the answer is all that comes of it', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    posthog.script({ repository }, { kind: 'answers', text: 'As it waits.' })
    const talk = await opensIssue(world(), 'Why is the login slow?', repository)
    await talk.maya.labels(talk.number, 'codex:ask')
    expect(await talk.thread.waitForAnswer('As it waits.')).toMatch(/^@maya As it waits\./)
    await unlabelled(talk)
    expect(talk.runs()[0]?.body).toMatchObject({ auto_publish: false })
    expect(talk.prompt()).toContain('# Instruction\n\nAnswer what the issue asks.\n')
    expect(await github.branches(repository)).toEqual(['main'])
  })

  it('codex:review: a pull request is reviewed once, for whoever may have it reviewed', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world(), 'permissions: {run: admin, ask: admin}\n')
    posthog.script({ repository }, { kind: 'answers', text: 'Good.\n\n```findings\n[]\n```\n' })
    const talk = await opensPull(world(), 'maya/look', { repository })
    const reviews = async () => (await talk.thread.view()).reviews
    await talk.maya.labels(talk.number, 'Codex:Review')
    await github.waitFor(async () => (await reviews()).length > 0)
    await unlabelled(talk)
    expect(await reviews()).toMatchObject([
      { state: 'COMMENTED', body: expect.stringContaining('Good.') },
    ])
    expect(talk.prompt()).toContain('# Instruction\n\nReview this pull request.\n')
    await nextSecond()
    await talk.maya.labels(talk.number, 'codex:ask')
    await talk.thread.waitForAnswer('you need admin permission to use `/codex ask`')
    expect(talk.runs()).toHaveLength(1)
  })

  it('codex:review on an issue: there is nothing to review, and the label comes off', async () => {
    const talk = await opensIssue(world(), 'No pull request')
    await talk.maya.labels(talk.number, 'codex:review')
    await talk.thread.waitForAnswer('this is an issue, so there is nothing to review')
    await unlabelled(talk)
    expect(talk.ledger().tasks).toEqual([])
  })
})
