import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routeOf } from '../../src/core/model/meter.ts'
import { liveSet } from '../../src/core/model/ports.ts'
import { changed } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { entriesIn } from '../../src/queue/job-record.ts'
import { closeServer, listen } from '../../src/web/http-server.ts'
import { type MetricsParts, openMetrics } from '../../src/web/metrics.ts'
import { minute, runWith, second, t0, taskRun, working } from '../core/given.ts'
import { memoryIndex } from '../support/memory-index.ts'
import { webServer } from '../support/web-server.ts'
import { Thread } from '../world/thread.ts'
import { startWorld, type World } from '../world/world.ts'

type Samples = Map<string, number>

/** Our own samples, each as it is written: name, labels, value. */
const samplesOf = (page: string): Samples =>
  new Map(
    [...page.matchAll(/^codex_bot_(\S+(?: [^\d\s]\S*)*) (\S+)$/gm)].map(
      ([, sample = '', value]) => [sample, Number(value)],
    ),
  )

/** The samples of one metric that are not 0. */
const of = (samples: Samples, metric: string): Record<string, number> =>
  Object.fromEntries(
    [...samples].filter(([name, value]) => value > 0 && name.split('{')[0] === metric),
  )

describe('the page of a process', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world.close())

  const scrape = async () => {
    const response = await fetch(`${world.bot.url}/metrics`)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ])
    return response.text()
  }

  test('is for this machine, and not for those who come by its proxy', async () => {
    for (const name of (
      'x-forwarded-for¦x-forwarded-host¦x-forwarded-proto¦forwarded¦via¦x-real-ip¦x-envoy-external-address¦' +
      'x-amzn-trace-id¦x-azure-clientip¦x-appengine-user-ip¦x-request-id¦fly-client-ip¦cf-connecting-ip¦' +
      'cdn-loop'
    ).split('¦')) {
      const headers = { [name]: '203.0.113.9' }
      const response = await fetch(`${world.bot.url}/metrics`, { headers })
      expect([response.status, await response.text()]).toEqual([
        403,
        expect.stringContaining('METRICS_TOKEN'),
      ])
    }
  })

  test.each([
    ['localhost', 200],
    ['LocalHost:3000', 200],
    ['127.0.0.1:3000', 200],
    ['[::1]:3000', 200],
    ['rebound.example:3000', 403],
    ['127.0.0.1.rebound.example', 403],
    ['localhost.rebound.example:3000', 403],
    ['192.0.2.7', 403],
  ])('as %j is not for a page whose name leads here', async (host, expected) => {
    const asking = request(`${world.bot.url}/metrics`, { headers: { host } }).end()
    const [response]: IncomingMessage[] = await once(asking, 'response')
    expect(response?.resume().statusCode).toBe(expected)
  })

  const serverWith = (token: string | undefined) =>
    webServer({ metrics: { page: async () => ({ type: 'text/plain', text: 'up 1' }), token } })

  test('is for nobody without a token where more than this machine can reach it', async () => {
    const answers: number[] = []
    for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
      const server = serverWith(undefined)
      const port = await listen(server, { host, port: 0 })
      answers.push((await fetch(`http://127.0.0.1:${port}/metrics`)).status)
      await closeServer(server, 0)
    }
    expect(answers).toEqual([200, 403, 403])
  })

  test('with a token, is for who has it', async () => {
    const token = 'long enough a token'
    const server = serverWith(token)
    const port = await listen(server, { host: '127.0.0.1', port: 0 })
    const ask = async (authorization?: string) => {
      const headers = {
        'x-forwarded-for': '203.0.113.9',
        ...(authorization ? { authorization } : {}),
      }
      return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).status
    }
    const answers = [undefined, token, 'Bearer long enough', `Bearer ${token}`].map(ask)
    expect(await Promise.all(answers)).toEqual([401, 401, 401, 200])
    await closeServer(server, 100)
  })

  test('says which version it is, and has the metrics of Node', async () => {
    const page = await scrape()
    expect(page).toMatch(
      /^codex_bot_build_info\{version="\d+\.\d+\.\d+",node="v\d+.*",role="all",queue="embedded"\} 1$/m,
    )
    expect(page).toMatch(/^process_resident_memory_bytes \d+$/m)
    expect(page).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  })

  test('tells of a run from the webhook to the pull request, and names nobody', async () => {
    const { github } = world
    const listed =
      'calls_total{service="github",method="GET",route="/app/hook/deliveries",status="200"}'
    await github.waitFor(async () => samplesOf(await scrape()).get(listed) !== undefined)
    const maya = github.as('maya')
    const issue = await maya.opensIssue({ title: 'Count me' })
    await maya.comments(issue.number, '/codex count me')
    await maya.comments(issue.number, '/codex halp')
    const thread = new Thread(world, issue.number)
    await thread.waitForAnswer('Codex opened draft')
    await github.waitFor(
      async () =>
        of(samplesOf(await scrape()), 'queue_jobs')['queue_jobs{queue="runs"}'] === undefined,
    )
    const page = await scrape()
    const samples = samplesOf(page)

    expect(of(samples, 'webhooks_total')).toMatchObject({
      'webhooks_total{event="issue_comment",answer="queued"}': 2,
      'webhooks_total{event="issues",answer="ignored"}': 1,
    })
    expect(of(samples, 'runs_total')).toEqual({ 'runs_total{outcome="pull",class="none"}': 1 })
    expect(samples.get('run_dollars_total')).toBeGreaterThan(0)
    for (const one of [
      'run_start_seconds_count',
      'run_result_seconds_count{outcome="pull"}',
      'run_result_seconds_bucket{le="+Inf",outcome="pull"}',
      'queue_up',
    ])
      expect(samples.get(one), one).toBe(1)
    expect(of(samples, 'calls_total')).toMatchObject({
      'calls_total{service="github",method="POST",route="/repos/~/issues/~/comments",status="201"}': 3,
      'calls_total{service="github",method="GET",route="/app/hook/deliveries",status="200"}': 1,
      'calls_total{service="posthog",method="POST",route="/tasks",status="201"}': 1,
      'calls_total{service="posthog",method="POST",route="/tasks/~/run",status="200"}': 1,
    })
    for (const name of ['acme', 'shop', 'maya', 'codex.yml', 'count'])
      expect(page.split(/^# .*$/m).join('')).not.toContain(`${name}"`)
    const labels = new Set([...page.matchAll(/route="([^"]*)"/g)].map(([, route]) => route))
    for (const route of labels) expect(route).toMatch(/^(?:\/(?:[a-z_]+|~))+$/)
  })

  test('the log carries the delivery from the webhook to the pull request', async () => {
    const lines = world.bot
      .output()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line))
    const queued = lines.find(({ msg, event }) => msg === 'queued' && event === 'issue_comment')
    const { delivery, trigger } = queued
    expect(delivery).toMatch(/^[0-9a-f-]{36}$/)
    const mine = lines.filter(line => line.delivery === delivery && line.level === 'info')
    expect(mine.map(({ msg }) => msg)).toEqual(
      'queued¦accepted¦run queued¦run started¦pull request¦outcome'.split('¦'),
    )
    expect(mine[1]).toMatchObject({ trigger })
    expect(mine.slice(2).map(({ run }) => run)).toEqual(Array(4).fill(`run-${trigger}`))
    expect(mine[4].pull).toContain('/pull/')
    expect(lines.filter(line => line.run && !line.delivery)).toEqual([])
  })
})

