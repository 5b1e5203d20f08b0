/** What arrives in a thread twice, late, out of order or while all else hangs: it counts by when it was written. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { opensIssue, opensPull } from '../world/opens-issue.ts'

/** One after the other: what GitHub and PostHog do not do, they do not do for all. */
onBothQueues(
  'In a thread',
  world => {
    it('a command that an error of the bot stops keeps no other of its thread, and no run, from going on', async () => {
      const { github, posthog } = world()
      posthog.script('hang about', { kind: 'hangs' })
      const { maya, number, says, thread, path: file } = await opensPull(world(), 'maya/errors')
      await says('/codex hang about')
      await thread.waitForStatus('⏳ Codex is working')
      const path = /\/reviews\/\d+\/comments/
      const broken = github.fault({
        path,
        times: Infinity,
        fault: { kind: 'status', code: 200, body: {} },
      })
      await maya.reviews(number, {
        body: 'See below.',
        comments: [{ path: file, line: 1, body: '/codex status' }],
      })
      await github.waitFor(() => broken.hits > 2)
      await says('/codex status')
      await thread.waitForAnswer('a run is going on here')
      await says('/codex stop')
      await thread.waitForStatus(/^### ⏹️/)
      broken.cancel()
    })

    it('another thread is served while commands of thirty wait for GitHub, which does not answer', async () => {
      const { github } = world()
      const path = /collaborators\/olga\/permission/
      const hangs = github.fault({ path, times: Infinity, fault: { kind: 'hang' } })
      for (let n = 1; n <= 30; n += 1) {
        const { says } = await opensIssue(world(), `Hangs ${n}`)
        await says('/codex fix it', 'olga')
      }
      await github.waitFor(() => hangs.hits > 0)
      const { thread, says } = await opensIssue(world(), 'Served')
      const asked = Date.now()
      const { id } = await says('/codex fix it', 'mario')
      await thread.waitForReaction('eyes', id)
      // Before the first of the calls that hang is given up.
      expect(Date.now() - asked).toBeLessThan(30_000)
      hangs.cancel()
    })
  },
  { oneByOne: true },
)
