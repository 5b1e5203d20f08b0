import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues('Somebody asks on an issue', world => {
  it('gets a run, its pull request, and a word when it is there', async () => {
    const { github, posthog } = world()
    const before = posthog.calls.length
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title: 'Login is flaky', body: 'It fails every third time.' })
    const asked = await maya.comments(issue.number, '/codex fix the flaky login test')
    const thread = new Thread(world(), issue.number)

    const lastWord = await thread.waitForAnswer('@maya Codex opened draft')
    await thread.waitForReaction('rocket', asked.id)
    const [pull] = (await github.pulls()).filter(({ body }) => body.includes(`Closes #${issue.number}`))

    expect(lastWord).toContain(pull?.url)
    expect(pull).toMatchObject({ draft: true, base: 'main', state: 'open' })
    await github.waitFor(async () => (await thread.reactions(asked.id)).join() === 'rocket')
    expect(await thread.statuses()).toHaveLength(1)
    expect(await thread.status()).toMatch(/^### 🚀 \[#\d+ /)
    expect(await thread.answers()).toHaveLength(1)

    await thread.waitForAnswer(' · $0.42 · ')
    await thread.waitForFolded()
    // For an hour, the agent may take it as the base of a pull request once more.
    expect(await github.branches()).toContain(`codex/issue-${issue.number}-login-is-flaky`)

    const { tasks, runs } = ledgerOf(world(), issue.number)
    expect(tasks).toHaveLength(1)
    expect(runs).toHaveLength(1)
    expect(runs[0]?.body).toEqual({
      mode: 'background',
      branch: `codex/issue-${issue.number}-login-is-flaky`,
      pending_user_message: expect.stringContaining('fix the flaky login test'),
      pr_authorship_mode: 'bot',
      run_source: 'manual',
      runtime_adapter: 'codex',
      model: 'gpt-5.5',
      auto_publish: true,
    })
    // The checks at the start ask for a task that nobody has, to see whether the key may start runs.
    const calls = posthog.calls
      .slice(before)
      .filter(({ path }) => !path.includes('00000000-0000-4000-8000-000000000000'))
    expect(calls.filter(({ status }) => status >= 400)).toEqual([])
  })
})

onEitherQueue('Who asks on an issue', world => {
  it('chooses model, effort and branch', async () => {
    const { github } = world()
    const maya = github.as('maya')
    await maya.pushes('release/2', { 'a.txt': 'a' })
    const issue = await maya.opensIssue({ title: 'Backport the fix' })
    await maya.comments(issue.number, '/codex --model gpt-5 --effort high --branch release/2 backport it')
    await new Thread(world(), issue.number).waitForAnswer('pull request is ready')
    expect(ledgerOf(world(), issue.number).runs[0]?.body).toMatchObject({
      model: 'gpt-5',
      reasoning_effort: 'high',
      branch: 'release/2',
    })
    const [pull] = (await github.pulls()).filter(({ base }) => base === 'release/2')
    expect(pull).toBeDefined()
    expect(await github.branches()).toContain('release/2')
  })

  it('an empty repository is told to get a first commit, at once', async () => {
    const { github } = world()
    const repository = await github.addRepo('acme', 'empty', { empty: true })
    const maya = github.as('maya', repository)
    const { number } = await maya.opensIssue({ title: 'Begin', body: 'With a README.' })
    await maya.comments(number, '/codex begin it')
    const thread = new Thread(world(), number, repository)
    await thread.waitForStatus('Push a first commit')
    expect(await thread.status()).toContain('has no commit yet')
    expect(ledgerOf(world(), number, repository).runs).toEqual([])
  })

  it('a linked branch of another repository is said, not used', async () => {
    const { github } = world()
    const other = await github.addRepo('acme', 'docs')
    await github.as('maya', other).pushes('feature', { 'a.md': '1' })
    const repository = await github.addRepo('acme', 'code')
    await github.as('maya', repository).pushes('feature', { 'b.md': '1' })
    const maya = github.as('maya', repository)
    const { number } = await maya.opensIssue({ title: 'Linked', body: 'As said.' })
    github.link(number, 'feature', repository, other)
    world().posthog.script({ repository }, { kind: 'manual' })
    await maya.comments(number, '/codex begin it')
    const thread = new Thread(world(), number, repository)
    await thread.waitForStatus('The linked branch `feature` is in `acme/docs`')
    const started = await github.waitFor(() => ledgerOf(world(), number, repository).runs[0])
    expect(JSON.stringify(started.body)).toContain(`codex/issue-${number}-linked`)
  })

  it('works on the branch that is linked to the issue', async () => {
    const { github } = world()
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title: 'Linked already' })
    await maya.pushes('maya/wip', { 'wip.txt': 'started' })
    github.link(issue.number, 'maya/wip')
    await maya.comments(issue.number, '/codex finish it')
    await new Thread(world(), issue.number).waitForAnswer('pull request is ready')
    expect(ledgerOf(world(), issue.number).runs[0]?.body).toMatchObject({ branch: 'maya/wip' })
    expect(await github.branches()).toContain('maya/wip')
  })

  it('gets the answer when nothing has to change', async () => {
    const { posthog } = world()
    posthog.script('why is it slow', {
      kind: 'answers',
      text: 'Because of **N+1** queries. cc @olga, fixes #1 <img src=x> ![x](http://evil.example/x.png)\n\n/codex stop',
    })
    const { thread, says, ledger } = await opensIssue(world(), 'Question')
    const asked = await says('/codex why is it slow?')
    const answer = await thread.waitForAnswer('Codex answered:')
    await thread.waitForReaction('rocket', asked.id)
    expect(answer).toContain('> Because of **N+1** queries.')
    expect(answer).not.toMatch(/@olga|(?<!\\)<img|!\[x\]|^\/codex|#1\b/m)
    expect(await thread.status()).toMatch(/^### 💬 Codex answered/)
    expect(ledger().runs).toHaveLength(1)
  })

  it('is told why it failed and what to do', async () => {
    const { posthog } = world()
    // Also when it is resumed.
    posthog.script(({ taskTitle }) => taskTitle.includes('Doomed'), {
      kind: 'fails',
      message: 'sandbox exploded: `rm -rf` @maya <b>x</b>',
    })
    const { thread, says, ledger } = await opensIssue(world(), 'Doomed')
    const asked = await says('/codex break everything')
    const answer = await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    await thread.waitForReaction('confused', asked.id)
    expect(answer).toContain('sandbox exploded')
    expect(answer).toContain('/codex retry')
    expect(await thread.status()).toMatch(/^### 😕 Codex failed/)
    expect(ledger().runs).toHaveLength(2)
  })
})
