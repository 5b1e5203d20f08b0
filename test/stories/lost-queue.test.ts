import { expect, it } from 'vitest'
import { onBothQueues, onRedis } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import { wipeQueue } from '../world/wipe-queue.ts'

onBothQueues(
  'The queue lost its data while agents were at work',
  world => {
    it('every run is taken up again from its thread, and none is started twice', async () => {
      const { github, posthog } = world()
      const repository = await github.addRepo('acme', 'lost')
      await github.as('olga', repository).pushes('main', { '.github/codex.yml': 'limits: { repository: 2 }' })
      const maya = github.as('maya', repository)
      const ledger = ({ number }: Thread) => ledgerOf(world(), number, repository)
      const begin = async (how: 'labels' | 'asks' | 'waits') => {
        posthog.script(`work-${how}`, { kind: 'manual' })
        const { number } = await maya.opensIssue({ title: `work-${how}`, body: 'x' })
        if (how === 'labels') await maya.labels(number, 'codex')
        else await maya.comments(number, `/codex work-${how}`)
        return new Thread(world(), number, repository)
      }
      // In a thread without a status.
      const quietRepository = await github.addRepo('acme', 'lost-quietly')
      const beginQuietly = async () => {
        await github
          .as('olga', quietRepository)
          .pushes('main', { '.github/codex.yml': 'comments: outcomes\n' })
        posthog.script({ repository: quietRepository, prompt: 'work' }, { kind: 'manual' })
        const other = github.as('maya', quietRepository)
        const { number } = await other.opensIssue({ title: 'Lost', body: 'x' })
        await other.comments(number, '/codex work')
        const taskRuns = () => ledgerOf(world(), number, quietRepository).runs
        await github.waitFor(() => taskRuns().length === 1)
        return { thread: new Thread(world(), number, quietRepository), taskRuns }
      }
      const atWork = [await begin('labels'), await begin('asks')]
      for (const thread of atWork) await thread.waitForStatus('Codex is working')
      const waiting = await begin('waits')
      await waiting.waitForStatus('waits for its turn')
      const quiet = await beginQuietly()
      await github.settled()

      await wipeQueue(world())

      await world().bot.says(/lost-quietly[^\n]*a run that the queue had lost/)
      const quietRun = posthog.run(String(quiet.taskRuns()[0]?.runId))
      await quietRun.openPull()
      await quietRun.completeTurn('There it is.')
      await quiet.thread.waitForAnswer('pull request is ready')
      expect(quiet.taskRuns()).toHaveLength(1)
      expect(await quiet.thread.botComments()).toHaveLength(1)

      for (const thread of atWork) {
        const run = posthog.run(String(ledger(thread).runs[0]?.runId))
        await run.openPull()
        await run.completeTurn('There it is.')
        await thread.waitForAnswer('pull request is ready')
      }
      await waiting.waitForStatus('Codex is working')
      const run = posthog.run(String(ledger(waiting).runs[0]?.runId))
      await run.completeTurn('Nothing to do.')
      await waiting.waitForAnswer('Nothing to do.')

      for (const thread of [...atWork, waiting]) {
        const { tasks, runs } = ledger(thread)
        expect([tasks.length, runs.length]).toEqual([1, 1])
        expect([await thread.statuses(), await thread.answers()]).toMatchObject([
          { length: 1 },
          { length: 1 },
        ])
        expect(await thread.status()).not.toContain('⏳')
      }
      const [first, second] = atWork
      expect((await first?.view())?.labels).toEqual([])
      await second?.waitForReaction('rocket', (await second.view()).comments[0]?.id)
    })

    it('a pause holds on, and what it kept starts once when it ends', async () => {
      const { github } = world()
      const repository = await github.addRepo('acme', 'lost-while-paused')
      const maya = github.as('maya', repository)
      const olga = github.as('olga', repository)
      const { number } = await maya.opensIssue({ title: 'Kept', body: 'x' })
      const thread = new Thread(world(), number, repository)
      await olga.comments(number, '/codex pause release')
      await thread.waitForAnswer('is paused in this repository')
      await maya.comments(number, '/codex fix it after the release')
      await thread.waitForStatus('⏸️ Codex is paused here')

      await wipeQueue(world())

      // Before anything was taken up again.
      const second = await maya.opensIssue({ title: 'Asked after the loss', body: 'x' })
      await maya.comments(second.number, '/codex fix that, too')
      const later = new Thread(world(), second.number, repository)
      expect(await later.waitForStatus('⏸️ Codex is paused here')).toContain('by olga: release.')
      expect(await thread.status()).toContain('⏸️ Codex is paused here')
      await world().bot.says(/run-comment-\d+[^\n]*lost-while-paused[^\n]*a run that the queue had lost/)
      await olga.comments(number, '/codex resume')
      for (const each of [thread, later]) await each.waitForAnswer('pull request is ready')
      expect(ledgerOf(world(), number, repository).runs).toHaveLength(1)
    })
  },
  { oneByOne: true },
)

onRedis('The queue lost its data before a run began', world => {
  it('what had not begun is not begun with words that nobody approved', async () => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', 'edited')
    await github.as('olga', repository).pushes('main', { '.github/codex.yml': 'limits: { repository: 1 }' })
    const maya = github.as('maya', repository)
    posthog.script('busy', { kind: 'manual' })
    const busy = await maya.opensIssue({ title: 'busy', body: 'x' })
    await maya.comments(busy.number, '/codex busy')
    await new Thread(world(), busy.number, repository).waitForStatus('Codex is working')
    const { number } = await maya.opensIssue({ title: 'Later', body: 'harmless' })
    await maya.comments(number, '/codex do as it says')
    const thread = new Thread(world(), number, repository)
    await thread.waitForStatus('waits for its turn')

    await maya.editsIssue(number, { body: 'something else' })
    await wipeQueue(world())

    await thread.waitForStatus('edited since')
    expect(ledgerOf(world(), number, repository).runs).toEqual([])
  })
})
