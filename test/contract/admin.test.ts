/** Who may see and do what on the admin pages, on a real server and a real queue. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pause } from '../../src/core/model/pause.ts'
import { parseMessage } from '../../src/core/record/messages.ts'
import { type Run, type RunChange, runFormat } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { openQueues } from '../../src/queue/open-queues.ts'
import type { Queues } from '../../src/queue/work-queue.ts'
import { openAccess } from '../../src/web/admin/access.ts'
import { adminPages } from '../../src/web/admin/admin-server.tsx'
import { closeServer, httpServer, listen } from '../../src/web/http-server.ts'
import { hour, issueThread, runWith } from '../core/given.ts'
import { newDataDir } from '../support/data-dir.ts'
import { fakeLogOf } from '../support/fake-log.ts'

const token = 'a token of an admin with 32 letters or more'
const slowness = 50

let now = Date.now()
const lines: object[] = []
const log = fakeLogOf(fields => lines.push(fields))
let queues: Queues<unknown, Run>
let server: ReturnType<typeof httpServer>
let address: string
let retried: string[] = []
let said: Pause[] = []
let drained = 0

beforeAll(async () => {
  queues = await openQueues({
    dataDir: await newDataDir(),
    triggers: { parse: data => data },
    runs: { ...runFormat, index: runIndex },
  })
  server = httpServer({
    webhookEndpoint: undefined,
    readiness: async () => ({ ready: true, failed: [] }),
    admin: adminPages({
      token,
      slowness,
      runs: queues.runs,
      pauses: {
        of: async repoId => said.findLast(pause => pause.repoId === repoId),
        say: async pause => void said.push(pause),
      },
      retry: async (run, id) => void retried.push(`${run.id} ${id}`),
      drain: () => {
        drained += 1
      },
      examine: async () => [{ name: 'queue', ok: false, detail: 'a check of the doctor', fix: 'Mend it.' }],
      failedChecks: async () => [],
      pausedBecause: () => undefined,
      posthogUrl: () => undefined,
      log,
      now: () => now,
    }),
  })
  address = `http://127.0.0.1:${await listen(server, { host: '127.0.0.1', port: 0 })}`
})
afterAll(async () => {
  await closeServer(server, 0)
  await queues.close(500)
})
beforeEach(() => {
  now = Date.now()
  retried = []
  said = []
  drained = 0
})

let added = 0
/** One that waits, unless it is said otherwise; its title is nobody else's. */
async function addRun(...differs: RunChange[]): Promise<Run> {
  added += 1
  const id = `run-of-test-${added}`
  const run = runWith({ id, thread: { ...issueThread, number: added } }, ...differs)
  await queues.runs.add(id, run)
  return run
}

type Fields = Record<string, string>

const get = (path: string, headers: Fields = {}): Promise<Response> =>
  fetch(address + path, { headers, redirect: 'manual' })

const post = (path: string, fields: Fields, headers: Fields = {}): Promise<Response> =>
  fetch(address + path, {
    method: 'POST',
    headers: { origin: address, ...headers },
    body: new URLSearchParams(fields),
    redirect: 'manual',
  })

async function signIn(headers: Fields = {}): Promise<string> {
  const response = await post('/admin/sign-in', { token }, headers)
  expect([response.status, response.headers.get('location')]).toEqual([303, '/admin/'])
  return response.headers.get('set-cookie') ?? ''
}

const sessionOf = (cookie: string): Fields => ({ cookie: cookie.split(';')[0] ?? '' })

/** A form of that page, as the browser would send it. */
async function formOn(path: string, session: Fields): Promise<string> {
  const page = await (await get(path, session)).text()
  return /name="form" value="([^"]+)"/.exec(page)?.[1] ?? expect.fail('no form')
}

const inboxOf = async (run: Run) => (await queues.runs.inbox(run.id)).map(parseMessage)

