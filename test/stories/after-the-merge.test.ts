/** A pull request changes hands while somebody works on it: who goes on learns of it, and what comes later is not lost. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue(
  'Work goes on when its pull request',
  world => {
    const repositoryOf = async (name: string, settings = 'comments: all\n') => {
      const { github, posthog } = world()
      const repository = await newRepository(world(), settings, { name })
      const maya = github.as('maya', repository)
      const merges = async (number: number) => {
        await maya.readies(number)
        await maya.mergesPull(number)
      }
      return {
        repository,
        merges,
        opens: (title: string) => opensIssue(world(), title, repository),
        /** The test does by hand what the agent does for these words. */
        byHand: (words: string) =>
          posthog.script({ repository, prompt: words }, { kind: 'manual' }),
        pulls: () => github.pulls(repository),
      }
    }

    it('is merged: what a second run of the issue pushes then is in one of its own', async () => {
      const { repository, merges, opens, byHand, pulls } = await repositoryOf('second-run')
      const { thread, says, run, started, makes } = await opens('Merged under the second run')
      const first = await makes()
      byHand('polish it')
      await says('/codex --model gpt-5 polish it')
      await started(2)
      await thread.waitForStatus('⏳ Codex is working')
      await merges(first.number)
      await world().github.hands.commit(
        repository,
        first.head,
        'main',
        { 'late.txt': 'late' },
        'Late',
      )
      await run(1).completeTurn('Polished late.')
      const answer = await thread.waitForAnswer('Polished late.')
      const [, second] = await pulls()
      expect(answer).toContain(`Codex opened draft **[#${second?.number} `)
      expect(second).toMatchObject({ head: first.head, base: 'main', state: 'open' })
    })

    it('is merged: a run that waited for its turn begins anew', async () => {
      const { repository, merges, opens, byHand, pulls } = await repositoryOf(
        'waited',
        'limits: { repository: 1 }\n',
      )
      const { thread, says, makes } = await opens('Merged while it waits')
      const first = await makes()
      const other = await opens('Takes the only place')
      byHand('busy with it')
      await other.says('/codex busy with it')
      await other.thread.waitForStatus('⏳ Codex is working')
      const polish = { kind: 'pushesToBranch', text: 'Did the polish.' } as const
      world().posthog.script({ repository, prompt: 'the polish' }, polish)
      await says('/codex --model gpt-5 the polish')
      await thread.waitForStatus('waits for its turn')
      await merges(first.number)
      await world().github.settled()
      await other.run(0).completeTurn('Done.')
      const answer = await thread.waitForAnswer('Did the polish.')
      const second = (await pulls()).at(-1)
      expect(second).toMatchObject({ base: 'main', state: 'open' })
      expect(second?.number).not.toBe(first.number)
      expect(answer).toContain(`[#${second?.number} `)
    })
  },
  { posthog: { rate: 'off' } },
)
