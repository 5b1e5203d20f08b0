/** What came of the work, and what people changed of it meanwhile. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue, opensPull } from '../world/opens-issue.ts'

onEitherQueue('What came of it', world => {
  it('files that the agent made are named, and need a login', async () => {
    const { github, posthog } = world()
    const { thread, says } = await opensIssue(world(), 'Draw a chart')
    const makes = ['chart.pdf', 'all the figures.csv']
    posthog.script('draw it', { kind: 'answers', text: 'Drawn.', makes })
    const bytes = Buffer.from('As said.')
    const notes = github.attachments.add({ name: 'notes.txt', type: 'text/plain', bytes })
    await says(`/codex draw it ${notes.markdown}`)
    const answer = await thread.waitForAnswer('Drawn.')
    expect(answer).toMatch(
      /\n\n📎 Codex made `chart\.pdf`, `all the figures\.csv`\. They are at \[PostHog\]\(http\S+\), which needs a login\.\n/,
    )
  })

  it('a description that somebody writes anew keeps what it closes and our mark, and their words', async () => {
    const { github, posthog } = world()
    const { pulls, number, makes, maya } = await opensIssue(world(), 'Described anew')
    posthog.script('describe it', { kind: 'opensPull', body: 'As the agent said.' })
    const pull = await makes('describe it')
    await maya.editsPull(pull.number, { body: 'As Maya says.' })
    const isWhole = new RegExp(`^Closes #${number}\\n\\n<!-- codex-run:\\S+ -->\\n\\nAs Maya says.`)
    await github.waitFor(async () => isWhole.test((await pulls())[0]?.body ?? ''))
  })

  const pushes = { kind: 'pushesToBranch', text: 'Done, pushed.' } as const
  const sha = '\\[`[0-9a-f]{7}`\\]\\(\\S+\\)'

  it('commits that go straight to the default branch are told first, and to which', async () => {
    const repository = await newRepository(world())
    const { thread } = await asks(
      world(),
      'go straight',
      { ...pushes, branch: 'main' },
      { repository },
    )
    const told = await thread.waitForAnswer('Done, pushed.')
    expect(told).toMatch(
      new RegExp(`^⚠️ Codex pushed ${sha} straight to \`main\`\\.\\n\\n@maya done: `),
    )
  })

  it.each([{}, { byShell: true }] as const)(
    'commits on a pull request of another issue are told as there: %j',
    async how => {
      const repository = await newRepository(world())
      const { makes } = await opensIssue(world(), 'There before', repository)
      const { head: branch, number, url } = await makes()
      const onto = { ...pushes, branch, files: { 'more.ts': 'more' }, ...how }
      const { thread } = await asks(world(), 'add it there', onto, { repository })
      const told = await thread.waitForAnswer('Done, pushed.')
      expect(told).toMatch(new RegExp(`^@maya done: \\*\\*${sha}\\*\\* is on \\[#${number}\\]\\(`))
      expect(told).toContain(`[#${number}](${url})`)
    },
  )

  it('commits that name no task, on the default branch, are told as nobody’s', async () => {
    const repository = await newRepository(world())
    const by = { ...pushes, branch: 'main', byShell: true } as const
    const { thread } = await asks(world(), 'go straight by a shell', by, { repository })
    const told = await thread.waitForAnswer('Done, pushed.')
    expect(told).toMatch(
      new RegExp(
        `^⚠️ \`main\` got ${sha} by PostHog’s App; whose it is, is not known\\.\n\n@maya Done`,
      ),
    )
  })

  it('commits of others that a force push takes away are told first', async () => {
    const { posthog } = world()
    const repository = await newRepository(world())
    const { says, thread } = await opensPull(world(), 'maya/login', { repository })
    const files = { 'own.ts': 'own' }
    posthog.script({ repository, prompt: 'begin anew' }, { ...pushes, files, anew: true })
    await says('/codex begin anew')
    const told = await thread.waitForAnswer('Done, pushed.')
    const lost = `⚠️ Since a force push, \`maya/login\` no longer has commits by others: ${sha}\\.`
    expect(told).toMatch(new RegExp(`^${lost}\\n\\n@maya done: `))
  })

  it.each(['posthog/left', 'fix/left'])(
    'a branch that its agent leaves without a pull request gets one: %s',
    async name => {
      const repository = await newRepository(world())
      const left = { ...pushes, branch: name, leaves: true } as const
      const { thread, pulls } = await asks(world(), 'leave it there', left, { repository })
      expect(await thread.waitForAnswer('Done, pushed.')).toMatch(/^@maya Codex opened draft /)
      expect((await pulls())[0]).toMatchObject({ head: name })
    },
  )

  it('an answer that leaves nothing on GitHub says so in its small line, whatever it claims', async () => {
    const text = 'The title is fixed now.'
    const { thread } = await asks(world(), 'only say so', { kind: 'answers', text })
    expect(await thread.waitForAnswer(text)).toMatch(
      /^@maya The title is fixed now\.\n\n<sub>no new commit or pull request found · /,
    )
  })

  it('commits on its pull request that it opens again are told as there', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const issue = await opensIssue(world(), 'Closed too early', repository)
    const { thread, maya, run } = issue
    const { number, head } = await issue.makes()
    await thread.waitForFolded()
    await maya.closes(number)
    await thread.waitForAnswer(/^✖️ \*\*Closed without a merge\*\*/)
    posthog.script({ repository, prompt: 'open it again' }, { kind: 'manual' })
    await issue.says('/codex open it again, with more')
    await github.waitFor(() => run(-1).turnGoesOn)
    await github.hands.commit(repository, head, head, { 'more.ts': 'more' }, 'Add more')
    await github.as('posthog[bot]', repository).reopens(number)
    await run(-1).completeTurn('It is open again.')
    const told = await thread.waitForAnswer('It is open again.')
    expect(told).toMatch(new RegExp(`^@maya done: \\*\\*${sha}\\*\\* is on \\[#${number}\\]\\(`))
  })

  it('a tag is no commit: what was looked for is said, and no more', async () => {
    const { github } = world()
    const repository = await newRepository(world())
    const { thread, started, run } = await asks(
      world(),
      'tag it',
      { kind: 'manual' },
      { repository },
    )
    await started(1)
    await github.waitFor(() => run(-1).turnGoesOn)
    await github.as('posthog[bot]', repository).tags('v1')
    await run(-1).completeTurn('It is tagged.')
    const told = await thread.waitForAnswer('It is tagged.')
    expect(told).toMatch(/^@maya It is tagged\.\n\n<sub>no new commit or pull request found · /)
  })
})
