/** What is told when a real agent meets trouble, and what is asked again. */
import { expect, it } from 'vitest'
import type { Turn } from './model.ts'
import { finishes, shell } from './says.ts'
import { opensIssue, withRealAgents } from './stage.ts'

withRealAgents('A real agent in trouble', stage => {
  const ends = async (title: string, words: string, turns: Turn[]) => {
    const model = stage().agents.plays(words, turns)
    const issue = await opensIssue(stage(), title)
    await issue.says(`/codex ${words}`)
    const [mail = '', ...others] = await issue.mails()
    expect(mail).toMatch(/^@maya Codex (?:failed|did not finish): /)
    // No class of PostHog's, and nothing of HTTP that a person has to know.
    expect(mail).not.toMatch(/agent_error|upstream_|task_spend_limit|subscription_usage_limit/)
    expect(mail).not.toContain('refused to go on')
    expect(others).toEqual([])
    return { ...issue, model, mail }
  }

  const limited = { error: { message: 'Rate limit reached', type: 'rate_limit_error' } }

  it('at a limit of the provider: that is told, after one more try', async () => {
    const { mail, runs } = await ends('Too many', 'draw a cat', [{ status: 429, json: limited }])
    expect(mail).toMatch(/too much to do|limit/)
    expect(runs()).toHaveLength(2)
  })

  it('at a limit of the provider that passes: its answer is told', async () => {
    let tries = 0
    const { agents } = stage()
    agents.plays('draw a dog', [
      async () => {
        tries += 1
        return tries === 1 ? { status: 429, json: limited } : { text: 'A dog: done.' }
      },
    ])
    const { says, runs, mails } = await opensIssue(stage(), 'Too many once')
    await says('/codex draw a dog')
    expect(await mails()).toEqual([expect.stringMatching(/^@maya A dog: done\./)])
    expect(runs()).toHaveLength(2)
  })

  it('at the limit of what a run may spend: that is told, and nobody asks again', async () => {
    const json = {
      error: { message: 'This agent run reached its spend limit.', type: 'spend_limit' },
    }
    const { mail, runs } = await ends('Dear', 'draw a palace', [{ status: 402, json }])
    expect(mail).toMatch(/spend|money|limit/i)
    expect(runs()).toHaveLength(1)
  })

  it('at the usage limit of a plan: that is told, and nobody asks again', async () => {
    const error = {
      type: 'usage_limit_reached',
      message: 'The usage limit has been reached',
      plan_type: 'plus',
    }
    const { mail, runs } = await ends('Used up', 'draw a town', [{ status: 429, json: { error } }])
    expect(mail).toMatch(/usage limit/i)
    expect(runs()).toHaveLength(1)
  })

  it('whose sandbox dies: it goes on in a new one, and that answer is told', async () => {
    const { agents } = stage()
    const model = agents.plays('count to a million', [
      { text: 'I begin.', ...shell('sleep 300') },
      { text: 'A million: done.' },
    ])
    const { thread, says, runs, mails } = await opensIssue(stage(), 'A million')
    await says('/codex count to a million')
    await model.called(1)
    await thread.waitForStatus('Codex is working')
    agents.sandboxes('count to a million')[0]?.kill()
    expect(await mails()).toEqual([expect.stringContaining('A million: done.')])
    expect(runs()).toHaveLength(2)
  })

  it('that somebody interrupts in PostHog: that is told, and nobody asks again', async () => {
    const { agents } = stage()
    const model = agents.plays('count the stars', [{ text: 'I begin.', ...shell('sleep 300') }])
    const { says, runs, mails } = await opensIssue(stage(), 'Stars')
    await says('/codex count the stars')
    await model.called(1)
    await agents.stored('count the stars', 'I begin.')
    await agents.sandboxes('count the stars')[0]?.command('cancel', {})
    expect(await mails()).toEqual([
      expect.stringMatching(/^@maya Codex did not finish: somebody stopped it in PostHog\./),
    ])
    expect(runs()).toHaveLength(1)
  })

  it('whose sandboxes die twice: that is told, with a way to go on', async () => {
    const { agents } = stage()
    const model = agents.plays('count to a billion', [{ text: 'I begin.', ...shell('sleep 300') }])
    const { says, runs, mails } = await opensIssue(stage(), 'A billion')
    await says('/codex count to a billion')
    for (const times of [1, 2]) {
      await model.called(times)
      await agents.stored('count to a billion', 'I begin.')
      agents.sandboxes('count to a billion')[times - 1]?.kill()
    }
    expect(await mails()).toEqual([expect.stringMatching(/^@maya Codex did not finish: /)])
    expect(runs()).toHaveLength(2)
  })

  it('is asked more when its run is over: a new sandbox knows what was said', async () => {
    const { agents } = stage()
    const [finds, finish] = finishes('completed')
    const model = agents.plays('which files are old', [
      { text: 'Old is a.txt.', ...shell('true') },
      async () => {
        await agents.stored('which files are old', 'Old is a.txt.')
        return { ...finds }
      },
      { ...finish },
      { text: 'Old is b.txt, too.' },
    ])
    const { thread, says, runs, mails } = await opensIssue(stage(), 'Old files')
    await says('/codex which files are old?')
    await thread.waitForAnswer('Old is a.txt.')
    await thread.waitForFolded()
    await says('/codex look once more')
    await thread.waitForAnswer('Old is b.txt, too.')
    expect(await mails()).toHaveLength(2)
    expect(runs()).toHaveLength(2)
    expect(runs()[1]?.body).toHaveProperty('resume_from_run_id')
    const heard = JSON.stringify(model.calls.at(-1)?.body)
    expect(heard).toContain('You are resuming a previous conversation')
    expect(heard).toContain('Old is a.txt.')
  })
})
