/** What becomes of the pull request after the last word is told once, in the status, which comes back into sight for it. */
import { expect, it } from 'vitest'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue(
  'The pull request of a run',
  world => {
    const made = async (title: string) => {
      const { github } = world()
      const issue = await opensIssue(world(), title)
      await issue.says('/codex do it')
      await issue.thread.waitForAnswer('Codex opened draft')
      await issue.thread.waitForFolded()
      await github.settled()
      const [pull] = await issue.pulls()
      return { ...issue, pull: Number(pull?.number) }
    }

    it('is merged: the status and the last word say so by one call each, with what it cost in the end', async () => {
      const { github } = world()
      const { maya, thread, pull, run } = await made('Merged later')
      expect(run(0).ciTurn()).toBe(true)
      await github.waitFor(() => run(0).turns === 2 && !run(0).turnGoesOn)
      const before = github.calls.length
      await maya.readies(pull)
      await thread.waitForStatus(' · open, ')
      await maya.mergesPull(pull)
      const status = await thread.waitForStatus('was merged')
      expect(status).toMatch(
        new RegExp(
          `^### 🎉 \\[#${pull} Merged later.*?\\]\\(\\S+\\) was merged\\n[\\s\\S]*<sub>do it · maya · .* · \\$0\\.84 · .* · merged at 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC, \`posthog/`,
        ),
      )
      await thread.waitForAnswer(/^🎉 \*\*Merged\*\* /)
      await github.settled()
      const [shown, ...others] = (await thread.botComments()).filter(({ body }) => body.startsWith('### '))
      expect([shown?.minimized, others]).toEqual([false, []])
      const calls = callsOf(github.calls.slice(before).filter(({ actor }) => actor === github.botLogin))
      expect(calls.filter(name => /^(graphql|PATCH)/.test(name))).toEqual([
        'PATCH issues/comments',
        'PATCH issues/comments',
        'graphql settleThread',
      ])
    })

    it('goes on: what was told of it is folded away again, and only the newest run tells of its end', async () => {
      const { github, posthog } = world()
      const { maya, thread, says, pull } = await made('Goes on later')
      await maya.readies(pull)
      await thread.waitForStatus(' · open, ')
      posthog.script('polish it', { kind: 'pushesToBranch', text: 'Polished.' })
      await says('/codex --model gpt-5 polish it')
      await thread.waitForAnswer('Polished.')
      await thread.waitForFolded()
      expect(await thread.status()).not.toContain('instead of what was asked')
      await maya.mergesPull(pull)
      await thread.waitForStatus('was merged')
      await github.settled()
      const statuses = (await thread.botComments()).filter(({ body }) => body.startsWith('### '))
      expect(statuses.map(({ minimized }) => Boolean(minimized))).toEqual([true, false])
    })
  },
  { oneByOne: true },
)
