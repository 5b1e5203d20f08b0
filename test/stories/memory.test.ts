import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { onEitherQueue, onRedis } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onRedis('The queue was wiped', world => {
  it('the thread remembers: more words resume the session', async () => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title: 'Long ago', body: 'x' })
    await maya.comments(issue.number, '/codex begin')
    const thread = new Thread(world(), issue.number)
    await thread.waitForAnswer('pull request is ready')
    const [first] = ledgerOf(world(), issue.number).runs
    await posthog.run(String(first?.runId)).finish('completed')
    await thread.waitForReaction('rocket', (await thread.view()).comments[0]?.id)
    const redis = new Redis(String(world().env.REDIS_URL))
    await redis.flushall()
    redis.disconnect()

    posthog.script('weeks later', { kind: 'pushesToBranch', text: 'Still here.' })
    await maya.comments(issue.number, '/codex weeks later')
    await thread.waitForAnswer('@maya done')
    const { tasks, runs } = ledgerOf(world(), issue.number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    expect(runs[1]?.body).toMatchObject({ resume_from_run_id: first?.runId })
  })

  it('the thread remembers: what was asked can be tried again', async () => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    posthog.script('rare words', { kind: 'fails', message: 'usage limit reached' }, { times: 1 })
    const issue = await maya.opensIssue({ title: 'Failed', body: 'x' })
    await maya.comments(issue.number, '/codex --effort low rare words')
    const thread = new Thread(world(), issue.number)
    await thread.waitForAnswer(/@\w+ Codex (?:failed|did not start):/)
    await thread.waitForReaction('confused', (await thread.view()).comments[0]?.id)
    const redis = new Redis(String(world().env.REDIS_URL))
    await redis.flushall()
    redis.disconnect()

    await maya.comments(issue.number, '/codex retry')
    await thread.waitForAnswer('pull request is ready')
    const { tasks, runs } = ledgerOf(world(), issue.number)
    expect([tasks.length, runs.length]).toEqual([1, 2])
    expect(runs[1]?.body).toMatchObject({ reasoning_effort: 'low' })
  })
})

onEitherQueue('Somebody copies a marker', world => {
  it('a marker in another thread, or by somebody else, means nothing', async () => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    const first = await maya.opensIssue({ title: 'The first', body: 'x' })
    await maya.comments(first.number, '/codex begin')
    const thread = new Thread(world(), first.number)
    await thread.waitForAnswer('pull request is ready')
    const stolen = String((await thread.botComments())[0]?.body)

    const second = await maya.opensIssue({ title: 'The second', body: stolen })
    await maya.comments(second.number, stolen)
    posthog.script('use it', { kind: 'answers', text: 'No.' })
    await maya.comments(second.number, '/codex use it')
    await new Thread(world(), second.number).waitForAnswer('@maya No.')
    expect(ledgerOf(world(), second.number).tasks).toHaveLength(1)
    expect(ledgerOf(world(), second.number).runs[0]?.body).not.toHaveProperty('resume_from_run_id')
  })
})
