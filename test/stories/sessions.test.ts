/** A task run idles for an hour after its turn, so the next command mostly finds one that still listens. */
import { expect, it, vi } from 'vitest'
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import { exhaustive } from '../support/tries.ts'
import { onBothQueues, onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, working } from '../world/opens-issue.ts'
import { Thread } from '../world/thread.ts'

/** Two task runs boot one after the other, beside those of the other stories. */
vi.setConfig({ testTimeout: 120_000 })

onEitherQueue('In the hour after a turn', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('approve does not go into the run of the plan, which may only read', async () => {
    world().posthog.script('plan the split', { kind: 'answers', text: '1. Move the models' })
    const { says, thread, ledger, run } = await opens('Approve at once')
    await says('/codex plan --effort low plan the split')
    await thread.waitForAnswer('Carry out this plan')
    expect(run(0).status).toBe('in_progress')
    expect(ledger().runs[0]?.body).toMatchObject({
      initial_permission_mode: 'read-only',
      auto_publish: false,
      branch: 'main',
    })
    world().posthog.script('Carry out the plan', { kind: 'opensPull' })
    await says('/codex approve')
    await thread.waitForAnswer('Codex opened draft')
    const { tasks, runs, messages, cancels } = ledger()
    expect([tasks.length, runs.length, messages.length, cancels.length]).toEqual([1, 2, 0, 1])
    expect(run(0).status).toBe('cancelled')
    expect(runs[1]?.body).toMatchObject({ auto_publish: true, reasoning_effort: 'low' })
    expect(runs[1]?.body).not.toHaveProperty('initial_permission_mode')
    // The plan was made on the default branch, so this is no session to go on with: it is told the plan.
    expect(runs[1]?.body).not.toHaveProperty('resume_from_run_id')
    expect(JSON.stringify(runs[1]?.body)).toContain('1. Move the models')
  })

  it('the end of a turn of PostHog’s own is not the answer to words that came meanwhile', async () => {
    const { says, thread, ledger, run } = await opens('Keep it green')
    await says('/codex open it')
    await thread.waitForAnswer('Codex opened draft')
    await world().github.settled()
    run(0).ciTurn({
      kind: 'slow',
      ms: 4_000,
      next: { kind: 'answers', text: 'All checks are green.' },
    })
    world().posthog.script('why so slow', {
      kind: 'slow',
      ms: 4_000,
      next: { kind: 'answers', text: 'It waits.' },
    })
    await says('/codex why so slow?')
    await thread.waitForAnswer('It waits.')
    expect((await thread.answers()).join('\n')).not.toContain('All checks are green.')
    expect(ledger().messages).toHaveLength(1)
  })
})

onEitherQueue(
  'An agent asks for a permission',
  world => {
    const asks: Behaviour = { kind: 'asksPermission', next: { kind: 'answers', text: 'Allowed.' } }

    async function opens(settings: string) {
      const repository = await newRepository(world(), settings)
      const script = (behaviour: Behaviour) => world().posthog.script({ repository }, behaviour)
      return { script, ...(await opensIssue(world(), 'Ask first', repository)) }
    }

    it('waits for what its run may do, in a session that somebody watches', async () => {
      const reader = await opens('mode: interactive\npermission: read-only\n')
      reader.script(asks)
      await reader.says('/codex show me first')
      expect(await reader.thread.waitForAnswer('I was not allowed to do that')).toContain(
        'asked for permission and may not do this',
      )
      const worker = await opens('mode: interactive\n')
      worker.script({ ...asks, inMode: 'read-only' })
      await worker.says('/codex show me first')
      expect(await worker.thread.waitForAnswer('Allowed.')).toContain(
        'asked for permission and may do this',
      )
    })

    it('asks for two at once, and has an answer to each', async () => {
      const worker = await opens('mode: interactive\n')
      worker.script({ ...asks, atOnce: ['Run `npm ci`?'], inMode: 'read-only' })
      await worker.says('/codex show me first')
      await worker.thread.waitForAnswer('Allowed.')
    })

    it.runIf(exhaustive)(
      'has it from PostHog at once in the background, whatever the mode',
      async () => {
        const planner = await opens('effort: low\n')
        planner.script(asks)
        await planner.says('/codex plan ask first')
        expect(await planner.thread.waitForAnswer('Allowed.')).not.toContain('asked for permission')
        expect(planner.ledger().messages).toEqual([])
      },
    )
  },
  { posthog: { watched: true } },
)

onBothQueues('A session that is shared', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('an issue and its pull request do not speak to one session at once', async () => {
    const { says, thread, ledger, number } = await opens('Both at once')
    await says('/codex open one')
    await thread.waitForAnswer('Codex opened draft')
    const pull = (await world().github.pulls()).find(({ body }) =>
      body.includes(`Closes #${number}`),
    )
    const there = new Thread(world(), Number(pull?.number))
    const turnMs = 5_000
    world().posthog.script('asked here', {
      kind: 'slow',
      ms: turnMs,
      next: { kind: 'answers', text: 'To you.' },
    })
    world().posthog.script('asked there', { kind: 'answers', text: 'To them.' })
    await says('/codex asked here')
    await world().github.waitFor(() => ledger().messages.length === 1)
    await world().github.as('maya').comments(Number(pull?.number), '/codex asked there')
    await there.waitForStatus('waits for its turn')
    await thread.waitForAnswer('To you.')
    await there.waitForAnswer('To them.')
    const [first, second] = ledger().messages.map(({ at }) => at)
    expect(Number(second) - Number(first), 'the first turn was over').toBeGreaterThanOrEqual(turnMs)
    expect((await there.answers()).join()).not.toContain('To you.')
    expect((await thread.answers()).join()).not.toContain('To them.')
    expect([ledger().runs.length, ledger().messages.length]).toEqual([1, 2])
  })
})

onEitherQueue('An issue and its pull request', world => {
  const atWork = async (title: string) => {
    const { run, pulls, thread: issue, ...work } = await working(world(), title)
    await run(0).openPull()
    await issue.waitForStatus('Codex still works on it')
    const pull = Number((await pulls())[0]?.number)
    return { ...work, issue, pull, there: new Thread(world(), pull), run: run(0) }
  }

  it('stop on the pull request stops the run of its issue, which works there', async () => {
    const { maya, number, pull, issue, there, ledger } = await atWork('take a turn more')
    await maya.comments(pull, '/codex status')
    await there.waitForAnswer(
      `but a run is going on in #${number} (this is its pull request): Codex is working`,
    )
    const stop = await maya.comments(pull, '/codex stop')
    await there.waitForAnswer(`the run in #${number} (this is its pull request) is being stopped`)
    await there.waitForReaction('+1', stop.id)
    await world().github.waitFor(() => ledger().cancels.length === 1)
    await issue.waitForStatus('Stopped by `maya`')
    const again = await maya.comments(pull, '/codex stop')
    await there.waitForReaction('-1', again.id)
    await there.waitForAnswer('nothing is going on in this thread')
  })

  it('stop on the issue stops the run of its pull request', async () => {
    const { maya, number, pull, issue, there, run, ledger } = await atWork('take one turn')
    await run.completeTurn('Done.')
    await issue.waitForFolded()
    world().posthog.script('go on here', { kind: 'hangs' })
    await maya.comments(pull, '/codex go on here')
    await there.waitForStatus('⏳ Codex is working')
    await maya.comments(number, '/codex stop')
    await issue.waitForAnswer(`the run in #${pull} (the pull request of this issue) is being`)
    await there.waitForStatus('Stopped by `maya`')
    expect(ledger().cancels).toHaveLength(1)
  })
})
