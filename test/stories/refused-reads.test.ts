/** What can't be read once is read again: the Run ends as if nothing had been, and nothing is done twice. Of commands, test/commands/refused-reads.test.ts tells. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, opensPull, type Talk } from '../world/opens-issue.ts'

/** One after the other: what is refused on GraphQL is refused to all. */
onEitherQueue(
  'A read that is refused',
  world => {
    /** Work asked for in a repository of its own, whose agent does what the test says. */
    const asked = async (label?: string) => {
      const repository = await newRepository(world())
      world().posthog.script({ repository }, { kind: 'manual' })
      const issue = await opensIssue(world(), 'Login is flaky', repository)
      if (label === undefined) await issue.says('/codex fix it')
      else await issue.maya.labels(issue.number, label)
      await issue.started(1)
      return issue
    }

    const endsAsEver = async ({ thread, run, counts }: Talk): Promise<void> => {
      await run(0).openPull()
      await run(0).completeTurn('Done.')
      await thread.waitForAnswer('@maya Codex opened draft')
      // The last that a Run does.
      await thread.waitForFolded()
      await thread.waitForAnswer(' · $0.42 · ')
      expect(await thread.status()).toMatch(/^### 🚀 \[#\d+ /)
      expect(await thread.statuses()).toHaveLength(1)
      expect(await thread.answers()).toHaveLength(1)
      expect(counts()).toMatchObject({ tasks: 1, runs: 1, cancels: 0 })
    }

    it.each([
      ['404', { kind: 'status', code: 404 }],
      ['a page', { kind: 'html' }],
    ] as const)('once by PostHog, of the run and then of its log: %s', async (_, fault) => {
      const { github, posthog } = world()
      const work = await asked()
      await work.thread.waitForStatus('⏳ Codex is working')
      const path = `/runs/${work.run(0).id}`
      const faults = [
        posthog.fault({ method: 'GET', route: new RegExp(`${path}/$`), fault }),
        posthog.fault({ method: 'GET', route: new RegExp(`${path}/session_logs/$`), fault }),
      ]
      await github.waitFor(() => faults.every(({ hits }) => hits === 1))
      await endsAsEver(work)
    })

    it('once by GitHub, of the pull request that is asked for more: its head is worked on', async () => {
      const { github, posthog } = world()
      const repository = await newRepository(world())
      posthog.script({ repository }, { kind: 'answers', text: 'Looked.' })
      const { number, thread, says, ledger } = await opensPull(world(), 'maya/work', { repository })
      const path = new RegExp(`^/repos/${repository}/pulls/${number}$`)
      const refused = github.fault({ method: 'GET', path, fault: { kind: 'not-found' } })
      await says('/codex look')
      await thread.waitForAnswer('Looked.')
      expect(refused.hits).toBe(1)
      expect(ledger().runs.map(({ body }) => body)).toMatchObject([{ branch: 'maya/work' }])
    })

    it('once, when the taking off of a label that is set again is looked at: it works on', async () => {
      const { github } = world()
      const work = await asked('codex')
      const { repository, maya, number, thread } = work
      await thread.waitForStatus('⏳ Codex is working')
      const path = new RegExp(`^/repos/${repository}/issues/${number}$`)
      const refused = github.fault({ method: 'GET', path, fault: { kind: 'not-found' } })
      const answered = github.fault({ method: 'GET', path, fault: { kind: 'delay', ms: 0 } })
      await maya.unlabels(number, 'codex')
      await maya.labels(number, 'codex')
      await github.waitFor(() => answered.hits === 1)
      expect(refused.hits).toBe(1)
      await endsAsEver(work)
    })

    it('a thread that is locked while the agent works is told the result when it is unlocked', async () => {
      const { github } = world()
      const work = await asked()
      await work.thread.waitForStatus('⏳ Codex is working')
      const body = { message: 'Unable to create comment because issue is locked.' }
      const fault = { kind: 'status', code: 403, body } as const
      const locked = (method: string, path: string) =>
        github.fault({
          method,
          path: new RegExp(`^/repos/${work.repository}/issues/${path}$`),
          times: Infinity,
          fault,
        })
      const all = [locked('POST', '\\d+/comments'), locked('PATCH', 'comments/\\d+')]
      const ends = endsAsEver(work)
      await github.waitFor(() => all.some(({ hits }) => hits > 0))
      expect(await work.thread.answers()).toEqual([])
      for (const each of all) each.cancel()
      await ends
    })
  },
  { oneByOne: true },
)
