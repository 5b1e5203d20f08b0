/** A stop ends what was asked before it, whatever that waits for, and nothing that is asked later. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onBothQueues(
  'A stop behind a limit of GitHub',
  world => {
    it('ends what was asked before it, in every thread, and what is asked then runs', async () => {
      const { github, posthog } = world()
      const threads = []
      for (let n = 1; n <= 6; n += 1) threads.push(await opensIssue(world(), `Behind a limit ${n}`))
      posthog.script('delete', { kind: 'hangs' })
      // Calls that are under way together when the first of them meets it meet it, too.
      const limit = github.fault({
        path: /permission/,
        times: Infinity,
        fault: { kind: 'secondary-limit', retryAfter: 10 },
      })
      await Promise.all(threads.map(({ says }) => says('/codex delete the old tables')))
      await github.waitFor(() => limit.hits > 0)
      const stops = await Promise.all(threads.map(({ says }) => says('/codex stop')))
      await github.settled()
      limit.cancel()
      for (const [index, { thread }] of threads.entries()) {
        await thread.waitForReaction('+1', stops[index]?.id)
        // Before it began, or as a run that has only just begun.
        await github.waitFor(async () =>
          [...(await thread.answers()), await thread.status()].some(said =>
            said.includes('stopped'),
          ),
        )
        expect((await thread.answers()).join('\n')).not.toContain('nothing to stop')
      }
      for (const { says } of threads) await says('/codex how many are there?')
      for (const { runs } of threads) {
        await github.waitFor(() => runs().length > 0)
        expect(runs()).toHaveLength(1)
        expect(JSON.stringify(runs()[0]?.body)).toContain('how many are there?')
      }
    })
  },
  { own: true },
)

onBothQueues('A stop', world => {
  it('ends all commands of a comment before it, and those are told of once', async () => {
    const { github, posthog } = world()
    const { thread, says, runs } = await opensIssue(world(), 'Three at once')
    posthog.script('hang about', { kind: 'hangs' })
    const three = await says('/codex hang about\n/codex --new the second\n/codex --new the third')
    await github.waitFor(() => runs().length === 1)
    await github.settled()
    const stop = await says('/codex stop')
    await thread.waitForReaction('+1', stop.id)
    await thread.waitForReaction('-1', three.id)
    await thread.waitForStatus('Codex was stopped')
    await says('/codex --new the fourth')
    await github.waitFor(() => runs().length > 1)
    expect(runs()).toHaveLength(2)
    expect(JSON.stringify(runs()[1]?.body)).toContain('the fourth')
    const told = (await thread.answers()).filter(words => words.includes('you stopped `'))
    const two =
      'you stopped `/codex --new the second` and `/codex --new the third` before they began.'
    expect(told).toEqual([expect.stringContaining(two)])
  })
})

onBothQueues(
  'A command that has no run yet',
  world => {
    it('is seen by status, ended by a stop, and told of afterwards', async () => {
      const { github } = world()
      const { thread, number, says, runs } = await opensIssue(world(), 'Not begun yet')
      const mario = github.as('mario')
      const path = /\/collaborators\/maya\/permission/
      const away = github.fault({ path, times: Infinity, fault: { kind: 'status', code: 502 } })
      const wipe = await says('/codex wipe the disks')
      await github.waitFor(() => away.hits > 2)
      await mario.comments(number, '/codex status')
      expect(await thread.waitForAnswer('by `maya`')).toContain(
        '@mario a command by `maya` waits for GitHub.',
      )
      const stop = await mario.comments(number, '/codex stop')
      await thread.waitForReaction('+1', stop.id)
      away.cancel()
      await thread.waitForAnswer('@maya `mario` stopped `/codex wipe the disks` before it began')
      await thread.waitForReaction('-1', wipe.id)
      await mario.comments(number, '/codex status')
      await thread.waitForAnswer(
        '`/codex wipe the disks` by `maya` was stopped by `mario` before it began.',
      )
      expect(runs()).toEqual([])
    })
  },
  { own: true },
)
