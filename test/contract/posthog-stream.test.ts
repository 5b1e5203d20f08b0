/** The stream may say anything, late, twice or never; it must only ever cost a look, and never miss the last one. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import { watchRuns } from '../../src/posthog/stream/run-stream.ts'
import { startServer } from '../support/local-server.ts'
import { until } from '../support/queue-world.ts'
import { postHogAt, runAtWork } from '../support/service-calls.ts'

const apiKey = 'phx_aKeyThatNoLogMayShow'
const secret = 'words of the agent'
const closers: (() => unknown)[] = []
const logged: string[] = []
const unhandled: unknown[] = []
const noteUnhandled = (reason: unknown) => unhandled.push(reason)

beforeAll(() => void process.on('unhandledRejection', noteUnhandled))
afterAll(() => void process.off('unhandledRejection', noteUnhandled))

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  const lines = logged.splice(0).join('\n')
  expect(lines).not.toContain(apiKey)
  expect(lines).not.toContain(secret)
  expect(unhandled.splice(0)).toEqual([])
})

const line = (facts: object, message: string) => void logged.push(message + JSON.stringify(facts))
const log = { info: line, warn: line }

type Options = Partial<Parameters<typeof watchRuns>[1]>

/** A watch whose news are noted with their times. */
function watchAt(host: string, options: Options = {}) {
  const news: number[] = []
  const watch = watchRuns(postHogAt({ url: host, apiKey }), {
    onNews: () => news.push(Date.now()),
    log,
    ...options,
  })
  closers.push(() => watch.close())
  return {
    watch,
    news,
    hears: (count: number) => until(() => news.length === count),
    leaves: () => until(() => watch.watching() === 0),
  }
}

