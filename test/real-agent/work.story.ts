/** What comes of the work of a real agent: pull requests, reviews, plans. */
import { expect, it } from 'vitest'
import { newRepository } from '../world/opens-issue.ts'
import { ledgerOf } from '../world/thread.ts'
import type { Reply } from './model.ts'
import { finds, question, shell, uses } from './says.ts'
import { opensIssue, withRealAgents } from './stage.ts'

/** Pushes a branch and opens a draft, as the prompt of the agent-server asks for. */
const opensPull = (branch: string, title: string, body: string): Reply =>
  shell(
    [
      `git checkout -q -b ${branch}`,
      `echo '${title}' > change.txt`,
      'git add -A',
      `git commit -q -m '${title}'`,
      `git push -q origin ${branch}`,
      // Not by its name, as the shell of a command resets PATH.
      `../bin/gh pr create --draft --title '${title}' --body '${body}' --base main`,
    ].join(' && '),
  )

withRealAgents('A real agent that works', stage => {
  it('opens a pull request, and its link is there', async () => {
    const { agents, world } = stage()
    const issue = await opensIssue(stage(), 'Login is flaky')
    const branch = `codex/issue-${issue.number}-login-is-flaky`
    // Into the branch that it was started on, as its own instructions have it.
    const options = `--title 'Fix the login' --body 'Closes #${issue.number}' --base ${branch}`
    agents.plays('fix the flaky login', [
      { text: 'I look at the code.', ...shell('echo fixed > change.txt && git add -A') },
      finds('commit signed push'),
      uses('git_signed_commit', { message: 'Fix the login', branch: 'posthog/login' }),
      shell(`../bin/gh pr create --draft ${options}`),
      { text: 'The login is fixed.' },
    ])
    const asked = await issue.says('/codex fix the flaky login')
    const lastWord = await issue.thread.waitForAnswer('@maya Codex opened draft')
    const [pull] = (await world.github.pulls()).filter(({ head }) => head === 'posthog/login')
    expect(pull).toMatchObject({ draft: true, base: 'main', state: 'open' })
    expect(lastWord).toContain(pull?.url)
    expect(await issue.thread.waitForStatus(/^### 🚀/)).toContain(pull?.url)
    await issue.thread.waitForReaction('rocket', asked.id)
    expect(issue.runs()).toHaveLength(1)
    expect(await issue.thread.answers()).toHaveLength(1)
  })

  it('talks on after its pull request, and only then is it done', async () => {
    const { agents, world } = stage()
    const issue = await opensIssue(stage(), 'Logout is slow')
    const model = agents.plays('speed the logout up', [
      opensPull('posthog/logout', 'Speed up', `Closes #${issue.number}`),
      { text: 'Now I run the tests.', ...shell('sleep 6') },
      { text: 'The logout takes a tenth now, and all tests pass.' },
    ])
    await issue.says('/codex speed the logout up')
    const working = await issue.thread.waitForStatus('Codex still works on it')
    const [pull] = (await world.github.pulls()).filter(({ head }) => head === 'posthog/logout')
    expect(working).toContain(pull?.url)
    expect(await issue.thread.answers()).toEqual([])
    const lastWord = await issue.thread.waitForAnswer('@maya Codex opened draft')
    expect(lastWord).toContain(pull?.url)
    expect(model.calls).toHaveLength(3)
    expect(await issue.thread.answers()).toHaveLength(1)
  })

  it('reviews a pull request, each finding on its line', async () => {
    const { agents, world } = stage()
    const { github } = world
    const findings = [
      { path: 'src/pay.ts', line: 2, body: 'This waits for nobody.', replacement: 'await two' },
      { path: 'src/pay.ts', line: '1-3', body: 'It has no test.' },
    ]
    // Not quite as it was asked for.
    const said = `Good work, with doubts.\n\n\`\`\`json\n${JSON.stringify(findings, null, 2)}\n\`\`\`\n`
    const maya = github.as('maya')
    await maya.pushes('maya/pay', { 'src/pay.ts': 'one\ntwo\nthree\n' })
    const { number } = await maya.opensPull({
      head: 'maya/pay',
      title: 'Pay',
      body: 'Please look.',
    })
    agents.plays('above all: the waiting', [
      { text: 'I read it.', ...shell('cat src/pay.ts') },
      { text: said },
    ])
    await maya.comments(number, '/codex review the waiting')
    const { reviews, lineComments } = await github.waitFor(async () => {
      const view = await github.thread(number)
      return view.reviews.some(({ author }) => author === github.botLogin) ? view : undefined
    })
    const words = (reviews.at(-1)?.body ?? '').replace(/<!-- codex-run:.*? -->/g, '')
    expect(words).toMatch(/^@maya Good work, with doubts\./)
    expect(words).toContain('- `src/pay.ts`: It has no test.')
    expect(words).not.toContain('"path"')
    expect(lineComments.map(({ path, line, body }) => [path, line, body])).toEqual([
      ['src/pay.ts', 2, 'This waits for nobody.\n\n```suggestion\nawait two\n```'],
    ])
    const thread = stage().threadOf(number)
    const [run] = ledgerOf(world, number).runs
    expect(run?.body).toMatchObject({ initial_permission_mode: 'read-only', auto_publish: false })
    await thread.waitForFolded()
    expect([reviews.length, await thread.answers()]).toEqual([1, []])
  })

  it('makes a plan that changes nothing, and carries it out when it is approved', async () => {
    const { agents, world } = stage()
    const issue = await opensIssue(stage(), 'One big module')
    agents.plays('how to split the module', [
      { text: 'I read it.', ...shell('ls') },
      { text: 'The plan:\n\n1. Move the models.\n2. Move the routes.' },
    ])
    await issue.says('/codex plan how to split the module')
    const plan = await issue.thread.waitForAnswer('Carry out this plan')
    expect(plan).toContain('2. Move the routes.')
    const model = agents.plays('Carry out the plan', [
      opensPull('posthog/split', 'Split it', `Closes #${issue.number}`),
      { text: 'It is split.' },
    ])
    await issue.says('/codex approve')
    const lastWord = await issue.thread.waitForAnswer('@maya Codex opened draft')
    const [pull] = (await world.github.pulls()).filter(({ head }) => head === 'posthog/split')
    expect(lastWord).toContain(pull?.url)
    expect(JSON.stringify(model.calls[0]?.body)).toContain('2. Move the routes.')
    expect(await issue.mails()).toEqual([plan, lastWord])
    expect(issue.runs().map(({ body }) => Object(body).auto_publish)).toEqual([false, true])
  })

  it.each([
    ['a choice', '/codex 2', 'SQLite'],
    ['words of one’s own', '/codex neither, use DuckDB', 'use DuckDB'],
  ])('asks a question, and goes on with %s', async (of, answer, heard) => {
    const { agents, world } = stage()
    const repository = await newRepository(world, 'mode: interactive\n')
    const { thread, says, mails } = await opensIssue(stage(), of, repository)
    const words = `store the orders, with ${of}`
    const model = agents.plays(words, [question, { text: 'They are stored.' }], { inMode: 'plan' })
    await says(`/codex ${words}`)
    const asked = await thread.waitForAnswer(/^@maya Codex has a question\.\s+> Which database\?/)
    await says('SQLite, please.')
    const hint = await thread.waitForAnswer('reads only comments that begin with `/codex`')
    await says(answer)
    const last = await thread.waitForAnswer(/^@maya They are stored\./)
    expect(JSON.stringify(model.calls.slice(1).map(({ body }) => body))).toContain(heard)
    // It may stand below them, as what was written since; it is nobody's words to the agent.
    expect(JSON.stringify(model.calls.map(({ body }) => body))).not.toMatch(
      /\(message [^)]*\):(?:\\n)+SQLite, please/,
    )
    expect(await mails()).toEqual([asked, hint, last])
  })

  it('asks for permission to run a command, and has it by what its run may do', async () => {
    const { agents, world } = stage()
    const repository = await newRepository(world, 'mode: interactive\n')
    const { says, mails } = await opensIssue(stage(), 'A file', repository)
    const turns = [{ after: 2_500, ...shell('touch made.txt') }, { text: 'The file is there.' }]
    agents.plays('make a file', turns, { inMode: 'read-only', watched: true })
    await says('/codex make a file')
    const permitted =
      /^@maya The file is there\.[\s\S]*✅ Codex asked for permission and may do this: .*touch/
    expect(await mails()).toEqual([expect.stringMatching(permitted)])
  })

  it('answers a question and publishes nothing, or else that is told', async () => {
    const { agents, world } = stage()
    const { github } = world
    const repository = await newRepository(world)
    const { thread, says, runs, ledger, mails } = await opensIssue(
      stage(),
      'Why is it slow',
      repository,
    )
    agents.plays('why does the login wait', [
      { text: 'I read it.', ...shell('ls') },
      { text: 'It waits 200 ms for the session.' },
      shell('git checkout -q -b posthog/anyway'),
      shell('git commit -q --allow-empty -m Anyway && git push -q origin HEAD'),
      { text: 'It waits no more.' },
    ])
    await says('/codex ask why does the login wait?')
    expect(await mails()).toEqual([expect.stringMatching(/^@maya It waits 200 ms/)])
    expect(await github.branches(repository)).toEqual(['main'])

    await says('/codex ask why does the logout wait?')
    const told = await thread.waitForAnswer('It waits no more.')
    expect(told).toContain('asked only for an answer, but it pushed')
    expect(told).toContain('posthog/anyway')
    await thread.waitForStatus('Codex answered, but it also changed something')
    expect(await mails()).toHaveLength(2)
    expect(await github.pulls(repository)).toEqual([])
    expect([runs().length, ledger().messages.length]).toEqual([1, 1])
    expect(runs()[0]?.body).toMatchObject({
      initial_permission_mode: 'read-only',
      auto_publish: false,
    })
  })
})
