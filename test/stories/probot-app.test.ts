/** The bot as an app of Probot's, the way its ecosystem knows it: under `probot run`, and through `probot.receive`. */
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { Probot } from 'probot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/github/webhooks/event.ts'
import { hostedBy } from '../../src/github/webhooks/probot.ts'
import { freePort } from '../support/free-port.ts'
import { startServer } from '../support/local-server.ts'
import { spawnBot } from '../world/bot.ts'
import { asks } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('probot run', () => {
  let world: World
  beforeAll(async () => {
    // Probot starts what is in `dist`.
    await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: root })
    world = await startWorld({ roles: [] })
  })
  afterAll(() => world.close())

  it('brings a comment to its pull request, and ends on a signal', async () => {
    const { github, env } = world
    const args = ['node_modules/probot/bin/probot.js', 'run', './dist/app.js']
    const hosted = spawnBot(env, await freePort(), root, { args })
    world.bots.push(hosted)
    for (const words of [/"msg":"ready"/, /Listening on/]) await hosted.says(words)
    github.webhooks.target = `${hosted.url}/api/github/webhooks`
    const { thread, runs } = await asks(world, 'do it')
    await thread.waitForAnswer('Codex opened draft')
    expect(runs()).toHaveLength(1)
    await hosted.stop()
    expect(hosted.output()).toMatch(/"msg":"stopped"/)
  })
})

describe('probot.receive', () => {
  const payload = { action: 'created', installation: { id: 1 } }
  const hosted = async (receive: (delivery: Delivery) => Promise<void>) => {
    const probot = new Probot({ githubToken: 'x', secret: 's', log: pino({ level: 'silent' }) })
    await probot.load(app =>
      hostedBy(app, async delivery => {
        await receive(delivery)
        return { kind: 'ignored', why: 'no command' }
      }),
    )
    return probot
  }

  it('hands each event that is read on as it is, and no other', async () => {
    const seen: Delivery[] = []
    const probot = await hosted(async delivery => void seen.push(delivery))
    await probot.receive({ id: 'a', name: 'issue_comment', payload: payload as never })
    await probot.receive({ id: 'b', name: 'star', payload: payload as never })
    expect(seen).toEqual([{ id: 'a', event: 'issue_comment', payload }])
  })

  it('answers 503 when the queue can not take it, so that it can be sent again', async () => {
    const probot = await hosted(() => Promise.reject(new Error('no queue')))
    const { url, close } = await startServer(await probot.getNodeMiddleware())
    try {
      const body = JSON.stringify(payload)
      const { status } = await fetch(`${url}/api/github/webhooks`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'issues',
          'x-github-delivery': 'a',
          'x-hub-signature-256': `sha256=${createHmac('sha256', 's').update(body).digest('hex')}`,
        },
      })
      expect(status).toBe(503)
    } finally {
      await close()
    }
  })
})
