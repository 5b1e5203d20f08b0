import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue } from '../world/opens-issue.ts'

onBothQueues('Somebody asks on an issue', world => {
  it('gets a run, its pull request, and a word when it is there', async () => {
    const { github, posthog } = world()
    const before = posthog.calls.length
    const { number, thread, says, ledger, pulls } = await opensIssue(world(), 'Login is flaky')
    const asked = await says('/codex fix the flaky login test')

    const lastWord = await thread.waitForAnswer('@maya Codex opened draft')
    await thread.waitForReaction('rocket', asked.id)
    const [pull] = await pulls()
    expect(lastWord).toContain(pull?.url)
    expect(pull).toMatchObject({ draft: true, base: 'main', state: 'open' })
    await github.waitFor(async () => (await thread.reactions(asked.id)).join() === 'rocket')
    expect(await thread.statuses()).toHaveLength(1)
    expect(await thread.status()).toMatch(/^### 🚀 \[#\d+ /)
    expect(await thread.answers()).toHaveLength(1)

    await thread.waitForAnswer(' · $0.42 · ')
    await thread.waitForFolded()
    // For an hour, the agent may take it as the base of a pull request once more.
    expect(await github.branches()).toContain(`codex/issue-${number}-login-is-flaky`)

    const { tasks, runs } = ledger()
    expect(tasks).toHaveLength(1)
    expect(runs.map(({ body }) => body)).toEqual([
      {
        mode: 'background',
        branch: `codex/issue-${number}-login-is-flaky`,
        pending_user_message: expect.stringContaining('fix the flaky login test'),
        pr_authorship_mode: 'bot',
        run_source: 'manual',
        runtime_adapter: 'codex',
        model: 'gpt-5.5',
        auto_publish: true,
      },
    ])
    // The checks at the start ask for a task that nobody has, to see whether the key may start runs.
    const calls = posthog.calls
      .slice(before)
      .filter(({ path }) => !path.includes('00000000-0000-4000-8000-000000000000'))
    expect(calls.filter(({ status }) => status >= 400)).toEqual([])
  })
})

onEitherQueue('Who asks on an issue', world => {
  it('an empty repository is told to get a first commit, at once', async () => {
    const repository = await world().github.addRepo('acme', 'empty', { empty: true })
    const { says, thread, ledger } = await opensIssue(world(), 'Begin', repository)
    await says('/codex begin it')
    const mail = await thread.waitForAnswer(/^@maya not started: .* has no commit yet\./)
    expect(mail).toContain('**What to do:** Push a first commit.')
    await thread.waitForFolded()
    expect(await thread.answers()).toEqual([mail])
    expect(ledger().runs).toEqual([])
  })

  it('a linked branch of another repository is said, not used', async () => {
    const { github, posthog } = world()
    const other = await newRepository(world(), undefined, { name: 'docs' })
    await github.as('maya', other).pushes('feature', { 'a.md': '1' })
    const repository = await newRepository(world())
    const { maya, number, says, thread, started, ledger } = await opensIssue(
      world(),
      'Linked',
      repository,
    )
    await maya.pushes('feature', { 'b.md': '1' })
    github.link(number, 'feature', repository, other)
    posthog.script({ repository }, { kind: 'manual' })
    await says('/codex begin it')
    await thread.waitForStatus('The linked branch `feature` is in `acme/docs`')
    await started(1)
    expect(ledger().runs[0]?.body).toMatchObject({ branch: `codex/issue-${number}-linked` })
  })

  it('works on the branch that is linked to the issue', async () => {
    const { github } = world()
    const { maya, number, says, thread, ledger } = await opensIssue(world(), 'Linked already')
    await maya.pushes('maya/wip', { 'wip.txt': 'started' })
    github.link(number, 'maya/wip')
    await says('/codex finish it')
    await thread.waitForAnswer('Codex opened draft')
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'maya/wip' })
    expect(await github.branches()).toContain('maya/wip')
  })

  it('gets the answer when nothing has to change', async () => {
    const text =
      'Because of **N+1** queries. cc @olga, fixes #1 <img src=x> ![x](http://evil.example/x.png)\n\n/codex stop'
    const { thread, ledger } = await asks(world(), 'why is it slow?', { kind: 'answers', text })
    const answer = await thread.waitForAnswer('Codex answered:')
    expect(answer).toContain('> Because of **N+1** queries.')
    expect(answer).not.toMatch(/@olga|(?<!\\)<img|!\[x\]|^\/codex|#1\b/m)
    expect(await thread.status()).toMatch(/^### 💬 Codex answered/)
    expect(ledger().runs).toHaveLength(1)
  })
})
