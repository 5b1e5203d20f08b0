/** Who signs in to the admin pages with GitHub sees and does what they administer there, and nothing else. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { startGitHub } from '../../emulators/github/emulator.ts'
import { numberAt } from '../../emulators/github/json.ts'
import type { Pause } from '../../src/core/model/pause.ts'
import { parseMessage } from '../../src/core/record/messages.ts'
import type { Run } from '../../src/core/record/run.ts'
import { userAccess } from '../../src/github/user-access.ts'
import { actionsOnRuns } from '../../src/web/admin/actions.ts'
import { hour, issueThread, minute } from '../core/given.ts'
import { type Fields, sessionOf, startAdminPages, token } from '../support/admin-pages.ts'
import { fakeLogOf } from '../support/fake-log.ts'

const github = await startGitHub({
  repos: [
    { owner: 'acme', name: 'shop' },
    { owner: 'globex', name: 'lab', private: true },
  ],
})
const { clientId, clientSecret } = github.oauth

let ahead = 0
let said: Pause[] = []
let drained = 0
const retried: string[] = []
const lines: object[] = []
const now = (): number => Date.now() + ahead
const pages = await startAdminPages({
  pauses: {
    of: async what => said.findLast(({ of, repoId }) => of === what.of && repoId === what.repoId),
    say: async pause => void said.push(pause),
  },
  signInAtGitHub: userAccess({ apiUrl: github.url, clientId, clientSecret }, now),
  retry: async (_, id, by) => void retried.push(`${id} ${by}`),
  drain: () => {
    drained += 1
  },
  log: fakeLogOf(fields => lines.push(fields)),
  now,
})
const { address, get, post, formOn } = pages
const callback = `${address}/admin/sign-in/github`
github.oauth.callbacks.push(callback)
afterAll(async () => {
  await pages.close()
  await github.close()
})

async function numberOf(name: string): Promise<number> {
  const headers = { authorization: 'Bearer token-of-olga' }
  return numberAt(await (await fetch(`${github.url}/repos/${name}`, { headers })).json(), 'id')
}

async function runIn(name: string): Promise<Run> {
  const [owner = '', repo = ''] = name.split('/')
  return pages.addRun({ thread: { ...issueThread, owner, repo, repoId: await numberOf(name), number: 7 } })
}
const [shopRun, labRun] = [await runIn('acme/shop'), await runIn('globex/lab')]

beforeEach(async () => {
  ahead = 0
  said = []
  drained = 0
  lines.length = 0
  github.clearFaults()
  for (const name of ['acme/shop', 'globex/lab']) await github.setRole('mario', 'maintain', name)
})

interface Journey {
  /** The cookie that comes back with the browser. */
  state: Fields
  /** At GitHub. */
  page: URL
}

async function setOut(): Promise<Journey> {
  const sent = await post('/admin/sign-in/github', {})
  expect(sent.status).toBe(303)
  const set = sent.headers.get('set-cookie') ?? ''
  expect(set).toMatch(
    /^codex_admin_state=\S+; HttpOnly; SameSite=Lax; Path=\/admin\/sign-in\/github; Max-Age=600$/,
  )
  return { state: sessionOf(set), page: new URL(sent.headers.get('location') ?? '') }
}

/** The person agrees. @returns where GitHub sends the browser */
async function agree(page: URL, login: string, fields: Fields = { login }): Promise<URL> {
  expect((await fetch(page)).status).toBe(200)
  const body = new URLSearchParams(fields)
  const sent = await fetch(page, { method: 'POST', body, redirect: 'manual' })
  return new URL(sent.headers.get('location') ?? '')
}

const comeBack = (to: URL, headers: Fields): Promise<Response> =>
  fetch(address + to.pathname + to.search, { headers, redirect: 'manual' })

async function signInAs(login: string): Promise<Fields> {
  const { state, page } = await setOut()
  const returned = await comeBack(await agree(page, login), state)
  expect([returned.status, await returned.text()]).toEqual([200, expect.stringContaining(login)])
  const set = returned.headers.getSetCookie().find(each => each.startsWith('codex_admin='))
  return sessionOf(set ?? expect.fail('no session'))
}

