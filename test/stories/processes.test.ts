import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { freePort, scratchDir, spawnBot } from '../world/bot.ts'
import { onBothQueues, onRedis } from '../world/on-queues.ts'
import { ledgerOf, Thread } from '../world/thread.ts'
import { startWorld, type World } from '../world/world.ts'

onRedis(
  'Two web processes and two workers on one Redis',
  world => {
    it('50 deliveries of one comment, ten at a time, are one task, one run, one status comment', async () => {
      const { github, bots } = world()
      const maya = github.as('maya')
      const issue = await maya.opensIssue({ title: 'Delivered often', body: 'x' })
      github.webhooks.mode = { kind: 'paused' }
      const comment = await maya.comments(issue.number, '/codex do it once')
      await github.settled()
      const payload = {
        action: 'created',
        installation: { id: github.installationId },
        repository: { id: 1, name: 'shop', owner: { login: 'acme' }, default_branch: 'main' },
        sender: { login: 'maya', id: 3, type: 'User' },
        issue: {
          number: issue.number,
          title: 'Delivered often',
          body: 'x',
          user: { login: 'maya', id: 3 },
          html_url: issue.url,
        },
        comment: {
          id: comment.id,
          body: '/codex do it once',
          user: { login: 'maya', id: 3, type: 'User' },
          created_at: new Date().toISOString(),
        },
      }
      const webs = bots.slice(0, 2)
      const body = JSON.stringify(payload)
      const signature = `sha256=${createHmac('sha256', String(world().env.WEBHOOK_SECRET)).update(body).digest('hex')}`
      const deliver = (n: number) =>
        fetch(`${webs[n % 2]?.url}/api/github/webhooks`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-github-event': 'issue_comment',
            'x-github-delivery': `00000000-0000-0000-0000-${String(n % 7).padStart(12, '0')}`,
            'x-hub-signature-256': signature,
          },
          body,
        })
      const statuses: number[] = []
      for (let round = 0; round < 5; round++)
        statuses.push(
          ...(await Promise.all(Array.from({ length: 10 }, (_, n) => deliver(round * 10 + n)))).map(
            ({ status }) => status,
          ),
        )
      expect(new Set(statuses)).toEqual(new Set([202]))

      const thread = new Thread(world(), issue.number)
      await thread.waitForAnswer('pull request is ready')
      github.webhooks.mode = { kind: 'normal' }
      await github.webhooks.flush('in order')
      await github.settled()
      await sleep(500)
      const { tasks, runs } = ledgerOf(world(), issue.number)
      expect([tasks.length, runs.length]).toEqual([1, 1])
      expect(await thread.statuses()).toHaveLength(1)
      expect(await thread.answers()).toHaveLength(1)
    })

    it('ten conversations at once: exactly what was asked for', async () => {
      const { github, posthog } = world()
      const maya = github.as('maya')
      const talk = async (n: number) => {
        const issue = await maya.opensIssue({ title: `Conversation ${n}`, body: 'x' })
        const thread = new Thread(world(), issue.number)
        const patience = { timeout: 60_000 }
        const says = (text: string) => maya.comments(issue.number, text)
        const runs = () => ledgerOf(world(), issue.number).runs
        const endRuns = (): void => {
          for (const { runId } of runs()) {
            const run = posthog.run(String(runId))
            if (run.status === 'in_progress') run.finish('completed')
          }
        }
        posthog.script(`start ${n}.`, { kind: 'manual' }, { times: 1 })
        posthog.script(`polish ${n}.`, { kind: 'pushesToBranch', text: 'Polished.' })
        posthog.script(`think ${n}.`, { kind: 'answers', text: '1. First\n2. Second' })
        await says(`/codex start ${n}.`)
        await thread.waitForStatus('⏳ Codex is working', patience)
        await says('/codex use less memory')
        await thread.waitForAnswer('passed on to the agent', patience)
        await says('/codex stop')
        await thread.waitForAnswer('you stopped this run', patience)
        await says('/codex retry')
        await thread.waitForAnswer('pull request is ready', patience)
        endRuns()
        await says(`/codex polish ${n}.`)
        await thread.waitForAnswer('@maya done', patience)
        endRuns()
        await says(`/codex plan think ${n}.`)
        await thread.waitForAnswer('here is the plan', patience)
        endRuns()
        await says('/codex approve')
        await github.waitFor(() => runs().length === 5, { timeout: 60_000 })
        return issue.number
      }
      const numbers = await Promise.all(Array.from({ length: 10 }, (_, n) => talk(n)))
      for (const number of numbers) {
        const { tasks, runs, messages, cancels } = ledgerOf(world(), number)
        expect([number, tasks.length, runs.length, messages.length, cancels.length]).toEqual([
          number,
          1,
          5,
          1,
          1,
        ])
      }
    }, 120_000)
  },
  { roles: ['web', 'web', 'worker', 'worker'] },
)