describe('what is counted', () => {
  let at = t0
  const empty = memoryIndex(() => [])
  const open = (queues: MetricsParts['queues'] = { triggers: empty, runs: empty }) => {
    const { meter, page } = openMetrics({ role: 'all', queue: 'redis', queues, now: () => at })
    return { meter, samples: async () => samplesOf((await page()).text) }
  }

  test('a run: its start, each outcome, and its first result', async () => {
    const { meter, samples } = open()
    const asked = runWith()
    const started = changed(asked, { session: { taskRun } })
    const done = changed(started, { result: { outcome: { kind: 'answer' as const } } })
    const failed = changed(started, {
      result: {
        round: 1,
        outcome: {
          kind: 'failed' as const,
          class: 'quota' as const,
          reason: 'maya has spent it all',
          fix: '',
        },
      },
    })
    at = t0 + 4 * second
    meter.moved(asked, started)
    meter.moved(started, started)
    at = t0 + 4 * minute
    meter.moved(started, done)
    meter.moved(changed(started, { result: { round: 1 } }), failed)
    const counted = await samples()
    expect(counted.get('run_start_seconds_sum')).toBe(4)
    expect(counted.get('run_result_seconds_sum{outcome="answer"}')).toBe(240)
    expect(of(counted, 'run_result_seconds_count')).toEqual({
      'run_result_seconds_count{outcome="answer"}': 1,
    })
    expect(of(counted, 'runs_total')).toEqual({
      'runs_total{outcome="answer",class="none"}': 1,
      'runs_total{outcome="failed",class="quota"}': 1,
    })
  })

  test('dollars: of a task once, whatever rounds and runs share it', async () => {
    const { meter, samples } = open()
    const total = async () => (await samples()).get('run_dollars_total')
    const first = runWith({ session: { taskRun } })
    const known = changed(first, { session: { cost: 1.5, costBefore: 0 } })
    meter.moved(first, known)
    meter.moved(known, known)
    expect(await total()).toBe(1.5)
    const second = changed(known, { session: { cost: undefined, costBefore: 1.5 } })
    meter.moved(known, second)
    meter.moved(second, changed(second, { session: { cost: 2 } }))
    meter.moved(first, changed(first, { session: { cost: null } }))
    expect(await total()).toBe(2)
  })

  test('calls, also those that nobody answered', async () => {
    const { meter, samples } = open()
    meter.called({ service: 'github', method: 'GET', route: '/app', status: undefined })
    const counted = await samples()
    expect(
      counted.get('calls_total{service="github",method="GET",route="/app",status="none"}'),
    ).toBe(1)
  })

  test('how full the queues are, how old, and what live runs do; nothing of queues that fail', async () => {
    at = t0
    let fails = false
    const asked = [
      runWith({ id: 'a' }),
      runWith({ id: 'b' }),
      working({ id: 'c' }),
      runWith({
        id: 'd',
        schedule: { waits: { kind: 'zero', of: 'bot', limit: 'it is 0', ahead: 0 } },
      }),
    ]
    const ended = changed(working({ id: 'e' }), {
      result: { outcome: { kind: 'answer' as const } },
    })
    const jobs = [...asked, ended].map(data => ({
      id: data.id,
      isLive: data.result.outcome === undefined,
      entries: entriesIn({ index: runIndex }, { id: data.id, data, addedAt: t0 }),
    }))
    const runs = memoryIndex(() => {
      if (fails) throw new Error('no queue')
      return jobs
    })
    const triggers = memoryIndex(() => [
      { id: 'oldest', entries: [{ set: liveSet, score: t0 - 90 * second }] },
    ])
    const { samples } = open({ triggers, runs })
    const full = await samples()
    expect(full.get('queue_jobs{queue="runs"}')).toBe(4)
    expect(of(full, 'queue_oldest_seconds')).toEqual({
      'queue_oldest_seconds{queue="triggers"}': 90,
    })
    expect([...full].filter(([name]) => name.startsWith('live_runs'))).toEqual([
      ['live_runs{state="question"}', 0],
      ['live_runs{state="set-up"}', 0],
      ['live_runs{state="working"}', 1],
      ['live_runs{state="waiting"}', 3],
    ])
    fails = true
    const none = await samples()
    expect([none.get('queue_up'), none.get('queue_jobs{queue="triggers"}')]).toEqual([0, undefined])
    expect([...none.keys()].filter(name => name.startsWith('live_runs'))).toEqual([])
  })

  test('nothing of a queue that hangs, which is asked once; the page comes nonetheless', async () => {
    let asked = 0
    let thaw = (_: number[]): void => {}
    const frozen = new Promise<number[]>(resolve => (thaw = resolve))
    const query = () => {
      asked += 1
      return frozen
    }
    const { samples } = open({ triggers: empty, runs: { query } })
    const began = Date.now()
    const all = await Promise.all([samples(), samples(), samples()])
    expect(Date.now() - began).toBeLessThan(3_000)
    for (const each of all)
      expect([each.get('queue_up'), each.get('queue_jobs{queue="runs"}')]).toEqual([0, undefined])
    expect(asked).toBe(1)
    thaw([1])
    await frozen
    expect((await samples()).get('queue_up')).toBe(1)
  })
})

test.each([
  ['/repos/{owner}/{repo}/issues/{issue_number}/comments', '/repos/~/issues/~/comments'],
  ['/repos/acme/shop/contents/a/b/c.txt?ref=main#x', '/repos/~/contents/~'],
  ['https://github.example/api/v3/repositories/12/issues?page=2', '/~/issues'],
  ['/repos/{owner}/{repo}/contents/{path}{?ref}', '/repos/~/contents/~'],
  ['tasks/0b8/', '/~'],
  ['', '/'],
])('the route of %s is %s', (path, route) => {
  expect(routeOf(path, new Set(['repos', 'issues', 'comments', 'contents']))).toBe(route)
})
