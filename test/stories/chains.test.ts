/** What must wait for what: each round is of calls that are under way together, and the next begins with their answers. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue, working } from '../world/opens-issue.ts'
import { Rounds } from '../world/rounds.ts'

onEitherQueue(
  'From the comment to its agent',
  world => {
    const asks = async (by: string) => {
      const { thread, ledger, says } = await opensIssue(world(), 'Login is flaky')
      await world().github.settled()
      // Whether the branch of the run before may go is asked of its task run.
      const rounds = new Rounds(world(), /^PostHog: GET tasks/)
      await says('/codex fix the flaky login test', by)
      return { rounds, thread, ledger }
    }
    const done = async ({ rounds, thread, ledger }: Awaited<ReturnType<typeof asks>>) => {
      rounds.open()
      await thread.waitForAnswer('Codex opened draft')
      // Else its last calls are under way in the rounds of the next story.
      await thread.waitForFolded()
      expect(ledger()).toMatchObject({ tasks: [{}], runs: [{}] })
    }

    /** None of these needs what another brings. */
    const beginning = [
      'POST issues/comments/reactions',
      'POST issues/comments',
      'graphql createLinkedBranch',
      'PostHog: POST tasks',
    ]

    it('a first token comes before, and which of PostHog’s integrations it is for the task', async () => {
      const story = await asks('maya')
      await story.rounds.next(
        // Of the repository, and of the owner's settings.
        'POST app/installations/access_tokens',
        'POST app/installations/access_tokens',
      )
      await story.rounds.next('GET collaborators/maya/permission', 'graphql threadAhead')
      await story.rounds.next(...beginning.slice(0, -1), 'PostHog: GET integrations')
      const ofEach = 'PostHog: GET integrations/github_repos'
      await story.rounds.next(ofEach, ofEach)
      await story.rounds.next('PostHog: POST tasks')
      await done(story)
    })

    it('three calls must follow one another: who may, the branch, the run', async () => {
      // Who maya is, is known for a minute.
      const story = await asks('mario')
      await story.rounds.next('GET collaborators/mario/permission', 'graphql threadAhead')
      await story.rounds.next(...beginning)
      await story.rounds.next('PostHog: POST tasks/run')
      await done(story)
    })
  },
  { oneByOne: true },
)

onEitherQueue(
  'From a pull request to its link',
  world => {
    /** An agent at work, whose PostHog says no more from here on. */
    const atWork = async () => {
      const { github, posthog } = world()
      const { thread, run } = await working(world(), 'make it stable')
      const times = Number.POSITIVE_INFINITY
      const silent = posthog.fault({ times, fault: { kind: 'throttled', seconds: 600 } })
      await github.waitFor(() => silent.hits > 0)
      // The edit that says so is none of those that follow the pull request.
      await thread.waitForStatus('Codex waits for PostHog')
      await github.settled()
      return { thread, branch: String(run(0).branch) }
    }

    const openPull = async (base: string) => {
      const { hands, repository } = world().github
      const head = `posthog/${base.replaceAll('/', '-')}`
      await hands.commit(repository, head, base, { 'fix.md': 'done' }, 'Do it')
      return hands.openPull(repository, { head, base, title: 'Do it', body: 'Done.', draft: true })
    }

    it('a look and an edit follow one another, and PostHog is not asked between', async () => {
      const { thread, branch } = await atWork()
      const rounds = new Rounds(world())
      const { url } = await openPull(branch)
      await rounds.next('graphql pullAndPerson')
      await rounds.next('graphql settleThread')
      rounds.open()
      await thread.waitForStatus(url)
    })
  },
  { oneByOne: true },
)