onBothQueues(
  'A process is killed',
  world => {
    it('and the next one goes on where it was', async () => {
      const { github, posthog, bot } = world()
      const maya = github.as('maya')
      posthog.script('survive', { kind: 'manual' })
      const issue = await maya.opensIssue({ title: 'Survive', body: 'x' })
      await maya.comments(issue.number, '/codex survive')
      const thread = new Thread(world(), issue.number)
      await thread.waitForStatus('⏳ Codex is working')
      await bot.stop('SIGKILL')
      const run = posthog.run(String(ledgerOf(world(), issue.number).runs[0]?.runId))
      await run.openPull()
      run.finish('completed')
      await world().startBot()
      await thread.waitForAnswer('pull request is ready', { timeout: 30_000 })
      const { tasks, runs } = ledgerOf(world(), issue.number)
      expect([tasks.length, runs.length]).toEqual([1, 1])
      expect(await thread.statuses()).toHaveLength(1)
      expect(await thread.answers()).toHaveLength(1)
    })

    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      it(`${signal} ends it within 10 s, and nothing is lost`, async () => {
        const { github, posthog, bot } = world()
        const maya = github.as('maya')
        posthog.script(`drain ${signal}`, { kind: 'manual' })
        const issue = await maya.opensIssue({ title: `Drain ${signal}`, body: 'x' })
        await maya.comments(issue.number, `/codex drain ${signal}`)
        const thread = new Thread(world(), issue.number)
        await thread.waitForStatus('⏳ Codex is working')
        const began = Date.now()
        expect(await bot.stop(signal)).toBe(0)
        expect(Date.now() - began).toBeLessThan(10_000)
        await world().startBot()
        posthog.run(String(ledgerOf(world(), issue.number).runs[0]?.runId)).finish('completed')
        await thread.waitForStatus(/^### 💬/, { timeout: 30_000 })
      })
  },
  { oneByOne: true },
)

describe('A process is started wrong', () => {
  const startWith = async (env: Record<string, string>) => {
    const bot = spawnBot(env, await freePort())
    const code = await bot.exited
    return { code, said: bot.output() }
  }

  it('says every problem at once, one line each, and what to do', async () => {
    const { code, said } = await startWith({
      APP_ID: 'seven',
      PRIVATE_KEY: 'not a key',
      WEBHOOK_SECRET: 'development',
      POSTHOG_API_KEY: 'phc_project',
      CODEX_REASONING_EFFORT: 'enormous',
      REDIS_URL: 'http://localhost',
    })
    expect(code).toBe(1)
    for (const name of [
      'APP_ID',
      'PRIVATE_KEY',
      'WEBHOOK_SECRET',
      'POSTHOG_API_KEY',
      'POSTHOG_PROJECT_ID',
      'CODEX_REASONING_EFFORT',
      'REDIS_URL',
    ])
      expect(said).toMatch(new RegExp(`^- ${name} .+`, 'm'))
    expect(said).not.toContain('phc_project')
  })

  it('without an App shows Probot’s page to make one, from app.yml', async () => {
    const bot = spawnBot({ NO_SMEE_SETUP: 'true', NODE_ENV: 'development' }, await freePort())
    const page = await waitFor(() => fetch(`${bot.url}/probot`).then(response => response.text()))
    expect(page).toContain('Register')
    expect(await bot.stop()).toBe(0)
  })

  it('with a Redis that is not there says so, without the password', async () => {
    const port = await freePort()
    const world = await startWorld({ roles: [] })
    const { code, said } = await startWith({
      ...world.env,
      REDIS_URL: `redis://:hunter2hunter2@127.0.0.1:${port}`,
    })
    await world.close()
    expect(code).toBe(1)
    expect(said).toContain(String(port))
    expect(said).not.toContain('hunter2')
  })
})

async function waitFor<T>(look: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await look()
    } catch (error) {
      if (tries > 300) throw error
      await sleep(50)
    }
  }
}

describe.skipIf(!redisAvailable())('Redis has trouble', () => {
  let redis: RedisServer
  let world: World
  beforeAll(async () => {
    redis = await startRedis()
    world = await startWorld({ redisUrl: redis.url })
  })
  afterAll(async () => {
    await world.close()
    await redis.stop()
  })

  const post = async (id: number) => {
    const payload = {
      action: 'created',
      installation: { id: world.github.installationId },
      repository: { id: 1, name: 'shop', owner: { login: 'acme' } },
      sender: { login: 'maya', id: 3 },
      issue: { number: 1, title: 't', html_url: 'http://x/acme/shop/issues/1' },
      comment: { id, body: '/codex help', created_at: new Date().toISOString() },
    }
    const began = Date.now()
    const [answer] = await world.github.deliver('issue_comment', payload)
    return { status: answer?.status, ms: Date.now() - began }
  }

  it('dead: 503 within a second, not ready; back to work when it returns', async () => {
    await redis.kill()
    await sleep(100)
    const refused = await post(900_001)
    expect(refused.status).toBe(503)
    expect(refused.ms).toBeLessThan(1_500)
    expect((await fetch(`${world.bot.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${world.bot.url}/healthz`)).status).toBe(200)
    await redis.restart()
    await world.github.waitFor(async () => (await fetch(`${world.bot.url}/readyz`)).ok, { timeout: 5_000 })
    expect((await post(900_002)).status).toBe(202)
  })

  it('frozen: 503 within three seconds', async () => {
    redis.freeze()
    const refused = await post(900_003)
    redis.thaw()
    expect(refused.status).toBe(503)
    expect(refused.ms).toBeLessThan(3_500)
  })
})

describe('A second process on one data directory', () => {
  it('is refused with a clear word', async () => {
    const data = await scratchDir()
    const world = await startWorld({ env: { DATA_DIR: data.path } })
    const second = spawnBot({ ...world.env }, await freePort())
    expect(await second.exited).toBe(1)
    expect(second.output()).toMatch(/is in use by .*process/)
    await world.close()
    await data.remove()
  })
})
