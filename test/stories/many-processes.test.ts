import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { z } from 'zod'
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
      const { number, says, thread, counts } = await opensIssue(world(), 'Delivered often')
      github.webhooks.mode = { kind: 'paused' }
      const comment = await says('/codex do it once')
      await github.settled()
      const { id } = z
        .object({ id: z.number() })
        .parse(await (await fetch(`${github.url}/users/maya`)).json())
      const payload = {
        action: 'created',
        installation: { id: github.installationId },
        repository: { id: 1, name: 'shop', owner: { login: 'acme', id: 5 }, default_branch: 'main' },
        sender: { login: 'maya', id, type: 'User' },
        issue: {
          number,
          title: 'Delivered often',
          body: 'As said.',
          user: { login: 'maya', id },
          html_url: `${github.url}/${github.repository}/issues/${number}`,
        },
        comment: {
          id: comment.id,
          body: '/codex do it once',
          user: { login: 'maya', id, type: 'User' },
          // GitHub's times are whole seconds: a pull request of the same second is not older.
          created_at: new Date().toISOString().replace(/\.\d+/, ''),
        },
      }
      const webs = bots.slice(0, 2)
      const body = JSON.stringify(payload)
      const signature = `sha256=${createHmac('sha256', String(world().env.WEBHOOK_SECRET)).update(body).digest('hex')}`
      const deliver = (n: number) =>
        fetch(`${webs[n % 2]?.url}/api/github/webhooks`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-github-event': 'issue_comment',
            'x-github-delivery': `00000000-0000-0000-0000-${String(n % 7).padStart(12, '0')}`,
            'x-hub-signature-256': signature,
          },
          body,
        })
      const statuses: number[] = []
      for (let round = 0; round < 5; round++)
        statuses.push(
          ...(await Promise.all(Array.from({ length: 10 }, (_, n) => deliver(round * 10 + n)))).map(
            ({ status }) => status,
          ),
        )
      expect(new Set(statuses)).toEqual(new Set([202]))

      await thread.waitForAnswer('Codex opened draft')
      github.webhooks.mode = { kind: 'normal' }
      await github.webhooks.flush('in order')
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
      expect(names.filter(name => name === 'graphql createLinkedBranch')).toHaveLength(issues.length)
      expect(names.filter(name => name === 'graphql threadAhead')).toHaveLength(issues.length)
    })

    it('many conversations at once: exactly what was asked for', async () => {
      const { github, posthog } = world()
      const talk = async (n: number) => {
        const { thread, says, runs, ledger, counts, started } = await opensIssue(world(), `Conversation ${n}`)
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
      for (const counts of await Promise.all(Array.from({ length: conversations }, (_, n) => talk(n))))
        expect(counts()).toEqual({ tasks: 1, runs: 5, messages: 2, cancels: 1 })
    })
  },
  { roles: ['web', 'web', 'worker', 'worker'] },
)
