/** Which session a thread goes on with, while its comments do not show the newest yet. */
import { expect, test } from 'vitest'
import { changed } from '../../src/core/record/run.ts'
import { more, word } from '../core/given.ts'
import * as github from '../security/payloads.ts'
import { botAfter, sends } from '../security/steps.ts'

/** The last word comes before the last edit of the status, whose marker may name the session before. */
test.each(['/codex continue', '/codex retry', '/codex and the logout test'])(
  '%s right after the last word has the newest session',
  async text => {
    const bot = await botAfter([github.comment({ at: 10 })])
    const newest = bot.runs.get('run-comment-501')?.data.session.taskRun?.id
    const [status] = bot.comments
    const [marker] = bot.signer.read(status?.body ?? '', { repoId: 100, number: 7 })
    if (!status || !marker) return expect.fail('there is no status')
    expect(marker).toMatchObject({ as: 'status', taskRun: newest })
    status.body = bot.signer.write({ ...marker, taskRun: 'the-session-before' })
    await sends(bot, github.comment({ id: 502, at: 20, text }))
    expect(bot.runs.get('run-comment-502')?.data.session.earlier).toMatchObject({
      taskRunId: newest,
    })
  },
)

test('/codex retry repeats the last round, though the status still shows the one before', async () => {
  const bot = await botAfter([github.comment({ at: 10 })])
  const job = bot.runs.get('run-comment-501') ?? expect.fail('there is no run')
  const words = [...job.data.mailbox.words, word('read', more('b', 'in blue'), { round: 1 })]
  job.data = changed(job.data, { result: { round: 1 }, mailbox: { words } })
  await sends(bot, github.comment({ id: 502, at: 20, text: '/codex retry' }))
  expect(bot.prompts.at(-1)).toContain('in blue')
})
