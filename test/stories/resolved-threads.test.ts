/** Comments on lines that an agent fixed are resolved, where the settings want that. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, nextSecond, opensPull } from '../world/opens-issue.ts'

type LineAnswer = [done: boolean, said: string]

onEitherQueue('A comment on a line', world => {
  const path = 'src/login.ts'
  const resolves = 'review: { resolve: true }\ncontext: { bots: [coderabbitai] }\n'
  const fixed = (said: string) =>
    expect.stringMatching(new RegExp(`^Fixed in \\[\`[0-9a-f]{7}\`\\]\\(\\S+\\)\\.\n\n${said}$`))

  const reviewed = async (settings?: string) => {
    const { github, posthog } = world()
    const repository = await newRepository(world(), settings)
    posthog.script({ repository }, { kind: 'manual' })
    const pull = await opensPull(world(), 'maya/login', { repository, path })
    const comments = async () => (await pull.thread.view()).lineComments
    const roots = async () =>
      (await comments()).filter(({ replyTo, author }) => !replyTo && author !== github.botLogin)
    return {
      ...pull,
      roots,
      reviews: (body: string, ...lines: { path: string; body: string }[]) =>
        github.as('mario', repository).reviews(pull.number, {
          body,
          comments: lines.map(comment => ({ ...comment, line: 1 })),
        }),
      resolved: async () => (await roots()).map(({ resolved }) => resolved),
      /** Of the bot, in each thread. */
      async answers() {
        const said = (await comments()).filter(({ author }) => author === github.botLogin)
        const inThread = (id: number) => said.filter(({ replyTo }) => replyTo === id)
        return (await roots()).map(({ id }) =>
          inThread(id).map(({ body }) => body.replace(/\s*<!-- codex-run:.*? -->/g, '')),
        )
      },
      /** It changes the file, and says of each comment, in the order of the page, what it did. */
      async agentSays(...lineAnswers: LineAnswer[]) {
        await pull.started(1)
        await github.waitFor(() => pull.run(0).turnGoesOn)
        await github.hands.commit(repository, 'maya/login', 'main', { [path]: 'one\n2\n' }, 'Do it')
        const all = await roots()
        const says = lineAnswers.map(([done, said], at) => ({ id: all[at]?.id, done, said }))
        const block = `\`\`\`review-comments\n${JSON.stringify(says)}\n\`\`\``
        await pull.run(0).completeTurn(`All seen to.\n\n${block}\n`)
      },
    }
  }

  it('is resolved when the agent fixed it, and stays open with the reason when it did not', async () => {
    const { github } = world()
    const {
      reviews,
      number,
      says,
      roots,
      resolved,
      answers,
      agentSays,
      thread,
      prompt,
      maya,
      repository,
    } = await reviewed(resolves)
    await maya.pushes('maya/login', { 'README.md': 'Read me.\n' })
    await reviews('Look.', { path, body: 'Rename it.' }, { path, body: 'Use a class.' })
    await reviews('One more.', { path: 'README.md', body: 'Say why.' })
    const bot = github.as('coderabbitai[bot]', repository)
    await bot.reviews(number, { body: '', comments: [{ path, line: 3, body: 'Wait for it.' }] })
    await nextSecond()
    await says('/codex address all comments')
    await agentSays(
      [true, 'Renamed it. cc @olga'],
      [false, 'A function is enough.'],
      [true, 'It says so now.'],
      [true, 'It waits.'],
    )
    const last = await thread.waitForAnswer('done: **[`')
    expect(last).toContain('All seen to.')
    expect(last).not.toContain('review-comments')
    await github.waitFor(async () => (await resolved())[3])
    expect(await resolved()).toEqual([true, false, false, true])
    const [first] = await roots()
    expect(prompt()).toContain(`Comment by "mario" (id ${first?.id}) on "${path}", line 1:`)
    expect(prompt()).toContain('end with what became of each')
    // The file of the third is as it was.
    expect(await answers()).toEqual([
      [fixed('Renamed it\\. cc @\\S+')],
      ['A function is enough.'],
      ['It says so now.'],
      [fixed('It waits\\.')],
    ])
  })

  it('with a command is resolved, below the last word', async () => {
    const { github } = world()
    const { maya, number, resolved, agentSays, prompt, answers } = await reviewed(resolves)
    const { id } = await maya.commentsOnLine(number, { path, line: 1, body: '/codex rename it' })
    await agentSays([true, 'Renamed it.'])
    await github.waitFor(async () => (await resolved())[0])
    expect(prompt()).toContain(`Review comment by "maya" (id ${id}) on "${path}", line 1:`)
    expect(await answers()).toEqual([[expect.stringMatching(/^@maya done: \*\*\[`[0-9a-f]{7}`\]/)]])
  })

  it('of a review with a command is resolved, once, though GitHub’s answers get lost', async () => {
    const { github } = world()
    const { reviews, repository, roots, resolved, answers, agentSays } = await reviewed(resolves)
    await reviews(
      '/codex address these',
      { path, body: 'Rename it.' },
      { path, body: 'Use a class.' },
    )
    const [first] = await roots()
    const lost = { kind: 'reset', store: true } as const
    const answer = new RegExp(`/${repository}/pulls/\\d+/comments/${first?.id}/replies$`)
    const struck = [github.fault({ method: 'POST', path: answer, fault: lost })]
    const asks = new RegExp(`"PRRT_${first?.id}"`)
    struck.push(
      github.fault({ path: '/graphql', operation: /^resolveThreads$/, asks, fault: lost }),
    )
    await agentSays([true, 'Renamed it.'], [false, 'No.'])
    await github.waitFor(async () => (await answers())[1]?.length === 1 && (await resolved())[0])
    expect(await resolved()).toEqual([true, false])
    expect(await answers()).toEqual([[fixed('Renamed it\\.')], ['No.']])
    expect(struck.map(({ hits }) => hits)).toEqual([1, 1])
  })

  it('stays open without the setting, and where the agent says it in another form', async () => {
    const plain = await reviewed()
    const other = await reviewed(resolves)
    for (const { reviews } of [plain, other])
      await reviews('/codex address these', { path, body: 'Rename it.' })
    await plain.agentSays([true, 'Renamed it.'])
    await other.started(1)
    await world().github.waitFor(() => other.run(0).turnGoesOn)
    const { hands } = world().github
    await hands.commit(other.repository, 'maya/login', 'main', { [path]: 'one\n2\n' }, 'Do it')
    await other.run(0).completeTurn('```review-comments\n[{ "id": 1, "done": "yes" }]\n```')
    const said = ['Renamed it.', expect.stringMatching(/^See \[`[0-9a-f]{7}`\]/)]
    for (const [at, { answers, resolved }] of [plain, other].entries()) {
      await world().github.waitFor(async () => (await answers())[0]?.length)
      expect(await answers()).toEqual([[said[at]]])
      expect(await resolved()).toEqual([false])
    }
  })
})
