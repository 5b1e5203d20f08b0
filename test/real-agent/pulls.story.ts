/** What people see of a real agent that works on a pull request: its checks, and what others said of its lines. */
import { expect, it } from 'vitest'
import { newRepository, nextSecond, opensPull } from '../world/opens-issue.ts'
import { finds, shell, uses } from './says.ts'
import { withRealAgents } from './stage.ts'

withRealAgents('A real agent on a pull request', stage => {
  it('is sent once more in its session while checks fail', async () => {
    const { agents, world } = stage()
    const { github } = world
    const repository = await newRepository(world, '')
    const pull = await opensPull(world, 'maya/red', { repository })
    const fails = () => github.checks(pull.number, 'the red tests', 'FAILURE', repository)
    const commits = (title: string) =>
      shell(
        `echo '${title}' >> fix.txt && git add -A && git commit -q -m '${title}' && git push -q`,
      )
    agents.plays('the red tests', [
      { text: 'I look at the tests.', ...shell('ls') },
      commits('First try'),
      { text: 'I waited for the session.' },
      commits('Second try'),
      { text: 'And for the clock.' },
    ])
    fails()
    await pull.says('/codex fix')
    await pull.thread.waitForAnswer('I waited for the session.')
    fails()
    await pull.says('/codex fix')
    await pull.thread.waitForAnswer('And for the clock.')
    expect(await pull.thread.answers()).toHaveLength(2)
    const { runs, messages } = pull.ledger()
    expect([runs.length, messages.length, agents.sandboxes('the red tests').length]).toEqual([
      1, 1, 1,
    ])
  })

  it('says what became of each comment on a line, and those that it fixed are resolved', async () => {
    const { agents, world } = stage()
    const { github } = world
    const path = 'src/login.ts'
    const repository = await newRepository(world, 'review: { resolve: true }\n')
    const pull = await opensPull(world, 'maya/login', { repository, path })
    await github.as('mario', repository).reviews(pull.number, {
      body: 'Look.',
      comments: ['Rename the login.', 'Use a class.'].map((body, at) => ({
        path,
        line: at + 1,
        body,
      })),
    })
    await nextSecond()
    const lines = async () => (await pull.thread.view()).lineComments
    agents.plays('see to all comments', [
      { text: 'I rename it.', ...shell(`echo 'renamed' > ${path} && git add -A`) },
      finds('commit signed push'),
      uses('git_signed_commit', { message: 'Rename it', branch: 'maya/login' }),
      async () => {
        const [first, second] = await lines()
        const said = [
          { id: first?.id, done: true, said: 'Renamed it.' },
          { id: String(second?.id), done: false, said: 'A function is enough.' },
        ]
        const inside = JSON.stringify(said, null, 2)
        return { text: `One of two is done.\n\n\`\`\`json\n${inside}\n\`\`\`\n` }
      },
    ])
    await pull.says('/codex see to all comments')
    const last = await pull.thread.waitForAnswer('One of two is done.')
    expect(last).not.toContain('"said"')
    await github.waitFor(async () => (await lines())[0]?.resolved)
    expect(await pull.thread.answers()).toEqual([last])
    const all = await lines()
    expect(all.slice(0, 2).map(({ resolved }) => resolved)).toEqual([true, false])
    expect(all.slice(2).map(({ replyTo, body }) => [replyTo, body])).toEqual([
      [all[0]?.id, expect.stringMatching(/^Fixed in \[`[0-9a-f]{7}`\]\(\S+\)\.\n\nRenamed it\./)],
      [all[1]?.id, expect.stringMatching(/^A function is enough\./)],
    ])
  })
})
