/** A limit holds in a burst: of what comes at once, one after another is let in, whichever process looks. */
import { expect, it } from 'vitest'
import { onBothQueues, onRedis } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import type { World } from '../world/world.ts'

type Opened = Awaited<ReturnType<typeof opensIssue>>

const works = '⏳ Codex is working'
const inTurn = '⏳ Codex waits for its turn'
const untilLater = '⏳ Codex waits until '
const forPull = '⏳ Codex waits for an open pull request'

/** A repository with these limits, whose agents wait for the story. */
async function limited(world: World, name: string, limits: string) {
  const { github, posthog } = world
  const repository = await github.addRepo('acme', name)
  await github.as('olga', repository).pushes('main', { '.github/codex.yml': `limits: { ${limits} }` })
  posthog.script({ repository, prompt: '' }, { kind: 'manual' })
  const opens = (count: number): Promise<Opened[]> =>
    Promise.all(Array.from({ length: count }, (_, n) => opensIssue(world, `Number ${n + 1}`, repository)))
  return { repository, opens }
}

/** Until so many work, and the others say that they wait: those that work. */
async function settled(
  { github }: World,
  issues: readonly Opened[],
  { work, waits }: { work: number; waits: string },
): Promise<Opened[]> {
  const at = async (words: string) => {
    const statuses = await Promise.all(issues.map(({ thread }) => thread.status()))
    return issues.filter((_, n) => statuses[n]?.startsWith(`### ${words}`))
  }
  return github.waitFor(async () => {
    const [working, waiting] = [await at(works), await at(waits)]
    return working.length >= work && working.length + waiting.length === issues.length && working
  })
}

const begun = (issues: readonly Opened[]): number => issues.flatMap(({ ledger }) => ledger().runs).length

/** Each ends when it works alone, and then another works. */
async function oneAfterAnother(world: World, issues: readonly Opened[]): Promise<void> {
  let left = issues
  for (let done = 0; done < issues.length; done += 1) {
    const working = await settled(world, left, { work: 1, waits: inTurn })
    expect([working.length, begun(issues)]).toEqual([1, done + 1])
    const [one] = working
    await one?.run(0).completeTurn('Done.')
    await one?.thread.waitForAnswer('Done.')
    left = left.filter(each => each !== one)
  }
}

/** Six that wait for one issue, which is closed then. */
async function unblocked({ github }: World, opens: (count: number) => Promise<Opened[]>): Promise<Opened[]> {
  const [blocking, ...six] = await opens(7)
  for (const { number, repository, maya } of six) {
    github.block(number, [blocking?.number ?? 0], repository)
    await maya.comments(number, '/codex wait for it')
  }
  for (const { thread } of six) await thread.waitForStatus('⏳ Codex waits for #')
  await blocking?.maya.closes(blocking.number)
  return six
}

onBothQueues('A limit', world => {
  it('of runs at work holds where six wait for the same issue', async () => {
    const { opens } = await limited(world(), 'one-works', 'repository: 1')
    await oneAfterAnother(world(), await unblocked(world(), opens))
  })

  it('of starts in a day holds where six wait for the same issue', async () => {
    const { opens } = await limited(world(), 'one-a-day', 'repository_per_day: 1')
    const six = await unblocked(world(), opens)
    await settled(world(), six, { work: 1, waits: untilLater })
    expect(begun(six)).toBe(1)
  })

  it('of open pull requests holds where eight labels are set at once', async () => {
    const { opens } = await limited(world(), 'two-pulls', 'open_pull_requests: 2')
    const eight = await opens(8)
    await Promise.all(eight.map(({ number, maya }) => maya.labels(number, 'codex')))
    const [one, two] = await settled(world(), eight, { work: 2, waits: forPull })
    expect(begun(eight)).toBe(2)

    // Its pull request counts as it did itself.
    await one?.run(0).openPull()
    await one?.run(0).completeTurn()
    await one?.thread.waitForFolded()
    const rest = eight.filter(each => each !== one)
    await settled(world(), rest, { work: 1, waits: forPull })
    expect(begun(eight)).toBe(2)

    // What ended without one leaves its place.
    await two?.run(0).completeTurn('Nothing had to change.')
    await two?.thread.waitForAnswer('Nothing had to change.')
    const last = rest.filter(each => each !== two)
    await settled(world(), last, { work: 1, waits: forPull })
    expect(begun(eight)).toBe(3)
  })
})

onRedis(
  'A limit of two workers on one Redis',
  world => {
    it('of runs at work holds where six wait for the same issue', async () => {
      const { opens } = await limited(world(), 'one-works', 'repository: 1')
      await oneAfterAnother(world(), await unblocked(world(), opens))
    })

    it('of open pull requests holds where eight labels are set at once', async () => {
      const { opens } = await limited(world(), 'two-pulls', 'open_pull_requests: 2')
      const eight = await opens(8)
      await Promise.all(eight.map(({ number, maya }) => maya.labels(number, 'codex')))
      await settled(world(), eight, { work: 2, waits: forPull })
      expect(begun(eight)).toBe(2)
    })
  },
  { roles: ['web', 'worker', 'worker'] },
)
