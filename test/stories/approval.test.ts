/** One person's word makes the code: somebody else's has to approve it, where the settings say so. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

const settings = 'pull_request:\n  approval: somebody-else\n'

onEitherQueue('Somebody else has to approve', world => {
  const here = async (name: string, owner = 'acme') => {
    const { github } = world()
    const repository = await github.addRepo(owner, `${name}-${Math.random().toString(36).slice(2, 8)}`)
    const olga = github.as('olga', repository)
    await olga.pushes('main', { '.github/codex.yml': settings })
    const maya = github.as('maya', repository)
    const { number } = await maya.opensIssue({ title: 'Login is flaky', body: 'x' })
    return { github, repository, maya, olga, number, thread: new Thread(world(), number, repository) }
  }

  const pullOf = async (repository: string, number: number) => {
    const { github } = world()
    const [pull] = await github.waitFor(async () => {
      const pulls = await github.pulls(repository)
      return pulls.some(({ body }) => body.includes(`Closes #${number}`)) ? pulls : undefined
    })
    return pull ?? expect.fail('there is no pull request')
  }

  const checkOf = (repository: string, sha: string) =>
    world()
      .github.checkRuns(repository, sha)
      .find(({ name }) => name === 'codex approval')
  const waitForCheck = (repository: string, sha: string, conclusion: string | null) =>
    world().github.waitFor(async () => {
      const check = checkOf(repository, sha)
      return check?.conclusion === conclusion ? check : undefined
    })

  it('and not whoever asked: the check on each new commit waits, and is green once they did', async () => {
    const { github, repository, maya, olga, number, thread } = await here('four-eyes')
    await maya.comments(number, '/codex fix it')
    await thread.waitForAnswer('pull request is ready')
    const pull = await pullOf(repository, number)
    const first = await waitForCheck(repository, pull.sha, null)
    expect(first).toMatchObject({
      status: 'in_progress',
      title: 'Somebody other than maya has to approve',
    })

    await maya.reviews(pull.number, { event: 'APPROVE' })
    await github.settled()
    expect(checkOf(repository, pull.sha)?.status).toBe('in_progress')
    const approved = await olga.reviews(pull.number, { event: 'APPROVE' })
    expect((await waitForCheck(repository, pull.sha, 'success')).title).toBe('Approved by olga')

    await olga.dismisses(pull.number, approved.id, 'Too early.')
    await waitForCheck(repository, pull.sha, null)
    await olga.reviews(pull.number, { event: 'APPROVE' })
    await waitForCheck(repository, pull.sha, 'success')

    const pushed = await maya.pushes(pull.head, { 'late.txt': 'late' })
    await waitForCheck(repository, pushed.sha, null)
    await olga.reviews(pull.number, { event: 'APPROVE' })
    await waitForCheck(repository, pushed.sha, 'success')
    await maya.asksForReview(pull.number, 'olga')
    await waitForCheck(repository, pushed.sha, null)
  })

  it('and not whoever asked for more of it either, nor somebody without the right to write', async () => {
    const { github, repository, maya, olga, number, thread } = await here('more')
    await maya.comments(number, '/codex fix it')
    await thread.waitForAnswer('pull request is ready')
    const pull = await pullOf(repository, number)
    world().posthog.script({ repository, prompt: 'the tests, too' }, { kind: 'manual' })
    await olga.comments(pull.number, '/codex the tests, too')
    const ofPull = new Thread(world(), pull.number, repository)
    await ofPull.waitForStatus('Codex is working')
    await github.hands.commit(repository, pull.head, 'main', { 'a.txt': 'a' }, 'Tests')
    const { sha } = await pullOf(repository, number)
    expect((await waitForCheck(repository, sha, null)).title).toMatch(/maya and olga|olga and maya/)
    await olga.reviews(pull.number, { event: 'APPROVE' })
    await github.as('eve', repository).reviews(pull.number, { event: 'APPROVE' })
    await github.settled()
    expect(checkOf(repository, sha)?.status).toBe('in_progress')
    await github.as('mario', repository).reviews(pull.number, { event: 'APPROVE' })
    await waitForCheck(repository, sha, 'success')
  })

  it('which can not be shown where the App may make no checks; all else is as ever', async () => {
    const { github, repository, maya, olga, number, thread } = await here('no-checks', 'globex')
    github.installations.withhold('globex', ['checks'])
    await maya.comments(number, '/codex fix it')
    await thread.waitForAnswer('pull request is ready')
    const pull = await pullOf(repository, number)
    await olga.reviews(pull.number, { event: 'APPROVE' })
    await world().bot.says(
      new RegExp(`${repository}/pull/${pull.number}[^\\n]*the approval of a pull request could not be shown`),
    )
    expect(checkOf(repository, pull.sha)).toBeUndefined()
    await maya.readies(pull.number)
    await maya.mergesPull(pull.number)
    await thread.waitForStatus('was merged')
  })

  it('and nobody by whose words it was planned, whoever carries it out', async () => {
    const { github, repository, maya, olga, number, thread } = await here('carried')
    const { posthog } = world()
    const plan = { kind: 'answers', text: '1. The window' } as const
    posthog.script({ repository, prompt: 'a way out' }, plan, { times: 1 })
    await maya.comments(number, '/codex plan a way out')
    await thread.waitForAnswer('Carry out this plan')
    await olga.comments(number, '/codex approve')
    await thread.waitForAnswer('pull request is ready')
    const pull = await pullOf(repository, number)
    await waitForCheck(repository, pull.sha, null)
    const all = [maya, olga, github.as('mario', repository)]
    for (const person of all) await person.reviews(pull.number, { event: 'APPROVE' })
    expect((await waitForCheck(repository, pull.sha, 'success')).title).toBe('Approved by mario')
  })

  it.each([
    ['retry', { kind: 'fails', message: 'usage limit reached' }],
    ['continue', { kind: 'answers', text: 'I looked around.' }],
  ] as const)('nor whoever asked first, where somebody else says %s', async (command, behaviour) => {
    const { github, repository, maya, olga, number, thread } = await here(command)
    const { posthog } = world()
    posthog.script({ repository, prompt: 'in two steps' }, behaviour, { times: 1 })
    await maya.comments(number, '/codex do it in two steps')
    await thread.waitForAnswer(command === 'retry' ? /Codex (?:failed|did not start):/ : 'I looked around.')
    await thread.waitForFolded()
    posthog.run(String(ledgerOf(world(), number, repository).runs[0]?.runId)).finish('completed')
    await olga.comments(number, `/codex ${command}`)
    await thread.waitForAnswer('pull request is ready')
    const pull = await pullOf(repository, number)
    expect((await waitForCheck(repository, pull.sha, null)).title).toMatch(/maya and olga|olga and maya/)
    await maya.reviews(pull.number, { event: 'APPROVE' })
    await olga.reviews(pull.number, { event: 'APPROVE' })
    await github.settled()
    expect(checkOf(repository, pull.sha)?.status).toBe('in_progress')
    await github.as('mario', repository).reviews(pull.number, { event: 'APPROVE' })
    expect((await waitForCheck(repository, pull.sha, 'success')).title).toBe('Approved by mario')
  })

  it('but not of what people made: that is green at once, and asked for again where Codex pushes', async () => {
    const { github, repository, maya, olga } = await here('people')
    const { sha } = await maya.pushes('maya/own', { 'own.txt': 'own' })
    const { number } = await maya.opensPull({ head: 'maya/own', title: 'By hand', body: 'x' })
    expect((await waitForCheck(repository, sha, 'success')).title).toBe('Nothing here is by Codex')
    expect(ledgerOf(world(), number, repository).runs).toEqual([])
    world().posthog.script(
      { repository, prompt: 'the tests, too' },
      { kind: 'pushesToBranch', text: 'Done.' },
    )
    await maya.comments(number, '/codex the tests, too')
    await new Thread(world(), number, repository).waitForAnswer('Done.')
    const pushed = (await github.pull(number, repository)).sha
    expect(pushed).not.toBe(sha)
    await waitForCheck(repository, pushed, null)
    await olga.reviews(number, { event: 'APPROVE' })
    await waitForCheck(repository, pushed, 'success')
  })

  it('of the agent’s commits in a pull request of the asker’s own, too', async () => {
    const { github, repository, maya } = await here('renamed')
    await github.hands.commit(repository, 'maya/renamed', 'main', { 'a.txt': 'a' }, 'By the agent')
    const { number } = await maya.opensPull({ head: 'maya/renamed', title: 'Mine', body: 'x' })
    const { sha } = await github.pull(number, repository)
    await waitForCheck(repository, sha, null)
  })

  it('and a merge queue does not wait for it again', async () => {
    const { github, repository, maya } = await here('merge-queue')
    const { sha } = await maya.pushes('gh-readonly-queue/main/pr-1', { 'merged.txt': 'merged' })
    github.queuesToMerge(sha, repository)
    await waitForCheck(repository, sha, 'success')
  })

  it('and a check of that name by a workflow is none of ours', async () => {
    const { github, repository, maya } = await here('foreign')
    const { sha } = await maya.pushes('maya/foreign', { 'own.txt': 'own' })
    const id = github.checkOfOthers(repository, sha, { name: 'codex approval', external_id: 'approval' })
    await maya.opensPull({ head: 'maya/foreign', title: 'By hand', body: 'x' })
    const own = await github.waitFor(() =>
      github.checkRuns(repository, sha).find(check => check.name === 'codex approval' && check.id !== id),
    )
    expect(own.conclusion).toBe('success')
    expect(github.checkRuns(repository, sha).find(check => check.id === id)?.title).toBe('Of a workflow')
  })
})
