import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { exhaustive } from '../support/tries.ts'
import { callsOf } from '../world/calls.ts'
import { onRedis } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

/** Each of seven commands. */
const conversations = exhaustive ? 5 : 2

onRedis(
  'Two web processes and two workers on one Redis',
  world => {
    it('50 deliveries of one comment, ten at a time, are one task, one run, one status comment', async () => {
      const { github, bots } = world()
      const { webhooks } = github
      const { says, thread, counts } = await opensIssue(world(), 'Delivered often')
      await github.settled()
      webhooks.mode = { kind: 'drop' }
      await says('/codex do it once')
      await github.settled()
      webhooks.mode = { kind: 'normal' }
      const { id = 0, event = '', bytes } = webhooks.deliveries.at(-1) ?? {}
      const webs = bots.slice(0, 2)
      const deliver = (n: number) => {
        webhooks.target = `${webs[n % 2]?.url}/api/github/webhooks`
        const guid = `00000000-0000-0000-0000-${String(n % 7).padStart(12, '0')}`
        return webhooks.direct(event, {}, { guid, raw: String(bytes) })
      }
      const statuses: number[] = []
      for (let round = 0; round < 5; round++)
        statuses.push(
          ...(await Promise.all(Array.from({ length: 10 }, (_, n) => deliver(round * 10 + n)))).map(
            ({ status }) => status,
          ),
        )
      expect(new Set(statuses)).toEqual(new Set([202]))

      await thread.waitForAnswer('Codex opened draft')
      webhooks.redeliver(id)
      await github.settled()
      await sleep(500)
      expect(counts()).toMatchObject({ tasks: 1, runs: 1 })
      expect(await thread.statuses()).toHaveLength(1)
      expect(await thread.answers()).toHaveLength(1)
    })

    it('whichever worker a run begins in, what was read with its command is not asked again', async () => {
      const { github } = world()
      const issues = await Promise.all(
        Array.from({ length: 4 }, (_, n) => opensIssue(world(), `Elsewhere ${n}`)),
      )
      await github.settled()
      github.forgetCalls()
      await Promise.all(issues.map(({ says }) => says('/codex do it')))
      await Promise.all(issues.map(({ thread }) => thread.waitForAnswer('Codex opened draft')))
      const names = callsOf(github.calls)
      expect(names.filter(name => name === 'graphql createLinkedBranch')).toHaveLength(
        issues.length,
      )
      expect(names.filter(name => name === 'graphql threadAhead')).toHaveLength(issues.length)
    })

    it('many conversations at once: exactly what was asked for', async () => {
      const { github, posthog } = world()
      const talk = async (n: number) => {
        const { thread, says, runs, ledger, counts, started } = await opensIssue(
          world(),
          `Conversation ${n}`,
        )
        const endRuns = async (): Promise<void> => {
          for (const { runId } of runs()) {
            const run = posthog.run(String(runId))
            if (run.status === 'in_progress') await run.finish('completed')
          }
        }
        posthog.script(`start ${n}.`, { kind: 'manual' }, { times: 1 })
        posthog.script(`polish ${n}.`, { kind: 'pushesToBranch', text: 'Polished.' })
        posthog.script(`think ${n}.`, { kind: 'answers', text: '1. First\n2. Second' })
        await says(`/codex start ${n}.`)
        await thread.waitForStatus('⏳ Codex is working')
        const { id } = await says(`/codex use less memory ${n}.`)
        await thread.waitForReaction('+1', id)
        await says('/codex stop')
        await thread.waitForStatus(/^### ⏹️/)
        // What was said to the run that was stopped is said again.
        await says('/codex retry')
        await thread.waitForAnswer('Codex opened draft')
        await github.waitFor(() => ledger().messages.length === 2)
        await endRuns()
        await says(`/codex polish ${n}.`)
        await thread.waitForAnswer('@maya done')
        await endRuns()
        await says(`/codex plan think ${n}.`)
        await thread.waitForAnswer('Carry out this plan')
        await endRuns()
        await says('/codex approve')
        await started(5)
        return counts
      }
      for (const counts of await Promise.all(
        Array.from({ length: conversations }, (_, n) => talk(n)),
      ))
        expect(counts()).toEqual({ tasks: 1, runs: 5, messages: 2, cancels: 1 })
    })
  },
  { roles: ['web', 'web', 'worker', 'worker'] },
)