describe('beside PostHog', () => {
  const timing = { queued: 5, sandbox: 5, clone: 5, agent: 5 }
  const quick = { minGap: 20, said: 60, late: 20, backoff: { first: 20, most: 80 } }

  /** A run that waits for the test, at work, and not watched yet. */
  async function waitingRun(options: PostHogOptions = {}) {
    const apiKeys = [{ key: apiKey, userId: 1, scopes: ['*'] }]
    const posthog = await startPostHog({ apiKeys, timing, ...options })
    closers.push(() => posthog.close())
    posthog.script('', { kind: 'manual' })
    return { posthog, ...(await runAtWork(posthog, postHogAt({ url: posthog.url, apiKey }))) }
  }

  /** Watches it, with news soon after they come. */
  function follow({ posthog, session }: Awaited<ReturnType<typeof waitingRun>>, options?: Options) {
    const seen = watchAt(posthog.url, { pace: quick, ...options })
    seen.watch.watch(session)
    return seen
  }

  const streamCalls = ({ calls }: PostHogEmulator) =>
    calls.filter(({ route }) => route === 'stream')

  async function watched(options: { posthog?: PostHogOptions; watch?: Options } = {}) {
    const run = await waitingRun(options.posthog)
    const seen = follow(run, options.watch)
    await until(() => streamCalls(run.posthog).some(({ status }) => status === 200))
    await sleep(20)
    expect(seen.news).toEqual([])
    return { ...run, ...seen }
  }

  it('says so when a turn ends once its log should show it, and again later, as that may be late', async () => {
    const pace = { minGap: 20, afterTurn: [700, 2_000] }
    const classes: string[] = []
    // The row says in between what is checked out.
    const onNews = (_: string, what: string) => {
      if (what === 'turn-over') classes.push(`${what} ${Date.now()}`)
    }
    const { control, posthog } = await watched({ watch: { pace, onNews } })
    expect(streamCalls(posthog)[0]?.query).toEqual({ start: 'latest' })
    const before = Date.now()
    await control.completeTurn()
    await until(() => classes.length === 2, 10_000)
    const [first = 0, second = 0] = classes.map(each => Number(each.split(' ')[1]) - before)
    expect(first).toBeGreaterThanOrEqual(695)
    expect(first).toBeLessThan(1_500)
    expect(second - first).toBeGreaterThanOrEqual(1_995)
    // Each is an end for the budget, also where the one before was in vain.
    expect(classes.map(each => each.split(' ')[0])).toEqual(['turn-over', 'turn-over'])
  })

  it('looks no more once nobody wants to know', async () => {
    const afterTurn = [20, 20, 40, 80]
    const { control, news, watch, hears } = await watched({
      watch: { pace: { minGap: 20, afterTurn } },
    })
    await control.completeTurn()
    await hears(2)
    watch.unwatch(control.id)
    await sleep(200)
    expect(news).toHaveLength(2)
  })

  it('has news of a step', async () => {
    const { control, news } = await watched()
    await control.progress('tests', 'Running the tests')
    await until(() => news.length > 0, 1_500)
  })

  it('has no news of the single pieces of a message, nor of what repeats', async () => {
    const { control, news } = await watched({
      posthog: { stream: { duplicateEvery: 1, keepaliveMs: 10 } },
    })
    await control.say(secret.repeat(100))
    await sleep(150)
    const afterMessage = news.length
    expect(afterMessage).toBeLessThanOrEqual(2)
    control.setOutput({ pr_url: 'https://github.com/acme/web/pull/1' })
    await sleep(150)
    expect(news).toHaveLength(afterMessage + 1)
  })

  it('makes few looks of many events, the last of them after the last event', async () => {
    const { control, news } = await watched({ watch: { pace: { minGap: 200 } } })
    for (let n = 0; n < 200; n += 1) {
      await control.progress(`step-${n}`, 'Working')
      if (n % 20 === 0) await sleep(20)
    }
    const last = Date.now()
    await sleep(700)
    expect(news.length).toBeLessThanOrEqual(Math.ceil((last - (news[0] ?? 0)) / 200) + 3)
    expect(news.at(-1)).toBeGreaterThanOrEqual(last)
    expect(news.every((at, n) => n === 0 || at - (news[n - 1] ?? 0) >= 195)).toBe(true)
  })

  it('goes on after a rotation without losing what happened meanwhile', async () => {
    const { control, posthog, hears } = await watched({ posthog: { stream: { rotateMs: 400 } } })
    control.setOutput({ pr_url: 'https://github.com/acme/web/pull/1' })
    await hears(1)
    posthog.fault({ route: 'stream', fault: { kind: 'delay', ms: 100 } })
    await until(() => streamCalls(posthog).length === 2)
    control.setOutput({ pr_merged: true })
    await hears(2)
    const [, second] = streamCalls(posthog)
    expect(second?.query).toEqual({})
    expect(second?.lastEventId).toMatch(/^\d+-\d+$/)
  })

  it('rings a last time when the run is over, and leaves it then', async () => {
    const { control, news, watch, session, posthog, leaves } = await watched({
      watch: { pace: { minGap: 100 } },
    })
    await control.finish('completed')
    await leaves()
    await sleep(250)
    expect(news).toHaveLength(2)
    watch.watch(session)
    await sleep(50)
    expect(watch.watching()).toBe(0)
    expect(streamCalls(posthog)).toHaveLength(1)
  })

  it('waits longer after each failure, and looks when the stream is back', async () => {
    const run = await waitingRun()
    const fault = run.posthog.fault({
      route: 'stream',
      times: 4,
      fault: { kind: 'status', code: 502 },
    })
    const { news, hears } = follow(run)
    await hears(1)
    expect(fault.hits).toBe(4)
    const at = streamCalls(run.posthog).map(call => call.at)
    const gaps = at.slice(1).map((time, n) => time - (at[n] ?? 0))
    // Twice 20 ms each time up to 80, of which the jitter may take half.
    for (const [n, least] of [10, 20, 40, 40].entries())
      expect(gaps[n]).toBeGreaterThanOrEqual(least - 2)
    await run.control.completeTurn()
    await until(() => news.length > 1)
  })

  /** As PostHog answers where its process holds as many streams as it may: without a body. */
  const full = { kind: 'status', code: 503, body: '', retryAfter: 1 } as const

  it('waits for a place where PostHog holds as many as it may, and looks once it has one', async () => {
    const run = await waitingRun()
    const fault = run.posthog.fault({ route: 'stream', times: 2, fault: full })
    const { watch, news } = follow(run)
    await until(() => fault.hits === 1)
    await run.control.completeTurn()
    expect(watch.isAlive(run.session.taskRunId)).toBe(false)
    await until(() => news.length > 0)
    const [first, second, third] = streamCalls(run.posthog)
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(950)
    expect((third?.at ?? 0) - (second?.at ?? 0)).toBeGreaterThanOrEqual(950)
  })

  it('loses nothing of what happened while PostHog had no place for it any more', async () => {
    const { control, news, posthog, watch, session, hears, leaves } = await watched()
    control.setOutput({ pr_url: 'https://github.com/acme/web/pull/1' })
    await hears(1)
    const fault = posthog.fault({ route: 'stream', fault: full })
    posthog.dropConnections()
    await until(() => fault.hits === 1)
    await control.finish('completed')
    await leaves()
    expect(news.length).toBeGreaterThan(1)
    const after = streamCalls(posthog)
    expect(after).toHaveLength(3)
    expect(after[1]?.lastEventId).toBeDefined()
    expect(after[2]?.lastEventId).toBe(after[1]?.lastEventId)
    expect(watch.isAlive(session.taskRunId)).toBe(false)
  })

  it.each([301, 400, 401, 403, 404, 405, 406])('never asks again after a %i', async code => {
    const run = await waitingRun()
    run.posthog.fault({ route: 'stream', fault: { kind: 'status', code } })
    const { watch, news, leaves } = follow(run)
    await leaves()
    watch.watch(run.session)
    await sleep(60)
    expect(streamCalls(run.posthog)).toHaveLength(1)
    expect(news).toEqual([])
  })
})

