import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { pino } from 'pino'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { failedCheck } from '../../src/core/model/check.ts'
import type { Trigger } from '../../src/core/model/trigger.ts'
import { listen, type ReadyPage, webhookPath } from '../../src/web/http-server.ts'
import * as payloads from '../security/payloads.ts'
import { openDoor, webServer } from '../support/web-server.ts'

/** GitHub's own test vector for signatures. Source: GitHub Docs, "Validating webhook deliveries". */
const secret = "It's a Secret to Everybody"
const vector = {
  payload: 'Hello, World!',
  signature: 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
}

let enqueued: Trigger[] = []
let enqueue: () => Promise<'added' | 'known'> = async () => 'added'
const allWell: ReadyPage = { ready: true, failed: [] }
let readiness = allWell

const lines: string[] = []
const log = pino({ level: 'info' }, { write: line => void lines.push(line) })
const door = await openDoor({
  secret,
  log,
  redact: text => text.replaceAll('hush', '[redacted]'),
  readiness: async () => readiness,
  enqueue: async trigger => {
    enqueued.push(trigger)
    return enqueue()
  },
})
let port = 0
beforeAll(() => {
  port = door.port
})
afterEach(() => {
  enqueued = []
  enqueue = async () => 'added'
  readiness = allWell
})

const signed = (body: string | Buffer, by = secret): string =>
  `sha256=${createHmac('sha256', by).update(body).digest('hex')}`

const comment = JSON.parse(String(payloads.comment({ text: '/codex fix it – 修复' }).body))

interface Delivery {
  body?: string
  path?: string
  headers?: Record<string, string | undefined>
}

const differing = (differs: object): string => JSON.stringify({ ...comment, ...differs })
const saying = (body: string): string => differing({ comment: { ...comment.comment, body } })

/** Sends a webhook as GitHub does, but for what differs: the status and what was answered. */
async function deliver({
  body = JSON.stringify(comment),
  path = webhookPath,
  headers = {},
}: Delivery = {}): Promise<string> {
  const all = {
    'content-type': 'application/json',
    'x-github-event': 'issue_comment',
    'x-github-delivery': 'd-1',
    'x-hub-signature-256': signed(body),
    ...headers,
  }
  const sent = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: sent,
    body,
  })
  return `${response.status} ${await response.text()}`
}
const statusOf = async (delivery?: Delivery) => Number((await deliver(delivery)).slice(0, 3))
const queued = '202 {"queued":"comment-501"}'

/** Begins to send one of a size, which need not come. */
function begin(more: OutgoingHttpHeaders) {
  const headers = { 'x-github-event': 'issue_comment', 'x-github-delivery': 'd-1', ...more }
  const sending = request({ port, host: '127.0.0.1', path: webhookPath, method: 'POST', headers })
  sending.on('error', () => {})
  const status = once(sending, 'response').then(
    ([response]: IncomingMessage[]) => response?.resume().statusCode,
    () => undefined,
  )
  return { sending, status }
}

describe('a delivery that is signed', () => {
  test.each([webhookPath, '/', `${webhookPath}?x=1`])(
    'at %s is queued under the id of what happened',
    async path => {
      expect(await deliver({ path })).toBe(queued)
      expect(enqueued).toHaveLength(1)
      expect(enqueued[0]).toMatchObject({
        id: 'comment-501',
        deliveryId: 'd-1',
        kind: 'comment',
        text: '/codex fix it – 修复',
      })
    },
  )

  test('is kept without the secrets that people pasted', async () => {
    expect(await statusOf({ body: saying('/codex use the key hush') })).toBe(202)
    expect(enqueued[0]).toMatchObject({ text: '/codex use the key [redacted]' })
  })

  test('that the queue knows already says so', async () => {
    enqueue = async () => 'known'
    expect(await deliver()).toBe('202 {"queued":"comment-501","known":true}')
  })

  test('that the queue can not take is a failed one', async () => {
    enqueue = () => Promise.reject(new Error('Redis: connection to secret-host refused'))
    const refused = await deliver()
    expect(refused).toMatch(/^503 /)
    expect(refused).not.toContain('secret-host')
    enqueue = async () => 'added'
    expect(await statusOf()).toBe(202)
  })

  const unread = 'payload not understood'
  test.each([
    ['another event', { headers: { 'x-github-event': 'push' } }, 'event not used'],
    ['another shape', { body: '{"action":"created"}' }, unread],
    ['an installation that is none', { body: differing({ installation: { id: 0 } }) }, unread],
    [
      'a name that nobody can have',
      { body: differing({ sender: { ...comment.sender, login: 'maya @acme/team' } }) },
      unread,
    ],
    ['an action that is none', { body: differing({ action: { toString: 'x' } }) }, unread],
  ])('is ignored by name if it holds nothing for us: %s', async (_, delivery, expected) => {
    expect(await deliver(delivery)).toBe(`200 {"ignored":"${expected}"}`)
    expect(enqueued).toEqual([])
  })

  test.each([
    ['no JSON', { body: '{"action":' }],
    ['null', { body: 'null' }],
    ['a form', { body: 'payload=%7B%7D' }],
    [
      "GitHub's test vector",
      { body: vector.payload, headers: { 'x-hub-signature-256': vector.signature } },
    ],
    ['no delivery id', { headers: { 'x-github-delivery': undefined } }],
    ['no event', { headers: { 'x-github-event': undefined } }],
  ])('is a bad request if it can not be read: %s', async (_, delivery) => {
    expect(await statusOf(delivery)).toBe(400)
    expect(enqueued).toEqual([])
  })
})

