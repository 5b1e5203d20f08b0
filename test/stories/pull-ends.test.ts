/** What becomes of the pull request after the last word is told once, in the status, which comes back into sight for it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('The pull request of a run', world => {
  const made = async (title: string, words = '/codex do it') => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    const { number } = await maya.opensIssue({ title, body: 'As said.' })
    const thread = new Thread(world(), number)
    await maya.comments(number, words)
    await thread.waitForAnswer('pull request is ready')
    await thread.waitForFolded()
    const pull = (await github.pulls()).find(({ body }) => body.includes(`Closes #${number}`))
    const run = () => posthog.run(String(ledgerOf(world(), number).runs.at(-1)?.runId))
    return { maya, thread, number, pull: Number(pull?.number), head: String(pull?.head), run }
  }
  const isInSight = async (thread: Thread): Promise<boolean> =>
    (await thread.botComments()).some(({ body, minimized }) => body.startsWith('### ') && !minimized)

  it('is merged: the status says so, with what it cost in the end', async () => {
    const { github } = world()
    const { maya, thread, pull, run } = await made('Merged later')
    expect(run().ciTurn()).toBe(true)
    await github.waitFor(() => run().turns === 2 && !run().turnGoesOn)
    await maya.readies(pull)
    await maya.mergesPull(pull)
    const status = await thread.waitForStatus('was merged')
    expect(status).toMatch(
      new RegExp(
        `^### 🎉 \\[#${pull} Merged later.*?\\]\\(\\S+\\) was merged\\n[\\s\\S]*<sub>do it · maya · .* · \\$0\\.84 · .* · merged at 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC, \`posthog/`,
      ),
    )
    expect(await isInSight(thread)).toBe(true)
    await github.settled()
    expect(await thread.statuses()).toHaveLength(1)
  })

  it('goes on: what was told of it is folded away again, and only the newest run tells of its end', async () => {
    const { github, posthog } = world()
    const { maya, thread, number, pull } = await made('Goes on later')
    await maya.readies(pull)
    await thread.waitForStatus(' · open, ')
    posthog.script('polish it', { kind: 'pushesToBranch', text: 'Polished.' })
    await maya.comments(number, '/codex --model gpt-5 polish it')
    await thread.waitForAnswer('Polished.')
    await thread.waitForFolded()
    await maya.mergesPull(pull)
    await thread.waitForStatus('was merged')
    await github.settled()
    const statuses = (await thread.botComments()).filter(({ body }) => body.startsWith('### '))
    expect(statuses.map(({ minimized }) => Boolean(minimized))).toEqual([true, false])
  })
})
