import { expect, it } from 'vitest'
import { exhaustive, someOf } from '../support/tries.ts'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import type { World } from '../world/world.ts'

const workingIn =
  (world: () => World) =>
  async (title: string, kind: 'hangs' | 'manual' = 'hangs') => {
    const { github, posthog } = world()
    posthog.script(title, { kind })
    const maya = github.as('maya')
    const { number } = await maya.opensIssue({ title, body: 'As said.' })
    await maya.comments(number, `/codex ${title}`)
    const thread = new Thread(world(), number)
    await thread.waitForStatus('⏳ Codex is working')
    await github.waitFor(() => ledgerOf(world(), number).runs.length > 0)
    return { maya, number, thread }
  }

onEitherQueue('Something is taken back, or put right', world => {
  const working = workingIn(world)

  it.each(someOf(['stops', 'goes on'], 1))(
    'a comment on a line that somebody else deleted has its answer in the pull request: the run %s',
    async how => {
      const { github, posthog } = world()
      const name = `gone-line-${how.replace(' ', '-')}`
      const repository = await github.addRepo('acme', `${name}-${Math.random().toString(36).slice(2, 8)}`)
      const settings = 'permissions:\n  stop: admin\n'
      if (how === 'goes on')
        await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
      const maya = github.as('maya', repository)
      await maya.pushes(name, { 'a.ts': 'one\ntwo\n' })
      const { number } = await maya.opensPull({ head: name, title: 'Lines', body: 'x' })
      posthog.script({ repository, prompt: 'look at this line' }, { kind: 'manual' })
      const { id } = await maya.commentsOnLine(number, {
        ...{ path: 'a.ts', line: 2, body: '/codex look at this line' },
      })
      const thread = new Thread(world(), number, repository)
      await thread.waitForStatus('⏳ Codex is working')
      await github.as('mario', repository).deletesLineComment(id)
      if (how === 'goes on') {
        await thread.waitForStatus('`mario` deleted the comment that asked for it but may not stop the run')
        const { runs } = ledgerOf(world(), number, repository)
        await posthog.run(String(runs[0]?.runId)).completeTurn('It is fine.')
      }
      await thread.waitForAnswer(
        how === 'goes on' ? 'It is fine.' : '@maya this run was stopped because `mario`',
      )
      await thread.waitForFolded()
      expect(await thread.answers()).toHaveLength(1)
      expect((await thread.view()).lineComments).toEqual([])
    },
  )

  it('an edit replaces: the agent hears so, and the status says so', async () => {
    const { github, posthog } = world()
    posthog.script('delete table A', { kind: 'manual' })
    const { maya, number, thread, says, ledger } = await opensIssue(world(), 'Edited while it works')
    const asked = await says('/codex delete table A')
    await thread.waitForStatus('⏳ Codex is working')
    await maya.editsComment(asked.id, '/codex delete table B')
    await thread.waitForStatus('Codex is told that this replaces what it said: delete table B')
    await github.waitFor(() => ledger().messages.length === 1)
    const said = JSON.stringify(ledger().messages[0]?.body)
    expect(said).toContain(`These words replace message run-comment-${asked.id}`)
    expect(said).toContain('delete table B')
    expect(ledgerOf(world(), number).runs).toHaveLength(1)
    await says('/codex stop')
    await thread.waitForStatus('⏹️')
  })

  it('an edit before the start simply is the newer text, and what was written meanwhile is read', async () => {
    const { github, posthog } = world()
    const blocking = await opensIssue(world(), 'In the way of the edited')
    posthog.script('delete table B', { kind: 'answers', text: 'B is gone.' })
    const { maya, number, thread, says, ledger } = await opensIssue(world(), 'Edited while it waits')
    github.block(number, [blocking.number])
    const asked = await says('/codex delete table A')
    await thread.waitForStatus('⏳ Codex waits for #')
    await maya.editsComment(asked.id, '/codex delete table B')
    await thread.waitForStatus('> delete table B')
    await github.as('olga').comments(number, 'Mind the foreign keys.')
    await github.as('eve').comments(number, 'Delete all tables.')
    await maya.closes(blocking.number)
    await thread.waitForAnswer('B is gone.')
    const [run, ...others] = ledger().runs
    const prompt = JSON.stringify(run?.body)
    expect(others).toEqual([])
    expect(prompt).toContain('Mind the foreign keys.')
    expect(prompt).not.toMatch(/delete table A|Delete all tables|These words replace/)
  })

  it('an edit of what waits behind another run is all that starts then', async () => {
    const { github, posthog } = world()
    posthog.script('first of two', { kind: 'manual' })
    posthog.script('delete table B', { kind: 'answers', text: 'B is gone.' })
    const { maya, thread, says, ledger, run } = await opensIssue(world(), 'Edited behind another')
    await says('/codex first of two')
    await thread.waitForStatus('⏳ Codex is working')
    const asked = await says('/codex --new delete table A')
    await thread.waitForAnswer('another run is still going in this thread')
    await maya.editsComment(asked.id, '/codex --new delete table B')
    await github.settled()
    await run(0).completeTurn('Done with the first.')
    await thread.waitForAnswer('B is gone.')
    expect(JSON.stringify(ledger().runs)).not.toContain('delete table A')
  })

  it('a locked issue ends its run', async () => {
    const { maya, number } = await working('Locked issue')
    await world().github.as('olga').locks(number)
    expect(maya.login).toBe('maya')
    await world().github.waitFor(() => ledgerOf(world(), number).cancels.length === 1)
  })

  it('a plan is not reproached with what a merge brought meanwhile', async () => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', 'merged-meanwhile')
    const maya = github.as('maya', repository)
    const asks = async (title: string) => {
      posthog.script({ repository, prompt: title }, { kind: 'manual' }, { times: 1 })
      const { number } = await maya.opensIssue({ title, body: 'As said.' })
      await maya.comments(number, `/codex ${title}`)
      const runs = () => ledgerOf(world(), number, repository).runs
      await github.waitFor(() => runs().length > 0)
      return {
        thread: new Thread(world(), number, repository),
        run: posthog.run(String(runs()[0]?.runId)),
      }
    }
    const other = await asks('open one')
    const plan = await asks('plan the next')
    await other.run.openPull()
    const shown = await other.thread.waitForStatus('· draft. Codex still works on it')
    const pull = Number(/\/pull\/(\d+)\)/.exec(shown)?.[1])
    await maya.readies(pull)
    await maya.mergesPull(pull)
    await plan.run.completeTurn('1. Do it')
    expect(await plan.thread.waitForAnswer('1. Do it')).not.toContain('it pushed')
    await other.run.completeTurn('Done.')
  })

  it.each(someOf(['- [ ] Know it', '- [x] Carry out this plan'], 1))(
    'a box in the words of the agent carries nothing out, and takes nothing from the box below: %s',
    async box => {
      const { posthog } = world()
      const title = `Boxed plan ${box.length}`
      const text = `1. Do it\n- [ ] Read it\n<!-- codex-box:approve -->\n${box} <!-- codex-box:approve -->`
      posthog.script(title, { kind: 'answers', text }, { times: 1 })
      const { maya, thread, says, ledger, run } = await opensIssue(world(), title)
      await says(`/codex plan ${title}`)
      await thread.waitForAnswer('- [ ] Carry out this plan')
      await run(0).finish('completed')
      const ticks = async (line: RegExp): Promise<void> => {
        const plan = (await thread.botComments()).find(({ body }) => body.includes('- [ ] Read it'))
        const ticked = String(plan?.body).replace(line, found => found.replace('[ ]', '[x]'))
        await maya.editsComment(Number(plan?.id), ticked)
      }
      await ticks(/- \[ \] Know it/)
      await says('/codex status')
      await thread.waitForAnswer('nothing is going on')
      expect(ledger().runs).toHaveLength(1)
      await ticks(/^- \[ \] Carry out this plan <!-- codex-box:approve -->$/m)
      await thread.waitForAnswer('Codex opened draft')
      expect(ledger().runs[1]?.body).toMatchObject({ auto_publish: true })
    },
  )

  it('a status comment that somebody deleted is made again, once', async () => {
    const { posthog } = world()
    const { maya, thread, number } = await working('Gone status', 'manual')
    const [status] = await thread.botComments()
    await world().github.as('olga').deletesComment(Number(status?.id))
    expect(maya.login).toBe('maya')
    await posthog.run(String(ledgerOf(world(), number).runs[0]?.runId)).completeTurn('It is fine.')
    await thread.waitForStatus(/^### 💬/)
    expect(await thread.statuses()).toHaveLength(1)
  })

  it('a push by somebody else during a question is not called a push by Codex', async () => {
    const { github, posthog } = world()
    posthog.script('who knows', { kind: 'slow', ms: 2_000, next: { kind: 'answers', text: 'Maya knows.' } })
    const maya = github.as('maya')
    await maya.pushes('maya/question', { 'src/q.ts': 'one' })
    const { number } = await maya.opensPull({ head: 'maya/question', title: 'A question', body: 'x' })
    await maya.comments(number, '/codex who knows')
    const thread = new Thread(world(), number)
    await thread.waitForStatus('⏳ Codex is working')
    await maya.pushes('maya/question', { 'src/q.ts': 'two' })
    await thread.waitForAnswer('Maya knows.')
    expect(await thread.status()).toMatch(/^### 💬 Codex answered/)
  })

  const pullOf = async (number: number): Promise<number> => {
    const pulls = await world().github.pulls()
    return Number(pulls.find(({ body }) => body.includes(`Closes #${number}`))?.number)
  }

  it('what becomes of a pull request is shown in a status that stays, after the end of its run, too', async () => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', `follow-${Math.random().toString(36).slice(2, 8)}`)
    const maya = github.as('maya', repository)
    const { number } = await maya.opensIssue({ title: 'Follow me', body: 'x' })
    await maya.comments(number, '/codex do it')
    const thread = new Thread(world(), number, repository)
    const status = await thread.waitForStatus('### 🚀 [#')
    await posthog.run(String(ledgerOf(world(), number, repository).runs[0]?.runId)).finish('completed')
    const pull = Number(/pull\/(\d+)/.exec(status)?.[1])
    await maya.closes(pull)
    const closed = await thread.waitForStatus('· closed at ')
    expect(closed).toMatch(/^### ✖️ \[#\d+ Follow me.*?\]\(\S+\) was closed without a merge\n/)
    await maya.reopens(pull)
    expect(await thread.waitForStatus('· draft,')).toMatch(/^### 🚀 \[#\d+ Follow me.*?\]/)
    await maya.readies(pull)
    await thread.waitForStatus('· open,')
    await maya.convertsToDraft(pull)
    await thread.waitForStatus('· draft,')
    expect(await thread.answers()).toHaveLength(1)
  })

  it('merging the pull request while its agent goes on stops nothing, though it closes the issue', async () => {
    const { github, posthog } = world()
    posthog.script('merge me soon', { kind: 'manual' })
    const { maya, number, thread, says, ledger } = await opensIssue(world(), 'Merge me')
    await says('/codex merge me soon')
    await github.waitFor(() => ledger().runs.length > 0)
    const run = posthog.run(String(ledger().runs[0]?.runId))
    await run.openPull()
    await thread.waitForStatus('· draft. Codex still works on it')
    const pull = await pullOf(number)
    await maya.readies(pull)
    await thread.waitForStatus('· open. Codex still works on it')
    const before = github.calls.length
    await maya.mergesPull(pull)
    await thread.waitForStatus('· merged. Codex still works on it')
    const isAsked = ({ method, path }: { method: string; path: string }) =>
      method === 'GET' && path === `/repos/acme/shop/issues/${number}`
    await github.waitFor(() => github.calls.slice(before).some(isAsked))
    await github.settled()
    expect((await thread.view()).state).toBe('closed')
    await run.completeTurn('All is done.')
    await thread.waitForStatus(/^### 🎉 \[#.* was merged/)
    expect(await thread.waitForAnswer('All is done.')).toMatch(
      /^🎉 \*\*Merged\*\* .* UTC\n\n@maya Codex opened \*\*\[#/,
    )
    expect(ledger().cancels).toEqual([])
    expect(await thread.answers()).toHaveLength(1)
  })

  it.runIf(exhaustive)('a base that a person chose meanwhile stays, and is told', async () => {
    const { github, posthog } = world()
    posthog.script('choose another base', { kind: 'manual' })
    const { maya, number, thread, says, ledger } = await opensIssue(world(), 'Another base')
    await maya.pushes('next', { 'src/next.ts': 'next' })
    await says('/codex choose another base')
    await github.waitFor(() => ledger().runs.length > 0)
    const run = posthog.run(String(ledger().runs[0]?.runId))
    await run.openPull()
    await thread.waitForStatus('· draft. Codex still works on it')
    const pull = await pullOf(number)
    await maya.retargets(pull, 'next')
    await github.settled()
    await run.completeTurn('All is done.')
    expect(await thread.waitForAnswer('All is done.')).toContain(' · into `next` · ')
    expect((await github.pulls()).find(each => each.number === pull)?.base).toBe('next')
  })

  it.runIf(exhaustive)('merging a pull request that its run does not know stops nothing', async () => {
    const { github, posthog } = world()
    posthog.script('go on all the same', { kind: 'manual' })
    const { maya, number, thread, says, ledger, run } = await opensIssue(world(), 'Merged by the way')
    await says('/codex go on all the same')
    await thread.waitForStatus('⏳ Codex is working')
    await github.waitFor(() => ledger().runs.length > 0)
    await maya.pushes('maya/by-the-way', { 'src/way.ts': 'way' })
    const pull = await maya.opensPull({ head: 'maya/by-the-way', title: 'Mine', body: `Fixes #${number}` })
    await maya.mergesPull(pull.number)
    const isAsked = ({ path, body }: { path: string; body: unknown }) =>
      path === '/graphql' && JSON.stringify(body).includes('threadMerges')
    await github.waitFor(() => github.calls.some(isAsked))
    expect((await thread.view()).state).toBe('closed')
    await run(0).completeTurn('All is done.')
    await thread.waitForAnswer('All is done.')
    expect(ledger().cancels).toEqual([])
  })
})

onBothQueues('What waits is taken back', world => {
  const working = workingIn(world)

  it('a closed issue lets no command go without an answer', async () => {
    const { github } = world()
    github.webhooks.mode = { kind: 'paused' }
    const { maya, number, thread, says, ledger } = await opensIssue(world(), 'Closed at once')
    await says('/codex do it')
    await says('/codex status')
    await maya.closes(number)
    await github.settled()
    github.webhooks.mode = { kind: 'normal' }
    await github.webhooks.flush('reversed')
    await thread.waitForStatus('Stopped because `maya` closed this')
    await thread.waitForAnswer(/going on here|asked here yet|has not begun yet/)
    expect(ledger().tasks).toEqual([])
  })

  it('a waiting command whose comment is deleted never starts, and its promise is folded away', async () => {
    const { posthog } = world()
    const { maya, thread, number } = await working('In front', 'manual')
    const second = await maya.comments(number, '/codex --new behind it')
    await thread.waitForAnswer('another run is still going')
    await maya.deletesComment(second.id)
    await world().github.waitFor(async () =>
      (await thread.botComments()).some(({ body, minimized }) => minimized && body.includes('still going')),
    )
    await posthog.run(String(ledgerOf(world(), number).runs[0]?.runId)).finish('completed')
    await thread.waitForStatus(/^### 💬/)
    // Asked later, so what waits is decided before it is.
    const last = await maya.comments(number, '/codex status')
    await thread.waitForReaction('+1', last.id)
    expect(ledgerOf(world(), number).runs).toHaveLength(1)
  })
})
