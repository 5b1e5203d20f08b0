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
      { by = 'maya', until, settings, before }: Counting,
    ): Promise<string[]> => {
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
      await github.settled()
      // A token is asked for once in a while, whatever it is for.
      return callsOf(github.calls).filter(name => !name.endsWith('/access_tokens'))
    }

    interface Counting {
      by?: string
      settings?: string
      /** @returns the thread, if it is not a plain issue */
      before?(): Promise<{ number: number }>
      until(thread: Thread, asked: number): Promise<unknown>
    }

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
      posthog.run(String(ledgerOf(world(), thread.number).runs[0]?.runId)).finish('completed')
      await github.waitFor(async () =>
        (await github.branches()).every(name => !name.startsWith(`codex/issue-${thread.number}-`)),
      )
    }

    /** The look at what a pull request changes, by a job of its own: it is none of a command's calls. */
    const looksForSettings = (number: number) =>
      world().github.waitFor(() =>
        world().github.calls.some(({ path }) => path.endsWith(`/pulls/${number}/files`)),
      )

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

    it('the first start in a repository: a look for a pause that a lost queue knew', async () => {
      const searches = () => world().github.calls.filter(({ query }) => query.includes('sort=created'))
      await counted('/codex fix the flaky login test', { until: cleanedUp })
      expect(searches()).toHaveLength(1)
      await counted('/codex fix the flaky login test', { until: cleanedUp })
      expect(searches()).toHaveLength(0)
    })

    it('a pull request', async () => {
      expect(await counted('/codex fix the flaky login test', { until: cleanedUp })).toEqual([
        'GET collaborators/maya/permission',
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
      expect(usual).toHaveLength(12)
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

    const onPull = async () => {
      const maya = world().github.as('maya')
      const head = `maya/${Math.random().toString(36).slice(2, 8)}`
      await maya.pushes(head, { [`${head}.ts`]: 'let it' })
      const pull = await maya.opensPull({ head, title: 'Look', body: 'Please.' })
      await looksForSettings(pull.number)
      return pull
    }

    /** How often a status is edited, and whether 👀 was there before the reply, is a matter of time. */
    const steady = (calls: readonly string[]): string[] =>
      calls.filter(name => !/^(PATCH issues\/comments|graphql swapReaction)$/.test(name))

    it('what is looked at before a run costs anything: nothing more, but for blockers', async () => {
      const { github } = world()
      const maya = github.as('maya')
      const opens = (title: string) => maya.opensIssue({ title, body: 'As said.' })
      const reply = await counted('/codex help', { until: reacted('+1') })
      const taken = await counted('/codex do it', {
        async before() {
          const issue = await opens('Taken')
          await maya.pushes('maya/taken', { 'taken.ts': 'let it' })
          const mine = { head: 'maya/taken', title: 'Mine', body: `Closes #${issue.number}` }
          await looksForSettings((await maya.opensPull(mine)).number)
          return issue
        },
        until: reacted('-1'),
      })
      expect(steady(taken)).toEqual(reply)
      expect(steady(await counted('/codex --dry-run do it', { until: reacted('+1') }))).toEqual(reply)
      const blocked = await counted('/codex do it', {
        async before() {
          const [first, second] = [await opens('First'), await opens('Second')]
          github.block(second.number, [first.number])
          return second
        },
        until: thread => thread.waitForStatus('⏳ Codex waits for #'),
      })
      const waiting = (await github.threads()).findLast(({ title }) => title === 'Second')
      await maya.closes(Number(waiting?.number))
      expect(steady(blocked)).toEqual([...reply, 'GET issues/dependencies/blocked_by'].toSorted())
    })

    it('a review: the diff that GitHub shows, and one call for all that was found', async () => {
      world().posthog.script('review', { kind: 'answers', text: 'Good.' })
      const calls = await counted('/codex review', { before: onPull, until: reacted('rocket') })
      expect(steady(calls)).toEqual([
        'GET collaborators/maya/permission',
        'GET git/ref/heads',
        'GET issues',
        'GET pulls',
        'GET pulls',
        'POST issues/comments',
        'POST issues/comments/reactions',
        'POST pulls/reviews',
        'graphql minimizeComment',
        'graphql pullRemarks',
        'graphql threadAhead',
      ])
    })

    it('a command in the text of an issue: as much as in a comment', async () => {
      const usual = await counted('/codex fix the flaky login test', { until: cleanedUp })
      const { github } = world()
      await github.settled()
      github.forgetCalls()
      const body = '/codex fix the flaky login test'
      const { number } = await github.as('maya').opensIssue({ title: 'Login is flaky', body })
      await finished(new Thread(world(), number))
      const calls = callsOf(github.calls).filter(name => !name.endsWith('/access_tokens'))
      const others = usual.map(name => name.replace('comments/reactions', 'reactions'))
      expect(steady(calls)).toEqual(steady(others).toSorted())
    })

    it('settings that cost more', async () => {
      const withSettings = (settings: string) =>
        counted('/codex fix the flaky login test', { settings, until: cleanedUp })
      const usual = await withSettings('limits: { person: 50 }\n')
      const cap = await withSettings('limits: { open_pull_requests: 99 }\n')
      expect(cap).toEqual([...usual, 'graphql openPulls'].toSorted())
      const approval = await withSettings('pull_request: { approval: somebody-else }\n')
      const shown = ['GET commits/check-runs', 'POST check-runs', 'graphql pullApprovals']
      expect(approval).toEqual([...usual, ...shown].toSorted())
      const check = await withSettings('comments: check\n')
      const isCheck = (name: string) => name.endsWith('check-runs')
      const others = usual.filter(name => name !== 'POST issues/comments' && name !== 'PATCH issues/comments')
      expect(check.filter(name => !isCheck(name))).toEqual([...others, 'POST issues/comments'].toSorted())
      // On the commit where its branch began, and on its own; each told before it is written how it stands.
      expect(check.filter(name => name === 'POST check-runs')).toHaveLength(2)
      expect(check.filter(isCheck).length).toBeLessThanOrEqual(10)
    })

    // The last two: news of a pull request and of its checks are looked at some seconds later.
    it('a pull request of another shape', async () => {
      const { github } = world()
      const withSettings = (settings: string) =>
        counted('/codex fix the flaky login test', { settings, until: cleanedUp })
      await github.as('olga').makesLabel('codex-made')
      const usual = await withSettings('limits: { person: 50 }\n')
      const shape = 'pull_request: {title: "fix: {title}", labels: [codex-made], draft: false}\n'
      const calls = await withSettings(shape)
      // GitHub tells of what is no draft any more: the bot looks at it, and whether it changes the settings.
      expect(calls.filter(name => !name.startsWith('GET pulls'))).toEqual(usual)
      await looksForSettings(Number((await github.pulls()).at(-1)?.number))
      expect((await github.pulls()).at(-1)).toMatchObject({ title: 'fix: Login is flaky', draft: false })
    })

    it('a fix: what the pull request needs is looked at before, and with the result', async () => {
      const { github, posthog } = world()
      posthog.script('Fix what pull request', { kind: 'pushesToBranch', text: 'Green.' })
      const calls = await counted('/codex fix', {
        settings: 'limits: { person: 50 }\n',
        async before() {
          const pull = await onPull()
          github.checks(pull.number, 'unit tests', 'FAILURE')
          return pull
        },
        until: thread => thread.waitForAnswer('Green.'),
      })
      const looks = calls.filter(name => name === 'graphql pullNeeds').length
      expect(looks).toBeGreaterThan(0)
      expect(looks).toBeLessThanOrEqual(3)
      expect(steady(calls).length).toBeLessThanOrEqual(19)
    })
  },
  { oneByOne: true, roles: [] },
)
