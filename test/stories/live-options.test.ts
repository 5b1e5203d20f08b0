/** Another model or effort for a session that works. What older versions of PostHog do: `sessions.test.ts`. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue(
  'Words to a run at work want another model or effort',
  world => {
    it('and its session is changed', async () => {
      const { github, posthog } = world()
      posthog.script('take the time it takes', { kind: 'manual' })
      posthog.script('be quick about it', { kind: 'answers', text: 'Quickly done.' })
      const { says, thread, ledger, run } = await opensIssue(world(), 'Meanwhile')
      const set = () =>
        posthog.ledger.filter(
          ({ kind, taskId }) => kind === 'command' && taskId === ledger().tasks[0]?.taskId,
        )
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
  },
  { posthog: { setsOptions: true } },
)
