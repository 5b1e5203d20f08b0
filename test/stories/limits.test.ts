/** A limit holds in a burst: of what comes at once, one after another is let in, whichever process looks. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onBothQueues('A limit', world => {
  it('of open pull requests holds where eight labels are set at once', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world(), 'limits: { open_pull_requests: 2 }')
    posthog.script({ repository, prompt: '' }, { kind: 'manual' })
    const eight = await Promise.all(
      Array.from({ length: 8 }, (_, n) => opensIssue(world(), `Number ${n + 1}`, repository)),
    )
    const begun = () => eight.flatMap(({ ledger }) => ledger().runs).length
    /** Until so many of them work, and the others say that they wait: those that work. */
    const settled = (issues: typeof eight, work: number) =>
      github.waitFor(async () => {
        const statuses = await Promise.all(issues.map(({ thread }) => thread.status()))
        const at = (words: string) =>
          issues.filter((_, n) => statuses[n]?.startsWith(`### ⏳ Codex ${words}`))
        const working = at('is working')
        const waiting = at('waits until one of its pull requests is merged or closed')
        return (
          working.length >= work && working.length + waiting.length === issues.length && working
        )
      })

    await Promise.all(eight.map(({ number, maya }) => maya.labels(number, 'codex')))
    const [one, two] = await settled(eight, 2)
    expect(begun()).toBe(2)

    // Its pull request counts as it did itself.
    await one?.run(0).openPull()
    await one?.run(0).completeTurn()
    await one?.thread.waitForFolded()
    const rest = eight.filter(each => each !== one)
    await settled(rest, 1)
    expect(begun()).toBe(2)

    // What ended without one leaves its place.
    await two?.run(0).completeTurn('Nothing had to change.')
    await two?.thread.waitForAnswer('Nothing had to change.')
    await settled(
      rest.filter(each => each !== two),
      1,
    )
    expect(begun()).toBe(3)
  })

  it('of 0 holds what is asked, says why, and lets it start in order when it is raised', async () => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', 'nothing-new')
    const limit = (most: number) =>
      github
        .as('olga', repository)
        .pushes('main', { '.github/codex.yml': `limits: { repository: ${most} }` })
    posthog.script({ repository, prompt: '' }, { kind: 'manual' })
    const working = await opensIssue(world(), 'At work before', repository)
    await working.says('/codex take your time')
    await working.thread.waitForStatus('⏳ Codex is working')
    await limit(0)
    const [first, second] = [
      await opensIssue(world(), 'Asked first', repository),
      await opensIssue(world(), 'Asked next', repository),
    ]
    for (const { says, thread } of [first, second]) {
      await says('/codex fix it after the release')
      const status = await thread.waitForStatus('⏸️ Codex starts nothing new here')
      expect(status).toContain(
        '`limits.repository` is 0, so nothing new starts. A higher number in',
      )
      expect(status).toContain(
        '`.github/codex.yml`, here or in the owner’s repository `.github`, lifts it.',
      )
      expect(status).toContain(
        'Your request is kept. It starts within 15 minutes after the limit is raised.',
      )
    }
    await first.says('/codex status')
    await first.thread.waitForAnswer('a run is going on here: it waits. `limits.repository` is 0')

    // What works goes on to its end, and makes no room.
    await working.run(0).completeTurn('Done meanwhile.')
    await working.thread.waitForAnswer('Done meanwhile.')
    expect([first.ledger().runs, second.ledger().runs]).toEqual([[], []])

    await limit(1)
    // It would find out by itself in a minute.
    await first.says('/codex and mind the mole')
    await first.thread.waitForStatus('⏳ Codex is working')
    await second.thread.waitForStatus('⏳ Codex waits for its turn')
    await first.says('/codex stop')
    await second.thread.waitForStatus('⏳ Codex is working')
  })
})
