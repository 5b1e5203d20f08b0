/** Who may see and do what on the admin pages, on a real server and a real queue. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import type { Pause } from '../../src/core/model/pause.ts'
import { parseMessage } from '../../src/core/record/messages.ts'
import type { Run, RunChange } from '../../src/core/record/run.ts'
import { openAccess } from '../../src/web/admin/access.ts'
import { actionsOnRuns } from '../../src/web/admin/actions.ts'
import { closeServer, listen } from '../../src/web/http-server.ts'
import { branch, hour, issueThread, minute, runWith, taskRun, zoe } from '../core/given.ts'
import { type Fields, sessionOf, startAdminPages, token } from '../support/admin-pages.ts'
import { fakeLogOf } from '../support/fake-log.ts'
import { webServer } from '../support/web-server.ts'

const slowness = 50
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)> &lt;b&gt; \u202egnp.exe`

let now = Date.now()
const lines: object[] = []
let retried: string[] = []
let said: Pause[] = []
let drained = 0
let queueIsAwayFor: string | undefined

const pages = await startAdminPages({
  slowness,
  pauses: {
    of: async what => said.findLast(({ of, repoId }) => of === what.of && repoId === what.repoId),
    say: async pause => void said.push(pause),
  },
  retry: async (run, id, by) => {
    if (run.id === queueIsAwayFor) throw new QueueUnavailable('it is away')
    retried.push(`${run.id} ${id} ${by}`)
  },
  wasRetried: async id => retried.some(each => each.includes(` ${id} `)),
  drain: () => {
    drained += 1
  },
  posthogUrl: ({ session }) => session.taskId && `https://posthog.example/tasks/${session.taskId}`,
  repositoryNamed: async () => issueThread,
  settingsOf: async () => ({
    held: [{ key: 'instructions', value: hostile, from: [{ kind: 'repository', line: 1 }] }],
    problem: `${hostile} is not a setting`,
    usable: false,
  }),
  log: fakeLogOf(fields => lines.push(fields)),
  now: () => now,
})
const { address, addRun, get, post, signIn, formOn } = pages
const bearer = { authorization: `Bearer ${token}` }
afterAll(() => pages.close())
beforeEach(() => {
  now = Date.now()
  retried = []
  said = []
  drained = 0
})

const inboxOf = async (run: Run) => (await pages.queues.runs.inbox(run.id)).map(parseMessage)

describe('nobody sees or changes anything without the token', () => {
  let run: Run
  let paths: { get: string[]; post: string[] }
  beforeAll(async () => {
    run = await addRun()
    paths = {
      get: [
        ...['', '/', '/checks', '/outcomes', '/settings', '/settings?filter=acme/shop', '/list/waiting'],
        ...['/?search=login', '/list/ended?state=failed', '/reasons', `/runs/${run.id}?refresh=on`],
        ...['/runs.json', `/runs/${run.id}`, '/runs/guessed', '/else'],
      ],
      post: actionsOnRuns.map(action => `/runs/${run.id}/${action}`),
    }
    paths.post.push('/retry', '/drain', '/pause', '/resume', '/sign-out', '/else')
  })

  const another = openAccess({
    token: `${token}, but another`,
    now: () => now,
    ended: { end: async () => {}, hasEnded: async () => false },
  })
  const cookieOfAnother = async (): Promise<Fields> => {
    const pages = new Hono().get('/', async c => c.text(await another.signIn(c, `${token}, but another`)))
    const made = await pages.request('/')
    expect(await made.text()).toBe('signed-in')
    return sessionOf(made.headers.get('set-cookie') ?? '')
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
      expect(response.headers.get('refresh')).toBeNull()
      expect(text).not.toMatch(/acme|maya|Login is flaky|check of the doctor/)
    }
    const sent = []
    for (const path of paths.post) sent.push([path, (await post(`/admin${path}`, {}, headers)).status])
    expect(sent).toEqual(paths.post.map(path => [path, 401]))
    expect([await inboxOf(run), retried, said, drained]).toEqual([[], [], [], 0])
  })

  test('who has it sees all of them', async () => {
    for (const headers of [bearer, sessionOf(await signIn())]) {
      const statuses = await Promise.all(
        paths.get.map(async path => [path, (await get(`/admin${path}`, headers)).status]),
      )
      expect(statuses).toEqual(
        paths.get.map(path => [path, path === '' ? 303 : /guessed|else/.test(path) ? 404 : 200]),
      )
    }
  })

  test('without an ADMIN_TOKEN there are no such pages', async () => {
    const bare = webServer()
    const port = await listen(bare, { host: '127.0.0.1', port: 0 })
    const statuses = await Promise.all(
      ['/admin', '/admin/', '/admin/runs.json'].map(
        async path => (await fetch(`http://127.0.0.1:${port}${path}`, { headers: bearer })).status,
      ),
    )
    expect(statuses).toEqual([404, 404, 404])
    await closeServer(bare, 0)
  })
})

test('a session is a cookie that no script and no other page has, for an hour', async () => {
  expect(await signIn()).toMatch(/^codex_admin=\S+; Max-Age=3600; Path=\/admin\/; HttpOnly; SameSite=Strict$/)
  expect(await signIn({ 'x-forwarded-proto': 'https' })).toMatch(/; HttpOnly; Secure; SameSite=Strict$/)
  const { host } = new URL(address)
  expect(await signIn({ origin: `https://${host}` })).toMatch(/; HttpOnly; Secure; SameSite=Strict$/)
  const session = sessionOf(await signIn())
  const left = await post('/admin/sign-out', { form: await formOn('/admin/', session) }, session)
  expect(left.headers.get('set-cookie')).toMatch(/^codex_admin=; .*Max-Age=0/)
  // A copy of the cookie is good for nothing any more.
  expect((await get('/admin/', session)).status).toBe(401)
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
    for (const action of [`runs/${run.id}/stop`, `runs/${run.id}/pause`, 'retry', 'drain', 'sign-out'])
      expect((await post(`/admin/${action}`, { form }, { ...session, ...headers })).status).toBe(403)
    expect((await post('/admin/sign-in', { token }, headers)).status).toBe(403)
    expect((await post(`/admin/runs/${run.id}/stop`, {}, { ...bearer, ...headers })).status).toBe(403)
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
      for (const action of [`runs/${run.id}/stop`, `runs/${run.id}/pause`, 'retry', 'drain', 'sign-out'])
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

  test('of more than a form has characters, whatever it says of its length', async () => {
    const session = sessionOf(await signIn())
    const drain = async (text: string) => {
      const body = new URLSearchParams({ form: await formOn('/admin/', session), text }).toString()
      const send = async (sent: string | ReadableStream) => {
        const headers = { ...session, origin: address, 'content-type': 'application/x-www-form-urlencoded' }
        const options = { method: 'POST', headers, body: sent, duplex: 'half', redirect: 'manual' } as const
        return (await fetch(`${address}/admin/drain`, options)).status
      }
      return [await send(body), await send(new Blob([body]).stream())]
    }
    expect(await drain('x'.repeat(20_000))).toEqual([413, 413])
    expect(drained).toBe(0)
    expect(await drain('x')).toEqual([303, 303])
  })
})

test('a stranger who breaks off in the middle of a form leaves no line in the log', async () => {
  lines.length = 0
  for (const length of [{ 'content-length': '50' }, { 'transfer-encoding': 'chunked' }]) {
    const asking = request(`${address}/admin/sign-in`, {
      method: 'POST',
      headers: { origin: address, ...length },
    })
    asking.on('error', () => {})
    asking.write('token=')
    await new Promise(resolve => setTimeout(resolve, 50))
    asking.destroy()
  }
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(lines).toEqual([])
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
  const wrong = Array.from({ length: 40 }, (_, n) => get('/admin/', { authorization: `Bearer ${token}${n}` }))
  // Meanwhile.
  expect((await get('/admin/', bearer)).status).toBe(200)
  const tries = await Promise.all(wrong)
  const took = performance.now() - begun
  const refused = tries.filter(({ status }) => status === 401).length
  expect(tries.every(({ status }) => status === 401 || status === 429)).toBe(true)
  expect(refused).toBeGreaterThanOrEqual(10)
  // Ten at once, each as long as it takes.
  expect(Math.ceil(refused / 10) * slowness * 0.9).toBeLessThanOrEqual(took)
})

describe('words of others are words', () => {
  const raw = /<script|<img|\u202e|href="javascript/i
  const question = {
    id: 'q',
    title: hostile,
    question: true,
    options: [{ id: 'a', name: hostile, kind: 'allow_once' }],
  }
  const asking = { offset: 0, turns: 0, prompts: [], permissionRequest: question }
  const outcome = { kind: 'failed', class: 'agent', reason: hostile, fix: hostile } as const
  const pull = {
    ...{ number: 9, url: 'javascript:alert(3)', title: hostile, draft: false },
    ...{ head: hostile, base: 'main', state: 'open' as const },
  }
  const wrong = { why: hostile, since: now, until: now + hour, count: 1, setup: true as const }
  const waits = { kind: 'pause', of: 'repository', by: hostile, why: hostile } as const
  const kinds: [string, RunChange][] = [
    ['of one that waits', {}],
    ['of one that has a question', { schedule: { admitted: true }, session: { sessionLog: asking } }],
    ['of one that failed', { result: { concludedAt: Date.now(), outcome, pulls: [pull] } }],
    ['of one that is paused', { schedule: { waits } }],
    ['of one whose set-up is wrong', { retries: { posthog: wrong } }],
  ]

  test.each(kinds)('%s', async (_, differs) => {
    const by = { login: hostile, id: 66 }
    const base = runWith()
    const run = await addRun(
      {
        thread: { ...base.thread, owner: 'quoted', url: 'javascript:alert(4)', number: 666 },
        request: { ...base.request, by, text: hostile },
        baseline: { snapshot: { ...base.baseline.snapshot, title: hostile, body: hostile } },
        session: { progress: [{ step: 'a', label: hostile, done: false, at: now }] },
      },
      differs,
    )
    const session = sessionOf(await signIn())
    const listed = await (await get('/admin/?filter=quoted', session)).text()
    for (const path of ['?filter=quoted&search=%23666', 'reasons?filter=quoted', 'list/ended?filter=quoted'])
      expect(await (await get(`/admin/${path}`, session)).text()).not.toMatch(raw)
    expect(await (await get('/admin/outcomes', session)).text()).not.toMatch(raw)
    expect(listed).toContain('&lt;script&gt;alert(1)')
    expect(listed).not.toMatch(raw)
    const page = await (await get(`/admin/runs/${run.id}`, session)).text()
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toMatch(raw)
    const json = await get('/admin/runs.json', session)
    expect(json.headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('of a settings file', async () => {
    const session = sessionOf(await signIn())
    const page = await (await get('/admin/settings?filter=acme/shop', session)).text()
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toMatch(raw)
  })

  test('of an address', async () => {
    const session = sessionOf(await signIn())
    const words = { filter: hostile, said: hostile, page: hostile, state: hostile, refresh: 'on' }
    const query = new URLSearchParams(words)
    const search = await get(`/admin/?${new URLSearchParams({ search: hostile })}`, session)
    expect(await search.text()).not.toMatch(raw)
    for (const path of [
      '/admin/',
      '/admin/reasons',
      '/admin/settings',
      '/admin/list/waiting',
      '/admin/runs.json',
      `/admin/${encodeURIComponent(hostile)}`,
    ]) {
      const page = await (await get(`${path}?${query}`, session)).text()
      expect(page).not.toMatch(raw)
    }
  })
})

const read = async (path: string): Promise<string> =>
  (await (await get(`/admin/${path}`, bearer)).text()).replaceAll('&#39;', "'")
let threads = 1_000
const of = (owner: string, number = ++threads) => ({
  thread: {
    ...issueThread,
    owner,
    ownerId: 100 + [...owner].reduce((sum, sign) => sum * 31 + sign.charCodeAt(0), 0),
    number,
  },
})
const failed = (): RunChange => ({
  result: { concludedAt: now, outcome: { kind: 'failed', class: 'agent', reason: 'no luck', fix: '' } },
})
const somePull = {
  ...{ url: 'https://github.com/acme/shop/pull/9', title: 'Fix it', draft: true },
  ...{ head: 'h', base: 'main', state: 'open' as const },
}

describe('what a page says', () => {
  test.each([
    ['papers', 'owner', 'papers'],
    ['papers/shop', 'repository', 'papers/shop'],
    ['@nobody', 'person', 'nobody'],
  ])('of a filter that matches nothing is that: %s', async (filter, kind, name) => {
    for (const path of ['', 'list/failed', 'outcomes']) {
      const page = await read(`${path}?filter=${encodeURIComponent(filter)}`)
      expect(page).toContain(`There is no ${kind} called <bdi>${name}</bdi>`)
      expect(page).not.toMatch(/Nothing (?:failed|is running|waits|has ended)/)
    }
  })

  test('of all begins with how many there are of each, and with a pause', async () => {
    await addRun(of('counted'))
    await addRun(of('counted'), failed())
    const [top = ''] = (await read('?filter=counted')).split('id="needs"')
    const counts = [...top.matchAll(/<a href="#(\w+)">(.*?)<\/a>/g)].map(([, ...each]) => each.join(': '))
    expect(counts).toEqual([
      'needs: 1 needs you',
      'working: 0 running',
      'waiting: 1 waiting',
      'ended: 1 ended',
    ])
    expect((await read('')).split('id="needs"')[0]).toContain('action="/admin/pause"')
  })

  test('of a repository has a pause of it, and its end', async () => {
    const run = await addRun({ thread: { ...issueThread, owner: 'held', repo: 'up', repoId: 770 } })
    const form = () => read('?filter=held/up').then(page => page.split('id="needs"')[0])
    expect(await form()).toContain(`action="/admin/runs/${run.id}/pause"`)
    said.push({ of: 'repository', repoId: 770, id: 'p', at: now, by: 'olga', paused: true, why: 'release' })
    expect(await form()).toContain(`action="/admin/runs/${run.id}/resume"`)
    expect(await read('?filter=held')).not.toContain('/pause"')
  })

  test('of an owner whose runs are over is that nothing needs anybody', async () => {
    await addRun(of('calm'), { result: { concludedAt: now, outcome: { kind: 'answer' } } })
    const page = await read('?filter=calm')
    expect(page).toContain('Nothing failed')
    expect(page).not.toContain('There is no')
  })

  test('of failures is how many need somebody, and where all of them are', async () => {
    const [first] = await Promise.all(Array.from({ length: 25 }, () => addRun(of('breaks'), failed())))
    await addRun(of('breaks', first?.thread.number))
    const page = await read('?filter=breaks')
    expect(page).toContain('Failed in the last three days <span class="count">24</span>')
    const [needs = ''] = page.split('id="working"')
    expect(needs.match(/>Failed<\/span>/g)).toHaveLength(5)
    expect(needs).toContain(
      '<a href="/admin/list/failed?filter=breaks">All 25, with those asked for again</a>',
    )
    expect(await read('list/failed?filter=breaks')).toContain('<span class="count">25</span>')
  })

  test.each([
    [
      'about then',
      [2, 4],
      1,
      /^Place 1 in line\. The last ones waited 3 min on average, so it starts about (?:\S+ )?\d\d:\d\d UTC\.$/,
    ],
    ['soon', [1], 2, /^Place 1 in line\. The last ones waited 1 min on average, so it starts soon\.$/],
    ['some time', [], 1, /^Place 1 in line\.$/],
  ])(
    'of one in line is its place, what the last ones waited, and that it starts %s',
    async (_, minutes, since, words) => {
      const owner = `in-line-${minutes.length}`
      for (const each of minutes)
        await addRun(of(owner), { schedule: { admitted: true, waitedInLine: each * minute } })
      const waits = { kind: 'line', ahead: 1, of: 'owner' } as const
      await addRun(of(owner), { schedule: { waits, enteredAt: now - since * minute } })
      await addRun(of(owner), { schedule: { waits, enteredAt: now - since * minute } })
      for (const path of ['', 'list/waiting']) {
        const page = await read(`${path}?filter=${owner}`)
        const [place] = [...page.matchAll(/<span class="why">(Place .*?)<\/span>/g)].map(
          ([, each = '']) => each,
        )
        expect(place).toMatch(words)
        expect(page).toContain('Place 2 in line.')
      }
    },
  )
})

describe('a search', () => {
  const titled = (title: string, owner = 'sought', number = ++threads): RunChange => ({
    thread: { ...of(owner, number).thread, repoId: owner === 'others' ? 5_001 : 5_000 },
    baseline: { snapshot: { ...runWith().baseline.snapshot, title } },
  })
  const titlesOn = async (path: string): Promise<string[]> => {
    const [, list = ''] = /<ul class="rows">(.*?)<\/ul>/.exec(await read(path)) ?? []
    return [...list.matchAll(/<a href="\/admin\/runs\/[^"]*"><bdi>(.*?)<\/bdi>/g)].map(
      ([, each = '']) => each,
    )
  }
  const found = (search: string, filter = 'sought') => titlesOn(`?${new URLSearchParams({ filter, search })}`)

  beforeAll(async () => {
    await addRun(titled('Login test is flaky', 'sought', 4_012))
    await addRun(titled('Login page: dark mode'), failed())
    await addRun(titled('Logout is slow', 'sought', 4_404))
    await addRun(titled('Login test of others', 'others'))
    await addRun(titled('Answer 404 where nothing is'), {
      result: { pulls: [{ ...somePull, number: 4_012 }] },
    })
  })

  test('finds by words of the title and by numbers, the newest first', async () => {
    expect(await found('login')).toEqual(['Login page: dark mode', 'Login test is flaky'])
    expect(await found('LOGIN, test')).toEqual(['Login test is flaky'])
    expect(await found('#4012')).toEqual(['Answer 404 where nothing is', 'Login test is flaky'])
    expect(await found('4404')).toEqual(['Logout is slow'])
    expect(await found('404')).toEqual(['Answer 404 where nothing is'])
    expect(await found('#404')).toEqual([])
    expect(await found('#4012 login')).toEqual(['Login test is flaky'])
  })

  test('keeps to the owner, the repository or the person', async () => {
    expect(await found('test of', 'others')).toEqual(['Login test of others'])
    expect(await found('test', 'sought/shop')).toEqual(['Login test is flaky'])
    expect(await found('flaky', '@maya')).toContain('Login test is flaky')
    expect(await found('flaky', '')).toContain('Login test is flaky')
    expect(await found('sought/shop#4404', '')).toEqual(['Logout is slow'])
    expect(await found('others/shop#4404', '')).toEqual([])
    const page = await read('?filter=sought&search=login')
    expect(page).toContain('name="filter" value="sought"')
    expect(page).toContain('name="search" value="login"')
    expect(page).toContain('All runs of the last 30 days of <bdi>sought</bdi> with “<bdi>login</bdi>”.')
  })

  test.each(['nowhere', '#99', '!!', 'login nowhere'])('that finds nothing says so: %s', async search => {
    const page = await read(`?${new URLSearchParams({ filter: 'sought', search })}`)
    expect(page).toContain('<h1>Nothing found</h1>')
    expect(page).toContain(`No run of the last 30 days of <bdi>sought</bdi> has “<bdi>${search}</bdi>”.`)
  })

  test('has a field on each page of a list', async () => {
    for (const path of ['', '?filter=sought', 'list/waiting', 'list/ended', '?search=login'])
      expect(await read(path)).toContain('name="search"')
  })
})

test('what ended is filtered by its outcome, and counts lead there', async () => {
  await addRun(of('by-state'), failed())
  await addRun(of('by-state'), { result: { concludedAt: now, outcome: { kind: 'answer' } } })
  await addRun(of('by-state'), { result: { concludedAt: now, outcome: { kind: 'answer' } } })
  await addRun(of('elsewhere'), failed())
  const linksOn = async (path: string) =>
    [...(await read(path)).matchAll(/<a href="([^"]*\/list\/ended\?[^"]*)"[^>]*>(?!Refresh)(.*?)<\/a>/g)].map(
      ([, to = '', words]) => `${words}: ${to.replaceAll('&amp;', '&')}`,
    )
  const links = [
    'Answered 2: /admin/list/ended?filter=by-state&state=answer',
    'Failed 1: /admin/list/ended?filter=by-state&state=failed',
  ]
  expect(await linksOn('?filter=by-state')).toEqual(links)
  expect(await linksOn('list/ended?filter=by-state&state=failed')).toEqual([
    'All: /admin/list/ended?filter=by-state',
    ...links,
  ])
  const states = async (path: string) =>
    [...(await read(path)).matchAll(/<span class="state[^"]*">(.*?)<\/span>/g)].map(([, each]) => each)
  expect(await states('list/ended?filter=by-state&state=answer')).toEqual(['Answered', 'Answered'])
  expect(await states('list/ended?filter=by-state&state=failed')).toEqual(['Failed'])
  expect(await states('list/ended?filter=by-state&state=nothing')).toEqual([])
  // What is no outcome is none.
  expect(await states('list/ended?filter=by-state&state=guessed')).toHaveLength(3)
})

describe('a page that refreshes', () => {
  test.each(['', 'list/ended', 'list/ended?state=failed&filter=acme'])(
    'does so where somebody asked: %s',
    async path => {
      const of = (query: string) => get(`/admin/${path}${path.includes('?') ? '&' : '?'}${query}`, bearer)
      const usual = await get(`/admin/${path}`, bearer)
      expect(usual.headers.get('refresh')).toBeNull()
      expect(await usual.text()).toMatch(/<a href="[^"]*refresh=on">Refresh every minute<\/a>/)
      const on = await of('refresh=on&said=stopping')
      const [, to = ''] = /^60; url=(.*)$/.exec(on.headers.get('refresh') ?? '') ?? []
      expect(to).toContain('refresh=on')
      expect(to).not.toContain('said')
      const page = await on.text()
      expect(page).toContain('>Stop that</a>')
      // Nobody loses what they type.
      expect(page).not.toMatch(/<input(?! type="hidden")|<textarea/)
      const again = await get(to, bearer)
      expect(again.headers.get('refresh')).toBe(`60; url=${to}`)
      const [, off = ''] = /<a href="([^"]*)">Stop that</.exec(page) ?? []
      expect((await get(off.replaceAll('&amp;', '&'), bearer)).headers.get('refresh')).toBeNull()
    },
  )

  test('is that of a run, too; no address leads it elsewhere', async () => {
    const run = await addRun()
    const on = await get(`/admin/runs/${run.id}?refresh=on`, bearer)
    expect(on.headers.get('refresh')).toBe(`60; url=/admin/runs/${run.id}?refresh=on`)
    expect(await on.text()).not.toMatch(/<input(?! type="hidden")/)
    const odd = await get('/admin/?filter=a%0d%0ax:%20y;url=https://evil.example&refresh=on', bearer)
    expect(odd.headers.get('refresh') ?? '').not.toContain('evil.example;')
    expect(odd.headers.get('x')).toBeNull()
  })
})

describe('the page of a run', () => {
  const url = 'https://github.com/acme/shop/pull/9'
  let run: Run
  let page: string
  beforeAll(async () => {
    run = await addRun(
      {
        request: { ...runWith().request, text: 'fix the login' },
        workspace: { branch },
        schedule: { admitted: true, admissionExpectedAt: now - 3 * minute },
        session: {
          ...{ taskId: 'task-9', taskRun: { ...taskRun, since: now - 2 * minute }, cost: 1.25 },
          progress: [{ step: 'a', label: 'Ran the tests', done: true, at: now - minute }],
        },
      },
      {
        result: {
          ...{ outcome: { kind: 'pull' }, concludedAt: now },
          pulls: [{ number: 9, url, title: 'Fix it', draft: true, head: 'h', base: 'main', state: 'open' }],
        },
      },
    )
    page = await (await get(`/admin/runs/${run.id}`, bearer)).text()
  })
  const words = (html = ''): string => html.replace(/<.*?>/g, '')

  test('has its thread, pull request, branch, cost and its place at PostHog', () => {
    const facts = [...page.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name, fact = '']) => [
      name,
      words(fact),
      ...[...fact.matchAll(/href="(.*?)"/g)].map(([, href]) => href),
    ])
    expect(facts).toEqual([
      ['State', 'Pull request'],
      ['Thread', `acme/shop#${run.thread.number}`, run.thread.url],
      ['Asked by', expect.stringMatching(/^maya, /), '/admin/?filter=%40maya'],
      ['Pull request', '#9 Fix it (draft)', url],
      ['Branch', branch.name],
      ['Cost', '$1.25'],
      ['Model', run.request.options.model],
      ['PostHog', 'The run at PostHog', 'https://posthog.example/tasks/task-9'],
      ['Id', run.id],
    ])
  })

  test('says what happened, in its order', () => {
    const [, timeline = ''] = /<ol class="timeline">(.*?)<\/ol>/.exec(page) ?? []
    expect([...timeline.matchAll(/<bdi>(.*?)<\/bdi>/g)].map(([, each]) => each)).toEqual(
      'Asked by maya¦Let in under the limits¦Started at PostHog¦Ran the tests¦Pull request'.split('¦'),
    )
    const times = [...timeline.matchAll(/<time.*?>(.*?)<\/time>/g)].map(([, each]) => each)
    expect(times.at(-1)).toBe(`${new Date(run.result.concludedAt ?? 0).toISOString().slice(11, 19)} UTC`)
  })
})

describe('the page of outcomes', () => {
  const pull = (state: 'open' | 'merged') => ({
    ...{ number: 9, url: 'https://github.com/acme/shop/pull/9', title: '', draft: false, state },
    ...{ head: 'codex/9', base: 'main' },
  })
  let page: string
  beforeAll(async () => {
    now = Date.now()
    const thread = { ...issueThread, owner: 'pictured', ownerId: 99 }
    const { request } = runWith()
    const add = (
      taskId: string,
      ago: number,
      cost: number | null,
      wait: number | undefined,
      result: RunChange['result'],
    ) =>
      addRun(
        { thread, request: { ...request, by: taskId === 'd' ? zoe : request.by } },
        { session: { taskId, cost }, schedule: { admitted: true, waitedInLine: wait } },
        { result: { concludedAt: now - ago * 24 * hour, ...result } },
      )
    await add('a', 0, 3, 2 * minute, { outcome: { kind: 'pull' }, pulls: [pull('merged')] })
    await add('b', 0, 1, 5 * minute, { outcome: { kind: 'answer' } })
    await add('c', 0, null, undefined, { outcome: { kind: 'nothing' } })
    await add('d', 1, 123.4, undefined, { outcome: { kind: 'failed', class: 'agent', reason: '', fix: '' } })
    await add('e', 2, 0.5, 90 * minute, {
      outcome: { kind: 'pull' },
      pulls: [{ ...pull('open'), number: 10 }],
    })
    page = await (await get('/admin/outcomes?filter=pictured', bearer)).text()
  })

  /** What stands below a heading. */
  const below = (heading: string): string =>
    page.split('<section').find(each => each.includes(`>${heading}</h2>`)) ?? expect.fail(`no ${heading}`)
  const day = (ago: number): string =>
    new Date(now - ago * 24 * hour).toLocaleDateString('en', {
      ...{ weekday: 'short', month: 'short', day: 'numeric', timeZone: 'UTC' },
    } as const)

  const rowsOf = (heading: string) =>
    [...below(heading).matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd].*?>(.*?)<\/t[hd]>/g)].map(([, cell = '']) => cell.replace(/<.*?>/g, '')),
    )

  test('says for each day how runs ended, how long they waited and what they cost', () => {
    expect(rowsOf('By day')[0]).toEqual(
      'Day¦With a result¦Stopped or without a change¦Failed or not finished¦Mean wait¦Money'.split('¦'),
    )
    expect(rowsOf('By day').slice(-5)).toEqual([
      [day(3), '–', '–', '–', '–', '–'],
      [day(2), '1', '–', '–', '1 h 30 min', '$0.50'],
      [day(1), '–', '–', '1', '–', '$123.40'],
      [day(0), '2', '1', '–', '3 min 30 s', '$4.00'],
      ['All 90 days', '3', '1', '1', '32 min 20 s', '$127.90'],
    ])
  })

  test('has a bar for each amount: of runs beside all of a day, of others beside the same', () => {
    const bars = [...below('By day').matchAll(/<progress class="(\w+)" value="(\S+)" max="(\S+)"/g)]
    expect(bars.map(([, ...bar]) => bar.join(' '))).toEqual([
      ...['good 1 3', `amount ${90 * minute} ${90 * minute}`, 'amount 0.5 123.4'],
      ...['bad 1 3', 'amount 123.4 123.4'],
      ...['good 2 3', 'dim 1 3', `amount ${3.5 * minute} ${90 * minute}`, 'amount 4 123.4'],
    ])
  })

  test('says what a pull request cost, opened and merged, by repository and by person', () => {
    expect(rowsOf('By repository')).toEqual([
      [
        'Repository',
        'Runs',
        'Pull requests',
        'Merged',
        'Closed',
        'Cost',
        'Per pull request',
        'Per merged one',
      ],
      ['pictured/shop', '5', '2', '1', '0', '$127.90', '$63.95', '$127.90'],
    ])
    expect(rowsOf('By person').slice(1)).toEqual([
      ['zoe', '1', '0', '0', '0', '$123.40', '–', '–'],
      ['maya', '4', '2', '1', '0', '$4.50', '$2.25', '$4.50'],
    ])
  })

  test('has every run of its days, and says how many rows it does not show at first', async () => {
    const thread = { ...issueThread, owner: 'busy', ownerId: 98 }
    for (let n = 0; n < 37 * 3; n++)
      await addRun(
        { thread: { ...thread, repo: `shop-${n % 37}`, repoId: 1_000 + (n % 37) } },
        { session: { taskId: `busy-${n}`, cost: 0.25 } },
        { result: { outcome: { kind: 'answer' }, concludedAt: now - Math.floor(n / 37) * 10 * 24 * hour } },
      )
    page = await (await get('/admin/outcomes?filter=busy', bearer)).text()
    expect(rowsOf('By day').at(-1)).toEqual(['All 90 days', '111', '–', '–', '–', '$27.75'])
    expect(rowsOf('By day')).toHaveLength(2 + 21 + 1)
    expect(below('By day')).toContain('<summary>7 earlier days</summary>')
    expect(rowsOf('By repository')[1]?.slice(0, 2)).toEqual(['All', '111'])
    expect(below('By repository')).toContain('<summary>18 more</summary>')
    expect(rowsOf('By person')[1]?.slice(0, 2)).toEqual(['maya', '111'])
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
    await post(`/admin/runs/${run.id}/stop`, {}, bearer)
    expect(await inboxOf(run)).toMatchObject([{ kind: 'stop', at: now + hour }])
  })

  test('a retry is asked for only where it can help', async () => {
    const failed = { kind: 'failed', class: 'agent', reason: 'no luck', fix: 'Again.' } as const
    const run = await addRun({ result: { outcome: failed, concludedAt: now } })
    const hopeless = await addRun({ result: { outcome: { ...failed, again: false }, concludedAt: now } })
    const live = await addRun()
    const results = []
    for (const { id } of [run, hopeless, live]) {
      const sent = await post(`/admin/runs/${id}/retry`, {}, bearer)
      results.push(sent.headers.get('location')?.split('said=')[1])
    }
    expect(results).toEqual(['retried', 'no-retry', 'no-retry'])
    expect(retried).toEqual([expect.stringMatching(new RegExp(`^${run.id} admin-`))])
  })

  describe('a retry of all that failed for one reason', () => {
    const because = (reason: string, again?: false): RunChange => ({
      result: {
        concludedAt: now,
        outcome: { kind: 'failed', class: 'agent', reason, fix: '', ...(again === false ? { again } : {}) },
      },
    })
    /** Its form: what a browser would send. */
    const formOf = async (owner: string, reason: string, session: Fields): Promise<[string, string][]> => {
      const page = await (await get(`/admin/reasons?filter=${owner}`, session)).text()
      const section = page.split('<section').find(each => each.includes(`<bdi>${reason}</bdi>`)) ?? ''
      return [...section.matchAll(/<input type="hidden" name="(form|run)" value="(.*?)"/g)].flatMap(
        ([, name = '', value = '']) => (name === 'form' || name === 'run' ? [[name, value]] : []),
      )
    }
    const send = async (fields: [string, string][], headers: Fields) => {
      const sent = await fetch(`${address}/admin/retry`, {
        ...{ method: 'POST', headers: { origin: address, ...headers }, redirect: 'manual' },
        body: new URLSearchParams(fields),
      })
      return sent.text()
    }
    const saidOn = (page: string): string => /role="status">(.*?)</.exec(page)?.[1] ?? 'nothing'

    test('asks for each of them again as a single one does, and says of how many', async () => {
      lines.length = 0
      const all = [
        await addRun(of('again'), because('no luck')),
        await addRun(of('again'), because('no luck')),
      ]
      await addRun(of('again'), because('no luck', false))
      await addRun(of('again'), because('no key'))
      await addRun(of('elsewhere'), because('no luck'))
      expect(await read('?filter=again')).toMatch(
        /<span class="state bad">3 runs<\/span>.*No luck.*href="\/admin\/reasons\?filter=again#reason-/,
      )
      const session = sessionOf(await signIn())
      const page = await read('reasons?filter=again')
      expect(page).toContain('Retry all 2<')
      expect(page).toContain('1 of 3 are left out: trying again would not help.')
      const form = await formOf('again', 'No luck', session)
      expect(saidOn(await send(form, session))).toBe('2 runs of 2 asked for again.')
      expect(retried.map(each => each.split(' ')[0]).toSorted()).toEqual(all.map(({ id }) => id).toSorted())
      expect(new Set(retried.map(each => each.split(' ')[1])).size).toBe(2)
      expect(lines).toMatchObject([
        { action: 'sign-in' },
        ...all.map(() => ({ audit: true, action: 'retry', result: 'retried', repository: 'again/shop' })),
      ])
      // The same form is the same wish.
      const before = new Set(retried)
      for (const { thread } of all) await addRun({ thread })
      expect(saidOn(await send(form, session))).toBe('2 runs of 2 asked for again.')
      expect(new Set(retried)).toEqual(before)
    })

    test('says which it left, and why', async () => {
      const [meanwhile, hopeless, late] = [
        await addRun(of('left'), because('no luck')),
        await addRun(of('left'), because('no key', false)),
        await addRun(of('left'), because('the queue is away')),
      ]
      await addRun({ thread: meanwhile.thread })
      queueIsAwayFor = late.id
      const ids = [meanwhile.id, hopeless.id, late.id, 'guessed']
      const page = await send(
        ids.map(id => ['run', id]),
        bearer,
      )
      expect(saidOn(page)).toBe('0 runs of 4 asked for again.')
      const why = [...page.matchAll(/<span class="why">(.*?)<\/span>/g)].map(([, each]) => each)
      expect(why).toEqual([
        'Somebody has asked again in its thread.',
        'Nothing to retry: trying again would not help.',
        'The queue did not take it. Try again in a moment.',
        'There is no such run any more.',
      ])
      expect(retried).toEqual([])
    })

    test('is of a hundred at once', async () => {
      await Promise.all(Array.from({ length: 103 }, () => addRun(of('many'), because('no luck'))))
      const session = sessionOf(await signIn())
      expect(await read('reasons?filter=many')).toContain('Retry 100 of 103<')
      const form = await formOf('many', 'No luck', session)
      const more = form.concat([['run', 'run-one-too-many']])
      expect(saidOn(await send(more, session))).toBe('100 runs of 100 asked for again.')
      expect(retried).toHaveLength(100)
    })

    test('which nothing failed for is that', async () => {
      await addRun(of('calm'), { result: { concludedAt: now, outcome: { kind: 'answer' } } })
      expect(await read('reasons?filter=calm')).toContain('Nothing failed that was not asked for again.')
      expect(saidOn(await send([], bearer))).toBe('0 runs of 0 asked for again.')
    })
  })

  test('a pause and its end are those of the repository', async () => {
    const run = await addRun()
    const at = async (action: string, text = '') =>
      (await post(`/admin/runs/${run.id}/${action}`, { text }, bearer)).headers
        .get('location')
        ?.split('said=')[1]
    expect(await at('resume')).toBe('not-paused')
    expect(said).toEqual([])
    expect(await at('pause', ' for 2 h release ')).toBe('paused')
    expect(await at('resume')).toBe('resumed')
    expect(said).toMatchObject([
      { paused: true, repoId: 100, by: admin.login, why: 'for 2 h release' },
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
        ...{ audit: true, action: 'stop', result: 'stopping', by: admin.login, run: run.id },
        ...{ repository: 'acme/shop', from: '127.0.0.1' },
      },
      { audit: true, action: 'drain', by: admin.login },
    ])
    expect(JSON.stringify(lines)).not.toContain('guessed')
  })
})
