/** When a run is over: at the end of its turn and not before, whatever PostHog calls it meanwhile. */
import { expect, it } from 'vitest'
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import { exhaustive, someOf } from '../support/tries.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

/** A plainer one has the like. */
const rarely = it.runIf(exhaustive)

onEitherQueue('A run is over', world => {
  /** For these words an agent does that, so often. */
  async function asks(title: string, words: string, behaviour?: Behaviour, times?: number) {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const issue = await opensIssue(world(), title, repository)
    const { ledger } = issue
    const agent = (prompt: string, behaviour: Behaviour, times?: number) =>
      posthog.script({ repository, prompt }, behaviour, times === undefined ? {} : { times })
    if (behaviour) agent(words, behaviour, times)
    const asked = await issue.says(`/codex ${words}`)
    const reads = () => {
      const ids = ledger().runs.map(({ runId }) => String(runId))
      return posthog.calls.filter(
        ({ path, route }) => route === 'session-logs' && ids.some(id => path.includes(id)),
      )
    }
    return {
      ...issue,
      asked,
      agent,
      run: (index = 0) => issue.run(index),
      /** Until the bot has read the log so often from now on. */
      looks: (times: number) => {
        const before = reads().length
        return github.waitFor(() => reads().length >= before + times, { timeout: 100_000 })
      },
    }
  }

  it('not at its pull request, of which the status tells at once, but when its agent has no more to say', async () => {
    const { asked, thread, run } = await asks('Talks on', 'talk on and on', { kind: 'manual' })
    await thread.waitForStatus('⏳ Codex is working')
    await run().openPull()
    const working = await thread.waitForStatus(/\[#\d+ .*Codex still works on it/)
    expect(working).toContain('⏳ Codex is working')
    expect(working).toContain('- [ ] Stop this run')
    await run().say('Three more commits, and one thing to decide: is 30 s enough?')
    expect(await thread.answers()).toEqual([])
    await run().completeTurn()
    const told = await thread.waitForAnswer('one thing to decide')
    expect(told).toMatch(/^@maya .*\/pull\/\d+\)/)
    expect(told).toContain(' · $0.42 · ')
    await thread.waitForReaction('rocket', asked.id)
    await thread.waitForFolded()
    expect(await thread.answers()).toHaveLength(1)
  })

  it('not when its sandbox stops: it goes on in the same session, and the status says so', async () => {
    const { thread, agent, ledger, run } = await asks(
      'Sandbox stops',
      'stop in the middle',
      { kind: 'stopsShort', by: 'sandbox_gone' },
      1,
    )
    agent('ended before it was finished', { kind: 'manual' })
    await thread.waitForStatus('its sandbox stopped. It goes on in the same session.')
    const [first, second] = ledger().runs
    expect(second?.body).toMatchObject({ resume_from_run_id: first?.runId })
    expect(await thread.answers()).toEqual([])
    await run(1).completeTurn('Now all tests pass.')
    await thread.waitForAnswer('Now all tests pass.')
  })

  const cutOff = [
    ['an older workflow', { kind: 'stopsShort', by: 'older-workflow' }],
    ['the clock', { kind: 'stopsShort', by: 'timed_out_wall_clock' }],
    ['inactivity', { kind: 'stopsShort', by: 'timed_out_inactivity' }],
    ['a failure upstream', { kind: 'fails', message: 'Agent error: 503 of upstream' }],
  ] as const

  it.each(someOf(cutOff, 1))('not when it is cut off by %s', async (name, behaviour) => {
    const { thread, agent } = await asks(`Cut off by ${name}`, `cut off by ${name}`, behaviour, 1)
    agent('ended before it was finished', { kind: 'answers', text: 'Done in the end.' })
    const told = await thread.waitForAnswer('Done in the end.')
    expect(told).not.toContain('did not finish')
    expect(await thread.answers()).toHaveLength(1)
  })

  rarely('once more cut off, with what is there, what to do, and a box that does it', async () => {
    const { asked, thread, agent, ticks, ledger, run, started } = await asks(
      'Cut off twice',
      'is far too long',
      { kind: 'manual' },
    )
    agent('ended before it was finished', {
      kind: 'stopsShort',
      by: 'timed_out_wall_clock',
      text: 'Then I',
    })
    await started(1)
    await run().openPull()
    await run().say('First I')
    await run().stopShort('timed_out_wall_clock')
    const told = await thread.waitForAnswer('did not finish')
    expect(told).toContain('the time limit of PostHog')
    expect(told).toMatch(/\[#\d+\]\(.*\/pull\/\d+\)/)
    expect(told).toContain('It had been resumed once already.')
    expect(told).toContain('codex-box:continue')
    expect(told).toContain('Then I')
    await thread.waitForReaction('confused', asked.id)
    await thread.waitForStatus(/^### ⚠️ Codex did not finish/)
    expect([ledger().runs.length, ledger().messages.length]).toEqual([2, 0])
    agent('Go on where you stopped', { kind: 'answers', text: 'All of it is done.' })
    await ticks('Go on where it stopped')
    await thread.waitForAnswer('All of it is done.')
    expect([ledger().runs.length, ledger().messages.length]).toEqual([3, 0])
  })

  it('when its log shows the answer, though PostHog completed it before', async () => {
    const { thread, run, started, looks } = await asks('Late log', 'log it late', {
      kind: 'manual',
    })
    await started(1)
    await run().say('I look into it.')
    const show = run().holdLog()
    await run().completeTurn('It was the cache.')
    await run().finish('completed')
    await looks(3)
    expect(await thread.answers()).toEqual([])
    show()
    await thread.waitForAnswer('It was the cache.')
    expect(await thread.answers()).toHaveLength(1)
  })

  it('not when PostHog fails words that came later: they are resumed once', async () => {
    const { thread, agent, says, run, ledger, started } = await asks('Hiccup', 'begin with this', {
      kind: 'manual',
    })
    agent('then do that', { kind: 'fails', message: 'upstream hiccup' }, 1)
    agent('ended before it was finished', { kind: 'answers', text: 'That is done.' })
    await started(1)
    await thread.waitForStatus('⏳ Codex is working')
    await says('/codex then do that')
    await world().github.waitFor(() => ledger().messages.length === 1)
    await run().completeTurn('This is done.')
    await thread.waitForAnswer('That is done.')
    expect(ledger().runs).toHaveLength(2)
    expect((await thread.answers()).join()).not.toContain('failed')
  })

  it('once, though PostHog has the agent look at its checks later', async () => {
    const words = 'open it, then look at the checks'
    const { thread, agent, says, run } = await asks('Checks later', words)
    await thread.waitForAnswer('/pull/')
    await thread.waitForFolded()
    const before = await thread.answers()
    expect(run().ciTurn()).toBe(true)
    agent('and what now', { kind: 'answers', text: 'Now nothing.' })
    await says('/codex and what now')
    await thread.waitForAnswer('Now nothing.')
    expect(await thread.answers()).toHaveLength(before.length + 1)
  })
})
