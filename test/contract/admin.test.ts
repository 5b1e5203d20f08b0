/** Who may see and do what on the admin pages, on a real server and a real queue. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseMessage } from '../../src/core/record/messages.ts'
import type { Run, RunChange } from '../../src/core/record/run.ts'
import { openAccess } from '../../src/web/admin/access.ts'
import { actionsOnRuns } from '../../src/web/admin/admin-server.tsx'
import { closeServer, listen } from '../../src/web/http-server.ts'
import { branch, hour, issueThread, minute, pull, runWith, taskRun } from '../core/given.ts'
import { type Fields, sessionOf, startAdminPages, token } from '../support/admin-pages.ts'
import { fakeLogOf } from '../support/fake-log.ts'
import { webServer } from '../support/web-server.ts'

const slowness = 50
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)> &lt;b&gt; \u202egnp.exe`

let now = Date.now()
const lines: object[] = []
let retried: string[] = []

const pages = await startAdminPages({
  slowness,
  retry: async (run, id, by) => {
    retried.push(`${run.id} ${id} ${by}`)
  },
  posthogUrl: ({ session }) => session.taskId && `https://posthog.example/tasks/${session.taskId}`,
  log: fakeLogOf(fields => lines.push(fields)),
  now: () => now,
})
const { address, addRun, get, post, signIn, formOn } = pages
const bearer = { authorization: `Bearer ${token}` }
const read = async (path: string): Promise<string> =>
  (await (await get(`/admin/${path}`, bearer)).text()).replaceAll('&#39;', "'")
afterAll(() => pages.close())
beforeEach(() => {
  now = Date.now()
  retried = []
})

/** A run, and who may do something with it on its page. */
async function beside(...differs: Parameters<typeof addRun>) {
  const run = await addRun(...differs)
  const session = sessionOf(await signIn())
  return { run, session, form: await formOn('/admin/', session) }
}

const failed = (more: { again?: false } = {}): RunChange => ({
  result: {
    concludedAt: now,
    outcome: { kind: 'failed', class: 'agent', reason: 'no luck', fix: '', ...more },
  },
})

const inboxOf = async (run: Run) => (await pages.queues.runs.inbox(run.id)).map(parseMessage)

describe('nobody sees or changes anything without the token', () => {
  let run: Run
  let paths: { get: string[]; post: string[] }
  beforeAll(async () => {
    run = await addRun()
    paths = {
      get: [
        ...['', '/', '/checks', '/?filter=acme/shop', '/list/waiting', '/list/ended'],
        ...['/list/failed', `/runs/${run.id}?said=over`],
        ...['/runs.json', `/runs/${run.id}`, '/runs/guessed', '/else'],
      ],
      post: actionsOnRuns.map(action => `/runs/${run.id}/${action}`),
    }
    paths.post.push('/sign-out', '/else')
  })

  const another = openAccess({
    token: `${token}, but another`,
    now: () => now,
    ended: { end: async () => {}, hasEnded: async () => false },
  })
  const cookieOfAnother = async (): Promise<Fields> => {
    const pages = new Hono().get('/', async c =>
      c.text(await another.signIn(c, `${token}, but another`)),
    )
    const made = await pages.request('/')
    expect(await made.text()).toBe('signed-in')
    return sessionOf(made.headers.get('set-cookie') ?? '')
  }
  const whoTable: [string, () => Promise<Fields>][] = [
    ['nobody', async () => ({})],
    ['who has another token', async () => ({ authorization: `Bearer ${token.slice(1)}` })],
    ['who has it not as bearer', async () => ({ authorization: token })],
    ['who has the cookie of another secret', cookieOfAnother],
    [
      'who made up a cookie',
      async () => ({ cookie: `codex_admin=session.${now + hour}.${'A'.repeat(43)}` }),
    ],
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
    const sent = []
    for (const path of paths.post)
      sent.push([path, (await post(`/admin${path}`, {}, headers)).status])
    expect(sent).toEqual(paths.post.map(path => [path, 401]))
    expect([await inboxOf(run), retried]).toEqual([[], []])
  })

  test('who has it sees all of them', async () => {
    for (const headers of [bearer, sessionOf(await signIn())]) {
      const statuses = await Promise.all(
        paths.get.map(async path => [path, (await get(`/admin${path}`, headers)).status]),
      )
      const expected = (path: string) => {
        if (path === '') return 303
        return /guessed|else/.test(path) ? 404 : 200
      }
      expect(statuses).toEqual(paths.get.map(path => [path, expected(path)]))
    }
  })

  test('without an ADMIN_TOKEN there are no such pages', async () => {
    const bare = webServer()
    const port = await listen(bare, { host: '127.0.0.1', port: 0 })
    for (const path of ['', '/', '/runs.json'])
      expect(
        (await fetch(`http://127.0.0.1:${port}/admin${path}`, { headers: bearer })).status,
      ).toBe(404)
    await closeServer(bare, 0)
  })
})

