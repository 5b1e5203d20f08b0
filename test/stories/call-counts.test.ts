/** How many calls to GitHub each kind of thread costs, by name, from the comment until all is cleaned up. */
import { expect, it } from 'vitest'
import { spawnMortal } from '../chaos/mortal-bot.ts'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue(
  'What a thread costs GitHub',
  world => {
    /** The calls from the words on, in an installation that is known already. */
    const counted = async (
      words: string,
      { by = 'maya', until }: { by?: string; until(thread: Thread, asked: number): Promise<unknown> },
    ): Promise<string[]> => {
      const { github } = world()
      const issue = await github.as('maya').opensIssue({ title: 'Login is flaky', body: 'As said.' })
      await github.settled()
      github.forgetCalls()
      const asked = await github.as(by).comments(issue.number, words)
      await until(new Thread(world(), issue.number), asked.id)
      await github.settled()
      // A token is asked for once in a while, whatever it is for.
      return callsOf(github.calls).filter(name => !name.endsWith('/access_tokens'))
    }

    const reacted = (content: string) => (thread: Thread, asked: number) =>
      thread.waitForReaction(content, asked)

    /** Its task run has ended, and the branch that nothing was pushed to is gone. */
    const cleanedUp = async (thread: Thread, asked: number): Promise<void> => {
      const { github, posthog } = world()
      await thread.waitForReaction('rocket', asked)
      await thread.waitForAnswer(' · $0.42 · ')
      posthog.run(String(ledgerOf(world(), thread.number).runs[0]?.runId)).finish('completed')
      await github.waitFor(async () =>
        (await github.branches()).every(name => !name.startsWith(`codex/issue-${thread.number}-`)),
      )
    }

    const newBot = async (): Promise<void> => {
      const bot = await (await spawnMortal(world(), { env: { BRANCHES_MS: '200' } })).ready()
      world().github.webhooks.target = `${bot.url}/api/github/webhooks`
    }

    it('first, by a bot that has asked who it is at its start', async () => {
      await newBot()
      const calls = await counted('/codex status', { until: reacted('+1') })
      expect(calls.filter(name => name === 'GET app')).toEqual([])
      await counted('/codex status', { until: reacted('+1') })
    })

    it('a pull request', async () => {
      expect(await counted('/codex fix the flaky login test', { until: cleanedUp })).toEqual([
        'GET collaborators/maya/permission',
        // Not the run's: of any pull request that comes, whether it changes the settings.
        'GET pulls/files',
        // That it works.
        'PATCH issues/comments',
        'POST issues/comments',
        'POST issues/comments',
        'POST issues/comments/reactions',
        'graphql branchUse',
        'graphql createLinkedBranch',
        // Right before its description is written.
        'graphql pullAndPerson',
        // Its base, its description and the status that shows it; who is to review it, and what came of it.
        'graphql settleThread',
        'graphql settleThread',
        'graphql threadAhead',
        'graphql updateRefs',
      ])
    })

    it('a pull request into another base: a look at each place that needs it', async () => {
      await world().github.as('maya').pushes('develop', { 'next.txt': 'next' })
      const usual = await counted('/codex fix the flaky login test', { until: cleanedUp })
      const more = await counted('/codex --base develop fix it', { until: cleanedUp })
      expect(usual).toHaveLength(13)
      expect(more).toEqual([...usual, 'GET git/ref/heads', 'graphql baseBranch'].toSorted())
    })

    it.each([
      ['help', '/codex help', '+1', 'maya'],
      ['status', '/codex status', '+1', 'maya'],
      ['a typo', '/codex --modle x do it', '-1', 'maya'],
      ['nothing to stop', '/codex stop', '-1', 'maya'],
      ['a refusal', '/codex do it', '-1', 'theo'],
    ])('%s', async (_, words, reaction, by) => {
      expect(await counted(words, { by, until: reacted(reaction) })).toEqual([
        `GET collaborators/${by}/permission`,
        'POST issues/comments',
        'POST issues/comments/reactions',
        'graphql threadAhead',
      ])
    })

    it('a pull request of another shape', async () => {
      const { github } = world()
      const usual = await counted('/codex fix the flaky login test', { until: cleanedUp })
      const olga = github.as('olga')
      await olga.makesLabel('codex-made')
      const shape = 'pull_request: {title: "fix: {title}", labels: [codex-made], draft: false}\n'
      await olga.pushes('main', { '.github/codex.yml': shape })
      // GitHub tells of what is no draft any more, and the bot looks.
      const calls = await counted('/codex fix the flaky login test', { until: cleanedUp })
      expect(calls.filter(name => name !== 'GET pulls')).toEqual(usual)
      expect((await github.pulls()).at(-1)).toMatchObject({ title: 'fix: Login is flaky', draft: false })
    })
  },
  { oneByOne: true, roles: [] },
)
