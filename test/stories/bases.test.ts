/** Where work starts, and where its pull request goes. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue('Work on another base', world => {
  const here = async ({
    settings,
    develop = true,
  }: {
    settings?: string
    develop?: boolean
  } = {}) => {
    const repository = await newRepository(world(), settings)
    const maya = world().github.as('maya', repository)
    const next = develop ? await maya.pushes('develop', { 'next.txt': 'next' }) : undefined
    const asks = async (words: string) => {
      const issue = await opensIssue(world(), 'Login is flaky', repository)
      return {
        ...issue,
        asked: await issue.says(words),
        branch: `codex/issue-${issue.number}-login-is-flaky`,
      }
    }
    return { repository, maya, asks, next }
  }

  it('starts there, says so while it works, and its pull request goes there', async () => {
    const { github, posthog } = world()
    const { repository, asks, next } = await here()
    posthog.script({ repository }, { kind: 'manual' })
    const { branch, thread, ledger, prompt, run, pulls } = await asks(
      '/codex --base develop fix the login',
    )
    await thread.waitForStatus(/\[`codex\/issue-\d+-login-is-flaky`\]\([^)]*\) → `develop`/)
    await run(0).openPull()
    await run(0).completeTurn('Fixed.')
    expect(await thread.waitForAnswer('Codex opened draft')).toContain('into `develop`')
    expect(ledger().runs[0]?.body).toMatchObject({ branch })
    expect(prompt()).toContain('open a draft pull request into `develop`')
    expect(await pulls()).toMatchObject([{ base: 'develop', draft: true }])
    const made = github.calls.map(({ body }) => JSON.stringify(body) ?? '')
    const isMade = (call: string) => [branch, next?.sha].every(word => call.includes(`:"${word}"`))
    expect(made.filter(isMade)).toHaveLength(1)
  })

  it('that its agent chose by itself is told, and stays', async () => {
    const { repository, asks } = await here()
    world().posthog.script({ repository }, { kind: 'opensPull', base: 'develop' })
    const { thread, pulls } = await asks('/codex fix the login')
    expect(await thread.waitForAnswer('Codex opened draft')).toMatch(
      /^@maya Codex opened draft \*\*\[#\d+ [^\]]+\]\(\S+\)\*\* · into `develop`, not `main` · 1 file/,
    )
    expect(await pulls()).toMatchObject([{ base: 'develop' }])
  })

  it('that is not there starts nothing', async () => {
    const { asks } = await here()
    const { thread, asked, ledger } = await asks('/codex --base nosuch fix the login')
    await thread.waitForAnswer('there is no branch `nosuch` in this repository')
    await thread.waitForReaction('-1', asked.id)
    expect(ledger().tasks).toEqual([])
  })

  it('is set for a repository', async () => {
    const { asks } = await here({ settings: 'base: develop\n' })
    const { thread, pulls } = await asks('/codex fix the login')
    await thread.waitForAnswer('Codex opened draft')
    expect(await pulls()).toMatchObject([{ base: 'develop' }])
    const other = await asks('/codex --base main fix the docs')
    await other.thread.waitForAnswer('Codex opened draft')
    expect(await other.pulls()).toMatchObject([{ base: 'main' }])
  })

  it('is set, and not there', async () => {
    const { asks } = await here({ settings: 'base: develop\n', develop: false })
    const { thread, ledger } = await asks('/codex fix the login')
    const said = await thread.waitForAnswer('the branch `develop`, which the setting `base` names')
    expect(said).toContain('**What to do:**')
    expect(ledger().runs).toEqual([])
  })

  it('only says where the pull request goes, beside a branch', async () => {
    const { repository, maya, asks } = await here()
    await maya.pushes('maya/wip', { 'wip.txt': 'begun' })
    const { thread, ledger, pulls } = await asks(
      '/codex --branch maya/wip --base develop finish it',
    )
    await thread.waitForAnswer('Codex opened draft')
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'maya/wip' })
    expect(await pulls()).toMatchObject([{ base: 'develop' }])
    expect(await world().github.branches(repository)).toContain('maya/wip')
  })

  it('is kept by what follows', async () => {
    const { github } = world()
    const { repository, maya, asks } = await here()
    const { thread, says, run, pulls } = await asks('/codex --base develop fix the login')
    await thread.waitForAnswer('Codex opened draft')
    const [first] = await pulls()
    await maya.readies(Number(first?.number))
    await maya.mergesPull(Number(first?.number))
    await run(0).finish('completed')
    await says('/codex and the logout')
    const second = await github.waitFor(async () =>
      (await pulls()).find(pull => pull.number !== first?.number && pull.base === 'develop'),
    )
    expect(second.state).toBe('open')
    expect(await github.branches(repository)).toContain('develop')
  })

  it('is where a plan is made, and its work has a branch of its own', async () => {
    const { repository, asks } = await here()
    world().posthog.script(
      { repository, prompt: 'numbered plan' },
      { kind: 'answers', text: '1. Wait.' },
    )
    const { branch, says, thread, ledger, pulls } = await asks(
      '/codex plan --base develop how to mend it',
    )
    await thread.waitForAnswer('1. Wait.')
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'develop' })
    await says('/codex approve')
    await thread.waitForAnswer('Codex opened draft')
    expect(await pulls()).toMatchObject([{ base: 'develop' }])
    expect(ledger().runs.at(-1)?.body).toMatchObject({ branch })
  })

  it('is told to be another pull request’s, where it is', async () => {
    const { maya, asks } = await here()
    await maya.pushes('feature', { 'feature.txt': 'begun' })
    const below = await maya.opensPull({ head: 'feature', base: 'main', title: 'The feature' })
    const { thread, prompt } = await asks('/codex --base feature build on it')
    await thread.waitForAnswer('Codex opened draft')
    expect(await thread.status()).toContain(`\`feature\` is the branch of [#${below.number}]`)
    expect(prompt()).toContain(`the branch of the open pull request #${below.number}`)
  })
})
