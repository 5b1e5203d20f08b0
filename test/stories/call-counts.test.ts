/** How many calls to GitHub each kind of thread costs, by name, from the comment until all is cleaned up. */
import { expect, it } from 'vitest'
import { spawnMortal } from '../chaos/mortal-bot.ts'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue(
  'What a thread costs GitHub',
  world => {
    /** From the words on, in an installation that is known already. The last ones come behind the reaction. */
    const costs = async (
      words: string,
      calls: readonly string[],
      { by = 'maya', until, settings, before, less }: Costs,
    ): Promise<void> => {
      const { github } = world()
      const { repository } = github
      if (settings) await github.as('olga').pushes('main', { '.github/codex.yml': settings })
      const maya = github.as('maya')
      const { number } =
        (await before?.()) ?? (await maya.opensIssue({ title: 'Login is flaky', body: 'As said.' }))
      await github.settled()
      github.forgetCalls()
      const asked = await github.as(by).comments(number, words)
      await until(new Thread(world(), number, repository), asked.id)
      await made(calls, less)
    }

    interface Costs {
      by?: string
      settings?: string
      /** @returns the thread, if it is not a plain issue */
      before?(): Promise<{ number: number }>
      until(thread: Thread, asked: number): Promise<unknown>
      less?: RegExp
    }

    const made = (calls: readonly string[], less = /^$/): Promise<boolean> =>
      world().github.waitFor(() => {
        expect(callsMade().filter(name => !less.test(name))).toEqual(calls.toSorted())
        return true
      })

    // A token is asked for once in a while, whatever it is for, and who somebody is once a minute.
    const callsMade = () =>
      callsOf(world().github.calls).filter(name => !/\/access_tokens$|\/permission$/.test(name))

    /** How often a status is edited, and whether 👀 was there before the reply, is a matter of time. */
    const ofTime = /^(PATCH issues\/comments|graphql swapReaction)$/

    const reacted = (content: string) => (thread: Thread, asked: number) =>
      thread.waitForReaction(content, asked)

    /** Its task run has ended, and the branch that nothing was pushed to is gone. */
    const cleanedUp = async (thread: Thread, asked: number): Promise<void> => {
      await thread.waitForReaction('rocket', asked)
      await finished(thread)
    }

    const finished = async (thread: Thread): Promise<void> => {
      const { github, posthog } = world()
      await thread.waitForAnswer(' · $0.42 · ')
      await posthog.run(String(ledgerOf(world(), thread.number).runs[0]?.runId)).finish('completed')
      await github.waitFor(async () =>
        (await github.branches()).every(name => !name.startsWith(`codex/issue-${thread.number}-`)),
      )
    }

    /** Whether the repository wants approvals of what was opened: by a job of its own, so it is none of a command's calls. */
    const looksAtWhatIsNew = async (): Promise<void> => {
      await world().github.settled()
      const page = String(world().github.webhooks.target).replace(/api.*/, 'metrics')
      const jobs = async () => (await fetch(page)).text()
      await world().github.waitFor(async () => (await jobs()).includes('jobs{queue="triggers"} 0'))
    }

    const reply = ['POST issues/comments', 'POST issues/comments/reactions', 'graphql threadAhead']

    const pullRequest = [
      // That it works.
      'PATCH issues/comments',
      'POST issues/comments',
      'POST issues/comments',
      'POST issues/comments/reactions',
      'graphql branchAndPulls',
      'graphql createLinkedBranch',
      // Where its branches stand in the end.
      'graphql heads',
      // Right before its description is written.
      'graphql pullAndPerson',
      // Its base, its description and the status that shows it; who is to review it, and what came of it.
      'graphql settleThread',
      'graphql settleThread',
      'graphql threadAhead',
      'graphql updateRefs',
    ]

    it('first, by a bot that has asked who it is at its start', async () => {
      // A job that lost its lock reads again what it had read: the lock is as long as a user's.
      const env = { BRANCHES_MS: '200', LOCK_MS: '10000', STALLED_MS: '5000' }
      const bot = await (await spawnMortal(world(), { env })).ready()
      world().github.webhooks.target = `${bot.url}/api/github/webhooks`
      const { github } = world()
      const { number } = await github
        .as('maya')
        .opensIssue({ title: 'Login is flaky', body: 'As said.' })
      for (const _ of ['its first installation', 'known']) {
        github.forgetCalls()
        const asked = await github.as('maya').comments(number, '/codex status')
        await new Thread(world(), number).waitForReaction('+1', asked.id)
        expect(callsMade().filter(name => name === 'GET app')).toEqual([])
      }
    })

    it('a pull request into another base: a look at each place that needs it', async () => {
      await world().github.as('maya').pushes('develop', { 'next.txt': 'next' })
      const calls = [...pullRequest, 'GET git/ref/heads', 'graphql branchAndPulls']
      await costs('/codex --base develop fix it', calls, { until: cleanedUp })
    })

    it.each([
      ['help', '/codex help', '+1', 'maya'],
      ['status', '/codex status', '+1', 'maya'],
      ['a typo', '/codex --modle x do it', '-1', 'maya'],
      ['nothing to stop', '/codex stop', '-1', 'maya'],
      ['a refusal', '/codex do it', '-1', 'theo'],
    ])('%s', async (_, words, reaction, by) => {
      await costs(words, reply, { by, until: reacted(reaction) })
    })

    const onPull = async () => {
      const maya = world().github.as('maya')
      const head = `maya/${Math.random().toString(36).slice(2, 8)}`
      await maya.pushes(head, { [`${head}.ts`]: 'let it' })
      const pull = await maya.opensPull({ head, title: 'Look', body: 'Please.' })
      await looksAtWhatIsNew()
      return pull
    }

    it('what is looked at before a run costs anything: nothing more, but for blockers', async () => {
      const { github } = world()
      const maya = github.as('maya')
      const opens = (title: string) => maya.opensIssue({ title, body: 'As said.' })
      await costs('/codex do it', reply, {
        async before() {
          const issue = await opens('Taken')
          await maya.pushes('maya/taken', { 'taken.ts': 'let it' })
          const mine = { head: 'maya/taken', title: 'Mine', body: `Closes #${issue.number}` }
          await maya.opensPull(mine)
          await looksAtWhatIsNew()
          return issue
        },
        until: reacted('-1'),
        less: ofTime,
      })
      await costs('/codex do it', [...reply, 'GET issues/dependencies/blocked_by'], {
        async before() {
          const [first, second] = [await opens('First'), await opens('Second')]
          github.block(second.number, [first.number])
          return second
        },
        until: thread => thread.waitForStatus('⏳ Codex waits for #'),
        less: ofTime,
      })
      const waiting = (await github.threads()).findLast(({ title }) => title === 'Second')
      await maya.closes(Number(waiting?.number))
    })

    it('a review: the diff that GitHub shows, and one call for all that was found', async () => {
      world().posthog.script('review', { kind: 'answers', text: 'Good.' })
      const calls = [
        'GET issues',
        'GET pulls',
        'GET pulls',
        'POST issues/comments',
        'POST issues/comments/reactions',
        'POST pulls/reviews',
        // Nothing but its prompt keeps it from pushing, so GitHub is asked afterwards, too.
        'graphql heads',
        'graphql heads',
        'graphql pullRemarks',
        'graphql threadAhead',
      ]
      await costs('/codex review', calls, {
        before: onPull,
        until: reacted('rocket'),
        less: ofTime,
      })
    })

    it('a command in the text of an issue: as much as in a comment', async () => {
      const { github } = world()
      await github.settled()
      github.forgetCalls()
      const body = '/codex fix the flaky login test'
      const { number } = await github.as('maya').opensIssue({ title: 'Login is flaky', body })
      await finished(new Thread(world(), number))
      const calls = pullRequest.map(name => name.replace('comments/reactions', 'reactions'))
      await made(
        calls.filter(name => !ofTime.test(name)),
        ofTime,
      )
    })

    it.each([
      [
        'a cap of open pull requests',
        'limits: { open_pull_requests: 99 }\n',
        ['graphql openPulls'],
      ],
      [
        'an approval by somebody else',
        'pull_request: { approval: somebody-else }\n',
        ['GET commits/check-runs', 'POST check-runs', 'graphql pullApprovals'],
      ],
    ])('settings that cost more: %s', async (_, settings, more) => {
      await costs('/codex fix the flaky login test', [...pullRequest, ...more], {
        settings,
        until: cleanedUp,
      })
    })

    // The last two: news of a pull request and of its checks are looked at some seconds later.
    it('a pull request of another shape', async () => {
      const { github } = world()
      await github.as('olga').makesLabel('codex-made')
      const settings = 'pull_request: {title: "fix: {title}", labels: [codex-made], draft: false}\n'
      // GitHub tells of what is no draft any more: the bot looks at it.
      await costs('/codex fix the flaky login test', pullRequest, {
        settings,
        until: cleanedUp,
        less: /^GET pulls/,
      })
      await github.settled()
      expect((await github.pulls()).at(-1)).toMatchObject({
        title: 'fix: Login is flaky',
        draft: false,
      })
    })

    it('a fix: what the pull request needs is looked at before, and with the result', async () => {
      const { github, posthog } = world()
      posthog.script('Fix what pull request', { kind: 'pushesToBranch', text: 'Green.' })
      await github.as('olga').pushes('main', { '.github/codex.yml': 'limits: { person: 50 }\n' })
      const pull = await onPull()
      github.checks(pull.number, 'unit tests', 'FAILURE')
      await github.settled()
      github.forgetCalls()
      await github.as('maya').comments(pull.number, '/codex fix')
      await new Thread(world(), pull.number).waitForAnswer('Green.')
      const calls = callsMade().filter(name => !ofTime.test(name))
      const looks = calls.filter(name => name === 'graphql pullNeeds').length
      expect(looks).toBeGreaterThan(0)
      expect(looks).toBeLessThanOrEqual(3)
      expect(calls.length).toBeLessThanOrEqual(19)
    })
  },
  { oneByOne: true, roles: [] },
)
