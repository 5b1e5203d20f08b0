/** What is looked at before a run costs anything: each is a reason to wait, or to answer, and is told with what to do. */
import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue('An open pull request that closes the issue', world => {
  const claims = async (number: number, head: string, title: string, by = 'mario') => {
    await world()
      .github.as('mario')
      .pushes(head, { [`${head}.ts`]: 'let it' })
    return world()
      .github.as(by)
      .opensPull({ head, title, body: `Fixes #${number}` })
  }

  it('is named, and nothing starts until --force', async () => {
    const { maya, number, thread, runs } = await opensIssue(world(), 'Somebody is on it')
    const pull = await claims(number, 'mario/on-it', 'I am on it')
    const asked = await maya.comments(number, '/codex --effort low fix it')
    expect(await thread.waitForAnswer('closes this issue')).toBe(
      `@maya an open pull request already closes this issue: [#${pull.number} I am on it](${pull.url}). Nothing was started. \`/codex --force --effort low fix it\` starts anyway.`,
    )
    await thread.waitForReaction('-1', asked.id)
    expect(runs()).toEqual([])
    await maya.comments(number, '/codex fix it --force')
    await thread.waitForAnswer('Codex opened draft')
    expect(JSON.stringify(runs())).not.toContain('--force')
  })

  it('of a stranger holds nobody up', async () => {
    const { maya, number, thread } = await opensIssue(world(), 'A stranger says so')
    await claims(number, 'mario/lent', 'Mine', 'eve')
    await maya.comments(number, '/codex fix what a stranger claims')
    await thread.waitForAnswer('Codex opened draft')
  })

  it('is no reason when it is closed, or while that of this thread is open', async () => {
    const mario = world().github.as('mario')
    const { maya, number, thread, makes } = await opensIssue(world(), 'It was given up')
    const pull = await claims(number, 'mario/gave-up', 'I gave up')
    await mario.closes(pull.number)
    await makes('fix what was given up')
    await mario.reopens(pull.number)
    world().posthog.script('and once more', { kind: 'answers', text: 'Once more.' })
    await maya.comments(number, '/codex and once more')
    await thread.waitForAnswer('Once more.')
  })
})

