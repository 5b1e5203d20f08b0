/** `pull_request.credit`: the agent's commits name whoever asked, and the last word says if they do not. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue('With `pull_request.credit`', world => {
  const here = async (title: string, settings = 'pull_request: { credit: true }\n') =>
    opensIssue(world(), title, await newRepository(world(), settings))

  it('each commit names who asked for it, in the pull request and in later words of somebody else', async () => {
    const { github, posthog } = world()
    const { says, thread, pulls, repository, ledger, prompt } = await here('Credited')
    await says('/codex do it')
    const first = await thread.waitForAnswer('Codex opened draft')
    await thread.waitForFolded()
    posthog.script({ repository, prompt: 'and in blue' }, { kind: 'opensPull', text: 'Blue.' })
    await says('/codex and in blue', 'mario')
    const second = await thread.waitForAnswer('Blue.')
    const [pull] = await pulls()
    const messages = await github.commitMessages(Number(pull?.number), repository)
    expect(messages).toHaveLength(2)
    const trailers = messages.map(each =>
      /\n\nCo-authored-by: (\w+) <\d+\+(\w+)@users\.noreply\.127\.0\.0\.1>$/.exec(each),
    )
    expect(trailers.map(each => each?.slice(1))).toEqual([
      ['maya', 'maya'],
      ['mario', 'mario'],
    ])
    expect(prompt()).toContain('End the message of each commit that you make with this line')
    expect(JSON.stringify(ledger().messages)).toContain('Co-authored-by: mario <')
    expect(first + second).not.toContain('co-author')
  })

  it('a commit that names nobody, or somebody else, is told in the last word', async () => {
    const { github, posthog } = world()
    const { says, thread, repository, run, started } = await here('Forgotten')
    posthog.script({ repository, prompt: 'take your time' }, { kind: 'manual' })
    await says('/codex take your time')
    await started(1)
    await thread.waitForStatus('⏳ Codex is working')
    const branch = 'codex/issue-1-forgotten'
    const commit = (message: string, file: string) =>
      github.hands.commit(repository, branch, 'main', { [file]: file }, message)
    await commit('Begin', 'a.txt')
    await commit('Go on\n\nCo-authored-by: maya <1+mario@users.noreply.127.0.0.1>', 'b.txt')
    await run(0).completeTurn('Took it.')
    const last = await thread.waitForAnswer('Took it.')
    expect(last).toContain(
      '⚠️ 2 of 2 commits do not name who asked as co-author, which `pull_request.credit` wants.',
    )
  })

  it('not set, nothing is asked and nothing is said', async () => {
    const { says, thread, prompt } = await here('Plain', '')
    await says('/codex do it')
    expect(await thread.waitForAnswer('Codex opened draft')).not.toContain('co-author')
    expect(prompt()).not.toContain('Co-authored-by')
  })
})
