/** A status that is folded away is out of sight: nothing is said there any more. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue, opensPull } from '../world/opens-issue.ts'
import type { Thread } from '../world/thread.ts'

onEitherQueue(
  'The status is folded away',
  world => {
    const statusesOf = async (thread: Thread) =>
      (await thread.botComments()).filter(({ body }) => body.startsWith('### '))

    /** Its status is folded away, and GitHub takes four seconds for the last thing that is left to do. */
    const endsSlowly = async (title: string) => {
      const { github } = world()
      const issue = await opensIssue(world(), title)
      const fault = { kind: 'delay', ms: 4_000 } as const
      const late = github.fault({ method: 'DELETE', path: '/labels/codex', fault })
      await issue.maya.labels(issue.number, 'codex')
      await issue.thread.waitForFolded()
      await github.waitFor(() => late.hits === 1)
      return issue
    }

    it('words that come before the run is put away are worked on in the open, below it', async () => {
      world().posthog.script('and the docs', { kind: 'pushesToBranch', text: 'The docs, too.' })
      const { says, thread, ledger } = await endsSlowly('Fold me')
      await says('/codex and the docs')
      await thread.waitForAnswer('The docs, too.')
      await thread.waitForFolded()
      expect(ledger().tasks).toHaveLength(1)
      const [first, second, ...others] = await statusesOf(thread)
      const answer = (await thread.botComments()).find(({ body }) =>
        body.includes('The docs, too.'),
      )
      expect(others).toEqual([])
      expect(Number(second?.id)).toBeGreaterThan(Number(first?.id))
      expect(Number(answer?.id)).toBeGreaterThan(Number(second?.id))
    })

    it('what becomes of its pull request before the run is put away stands in the last word', async () => {
      const { maya, thread } = await endsSlowly('Merge me at once')
      const pull = Number(/pull\/(\d+)/.exec(await thread.status())?.[1])
      await maya.readies(pull)
      await maya.mergesPull(pull)
      await thread.waitForAnswer(/^🎉 \*\*Merged\*\*/)
      await thread.waitForFolded()
    })

    it('what a pull request needs of which no news came stands in the last word of who pushed to it', async () => {
      const { github, posthog } = world()
      const { says, number, thread, run } = await opensPull(world(), 'maya/red')
      posthog.script('name it well', { kind: 'manual' })
      await says('/codex name it well')
      await thread.waitForStatus('⏳ Codex is working')
      await github.hands.commit(
        github.repository,
        'maya/red',
        'main',
        { 'b.txt': 'b' },
        'Name it well',
      )
      github.webhooks.mode = { kind: 'drop' }
      github.checks(number, 'unit tests', 'FAILURE')
      github.webhooks.mode = { kind: 'normal' }
      await run(0).completeTurn('Named.')
      await thread.waitForAnswer(/❌ 1 check failed[\s\S]*Named\./)
    })

    it('below an answer on the line that was asked about, with all that is left to say', async () => {
      const { github, posthog } = world()
      const { maya, number, thread, path } = await opensPull(world(), 'maya/asks')
      posthog.script('why three', { kind: 'answers', text: 'Because of two.' })
      await maya.commentsOnLine(number, { path, line: 3, body: '/codex why three?' })
      const answer = await github.waitFor(async () =>
        (await github.thread(number)).lineComments.find(({ author }) => author === github.botLogin),
      )
      expect(answer.body).toMatch(/^@maya Because of two\.\n\n[\s\S]*<sub>.*PostHog run/)
      await thread.waitForFolded()
      expect(await thread.answers()).toEqual([])
    })

    it('unless it has a box to tick, which GitHub would not tell of on a line', async () => {
      const { github, posthog } = world()
      const { maya, number, thread, path } = await opensPull(world(), 'maya/fails')
      posthog.script('break it', { kind: 'fails', message: 'usage limit reached' })
      await maya.commentsOnLine(number, { path, line: 1, body: '/codex break it' })
      expect(await thread.waitForStatus('😕')).toContain(' · break it · ')
      await github.settled()
      const [status] = await statusesOf(thread)
      expect(status?.body).toContain('codex-box:retry')
      expect(status?.minimized).toBeFalsy()
    })
  },
  { oneByOne: true },
)
