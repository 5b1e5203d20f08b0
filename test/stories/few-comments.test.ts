/** Repositories that want few comments: the last word comes, progress is nowhere. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onBothQueues('A repository wants few comments', world => {
  const asks = async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const olga = github.as('olga', repository)
    await olga.pushes('main', { '.github/codex.yml': 'comments: outcomes\n' })
    posthog.script({ repository, prompt: 'fix it' }, { kind: 'manual' })
    const issue = await opensIssue(world(), 'Login is flaky', repository)
    const { id } = await issue.says('/codex fix it')
    const taskRun = async () => {
      await issue.started(1)
      return issue.run(0)
    }
    return { ...issue, id, taskRun }
  }

  it('come: the last word alone', async () => {
    const { github } = world()
    const { repository, thread, id, taskRun } = await asks()
    const run = await taskRun()
    expect(await thread.botComments()).toEqual([])
    await thread.waitForReaction('eyes', id)

    await run.openPull()
    await run.completeTurn('Fixed it.')
    const last = await thread.waitForAnswer('Codex opened draft')
    await thread.waitForReaction('rocket', id)
    expect(last).toContain('Fixed it.')
    expect(await thread.botComments()).toHaveLength(1)
    expect(github.calls.filter(({ path }) => path.includes(`/${repository}/check-runs`))).toEqual(
      [],
    )
  })

  it('of an own stop, what it ended; and status says where the agent works', async () => {
    const { thread, says, taskRun } = await asks()
    await taskRun()
    await says('/codex status')
    const status = await thread.waitForAnswer('a run is going on here')
    expect(status).toMatch(/\[PostHog run \(sign-in\)\]\(http\S+\/tasks\/\S+\)\.$/m)
    const stop = await says('/codex stop')
    await thread.waitForAnswer('@maya you stopped this run.')
    await thread.waitForReaction('+1', stop.id)
  })

  it('what it waits for is said all the same', async () => {
    const { repository } = await asks()
    const settings = 'comments: outcomes\nlimits: { repository: 0 }\n'
    await world().github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
    const other = await opensIssue(world(), 'Later', repository)
    await other.says('/codex second')
    await other.thread.waitForStatus('⏸️ Codex starts nothing new here')
  })
})
