/** A pull request changes the settings: whoever reviews it sees what is wrong before it counts. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository } from '../world/opens-issue.ts'
import { Thread } from '../world/thread.ts'

const path = '.github/codex.yml'

onEitherQueue('A pull request changes the settings', world => {
  it('gets a check run with all that is wrong on its lines, and a new one when they are put right', async () => {
    const { github } = world()
    const repository = await newRepository(world())
    const maya = github.as('maya', repository)
    const reports = () =>
      github.writes
        .filter(call => call.path === `/repos/${repository}/check-runs` && call.status === 201)
        .map(({ body }) => body)

    const wrong = await maya.pushes('settings', { [path]: 'modle: gpt-5\nlimits:\n  person: 0\n' })
    const { number } = await maya.opensPull({ title: 'Settings', body: 'x', head: 'settings' })
    await github.waitFor(async () => reports().length === 1)
    expect(reports()[0]).toMatchObject({
      name: 'codex settings',
      head_sha: wrong.sha,
      conclusion: 'failure',
      output: {
        title: '2 problems in .github/codex.yml',
        annotations: [
          { path, start_line: 1, end_line: 1, message: 'modle is not a setting' },
          { path, start_line: 3, end_line: 3, message: expect.stringContaining('limits.person') },
        ],
      },
    })

    const right = await maya.pushes('settings', { [path]: 'model: gpt-5\n' })
    await github.waitFor(async () => reports().length === 2)
    expect(reports()[1]).toMatchObject({ head_sha: right.sha, conclusion: 'success' })

    // Nothing is said of one that leaves them alone, nor a second time of the same commit.
    await maya.pushes('other', { 'a.txt': 'a' })
    const other = await maya.opensPull({ title: 'Other', body: 'x', head: 'other' })
    await maya.closes(number)
    await maya.reopens(number)
    const looks = (of: number): number =>
      github.calls.filter(call => call.path === `/repos/${repository}/pulls/${of}/files`).length
    await github.waitFor(async () => looks(other.number) === 1 && looks(number) === 3)
    await github.settled()
    expect(reports()).toHaveLength(2)
    expect((await github.thread(number, repository)).comments).toEqual([])
  })

  it('gets it when it comes from a fork, too', async () => {
    const { github } = world()
    const repository = await newRepository(world())
    await github.openForkPull({
      by: 'eve',
      title: 'Settings',
      repository,
      files: { [path]: 'effort: huge\n' },
    })
    const reports = () =>
      github.writes.filter(call => call.path === `/repos/${repository}/check-runs` && call.status === 201)
    await github.waitFor(async () => reports().length === 1)
    expect(reports()[0]?.body).toMatchObject({
      conclusion: 'failure',
      output: { title: '1 problem in .github/codex.yml' },
    })
  })

  it('gets it when a draft of an agent is ready for review, and costs nothing before', async () => {
    const { github } = world()
    const repository = await newRepository(world())
    const { maya, thread } = await asks(world(), 'do it', undefined, { repository })
    await thread.waitForAnswer('Codex opened draft')
    const pull = (await github.pulls(repository))[0]?.number ?? 0
    const looks = () =>
      github.calls.filter(call => call.path === `/repos/${repository}/pulls/${pull}/files`).length
    await github.settled()
    expect(looks()).toBe(0)
    await maya.readies(pull)
    await github.waitFor(async () => looks() === 1)
  })

  it('goes without where the installation has not granted that, and all else is as ever', async () => {
    const { github } = world()
    const owner = 'globex'
    const repository = await newRepository(world(), undefined, { owner })
    const mints = (): number =>
      github.calls.filter(
        ({ body, status }) => status === 422 && JSON.stringify(body).includes('"checks":"write"'),
      ).length
    github.installations.withhold(owner, ['checks'])
    const before = world().bot.output().length
    const maya = github.as('maya', repository)
    await maya.pushes('settings', { [path]: 'effort: huge\n' })
    const { number } = await maya.opensPull({ title: 'Settings', body: 'x', head: 'settings' })
    await maya.comments(number, '/codex help')
    const thread = new Thread(world(), number, repository)
    await thread.waitForAnswer('Write a command')
    await github.waitFor(async () => mints() > 0)
    await github.settled()
    expect(await thread.botComments()).toHaveLength(1)
    expect(mints()).toBe(1)
    expect(world().bot.output().slice(before)).not.toMatch(/"level":"(?:error|fatal)"/)
  })
})