test('a session is a cookie that no script and no other page has, for an hour', async () => {
  expect(await signIn()).toMatch(
    /^codex_admin=\S+; Max-Age=3600; Path=\/admin\/; HttpOnly; SameSite=Strict$/,
  )
  expect(await signIn({ 'x-forwarded-proto': 'https' })).toMatch(
    /; HttpOnly; Secure; SameSite=Strict$/,
  )
  const { host } = new URL(address)
  expect(await signIn({ origin: `https://${host}` })).toMatch(
    /; HttpOnly; Secure; SameSite=Strict$/,
  )
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
    const { run, session, form } = await beside()
    const stop = `/admin/runs/${run.id}/stop`
    const sent = [stop, `/admin/runs/${run.id}/retry`, '/admin/sign-out'].map(path =>
      post(path, { form }, { ...session, ...headers }),
    )
    sent.push(post('/admin/sign-in', { token }, headers), post(stop, {}, { ...bearer, ...headers }))
    for (const { status } of await Promise.all(sent)) expect(status).toBe(403)
    expect([await inboxOf(run), retried]).toEqual([[], []])
  })

  test('without a word where it comes from', async () => {
    const { run, session, form } = await beside()
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
    const { run, session } = await beside()
    const stop = async (text: string) => {
      const body = new URLSearchParams({ form: await formOn('/admin/', session), text }).toString()
      const send = async (sent: string | ReadableStream) => {
        const headers = {
          ...session,
          origin: address,
          'content-type': 'application/x-www-form-urlencoded',
        }
        const options = {
          method: 'POST',
          headers,
          body: sent,
          duplex: 'half',
          redirect: 'manual',
        } as const
        return (await fetch(`${address}/admin/runs/${run.id}/stop`, options)).status
      }
      return [await send(body), await send(new Blob([body]).stream())]
    }
    expect(await stop('x'.repeat(20_000))).toEqual([413, 413])
    expect(await inboxOf(run)).toEqual([])
    expect(await stop('x')).toEqual([303, 303])
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
    post('/admin/sign-out', {}, session),
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
  const wrong = Array.from({ length: 40 }, (_, n) =>
    get('/admin/', { authorization: `Bearer ${token}${n}` }),
  )
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
  const hostilePull = { ...pull, url: 'javascript:alert(3)', title: hostile, head: hostile }
  const wrong = { why: hostile, since: now, until: now + hour, count: 1, setup: true as const }
  const waits = { kind: 'until', at: now + hour, limit: hostile } as const
  const kinds: [string, RunChange][] = [
    ['of one that waits', {}],
    [
      'of one that has a question',
      { schedule: { admitted: true }, session: { sessionLog: asking } },
    ],
    ['of one that failed', { result: { concludedAt: Date.now(), outcome, pulls: [hostilePull] } }],
    ['of one at a limit', { schedule: { waits } }],
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
      },
      differs,
    )
    for (const path of ['?filter=%23666', 'list/failed?filter=quoted', 'list/ended?filter=quoted'])
      expect(await read(path)).not.toMatch(raw)
    for (const path of ['?filter=quoted', `runs/${run.id}`]) {
      const page = await read(path)
      expect(page).toContain('&lt;script&gt;alert(1)')
      expect(page).not.toMatch(raw)
    }
    const json = await get('/admin/runs.json', bearer)
    expect(json.headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('of an address', async () => {
    const query = new URLSearchParams({ filter: hostile, said: hostile, page: hostile })
    for (const path of ['', 'list/waiting', 'runs.json', encodeURIComponent(hostile)])
      expect(await read(`${path}?${query}`)).not.toMatch(raw)
  })
})

