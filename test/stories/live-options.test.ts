/** Another model or effort for a session that works. What older versions of PostHog do: `sessions.test.ts`. */
import { expect, it } from 'vitest'
import { onBothQueues } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onBothQueues(
  'Words to a run at work want another model or effort',
  world => {
    const opens = async (title: string) => {
      const { github, posthog } = world()
      const maya = github.as('maya')
      const { number } = await maya.opensIssue({ title, body: 'As said.' })
      const ledger = () => ledgerOf(world(), number)
      return {
        says: (text: string) => maya.comments(number, text),
        thread: new Thread(world(), number),
        ledger,
        run: (at: number) => posthog.run(String(ledger().runs[at]?.runId)),
        set: () =>
          posthog.ledger.filter(
            entry => entry.kind === 'command' && entry.taskId === ledger().tasks[0]?.taskId,
          ),
      }
    }

    it('and its session is changed', async () => {
      const { github, posthog } = world()
      posthog.script('take the time it takes', { kind: 'manual' })
      posthog.script('be quick about it', { kind: 'answers', text: 'Quickly done.' })
      const { says, thread, ledger, run, set } = await opens('Meanwhile')
      await says('/codex take the time it takes')
      // Its sandbox is up, and the bot has seen it.
      await thread.waitForStatus('**Codex is starting**')
      const asked = await says('/codex --model gpt-5 --effort low be quick about it')
      await github.waitFor(() => ledger().messages.length === 1)
      await thread.waitForReaction('+1', asked.id)
      expect(set().map(({ body }) => JSON.parse(JSON.stringify(body)).params)).toEqual([
        { configId: 'model', value: 'gpt-5' },
        { configId: 'effort', value: 'low' },
      ])
      await thread.waitForStatus('gpt-5, effort low')
      await run(0).completeTurn('Took it.')
      await thread.waitForAnswer('Quickly done.')
      expect(await thread.status()).not.toContain('PostHog used')
      // As it was changed, it goes on.
      posthog.script('and then', { kind: 'answers', text: 'Then this.' })
      await says('/codex and then?')
      await thread.waitForAnswer('Then this.')
      expect([ledger().runs.length, ledger().messages.length, set().length]).toEqual([1, 2, 2])
    })

    it('and nothing else of it can be', async () => {
      const { github, posthog } = world()
      posthog.script('stay where you are', { kind: 'manual' })
      await github.as('maya').pushes('release', { 'a.txt': 'a' })
      const { says, thread, ledger, set } = await opens('Elsewhere')
      await says('/codex stay where you are')
      await thread.waitForStatus('⏳ Codex is working')
      await says('/codex --effort low --branch release look there')
      await thread.waitForAnswer('with another `--effort` and `--branch`')
      expect([ledger().messages.length, set().length]).toEqual([0, 0])
    })
  },
  { posthog: { setsOptions: true } },
)
