/** `/codex fix` on a pull request: what GitHub's page says it needs is what the agent is asked. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('/codex fix', world => {
  const asked = (number: number): string =>
    String(Object(ledgerOf(world(), number).runs.at(-1)?.body).pending_user_message)

  it('on a pull request names failed checks, conflicts, requested changes and open threads', async () => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    posthog.script('Fix what pull request', { kind: 'pushesToBranch', text: 'Green again.' })
    await maya.pushes('maya/red', { 'red.ts': 'let red' })
    const { number } = await maya.opensPull({ head: 'maya/red', title: 'Red', body: 'Please look.' })
    await github.as('mario').reviews(number, {
      event: 'REQUEST_CHANGES',
      comments: [{ path: 'red.ts', line: 1, body: 'Name it.' }],
    })
    github.checks(number, 'unit tests', 'FAILURE')
    github.checks(number, 'lint', 'SUCCESS')
    github.conflicts(number)
    await maya.comments(number, '/codex fix it')
    await new Thread(world(), number).waitForAnswer('Green again.')
    const prompt = asked(number)
    expect(prompt).toContain(`Fix what pull request #${number} needs:`)
    expect(prompt).toContain('conflicts with its base branch')
    expect(prompt).toContain('The check "unit tests" failed: http')
    expect(prompt).toContain('Changes were requested by mario.')
    expect(prompt).toContain('An open comment on red.ts, line 1.')
    expect(prompt).not.toContain('lint')
  })

  it('where nothing is wrong is an instruction as any other', async () => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    posthog.script('fix everything', { kind: 'answers', text: 'What?' })
    await maya.pushes('maya/green', { 'green.ts': 'let green' })
    const { number } = await maya.opensPull({ head: 'maya/green', title: 'Green', body: 'Please look.' })
    await maya.comments(number, '/codex fix everything')
    await new Thread(world(), number).waitForAnswer('What?')
    expect(asked(number)).not.toContain('Fix what pull request')
  })
})
