/** What a thread goes on with, when people deleted comments or another thread used its session, and what an agent asks meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import {
  asks,
  newRepository,
  opensIssue,
  type Talk,
  talkIn,
  working,
} from '../world/opens-issue.ts'

onEitherQueue('A command goes on with', world => {
  it('the last request, though the comments of its run were deleted', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const one = { kind: 'answers', text: 'One.' } as const
    const { thread, says, started, prompt } = await asks(world(), 'the first wish', one, {
      repository,
    })
    await thread.waitForFolded()
    const before = new Set((await thread.botComments()).map(({ id }) => id))
    const fails = { kind: 'fails', message: 'usage limit reached' } as const
    posthog.script({ repository, prompt: 'the second wish' }, fails)
    const second = await says('/codex --new the second wish')
    await thread.waitForAnswer(/@\w+ Codex failed:/)
    await thread.waitForReaction('confused', second.id)
    const olga = github.as('olga', repository)
    for (const { id } of await thread.botComments())
      if (!before.has(id)) await olga.deletesComment(id)
    await says('/codex retry')
    await started(3)
    expect(prompt(2).split('# The issue')[0]).toContain('the second wish')
  })

  it.each([
    ['words', 'use less memory', '+1'],
    ['a stop', 'stop', '+1'],
    ['a command that is answered at once', 'approve', '-1'],
  ])('no 👀 of %s that GitHub is slow to set', async (_, text, reaction) => {
    const { github } = world()
    const { repository, thread, says } = await working(
      world(),
      'begin the list',
      await newRepository(world()),
    )
    const eyes = github.fault({
      method: 'POST',
      path: new RegExp(`^/repos/${repository}/.*/reactions$`),
      asks: /eyes/,
      fault: { kind: 'delay', ms: 1_000 },
    })
    const { id } = await says(`/codex ${text}`)
    await thread.waitForReaction(reaction, id)
    await sleep(1_500)
    expect(eyes.hits).toBe(1)
    expect(await thread.reactions(id)).toEqual([reaction])
  })

  it.each(['command', 'box'])('the words that failed, by the %s that tries again', async by => {
    const { posthog } = world()
    const repository = await newRepository(world())
    const talk = await opensIssue(world(), 'Words fail', repository)
    const { thread, says, run, ledger, started, prompt, ticks } = talk
    await talk.makes('begin the list')
    const fails = { kind: 'fails', message: 'bad luck' } as const
    posthog.script({ repository, prompt: 'ended before it was finished' }, fails)
    posthog.script({ repository, prompt: 'sort it' }, fails, { times: 1 })
    await says('/codex sort it')
    await thread.waitForAnswer(/@\w+ Codex failed:/)
    await (by === 'command' ? says('/codex retry') : ticks('Try again'))
    await started(3)
    expect(ledger().runs[2]?.body).toMatchObject({ resume_from_run_id: run(1).id })
    expect(prompt(2)).toContain('sort it')
    expect(prompt(2)).not.toContain('begin the list')
  })

  it('no plan that was carried out, though the comments of that were deleted', async () => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const plan = { kind: 'answers', text: '1. So.' } as const
    const { thread, says, ledger } = await asks(world(), 'plan how to do it', plan, { repository })
    await thread.waitForAnswer('1. So.')
    await thread.waitForFolded()
    const before = new Set((await thread.botComments()).map(({ id }) => id))
    posthog.script({ repository, prompt: 'Carry out the plan' }, { kind: 'opensPull' })
    await says('/codex approve')
    await thread.waitForAnswer('Codex opened draft')
    await thread.waitForFolded()
    const olga = github.as('olga', repository)
    for (const { id } of await thread.botComments())
      if (!before.has(id)) await olga.deletesComment(id)
    const again = await says('/codex approve')
    await thread.waitForReaction('-1', again.id)
    expect(ledger().runs).toHaveLength(2)
  })

  it.each(['issue', 'pull request'])('the session that the thread of the %s left', async first => {
    const { posthog } = world()
    const repository = await newRepository(world())
    const issue = await opensIssue(world(), 'Two threads', repository)
    const pull = talkIn(world(), (await issue.makes()).number, repository)
    const [one, other] = first === 'issue' ? [issue, pull] : [pull, issue]
    posthog.script({ repository, prompt: 'polish it' }, { kind: 'answers', text: 'Polished.' })
    await one.says('/codex --model gpt-5 polish it')
    await one.thread.waitForAnswer('Polished.')
    await one.thread.waitForFolded()
    posthog.script({ repository, prompt: 'and this' }, { kind: 'answers', text: 'And this.' })
    await other.says('/codex and this')
    await other.thread.waitForAnswer('And this.')
    const { runs } = issue.ledger()
    expect(runs).toHaveLength(3)
    expect(runs[2]?.body).toMatchObject({ resume_from_run_id: runs[1]?.runId })
    expect(runs.filter((_, at) => issue.run(at).status === 'in_progress')).toHaveLength(1)
  })

  it.each<[string, (talk: Talk) => Promise<unknown>, RegExp, number]>([
    ['the box of a choice', ({ ticks }) => ticks('`Right`'), /^option_1$/, 0],
    ['the number of a choice', ({ says }) => says('/codex 2'), /^option_1$/, 0],
    ['words of one’s own', ({ says }) => says('/codex straight on'), /^answered-in-words$/, 1],
  ])('an answer to a question: %s', async (_, answers, option, messages) => {
    const { posthog } = world()
    const repository = await newRepository(world(), 'mode: interactive\n')
    const says = {
      kind: 'slow',
      ms: 500,
      next: { kind: 'answers', text: 'I went there.' },
    } as const
    const asking = { kind: 'asksPermission', inMode: 'plan', question: 'Which way?' } as const
    posthog.script({ repository }, { ...asking, choices: ['Left', 'Right'], next: says })
    posthog.script(
      { repository, prompt: 'straight on' },
      { kind: 'answers', text: 'I went there.' },
    )
    const talk = await opensIssue(world(), 'Left or right', repository)
    const { thread, ledger } = talk
    await talk.says('/codex do it')
    expect(await thread.waitForAnswer('Codex has a question')).toMatch(/^2\. \[ \] `Right` /m)
    const plain = await talk.says('Right.')
    await thread.waitForAnswer('Codex reads only comments that begin with `/codex`.')
    await thread.waitForReaction('-1', plain.id)
    await answers(talk)
    await thread.waitForAnswer('I went there.')
    await thread.waitForFolded()
    expect(ledger().commands.map(({ body }) => Object(body).params.optionId)).toEqual([
      expect.stringMatching(option),
    ])
    expect([ledger().messages.length, (await thread.answers()).length]).toEqual([messages, 3])
  })

  it('what a person chose, though PostHog’s word that it took it was lost', async () => {
    const { posthog } = world()
    const repository = await newRepository(world(), 'mode: interactive\n')
    const { thread, says, ledger } = await opensIssue(world(), 'Left or right', repository)
    posthog.script(
      { repository },
      {
        kind: 'asksPermission',
        inMode: 'plan',
        question: 'Which way?',
        choices: ['Left', 'Right'],
        next: { kind: 'answers', text: 'Left it is.' },
      },
    )
    await says('/codex do it')
    await thread.waitForAnswer('Codex has a question')
    const lost = posthog.fault({ route: 'command', fault: { kind: 'reset', store: true } })
    const chosen = await says('/codex left')
    await thread.waitForAnswer('Left it is.')
    await thread.waitForReaction('+1', chosen.id)
    expect(lost.hits).toBe(1)
    expect((await thread.answers()).join('\n')).not.toContain('no longer waits')
    expect(ledger().messages).toEqual([])
  })
})
