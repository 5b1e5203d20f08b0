/** What the settings say of the pull request of a run. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, talkIn } from '../world/opens-issue.ts'

onEitherQueue('The shape of a pull request', world => {
  const here = async (settings: string, labels: string[] = [], title = 'Login is flaky') => {
    const repository = await newRepository(world(), settings)
    for (const label of labels) await world().github.as('olga', repository).makesLabel(label)
    const issue = await opensIssue(world(), title, repository)
    await issue.says('/codex fix it')
    const last = await issue.thread.waitForAnswer('Codex opened ')
    await issue.thread.waitForFolded()
    const pull = async () => (await issue.pulls())[0]
    const labelsOf = async (number = 0) =>
      (await talkIn(world(), number, repository).thread.view()).labels.toSorted()
    return { ...issue, last, pull, labelsOf }
  }

  it('has the title, the labels and the state that they say', async () => {
    const settings =
      'pull_request:\n  title: "fix: {title} (#{number})"\n  labels: [bug, codex-made]\n  draft: false\n'
    const title = 'Login is flaky, {number} @olga'
    const { number, last, pull, labelsOf } = await here(settings, ['bug', 'codex-made'], title)
    const made = await pull()
    expect(made?.title).toBe(`fix: Login is flaky, {number} @\u200bolga (#${number})`)
    expect(made?.draft).toBe(false)
    expect(await labelsOf(made?.number)).toEqual(['bug', 'codex-made'])
    expect(last).toContain('Codex opened **[#')
  })

  it('says which labels are not there', async () => {
    const { last, pull, labelsOf } = await here('pull_request: {labels: [bug, nosuch]}\n', ['bug'])
    expect(last).toContain('this repository does not have the labels: nosuch')
    expect(await labelsOf((await pull())?.number)).toEqual(['bug'])
  })

  it('keeps the title that somebody gave it, and the agent is asked for a whole description', async () => {
    const { maya, says, thread, pull, ledger } = await here(
      'pull_request: {title: "fix: {title}"}\n',
    )
    await maya.editsPull(Number((await pull())?.number), { title: 'Mend the login' })
    await says('/codex and the logout')
    await thread.waitForAnswer(/^@maya done: /)
    expect((await pull())?.title).toBe('Mend the login')
    const said = JSON.stringify(ledger().messages[0]?.body)
    expect(said).toContain('the description says what the whole pull request changes')
    expect(said).toContain('Leave its title as it is.')
    await world().github.settled()
  })
})