const isAdminOf = async (login: string, ...names: string[]) => {
  for (const name of names) await github.setRole(login, 'admin', name)
}

test('the browser goes to GitHub and back once, and on by itself with a cookie that only it has', async () => {
  const { state, page } = await setOut()
  expect(page.href).toContain(`${github.url}/login/oauth/authorize?client_id=${clientId}&redirect_uri=`)
  expect(page.searchParams.get('code_challenge')).toMatch(/^[\w-]{43}$/)
  const to = await agree(page, 'olga')
  const returned = await comeBack(to, state)
  const [gone, session] = returned.headers.getSetCookie()
  expect(gone).toMatch(/^codex_admin_state=; .*Max-Age=0/)
  expect(session).toMatch(/^codex_admin=\S+; HttpOnly; SameSite=Strict; Path=\/admin\/; Max-Age=3600$/)
  expect(session).not.toContain('ghu_')
  // A redirect would be GitHub's, and would come without the cookie.
  expect(await returned.text()).toContain('<meta http-equiv="refresh" content="0; url=/admin/"/>')
  expect((await comeBack(to, state)).status).toBe(401)
  expect(lines).toMatchObject([
    { audit: true, action: 'sign-in at GitHub', result: 'signed-in', by: 'olga', from: '127.0.0.1' },
    { audit: true, action: 'sign-in at GitHub', result: 'not-agreed' },
  ])
  expect(JSON.stringify(lines)).not.toMatch(/ghu_|client secret/)
})

describe('nobody is signed in', () => {
  const table: [string, (journey: Journey) => Promise<[URL, Fields]>][] = [
    ['whose browser did not set out', async ({ page }) => [await agree(page, 'olga'), {}]],
    [
      'whose browser set out another time',
      async ({ page }) => [await agree(page, 'olga'), (await setOut()).state],
    ],
    [
      'with a state that was guessed',
      async ({ page, state }) => {
        const to = await agree(page, 'olga')
        to.searchParams.set('state', 'guessed')
        return [to, state]
      },
    ],
    [
      'with a code that was guessed',
      async ({ page, state }) => {
        const to = await agree(page, 'olga')
        to.searchParams.set('code', 'guessed')
        return [to, state]
      },
    ],
    [
      'with the code of another journey, which has another challenge',
      async ({ page, state }) => {
        const to = await agree(page, 'olga')
        const other = await agree((await setOut()).page, 'olga')
        to.searchParams.set('code', other.searchParams.get('code') ?? '')
        return [to, state]
      },
    ],
    ['who did not agree', async ({ page, state }) => [await agree(page, '', { cancel: 'yes' }), state]],
    [
      'who took too long',
      async ({ page, state }) => {
        ahead = 11 * minute
        return [await agree(page, 'olga'), state]
      },
    ],
    [
      'whose cookie is that of a session',
      async ({ page }) => {
        const { cookie = '' } = await signInAs('olga')
        return [await agree(page, 'olga'), { cookie: cookie.replace('codex_admin=', 'codex_admin_state=') }]
      },
    ],
  ]
  test.each(table)('%s', async (_, journey) => {
    const [to, headers] = await journey(await setOut())
    const returned = await comeBack(to, headers)
    expect([returned.status, returned.headers.getSetCookie()]).toEqual([401, []])
    expect(await returned.text()).toContain('Sign in again.')
  })

  test('from a form of another page', async () => {
    for (const origin of ['https://evil.example', 'null'])
      expect((await post('/admin/sign-in/github', {}, { origin })).status).toBe(403)
  })

  test('with the cookie of the journey for that of a session', async () => {
    const { cookie = '' } = (await setOut()).state
    const headers = { cookie: cookie.replace('codex_admin_state=', 'codex_admin=') }
    expect((await get('/admin/', headers)).status).toBe(401)
  })
})

