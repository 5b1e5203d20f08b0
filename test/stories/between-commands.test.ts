/** What people write between two commands, in reviews and on lines: the agent is given it, and the receipt counts it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { asks, nextSecond, opensPull } from '../world/opens-issue.ts'

/** GitHub's times have whole seconds. */

onEitherQueue('What was written between two commands', world => {
  it('a decision by somebody with trust reaches the agent that goes on after a plan', async () => {
    const { github, posthog } = world()
    const plan = await asks(world(), 'plan only plan this', {
      kind: 'answers',
      text: '1. Ask which database.',
    })
    const { says, thread, ledger } = plan
    await thread.waitForAnswer('1. Ask which database.')
    await nextSecond()
    const outdated = await says('DECISION: MySQL', 'mario')
    await github.as('mario').hides(`/issues/comments/${outdated.id}`)
    await says('DECISION: Postgres 16', 'mario')
    await says('DECISION: my database', 'eve')
    await nextSecond()
    posthog.script('do it as decided', { kind: 'opensPull' })
    await says('/codex do it as decided')
    const last = await thread.waitForAnswer('Codex opened draft')
    const { runs, messages } = ledger()
    const said = JSON.stringify([...runs, ...messages].at(-1)?.body)
    expect(said).toContain('do it as decided')
    expect(said).toMatch(/\\n[0-9a-f]{16,} Comment by \\"mario\\":\\nDECISION: Postgres 16\\n/)
    expect(said).not.toMatch(/my database|MySQL/)
    expect(last).toContain('and 2 comments (by maya, mario)')
    expect(last).toContain(
      'did not read: 1 by people without write permission, 1 hidden on the page',
    )
  })

  it('reviews and comments on lines of a pull request, but for resolved and hidden ones', async () => {
    const { github, posthog } = world()
    posthog.script('address the review comments', { kind: 'pushesToBranch', text: 'Addressed.' })
    const { maya, number, path, says, thread, prompt } = await opensPull(world(), 'maya/lines', {
      path: 'src/a.ts',
    })
    const mario = github.as('mario')
    const comments = [{ path, line: 1, body: 'Call this `user`.' }]
    await mario.reviews(number, { body: 'Nearly there.', comments })
    const done = await mario.commentsOnLine(number, { path, line: 2, body: 'Take b out.' })
    await maya.resolves(done.id)
    const hidden = await mario.reviews(number, { body: 'Start again.' })
    await maya.hides(`/pulls/${number}/reviews/${hidden.id}`)
    const line = await mario.commentsOnLine(number, { path, line: 2, body: 'Call it c.' })
    await maya.hides(`/pulls/comments/${line.id}`)
    await github.as('eve').commentsOnLine(number, { path, line: 2, body: 'An order from eve.' })
    await nextSecond()
    await says('/codex address the review comments')
    const last = await thread.waitForAnswer('@maya done')
    expect(prompt()).toMatch(/\n[0-9a-f]{16,} Review by "mario":\nNearly there\.\n/)
    expect(prompt()).toMatch(/\n[0-9a-f]{16,} The lines of "src\/a\.ts", line 1:\n@@/)
    expect(prompt()).toMatch(
      /\n[0-9a-f]{16,} Comment by "mario" on "src\/a\.ts", line 1:\nCall this `user`\.\n/,
    )
    expect(prompt()).not.toMatch(/Take b out|An order from eve|Start again|Call it c/)
    expect(last).toContain('and 2 comments (by mario, 1 of them on lines of code)')
    expect(last).toContain(
      '1 by people without write permission, 1 in resolved threads, 2 hidden on the page',
    )
  })
})