describe('nobody sees or changes anything without the token', () => {
  let run: Run
  let paths: { get: string[]; post: string[] }
  beforeAll(async () => {
    run = await addRun()
    paths = {
      get: ['', '/', '/checks', '/list/waiting', '/runs.json', `/runs/${run.id}`, '/runs/guessed', '/else'],
      post: ['stop', 'retry', 'pause', 'resume'].map(action => `/runs/${run.id}/${action}`),
    }
    paths.post.push('/drain', '/sign-out', '/else')
  })

  const another = openAccess({ token: `${token}, but another`, now: () => now })
  const cookieOfAnother = async (): Promise<Fields> => {
    const made = await another.signIn(`${token}, but another`, new Headers())
    return made.kind === 'signed-in' ? sessionOf(made.cookie) : expect.fail('not signed in')
  }
  const whoTable: [string, () => Promise<Fields>][] = [
    ['nobody', async () => ({})],
    ['who has another token', async () => ({ authorization: `Bearer ${token.slice(1)}` })],
    ['who has it not as bearer', async () => ({ authorization: token })],
    ['who has the cookie of another secret', cookieOfAnother],
    ['who made up a cookie', async () => ({ cookie: `codex_admin=session.${now + hour}.${'A'.repeat(43)}` })],
    [
      'whose cookie is an hour old',
      async () => {
        const session = sessionOf(await signIn())
        now += hour
        return session
      },
    ],
    [
      'who put its end off',
      async () => {
        const { cookie = '' } = sessionOf(await signIn())
        now += hour
        return { cookie: cookie.replace(/\.\d+\./, `.${now + hour}.`) }
      },
    ],
  ]

  test.each(whoTable)('%s', async (_, headersOf) => {
    const headers = await headersOf()
    for (const path of paths.get) {
      const response = await get(`/admin${path}`, headers)
      const text = await response.text()
      // The address without a slash only leads to the one with it.
      expect([path, response.status]).toEqual([path, path === '' ? 303 : 401])
      expect(text).not.toMatch(/acme|maya|Login is flaky|check of the doctor/)
    }
    const sent = await Promise.all(
      paths.post.map(async path => [path, (await post(`/admin${path}`, {}, headers)).status]),
    )
    expect(sent).toEqual(paths.post.map(path => [path, 401]))
    expect([await inboxOf(run), retried, said, drained]).toEqual([[], [], [], 0])
  })

  test('who has it sees all of them', async () => {
    for (const headers of [{ authorization: `Bearer ${token}` }, sessionOf(await signIn())]) {
      const statuses = await Promise.all(
        paths.get.map(async path => [path, (await get(`/admin${path}`, headers)).status]),
      )
      expect(statuses).toEqual(
        paths.get.map(path => [path, path === '' ? 303 : /guessed|else/.test(path) ? 404 : 200]),
      )
    }
  })

  test('without an ADMIN_TOKEN there are no such pages', async () => {
    const bare = httpServer({
      webhookEndpoint: undefined,
      readiness: async () => ({ ready: true, failed: [] }),
    })
    const port = await listen(bare, { host: '127.0.0.1', port: 0 })
    const headers = { authorization: `Bearer ${token}` }
    const statuses = await Promise.all(
      ['/admin', '/admin/', '/admin/runs.json'].map(
        async path => (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status,
      ),
    )
    expect(statuses).toEqual([404, 404, 404])
    await closeServer(bare, 0)
  })
})

test('a session is a cookie that no script and no other page has, for an hour', async () => {
  expect(await signIn()).toMatch(/^codex_admin=\S+; HttpOnly; SameSite=Strict; Path=\/admin\/; Max-Age=3600$/)
  expect(await signIn({ 'x-forwarded-proto': 'https' })).toMatch(/; Secure$/)
  const { host } = new URL(address)
  expect(await signIn({ origin: `https://${host}` })).toMatch(/; Secure$/)
  const session = sessionOf(await signIn())
  const left = await post('/admin/sign-out', { form: await formOn('/admin/', session) }, session)
  expect(left.headers.get('set-cookie')).toMatch(/^codex_admin=; .*Max-Age=0/)
})

describe('a form counts only if a page of ours sent it', () => {
  const elsewhere: [string, Fields][] = [
    ['from another origin', { origin: 'https://evil.example' }],
    ['from no origin', { origin: 'null' }],
    ['from a name that begins like ours', { origin: 'http://127.0.0.1.evil.example' }],
    ['from the same host on another port', { origin: 'http://127.0.0.1:1' }],
  ]

  test.each(elsewhere)('%s', async (_, headers) => {
    const run = await addRun()
    const session = sessionOf(await signIn())
    const form = await formOn('/admin/', session)
    for (const action of [`runs/${run.id}/stop`, `runs/${run.id}/pause`, 'drain', 'sign-out'])
      expect((await post(`/admin/${action}`, { form }, { ...session, ...headers })).status).toBe(403)
    expect((await post('/admin/sign-in', { token }, headers)).status).toBe(403)
    const bearer = { authorization: `Bearer ${token}`, ...headers }
    expect((await post(`/admin/runs/${run.id}/stop`, {}, bearer)).status).toBe(403)
    expect([await inboxOf(run), said, drained]).toEqual([[], [], 0])
  })

  test('without its own token, or with that of another session', async () => {
    const run = await addRun()
    const [session, other] = [sessionOf(await signIn()), sessionOf(await signIn())]
    const form = await formOn('/admin/', other)
    const [id] = form.split('.')
    const all: Fields[] = [
      {},
      { form: '' },
      { form },
      { form: `${id}.` },
      { form: `${id}.${'A'.repeat(43)}` },
    ]
    for (const fields of all)
      for (const action of [`runs/${run.id}/stop`, `runs/${run.id}/pause`, 'drain', 'sign-out'])
        expect((await post(`/admin/${action}`, fields, session)).status).toBe(403)
    expect([await inboxOf(run), said, drained]).toEqual([[], [], 0])
  })

  test('without a word where it comes from', async () => {
    const run = await addRun()
    const session = sessionOf(await signIn())
    const form = await formOn('/admin/', session)
    const stop = async (headers: Fields): Promise<number | undefined> => {
      const asking = request(`${address}/admin/runs/${run.id}/stop`, {
        method: 'POST',
        headers: { ...session, ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      })
      asking.end(new URLSearchParams({ form }).toString())
      const [response]: IncomingMessage[] = await once(asking, 'response')
      return response?.resume().statusCode
    }
    expect(await stop({})).toBe(403)
    expect(await stop({ 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await inboxOf(run)).toEqual([])
    expect(await stop({ 'sec-fetch-site': 'same-origin' })).toBe(303)
  })

  test('of more than a form has characters', async () => {
    const session = sessionOf(await signIn())
    const form = await formOn('/admin/', session)
    expect((await post('/admin/drain', { form, text: 'x'.repeat(20_000) }, session)).status).toBe(413)
    expect(drained).toBe(0)
  })
})

test('nothing is kept by a browser, framed, or open to scripts and to pages of others', async () => {
  const session = sessionOf(await signIn())
  const responses = await Promise.all([
    get('/admin/'),
    get('/admin/', session),
    get('/admin/runs.json', session),
    get('/admin/runs/guessed', session),
    post('/admin/drain', {}, session),
    post('/admin/sign-in', { token }),
  ])
  for (const { headers, url } of responses) {
    expect([url, headers.get('cache-control')]).toEqual([url, 'no-store'])
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-\S+'; /)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|script/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('whoever tries tokens is slowed, and keeps nobody out', async () => {
  const begun = performance.now()
  const tries = await Promise.all(
    Array.from({ length: 40 }, (_, n) => get('/admin/', { authorization: `Bearer ${token}${n}` })),
  )
  const took = performance.now() - begun
  const refused = tries.filter(({ status }) => status === 401).length
  expect(tries.every(({ status }) => status === 401 || status === 429)).toBe(true)
  expect(refused).toBeGreaterThanOrEqual(10)
  // Ten at once, each as long as it takes.
  expect(Math.ceil(refused / 10) * slowness * 0.9).toBeLessThanOrEqual(took)
  expect((await get('/admin/', { authorization: `Bearer ${token}` })).status).toBe(200)
})

describe('words of others are words', () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)> &lt;b&gt; \u202egnp.exe`
  const raw = /<script|<img|\u202e|href="javascript/i
  const question = {
    id: 'q',
    title: hostile,
    question: true,
    options: [{ id: 'a', name: hostile, kind: 'allow_once' }],
  }
  const kinds: [string, RunChange][] = [
    ['of one that waits', {}],
    [
      'of one that has a question',
      {
        schedule: { admitted: true },
        session: { sessionLog: { offset: 0, turns: 0, idle: false, permissionRequest: question } },
      },
    ],
    [
      'of one that failed',
      {
        result: {
          concludedAt: Date.now(),
          outcome: { kind: 'failed', class: 'agent', reason: hostile, fix: hostile },
          pulls: [
            {
              ...{ number: 9, url: 'javascript:alert(3)', title: hostile, draft: false },
              ...{ head: hostile, base: 'main', state: 'open' },
            },
          ],
        },
      },
    ],
    [
      'of one that is paused',
      { schedule: { waits: { kind: 'pause', of: 'repository', by: hostile, why: hostile } } },
    ],
    [
      'of one whose set-up is wrong',
      {
        retries: {
          posthog: { why: hostile, since: now, until: now + hour, count: 1, setup: true },
        },
      },
    ],
  ]

  test.each(kinds)('%s', async (_, differs) => {
    const by = { login: hostile, id: 66 }
    const base = runWith()
    const run = await addRun(
      {
        thread: { ...base.thread, url: 'javascript:alert(4)', number: 100 + added },
        request: { ...base.request, by, text: hostile },
        baseline: { snapshot: { ...base.baseline.snapshot, title: hostile, body: hostile } },
        session: { progress: [{ step: 'a', label: hostile, done: false, at: now }] },
      },
      differs,
    )
    const session = sessionOf(await signIn())
    const listed = await (await get('/admin/?filter=acme', session)).text()
    expect(listed).toContain('&lt;script&gt;alert(1)')
    expect(listed).not.toMatch(raw)
    const page = await (await get(`/admin/runs/${run.id}`, session)).text()
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toMatch(raw)
    const json = await get('/admin/runs.json', session)
    expect(json.headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('of an address', async () => {
    const session = sessionOf(await signIn())
    const query = new URLSearchParams({ filter: hostile, said: hostile, page: hostile })
    for (const path of [
      '/admin/',
      '/admin/list/waiting',
      '/admin/runs.json',
      `/admin/${encodeURIComponent(hostile)}`,
    ]) {
      const page = await (await get(`${path}?${query}`, session)).text()
      expect(page).not.toMatch(raw)
    }
  })
})

describe('what is done', () => {
  const admin = { login: 'an admin of this bot', id: 0 }

  test('a stop is a message to the run, and the same form counts once', async () => {
    const run = await addRun()
    const session = sessionOf(await signIn())
    const form = await formOn(`/admin/runs/${run.id}`, session)
    const sent = await post(`/admin/runs/${run.id}/stop`, { form }, session)
    expect([sent.status, sent.headers.get('location')]).toEqual([303, `/admin/runs/${run.id}?said=stopping`])
    await post(`/admin/runs/${run.id}/stop`, { form }, session)
    const ids = (await inboxOf(run)).map(message => message?.id)
    expect(new Set(ids).size).toBe(1)
    expect(await inboxOf(run)).toContainEqual(expect.objectContaining({ kind: 'stop', by: admin }))
    expect(await (await get(`/admin/runs/${run.id}?said=stopping`, session)).text()).toContain(
      'The run is being stopped',
    )
  })

  test('a stop means what the page showed, even if the clock of GitHub is ahead', async () => {
    const run = await addRun({ mailbox: { lastWordsAt: now + hour } })
    await post(`/admin/runs/${run.id}/stop`, {}, { authorization: `Bearer ${token}` })
    expect(await inboxOf(run)).toMatchObject([{ kind: 'stop', at: now + hour }])
  })

  test('a retry is asked for only where it can help', async () => {
    const failed = { kind: 'failed', class: 'agent', reason: 'no luck', fix: 'Again.' } as const
    const run = await addRun({ result: { outcome: failed, concludedAt: now } })
    const hopeless = await addRun({ result: { outcome: { ...failed, again: false }, concludedAt: now } })
    const live = await addRun()
    const headers = { authorization: `Bearer ${token}` }
    const results = []
    for (const { id } of [run, hopeless, live]) {
      const sent = await post(`/admin/runs/${id}/retry`, {}, headers)
      results.push(sent.headers.get('location')?.split('said=')[1])
    }
    expect(results).toEqual(['retried', 'no-retry', 'no-retry'])
    expect(retried).toEqual([expect.stringMatching(new RegExp(`^${run.id} admin-`))])
  })

  test('a pause and its end are those of the repository', async () => {
    const run = await addRun()
    const headers = { authorization: `Bearer ${token}` }
    const at = async (action: string, text = '') =>
      (await post(`/admin/runs/${run.id}/${action}`, { text }, headers)).headers
        .get('location')
        ?.split('said=')[1]
    expect(await at('resume')).toBe('not-paused')
    expect(await at('pause', 'until the cows come home')).toBe('no-time')
    expect(said).toEqual([])
    expect(await at('pause', 'for 2 h release')).toBe('paused')
    expect(await at('resume')).toBe('resumed')
    expect(said).toMatchObject([
      { paused: true, repoId: 100, by: admin.login, why: 'release', until: now + 2 * hour },
      { paused: false, repoId: 100, by: admin.login },
    ])
    expect(said[1]?.at).toBeGreaterThan(said[0]?.at ?? 0)
  })

  test('each leaves an audit line, and so does who signs in or tries to', async () => {
    lines.length = 0
    const run = await addRun()
    await post('/admin/sign-in', { token: 'guessed' })
    const session = sessionOf(await signIn())
    const form = await formOn('/admin/', session)
    await post(`/admin/runs/${run.id}/stop`, { form }, session)
    await post('/admin/drain', { form }, session)
    expect(drained).toBe(1)
    expect(lines).toMatchObject([
      { audit: true, action: 'sign-in', result: 'wrong-token', from: '127.0.0.1' },
      { audit: true, action: 'sign-in', result: 'signed-in', from: '127.0.0.1' },
      {
        ...{ audit: true, action: 'stop', result: 'stopping', by: 'admin', run: run.id },
        ...{ repository: 'acme/shop', from: '127.0.0.1' },
      },
      { audit: true, action: 'drain', by: 'admin' },
    ])
    expect(JSON.stringify(lines)).not.toContain('guessed')
  })
})
