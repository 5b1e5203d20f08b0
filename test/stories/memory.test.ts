import { expect, it } from 'vitest'
import { onRedis } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { wipeData } from '../world/wipe-queue.ts'

onRedis('The queue was wiped', world => {
  it('the thread remembers: more words resume the session', async () => {
    const { thread, says, run, runs, counts } = await opensIssue(world(), 'Long ago')
    const asked = await says('/codex begin')
    await thread.waitForAnswer('Codex opened draft')
    await run(0).finish('completed')
    await thread.waitForReaction('rocket', asked.id)
    await wipeData(world())

    world().posthog.script('weeks later', { kind: 'pushesToBranch', text: 'Still here.' })
    await says('/codex weeks later')
    await thread.waitForAnswer('@maya done')
    expect(counts()).toMatchObject({ tasks: 1, runs: 2 })
    expect(runs()[1]?.body).toMatchObject({ resume_from_run_id: run(0).id })
  })

  it('the thread remembers: what was asked can be tried again', async () => {
    world().posthog.script(
      'rare words',
      { kind: 'fails', message: 'usage limit reached' },
      { times: 1 },
    )
    const { thread, says, runs, counts } = await opensIssue(world(), 'Failed')
    const asked = await says('/codex --effort low rare words')
    await thread.waitForAnswer(/@\w+ Codex failed:/)
    await thread.waitForReaction('confused', asked.id)
    await wipeData(world())

    await says('/codex retry')
    await thread.waitForAnswer('Codex opened draft')
    expect(counts()).toMatchObject({ tasks: 1, runs: 2 })
    expect(runs()[1]?.body).toMatchObject({ reasoning_effort: 'low' })
  })
})
