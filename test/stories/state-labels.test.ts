/** `labels.state`: one label says how the run of a thread stands. */
import { expect, it } from 'vitest'
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import { bringUp, died } from '../chaos/mortal-bot.ts'
import { onEitherQueue, onRedis } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'
import type { World } from '../world/world.ts'

const settings = 'labels: { state: true }\n'

async function opensLabelled(world: World, title: string) {
  const { github, posthog } = world
  const repository = await newRepository(world, settings)
  const issue = await opensIssue(world, title, repository)
  const { thread } = issue
  const has = (labels: string) =>
    github.waitFor(async () => (await thread.view()).labels.join() === labels)
  return {
    ...issue,
    has,
    agent: (prompt: string, behaviour: Behaviour) =>
      posthog.script({ repository, prompt }, behaviour),
    /** An agent is at work until the story says so. */
    async works() {
      posthog.script({ repository, prompt: 'take your time' }, { kind: 'manual' })
      await issue.says('/codex take your time')
      await has('codex:working')
    },
    async ends(words = 'Took it.') {
      await issue.run(0).completeTurn(words)
      await thread.waitForAnswer(words)
    },
    labelCalls: (method: string) =>
      github.calls.filter(
        ({ path, method: each }) =>
          each === method && path.startsWith(`/repos/${repository}/`) && path.includes('/labels'),
      ),
  }
}

onEitherQueue('With `labels.state`, the label of a thread', world => {
  it('says that Codex works and that it has ended, one at a time, made where it is missing', async () => {
    const { works, ends, has, labelCalls } = await opensLabelled(world(), 'Shown')
    await works()
    await ends()
    await has('codex:done')
    expect(labelCalls('PATCH').map(({ body }) => body)).toMatchObject([
      { color: 'fbca04', description: 'Codex works here' },
      { color: '0e8a16', description: 'Codex has ended here' },
    ])
    expect(labelCalls('POST')).toHaveLength(2)
  })

  it('says that Codex asks something, and then that it works on', async () => {
    const { says, works, ends, has, agent, run, thread } = await opensLabelled(world(), 'Asks')
    await works()
    await ends('Which of the two do you mean?')
    await has('codex:needs-you')
    agent('the first one', { kind: 'manual' })
    await says('/codex the first one')
    await has('codex:working')
    await run(-1).completeTurn('Took the first one.')
    await thread.waitForAnswer('Took the first one.')
    await has('codex:done')
  })

  it('says that somebody has to look where it failed, and is none where it was stopped', async () => {
    const { says, has, agent, works } = await opensLabelled(world(), 'Fails')
    agent('break', { kind: 'fails', message: 'The usage limit of the model is reached' })
    await says('/codex break')
    await has('codex:needs-you')
    await works()
    await says('/codex stop')
    await has('')
  })

  it('stops nothing when somebody takes it off, and stays off until the state changes', async () => {
    const { github } = world()
    const { maya, number, says, works, ends, has, thread, labelCalls } = await opensLabelled(
      world(),
      'Off',
    )
    await works()
    await maya.unlabels(number, 'codex:working')
    await github.settled()
    await says('/codex status')
    await thread.waitForAnswer('a run is going on here')
    expect(labelCalls('POST')).toHaveLength(1)
    await ends()
    await has('codex:done')
  })

  it('starts nothing when somebody sets it, which is told', async () => {
    const { maya, number, says, ledger, has, thread, works } = await opensLabelled(world(), 'Mine')
    await maya.labels(number, 'codex:Done')
    await thread.waitForAnswer(
      '@maya only the bot sets the label `codex:Done`: it says how a run here stands.',
    )
    await has('')
    await works()
    await maya.labels(number, 'codex:needs-you')
    await world().github.waitFor(
      async () =>
        (await thread.answers()).filter(each => each.includes('only the bot sets')).length === 2,
    )
    await has('codex:working')
    await says('/codex stop')
    await has('')
    expect(ledger().runs).toHaveLength(1)
  })

  it('is left out where GitHub refuses it, and the run goes on', async () => {
    const { github } = world()
    const { says, repository, agent, thread, number } = await opensLabelled(world(), 'Refused')
    github.fault({
      times: Number.POSITIVE_INFINITY,
      method: 'POST',
      path: `/repos/${repository}/issues/${number}/labels`,
      fault: {
        kind: 'status',
        code: 403,
        body: { message: 'Resource not accessible by integration' },
      },
    })
    agent('answer', { kind: 'answers', text: 'All the same.' })
    const { id } = await says('/codex answer')
    await thread.waitForAnswer('All the same.')
    await thread.waitForReaction('rocket', id)
    await thread.waitForFolded()
  })
})

onRedis(
  'With `labels.state`, where the bot dies when it has set the label',
  world => {
    it('the label goes, if somebody stops the run before another takes it up', async () => {
      const dying = await bringUp(world(), { point: 'after a state is shown' })
      const { says, works, has, thread } = await opensLabelled(world(), 'Dies')
      await works()
      expect(await died(dying, 150_000)).toBeDefined()
      await says('/codex stop')
      await bringUp(world())
      await thread.waitForStatus('Stopped')
      await has('')
    })
  },
  { roles: [] },
)
