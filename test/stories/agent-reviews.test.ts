/** `/codex review`, and what may be asked on the pull request of a fork. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('A pull request is looked at', world => {
  const review = (findings: unknown) =>
    `Good work, with two doubts.\n\n\`\`\`findings\n${JSON.stringify(findings)}\n\`\`\`\n`

  const onPull = async (says: string) => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', `looks-${Math.random().toString(36).slice(2, 8)}`)
    posthog.script({ repository }, { kind: 'answers', text: says })
    const maya = github.as('maya', repository)
    await maya.pushes('maya/login', { 'src/login.ts': 'one\ntwo\nthree\n' })
    const { number } = await maya.opensPull({ head: 'maya/login', title: 'Log in', body: 'Please look.' })
    const thread = new Thread(world(), number, repository)
    const ledger = () => ledgerOf(world(), number, repository)
    const ours = async () => {
      const view = await thread.view()
      return {
        reviews: view.reviews.filter(({ author }) => author === github.botLogin),
        lines: view.lineComments.filter(({ author }) => author === github.botLogin),
      }
    }
    const waitForReview = () =>
      github.waitFor(async () => {
        const found = await ours()
        return found.reviews.length > 0 ? found : undefined
      })
    return { repository, maya, number, thread, ledger, ours, waitForReview }
  }

  it('and reviewed once, each finding on its line', async () => {
    const { maya, number, thread, ledger, ours, waitForReview } = await onPull(
      review([
        { path: 'src/login.ts', line: 2, body: 'This waits for **nobody**. cc @olga' },
        { path: 'src/login.ts', line: 40, body: 'There is no such line.' },
        { path: 'README.md', body: 'It says nothing of this.' },
      ]),
    )
    const asked = await maya.comments(number, '/codex review the waiting')
    await waitForReview()
    await thread.waitForReaction('rocket', asked.id)
    await thread.waitForFolded()
    const { reviews, lines } = await ours()
    expect(reviews).toHaveLength(1)
    expect(reviews[0]?.state).toBe('COMMENTED')
    const said = (reviews[0]?.body ?? '').replace(/<!-- codex-run:.*? -->/g, '')
    expect(said).toMatch(/^@maya Good work, with two doubts\./)
    expect(said).toContain('- `src/login.ts`, line 40: There is no such line.')
    expect(said).toContain('- `README.md`: It says nothing of this.')
    expect(said).not.toContain('findings')
    expect(lines.map(({ path, body }) => [path, body])).toEqual([
      ['src/login.ts', expect.stringMatching(/^This waits for \*\*nobody\*\*\. cc (?!@olga)/)],
    ])
    expect(await thread.answers()).toEqual([])
    expect(await thread.status()).toMatch(/^### 🔎 Codex reviewed this/)
    const [run] = ledger().runs
    expect(run?.body).toMatchObject({ initial_permission_mode: 'read-only', auto_publish: false })
    expect(JSON.stringify(run?.body)).toContain(
      'Review this pull request. Look at this above all: the waiting',
    )
  })

  it('and a review that GitHub answers late is not said twice', async () => {
    const { github } = world()
    const { repository, maya, number, thread, ours, waitForReview } = await onPull(
      review([{ path: 'src/login.ts', line: 1, body: 'Why?' }]),
    )
    const path = new RegExp(`/${repository}/pulls/\\d+/reviews$`)
    github.fault({ method: 'POST', path, fault: { kind: 'reset', store: true } })
    const asked = await maya.comments(number, '/codex review')
    await waitForReview()
    await thread.waitForReaction('rocket', asked.id)
    expect((await ours()).reviews).toHaveLength(1)
  })

  it('unless it is an issue', async () => {
    const { maya, repository } = await onPull('')
    const { number } = await maya.opensIssue({ title: 'No pull request' })
    await maya.comments(number, '/codex review')
    const thread = new Thread(world(), number, repository)
    await thread.waitForAnswer('this is an issue, so there is nothing to review')
  })

  it('of a fork too, but it is not worked on', async () => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', `forked-${Math.random().toString(36).slice(2, 8)}`)
    const { number } = await github.openForkPull({
      repository,
      title: 'From outside',
      files: { 'fork.txt': 'one\ntwo\n' },
    })
    posthog.script(
      { repository, prompt: 'Review this' },
      { kind: 'answers', text: review([{ path: 'fork.txt', line: 2, body: 'Why two?' }]) },
    )
    posthog.script({ repository, prompt: 'numbered plan' }, { kind: 'answers', text: '1. Read it.' })
    const maya = github.as('maya', repository)
    const thread = new Thread(world(), number, repository)
    const ledger = () => ledgerOf(world(), number, repository)
    await maya.comments(number, '/codex fix it')
    const refused = await thread.waitForAnswer('this pull request comes from a fork')
    expect(refused).toContain('`/codex review` and `/codex plan` work here')
    expect(ledger().tasks).toEqual([])
    await maya.comments(number, '/codex plan what does it do')
    await thread.waitForAnswer('1. Read it.')
    const [plan] = ledger().runs
    expect(plan?.body).toMatchObject({ branch: 'main', auto_publish: false })
    expect(JSON.stringify(plan?.body)).toContain('Check nothing of the fork out')
    await maya.comments(number, '/codex approve')
    await github.waitFor(
      async () => (await thread.answers()).filter(said => said.includes('from a fork')).length === 2,
    )
    await maya.comments(number, '/codex review')
    const line = await github.waitFor(async () =>
      (await thread.view()).lineComments.find(({ author }) => author === github.botLogin),
    )
    expect(line).toMatchObject({ path: 'fork.txt', body: 'Why two?' })
  })
})
