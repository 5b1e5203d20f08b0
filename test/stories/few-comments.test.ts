/** Repositories that want few comments: the last word comes, progress is nowhere. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onBothQueues('A repository wants few comments', world => {
  const asks = async (owner = 'acme') => {
    const { github, posthog } = world()
    const repository = await newRepository(world(), undefined, { owner })
    const olga = github.as('olga', repository)
    const { sha: main } = await olga.pushes('main', { '.github/codex.yml': 'comments: outcomes\n' })
    posthog.script({ repository, prompt: 'fix it' }, { kind: 'manual' })
    const issue = await opensIssue(world(), 'Login is flaky', repository)
    const { id } = await issue.says('/codex fix it')
    const taskRun = async () => {
      await issue.started(1)
      return issue.run(0)
    }
    const check = (sha: string) =>
      github.checkRuns(repository, sha).find(({ name }) => name === `codex #${issue.number}`)
    return { ...issue, id, taskRun, main, check }
  }

  it('come: the last word alone, beside a check that shows nothing', async () => {
    const { github } = world()
    const { repository, maya, says, thread, id, taskRun, main, check } = await asks()
    const run = await taskRun()
    const begun = await github.waitFor(async () => check(main))
    // The commit is that of the default branch, too: nothing that waits for all of its checks is held up.
    expect(begun).toMatchObject({ status: 'completed', conclusion: 'neutral', title: 'Codex' })
    expect(begun.summary).toContain('answers there')
    expect(await thread.botComments()).toEqual([])
    await thread.waitForReaction('eyes', id)

    await run.openPull()
    await run.completeTurn('Fixed it.')
    const last = await thread.waitForAnswer('Codex opened draft')
    await thread.waitForReaction('rocket', id)
    expect(last).toContain('Fixed it.')
    expect(await thread.botComments()).toHaveLength(1)
    const [pull] = await github.pulls(repository)
    await github.waitFor(async () => check(pull?.sha ?? '')?.conclusion === 'success')

    const before = github.calls.length
    await maya.readies(pull?.number ?? 0)
    await maya.mergesPull(pull?.number ?? 0)
    await says('/codex help')
    await thread.waitForAnswer('/codex stop')
    const sent = github.calls.slice(before).filter(({ path }) => path.includes(`/${repository}/check-runs`))
    expect(sent.filter(({ method }) => method !== 'GET').length).toBeLessThanOrEqual(2)
  })

  it('what it waits for is said all the same', async () => {
    const { repository, says, thread } = await asks()
    await says('/codex pause release', 'olga')
    await thread.waitForAnswer('is paused in this repository')
    const other = await opensIssue(world(), 'Later', repository)
    await other.says('/codex second')
    await other.thread.waitForStatus('⏸️ Codex is paused here')
  })

  it('where the App may make no checks, the status is a comment that says why', async () => {
    world().github.installations.withhold('globex', ['checks'])
    const { thread, taskRun } = await asks('globex')
    const status = await thread.waitForStatus('Codex is working')
    expect(status).toContain('The App lacks the permission `checks: write` here')
    await (await taskRun()).completeTurn('Fine.')
    await thread.waitForAnswer('Fine.')
  })
})
