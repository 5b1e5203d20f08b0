/** What a person reads of an agent that answers, hears more, is stopped, or ends by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { finishes, shell } from './says.ts'
import { opensIssue, withRealAgents } from './stage.ts'

withRealAgents('A real agent that answers', stage => {
  it('is told with its words', async () => {
    stage().agents.plays('how much is two and two', [
      { thinks: 'Easy.', text: 'Two and two is four.' },
    ])
    const { thread, says, runs, mails } = await opensIssue(stage(), 'A sum')
    await says('/codex how much is two and two?')
    expect(await mails()).toEqual([expect.stringMatching(/^@maya Two and two is four\./)])
    expect(await thread.status()).toMatch(/^### 💬 Codex answered/)
    expect(runs()).toHaveLength(1)
  })

  it('hears what is said while its first turn goes on, and that is one answer', async () => {
    const { agents } = stage()
    const model = agents.plays('count the files', [
      { text: 'I count them.', ...shell('sleep 4') },
      { text: 'Seven files, and the folders are three.' },
    ])
    const { says, ledger, mails } = await opensIssue(stage(), 'Files')
    await says('/codex count the files')
    await model.called(1)
    await says('/codex and the folders, too')
    expect(await mails()).toEqual([
      expect.stringMatching(/^@maya Seven files, and the folders are three\./),
    ])
    expect(JSON.stringify(model.calls.at(-1)?.body)).toContain('and the folders, too')
    expect([ledger().runs.length, ledger().messages.length]).toEqual([1, 1])
  })

  it('hears what is said 300 ms after its start, when it would fail with words', async () => {
    const { agents } = stage()
    const model = agents.plays('paint the door', [
      { text: 'I paint it.', ...shell('sleep 4') },
      { text: 'The door is green.' },
    ])
    const { says, started, ledger, mails } = await opensIssue(stage(), 'A door')
    await says('/codex paint the door')
    await started(1)
    await sleep(300)
    await says('/codex in green, please')
    expect(await mails()).toEqual([expect.stringMatching(/^@maya The door is green\./)])
    expect(JSON.stringify(model.calls.at(-1)?.body)).toContain('in green, please')
    expect([ledger().runs.length, ledger().messages.length]).toEqual([1, 1])
  })

  it('hears what is said after its answer, and what is said while it works on that', async () => {
    const { agents } = stage()
    const model = agents.plays('the first of three', [
      { text: 'The first: done.' },
      { text: 'Working on the second.', ...shell('sleep 4') },
      { text: 'The second: done.' },
      { text: 'The third: done.' },
    ])
    const { thread, says, runs, mails } = await opensIssue(stage(), 'Three')
    await says('/codex the first of three')
    await thread.waitForAnswer('The first: done.')
    await says('/codex the second')
    await model.called(2)
    await says('/codex the third')
    await thread.waitForAnswer('The third: done.')
    expect(await mails()).toHaveLength(2)
    expect(runs()).toHaveLength(1)
  })

  it('reads its instruction once more where an older workflow sends it twice, and answers once', async () => {
    const { agents } = stage()
    agents.plays(
      'how long is a mile',
      [{ text: 'I look.', ...shell('sleep 3') }, { text: 'A mile is 1,609 metres long.' }],
      { forwardsFirst: true },
    )
    const { says, runs, mails } = await opensIssue(stage(), 'Miles')
    await says('/codex how long is a mile?')
    expect(await mails()).toEqual([expect.stringContaining('A mile is 1,609 metres long.')])
    expect(runs()).toHaveLength(1)
  })

  it('is stopped, and its sandbox goes', async () => {
    const { agents } = stage()
    const model = agents.plays('wait for the night', [{ text: 'I wait.', ...shell('sleep 300') }])
    const { thread, says } = await opensIssue(stage(), 'The night')
    await says('/codex wait for the night')
    await model.called(1)
    await thread.waitForStatus('Codex is working')
    const stop = await says('/codex stop')
    expect(await thread.waitForStatus(/^### ⏹️/)).toContain('Codex was stopped')
    await thread.waitForReaction('+1', stop.id)
    expect(await thread.answers()).toEqual([])
    const [sandbox] = agents.sandboxes('wait for the night')
    expect((await sandbox?.exited)?.signal).toBe('SIGKILL')
  })

  it('finishes, is torn down at once, and its last words are told', async () => {
    const { agents } = stage()
    const [finds, finish] = finishes('completed')
    agents.plays('name the longest file', [
      { text: 'The longest file is a.txt.', ...shell('true') },
      async () => {
        await agents.stored('name the longest file', 'The longest file is a.txt.')
        return { ...finds }
      },
      { ...finish },
      { text: 'Never heard.', hang: true },
    ])
    const { says, runs, mails } = await opensIssue(stage(), 'Long')
    await says('/codex name the longest file')
    expect(await mails()).toEqual([expect.stringMatching(/^@maya The longest file is a\.txt\./)])
    expect(runs()).toHaveLength(1)
  })

  it('finishes before a word of it is stored, and that it finished is told', async () => {
    const { agents } = stage()
    agents.plays('tidy up quietly', [
      ...finishes('completed'),
      { text: 'Never heard.', hang: true },
    ])
    const { says, runs, mails } = await opensIssue(stage(), 'Quiet')
    await says('/codex tidy up quietly')
    expect(await mails()).toEqual([expect.stringMatching(/^@maya Codex finished\./)])
    expect(runs()).toHaveLength(1)
  })

  it('finishes as failed, its reason is told, and nobody asks it again', async () => {
    const { agents } = stage()
    const model = [
      ...finishes('failed', 'The tests need a database that is not here.'),
      { text: 'Heard.' },
    ]
    agents.plays('run the tests here', model, { teardown: 3_000 })
    const { says, runs, mails } = await opensIssue(stage(), 'Tests')
    await says('/codex run the tests here')
    const [mail, ...others] = await mails()
    expect(mail).toMatch(/^@maya Codex failed: .*The tests need a database that is not here\./)
    expect(mail).not.toContain('agent_error')
    expect([others.length, runs().length]).toEqual([0, 1])
  })
})
