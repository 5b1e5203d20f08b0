/** What the settings say of the pull request of a run. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('The shape of a pull request', world => {
  const here = async (settings: string) => {
    const { github } = world()
    const repository = await github.addRepo('acme', `shape-${Math.random().toString(36).slice(2, 8)}`)
    await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
    const maya = github.as('maya', repository)
    const asks = async (title: string, words = '/codex fix it') => {
      const { number } = await maya.opensIssue({ title, body: 'As said.' })
      const asked = await maya.comments(number, words)
      const thread = new Thread(world(), number, repository)
      const pull = async () =>
        (await github.pulls(repository)).find(({ body }) => body.includes(`Closes #${number}`))
      return { number, asked, thread, pull, ledger: () => ledgerOf(world(), number, repository) }
    }
    return { repository, maya, asks }
  }
  const labelsOf = async (number = 0, repository = ''): Promise<string[]> =>
    (await new Thread(world(), number, repository).view()).labels

  it('has the title, the labels and the state that they say', async () => {
    const { github } = world()
    const { repository, asks } = await here(
      'pull_request:\n  title: "fix: {title} (#{number})"\n  labels: [bug, codex-made]\n  draft: false\n',
    )
    for (const label of ['bug', 'codex-made']) await github.as('olga', repository).makesLabel(label)
    const { number, asked, thread, pull } = await asks('Login is flaky, {number} @olga')
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForReaction('rocket', asked.id)
    await thread.waitForFolded()
    const made = await pull()
    expect(made?.title).toBe(`fix: Login is flaky, {number} @\u200bolga (#${number})`)
    expect(made?.draft).toBe(false)
    expect((await labelsOf(made?.number, repository)).toSorted()).toEqual(['bug', 'codex-made'])
    expect(await thread.status()).toContain(' · open, ')
  })

  it('says which labels are not there', async () => {
    const { repository, asks } = await here('pull_request: {labels: [bug, nosuch]}\n')
    await world().github.as('olga', repository).makesLabel('bug')
    const { thread, pull } = await asks('Login is flaky')
    const last = await thread.waitForAnswer('pull request is ready')
    expect(last).toContain('this repository does not have the labels: nosuch')
    expect(await labelsOf((await pull())?.number, repository)).toEqual(['bug'])
  })

  it('keeps the title that somebody gave it, and the agent is asked for a whole description', async () => {
    const { github } = world()
    const { maya, asks } = await here('pull_request: {title: "fix: {title}"}\n')
    const { number, thread, pull, ledger } = await asks('Login is flaky')
    await thread.waitForAnswer('pull request is ready')
    const made = await pull()
    await maya.editsPull(made?.number ?? 0, { title: 'Mend the login' })
    await maya.comments(number, '/codex and the logout')
    await thread.waitForAnswer(/^@maya done: /)
    expect((await pull())?.title).toBe('Mend the login')
    const said = JSON.stringify(ledger().messages[0]?.body)
    expect(said).toContain('the description says what the whole pull request changes')
    expect(said).toContain('Leave its title as it is.')
    await github.settled()
  })
})
