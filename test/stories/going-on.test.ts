/** What a thread goes on with, when people deleted comments or another thread used its session, and what an agent asks meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('A command goes on with', world => {
  async function repositoryOf(name: string) {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', name)
    const maya = github.as('maya', repository)
    const at = (number: number) => ({
      thread: new Thread(world(), number, repository),
      ledger: () => ledgerOf(world(), number, repository),
      says: (text: string) => maya.comments(number, text),
      run: (index: number) => posthog.run(String(ledgerOf(world(), number, repository).runs[index]?.runId)),
    })
    return {
      repository,
      at,
      opensIssue: async (title: string) => at((await maya.opensIssue({ title, body: 'As said.' })).number),
      answers: (prompt: string, text: string) =>
        posthog.script({ repository, prompt }, { kind: 'answers', text }),
      deletesAllSince: async (thread: Thread, before: ReadonlySet<number>) => {
        const olga = github.as('olga', repository)
        for (const { id } of await thread.botComments()) if (!before.has(id)) await olga.deletesComment(id)
      },
    }
  }

  const idsOf = async (thread: Thread) => new Set((await thread.botComments()).map(({ id }) => id))

  it('the last request, though the comments of its run were deleted', async () => {
    const { github, posthog } = world()
    const { repository, opensIssue, answers, deletesAllSince } = await repositoryOf('deleted-request')
    const { thread, says, ledger } = await opensIssue('Two wishes')
    answers('the first wish', 'One.')
    await says('/codex the first wish')
    await thread.waitForFolded()
    const before = await idsOf(thread)
    posthog.script(
      { repository, prompt: 'the second wish' },
      { kind: 'fails', message: 'usage limit reached' },
    )
    const second = await says('/codex --new the second wish')
    await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    await thread.waitForReaction('confused', second.id)
    await deletesAllSince(thread, before)
    await says('/codex retry')
    await github.waitFor(() => ledger().runs.length === 3)
    const body = JSON.stringify(ledger().runs[2]?.body)
    expect(body.split('# The issue')[0]).toContain('the second wish')
  })

  it.each([
    ['words', 'use less memory', '+1'],
    ['a stop', 'stop', '+1'],
    ['a command that is answered at once', 'approve', '-1'],
  ])('no 👀 of %s that GitHub is slow to set', async (_, text, reaction) => {
    const { github, posthog } = world()
    const { repository, opensIssue } = await repositoryOf(`slow-eyes-${text.length}`)
    const { thread, says } = await opensIssue('Slow eyes')
    posthog.script({ repository, prompt: 'begin the list' }, { kind: 'manual' })
    await says('/codex begin the list')
    await thread.waitForStatus('⏳ Codex is working')
    const eyes = github.fault({
      ...{ method: 'POST', path: new RegExp(`^/repos/${repository}/.*/reactions$`), asks: /eyes/ },
      fault: { kind: 'delay', ms: 1_000 },
    })
    const { id } = await says(`/codex ${text}`)
    await thread.waitForReaction(reaction, id)
    await sleep(1_500)
    expect(eyes.hits).toBe(1)
    expect(await thread.reactions(id)).toEqual([reaction])
  })

  it.each(['command', 'box'])('the words that failed, by the %s that tries again', async by => {
    const { github, posthog } = world()
    const { repository, opensIssue } = await repositoryOf(`failed-words-${by}`)
    const { thread, says, run, ledger } = await opensIssue('Words fail')
    await says('/codex begin the list')
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForFolded()
    const fails = { kind: 'fails', message: 'bad luck' } as const
    posthog.script({ repository, prompt: 'ended before it was finished' }, fails)
    posthog.script({ repository, prompt: 'sort it' }, fails, { times: 1 })
    await says('/codex sort it')
    await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    if (by === 'command') await says('/codex retry')
    else {
      const said = (await thread.botComments()).findLast(({ body }) => body.includes('- [ ] Try again'))
      const ticked = String(said?.body).replace('- [ ] Try again', '- [x] Try again')
      await github.as('maya', repository).editsComment(Number(said?.id), ticked)
    }
    await github.waitFor(() => ledger().runs.length === 3)
    const { body } = ledger().runs[2] ?? {}
    expect(body).toMatchObject({ resume_from_run_id: run(1).id })
    expect(JSON.stringify(body)).toContain('sort it')
    expect(JSON.stringify(body)).not.toContain('begin the list')
  })

  it('all that was asked in the one turn that failed', async () => {
    const { github, posthog } = world()
    const { repository, opensIssue } = await repositoryOf('failed-turn')
    const { thread, says, run, ledger } = await opensIssue('A turn fails')
    const fails = { kind: 'fails', message: 'bad luck' } as const
    posthog.script({ repository, prompt: 'ended before it was finished' }, fails)
    posthog.script({ repository, prompt: 'begin the list' }, { kind: 'manual' }, { times: 1 })
    posthog.script({ repository, prompt: 'sort it' }, fails, { times: 1 })
    await says('/codex begin the list')
    await thread.waitForStatus('⏳ Codex is working')
    const words = await says('/codex sort it')
    await thread.waitForReaction('+1', words.id)
    await run(0).completeTurn('The list is begun.')
    await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    await says('/codex retry')
    await github.waitFor(() => ledger().messages.length === 2)
    const { runs, messages } = ledger()
    expect(JSON.stringify(runs[2]?.body).split('# The issue')[0]).toContain('begin the list')
    expect(JSON.stringify(messages[1]?.body)).toContain('sort it')
  })

  it('no plan that was carried out, though the comments of that were deleted', async () => {
    const { repository, opensIssue, answers, deletesAllSince } = await repositoryOf('deleted-approval')
    const { thread, says, ledger } = await opensIssue('One plan')
    answers('how to do it', '1. So.')
    await says('/codex plan how to do it')
    await thread.waitForAnswer('1. So.')
    await thread.waitForFolded()
    const before = await idsOf(thread)
    world().posthog.script({ repository, prompt: 'Carry out the plan' }, { kind: 'opensPull' })
    await says('/codex approve')
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForFolded()
    await deletesAllSince(thread, before)
    const again = await says('/codex approve')
    await thread.waitForReaction('-1', again.id)
    expect(ledger().runs).toHaveLength(2)
  })

  it.each(['issue', 'pull request'])('the session that the thread of the %s left', async first => {
    const { github } = world()
    const { repository, opensIssue, answers, at } = await repositoryOf(
      `session-of-${first.replace(' ', '-')}`,
    )
    const issue = await opensIssue('Two threads')
    await issue.says('/codex do it')
    await issue.thread.waitForAnswer('pull request is ready')
    await issue.thread.waitForFolded()
    const pull = at((await github.pulls(repository))[0]?.number ?? 0)
    const [one, other] = first === 'issue' ? [issue, pull] : [pull, issue]
    answers('polish it', 'Polished.')
    await one.says('/codex --model gpt-5 polish it')
    await one.thread.waitForAnswer('Polished.')
    await one.thread.waitForFolded()
    answers('and this', 'And this.')
    await other.says('/codex and this')
    await other.thread.waitForAnswer('And this.')
    const { runs } = issue.ledger()
    expect(runs).toHaveLength(3)
    expect(runs[2]?.body).toMatchObject({ resume_from_run_id: runs[1]?.runId })
    const atWork = runs.filter((_, index) => issue.run(index).status === 'in_progress')
    expect(atWork).toHaveLength(1)
  })

  it('what a person chose, though PostHog’s word that it took it was lost', async () => {
    const { posthog } = world()
    const { repository, opensIssue } = await repositoryOf('chosen')
    const settings = { '.github/codex.yml': 'mode: interactive\n' }
    await world().github.as('olga', repository).pushes('main', settings)
    const { thread, says, ledger } = await opensIssue('Left or right')
    posthog.script(
      { repository },
      {
        ...{ kind: 'asksPermission', inMode: 'plan', question: 'Which way?', choices: ['Left', 'Right'] },
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