let threads = 1_000
const of = (owner: string, number = ++threads) => ({
  thread: {
    ...issueThread,
    owner,
    ownerId: 100 + [...owner].reduce((sum, sign) => sum * 31 + sign.charCodeAt(0), 0),
    number,
  },
})

describe('what a page says', () => {
  test.each(['papers', 'papers/shop', '@nobody', '#987654'])(
    'of a filter that matches nothing is that: %s',
    async filter => {
      for (const path of ['', 'list/failed']) {
        const page = await read(`${path}?filter=${encodeURIComponent(filter)}`)
        expect(page).toContain(`No run of the last 30 days matches <bdi>${filter}</bdi>`)
        expect(page).not.toMatch(/Nothing (?:failed|is running|waits|has ended)/)
      }
    },
  )

  test('of all begins with how many there are of each', async () => {
    await addRun(of('counted'))
    await addRun(of('counted'), failed())
    const [top = ''] = (await read('?filter=counted')).split('id="needs"')
    const counts = [...top.matchAll(/<a href="#(\w+)">(.*?)<\/a>/g)].map(([, ...each]) =>
      each.join(': '),
    )
    expect(counts).toEqual([
      'needs: 1 needs you',
      'working: 0 running',
      'waiting: 1 waiting',
      'ended: 1 ended',
    ])
  })

  test('of an owner whose runs are over is that nothing needs anybody', async () => {
    await addRun(of('calm'), { result: { concludedAt: now, outcome: { kind: 'answer' } } })
    expect(await read('?filter=calm')).toContain('Nothing failed')
  })

  test('of failures is how many need somebody, and where all of them are', async () => {
    const [first] = await Promise.all(
      Array.from({ length: 25 }, () => addRun(of('breaks'), failed())),
    )
    await addRun(of('breaks', first?.thread.number))
    const page = await read('?filter=breaks')
    expect(page).toContain('Failed in the last three days <span class="count">24</span>')
    const [needs = ''] = page.split('id="working"')
    expect(needs.match(/>Not started<\/span>/g)).toHaveLength(5)
    // What is there is not listed again below.
    const rows = [...page.matchAll(/<a href="(\/admin\/runs\/[^"]+)"/g)].map(([, row]) => row)
    expect(new Set(rows).size).toBe(rows.length)
    expect(needs).toContain(
      '<a href="/admin/list/failed?filter=breaks">All, with those asked for again</a>',
    )
    expect(await read('list/failed?filter=breaks')).toContain('<span class="count">25</span>')
  })
})