describe('a delivery that is not signed by GitHub goes no further', () => {
  const body = JSON.stringify(comment)
  const old = `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`
  const wrong = { 'x-hub-signature-256': signed('x') }
  test.each([
    ['no signature', { headers: { 'x-hub-signature-256': undefined } }],
    ['that of another secret', { headers: { 'x-hub-signature-256': signed(body, 'development') } }],
    ['that of another body', { headers: { 'x-hub-signature-256': signed(`${body} `) } }],
    ['one that is cut', { headers: { 'x-hub-signature-256': signed(body).slice(0, -2) } }],
    [
      'one without its name',
      { headers: { 'x-hub-signature-256': signed(body).slice('sha256='.length) } },
    ],
    [
      'the old kind only',
      { headers: { 'x-hub-signature-256': undefined, 'x-hub-signature': old } },
    ],
    ['a wrong one on what is no JSON', { body: '{"action":', headers: wrong }],
    [
      'a wrong one on an event that is not used',
      { headers: { ...wrong, 'x-github-event': 'push' } },
    ],
  ])('%s', async (_, delivery) => {
    expect(await statusOf({ body, ...delivery })).toBe(401)
    expect(enqueued).toEqual([])
  })
})

describe('a delivery that is too large', () => {
  const limit = 5 * 1024 * 1024

  test('by its own word is refused before it is read', async () => {
    const { sending, status } = begin({
      'x-hub-signature-256': signed('x'),
      'content-length': limit + 1,
    })
    sending.flushHeaders()
    expect(await status).toBe(413)
    sending.destroy()
  })

  test('without a word about it is cut while it is read', async () => {
    const { sending, status } = begin({ 'x-hub-signature-256': signed('x') })
    let wrote = 0
    let over = false
    void status.then(() => {
      over = true
    })
    const chunk = Buffer.alloc(256 * 1024, 'x')
    // Less than all bodies together may have.
    const most = 10 * limit
    while (!over && wrote < most) {
      wrote += chunk.length
      if (!sending.write(chunk))
        await Promise.race([once(sending, 'drain').catch(() => {}), status])
      await new Promise(resolve => setImmediate(resolve))
    }
    expect([undefined, 413]).toContain(await status)
    expect(wrote).toBeLessThan(most)
    expect(enqueued).toEqual([])
    sending.destroy()
  })

  test('by one byte, and one that just fits', async () => {
    const empty = Buffer.byteLength(differing({ padding: '' }))
    const filled = (size: number): string => differing({ padding: 'x'.repeat(size - empty) })
    expect(await deliver({ body: filled(limit) })).toBe(queued)
    const over = statusOf({ body: filled(limit + 1) }).catch(() => 'cut')
    expect([413, 'cut']).toContain(await over)
    expect(enqueued).toHaveLength(1)
  })
})

describe('what strangers send', () => {
  test.each([
    ['without a signature', {}],
    ['with a word in its place', { 'x-hub-signature-256': 'sha256=guessed' }],
    ['without a name', { 'x-hub-signature-256': signed('x'), 'x-github-delivery': [] }],
  ])('is refused before it is read, %s', async (_, more) => {
    const { sending, status } = begin({ ...more, 'content-length': 1_000_000 })
    sending.flushHeaders()
    expect([400, 401]).toContain(await status)
    sending.destroy()
  })

  test('is held up to a bound in all: beyond it the largest goes, and what is small is taken', async () => {
    const size = 4_500_000
    const body = Buffer.alloc(size, 'x')
    const senders = Array.from({ length: 20 }, () => {
      const given = begin({ 'x-hub-signature-256': signed(body), 'content-length': size })
      given.sending.write(body.subarray(1))
      return given
    })
    let gone = 0
    for (const { status } of senders)
      void status.then(code => {
        if (code === 503) gone += 1
      })
    await vi.waitUntil(() => gone >= 6, { timeout: 9_000 })
    expect(await statusOf()).toBe(202)
    expect(gone).toBeLessThan(12)
    for (const { sending } of senders) sending.end(body.subarray(0, 1))
    const answers = await Promise.all(senders.map(({ status }) => status))
    // Signed, but no JSON.
    expect(answers.filter(code => code === 400)).toHaveLength(20 - gone)
    expect(await statusOf()).toBe(202)
  })

  test('is cut after ten seconds, however slowly it comes', { timeout: 20_000 }, async () => {
    const { sending, status } = begin({
      'x-hub-signature-256': signed('x'),
      'content-length': 1_000,
    })
    const began = performance.now()
    const drip = setInterval(() => sending.write('x'), 500)
    expect([408, undefined]).toContain(await status)
    clearInterval(drip)
    expect(performance.now() - began).toBeLessThan(12_000)
  })
})