const shop = `/admin/runs/${shopRun.id}`
const lab = `/admin/runs/${labRun.id}`
const all = [
  ...['/admin/', '/admin/repositories', '/admin/?filter=acme/shop', '/admin/?filter=globex/lab', shop, lab],
  ...['/admin/?filter=acme', '/admin/?filter=@maya', '/admin/list/waiting?filter=globex/lab'],
  ...[
    '/admin/list/waiting?filter=@maya',
    '/admin/runs.json?filter=globex/lab',
    '/admin/runs.json?filter=acme',
  ],
  ...['/admin/settings', '/admin/settings?filter=acme/shop', '/admin/settings?filter=globex/lab'],
  ...['/admin/outcomes', '/admin/outcomes?filter=globex/lab', '/admin/outcomes?filter=@maya'],
  ...['/admin/checks', '/admin/runs/guessed'],
]

describe('who has signed in sees what they administer', () => {
  const table: [string, string[], Record<string, number>][] = [
    [
      'nothing',
      [],
      { '/admin/': 303, '/admin/settings': 303, '/admin/outcomes': 303, '/admin/repositories': 200 },
    ],
    [
      'one repository',
      ['acme/shop'],
      {
        ...{ '/admin/': 200, '/admin/repositories': 200, '/admin/?filter=acme/shop': 200, [shop]: 200 },
        ...{ '/admin/settings': 200, '/admin/settings?filter=acme/shop': 200, '/admin/outcomes': 200 },
      },
    ],
    [
      'both',
      ['acme/shop', 'globex/lab'],
      {
        ...{ '/admin/': 303, '/admin/settings': 303, '/admin/repositories': 200, [shop]: 200, [lab]: 200 },
        ...{ '/admin/settings?filter=acme/shop': 200, '/admin/settings?filter=globex/lab': 200 },
        ...{ '/admin/outcomes': 303, '/admin/outcomes?filter=globex/lab': 200 },
        ...{ '/admin/?filter=acme/shop': 200, '/admin/?filter=globex/lab': 200 },
        ...{ '/admin/list/waiting?filter=globex/lab': 200, '/admin/runs.json?filter=globex/lab': 200 },
      },
    ],
  ]
  test.each(table)('%s', async (_, names, open) => {
    await isAdminOf('mario', ...names)
    const session = await signInAs('mario')
    const seen: Record<string, number> = {}
    for (const path of all) {
      const response = await get(path, session)
      if (response.status !== 404) seen[path] = response.status
      const text = await response.text()
      for (const name of ['acme/shop', 'globex/lab'])
        if (!names.includes(name)) expect(text).not.toContain(name)
      expect(text).not.toContain('a check of the doctor')
      expect(text).not.toMatch(/filter=%40|By person/)
    }
    expect(seen).toEqual(open)
  })

  test('also under the name that a repository of another had', async () => {
    await isAdminOf('mario', 'acme/shop')
    const former = await pages.addRun({
      thread: { ...issueThread, owner: 'acme', repo: 'shop', repoId: 999_999, number: 8 },
      baseline: { snapshot: { title: 'Of the shop before', body: '', author: 'maya', open: true } },
    })
    const session = await signInAs('mario')
    for (const path of ['/admin/?filter=acme/shop', '/admin/runs.json?filter=acme/shop'])
      expect(await (await get(path, session)).text()).not.toContain(
        path.includes('json') ? former.id : 'Of the shop before',
      )
    expect((await get(`/admin/runs/${former.id}`, session)).status).toBe(404)
  })

  test('until an hour is over, GitHub takes the sign-in no more, or they sign out', async () => {
    await isAdminOf('mario', 'acme/shop')
    const late = await signInAs('mario')
    ahead = hour
    expect((await get('/admin/', late)).status).toBe(401)
    ahead = 0
    const known = await signInAs('mario')
    github.fault({ path: /^\/user/, actor: 'any', fault: { kind: 'status', code: 401 }, times: 100 })
    ahead = 4 * minute
    const forgotten = await get('/admin/', known)
    expect([forgotten.status, await forgotten.text()]).toEqual([
      401,
      expect.stringContaining('Sign in again.'),
    ])
    github.clearFaults()
    ahead = 0
    const session = await signInAs('mario')
    const left = await post('/admin/sign-out', { form: await formOn('/admin/', session) }, session)
    expect(left.headers.get('set-cookie')).toMatch(/^codex_admin=; .*Max-Age=0/)
    // Whoever kept the cookie has nothing of it.
    expect((await get('/admin/', session)).status).toBe(401)
  })

  test('a role that is lost counts after three minutes, and for what changes something at once', async () => {
    await isAdminOf('mario', 'acme/shop')
    const session = await signInAs('mario')
    const form = await formOn(shop, session)
    await github.setRole('mario', 'maintain', 'acme/shop')
    expect((await get(shop, session)).status).toBe(200)
    expect((await post(`${shop}/stop`, { form }, session)).status).toBe(404)
    expect(await pages.queues.runs.inbox(shopRun.id)).toEqual([])
    expect((await get(shop, session)).status).toBe(404)
    await isAdminOf('mario', 'acme/shop')
    expect((await get(shop, session)).status).toBe(404)
    ahead = 3 * minute
    expect((await get(shop, session)).status).toBe(200)
  })

  test('nothing while GitHub does not answer', async () => {
    await isAdminOf('mario', 'acme/shop')
    const session = await signInAs('mario')
    ahead = 4 * minute
    github.fault({ path: /^\/user/, actor: 'any', fault: { kind: 'status', code: 502 }, times: 100 })
    const page = await get(shop, session)
    expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('GitHub does not answer')])
    github.clearFaults()
    expect((await get(shop, session)).status).toBe(200)
  })
})

