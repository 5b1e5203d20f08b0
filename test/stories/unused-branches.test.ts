/** The agent takes the thread's branch as the base of its pull request until its task run ends, an hour after its turn. */
import { expect, it } from 'vitest'
import { spawnMortal } from '../chaos/mortal-bot.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { wipeData } from '../world/wipe-queue.ts'

onEitherQueue(
  'A branch that nothing came of',
  world => {
    /** Looks every so often whether the branch may go: every five minutes would be too long for a story. */
    const startBot = async () => {
      const bot = await (await spawnMortal(world(), { env: { BRANCHES_MS: '200' } })).ready()
      world().github.webhooks.target = `${bot.url}/api/github/webhooks`
      return bot
    }

    const branchesOf = async (number: number) =>
      (await world().github.branches()).filter(name => name.startsWith(`codex/issue-${number}-`))

    it('stays while the task run may use it, in nobody’s way, and goes when that has ended', async () => {
      const bot = await startBot()
      const { github, posthog } = world()
      const { says, number, thread, ledger, run } = await opensIssue(world(), 'Stays a while')
      const branches = () => branchesOf(number)
      const looks = (runId: string) =>
        posthog.calls.filter(({ route, path }) => route === 'get-run' && path.includes(runId))
          .length
      const looksTwice = async (runId: string) => {
        const before = looks(runId)
        await github.waitFor(() => looks(runId) >= before + 2)
      }
      const costs = () => {
        const { tasks } = ledger()
        const isOurs = (path: string) => tasks.some(({ taskId }) => path.includes(taskId))
        return posthog.calls.filter(({ route, path }) => route === 'usage' && isOurs(path)).length
      }

      posthog.script('what is it', { kind: 'answers', text: 'A branch.' })
      await says('/codex what is it')
      await thread.waitForAnswer('A branch.')
      await github.waitFor(() => costs() === 1)
      const first = run(0)
      await looksTwice(first.id)
      expect(await branches()).toHaveLength(1)

      posthog.script('outline it', { kind: 'answers', text: '1. Grow.' })
      await says('/codex --new outline it')
      await thread.waitForAnswer('1. Grow.')
      await github.waitFor(() => costs() === 2)
      expect(first.status).toBe('cancelled')
      const second = run(1)
      await looksTwice(second.id)
      expect(await branches(), 'the newer run may use it').toHaveLength(1)

      await bot.stop('SIGKILL')
      await startBot()
      await looksTwice(second.id)
      expect(await branches()).toHaveLength(1)
      second.idleOut()
      await github.waitFor(async () => (await branches()).length === 0)
    })

    it('goes though all of the queue was lost before a task was made for it', async () => {
      const bot = await startBot()
      const { github, posthog } = world()
      const times = Number.POSITIVE_INFINITY
      const away = posthog.fault({ route: 'create-task', times, fault: { kind: 'hang' } })
      const { says, number, thread, run } = await opensIssue(world(), 'Lost early')
      const branches = () => branchesOf(number)
      posthog.script('what was lost', { kind: 'answers', text: 'The queue.' })
      await says('/codex what was lost')
      await thread.waitForStatus('###')
      await github.waitFor(async () => away.hits > 0 && (await branches()).length === 1)
      await bot.stop('SIGKILL')
      await wipeData(world())
      away.cancel()
      await startBot()
      // Lost runs go on when the next webhook comes in.
      await says('Is anybody there?')
      await thread.waitForAnswer('The queue.')
      run(0).idleOut()
      await github.waitFor(async () => (await branches()).length === 0)
    })
  },
  // One of them loses the queue of all.
  { roles: [], oneByOne: true },
)
