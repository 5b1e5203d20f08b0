/** What strangers send and write, against the bot as it runs. */
import { readFileSync } from 'node:fs'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { expect, it, vi } from 'vitest'
import type { Bot } from '../world/bot.ts'
import { onEitherQueue, onRedis } from '../world/on-queues.ts'
import { newRepository, opensIssue } from '../world/opens-issue.ts'

const userToken = 'gho_a-token-of-the-deployment-1234'

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
      const { bot } = world()
      const { says, thread } = await opensIssue(world(), 'Small')
      const body = Buffer.alloc(5_000_000, 'x')
      const named = { 'x-github-event': 'issue_comment', 'x-github-delivery': 'd-1' }
      const forged = { ...named, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
      const before = memoryOf(bot).now
      const sent = Promise.all(
        Array.from({ length: 300 }, (_, n) => send(bot, n % 2 ? forged : named, body)),
      )
      await thread.waitForReaction('+1', (await says('/codex help')).id)
      for (const status of await sent) expect([401, 408, 503, undefined]).toContain(status)
      expect(memoryOf(bot).peak - before).toBeLessThan(300)
    })
  },
  { own: true },
)

/**
 * Everything that Redis is told from now on, a command a line. A client can take a line that comes with the answer to
 * MONITOR for an answer that it did not ask for, so the lines are read from a plain connection.
 */
async function commandsTo(redisUrl: string) {
  const { hostname, port } = new URL(redisUrl)
  const monitor = connect(Number(port), hostname)
  let said = ''
  monitor.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  monitor.write('MONITOR\r\n')
  await vi.waitUntil(() => said.startsWith('+OK'))
  return { read: () => said.split('\r\n').slice(1), close: () => monitor.destroy() }
}

onRedis(
  'Redis',
  world => {
    it('is not filled by a stranger’s long edits', async () => {
      const { github, env, bot } = world()
      const globex = await newRepository(world(), undefined, { owner: 'globex' })
      const quiet = await opensIssue(world(), 'Quiet', globex)
      const long = 'x'.repeat(65_000)
      const { says } = await opensIssue(world(), 'Loud', undefined, long)
      const { id } = await says('/codex fix it', 'eve')
      await quiet.thread.waitForReaction('+1', (await quiet.says('/codex help')).id)
      const redis = new Redis(String(env.REDIS_URL))
      const used = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
      const before = await used()
      await redis.config('SET', 'maxmemory', '30mb')
      github.webhooks.mode = { kind: 'paused' }
      for (let n = 0; n < 150; n += 1)
        await github.as('eve').editsComment(id, `/codex fix ${n} ${long}`)
      await github.settled()
      github.webhooks.mode = { kind: 'normal' }
      const sent = github.webhooks.flush()
      for (let n = 0; n < 6; n += 1) {
        const asked = await quiet.says('/codex help')
        expect((await fetch(`${bot.url}/readyz`)).status).toBe(200)
        await quiet.thread.waitForReaction('+1', asked.id)
      }
      await sent
      await vi.waitFor(async () => expect((await used()) - before).toBeLessThan(2 ** 20), {
        timeout: 30_000,
      })
      redis.disconnect()
    })
  },
  { own: true },
)

onRedis(
  'An agent that says secrets everywhere',
  world => {
    it('gets none of them into Redis', async () => {
      const { env, posthog } = world()
      const secrets = [`ghs_${'a1B2'.repeat(130)}`, userToken, String(env.POSTHOG_API_KEY)]
      const all = secrets.join(' ')
      const told = await commandsTo(String(env.REDIS_URL))
      posthog.script('say it all', { kind: 'manual' })
      const issue = await opensIssue(world(), 'Secrets')
      const { thread } = issue
      const asked = await issue.says('/codex say it all')
      await issue.started(1)
      const run = issue.run(0)
      await run.update({ sessionUpdate: 'plan', entries: [{ content: all, status: all }] })
      await run.update({
        sessionUpdate: 'tool_call',
        kind: 'edit',
        title: all,
        locations: [{ path: all }],
      })
      run.setOutput({ pr_urls: [all], head_branch: all })
      await run.store('_posthog/permission_request', {
        requestId: all,
        toolCall: { title: all },
        options: [{ optionId: all, name: all, kind: 'allow_once' }],
      })
      await thread.waitForStatus('What to do')
      await run.store('_posthog/permission_resolved', { requestId: all })
      await run.completeTurn(`That was all: ${all}`)
      await thread.waitForReaction('rocket', asked.id)
      const commands = told.read()
      told.close()
      expect(commands.length).toBeGreaterThan(100)
      const leaks = commands.filter(command =>
        secrets.some(secret => command.includes(secret.slice(0, 30))),
      )
      expect(leaks.map(command => command.slice(0, 200))).toEqual([])
    })
  },
  { own: true, env: { CODEX_GITHUB_USER_TOKEN: userToken } },
)
