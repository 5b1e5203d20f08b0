/** `pull_request.credit`: the agent's commits name whoever asked, and the last word says if they do not. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

onEitherQueue('With `pull_request.credit`', world => {
  const here = async (title: string, settings = 'pull_request: { credit: true }\n') =>
    opensIssue(world(), title, await newRepository(world(), settings))

  const warned = (of: string) => `⚠️ ${of} name who asked as co-author where GitHub reads it, in the last`

  it('each is asked to name who asked, and what the tool for commits puts below it is told', async () => {
    const { github, posthog } = world()
    const { says, thread, pulls, repository, ledger, prompt } = await here('Credited')
    await says('/codex do it')
    expect(await thread.waitForAnswer('Codex opened draft')).toContain(warned('1 of 1 commit does not'))
    await thread.waitForFolded()
    posthog.script({ repository, prompt: 'and in blue' }, { kind: 'opensPull', text: 'Blue.' })
    await says('/codex and in blue', 'mario')
    expect(await thread.waitForAnswer('Blue.')).toContain(warned('1 of 1 commit does not'))
    const [pull] = await pulls()
    const messages = await github.commitMessages(Number(pull?.number), repository)
    const asked = messages.map(each =>
      /\n\nCo-authored-by: (\w+) <\d+\+(\w+)@users\.noreply\.127\.0\.0\.1>\n\nGenerated-By: /.exec(each),
    )
    expect(asked.map(each => each?.slice(1))).toEqual([
      ['maya', 'maya'],
      ['mario', 'mario'],
    ])
    expect(prompt()).toContain('End the message of each commit that you make with this line, whatever else')
    expect(JSON.stringify(ledger().messages)).toContain('Co-authored-by: mario <')
  })

  /** By an agent that commits as it likes; `{line}` is the one that it was asked for. */
  const works = async (...messages: string[]) => {
    const { github, posthog } = world()
    const { says, thread, repository, run, started, prompt } = await here('By hand')
    posthog.script({ repository, prompt: 'take your time' }, { kind: 'manual' })
    await says('/codex take your time')
    await started(1)
    await thread.waitForStatus('⏳ Codex is working')
    const line = /Co-authored-by: [^"]+/.exec(prompt())?.[0] ?? ''
    for (const [at, message] of messages.entries()) {
      const said = message.replace('{line}', line)
      await github.hands.commit(repository, 'codex/issue-1-by-hand', 'main', { [`${at}.txt`]: 'x' }, said)
    }
    await run(0).completeTurn('Took it.')
    return thread.waitForAnswer('Took it.')
  }

  it('a commit that names nobody, or somebody else, is told in the last word', async () => {
    const last = await works(
      'Begin',
      'Go on\n\nCo-authored-by: maya <1+mario@users.noreply.127.0.0.1>',
      'End\n\n{line}',
    )
    expect(last).toContain(`${warned('2 of 3 commits do not')} paragraph of the message.`)
  })

  it('nothing is said where each commit names who asked', async () =>
    expect(await works('Do it\n\nSigned-off-by: x <x@y.z>\n{line}')).not.toContain('co-author'))

  it('not set, nothing is asked and nothing is said', async () => {
    const { says, thread, prompt } = await here('Plain', '')
    await says('/codex do it')
    expect(await thread.waitForAnswer('Codex opened draft')).not.toContain('co-author')
    expect(prompt()).not.toContain('Co-authored-by')
  })
})