describe('beside a server that goes wrong', () => {
  type Answer = (response: ServerResponse, request: IncomingMessage, n: number) => void

  const session = { taskId: 't', taskRunId: 'r' }
  const state = (output: object) =>
    JSON.stringify({ type: 'task_run_state', status: 'in_progress', output })
  const begin = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.flushHeaders()
    return response
  }

  async function serve(answer: Answer) {
    const requests: { at: number; lastId: string | undefined; url: string | undefined }[] = []
    const sockets = new Set<Socket>()
    const { url, server, close } = await startServer((request, response) => {
      const lastId = request.headers['last-event-id']
      requests.push({ at: Date.now(), lastId: lastId?.toString(), url: request.url })
      answer(response, request, requests.length)
    })
    server.on('connection', socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    closers.push(close)
    const asked = (times: number) => until(() => requests.length >= times)
    return { url, requests, sockets, asked }
  }

  const quick = { minGap: 10, backoff: { first: 10, most: 20 }, silence: 100 }

  /** A run that is watched at a server that answers so. */
  async function watched(pace: Options['pace'], answer: Answer) {
    const served = await serve(answer)
    const seen = watchAt(served.url, { pace })
    seen.watch.watch(session)
    return { ...served, ...seen }
  }

  it('asks for no stream of a run that was let go before its turn', async () => {
    const { url, requests, asked } = await serve(() => {})
    const { watch } = watchAt(url)
    watch.watch(session)
    watch.unwatch('r')
    watch.watch({ ...session, taskRunId: 'other' })
    await asked(1)
    expect(requests.map(each => each.url)).toEqual([expect.stringContaining('/other/')])
  })

  it('finds the news among rubbish', async () => {
    const { news, hears } = await watched({ ...quick, silence: 1_000 }, response => {
      begin(response).write(
        ': hello\n\ndata: no json\n\ndata: null\n\ndata: []\n\ndata: {"type":"notification"}\n\n',
      )
      response.write('data: {"type":"notification","notification":{"method":7,"params":"x"}}\n\n')
      response.write('\0\xff\n\n')
      setTimeout(() => response.write(`event: what\ndata: ${state({ n: 1 })}\n\n`), 60)
    })
    await sleep(40)
    expect(news).toEqual([])
    await hears(1)
  })

  it('reads what was cut in the middle of a character, and lines that end in CRLF', async () => {
    const { hears } = await watched({ ...quick, silence: 1_000 }, async response => {
      begin(response)
      for (const byte of Buffer.from(`: ü\r\nid: 1-1\r\ndata: ${state({ n: 'ü' })}\r\n\r\n`))
        await new Promise(sent => response.write(Buffer.of(byte), sent))
    })
    await hears(1)
  })

  it('lets go of an event without an end, and goes on with what comes after it', async () => {
    const { requests, hears, asked } = await watched(
      { ...quick, silence: 5_000 },
      (response, _, n) => {
        begin(response).write(`id: 7-7\ndata: ${state({ n })}\n\n`)
        if (n === 1) response.write(`id: 8-8\ndata: ${'x'.repeat(1_200_000)}`)
      },
    )
    await asked(2)
    expect(requests[1]?.lastId).toBeUndefined()
    await hears(2)
    expect(logged.join()).toContain('an event is too long')
  })

  it('knows the other ways to say it', async () => {
    const { hears } = await watched({ ...quick, silence: 1_000 }, response => {
      begin(response).write('data: {"type":"permission_request","requestId":"1"}\n\n')
      setTimeout(() => {
        response.write(
          'data: {"type":"notification","notification":{"id":1,"result":{"stopReason":"end_turn"}}}\n\n',
        )
      }, 60)
    })
    await hears(1)
    await hears(3)
  })

  it.each<[what: string, answer: Answer]>([
    ['before the answer', () => {}],
    ['in the stream', response => void begin(response).write(': hello\n\n')],
  ])('takes a silence %s for a dead connection', async (_, answer) => {
    const { url, requests, sockets, asked } = await serve(answer)
    const { watch } = watchAt(url, { pace: quick })
    // Not when the first request arrived: that may be late.
    const from = Date.now()
    watch.watch(session)
    await asked(3)
    await until(() => sockets.size === 1)
    expect((requests[1]?.at ?? 0) - from).toBeGreaterThanOrEqual(quick.silence - 2)
  })

  it('goes on only so often', async () => {
    const window = 400
    // Not when the first request arrived: that may be late.
    const from = Date.now()
    const { requests, asked } = await watched({ ...quick, reconnects: 3, window }, response => {
      begin(response).end(`data: ${state({})}\n\nevent: end\ndata: {"type":"rotated"}\n\n`)
    })
    await asked(8)
    const since = (n: number) => (requests[n]?.at ?? 0) - from
    expect(since(4)).toBeGreaterThanOrEqual(window - 2)
    expect(since(7)).toBeGreaterThanOrEqual(2 * window - 2)
  })

  it('forgets the id that a server can’t go on from, or that fits no header', async () => {
    const { requests, hears, asked } = await watched(
      { ...quick, silence: 60_000 },
      (response, _, n) => {
        begin(response).write(`id: ${n < 3 ? '9-9' : 'ü'}\ndata: ${state({})}\n\n`)
        if (n === 1) response.end()
        else if (n === 2) response.end('event: error\ndata: {"error":"Stream read error"}\n\n')
        else if (n === 3) response.end()
      },
    )
    await asked(4)
    expect(requests.map(({ lastId }) => lastId)).toEqual([undefined, '9-9', undefined, undefined])
    expect(requests.map(({ url }) => url?.includes('start=latest'))).toEqual([
      true,
      false,
      true,
      true,
    ])
    await hears(3)
  })

  it('starts again from the short wait once it heard something', async () => {
    const { requests, asked } = await watched(
      { ...quick, backoff: { first: 400, most: 10_000 } },
      (response, _, n) => {
        if (n === 3) begin(response).end(`data: ${state({})}\n\n`)
        else response.writeHead(503).end()
      },
    )
    await asked(4)
    const [second, third, fourth] = requests.slice(1).map(({ at }) => at)
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(398)
    // Without the answer it would have been 800 at least.
    expect((fourth ?? 0) - (third ?? 0)).toBeLessThan(780)
  })

  it.each<[what: string, answer: Answer]>([
    [
      'a page',
      response => response.writeHead(200, { 'content-type': 'text/html' }).write('<html>'),
    ],
    [
      'a page that ends',
      response => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['nothing', response => response.writeHead(204).end()],
    [
      'another address',
      response => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
  ])('takes %s for having no stream, and hangs up', async (_, answer) => {
    const { requests, sockets, leaves } = await watched(quick, answer)
    await leaves()
    await until(() => sockets.size === 0)
    await sleep(40)
    expect(requests).toHaveLength(1)
  })

  it.each<[what: string, onNews: () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('queue away')
      },
    ],
    ['rejects', () => Promise.reject(new Error('queue away'))],
  ])('goes on when the listener %s', async (_, onNews) => {
    let told = 0
    const { url } = await serve(response => {
      begin(response).write(`data: ${state({ n: 1 })}\n\n`)
      setTimeout(() => response.write(`data: ${state({ n: 2 })}\n\n`), 40)
    })
    const { watch } = watchAt(url, {
      pace: quick,
      onNews: () => {
        told += 1
        return onNews()
      },
    })
    watch.watch(session)
    await until(() => told === 2)
    expect(logged.filter(line => line.includes('could not pass on'))).toHaveLength(2)
  })

  it.each<[when: string, answer: Answer]>([
    ['before the answer', () => {}],
    ['in the stream', response => void begin(response).write(`data: ${state({})}\n\n`)],
    ['between two tries', response => response.writeHead(500).end()],
    [
      'after the end',
      response => begin(response).end('event: stream-end\ndata: {"status":"complete"}\n\n'),
    ],
  ])('closes %s and leaves nothing', async (_, answer) => {
    const pace = { backoff: { first: 100, most: 100 }, minGap: 10_000 }
    const { requests, sockets, watch, news, asked } = await watched(pace, answer)
    watch.watch({ ...session, taskRunId: 'r2' })
    await asked(2)
    await sleep(20)
    const told = news.length
    const before = requests.length
    watch.close()
    watch.close()
    watch.watch(session)
    expect(watch.watching()).toBe(0)
    await sleep(150)
    expect(requests).toHaveLength(before)
    expect(news).toHaveLength(told)
    expect(sockets.size).toBe(0)
  })
})