test('one account’s words are taken up to a bound', async () => {
  const by = (id: number, words: string): string =>
    differing({
      sender: { login: 'eve', id, type: 'User' },
      comment: { ...comment.comment, body: `/codex ${words}`, user: { login: 'eve', id } },
    })
  const bodies = Array.from({ length: 20 }, () => by(15, 'x'.repeat(1_000_000)))
  const answers = []
  for (const body of bodies) answers.push(await deliver({ body }))
  const beyond = '200 {"ignored":"too much by one account"}'
  expect([answers[5], answers.at(-1)]).toEqual([queued, beyond])
  expect(await deliver({ body: by(15, 'fix it') })).toBe(queued)
  expect(await deliver({ body: by(16, 'x'.repeat(1_000_000)) })).toBe(queued)
  let last = ''
  for (let n = 0; n < 1_000 && last !== beyond; n += 1)
    last = await deliver({ body: by(15, 'fix it') })
  expect(last).toBe(beyond)
})

describe('what anybody can send costs no line each', () => {
  beforeEach(() => {
    lines.length = 0
  })

  test('pushes to a fork leave none', async () => {
    const head = { ref: 'eve/patch', repo: 666 }
    const body = String(payloads.reopens('eve', 1, head, 'synchronize').body)
    const headers = { 'x-github-event': 'pull_request' }
    for (let n = 0; n < 50; n += 1) expect(await statusOf({ body, headers })).toBe(202)
    expect(lines).toEqual([])
  })

  test('what is beyond the bound of one account leaves one line', async () => {
    const user = { login: 'eve', id: 17, type: 'User' }
    const words = { ...comment.comment, user, body: `/codex ${'x'.repeat(1_000_000)}` }
    const body = differing({ comment: words, sender: user })
    for (let n = 0; n < 50; n += 1) await deliver({ body })
    expect(lines.filter(line => line.includes('too much by one account'))).toHaveLength(1)
  })

  test('a hundred deliveries that are not signed leave one line of each kind', async () => {
    for (let n = 0; n < 50; n += 1) {
      for (const signature of [undefined, signed('x', 'guessed')])
        expect(await statusOf({ headers: { 'x-hub-signature-256': signature } })).toBe(401)
    }
    expect(lines.length).toBeLessThanOrEqual(2)
  })

  test('requests that break off leave one line at most', async () => {
    for (let n = 0; n < 10; n += 1) {
      const { sending } = begin({ 'content-length': '100' })
      sending.write('half')
      await new Promise(resolve => setTimeout(resolve, 5))
      sending.destroy()
    }
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(lines.length).toBeLessThanOrEqual(1)
  })

  test('comments that ask for nothing leave none', async () => {
    for (let n = 0; n < 10; n += 1)
      expect(await deliver({ body: saying('Nice work!') })).toBe('200 {"ignored":"no command"}')
    expect(lines).toEqual([])
  })
})

describe('the other pages', () => {
  const get = async (path: string, method = 'GET', headers = {}): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })
    return [response.status, await response.text()]
  }

  test('say that it is ready only when the queue answers', async () => {
    expect(await get('/readyz')).toEqual([200, '{"ready":true,"failed":[]}\n'])
    readiness = {
      ready: false,
      failed: [failedCheck('queue', 'secret-host does not answer', 'Start it.')],
    }
    const [status, page] = await get('/readyz')
    expect(status).toBe(503)
    expect(JSON.parse(page)).toEqual({
      ready: false,
      failed: [
        { name: 'queue', ok: false, detail: 'secret-host does not answer', fix: 'Start it.' },
      ],
    })
    const others = await get('/readyz', 'GET', { 'x-forwarded-for': '203.0.113.9' })
    expect(others).toEqual([503, '{"ready":false,"failed":[{"name":"queue"}]}\n'])
  })

  test.each([
    ['/', 'GET', 404],
    ['/nothing', 'GET', 404],
    [webhookPath, 'GET', 404],
    ['/healthz', 'POST', 405],
    ['/nothing', 'DELETE', 405],
  ])('%s %s: %d', async (path, method, expected) => {
    expect((await get(path, method))[0]).toBe(expected)
  })

  test.each([
    ['127.0.0.1', () => `port ${port} on 127.0.0.1 is in use: set PORT to another one`],
    [
      '1.2.3.4',
      () =>
        'HOST is 1.2.3.4, which is no address of this machine: set it to one, or to 0.0.0.0 for all',
    ],
  ])('%s, where it can not listen, is told with its variable', async (host, words) => {
    await expect(listen(webServer(), { host, port })).rejects.toThrow(words())
  })
})
