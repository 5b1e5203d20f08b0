import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, talkIn } from '../world/opens-issue.ts'

onEitherQueue('Only what was asked, by those who may ask', world => {
  it('a command in a list gets a hint once from a member, and costs nothing from a stranger', async () => {
    const { github } = world()
    const repository = await newRepository(world())
    const { says, thread, ledger } = await opensIssue(world(), 'In a list', repository)
    const calls = () => github.calls.filter(({ path }) => path.startsWith(`/repos/${repository}/`))
    await says('- /codex fix it', 'eve')
    await github.settled()
    expect(calls()).toEqual([])
    await says('```\n- /codex fix it\n```')
    const first = await says('Please:\n\n- /codex fix it')
    await thread.waitForAnswer('works only at the start of a line')
    await thread.waitForReaction('-1', first.id)
    const before = calls().length
    const second = await says('## /codex fix it')
    const last = await says('/codex status')
    await thread.waitForReaction('+1', last.id)
    expect(await thread.reactions(second.id)).toEqual([])
    expect(await thread.answers()).toEqual([
      expect.anything(),
      expect.stringContaining('nothing came of'),
    ])
    expect(before).toBeLessThanOrEqual(6)
    expect(ledger().tasks).toEqual([])
  })

  it('help shows everybody the commands that the permission here lets them use', async () => {
    const repository = await newRepository(world(), 'permissions: { plan: admin }')
    const { says, thread } = await opensIssue(world(), 'What may I?', repository)
    await says('/codex help', 'rita')
    const read = await thread.waitForAnswer('Your permission here lets you use these commands.')
    expect(read).not.toContain('`/codex ask')
    await says('/codex help')
    expect(await thread.waitForAnswer('`/codex ask')).not.toContain('`/codex plan')
    await says('/codex help', 'olga')
    await thread.waitForAnswer('`/codex plan')
  })

  it.each([
    ['at the end', 'The honest words.', '\n\nThe swapped words.'],
    [
      'behind what looks like a secret, and is redacted',
      'The honest words.\n\n<!-- -----BEGIN PRIVATE KEY----- -->',
      '\n\nThe swapped words.',
    ],
  ])(
    'what was added %s, before the bot looked, is not what was approved',
    async (_, body, added) => {
      const { github, posthog } = world()
      const repository = await newRepository(world())
      const { number, says, thread, ledger } = await opensIssue(world(), 'Frozen', repository, body)
      const path = new RegExp(`^/repos/${repository}/collaborators/maya/permission`)
      const until = () => github.as('olga', repository).editsIssue(number, { body: body + added })
      github.fault({ path, method: 'GET', times: 1, fault: { kind: 'held', until } })
      await says('/codex do it honestly')
      await thread.waitForAnswer('Codex opened draft')
      expect(JSON.stringify(ledger().runs)).toContain('The honest words.')
      expect(JSON.stringify(posthog.ledger)).not.toContain('The swapped words.')
    },
  )

  it('nobody has Codex push to the default branch by a pull request from it: --branch is the way', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    await github.as('mario', repository).pushes('release', { 'release.txt': '1' })
    await github.as('mario', repository).pushes('main', { 'next.txt': '2' })
    const { number } = await github
      .as('eve', repository)
      .opensPull({ head: 'main', base: 'release', title: 'Release' })
    posthog.script({ repository }, { kind: 'pushesToBranch', text: 'Done.' })
    const before = await github.files('main', repository)
    const { says, maya, thread, ledger } = talkIn(world(), number, repository)
    github.checks(number, 'unit tests', 'FAILURE', repository)
    await says('/codex fix')
    await says('/codex --branch main do it')
    await maya.labels(number, 'codex')
    const refused = async () =>
      (await thread.answers()).filter(each => each.includes('the default branch'))
    await github.waitFor(async () => (await refused()).length === 3)
    expect(ledger().tasks).toEqual([])
    await says('/codex --branch release do it')
    await thread.waitForAnswer('Done.')
    expect(ledger().runs).toMatchObject([{ body: { branch: 'release' } }])
    expect(await github.files('main', repository)).toEqual(before)
  })

  it.each(['command', 'box'])(
    'a plan that somebody edited is posted anew, not carried out, by %s',
    async by => {
      const { github, posthog } = world()
      const repository = await newRepository(world())
      const plan = { kind: 'answers', text: '1. Drop the table' } as const
      posthog.script({ repository, prompt: 'numbered plan' }, plan)
      const { says, thread, ledger, ticks } = await opensIssue(world(), 'Edited', repository)
      const approves = () =>
        by === 'command' ? says('/codex approve') : ticks('Carry out this plan')
      await says('/codex plan it')
      await thread.waitForAnswer('1. Drop the table')
      const shown = (await thread.botComments()).find(({ body }) => body.includes('Drop the table'))
      const edited = String(shown?.body).replace('Drop', 'Keep')
      await github.as('mario', repository).editsComment(Number(shown?.id), edited)
      await approves()
      const refused = await thread.waitForAnswer(
        'the plan above may no longer say what Codex wrote.',
      )
      const id = Number(/#issuecomment-(\d+)/.exec(refused)?.[1])
      const anew = (await thread.botComments()).find(comment => comment.id === id)
      expect(anew?.body).toContain('1. Drop the table')
      expect(ledger().runs).toHaveLength(1)
      await approves()
      await thread.waitForAnswer('Codex opened draft')
      expect(ledger().runs).toHaveLength(2)
    },
  )

  it('secrets that somebody pasted reach neither agent nor thread nor log', async () => {
    const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'
    const issue = await opensIssue(world(), 'Leak', undefined, `My token is ${secret}`)
    const { says, thread, prompt } = issue
    await says(`/codex use ${secret} to do it`)
    await thread.waitForAnswer('Codex opened draft')
    expect(prompt()).toContain('‹redacted›')
    expect(JSON.stringify(world().posthog.ledger)).not.toContain(secret)
    expect((await thread.botComments()).map(({ body }) => body).join()).not.toContain(secret)
    expect(world().bot.output()).not.toContain(secret)
  })
})
