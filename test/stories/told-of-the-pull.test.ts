/** What is said of a pull request: in the last word, in its own description, and once it is over. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

onEitherQueue('A pull request is told of', world => {
  const asks = async (title: string, prompt: string) => {
    const issue = await opensIssue(world(), title)
    await issue.says(`/codex ${prompt}`)
    return { ...issue, pull: async () => (await issue.pulls())[0] }
  }
  /** What came is in the records of runs: many checks are one piece of news, which waits a while for the others. */
  const allJudged = async () => {
    const { github, bot } = world()
    await github.settled()
    const metrics = async () => (await fetch(`${bot.url}/metrics`)).text()
    await github.waitFor(async () => /queue_jobs\{queue="triggers"\} 0$/m.test(await metrics()))
  }

  it('with what it changes and how its checks stand, where they are looked at anyway', async () => {
    const { github, posthog } = world()
    posthog.script('with checks', { kind: 'manual' })
    const { thread, pull, run, started } = await asks('Checked', 'do it with checks')
    await started(1)
    await run(-1).openPull({ files: { 'checked.txt': 'one\ntwo\n' } })
    await thread.waitForStatus('Codex still works on it')
    const number = Number((await pull())?.number)
    github.beginsCheck(number, 'e2e')
    github.checks(number, 'lint', 'SUCCESS')
    await allJudged()
    await run(-1).completeTurn('Done.')
    const word = await thread.waitForAnswer('Codex opened draft')
    expect(word).toMatch(/ · 1 file, \+2 −0 · checks: 1 passed, 1 running\n/)
  })

  it('in its description, for whom and from where, once', async () => {
    const { github } = world()
    const { maya, number, thread, pull } = await asks('Described', 'describe it')
    const word = await thread.waitForAnswer('Codex opened draft')
    expect(word).toMatch(/\*\* · \d files?, \+\d+ −\d+\n/)
    await thread.waitForFolded()
    const made = await pull()
    const line = `<sub>Asked for by \`maya\` in #${number} · \`/codex …\` works here</sub> <!-- codex-asked -->`
    expect(made?.body.split('\n').at(-1)).toBe(line)
    expect(made?.body).not.toContain('@maya')
    await maya.editsPull(Number(made?.number), { body: String(made?.body).replace(line, 'Mine.') })
    await maya.comments(number, '/codex --model gpt-5 polish it')
    await thread.waitForAnswer(/^@maya (?:Codex|done)(?![\s\S]*draft)/)
    await github.settled()
    expect((await pull())?.body.split('\n').at(-1)).toBe('Mine.')
  })

  it('in the last word too, when it is merged, closed or opened again; `status` leads there', async () => {
    const { github } = world()
    const { maya, number, thread, pull } = await asks('Over', 'end it')
    const word = await thread.waitForAnswer('Codex opened draft')
    await thread.waitForFolded()
    const made = Number((await pull())?.number)
    await maya.closes(made)
    await thread.waitForAnswer(/^✖️ \*\*Closed without a merge\*\* 20/)
    await maya.reopens(made)
    await thread.waitForAnswer(/^@maya Codex opened draft/)
    expect(await thread.answers()).toEqual([word])
    await maya.readies(made)
    await maya.mergesPull(made)
    const merged = await thread.waitForAnswer(
      /^🎉 \*\*Merged\*\* 20\d\d-\d\d-\d\d \d\d:\d\d UTC\n\n@maya Codex opened \*\*/,
    )
    expect(merged).toContain(word.split('\n\n')[1])
    await thread.waitForFolded()
    await maya.comments(number, '/codex status')
    const { id } = (await thread.botComments()).find(({ body }) => body.startsWith('🎉')) ?? {}
    await thread.waitForAnswer(`#issuecomment-${id}).`)
    await github.settled()
  })
})
