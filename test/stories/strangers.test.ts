/** What strangers send and write, against the bot as it runs. */
import { readFileSync } from 'node:fs'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { expect, it } from 'vitest'
import type { Bot } from '../world/bot.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { Thread } from '../world/thread.ts'

/** In MB: now, and at most since it started. */
const memoryOf = ({ pid }: Bot): { now: number; peak: number } => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [peak = 0, now = 0] = ['VmHWM', 'VmRSS'].map(
    name => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024,
  )
  return { now, peak }
}

/** @returns the status, or nothing where the connection was cut */
const send = (bot: Bot, headers: OutgoingHttpHeaders, body: Buffer): Promise<number | undefined> =>
  new Promise(resolve => {
    const sending = request(`${bot.url}/api/github/webhooks`, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': body.length },
    })
    sending.on('response', response => resolve(response.resume().statusCode))
    sending.on('close', () => resolve(undefined))
    sending.on('error', () => {})
    sending.end(body)
  })

onEitherQueue(
  'Strangers',
  world => {
    it.runIf(process.platform === 'linux')('who send large bodies take little memory', async () => {
      const { bot, github } = world()
      const maya = github.as('maya')
      const issue = await maya.opensIssue({ title: 'Small', body: 'x' })
      const body = Buffer.alloc(5_000_000, 'x')
      const named = { 'x-github-event': 'issue_comment', 'x-github-delivery': 'd-1' }
      const forged = { ...named, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
      const before = memoryOf(bot).now
      const sent = Promise.all(Array.from({ length: 300 }, (_, n) => send(bot, n % 2 ? forged : named, body)))
      const asked = await maya.comments(issue.number, '/codex help')
      await new Thread(world(), issue.number).waitForReaction('rocket', asked.id)
      for (const status of await sent) expect([401, 408, 503, undefined]).toContain(status)
      expect(memoryOf(bot).peak - before).toBeLessThan(300)
    })

    it('who are refused in many threads take nobody’s turn', async () => {
      const { github } = world()
      const [maya, eve] = [github.as('maya'), github.as('eve')]
      const issues = await Promise.all(
        Array.from({ length: 120 }, (_, n) => maya.opensIssue({ title: `One of many ${n}`, body: 'x' })),
      )
      // What GitHub allows in a minute of what others are shown.
      const limit = github.fault({
        method: 'POST',
        path: /\/(?:comments|reactions)$/,
        after: 80,
        times: Number.POSITIVE_INFINITY,
        fault: { kind: 'secondary-limit', retryAfter: 60 },
      })
      await Promise.all(issues.map(({ number }) => eve.comments(number, '/codex fix it')))
      const [first] = issues
      const asked = await maya.comments(first?.number ?? 0, '/codex help')
      await new Thread(world(), first?.number ?? 0).waitForReaction('rocket', asked.id, { timeout: 20_000 })
      await github.settled()
      expect(limit.hits).toBe(0)
      limit.cancel()
    })
  },
  { own: true },
)
