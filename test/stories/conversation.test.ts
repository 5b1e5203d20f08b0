import { expect, it } from 'vitest'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues('The thread is a conversation', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('more words while it works go to the agent', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('Steer me')
    posthog.script('build the cache', { kind: 'manual' })
    await says('/codex build the cache')
    await thread.waitForStatus('⏳ Codex is working')
    const more = await says('/codex use an LRU')
    await thread.waitForReaction('+1', more.id)
    expect(await thread.answers()).toEqual([])
    const { tasks, runs, messages } = ledgerOf(world(), number)
    expect([tasks.length, runs.length, messages.length]).toEqual([1, 1, 1])
    expect(messages[0]?.body).toMatchObject({ method: 'user_message', id: `comment-${more.id}` })
    expect(JSON.stringify(messages[0]?.body)).toContain('use an LRU')
    posthog.script('use an LRU', { kind: 'answers', text: 'It is one now.' })
    await posthog.run(String(runs[0]?.runId)).completeTurn('The cache is there.')
    await thread.waitForStatus(/^### 💬/)
  })

  it('stop stops it, at PostHog too, and says what is left', async () => {
    const { github, posthog } = world()
    const { thread, number, says } = await opens('Stop me')
    posthog.script('count to infinity', { kind: 'hangs' })
    await says('/codex count to infinity')
    await thread.waitForStatus('⏳ Codex is working')
    const { id } = await says('/codex stop please')
    const status = await thread.waitForStatus(/^### ⏹️ Codex was stopped/)
    expect(status).toContain('Stopped by `maya`. Nothing was pushed.')
    await thread.waitForReaction('+1', id)
    expect(await thread.answers()).toEqual([])
    const { cancels, runs } = ledgerOf(world(), number)
    expect(cancels).toHaveLength(1)
    expect(posthog.run(String(runs[0]?.runId)).status).toBe('cancelled')
    await github.waitFor(
      async () => !(await github.branches()).some(name => name.startsWith(`codex/issue-${number}-`)),
    )
  })

  it('whose words a run had in one turn are all named by its last word', async () => {
    const { github, posthog } = world()
    const { thread, number, says } = await opens('Of two people')
    posthog.script('first of two people', { kind: 'manual' })
    await says('/codex first of two people')
    await thread.waitForStatus('⏳ Codex is working')
    await github.as('olga').comments(number, '/codex and what olga wants')
    await github.waitFor(() => ledgerOf(world(), number).messages.length > 0)
    const run = posthog.run(String(ledgerOf(world(), number).runs[0]?.runId))
    posthog.script('and what olga wants', { kind: 'answers', text: 'Did both.' })
    await run.completeTurn('Did the first.')
    await thread.waitForAnswer('@maya @olga Did both.')
  })

  it('--new while a run goes on waits for its turn, and starts afresh', async () => {
    const { github, posthog } = world()
    const { thread, number, says } = await opens('In turn')
    posthog.script('first in turn', { kind: 'manual' })
    await says('/codex first in turn')
    await thread.waitForStatus('⏳ Codex is working')
    await says('/codex --new second in turn')
    await thread.waitForAnswer('another run is still going in this thread')
    const [first] = ledgerOf(world(), number).runs
    expect(ledgerOf(world(), number).runs).toHaveLength(1)
    await posthog.run(String(first?.runId)).completeTurn('Done with the first.')
    await github.waitFor(() => ledgerOf(world(), number).runs.length === 2)
    const { tasks, runs } = ledgerOf(world(), number)
    expect(tasks).toHaveLength(2)
    expect(runs[1]?.body).not.toHaveProperty('resume_from_run_id')
  })
})

onEitherQueue('A thread that was asked before', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('continue goes on in the session that there is, and so do more words on its pull request', async () => {
    const { github, posthog } = world()
    const { maya, thread, number, says } = await opens('Continue me')
    const pulls = async () => (await github.pulls()).filter(({ body }) => body.includes(`Closes #${number}`))
    const ends = (n: number) =>
      posthog.run(String(ledgerOf(world(), number).runs[n]?.runId)).finish('completed')
    await says('/codex continue')
    await thread.waitForAnswer('this thread has no earlier run to continue')
    await says('/codex begin here')
    await thread.waitForAnswer('Codex opened draft')
    await thread.waitForFolded()
    await ends(0)
    posthog.script('with the docs', { kind: 'pushesToBranch', text: 'Went on.' })
    await says('/codex continue with the docs')
    await thread.waitForAnswer('@maya done')
    await ends(1)
    const [pull, ...others] = await pulls()
    posthog.script('polish it', { kind: 'pushesToBranch', text: 'Polished.' })
    await maya.comments(Number(pull?.number), '/codex polish it')
    await new Thread(world(), Number(pull?.number)).waitForAnswer('@maya done')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length, others.length]).toEqual([1, 3, 0])
    expect(runs.slice(1).map(({ body }) => body)).toMatchObject([
      { resume_from_run_id: runs[0]?.runId, branch: pull?.head },
      { resume_from_run_id: runs[1]?.runId, branch: pull?.head },
    ])
  })

  it('retry sends the stored request again, on the same task', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('Try again')
    posthog.script('flaky work', { kind: 'fails', message: 'usage limit reached' }, { times: 1 })
    await says('/codex --effort low flaky work')
    await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    await says('/codex retry')
    await thread.waitForAnswer('Codex opened draft')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    const without = (body: unknown) => ({ ...Object(body), pending_user_message: '' })
    expect(without(runs[1]?.body)).toEqual(without(runs[0]?.body))
    expect(runs[1]?.body).not.toHaveProperty('resume_from_run_id')
  })

  it('status says what is going on', async () => {
    const { github, posthog } = world()
    const { thread, number, says } = await opens('How is it')
    await says('/codex status')
    await thread.waitForAnswer('nobody has asked for anything here yet')
    posthog.script('slow thing', { kind: 'manual' })
    await says('/codex slow thing')
    await thread.waitForStatus(/Codex is working|PostHog is preparing/)
    await says('/codex status')
    await thread.waitForAnswer(
      /going on here: (?:Codex is working|PostHog is starting it)\. `maya` asked for it\./,
    )
    const folded = async () =>
      (await thread.botComments())
        .filter(({ body }) => !body.startsWith('### '))
        .map(({ minimized }) => minimized === true)
    // Each answer folds away the one before it.
    await github.waitFor(async () => (await folded())[0])
    expect(await folded()).toEqual([true, false])
    await posthog.run(String(ledgerOf(world(), number).runs[0]?.runId)).finish('completed')
  })

  it('files go along, and one that can not is named', async () => {
    const { github } = world()
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')
    const shot = github.attachments.add({ name: 'shot.png', type: 'image/png', bytes: png })
    const film = github.attachments.add({ name: 'film.mp4', type: 'video/mp4', bytes: Buffer.from('film') })
    const maya = github.as('maya')
    const issue = await maya.opensIssue({
      title: 'With a picture',
      body: `Look:\n\n${shot.markdown}\n\n${film.markdown}`,
    })
    await maya.comments(issue.number, '/codex make it so')
    const thread = new Thread(world(), issue.number)
    await thread.waitForAnswer('Codex opened draft')
    const body = Object(ledgerOf(world(), issue.number).runs[0]?.body)
    expect(body.pending_user_artifact_ids).toHaveLength(1)
    expect(await thread.status()).toContain('⚠️ Codex did not get `film.mp4`: ')
  })
})
