/** What PostHog's real agent logs in the cases of which a bot is easily wrong, and what of it the thread is told. */
import { expect, it } from 'vitest'
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import { exhaustive } from '../support/tries.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'
import type { World } from '../world/world.ts'

/** A repository of its own, with an agent that takes each turn so. */
async function asksOne(world: World, name: string, behaviour: Behaviour) {
  const { posthog } = world
  const repository = await newRepository(world, undefined, { name })
  posthog.script({ repository }, behaviour)
  const opened = await opensIssue(world, name, repository)
  const asked = await opened.says('/codex do what is said above')
  return {
    ...opened,
    asked,
    agent: (prompt: string, then: Behaviour) => posthog.script({ repository, prompt }, then),
    /** The one last word, when all is said: to whom, and what. */
    async toldAtLast(reaction: string): Promise<string> {
      await opened.thread.waitForReaction(reaction, asked.id)
      await opened.thread.waitForFolded()
      const answers = await opened.thread.answers()
      expect(answers).toHaveLength(1)
      return String(answers[0]?.split(/\n\n<(?:details|sub)>/)[0])
    },
    calls() {
      const { runs, messages } = opened.ledger()
      return { runs: runs.length, messages: messages.length }
    },
  }
}

onEitherQueue('The log of the real agent', world => {
  const asks = (name: string, behaviour: Behaviour) => asksOne(world(), name, behaviour)

  it('answers words in the first turn at once, and both are told when the turn is over', async () => {
    const { thread, says, run, agent, toldAtLast, calls } = await asks('steered', {
      kind: 'manual',
    })
    await thread.waitForStatus('⏳ Codex is working')
    agent('and the logout', { kind: 'manual' })
    const more = await says('/codex and the logout')
    await thread.waitForReaction('+1', more.id)
    await run(0).completeTurn('The login is done.')
    await thread.waitForStatus(/1 instruction added/)
    expect(await thread.answers()).toEqual([])
    await run(0).completeTurn('The login and the logout are done.')
    expect(await toldAtLast('rocket')).toBe('@maya The login and the logout are done.')
    expect(calls()).toEqual({ runs: 1, messages: 1 })
  })

  it('ends with the last words before `finish`, though its sandbox goes with the rest', async () => {
    const finishes = {
      kind: 'finishes',
      status: 'completed',
      text: 'The cache was stale.',
    } as const
    const { toldAtLast, calls } = await asks('finished', {
      ...finishes,
      delay: 3_000,
      last: 'Bye.',
    })
    expect(await toldAtLast('rocket')).toBe('@maya The cache was stale.')
    expect(calls()).toEqual({ runs: 1, messages: 0 })
  })

  it('has a reason where its agent gave up, which is told and not tried again', async () => {
    const reason = 'The tests need a database, and there is none.'
    const givesUp = {
      kind: 'finishes',
      status: 'failed',
      reason,
      text: 'I look.',
      delay: 6_000,
    } as const
    const { toldAtLast, calls } = await asks('gave-up', givesUp)
    const told = await toldAtLast('confused')
    expect(told).toContain(`@maya Codex failed: it gave up. In its own words: ${reason}`)
    expect(told).toContain('- [ ] Try again')
    expect(calls()).toEqual({ runs: 1, messages: 0 })
  })

  it('lacks why PostHog’s run broke off: asked again once, then told in PostHog’s words', async () => {
    const { run, started, toldAtLast, calls } = await asks('outage', { kind: 'manual' })
    for (const [index, fault] of [
      'activity Heartbeat timeout',
      'send_followup failed: 504',
    ].entries()) {
      await started(index + 1)
      await run(index).say('I look into it.')
      await run(index).finish('failed', fault)
    }
    const told = await toldAtLast('confused')
    expect(told).toMatch(
      /^@maya Codex failed: PostHog’s run broke off: send\\_followup failed: 504\. It had been resumed once already\./,
    )
    expect(calls()).toEqual({ runs: 2, messages: 0 })
  })

  it('has no answer where PostHog stops the run for a limit, which nobody but PostHog did', async () => {
    const { run, started, toldAtLast, calls } = await asks('quota', { kind: 'manual' })
    await started(1)
    await run(0).say('I look into it.')
    await run(0).finish('cancelled', 'Stopped automatically: compute quota')
    expect(await toldAtLast('confused')).toContain(
      '@maya Codex failed: PostHog stopped the run for a limit: Stopped automatically: compute quota.',
    )
    expect(calls()).toEqual({ runs: 1, messages: 0 })
  })

  it('tells of a process that took too much memory, and the agent goes on', async () => {
    const { run, started, thread, toldAtLast } = await asks('memory', { kind: 'manual' })
    await started(1)
    const bytes = { treeRssBytes: 3.5e9, memoryCurrentBytes: 3.9e9, memoryLimitBytes: 4e9 }
    await run(0).store('_posthog/process_killed', { comm: 'node', signal: 'SIGKILL', ...bytes })
    await run(0).completeTurn('The build needs more memory.')
    expect(await toldAtLast('rocket')).toBe('@maya The build needs more memory.')
    expect((await thread.answers())[0]).toContain(
      '⚠️ PostHog ended `node`, which used too much memory. Codex went on without it.',
    )
  })

  it('has no end of what a server prints, which keeps neither the answer nor the next words', async () => {
    const server = { kind: 'leavesServer', text: 'It listens on port 3000.' } as const
    const { toldAtLast, calls, agent, says, thread } = await asks('server', server)
    expect(await toldAtLast('rocket')).toBe('@maya It listens on port 3000.')
    agent('on which port', { kind: 'answers', text: 'On 3000.' })
    await says('/codex on which port?')
    await thread.waitForAnswer('@maya On 3000.')
    expect(calls()).toEqual({ runs: 1, messages: 1 })
  })
})

onEitherQueue(
  'An older workflow sends the instruction once more',
  world => {
    it.runIf(exhaustive)(
      'which steers the turn that reads it already, and changes nothing',
      async () => {
        const slow: Behaviour = {
          kind: 'slow',
          ms: 5_000,
          next: { kind: 'answers', text: 'Done once.' },
        }
        const { toldAtLast, calls } = await asksOne(world(), 'twice', slow)
        expect(await toldAtLast('rocket')).toBe('@maya Done once.')
        expect(calls()).toEqual({ runs: 1, messages: 0 })
      },
    )
  },
  { posthog: { forwards: true } },
)
