/** One person's word makes the code: somebody else's has to approve it, where the settings say so. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, talkIn } from '../world/opens-issue.ts'

onEitherQueue('Somebody else has to approve', world => {
  const here = async (owner = 'acme') => {
    const { github } = world()
    const settings = 'pull_request:\n  approval: somebody-else\n'
    const issue = await opensIssue(
      world(),
      'Login is flaky',
      await newRepository(world(), settings, { owner }),
    )
    const { repository } = issue
    const pull = () =>
      github.waitFor(async () => {
        const [found] = await issue.pulls()
        return found
      })
    const check = (sha: string) =>
      github.checkRuns(repository, sha).find(({ name }) => name === 'codex approval')
    return {
      ...issue,
      olga: github.as('olga', repository),
      mario: github.as('mario', repository),
      pull,
      /** What its first run makes. */
      async made() {
        await issue.says('/codex fix it')
        await issue.thread.waitForAnswer('Codex opened draft')
        return pull()
      },
      check,
      waitForCheck: (sha: string, conclusion: string | null) =>
        github.waitFor(async () => {
          const found = check(sha)
          return found?.conclusion === conclusion ? found : undefined
        }),
    }
  }

  it('who did not ask: the check on each new commit waits, and is green once they did', async () => {
    const { github } = world()
    const { maya, olga, made, check, waitForCheck } = await here()
    const { number, sha, head } = await made()
    expect(await waitForCheck(sha, null)).toMatchObject({
      status: 'in_progress',
      title: 'Somebody other than maya has to approve',
    })
    await maya.reviews(number, { event: 'APPROVE' })
    await github.settled()
    expect(check(sha)?.status).toBe('in_progress')
    const approved = await olga.reviews(number, { event: 'APPROVE' })
    expect((await waitForCheck(sha, 'success')).title).toBe('Approved by olga')

    await olga.dismisses(number, approved.id, 'Too early.')
    await waitForCheck(sha, null)
    await olga.reviews(number, { event: 'APPROVE' })
    await waitForCheck(sha, 'success')

    const pushed = await maya.pushes(head, { 'late.txt': 'late' })
    await waitForCheck(pushed.sha, null)
    await olga.reviews(number, { event: 'APPROVE' })
    await waitForCheck(pushed.sha, 'success')
    await maya.asksForReview(number, 'olga')
    await waitForCheck(pushed.sha, null)
  })

  it('who asked for none of it, and who may write', async () => {
    const { github, posthog } = world()
    const { repository, olga, mario, pull, made, check, waitForCheck } = await here()
    const { number, head } = await made()
    posthog.script({ repository, prompt: 'the tests, too' }, { kind: 'manual' })
    await olga.comments(number, '/codex the tests, too')
    await talkIn(world(), number, repository).thread.waitForStatus('Codex is working')
    await github.hands.commit(repository, head, 'main', { 'a.txt': 'a' }, 'Tests')
    const { sha } = await pull()
    expect((await waitForCheck(sha, null)).title).toMatch(/maya and olga|olga and maya/)
    await olga.reviews(number, { event: 'APPROVE' })
    await github.as('eve', repository).reviews(number, { event: 'APPROVE' })
    await github.settled()
    expect(check(sha)?.status).toBe('in_progress')
    await mario.reviews(number, { event: 'APPROVE' })
    await waitForCheck(sha, 'success')
  })

  it('which can not be shown where the App may make no checks; all else is as ever', async () => {
    const { github, bot } = world()
    const { repository, maya, olga, thread, made, check } = await here('globex')
    github.installations.withhold('globex', ['checks'])
    const { number, sha } = await made()
    await olga.reviews(number, { event: 'APPROVE' })
    await bot.says(
      new RegExp(
        `${repository}/pull/${number}[^\\n]*the approval of a pull request could not be shown`,
      ),
    )
    expect(check(sha)).toBeUndefined()
    await maya.readies(number)
    await maya.mergesPull(number)
    await thread.waitForAnswer('**Merged**')
  })

  it('who neither planned it nor had it carried out', async () => {
    const { posthog } = world()
    const { repository, says, maya, olga, mario, thread, pull, waitForCheck } = await here()
    const plan = { kind: 'answers', text: '1. The window' } as const
    posthog.script({ repository, prompt: 'a way out' }, plan, { times: 1 })
    await says('/codex plan a way out')
    await thread.waitForAnswer('Carry out this plan')
    await says('/codex approve', 'olga')
    await thread.waitForAnswer('Codex opened draft')
    const { number, sha } = await pull()
    await waitForCheck(sha, null)
    for (const person of [maya, olga, mario]) await person.reviews(number, { event: 'APPROVE' })
    expect((await waitForCheck(sha, 'success')).title).toBe('Approved by mario')
  })

  it.each([
    ['retry', { kind: 'fails', message: 'usage limit reached' }, /Codex failed:/],
    ['continue', { kind: 'answers', text: 'I looked around.' }, 'I looked around.'],
  ] as const)(
    'than whoever asked first, where somebody else says %s',
    async (command, behaviour, told) => {
      const { github, posthog } = world()
      const { repository, says, maya, olga, mario, thread, run, pull, check, waitForCheck } =
        await here()
      posthog.script({ repository, prompt: 'in two steps' }, behaviour, { times: 1 })
      await says('/codex do it in two steps')
      await thread.waitForAnswer(told)
      await thread.waitForFolded()
      await run(0).finish('completed')
      await says(`/codex ${command}`, 'olga')
      await thread.waitForAnswer('Codex opened draft')
      const { number, sha } = await pull()
      expect((await waitForCheck(sha, null)).title).toMatch(/maya and olga|olga and maya/)
      for (const person of [maya, olga]) await person.reviews(number, { event: 'APPROVE' })
      await github.settled()
      expect(check(sha)?.status).toBe('in_progress')
      await mario.reviews(number, { event: 'APPROVE' })
      expect((await waitForCheck(sha, 'success')).title).toBe('Approved by mario')
    },
  )

  it('of what Codex pushed alone: what people made is green at once', async () => {
    const { github, posthog } = world()
    const { repository, maya, olga, waitForCheck } = await here()
    const { sha } = await maya.pushes('maya/own', { 'own.txt': 'own' })
    const { number } = await maya.opensPull({ head: 'maya/own', title: 'By hand', body: 'x' })
    expect((await waitForCheck(sha, 'success')).title).toBe('Nothing here is by Codex')
    const { says, thread, ledger } = talkIn(world(), number, repository)
    expect(ledger().runs).toEqual([])
    posthog.script(
      { repository, prompt: 'the tests, too' },
      { kind: 'pushesToBranch', text: 'Done.' },
    )
    await says('/codex the tests, too')
    await thread.waitForAnswer('Done.')
    const pushed = (await github.pull(number, repository)).sha
    expect(pushed).not.toBe(sha)
    await waitForCheck(pushed, null)
    await olga.reviews(number, { event: 'APPROVE' })
    await waitForCheck(pushed, 'success')
  })

  it('of the agent’s commits in a pull request of the asker’s own', async () => {
    const { github } = world()
    const { repository, maya, waitForCheck } = await here()
    await github.hands.commit(repository, 'maya/renamed', 'main', { 'a.txt': 'a' }, 'By the agent')
    const { number } = await maya.opensPull({ head: 'maya/renamed', title: 'Mine', body: 'x' })
    await waitForCheck((await github.pull(number, repository)).sha, null)
  })

  it('once: a merge queue does not wait for it again', async () => {
    const { repository, maya, waitForCheck } = await here()
    const { sha } = await maya.pushes('gh-readonly-queue/main/pr-1', { 'merged.txt': 'merged' })
    world().github.queuesToMerge(sha, repository)
    await waitForCheck(sha, 'success')
  })

  it('in our check: one of that name by a workflow is none of ours', async () => {
    const { github } = world()
    const { repository, maya } = await here()
    const { sha } = await maya.pushes('maya/foreign', { 'own.txt': 'own' })
    const id = github.checkOfOthers(repository, sha, { name: 'codex approval' })
    await maya.opensPull({ head: 'maya/foreign', title: 'By hand', body: 'x' })
    const own = await github.waitFor(() =>
      github
        .checkRuns(repository, sha)
        .find(check => check.name === 'codex approval' && check.id !== id),
    )
    expect(own.conclusion).toBe('success')
    expect(github.checkRuns(repository, sha).find(check => check.id === id)?.title).toBe(
      'Of a workflow',
    )
  })
})
