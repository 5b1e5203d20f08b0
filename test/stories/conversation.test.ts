import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues('The thread is a conversation', world => {
  const opens = async (title: string) => {
    const { github } = world()
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title, body: 'As said.' })
    return {
      maya,
      number: issue.number,
      thread: new Thread(world(), issue.number),
      says: (text: string) => maya.comments(issue.number, text),
    }
  }

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

  it('more words that the agent ended without reading are said to the next one', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('Say it again')
    posthog.script('begin the list', { kind: 'manual' })
    await says('/codex begin the list')
    await thread.waitForStatus(/Codex is starting|PostHog is preparing/)
    const more = await says('/codex sort it')
    await thread.waitForReaction('+1', more.id)
    posthog.script('sort it', { kind: 'answers', text: 'Sorted.' })
    posthog.run(String(ledgerOf(world(), number).runs[0]?.runId)).finish('completed')
    await thread.waitForAnswer('Sorted.')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    expect(runs[1]?.body).toMatchObject({ resume_from_run_id: runs[0]?.runId })
    expect(await thread.answers()).toHaveLength(1)
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

  it('stop with nothing going on is answered', async () => {
    const { thread, says } = await opens('Nothing here')
    await says('/codex stop')
    await thread.waitForAnswer('nothing is going on in this thread')
  })

  it('retry sends the stored request again, on the same task', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('Try again')
    posthog.script('flaky work', { kind: 'fails', message: 'usage limit reached' }, { times: 1 })
    await says('/codex --effort low flaky work')
    await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    await says('/codex retry')
    await thread.waitForAnswer('pull request is ready')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    const without = (body: unknown) => ({ ...Object(body), pending_user_message: '' })
    expect(without(runs[1]?.body)).toEqual(without(runs[0]?.body))
    expect(runs[1]?.body).not.toHaveProperty('resume_from_run_id')
  })

  it('more words after the end resume the session, on the pull request', async () => {
    const { github, posthog } = world()
    const { thread, number, says } = await opens('Go on')
    await says('/codex start it')
    await thread.waitForAnswer('pull request is ready')
    const first = ledgerOf(world(), number).runs[0]
    posthog.run(String(first?.runId)).finish('completed')
    await thread.waitForStatus(/^### 🚀 \[#/)
    await github.waitFor(async () =>
      (await thread.reactions((await thread.view()).comments[0]?.id)).includes('rocket'),
    )
    posthog.script('add tests', { kind: 'pushesToBranch', text: 'Added tests.' })
    await says('/codex add tests')
    await thread.waitForAnswer('@maya done')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    const [pull] = (await github.pulls()).filter(({ body }) => body.includes(`Closes #${number}`))
    expect(runs[1]?.body).toMatchObject({ resume_from_run_id: first?.runId, branch: pull?.head })
    expect((await github.pulls()).filter(({ body }) => body.includes(`Closes #${number}`))).toHaveLength(1)
  })

  it('--new starts afresh', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('Afresh')
    await says('/codex first way')
    await thread.waitForAnswer('pull request is ready')
    posthog.run(String(ledgerOf(world(), number).runs[0]?.runId)).finish('completed')
    await says('/codex --new another way')
    const { github } = world()
    await github.waitFor(() => ledgerOf(world(), number).runs.length === 2)
    expect(ledgerOf(world(), number).tasks).toHaveLength(2)
    expect(ledgerOf(world(), number).runs[1]?.body).not.toHaveProperty('resume_from_run_id')
  })

  it('--new while a run goes on waits for its turn', async () => {
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
  })

  it('plan reads only; approve carries out what it says', async () => {
    const { github, posthog } = world()
    const { thread, number, says } = await opens('Think first')
    posthog.script('how to split', { kind: 'answers', text: '1. Move the models\n2. Move the views' })
    await says('/codex plan how to split it')
    await thread.waitForStatus(/^### 📋 Codex has a plan/)
    const plan = ledgerOf(world(), number).runs[0]
    expect(plan?.body).toMatchObject({
      initial_permission_mode: 'read-only',
      auto_publish: false,
      branch: 'main',
    })
    posthog.run(String(plan?.runId)).finish('completed')
    await thread.waitForAnswer('Carry out this plan')
    await github.settled()
    posthog.script('Carry out the plan', { kind: 'opensPull' })
    await says('/codex approve')
    await thread.waitForAnswer('pull request is ready')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    expect(runs[1]?.body).toMatchObject({ auto_publish: true })
    expect(JSON.stringify(runs[1]?.body)).toContain('1. Move the models')
    expect(runs[1]?.body).not.toMatchObject({ initial_permission_mode: 'read-only' })
  })

  it('approve does not carry out a plan for a pull request that has moved', async () => {
    const { github, posthog } = world()
    posthog.script('plan it well', { kind: 'answers', text: '1. Do it' })
    const maya = github.as('maya')
    await maya.pushes('maya/planned', { 'planned.txt': 'one' })
    const pull = await maya.opensPull({ head: 'maya/planned', title: 'Planned' })
    const thread = new Thread(world(), pull.number)
    await maya.comments(pull.number, '/codex plan plan it well')
    await thread.waitForAnswer('Carry out this plan')
    await maya.pushes('maya/planned', { 'planned.txt': 'two' })
    await maya.comments(pull.number, '/codex approve')
    await thread.waitForAnswer('`maya/planned` has new commits since the plan was made')
    expect(ledgerOf(world(), pull.number).runs).toHaveLength(1)
  })

  it('status says what is going on', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('How is it')
    await says('/codex status')
    await thread.waitForAnswer('nothing was asked here yet')
    posthog.script('slow thing', { kind: 'manual' })
    await says('/codex slow thing')
    await thread.waitForStatus(/Codex is starting|PostHog is preparing/)
    await says('/codex status')
    await thread.waitForAnswer(
      /going on here: (?:Codex is working|PostHog is starting it)\. `maya` asked for it\./,
    )
    posthog.run(String(ledgerOf(world(), number).runs[0]?.runId)).finish('completed')
  })

  it('continue goes on in the session that there is, and only then', async () => {
    const { posthog } = world()
    const { thread, number, says } = await opens('Continue me')
    await says('/codex continue')
    await thread.waitForAnswer('this thread has no earlier run to continue')
    await says('/codex begin here')
    await thread.waitForAnswer('pull request is ready')
    const [first] = ledgerOf(world(), number).runs
    posthog.run(String(first?.runId)).finish('completed')
    posthog.script('with the docs', { kind: 'pushesToBranch', text: 'Went on.' })
    await says('/codex continue with the docs')
    await thread.waitForAnswer('@maya done')
    expect(ledgerOf(world(), number).runs[1]?.body).toMatchObject({ resume_from_run_id: first?.runId })
  })

  it('status is one comment, replaced on the next ask', async () => {
    const { thread, says } = await opens('Ask twice')
    await says('/codex status')
    await thread.waitForAnswer('nothing was asked here yet')
    const again = await says('/codex status')
    await thread.waitForReaction('+1', again.id)
    expect(await thread.answers()).toHaveLength(1)
  })

  it('queue says what waits before this thread, in one answer for all who ask at once', async () => {
    const { thread, number } = await opens('In line')
    const people = ['maya', 'olga', 'maya', 'olga'].map(login => world().github.as(login))
    const asked = await Promise.all(people.map(person => person.comments(number, '/codex queue')))
    await Promise.all(asked.map(({ id }) => thread.waitForReaction('+1', id)))
    expect(await thread.answers()).toEqual([expect.stringContaining('nothing waits and nothing is going on')])
  })

  it('files go along, and one that can not is named', async () => {
    const { github } = world()
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')
    const shot = github.attach({ name: 'shot.png', type: 'image/png', bytes: png })
    const film = github.attach({ name: 'film.mp4', type: 'video/mp4', bytes: Buffer.from('film') })
    const maya = github.as('maya')
    const issue = await maya.opensIssue({
      title: 'With a picture',
      body: `Look:\n\n${shot.markdown}\n\n${film.markdown}`,
    })
    await maya.comments(issue.number, '/codex make it so')
    const thread = new Thread(world(), issue.number)
    await thread.waitForAnswer('pull request is ready')
    const body = Object(ledgerOf(world(), issue.number).runs[0]?.body)
    expect(body.pending_user_artifact_ids).toHaveLength(1)
    expect(await thread.status()).toContain('⚠️ Codex did not get `film.mp4`: ')
  })

  it('on a pull request that a run opened, the session goes on', async () => {
    const { github, posthog } = world()
    const { maya, thread, number, says } = await opens('Over there')
    await says('/codex begin')
    await thread.waitForAnswer('pull request is ready')
    const [first] = ledgerOf(world(), number).runs
    posthog.run(String(first?.runId)).finish('completed')
    const pull = (await github.pulls()).find(({ body }) => body.includes(`Closes #${number}`))
    posthog.script('polish it', { kind: 'pushesToBranch', text: 'Polished.' })
    await maya.comments(Number(pull?.number), '/codex polish it')
    await new Thread(world(), Number(pull?.number)).waitForAnswer('@maya done')
    const { tasks, runs } = ledgerOf(world(), number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    expect(runs[1]?.body).toMatchObject({ resume_from_run_id: first?.runId, branch: pull?.head })
  })
})