describe('the page of a run', () => {
  let run: Run
  let page: string
  beforeAll(async () => {
    run = await addRun(
      {
        request: { ...runWith().request, text: 'fix the login' },
        workspace: { branch },
        schedule: { admitted: true, admissionExpectedAt: now - 3 * minute },
        session: { taskId: 'task-9', taskRun: { ...taskRun, since: now - 2 * minute }, cost: 1.25 },
      },
      {
        result: {
          outcome: { kind: 'pull' },
          concludedAt: now,
          pulls: [pull],
        },
      },
    )
    page = await read(`runs/${run.id}`)
  })

  test('has its thread, pull request, branch, cost and its place at PostHog', () => {
    const facts = [...page.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(
      ([, name, fact = '']) => {
        const leadsTo = /href="(.*?)"/.exec(fact)?.[1]
        return `${name}: ${fact.replace(/<.*?>/g, '')}${leadsTo ? ` (${leadsTo})` : ''}`
      },
    )
    expect(facts).toEqual([
      'State: Pull request',
      `Thread: acme/shop#${run.thread.number} (${run.thread.url})`,
      expect.stringMatching(/^Asked by: maya, .* \(\/admin\/\?filter=%40maya\)$/),
      `Pull request: #9 ${pull.title} (draft) (${pull.url})`,
      `Branch: ${branch.name}`,
      'Cost: $1.25',
      `Model: ${run.request.options.model}`,
      'PostHog: The run at PostHog (https://posthog.example/tasks/task-9)',
      `Id: ${run.id}`,
    ])
  })
})

describe('what is done', () => {
  const admin = { login: 'an admin of this bot', id: 0 }

  test('a stop is a message to the run, and the same form counts once', async () => {
    const { run, session } = await beside()
    const form = await formOn(`/admin/runs/${run.id}`, session)
    const sent = await post(`/admin/runs/${run.id}/stop`, { form }, session)
    expect([sent.status, sent.headers.get('location')]).toEqual([
      303,
      `/admin/runs/${run.id}?said=stopping`,
    ])
    await post(`/admin/runs/${run.id}/stop`, { form }, session)
    const ids = (await inboxOf(run)).map(message => message?.id)
    expect(new Set(ids).size).toBe(1)
    expect(await inboxOf(run)).toContainEqual(expect.objectContaining({ kind: 'stop', by: admin }))
    expect(await read(`runs/${run.id}?said=stopping`)).toContain('The run is being stopped')
  })

  test.each([
    ['/admin/?filter=acme%2Fshop', '/admin/?filter=acme%2Fshop&said=stopping'],
    ['/admin/list/waiting?page=2&said=over', '/admin/list/waiting?page=2&said=stopping'],
    ['/elsewhere', undefined],
  ])('an action comes back to where it was pressed: %s', async (from, back) => {
    const { id } = await addRun()
    const referer = address + from
    const sent = await post(`/admin/runs/${id}/stop`, {}, { ...bearer, referer })
    expect(sent.headers.get('location')).toBe(back ?? `/admin/runs/${id}?said=stopping`)
  })

  test('a stop means what the page showed, even if the clock of GitHub is ahead', async () => {
    const run = await addRun({ mailbox: { lastWordsAt: now + hour } })
    await post(`/admin/runs/${run.id}/stop`, {}, bearer)
    expect(await inboxOf(run)).toMatchObject([{ kind: 'stop', at: now + hour }])
  })

  test('a retry is asked for only where it can help', async () => {
    const run = await addRun(failed())
    const hopeless = await addRun(failed({ again: false }))
    const live = await addRun()
    const results = []
    for (const { id } of [run, hopeless, live]) {
      const sent = await post(`/admin/runs/${id}/retry`, {}, bearer)
      results.push(sent.headers.get('location')?.split('said=')[1])
    }
    expect(results).toEqual(['retried', 'no-retry', 'no-retry'])
    expect(retried).toEqual([expect.stringMatching(new RegExp(`^${run.id} admin-`))])
  })

  test('each leaves an audit line, and so does who signs in or tries to', async () => {
    // Whatever was refused before this, the next minute has a line.
    now += minute
    lines.length = 0
    const run = await addRun()
    for (let n = 0; n < 20; n += 1) await post('/admin/sign-in', { token: 'guessed' })
    const session = sessionOf(await signIn())
    const form = await formOn('/admin/', session)
    await post(`/admin/runs/${run.id}/stop`, { form }, session)
    expect(lines).toMatchObject([
      { audit: true, action: 'sign-in', result: 'wrong-token', from: '127.0.0.1' },
      { audit: true, action: 'sign-in', result: 'signed-in', from: '127.0.0.1' },
      {
        audit: true,
        action: 'stop',
        result: 'stopping',
        by: admin.login,
        run: run.id,
        repository: 'acme/shop',
        from: '127.0.0.1',
      },
    ])
    expect(JSON.stringify(lines)).not.toContain('guessed')
  })
})
