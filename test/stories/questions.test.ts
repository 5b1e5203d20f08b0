/** `/codex ask`: words for words, and nothing is published. */
import { expect, it } from 'vitest'
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import { exhaustive } from '../support/tries.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue, opensPull } from '../world/opens-issue.ts'

onEitherQueue('Somebody asks a question', world => {
  it('is answered in the thread; nothing is changed until somebody asks for work', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const says = { kind: 'answers', text: 'It waits 200 ms for the session.' } as const
    const talk = await asks(world(), 'ask why is the login slow?', says, { repository, times: 1 })
    const { thread, runs, prompt } = talk
    expect(await thread.waitForAnswer('It waits')).toMatch(
      /^@maya It waits 200 ms for the session\./,
    )
    await thread.waitForFolded()
    expect(await thread.status()).toMatch(/^### 💬 Codex answered/)
    expect(runs()[0]?.body).toMatchObject({
      initial_permission_mode: 'read-only',
      auto_publish: false,
      branch: 'main',
    })
    expect(prompt()).toContain('# Instruction\n\nwhy is the login slow?\n')
    expect(prompt()).toMatch(/^- Read only\. .* open no pull request\.\n- Answer the question\./m)
    expect(await github.branches(repository)).toEqual(['main'])

    posthog.script({ repository, prompt: 'do it' }, { kind: 'opensPull' })
    await talk.says('/codex do it')
    await thread.waitForAnswer('Codex opened draft')
    expect(runs()[1]?.body).toMatchObject({ auto_publish: true })
    expect(prompt(1)).toContain('It waits 200 ms for the session.')
  })

  it('where all is closed: it is answered, also when the branch is gone, and work is refused', async () => {
    const repository = await newRepository(world())
    const { posthog } = world()
    posthog.script({ repository }, { kind: 'answers', text: 'Since the release.' })
    const { maya, number, says, thread } = await opensPull(world(), 'maya/gone', { repository })
    await maya.mergesPull(number)
    await maya.deletesBranch('maya/gone')
    await says('/codex change it back')
    await thread.waitForAnswer('this is closed, so nothing was started. `/codex ask` works here.')
    await says('/codex ask since when is it so?')
    await thread.waitForAnswer('Since the release.')

    const issue = await opensIssue(world(), 'Closed', repository)
    await issue.maya.closes(issue.number)
    await issue.says('/codex ask since when?')
    await issue.thread.waitForAnswer('Since the release.')
  })

  it('of Codex gets a plain answer: its writer is told once that the command is missing', async () => {
    const repository = await newRepository(world())
    const asking = { kind: 'answers', text: 'Redis or Memcached?' } as const
    const { says, thread } = await asks(world(), 'cache it', asking, { repository, times: 1 })
    world().posthog.script(
      { repository, prompt: 'Redis' },
      { kind: 'answers', text: 'Redis it is.' },
    )
    await thread.waitForAnswer('Codex has a question.')
    await thread.waitForFolded()
    const { id } = await says('Redis please')
    await thread.waitForAnswer('Codex reads only comments that begin with `/codex`.')
    await thread.waitForReaction('-1', id)
    await says('Well, Redis.')
    await says('/codex Redis please')
    await thread.waitForAnswer('Redis it is.')
    await says('Thank you!')
    const { id: last } = await says('/codex status')
    await thread.waitForReaction('+1', last)
    expect((await thread.answers()).filter(text => text.includes('reads only'))).toHaveLength(1)
  })

  it('on lines of a review, and each has its answer there', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    posthog.script({ repository, prompt: 'Answer the question' }, { kind: 'manual' })
    const pull = await opensPull(world(), 'maya/why', { repository })
    const { maya, number, thread, path } = pull
    const comments = ['Why one?', 'Why two?'].map((body, at) => ({ path, line: at + 1, body }))
    await maya.reviews(number, { body: '/codex ask', comments })
    await pull.started(1)
    await github.waitFor(() => pull.run(0).turnGoesOn)
    const asked = (await thread.view()).lineComments
    const said = ['It is the session.', 'It is the clock.'].map((words, at) => ({
      id: asked[at]?.id,
      done: false,
      said: words,
    }))
    const block = `\`\`\`review-comments\n${JSON.stringify(said)}\n\`\`\``
    await pull.run(0).completeTurn(`Two reasons.\n\n${block}`)
    const answer = await thread.waitForAnswer('Two reasons.')
    expect(answer).not.toContain('session')
    const lines = async () => (await thread.view()).lineComments.map(({ body }) => body)
    await github.waitFor(async () => (await lines()).length === 4)
    expect((await lines()).slice(2)).toEqual([
      expect.stringMatching(/^It is the session\.\s/),
      expect.stringMatching(/^It is the clock\.\s/),
    ])
  })
})

onEitherQueue(
  'Somebody asks a question of an agent that does not do as it is told',
  world => {
    it.runIf(exhaustive)('what it pushed is told first, and becomes no pull request', async () => {
      const { github } = world()
      const { thread, repository } = await asks(world(), 'ask what would you change')
      const answer = await thread.waitForAnswer('asked only for an answer, but')
      expect(answer).toMatch(/it pushed \[`[0-9a-f]{7}`\]\(\S+\) to \[`posthog\/\d+-anyway`\]/)
      expect(answer).toContain('The bot opened no pull request for it.')
      expect(await thread.status()).toMatch(/^### ⚠️ Codex answered, but it also changed something/)
      await thread.waitForFolded()
      expect(await github.pulls(repository)).toEqual([])
    })
  },
  { posthog: { agent: 'disobedient' } },
)

onEitherQueue(
  'Somebody answers a question without the command, and the bot has started anew since',
  world => {
    it('they are told that it is missing', async () => {
      const { bot } = world()
      const asking: Behaviour = {
        kind: 'asksPermission',
        question: 'Blue or red?',
        choices: ['Blue', 'Red'],
        inMode: 'plan',
        next: { kind: 'answers', text: 'It is blue.' },
      }
      const repository = await newRepository(world(), 'mode: interactive\n')
      const { says, thread } = await asks(world(), 'paint it', asking, { repository })
      await thread.waitForAnswer('Codex has a question.')
      await bot.stop()
      await world().startBot()
      const { id } = await says('Blue, please.')
      await thread.waitForAnswer('Codex reads only comments that begin with `/codex`.')
      await thread.waitForReaction('-1', id)
      await says('/codex 1')
      await thread.waitForAnswer('It is blue.')
    })
  },
  { oneByOne: true },
)
