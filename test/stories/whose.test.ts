/** Whose words, boxes and commands they are, and what became of each, can be seen where they stand. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { nextSecond, opensIssue } from '../world/opens-issue.ts'

onEitherQueue('Several commands', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('of one comment: the second waits without a word, and all is done when its run has ended', async () => {
    const { github, posthog } = world()
    const { thread, says, ledger, run } = await opens('Two at once')
    posthog.script('first of both', { kind: 'manual' })
    posthog.script('second of both', { kind: 'manual' })
    const both = await says('/codex first of both\n/codex --new second of both')
    await thread.waitForStatus('⏳ Codex is working')
    await run(0).completeTurn('The first is done.')
    await github.waitFor(() => ledger().runs.length === 2)
    await thread.waitForAnswer('The first is done.')
    await github.settled()
    expect(await thread.reactions(both.id)).toEqual(['eyes'])
    await run(1).completeTurn('The second is done.')
    await thread.waitForAnswer('The second is done.')
    await thread.waitForReaction('rocket', both.id)
    await github.settled()
    expect(await thread.reactions(both.id)).toEqual(['rocket'])
    expect(await thread.botComments()).toHaveLength(4)
  })
})

onEitherQueue('A box', world => {
  it('that stops a run has the reaction of a command, and one that starts another says who ticked it', async () => {
    const { github, posthog } = world()
    const { thread, says, ticks, ledger } = await opensIssue(world(), 'Tick and tick')
    posthog.script('long work', { kind: 'hangs' }, { times: 1 })
    await says('/codex long work')
    await thread.waitForStatus('⏳ Codex is working')
    await nextSecond()
    const status = await ticks('Stop this run', 'olga')
    await thread.waitForReaction('+1', status)
    await thread.waitForAnswer('@maya stopped by `olga`')
    await ticks('Try again', 'olga')
    await github.waitFor(() => ledger().runs.length === 2)
    await thread.waitForStatus('box ticked by olga, ')
  })
})

onEitherQueue('A session in the middle', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('goes on with another model, by words, or with another effort, by a label: both are said', async () => {
    const { github, posthog } = world()
    const { thread, says, ledger, number, run } = await opens('In the middle')
    posthog.script('begin in the middle', { kind: 'manual' })
    posthog.script('what then', { kind: 'manual' })
    await says('/codex --model gpt-5.5 begin in the middle')
    await thread.waitForStatus('⏳ Codex is working')
    expect(await thread.status()).not.toContain('From here on')
    await says('/codex --model gpt-5 what then')
    await nextSecond()
    await github.as('maya').labels(number, 'codex:high')
    await thread.waitForReaction('eyes')
    await run(0).completeTurn('So far.')
    await thread.waitForAnswer('So far.')
    await thread.waitForStatus('From here on with `gpt-5`.')
    await github.waitFor(() => ledger().runs.length === 2)
    await run(1).completeTurn('And then.')
    await thread.waitForStatus('From here on with `gpt-5`, effort `high`.')
    await github.waitFor(() => ledger().runs.length === 3)
  })
})
