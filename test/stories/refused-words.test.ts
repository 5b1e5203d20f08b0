/** What PostHog does not pass on to an agent is answered to who wrote it. The run goes on. */
import { expect, it } from 'vitest'
import type { Fault } from '../../emulators/posthog/fault.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('Words that PostHog refuses', world => {
  const atWork = async (title: string) => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    const { number } = await maya.opensIssue({ title, body: 'As said.' })
    const thread = new Thread(world(), number)
    const task = `do it: ${title}`
    posthog.script(task, { kind: 'manual' })
    await maya.comments(number, `/codex ${task}`)
    await thread.waitForStatus('⏳ Codex is working')
    const { runs } = ledgerOf(world(), number)
    const run = posthog.run(String(runs[0]?.runId))
    const commands = (fault: Fault, times = 1) =>
      posthog.fault({ route: new RegExp(`/runs/${run.id}/command/$`), fault, times })
    const says = (text: string) => maya.comments(number, text)
    return { thread, number, run, commands, says }
  }

  const endsWell = async ({ thread, number, run }: Awaited<ReturnType<typeof atWork>>) => {
    await run.completeTurn('All is done.')
    await thread.waitForStatus(/^### 💬/)
    const { runs, cancels } = ledgerOf(world(), number)
    expect([runs.length, cancels.length]).toEqual([1, 0])
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
    const answer = await work.thread.waitForAnswer('Codex did not get “and test it”: ')
    expect(answer).toContain('@maya')
    expect(answer).toContain(said)
    await work.thread.waitForReaction('-1', more.id)
    await endsWell(work)
    expect(ledgerOf(world(), work.number).messages).toEqual([])
  })

  it.each<[string, Fault, number]>([
    [
      'its sandbox is up',
      {
        kind: 'status',
        code: 503,
        body: { type: 'runtime_unavailable', code: 'sandbox_not_ready', error: 'No active sandbox' },
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
    expect(ledgerOf(world(), work.number).messages).toHaveLength(1)
    await endsWell(work)
  })

  it('that were said while the run is cancelled elsewhere begin the next one', async () => {
    const work = await atWork('Cancelled elsewhere')
    const { posthog } = world()
    const { runs } = ledgerOf(world(), work.number)
    // Its instruction is read by then: a run that ends before that begins with it again.
    await work.run.progress('begun', 'At it')
    await work.thread.waitForStatus('At it')
    posthog.script('and test it', { kind: 'answers', text: 'Tested.' })
    work.commands({
      kind: 'status',
      code: 502,
      body: { error: 'Failed to queue user message for task run' },
    })
    await work.says('/codex and test it')
    await work.run.finish('cancelled')
    await work.thread.waitForAnswer('Tested.')
    expect(ledgerOf(world(), work.number).runs[1]?.body).toMatchObject({
      resume_from_run_id: runs[0]?.runId,
    })
  })
})