onBothQueues('An issue that others block', world => {
  it('waits, says for which, and starts by itself when the last one closes', async () => {
    const { github } = world()
    const first = await opensIssue(world(), 'Comes first')
    const second = await opensIssue(world(), 'Comes second')
    const { maya, number, thread, runs } = await opensIssue(world(), 'Comes last')
    github.block(number, [first.number, second.number])
    await maya.comments(number, '/codex fix it at last')
    const status = await thread.waitForStatus(
      `⏳ Codex waits for #${first.number}, #${second.number}`,
    )
    expect(status).toMatch(/\[#\d+ Comes first\]\(\S+\)\n- \[#\d+ Comes second\]/)
    expect(status).toContain(
      'Codex starts by itself when the last of them is closed. `/codex --force` starts it now.',
    )
    await maya.comments(number, '/codex status')
    await thread.waitForAnswer(
      `a run is going on here: it waits until #${first.number}, #${second.number} are closed.`,
    )
    await maya.closes(first.number)
    await thread.waitForStatus(`⏳ Codex waits for #${second.number}\n`)
    expect(runs()).toEqual([])
    await maya.closes(second.number)
    await thread.waitForAnswer('Codex opened draft')
    expect(runs()).toHaveLength(1)
  })

  it('does not wait with --force, said at once or while it waits', async () => {
    const { github } = world()
    const blocking = await opensIssue(world(), 'Blocks two')
    const one = await opensIssue(world(), 'Forced at once')
    const two = await opensIssue(world(), 'Forced later')
    github.block(one.number, [blocking.number])
    github.block(two.number, [blocking.number])
    await one.maya.comments(one.number, '/codex --force fix this one')
    await one.thread.waitForAnswer('Codex opened draft')
    await two.maya.comments(two.number, '/codex fix the other')
    await two.thread.waitForStatus('⏳ Codex waits for #')
    const forced = await two.maya.comments(two.number, '/codex --force')
    await two.thread.waitForAnswer('Codex opened draft')
    await two.thread.waitForReaction('+1', forced.id)
    expect(two.runs()).toHaveLength(1)
  })
})

onEitherQueue('A limit of money', world => {
  it('is told when it is near, and holds the next run when it is reached', async () => {
    const settings = (dollars: number) => `limits:\n  cost_per_day: ${dollars}\n`
    const repository = await newRepository(world(), settings(0.5), { name: 'little-money' })
    const olga = world().github.as('olga', repository)
    const allows = (dollars: number) =>
      olga.pushes('main', { '.github/codex.yml': settings(dollars) })
    const asksFor = (word: string) =>
      asks(
        world(),
        `cheap ${word}`,
        { kind: 'answers', text: `Answer ${word}.` },
        { repository, title: `For dollar ${word}` },
      )
    const one = await asksFor('one')
    const costIn = (answer: string): number => Number(/\$(\d+\.\d\d)/.exec(answer)?.[1])
    const cost = costIn(await one.thread.waitForAnswer('Answer one.'))
    expect(cost).toBeGreaterThan(0)

    await allows(cost * 1.2)
    const two = await asksFor('two')
    await two.thread.waitForStatus(
      `The runs of this repository cost \`$${cost.toFixed(2)}\` in 24 hours`,
    )
    const both = cost + costIn(await two.thread.waitForAnswer('Answer two.'))

    const three = await asksFor('three')
    const status = await three.thread.waitForStatus(/⏳ Codex waits until 20\d\d-/)
    expect(status).toContain(`cost \`$${both.toFixed(2)}\` in 24 hours; the limit is`)
    expect(status).toContain('A higher `limits.cost_per_day` in the settings lifts it.')
    expect(three.runs()).toEqual([])
    await allows(100)
    await three.maya.comments(three.number, '/codex a word wakes it')
    await three.thread.waitForAnswer('Codex opened draft')
  })

  it('of a session refuses more words for it, and names the way out', async () => {
    const repository = await newRepository(world(), 'limits:\n  cost_per_run: 0.01\n')
    const answers = { kind: 'answers', text: 'It was dear.' } as const
    const { says, thread } = await asks(world(), 'dear one', answers, { repository })
    expect(await thread.waitForAnswer('It was dear.')).toContain(
      'so it accepts no further instructions',
    )
    await thread.waitForFolded()
    await says('/codex go on')
    await thread.waitForAnswer(
      'and the limit for one is `$0.01`. Nothing was started. `/codex --new …`',
    )
  })
})

onEitherQueue('A limit of open pull requests', world => {
  it('has new work wait, with the list, until one of Codex’s own ends', async () => {
    const { github } = world()
    const repository = await newRepository(world(), 'limits:\n  open_pull_requests: 1\n')
    const asksFor = (words: string) => asks(world(), words, undefined, { repository })
    for (const head of ['codex/issue-1-mine', 'codex/mine']) {
      await github.as('mario', repository).pushes(head, { 'lent.ts': head })
      await github.as('eve', repository).opensPull({ head, title: 'Called as Codex calls its own' })
    }
    const one = await asksFor('fix the first')
    await one.thread.waitForAnswer('Codex opened draft')
    const [pull] = await one.pulls()
    const two = await asksFor('fix the second')
    const status = await two.thread.waitForStatus('⏳ Codex waits until one of its pull requests')
    expect(status).toContain(
      'One pull request of Codex is open or on the way in this repository. The limit is 1:',
    )
    expect(status).toContain(`[#${pull?.number} `)
    // It would find out by itself in a minute.
    const soon = { timeout: 45_000 }
    await one.maya.closes(pull?.number ?? 0)
    await two.thread.waitForAnswer('Codex opened draft', soon)
    const three = await asksFor('fix the third')
    await three.thread.waitForStatus(
      '⏳ Codex waits until one of its pull requests is merged or closed',
    )
    const [other] = await two.pulls()
    await two.maya.readies(other?.number ?? 0)
    await two.maya.mergesPull(other?.number ?? 0)
    await three.thread.waitForAnswer('Codex opened draft', soon)
  })
})
