/** `/codex review`, and what may be asked on the pull request of a fork. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensPull, talkIn } from '../world/opens-issue.ts'

onEitherQueue('A pull request is looked at', world => {
  const review = (findings: unknown) =>
    `Good work, with two doubts.\n\n\`\`\`findings\n${JSON.stringify(findings)}\n\`\`\`\n`

  const onPull = async (says: string) => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    posthog.script({ repository }, { kind: 'answers', text: says })
    const pull = await opensPull(world(), 'maya/login', { repository, path: 'src/login.ts' })
    const ours = async () => {
      const { reviews, lineComments } = await pull.thread.view()
      const isOurs = ({ author }: { author: string }) => author === github.botLogin
      return { reviews: reviews.filter(isOurs), lines: lineComments.filter(isOurs) }
    }
    const waitForReview = () => github.waitFor(async () => (await ours()).reviews.length > 0)
    return { ...pull, ours, waitForReview }
  }

  it('is reviewed once, each finding on its line', async () => {
    const { says, thread, ledger, prompt, ours, waitForReview } = await onPull(
      review([
        { path: 'src/login.ts', line: 2, body: 'This waits for **nobody**. cc @olga' },
        { path: 'src/login.ts', line: 40, body: 'There is no such line.' },
        { path: 'README.md', body: 'It says nothing of this.' },
      ]),
    )
    const asked = await says('/codex review the waiting')
    await waitForReview()
    await thread.waitForReaction('rocket', asked.id)
    await thread.waitForFolded()
    const { reviews, lines } = await ours()
    expect(reviews).toMatchObject([{ state: 'COMMENTED' }])
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
    expect(prompt()).toContain('Review this pull request. Look at this above all: the waiting')
  })

  it('has what would be right offered as a change, where the diff has all its lines', async () => {
    const offers = (line: number, replacement: string, start_line?: number) =>
      ({ path: 'src/login.ts', line, start_line, body: `On line ${line}.`, replacement }) as const
    const { says, ours, waitForReview, prompt } = await onPull(
      review([
        offers(2, 'const two = `\n```\n`\n'),
        offers(3, 'drei', 2),
        offers(3, ''),
        offers(9, 'neun', 2),
        offers(1, 'one'),
        offers(1, '/merge'),
        offers(1, `token("ghp_${'a1B2'.repeat(9)}")`),
        { ...offers(1, 'eins'), replacement: 7 },
      ]),
    )
    await says('/codex review')
    await waitForReview()
    const { reviews, lines } = await ours()
    expect(lines.map(({ startLine, line, body }) => [startLine, line, body])).toEqual([
      [undefined, 2, 'On line 2.\n\n````suggestion\nconst two = `\n```\n`\n````'],
      [2, 3, 'On line 3.\n\n```suggestion\ndrei\n```'],
      [undefined, 3, 'On line 3.\n\n```suggestion\n```'],
      ...Array.from({ length: 4 }, () => [undefined, 1, 'On line 1.']),
    ])
    expect(reviews[0]?.body).toContain('- `src/login.ts`, line 9: On line 9.')
    expect(prompt()).toContain('`replacement`')
  })

  it('has its review once, though GitHub answers late', async () => {
    const { github } = world()
    const found = [{ path: 'src/login.ts', line: 1, body: 'Why?' }]
    const { repository, says, thread, ours, waitForReview } = await onPull(review(found))
    const path = new RegExp(`/${repository}/pulls/\\d+/reviews$`)
    github.fault({ method: 'POST', path, fault: { kind: 'reset', store: true } })
    const asked = await says('/codex review')
    await waitForReview()
    await thread.waitForReaction('rocket', asked.id)
    expect((await ours()).reviews).toHaveLength(1)
  })

  it('is reviewed and planned for on a fork, and not worked on', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const files = { 'fork.txt': 'one\ntwo\n' }
    const { number } = await github.openForkPull({ repository, title: 'From outside', files })
    const found = review([{ path: 'fork.txt', line: 2, body: 'Why two?' }])
    posthog.script({ repository, prompt: 'Review this' }, { kind: 'answers', text: found })
    posthog.script(
      { repository, prompt: 'numbered plan' },
      { kind: 'answers', text: '1. Read it.' },
    )
    const { says, thread, ledger, prompt } = talkIn(world(), number, repository)
    await says('/codex fix it')
    const refused = await thread.waitForAnswer('this pull request comes from a fork')
    expect(refused).toContain(
      '`/codex ask`, `/codex plan` and `/codex review` change nothing, so they work.',
    )
    expect(ledger().tasks).toEqual([])
    await says('/codex plan what does it do')
    await thread.waitForAnswer('1. Read it.')
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'main', auto_publish: false })
    expect(prompt()).toContain('Check nothing of the fork out')
    await says('/codex approve')
    const refusals = async () =>
      (await thread.answers()).filter(said => said.includes('from a fork'))
    await github.waitFor(async () => (await refusals()).length === 2)
    await says('/codex review')
    const line = await github.waitFor(async () =>
      (await thread.view()).lineComments.find(({ author }) => author === github.botLogin),
    )
    expect(line).toMatchObject({ path: 'fork.txt', body: 'Why two?' })
  })
})
