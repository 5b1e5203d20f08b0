import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { asToldIn, attachesPicture, opensIssue, working } from '../world/opens-issue.ts'
import { Thread } from '../world/thread.ts'

onBothQueues('The thread is a conversation', world => {
  it('more words while it works go to the agent', async () => {
    const { thread, says, run, ledger, counts } = await working(world(), 'build the cache')
    const more = await says('/codex use an LRU')
    await thread.waitForReaction('+1', more.id)
    expect(await thread.answers()).toEqual([])
    const { messages } = ledger()
    expect(counts()).toMatchObject({ tasks: 1, runs: 1, messages: 1 })
    expect(messages[0]?.body).toMatchObject({ method: 'user_message', id: `comment-${more.id}` })
    expect(JSON.stringify(messages[0]?.body)).toContain('use an LRU')
    world().posthog.script('use an LRU', { kind: 'answers', text: 'It is one now.' })
    await run(0).completeTurn('The cache is there.')
    await thread.waitForStatus(/^### 💬/)
  })

  it('stop stops it, at PostHog too, and says what is left', async () => {
    const { github } = world()
    const { thread, number, says, run, ledger } = await working(world(), 'count to infinity')
    const { id } = await says('/codex stop please')
    const status = await thread.waitForStatus(/^### ⏹️ Codex was stopped/)
    expect(status).toMatch(
      /^Stopped by `maya`\.$[\s\S]*<sub>no new commit or pull request found · /m,
    )
    await thread.waitForReaction('+1', id)
    expect(await thread.answers()).toEqual([])
    expect(ledger().cancels).toHaveLength(1)
    expect(run(0).status).toBe('cancelled')
    await github.waitFor(
      async () =>
        !(await github.branches()).some(name => name.startsWith(`codex/issue-${number}-`)),
    )
  })

  it('--new while a run goes on waits for its turn, and starts afresh', async () => {
    const { thread, says, run, ledger, started } = await working(world(), 'first in turn')
    const { id } = await says('/codex --new second in turn')
    await thread.waitForReaction('eyes', id)
    await world().github.settled()
    expect(await thread.answers()).toEqual([])
    expect(ledger().runs).toHaveLength(1)
    await run(0).completeTurn('Done with the first.')
    await started(2)
    const { tasks, runs } = ledger()
    expect(tasks).toHaveLength(2)
    expect(runs[1]?.body).not.toHaveProperty('resume_from_run_id')
  })
})

onEitherQueue('A thread that was asked before', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('continue goes on in the session that there is, and so do more words on its pull request', async () => {
    const { posthog } = world()
    const { maya, thread, says, makes, pulls, run, ledger } = await opens('Continue me')
    await says('/codex continue')
    await thread.waitForAnswer('this thread has no earlier run to continue')
    await makes('begin here')
    await run(0).finish('completed')
    posthog.script('with the docs', { kind: 'pushesToBranch', text: 'Went on.' })
    await says('/codex continue with the docs')
    await thread.waitForAnswer('@maya done')
    await run(1).finish('completed')
    const [pull, ...others] = await pulls()
    posthog.script('polish it', { kind: 'pushesToBranch', text: 'Polished.' })
    await maya.comments(Number(pull?.number), '/codex polish it')
    await new Thread(world(), Number(pull?.number)).waitForAnswer('@maya done')
    const { tasks, runs } = ledger()
    expect([tasks.length, runs.length, others.length]).toEqual([1, 3, 0])
    expect(runs.slice(1).map(({ body }) => body)).toMatchObject([
      { resume_from_run_id: runs[0]?.runId, branch: pull?.head },
      { resume_from_run_id: runs[1]?.runId, branch: pull?.head },
    ])
  })

  it('retry sends the stored request again, on the same task', async () => {
    const { posthog } = world()
    const { thread, says, ledger } = await opens('Try again')
    posthog.script('flaky work', { kind: 'fails', message: 'usage limit reached' }, { times: 1 })
    await says('/codex --effort low flaky work')
    await thread.waitForAnswer(/@\w+ Codex failed:/)
    await says('/codex retry')
    await thread.waitForAnswer('Codex opened draft')
    const { tasks, runs } = ledger()
    expect([tasks.length, runs.length]).toEqual([1, 2])
    const without = (body: unknown) => ({ ...Object(body), pending_user_message: '' })
    expect(without(runs[1]?.body)).toEqual(without(runs[0]?.body))
    expect(runs[1]?.body).not.toHaveProperty('resume_from_run_id')
  })

  it('status says what is going on, and folds away what it said before', async () => {
    const { github, posthog } = world()
    const { thread, says, run } = await opens('How is it')
    await says('/codex status')
    await thread.waitForAnswer('nobody has asked for anything here yet')
    posthog.script('slow thing', { kind: 'manual' })
    await says('/codex slow thing')
    await thread.waitForStatus(/Codex is working|PostHog is preparing/)
    await says('/codex status')
    await thread.waitForAnswer(
      /going on here: (?:Codex is working|PostHog is starting it)\. `maya` asked for it\./,
    )
    const folded = async () => (await thread.botComments()).filter(({ minimized }) => minimized)
    await github.waitFor(async () => (await folded()).length === 1)
    expect((await folded())[0]?.body).toContain('nobody has asked for anything here yet')
    await run(0).finish('completed')
  })

  it('files go along, and one that can not is named', async () => {
    const { github } = world()
    const shot = attachesPicture(world())
    const film = github.attachments.add({
      name: 'film.mp4',
      type: 'video/mp4',
      bytes: Buffer.from('film'),
    })
    const text = `Look:\n\n${shot.markdown}\n\n${film.markdown}`
    const { says, thread, ledger, prompt } = await opensIssue(
      world(),
      'With a picture',
      undefined,
      text,
    )
    await says('/codex make it so')
    await thread.waitForAnswer('Codex opened draft')
    expect(asToldIn(prompt()).inside).toMatch(/ Attached files:\nattachment-1: "[\w-]+"\n/)
    const body = Object(ledger().runs[0]?.body)
    expect(body.pending_user_artifact_ids).toHaveLength(1)
    expect(await thread.status()).toContain('⚠️ Codex did not get `film.mp4`: ')
  })
})
