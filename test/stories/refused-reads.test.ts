/** What can't be read once is read again: the Run ends as if nothing had been, and nothing is done twice. */
import { expect, it } from 'vitest'
import type { Fault } from '../../emulators/github/faults.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import type { World } from '../world/world.ts'

function scenes(world: () => World) {
  /** Work asked for in a repository of its own, whose agent does what the test says. */
  const asked = async (
    name: string,
    { before = () => {}, label }: { before?: (repository: string) => void; label?: string } = {},
  ) => {
    const { github, posthog } = world()
    const repository = await github.addRepo('acme', name)
    posthog.script({ repository }, { kind: 'manual' })
    const maya = github.as('maya', repository)
    const { number } = await maya.opensIssue({ title: 'Login is flaky', body: 'Every third time.' })
    before(repository)
    const comment = await maya.comments(number, label === undefined ? '/codex fix it' : 'Please.')
    if (label !== undefined) await maya.labels(number, label)
    const thread = new Thread(world(), number, repository)
    const ledger = () => ledgerOf(world(), number, repository)
    const runId = await github.waitFor(() => ledger().runs[0]?.runId)
    const run = posthog.run(runId)
    const work = async () => {
      await run.openPull()
      await run.completeTurn('Done.')
    }
    const reacted = () => thread.waitForReaction('rocket', comment.id)
    return { repository, maya, number, comment, thread, ledger, run, work, reacted }
  }

  const endsAsEver = async ({ thread, ledger }: Awaited<ReturnType<typeof asked>>): Promise<void> => {
    await thread.waitForAnswer('@maya Codex opened draft')
    // The last that a Run does.
    await thread.waitForFolded()
    await thread.waitForAnswer(' · $0.42 · ')
    expect(await thread.status()).toMatch(/^### 🚀 \[#\d+ /)
    expect(await thread.statuses()).toHaveLength(1)
    expect(await thread.answers()).toHaveLength(1)
    const { tasks, runs, cancels } = ledger()
    expect([tasks.length, runs.length, cancels.length]).toEqual([1, 1, 0])
  }

  return { asked, endsAsEver }
}

onEitherQueue('A read that is refused', world => {
  const { asked, endsAsEver } = scenes(world)

  it.each([
    ['404', { kind: 'status', code: 404 }],
    ['a page', { kind: 'html' }],
  ] as const)('once by PostHog, of the run and then of its log: %s', async (how, fault) => {
    const { github, posthog } = world()
    const work = await asked(`posthog-${how.replaceAll(' ', '-')}`)
    await work.thread.waitForStatus('⏳ Codex is working')
    const path = `/runs/${work.run.id}`
    const faults = [
      posthog.fault({ method: 'GET', route: new RegExp(`${path}/$`), fault }),
      posthog.fault({ method: 'GET', route: new RegExp(`${path}/session_logs/$`), fault }),
    ]
    await github.waitFor(() => faults.every(({ hits }) => hits === 1))
    await work.work()
    await endsAsEver(work)
  })

  const notAccessible = {
    kind: 'status',
    code: 403,
    body: { message: 'Resource not accessible by integration' },
  } as const

  it('once, when a closing is looked at: the run stops all the same', async () => {
    const { github } = world()
    const { repository, maya, number, thread, ledger } = await asked('closed')
    await thread.waitForStatus('⏳ Codex is working')
    const path = new RegExp(`^/repos/${repository}/issues/${number}$`)
    const refused = github.fault({ method: 'GET', path, fault: notAccessible })
    await maya.closes(number)
    await thread.waitForStatus('Stopped because `maya` closed this')
    expect(refused.hits).toBe(1)
    expect(ledger().cancels).toHaveLength(1)
  })

  it('once, when a deletion is looked at: the run stops all the same', async () => {
    const { github } = world()
    const { repository, maya, comment, thread, ledger } = await asked('deleted')
    await thread.waitForStatus('⏳ Codex is working')
    const path = new RegExp(`^/repos/${repository}/issues/comments/${comment.id}$`)
    const refused = github.fault({ method: 'GET', path, fault: notAccessible })
    await maya.deletesComment(comment.id)
    await thread.waitForStatus('Stopped because `maya` deleted the comment that asked for it')
    expect(refused.hits).toBe(1)
    expect(ledger().cancels).toHaveLength(1)
  })

  const aPage = { kind: 'status', code: 200, body: '<html>One moment, please.</html>' } as const

  it('twice, when the closing of an issue that is open again is looked at: it works on', async () => {
    const { github } = world()
    const work = await asked('reopened')
    const { repository, maya, number, thread } = work
    await thread.waitForStatus('⏳ Codex is working')
    const path = new RegExp(`^/repos/${repository}/issues/${number}$`)
    // Two for the two looks of the client itself, before the issue is open again.
    const refused = github.fault({ method: 'GET', path, times: 2, fault: aPage })
    const answered = github.fault({ method: 'GET', path, fault: { kind: 'delay', ms: 0 } })
    await maya.closes(number)
    await maya.reopens(number)
    await github.waitFor(() => answered.hits === 1)
    expect(refused.hits).toBe(2)
    await work.work()
    await endsAsEver(work)
  })

  it('once, when the taking off of a label that is set again is looked at: it works on', async () => {
    const { github } = world()
    const work = await asked('labelled', { label: 'codex' })
    const { repository, maya, number, thread } = work
    await thread.waitForStatus('⏳ Codex is working')
    const path = new RegExp(`^/repos/${repository}/issues/${number}$`)
    const refused = github.fault({ method: 'GET', path, fault: { kind: 'not-found' } })
    const answered = github.fault({ method: 'GET', path, fault: { kind: 'delay', ms: 0 } })
    await maya.unlabels(number, 'codex')
    await maya.labels(number, 'codex')
    await github.waitFor(() => answered.hits === 1)
    expect(refused.hits).toBe(1)
    await work.work()
    await endsAsEver(work)
  })

  it('a thread that is locked while the agent works is told the result when it is unlocked', async () => {
    const { github } = world()
    const work = await asked('locked')
    await work.thread.waitForStatus('⏳ Codex is working')
    const body = { message: 'Unable to create comment because issue is locked.' }
    const fault = { kind: 'status', code: 403, body } as const
    const here = `^/repos/${work.repository}/issues`
    const posts = github.fault({
      method: 'POST',
      path: new RegExp(`${here}/\\d+/comments$`),
      times: Infinity,
      fault,
    })
    const edits = github.fault({
      method: 'PATCH',
      path: new RegExp(`${here}/comments/\\d+$`),
      times: Infinity,
      fault,
    })
    await work.work()
    await github.waitFor(() => posts.hits + edits.hits > 0)
    expect(await work.thread.answers()).toEqual([])
    posts.cancel()
    edits.cancel()
    await endsAsEver(work)
  })
})

onEitherQueue(
  'A read in one query that is refused',
  world => {
    const { asked, endsAsEver } = scenes(world)

    /** Each is refused once: the base when the branches are looked at again, the comments after the command. */
    const reads = [
      { path: '/git/matching-refs/' },
      { path: '/git/ref/heads(?:/|%2F)main$', after: 1 },
      { path: '/issues/\\d+/comments$', after: 1 },
    ]

    it('once by GitHub, of what is asked in one query: it is asked for singly', async () => {
      const { github } = world()
      const fault = { kind: 'status', code: 403, body: { message: 'Resource not accessible' } } as const
      const armed = [/^threadAhead$/, /^pullAndPerson$/].map(operation =>
        github.fault({ path: '/graphql', operation, fault }),
      )
      const work = await asked('one-query')
      await work.work()
      await endsAsEver(work)
      await work.reacted()
      expect(armed.map(({ hits }) => hits)).toEqual([1, 1])
      const [pull] = await github.pulls(work.repository)
      expect(pull).toMatchObject({ base: 'main', body: expect.stringContaining(`Closes #${work.number}`) })
    })

    it('once by GitHub, of branches, comments and the pull request', async () => {
      const { github } = world()
      const fault = { kind: 'status', code: 404, body: { message: 'Not Found' } } as const
      // Where each is asked for by itself.
      const together = /^threadAhead$/
      const noQuery = github.fault({ path: '/graphql', operation: together, times: Infinity, fault })
      const ofPull = github.fault({ path: '/graphql', operation: /^pullAndPerson$/, fault })
      const armed: ReturnType<typeof github.fault>[] = []
      const work = await asked('one-by-one', {
        before(repository) {
          for (const { path, ...rest } of reads)
            armed.push(
              github.fault({
                method: 'GET',
                path: new RegExp(`^/repos/${repository}${path}`),
                fault,
                ...rest,
              }),
            )
        },
      })
      await work.work()
      await endsAsEver(work)
      noQuery.cancel()
      expect(ofPull.hits).toBe(1)
      expect(armed.map(({ hits }) => hits)).toEqual(reads.map(() => 1))
    })
  },
  // What is refused on GraphQL is refused to all.
  { oneByOne: true },
)

onEitherQueue('A read of a command that GitHub refuses once', world => {
  const forbidden = {
    kind: 'status',
    code: 403,
    body: { message: 'Resource not accessible by integration' },
  } as const
  const within = async (name: string) => {
    const repository = await world().github.addRepo('acme', name)
    const maya = world().github.as('maya', repository)
    const at = (number: number) => ({
      number,
      thread: new Thread(world(), number, repository),
      ledger: () => ledgerOf(world(), number, repository),
      says: (text: string) => maya.comments(number, text),
    })
    return {
      repository,
      maya,
      issue: async () => at((await maya.opensIssue({ title: 'Lamps', body: 'As said.' })).number),
      async pull() {
        await maya.pushes('maya/work', { 'a.txt': 'one' })
        return at((await maya.opensPull({ head: 'maya/work', title: 'Mine', body: 'x' })).number)
      },
      refuses: (path: string, fault: Fault = { kind: 'not-found' }) =>
        world().github.fault({ method: 'GET', path: new RegExp(`^/repos/${repository}${path}$`), fault }),
    }
  }

  it('of the pull request that a run opened: the next run goes on with it', async () => {
    const { github } = world()
    const { repository, issue, refuses } = await within('goes-on')
    const { thread, says, ledger } = await issue()
    await says('/codex do it')
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForFolded()
    const [pull] = await github.pulls(repository)
    const refused = refuses('/pulls/\\d+')
    await says('/codex --model gpt-5 and more')
    await github.waitFor(() => ledger().runs.length === 2)
    expect(refused.hits).toBe(1)
    expect(ledger().runs[1]?.body).toMatchObject({ branch: pull?.head })
  })

  it('of the pull request itself: its head is worked on', async () => {
    const { posthog } = world()
    const { repository, pull, refuses } = await within('own-head')
    const { number, thread, says, ledger } = await pull()
    posthog.script({ repository }, { kind: 'answers', text: 'Looked.' })
    const refused = refuses(`/pulls/${number}`)
    await says('/codex look')
    await thread.waitForAnswer('Looked.')
    expect(refused.hits).toBe(1)
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'maya/work' })
  })

  it('of the branch of a plan: it is approved', async () => {
    const { posthog } = world()
    const { repository, pull, refuses } = await within('approved')
    const { thread, says } = await pull()
    posthog.script({ repository, prompt: 'plan it' }, { kind: 'answers', text: '1. Do.' })
    await says('/codex plan plan it')
    await thread.waitForAnswer('1. Do.')
    posthog.script({ repository, prompt: 'Carry out the plan' }, { kind: 'pushesToBranch', text: 'Did.' })
    const refused = refuses('/git/ref/heads(?:/|%2F)maya(?:/|%2F)work')
    await says('/codex approve')
    await thread.waitForAnswer('@maya done')
    expect(refused.hits).toBe(1)
    expect(await thread.answers()).toHaveLength(2)
  })

  it('of the branch that was named: it is worked on; one that is not there is told within seconds', async () => {
    const { posthog } = world()
    const { repository, maya, issue, refuses } = await within('named')
    await maya.pushes('release', { 'r.txt': '1' })
    const { thread, says, ledger } = await issue()
    posthog.script({ repository }, { kind: 'answers', text: 'Done there.' })
    const refused = refuses('/git/ref/heads(?:/|%2F)release')
    await says('/codex --branch release do it')
    await thread.waitForAnswer('Done there.')
    expect(refused.hits).toBe(1)
    expect(ledger().runs[0]?.body).toMatchObject({ branch: 'release' })
    await says('/codex --new --branch nosuch do it')
    await thread.waitForAnswer('there is no branch `nosuch`')
    expect(await thread.answers()).toHaveLength(2)
  })

  it('of settings that were there a moment ago: they hold', async () => {
    const { github } = world()
    const { repository, issue, refuses } = await within('settings-404')
    const settings = { '.github/codex.yml': 'permissions:\n  run: admin\n' }
    await github.as('olga', repository).pushes('main', settings)
    const { thread, says, ledger } = await issue()
    const first = await says('/codex do it')
    await thread.waitForReaction('-1', first.id)
    github.fault({ path: '/graphql', operation: /^threadAhead$/, asks: /settings-404/, fault: forbidden })
    const refused = refuses('/contents/.*')
    const second = await says('/codex do it now')
    await thread.waitForReaction('-1', second.id)
    expect(refused.hits).toBe(1)
    expect(ledger().runs).toEqual([])
  })

  it('of the lines of a review: they are worked on', async () => {
    const { posthog } = world()
    const { repository, maya, pull, refuses } = await within('reviewed')
    const { number, thread } = await pull()
    posthog.script({ repository }, { kind: 'answers', text: 'Reviewed.' })
    const refused = refuses(`/pulls/${number}/reviews/\\d+/comments`, forbidden)
    await maya.reviews(number, {
      body: '/codex please',
      comments: [{ path: 'a.txt', line: 1, body: 'Rename it' }],
    })
    await thread.waitForAnswer('Reviewed.')
    expect(refused.hits).toBe(1)
    expect(await thread.answers()).toHaveLength(1)
  })
})
