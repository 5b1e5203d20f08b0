/** What must wait for what: each round is of calls that are under way together, and the next begins with their answers. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { Rounds } from '../world/rounds.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues(
  'From the comment to its agent',
  world => {
    const asks = async () => {
      const { github } = world()
      const issue = await github.as('maya').opensIssue({ title: 'Login is flaky', body: 'As said.' })
      await github.settled()
      const rounds = new Rounds(world())
      await github.as('maya').comments(issue.number, '/codex fix the flaky login test')
      return { rounds, thread: new Thread(world(), issue.number) }
    }
    const done = async ({ rounds, thread }: Awaited<ReturnType<typeof asks>>) => {
      rounds.open()
      await thread.waitForAnswer('pull request is ready')
      expect(ledgerOf(world(), thread.number)).toMatchObject({ tasks: [{}], runs: [{}] })
    }

    it('a first token, and no more than that, comes before', async () => {
      const story = await asks()
      await story.rounds.next(
        'GET app',
        // Of the repository, and of the owner's settings.
        'POST app/installations/access_tokens',
        'POST app/installations/access_tokens',
      )
      await story.rounds.next('GET collaborators/maya/permission', 'graphql threadAhead')
      await story.rounds.next('POST issues/comments/reactions', 'POST issues/comments')
      await done(story)
    })
  },
  { oneByOne: true },
)
