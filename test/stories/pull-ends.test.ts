/** What becomes of the pull request is told in one place, the last word; the status stays folded away. */
import { expect, it } from 'vitest'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue(
  'The pull request of a run',
  world => {
    const made = async (title: string) => {
      const issue = await opensIssue(world(), title)
      const { number: pull } = await issue.makes()
      await world().github.settled()
      return { ...issue, pull }
    }

    it('is merged: the last word is edited and says so, with what it cost in the end', async () => {
      const { github } = world()
      const { maya, thread, pull, run } = await made('Merged later')
      expect(run(0).ciTurn()).toBe(true)
      await github.waitFor(() => run(0).turns === 2 && !run(0).turnGoesOn)
      const before = github.calls.length
      await maya.readies(pull)
      await maya.mergesPull(pull)
      await thread.waitForAnswer(/^🎉 \*\*Merged\*\* 20[\s\S]*<sub>.* · \$0\.84 · /)
      await github.settled()
      await thread.waitForFolded()
      const calls = callsOf(
        github.calls.slice(before).filter(({ actor }) => actor === github.botLogin),
      )
      const writes = calls.filter(name => /^(graphql|PATCH)/.test(name))
      expect(new Set(writes)).toEqual(new Set(['PATCH issues/comments']))
    })

    it('goes on: only the newest run tells of its end', async () => {
      const { github, posthog } = world()
      const { maya, thread, says, pull } = await made('Goes on later')
      await maya.readies(pull)
      posthog.script('polish it', { kind: 'pushesToBranch', text: 'Polished.' })
      await says('/codex --model gpt-5 polish it')
      await thread.waitForAnswer('Polished.')
      await thread.waitForFolded()
      expect(await thread.status()).not.toContain('instead of what was asked')
      await maya.mergesPull(pull)
      expect(await thread.waitForAnswer('**Merged**')).toContain('Polished.')
      await github.settled()
      expect((await thread.answers()).filter(each => each.includes('**Merged**'))).toHaveLength(1)
      await thread.waitForFolded()
    })
  },
  { oneByOne: true },
)
