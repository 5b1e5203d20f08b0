/** Where work starts, and where its pull request goes. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('Work on another base', world => {
  const here = async ({ settings, develop = true }: { settings?: string; develop?: boolean } = {}) => {
    const { github } = world()
    const repository = await github.addRepo('acme', `base-${Math.random().toString(36).slice(2, 8)}`)
    const maya = github.as('maya', repository)
    if (settings !== undefined)
      await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
    const next = develop ? await maya.pushes('develop', { 'next.txt': 'next' }) : undefined
    const asks = async (words: string, title = 'Login is flaky') => {
      const { number } = await maya.opensIssue({ title, body: 'As said.' })
      const asked = await maya.comments(number, words)
      const thread = new Thread(world(), number, repository)
      return { number, asked, thread, ledger: () => ledgerOf(world(), number, repository) }
    }
    const pullsOf = async (number: number) =>
      (await github.pulls(repository)).filter(({ body }) => body.includes(`Closes #${number}`))
    return { repository, maya, asks, pullsOf, next }
  }

  const promptOf = (run: { body?: unknown } | undefined): string => JSON.stringify(run?.body)

  it('starts there, says so while it works, and its pull request goes there', async () => {
    const { repository, asks, pullsOf, next } = await here()
    world().posthog.script({ repository }, { kind: 'manual' })
    const { number, thread, ledger } = await asks('/codex --base develop fix the login')
    await thread.waitForStatus(/\[`codex\/issue-\d+-login-is-flaky`\]\([^)]*\) → `develop`/)
    await thread.waitForStatus('made from `develop`')
    const run = world().posthog.run(String(ledger().runs[0]?.runId))
    await run.openPull()
    await run.completeTurn('Fixed.')
    const last = await thread.waitForAnswer('pull request is ready')
    expect(last).toContain('into `develop`')
    const branch = `codex/issue-${number}-login-is-flaky`
    expect(ledger().runs[0]?.body).toMatchObject({ branch })
    expect(promptOf(ledger().runs[0])).toContain('open a draft pull request into `develop`')
    const [pull] = await pullsOf(number)
    expect(pull).toMatchObject({ base: 'develop', draft: true })
    const made = world().github.calls.map(({ body }) => JSON.stringify(body) ?? '')
    const isMade = (call: string) => [branch, next?.sha].every(word => call.includes(`:"${word}"`))
    expect(made.filter(isMade)).toHaveLength(1)
    await thread.waitForStatus('→ `develop`')
  })

  it('that is not there starts nothing', async () => {
    const { asks } = await here()
    const { thread, asked, ledger } = await asks('/codex --base nosuch fix the login')
    await thread.waitForAnswer('there is no branch `nosuch` in this repository')
    await thread.waitForReaction('-1', asked.id)
    expect(ledger().tasks).toEqual([])
  })

  it('is set for a repository', async () => {
    const { asks, pullsOf } = await here({ settings: 'base: develop\n' })
    const { number, thread } = await asks('/codex fix the login')
    await thread.waitForAnswer('pull request is ready')
    expect(await pullsOf(number)).toMatchObject([{ base: 'develop' }])
    const other = await asks('/codex --base main fix the docs')
    await other.thread.waitForAnswer('pull request is ready')
    expect(await pullsOf(other.number)).toMatchObject([{ base: 'main' }])
  })

  it('is set, and not there', async () => {
    const { asks } = await here({ settings: 'base: develop\n', develop: false })
    const { thread, ledger } = await asks('/codex fix the login')
    const status = await thread.waitForStatus('The branch `develop`, which the setting `base` names')
    expect(status).toContain('**What to do:**')
    expect(ledger().runs).toEqual([])
  })

  it('only says where the pull request goes, beside a branch', async () => {
    const { repository, maya, asks, pullsOf } = await here()
    await maya.pushes('maya/wip', { 'wip.txt': 'begun' })
    const { number, thread, ledger } = await asks('/codex --branch maya/wip --base develop finish it')
    await thread.waitForAnswer('pull request is ready')
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'maya/wip' })
    expect(await pullsOf(number)).toMatchObject([{ base: 'develop' }])
    expect(await world().github.branches(repository)).toContain('maya/wip')
  })

  it('is kept by what follows', async () => {
    const { repository, maya, asks, pullsOf } = await here()
    const { number, thread, ledger } = await asks('/codex --base develop fix the login')
    await thread.waitForAnswer('pull request is ready')
    const [first] = await pullsOf(number)
    await maya.readies(first?.number ?? 0)
    await maya.mergesPull(first?.number ?? 0)
    await world().posthog.run(String(ledger().runs[0]?.runId)).finish('completed')
    await maya.comments(number, '/codex and the logout')
    const second = await world().github.waitFor(async () =>
      (await pullsOf(number)).find(pull => pull.number !== first?.number && pull.base === 'develop'),
    )
    expect(second.state).toBe('open')
    expect(await world().github.branches(repository)).toContain('develop')
  })

  it('is where a plan is made, and its work has a branch of its own', async () => {
    const { repository, maya, asks, pullsOf } = await here()
    world().posthog.script({ repository, prompt: 'numbered plan' }, { kind: 'answers', text: '1. Wait.' })
    const { number, thread, ledger } = await asks('/codex plan --base develop how to mend the login')
    await thread.waitForAnswer('1. Wait.')
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'develop' })
    await maya.comments(number, '/codex approve')
    await thread.waitForAnswer('pull request is ready')
    expect(await pullsOf(number)).toMatchObject([{ base: 'develop' }])
    expect(ledger().runs.at(-1)?.body).toMatchObject({ branch: `codex/issue-${number}-login-is-flaky` })
  })

  it('is told to be another pull request’s, where it is', async () => {
    const { maya, asks } = await here()
    await maya.pushes('feature', { 'feature.txt': 'begun' })
    const below = await maya.opensPull({ head: 'feature', base: 'main', title: 'The feature' })
    const { thread, ledger } = await asks('/codex --base feature build on it')
    await thread.waitForAnswer('pull request is ready')
    expect(await thread.status()).toContain(`\`feature\` is the branch of [#${below.number}]`)
    expect(promptOf(ledger().runs[0])).toContain(`the branch of the open pull request #${below.number}`)
  })

  it('of a pull request is its own, and of one that is open stays', async () => {
    const { maya, asks } = await here()
    await maya.pushes('feature', { 'feature.txt': 'begun' })
    const pull = await maya.opensPull({ head: 'feature', base: 'main', title: 'The feature' })
    await maya.comments(pull.number, '/codex --base develop go on')
    const onPull = new Thread(world(), pull.number, maya.repository)
    await onPull.waitForAnswer('a pull request has a base already')
    const { number, thread } = await asks('/codex fix the login')
    await thread.waitForAnswer('pull request is ready')
    await maya.comments(number, '/codex --base develop go on')
    await thread.waitForAnswer(/pull request #\d+ of this thread is open, and goes into `main`/)
  })
})