describe('who has signed in does what they may, by name', () => {
  test('in their repository', async () => {
    await isAdminOf('mario', 'acme/shop')
    const session = await signInAs('mario')
    const act = async (action: string, fields: Fields = {}) => {
      const form = await formOn('/admin/', session)
      const sent = await post(`${shop}/${action}`, { form, ...fields }, session)
      return sent.headers.get('location')?.split('said=')[1]
    }
    expect([await act('pause', { text: 'release' }), await act('stop')]).toEqual(['paused', 'stopping'])
    expect(said).toMatchObject([{ paused: true, by: 'mario', why: 'release' }])
    const messages = (await pages.queues.runs.inbox(shopRun.id)).map(parseMessage)
    expect(messages).toMatchObject([{ kind: 'stop', by: { login: 'mario', id: expect.any(Number) } }])
    expect(lines).toContainEqual(
      expect.objectContaining({ audit: true, action: 'stop', result: 'stopping', by: 'mario' }),
    )
  })

  test('and nothing that is not theirs', async () => {
    await isAdminOf('mario', 'acme/shop')
    const session = await signInAs('mario')
    const form = await formOn('/admin/', session)
    const wider = ['/admin/drain', '/admin/pause', '/admin/resume', `${shop}/pause-owner`]
    const paths = [...actionsOnRuns.map(each => `${lab}/${each}`), ...wider]
    for (const path of paths)
      expect([path, (await post(path, { form }, session)).status]).toEqual([path, 404])
    expect([said, retried, drained]).toEqual([[], [], 0])
    expect(await pages.queues.runs.inbox(labRun.id)).toEqual([])
    // A form of somebody else's session is none of theirs.
    const other = await formOn('/admin/?filter=acme/shop', await signInAs('mario'))
    expect((await post(`${shop}/pause`, { form: other }, session)).status).toBe(403)
  })

  test('a page that leads to GitHub lets its form go there, and to nobody else', async () => {
    const policyOf = (response: Response) => response.headers.get('content-security-policy') ?? ''
    expect(policyOf(await get('/admin/'))).toContain(`form-action 'self' ${new URL(github.url).origin};`)
    const bearer = { authorization: `Bearer ${token}` }
    expect(policyOf(await get('/admin/', bearer))).toContain("form-action 'self';")
  })
})
