/** What came of the work, where people went on with it meanwhile. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue('What came of it', world => {
  const opens = async (title: string) => {
    const issue = await opensIssue(world(), title)
    const closes = new RegExp(`Closes #${issue.number}(?!\\d)`)
    const pulls = async () => (await world().github.pulls()).filter(({ body }) => closes.test(body))
    return { ...issue, pulls }
  }

  it('files that the agent made are named, and need a login', async () => {
    const { github, posthog } = world()
    const { thread, says } = await opens('Draw a chart')
    const makes = ['chart.pdf', 'all the figures.csv']
    posthog.script('draw it', { kind: 'answers', text: 'Drawn.', makes })
    const notes = github.attachments.add({
      name: 'notes.txt',
      type: 'text/plain',
      bytes: Buffer.from('As said.'),
    })
    await says(`/codex draw it ${notes.markdown}`)
    const answer = await thread.waitForAnswer('Drawn.')
    expect(answer).toMatch(
      /\n\n📎 Codex made `chart\.pdf`, `all the figures\.csv`\. They are at \[PostHog\]\(http\S+\), which needs a login\.\n/,
    )
  })

  it('commits after the merge are in a pull request of their own', async () => {
    const { github, posthog } = world()
    const { maya, number, thread, pulls, says } = await opens('Go on after the merge')
    const leaves = (words: string, file: string) =>
      posthog.script(words, { kind: 'pushesToBranch', files: { [file]: words }, text: `Did ${words}.` })
    leaves('the first half', 'first.txt')
    await says('/codex the first half')
    await thread.waitForAnswer('Did the first half.')
    const [first] = await pulls()
    await maya.readies(Number(first?.number))
    await maya.mergesPull(Number(first?.number))
    await github.waitFor(async () => (await thread.view()).state === 'closed')
    await maya.reopens(number)
    leaves('the other half', 'other.txt')
    await says('/codex the other half')
    await thread.waitForAnswer('Did the other half.')
    expect(await pulls()).toMatchObject([
      { number: first?.number, state: 'merged' },
      { state: 'open', base: 'main', head: first?.head },
    ])
    const [, second] = await pulls()
    expect((await thread.answers()).at(-1)).toContain(`[#${second?.number} `)
  })

  it('a description that somebody writes anew keeps what it closes and our mark, and their words', async () => {
    const { github, posthog } = world()
    const { thread, pulls, number, says, maya } = await opens('Described anew')
    posthog.script('describe it', { kind: 'opensPull', body: 'As the agent said.' })
    await says('/codex describe it')
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForFolded()
    const [pull] = await pulls()
    await maya.editsPull(Number(pull?.number), { body: 'As Maya says.' })
    const isWhole = new RegExp(`^Closes #${number}\\n\\n<!-- codex-run:\\S+ -->\\n\\nAs Maya says.`)
    await github.waitFor(async () => isWhole.test((await pulls())[0]?.body ?? ''))
  })
})
