/** What people's keyboards make of a command, and what they change below it. */
import { expect, it } from 'vitest'
import { onEitherQueue } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onEitherQueue('A command as people write it', world => {
  const opens = async (title: string) => {
    const maya = world().github.as('maya')
    const { number } = await maya.opensIssue({ title, body: 'As said.' })
    return { maya, number, thread: new Thread(world(), number), ledger: () => ledgerOf(world(), number) }
  }

  it('without a space, with a dash for two hyphens, on the next line', async () => {
    const { maya, number, thread, ledger } = await opens('No spaces')
    await maya.comments(number, '/codex：修复登录\n—effort high')
    await thread.waitForAnswer('pull request is ready')
    const [run] = ledger().runs
    expect(run?.body).toMatchObject({ reasoning_effort: 'high' })
    const prompt = String(Object(run?.body).pending_user_message)
    expect(prompt).toContain('# Instruction\n\n修复登录\n')
    expect(prompt).not.toContain('effort')
  })

  it('with dollars in prose: the words arrive as they are, from all who are read', async () => {
    const { maya, number, thread, ledger } = await opens('It costs $5')
    await world().github.as('mario').comments(number, 'It says $7 or $8 there, and $PATH is set.')
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await maya.comments(number, '/codex show $10 instead of $5, see $HOME and $PATH')
    await thread.waitForAnswer('pull request is ready')
    const prompt = String(Object(ledger().runs[0]?.body).pending_user_message)
    expect(prompt).toContain('# Instruction\n\nshow $10 instead of $5, see $HOME and $PATH\n')
    expect(prompt).toContain('It says $7 or $8 there, and $PATH is set.')
  })

  it('with marks before it that nobody sees', async () => {
    const { maya, number, thread } = await opens('Marks')
    for (const mark of ['\u00a0', '\ufeff', '\u200b', '\u200f']) {
      const comment = await maya.comments(number, `${mark}/codex status`)
      await thread.waitForReaction('+1', comment.id)
    }
    expect(await thread.answers()).toHaveLength(1)
  })

  it('behind a word of courtesy: it is told where a command goes', async () => {
    const { maya, number, thread, ledger } = await opens('Courtesy')
    await maya.comments(number, 'I read of /codex in /codex/readme.')
    const asked = await maya.comments(number, 'Please /codex fix it')
    await thread.waitForReaction('-1', asked.id)
    expect(await thread.answers()).toHaveLength(1)
    expect(ledger().tasks).toEqual([])
  })

  it('with a label in another case', async () => {
    const { maya, number, thread, ledger } = await opens('Case')
    await maya.labels(number, 'Codex:High')
    await thread.waitForAnswer('pull request is ready')
    await world().github.waitFor(async () => (await thread.view()).labels.length === 0)
    expect(ledger().runs.map(({ body }) => body)).toMatchObject([{ reasoning_effort: 'high' }])
  })

  it('and changes the words below it: it is asked once', async () => {
    const { maya, number, thread, ledger } = await opens('Below')
    const comment = await maya.comments(number, '/codex fix it\n\nThe log is attatched.')
    await thread.waitForAnswer('pull request is ready')
    await maya.editsComment(comment.id, '/codex fix it\n\nThe log is attached.')
    await world().github.settled()
    const next = await maya.comments(number, '/codex status')
    await thread.waitForReaction('+1', next.id)
    const { runs, messages } = ledger()
    expect([runs.length, messages.length]).toEqual([1, 0])
  })
})
