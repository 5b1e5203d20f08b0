/** What people write between two commands, in reviews and on lines: the agent is given it, and the receipt counts it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

/** GitHub's times have whole seconds. */
const nextSecond = () => new Promise(resolve => setTimeout(resolve, 1_000 - (Date.now() % 1_000) + 20))

onEitherQueue('What was written between two commands', world => {
  const opens = async (title: string) => {
    const maya = world().github.as('maya')
    const { number } = await maya.opensIssue({ title, body: 'As said.' })
    const thread = new Thread(world(), number)
    /** What was said to the agent, in order. */
    const prompts = (): string[] => {
      const { runs, messages } = ledgerOf(world(), number)
      const said = [...runs, ...messages].map(({ body }) => body)
      return said.map(body => String(Object(body).pending_user_message ?? JSON.stringify(body)))
    }
    return { maya, number, thread, prompts }
  }

  it('a decision by somebody with trust reaches the agent that goes on after a plan', async () => {
    const { github, posthog } = world()
    const { maya, number, thread, prompts } = await opens('Pick a database')
    posthog.script('only plan', { kind: 'answers', text: '1. Ask which database.' })
    await maya.comments(number, '/codex plan only plan this')
    await thread.waitForAnswer('1. Ask which database.')
    await nextSecond()
    const outdated = await github.as('mario').comments(number, 'DECISION: MySQL')
    await github.as('mario').hides(`/issues/comments/${outdated.id}`)
    await github.as('mario').comments(number, 'DECISION: Postgres 16')
    await github.as('eve').comments(number, 'DECISION: my database')
    await nextSecond()
    posthog.script('do it as decided', { kind: 'opensPull' })
    await maya.comments(number, '/codex do it as decided')
    await thread.waitForAnswer('pull request is ready')
    const said = prompts().at(-1) ?? ''
    expect(said).toContain('do it as decided')
    expect(said).toMatch(/\n[0-9a-f]{16,} Comment by mario:\nDECISION: Postgres 16\n/)
    expect(said).not.toMatch(/my database|MySQL/)
    expect(await thread.status()).toContain('and 2 comments (by maya, mario)')
    expect(await thread.status()).toContain(
      'did not read: 1 by people without write permission, 1 hidden on the page',
    )
  })

  it('and the agent that is at work, with the next words', async () => {
    const { github, posthog } = world()
    const { maya, number, thread, prompts } = await opens('Told while at work')
    posthog.script('take your time', { kind: 'manual' })
    await maya.comments(number, '/codex take your time')
    await thread.waitForStatus('⏳ Codex is working')
    await nextSecond()
    await github.as('mario').comments(number, 'The tests are in e2e/.')
    await nextSecond()
    const told = await maya.comments(number, '/codex and run what mario says')
    await thread.waitForReaction('+1', told.id)
    await nextSecond()
    const again = await maya.comments(number, '/codex and once more')
    await thread.waitForReaction('+1', again.id)
    const [first, second, third] = prompts()
    expect(first).not.toContain('e2e')
    expect(second).toContain('Comment by mario:\\nThe tests are in e2e/.')
    expect(third).not.toContain('e2e')
    await maya.comments(number, '/codex stop')
    expect(await thread.waitForStatus('⏹️')).toContain('and 1 comment (by mario)')
  })

  it('reviews and comments on lines of a pull request, but for resolved and hidden ones', async () => {
    const { github, posthog } = world()
    posthog.script('address the review comments', { kind: 'pushesToBranch', text: 'Addressed.' })
    const maya = github.as('maya')
    const mario = github.as('mario')
    await maya.pushes('maya/lines', { 'src/a.ts': 'let a\nlet b\n' })
    const { number } = await maya.opensPull({ head: 'maya/lines', title: 'Reviewed', body: 'Please look.' })
    await mario.reviews(number, {
      body: 'Nearly there.',
      comments: [{ path: 'src/a.ts', line: 1, body: 'Call this `user`.' }],
    })
    const done = await mario.commentsOnLine(number, { path: 'src/a.ts', line: 2, body: 'Take b out.' })
    await maya.resolves(done.id)
    const hidden = await mario.reviews(number, { body: 'Start again.' })
    await maya.hides(`/pulls/${number}/reviews/${hidden.id}`)
    const line = await mario.commentsOnLine(number, { path: 'src/a.ts', line: 2, body: 'Call it c.' })
    await maya.hides(`/pulls/comments/${line.id}`)
    await github.as('eve').commentsOnLine(number, { path: 'src/a.ts', line: 2, body: 'An order from eve.' })
    await nextSecond()
    await maya.comments(number, '/codex address the review comments')
    const thread = new Thread(world(), number)
    await thread.waitForAnswer('@maya done')
    const said = String(Object(ledgerOf(world(), number).runs[0]?.body).pending_user_message)
    expect(said).toMatch(/\n[0-9a-f]{16,} Review by mario:\nNearly there\.\n/)
    expect(said).toMatch(/\n[0-9a-f]{16,} The lines of src\/a\.ts, line 1:\n@@/)
    expect(said).toMatch(/\n[0-9a-f]{16,} Comment by mario on src\/a\.ts, line 1:\nCall this `user`\.\n/)
    expect(said).not.toMatch(/Take b out|An order from eve|Start again|Call it c/)
    const status = await thread.status()
    expect(status).toContain('and 2 comments (by mario, 1 of them on lines of code)')
    expect(status).toContain(
      '1 by people without write permission, 1 in resolved threads, 2 hidden on the page',
    )
  })
})
