/** What came of the work, and what people changed of it meanwhile. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

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
    const { thread, pulls, number, says, maya } = await opensIssue(world(), 'Described anew')
    posthog.script('describe it', { kind: 'opensPull', body: 'As the agent said.' })
    await says('/codex describe it')
    await thread.waitForAnswer('Codex opened draft')
    await thread.waitForFolded()
    const [pull] = await pulls()
    await maya.editsPull(Number(pull?.number), { body: 'As Maya says.' })
    const isWhole = new RegExp(`^Closes #${number}\\n\\n<!-- codex-run:\\S+ -->\\n\\nAs Maya says.`)
    await github.waitFor(async () => isWhole.test((await pulls())[0]?.body ?? ''))
  })
})
