/** What PostHog does not pass on to an agent is answered to who wrote it. The run goes on. */
import { expect, it } from 'vitest'
import type { Fault } from '../../emulators/posthog/fault.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue, type Talk, working } from '../world/opens-issue.ts'

onEitherQueue('Words that PostHog refuses', world => {
  const atWork = async (title: string) => {
    const work = await working(world(), `do it: ${title}`)
    const commands = (fault: Fault, times = 1) =>
      world().posthog.fault({
        route: new RegExp(`/runs/${work.run(0).id}/command/$`),
        fault,
        times,
      })
    return { ...work, commands }
  }

  const endsWell = async ({ thread, run, ledger }: Talk) => {
    await run(0).completeTurn('All is done.')
    await thread.waitForStatus(/^### 💬/)
    expect([ledger().runs.length, ledger().cancels.length]).toEqual([1, 0])
  }

  it.each<[string, Fault, string]>([
    [
      'a usage limit',
      { kind: 'usage-limit', reset_at: '2027-01-01T00:00:00Z' },
      'PostHog’s usage limit is reached',
    ],
    [
      'a conflict',
      { kind: 'status', code: 409, body: { code: 'held', error: 'The queue is held' } },
      'The queue is held',
    ],
  ])('by %s', async (why, fault, said) => {
    const work = await atWork(`Refused by ${why}`)
    work.commands(fault)
    const more = await work.says('/codex and test it')
    const answer = await work.thread.waitForAnswer('Codex did not get `/codex and test it`: ')
    expect(answer).toContain('@maya')
    expect(answer).toContain(said)
    await work.thread.waitForReaction('-1', more.id)
    await endsWell(work)
    expect(work.ledger().messages).toEqual([])
  })

  it.each<[string, Fault, number]>([
    [
      'its sandbox is up',
      {
        kind: 'status',
        code: 503,
        body: {
          type: 'runtime_unavailable',
          code: 'sandbox_not_ready',
          error: 'No active sandbox',
        },
        retryAfter: 1,
      },
      2,
    ],
    ['it is found', { kind: 'status', code: 404 }, 1],
    [
      'its workflow takes them',
      { kind: 'status', code: 502, body: { error: 'Failed to queue user message for task run' } },
      1,
    ],
  ])('until %s are passed on then', async (until, fault, times) => {
    world().posthog.script('and test it', { kind: 'answers', text: 'Tested.' })
    const work = await atWork(`Later, when ${until}`)
    const met = work.commands(fault, times)
    const more = await work.says('/codex and test it')
    await work.thread.waitForReaction('+1', more.id)
    expect(met.hits).toBe(times)
    expect(await work.thread.answers()).toEqual([])
    expect(work.ledger().messages).toHaveLength(1)
    await endsWell(work)
  })

  it('that were said while the run is cancelled elsewhere begin the next one', async () => {
    const { thread, says, run, ledger, commands } = await atWork('Cancelled elsewhere')
    // Its instruction is read by then: a run that ends before that begins with it again.
    await thread.waitForStatus('⏳ Codex is working')
    world().posthog.script('and test it', { kind: 'answers', text: 'Tested.' })
    const error = 'Failed to queue user message for task run'
    commands({ kind: 'status', code: 502, body: { error } })
    await says('/codex and test it')
    await run(0).finish('cancelled')
    await thread.waitForAnswer('Tested.')
    expect(ledger().runs[1]?.body).toMatchObject({ resume_from_run_id: run(0).id })
  })
})

onEitherQueue(
  'Words while the sandbox boots',
  world => {
    it('are kept from the agent until it has begun, and no run fails with them', async () => {
      world().posthog.script('and test it', { kind: 'answers', text: 'Tested.' })
      const work = await opensIssue(world(), 'Boots')
      await work.says('/codex do it')
      await work.started(1)
      const more = await work.says('/codex and test it')
      await work.thread.waitForReaction('+1', more.id)
      await work.thread.waitForAnswer('Tested.')
      expect([work.ledger().runs.length, work.ledger().messages.length]).toEqual([1, 1])
    })
  },
  { posthog: { timing: { agent: 5_000 } } },
)
