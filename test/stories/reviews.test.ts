import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('Somebody reviews', world => {
  const pullBy = async (branch: string) => {
    const maya = world().github.as('maya')
    await maya.pushes(branch, { [`src/${branch.replace('/', '-')}.ts`]: 'one\ntwo\nthree\n' })
    const pull = await maya.opensPull({ head: branch, title: `Work on ${branch}`, body: 'Please look.' })
    return {
      maya,
      number: pull.number,
      path: `src/${branch.replace('/', '-')}.ts`,
      thread: new Thread(world(), pull.number),
    }
  }

  it('one submitted review is one run, with all its inline comments, each answered', async () => {
    const { github, posthog } = world()
    const { number, path, thread } = await pullBy('maya/review')
    posthog.script('address these', {
      kind: 'pushesToBranch',
      text: 'All addressed but one.\n\n- **Review comment 2**: Kept, as `b.ts` needs it.\n',
    })
    await github.as('mario').reviews(number, {
      body: '/codex address these',
      event: 'COMMENT',
      comments: [
        { path, line: 1, body: 'Rename this.' },
        { path, line: 2, body: 'And this.' },
      ],
    })
    await thread.waitForAnswer('@mario done')
    const lineComments = await github.waitFor(async () => {
      const all = (await github.thread(number)).lineComments
      return all.length === 4 ? all : undefined
    })
    expect(lineComments.filter(({ author }) => author === github.botLogin).map(({ body }) => body)).toEqual([
      expect.stringMatching(/^See \[`[0-9a-f]{7}`\]/),
      expect.stringMatching(/^Kept, as `b\.ts` needs it\.(?![\s\S]*See)/),
    ])
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 1])
    const prompt = JSON.stringify(runs[0]?.body)
    expect(prompt).toMatch(
      /Review comment 1 by mario .*Rename this\..*Review comment 2 by mario .*And this\./,
    )
    expect(prompt).toContain('what you did about it')
    expect(prompt).toContain(path)
  })

  const misplaced = 'Please:\n\n- /codex simplify it'
  const hint = '@maya `/codex` works only at the start of a line.'

  it.each([
    ['a review', (path: string) => ({ body: misplaced, comments: [{ path, line: 1, body: 'Hm.' }] })],
    [
      'a comment on a line of a review',
      (path: string) => ({ comments: [{ path, line: 1, body: misplaced }] }),
    ],
  ])('a command in a list of %s gets a hint, and starts nothing', async (where, review) => {
    const { maya, number, path, thread } = await pullBy(`maya/misplaced-${where.length}`)
    await maya.reviews(number, { event: 'COMMENT', ...review(path) })
    expect(await thread.waitForAnswer('works only at')).toContain(hint)
    expect(ledgerOf(world(), number).tasks).toEqual([])
  })

  it('a command in a list of a comment on a line gets a hint there, and starts nothing', async () => {
    const { github } = world()
    const { maya, number, path, thread } = await pullBy('maya/misplaced-alone')
    await maya.commentsOnLine(number, { path, line: 3, body: misplaced })
    const answer = await github.waitFor(async () =>
      (await github.thread(number)).lineComments.find(({ author }) => author === github.botLogin),
    )
    expect(answer.body).toContain(hint)
    expect(await thread.answers()).toEqual([])
    expect(ledgerOf(world(), number).tasks).toEqual([])
  })

  const atWork = async (name: string) => {
    const { posthog } = world()
    const pull = await pullBy(`maya/${name}`)
    posthog.script(`busy with ${name}`, { kind: 'manual' })
    await pull.maya.comments(pull.number, `/codex busy with ${name}`)
    await pull.thread.waitForStatus('⏳ Codex is working')
    const lineComments = async () => (await world().github.thread(pull.number)).lineComments
    return {
      ...pull,
      lineComments,
      isSaid: () => world().github.waitFor(() => ledgerOf(world(), pull.number).messages.length === 1),
      endsItsTurn: () =>
        posthog.run(String(ledgerOf(world(), pull.number).runs[0]?.runId)).completeTurn('Ready for more.'),
      answersOnLines: (count: number) =>
        world().github.waitFor(async () => {
          const ours = (await lineComments()).filter(({ author }) => author === world().github.botLogin)
          return ours.length === count && ours.map(({ body, replyTo }) => ({ body, replyTo }))
        }),
    }
  }

  it('a review that joins a run at work has its inline comments answered as well', async () => {
    const { github, posthog } = world()
    const { number, path, thread, ...agent } = await atWork('joined')
    posthog.script('address all', {
      kind: 'pushesToBranch',
      text: 'All addressed but one.\n\n- **Review comment 2**: Kept, as `b.ts` needs it.\n',
    })
    await github.as('mario').reviews(number, {
      body: '/codex address all',
      event: 'COMMENT',
      comments: [
        { path, line: 1, body: 'Rename this.' },
        { path, line: 2, body: 'And this.' },
      ],
    })
    await agent.isSaid()
    await agent.endsItsTurn()
    await thread.waitForAnswer('@mario done')
    const answers = await agent.answersOnLines(2)
    const asked = (await agent.lineComments()).filter(({ author }) => author === 'mario')
    expect(answers).toEqual([
      { body: expect.stringMatching(/^See \[`[0-9a-f]{7}`\]/), replyTo: asked[0]?.id },
      { body: expect.stringMatching(/^Kept, as `b\.ts` needs it\./), replyTo: asked[1]?.id },
    ])
    const { runs, messages } = ledgerOf(world(), number)
    expect([runs.length, messages.length]).toEqual([1, 1])
    expect(JSON.stringify(messages[0]?.body)).toMatch(
      /Review comment 1 by mario .*Rename this\..*Review comment 2 by mario .*And this\..*begins with/,
    )
  })

  it('an inline comment that joins a run at work is answered in its own thread', async () => {
    const { posthog } = world()
    const { maya, number, path, thread, ...agent } = await atWork('joined-line')
    posthog.script('why two', { kind: 'answers', text: 'Because of one.' })
    await maya.commentsOnLine(number, { path, line: 3, body: '/codex why two?' })
    await agent.isSaid()
    await agent.endsItsTurn()
    await thread.waitForAnswer('Because of one.')
    const [asked] = await agent.lineComments()
    expect(await agent.answersOnLines(1)).toEqual([
      { body: expect.stringMatching(/^Because of one\./), replyTo: asked?.id },
    ])
  })

  it('of two looks at the status in a line’s thread only the newest is kept', async () => {
    const { github } = world()
    const { maya, number, path, thread } = await pullBy('maya/looks')
    const inline = async () => {
      const { lineComments } = await github.thread(number)
      return lineComments.filter(({ author }) => author === github.botLogin)
    }
    const looks = async () => {
      await maya.commentsOnLine(number, { path, line: 2, body: '/codex status' })
      const last = (await github.thread(number)).lineComments.findLast(({ author }) => author === 'maya')
      await github.waitFor(async () => (await inline()).some(({ id }) => id > Number(last?.id)))
      return last
    }
    await looks()
    const second = await looks()
    await github.waitFor(async () => (await inline()).every(({ id }) => id > Number(second?.id)))
    expect(await inline()).toHaveLength(1)
    expect(await thread.botComments()).toEqual([])
  })
})
