/** A status that is folded away is out of sight: nothing is said there any more. */
import { expect, it } from 'vitest'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue(
  'The status is folded away',
  world => {
    /** Its status is folded away, and GitHub takes four seconds for the last thing that is left to do. */
    const endsSlowly = async (title: string) => {
      const { github } = world()
      const maya = github.as('maya')
      const { number } = await maya.opensIssue({ title, body: 'x' })
      const thread = new Thread(world(), number)
      const late = github.fault({
        method: 'DELETE',
        path: '/labels/codex',
        fault: { kind: 'delay', ms: 4_000 },
      })
      await maya.labels(number, 'codex')
      await thread.waitForFolded()
      await github.waitFor(() => late.hits === 1)
      return { maya, number, thread }
    }

    it('words that come before the run is put away are worked on in the open, below it', async () => {
      const { posthog } = world()
      posthog.script('and the docs', { kind: 'pushesToBranch', text: 'The docs, too.' })
      const { maya, number, thread } = await endsSlowly('Fold me')
      await maya.comments(number, '/codex and the docs')
      await thread.waitForAnswer('The docs, too.')
      await thread.waitForFolded()
      expect(ledgerOf(world(), number).tasks).toHaveLength(1)
      expect(await thread.statuses()).toHaveLength(2)
      const [first, second] = (await thread.botComments()).filter(({ body }) => body.startsWith('### '))
      const answer = (await thread.botComments()).find(({ body }) => body.includes('The docs, too.'))
      expect(Number(second?.id)).toBeGreaterThan(Number(first?.id))
      expect(Number(answer?.id)).toBeGreaterThan(Number(second?.id))
    })

    it('what becomes of its pull request before the run is put away brings it back', async () => {
      const { maya, thread } = await endsSlowly('Merge me at once')
      const pull = Number(/pull\/(\d+)/.exec(await thread.status())?.[1])
      await maya.readies(pull)
      await maya.mergesPull(pull)
      await thread.waitForStatus('was merged')
      const [status] = (await thread.botComments()).filter(({ body }) => body.startsWith('### '))
      expect(status?.minimized).toBeFalsy()
    })

    it('its pull request marked ready brings it back, by one call, and a merge changes it by one', async () => {
      const { github } = world()
      const maya = github.as('maya')
      const { number } = await maya.opensIssue({ title: 'Merge me later', body: 'x' })
      await maya.comments(number, '/codex do it')
      const thread = new Thread(world(), number)
      await thread.waitForFolded()
      await github.settled()
      const pull = Number(/pull\/(\d+)/.exec(await thread.status())?.[1])
      const before = github.calls.length
      await maya.readies(pull)
      await thread.waitForStatus('· open,')
      await maya.mergesPull(pull)
      await thread.waitForStatus('was merged')
      await github.settled()
      const calls = callsOf(github.calls.slice(before).filter(({ actor }) => actor === github.botLogin))
      const changes = calls.filter(name => name.startsWith('graphql') || name.startsWith('PATCH'))
      expect(changes).toEqual(['PATCH issues/comments', 'graphql settleThread'])
    })

    it('what a pull request needed before anybody asked stands in the status of who pushed to it', async () => {
      const { github, posthog } = world()
      const maya = github.as('maya')
      await maya.pushes('maya/red', { 'src/red.ts': 'red' })
      const { number } = await maya.opensPull({ head: 'maya/red', title: 'Red before', body: 'x' })
      github.webhooks.mode = { kind: 'drop' }
      github.checks(number, 'unit tests', 'FAILURE')
      github.webhooks.mode = { kind: 'normal' }
      posthog.script('name it well', { kind: 'pushesToBranch', text: 'Named.' })
      await maya.comments(number, '/codex name it well')
      const thread = new Thread(world(), number)
      await thread.waitForStatus('❌ 1 check failed')
      await thread.waitForAnswer('Named.')
    })

    it('also when the answer stands on the line that was asked about, with all that is left to say', async () => {
      const { github, posthog } = world()
      const maya = github.as('maya')
      await maya.pushes('maya/asks', { 'src/asks.ts': 'one\ntwo\nthree\n' })
      const { number } = await maya.opensPull({ head: 'maya/asks', title: 'Asks', body: 'x' })
      posthog.script('why three', { kind: 'answers', text: 'Because of two.' })
      await maya.commentsOnLine(number, { path: 'src/asks.ts', line: 3, body: '/codex why three?' })
      const thread = new Thread(world(), number)
      const answer = await github.waitFor(async () =>
        (await github.thread(number)).lineComments.find(({ author }) => author === github.botLogin),
      )
      expect(answer.body).toMatch(/^@maya Because of two\.\n\n[\s\S]*<sub>.*PostHog run/)
      await thread.waitForFolded()
      expect(await thread.answers()).toEqual([])
    })

    it('but not where it has a box to tick, which GitHub would not tell of on a line', async () => {
      const { github, posthog } = world()
      const maya = github.as('maya')
      await maya.pushes('maya/fails', { 'src/fails.ts': 'one\n' })
      const { number } = await maya.opensPull({ head: 'maya/fails', title: 'Fails', body: 'x' })
      posthog.script('break it', { kind: 'fails', message: 'usage limit reached' })
      await maya.commentsOnLine(number, { path: 'src/fails.ts', line: 1, body: '/codex break it' })
      const thread = new Thread(world(), number)
      expect(await thread.waitForStatus('😕')).toContain('<sub>break it · ')
      await github.settled()
      const [status] = (await thread.botComments()).filter(({ body }) => body.startsWith('### '))
      expect(status?.body).toContain('codex-box:retry')
      expect(status?.minimized).toBeFalsy()
    })
  },
  { oneByOne: true },
)
