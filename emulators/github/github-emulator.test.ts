/** The emulator is what every story stands on, so it is held to GitHub's own words with GitHub's own client. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startGitHub } from './emulator.ts'
import type { GitHubEmulator } from './github.ts'
import { isObject, type JsonObject, valueAt } from './json.ts'

interface Received {
  event: string
  payload: JsonObject
}

const secret = 'It is a secret to everybody'
const shop = { owner: 'acme', repo: 'shop' }

let github: GitHubEmulator
let bot: Octokit
let received: Received[] = []

const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const raw = Buffer.concat(chunks)
  const payload: unknown = JSON.parse(raw.toString() || '{}')
  received.push({
    event: String(request.headers['x-github-event']),
    payload: isObject(payload) ? payload : {},
  })
  response.writeHead(200).end('ok')
})

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

function clientOf(token: string): Octokit {
  return new Octokit({ baseUrl: github.url, auth: token, log: quiet })
}

beforeAll(async () => {
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve))
  github = await startGitHub({ webhookSecret: secret })
  github.webhooks.target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  bot = clientFor(github.installationId)
})

const clientFor = (installationId?: number): Octokit => {
  const { appId, privateKey } = github
  const auth = { appId, privateKey, ...(installationId ? { installationId } : {}) }
  return new Octokit({ baseUrl: github.url, authStrategy: createAppAuth, auth, log: quiet })
}

beforeEach(async () => {
  await github.settled()
  received = []
  github.webhooks.mode = { kind: 'normal' }
  github.clearFaults()
})

afterAll(async () => {
  await github.close()
  await new Promise(resolve => receiver.close(resolve))
})

const seen = (event: string, action?: string): Promise<JsonObject> =>
  github.waitFor(
    () =>
      received.find(one => one.event === event && (!action || one.payload.action === action))
        ?.payload,
  )

async function issue(title = 'Login is flaky'): Promise<number> {
  return (await github.as('maya').opensIssue({ title, body: 'It fails every third time.' })).number
}

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: { status?: number; message: string }) =>
      `${error.status ?? ''} ${error.message}`.trim(),
  )

describe('who and what is there', () => {
  test('roles are those of the real permission API', async () => {
    const roles: Record<string, string> = {}
    for (const username of ['olga', 'mario', 'maya', 'theo', 'rita', 'eve', 'posthog[bot]']) {
      const { data } = await bot.repos.getCollaboratorPermissionLevel({ ...shop, username })
      roles[username] = `${data.permission}/${data.role_name}`
    }
    expect(roles).toEqual({
      olga: 'admin/admin',
      mario: 'write/maintain',
      maya: 'write/write',
      theo: 'read/triage',
      rita: 'read/read',
      eve: 'read/read',
      'posthog[bot]': 'write/write',
    })
    expect(
      await refused(bot.repos.getCollaboratorPermissionLevel({ ...shop, username: 'nobody' })),
    ).toMatch(/^404/)
    await github.setRole('rita', 'write')
    const { data } = await bot.repos.getCollaboratorPermissionLevel({
      owner: 'ACME',
      repo: 'Shop',
      username: 'rita',
    })
    expect(data.permission).toBe('write')
    await github.setRole('rita', 'read')
  })

  test('a path with a slash at the end is none, also where the layer would answer', async () => {
    const issues = `${github.url}/repos/acme/shop/issues`
    const [listed, unknown] = await Promise.all([fetch(issues), fetch(`${issues}/`)])
    expect([listed.status, unknown.status]).toEqual([200, 404])
  })

  test('repositories of several owners, private ones hidden from strangers', async () => {
    await github.addRepo('globex', 'vault', { private: true })
    const other = clientFor(github.installationOf('globex'))
    const vault = { owner: 'globex', repo: 'vault' }
    expect((await other.repos.get(vault)).data).toMatchObject({ private: true })
    expect(
      (await other.repos.getCollaboratorPermissionLevel({ ...vault, username: 'eve' })).data
        .permission,
    ).toBe('none')
    expect(await refused(bot.repos.get(vault))).toMatch(/^404/)
    expect(await refused(github.as('eve', 'globex/vault').comments(1, 'hi'))).toContain('404')
    await github.as('maya', 'globex/vault').opensIssue({ title: 'Door is open' })
    expect(valueAt(await seen('issues', 'opened'), 'installation', 'id')).toBe(
      github.installationOf('globex'),
    )
  })

  test('a token is needed, a false one is refused', async () => {
    expect(
      await refused(
        new Octokit({ baseUrl: github.url, log: quiet }).issues.create({ ...shop, title: 'x' }),
      ),
    ).toMatch(/^401/)
    expect(await refused(clientOf('ghs_made_up').repos.get(shop))).toMatch(/^401 Bad credentials/)
  })
})

describe('comments and reactions', () => {
  test('reactions are idempotent, counted and one’s own', async () => {
    const issue_number = await issue()
    const { id: comment_id } = await github.as('maya').comments(issue_number, '/codex fix')
    const first = await bot.reactions.createForIssueComment({
      ...shop,
      comment_id,
      content: 'eyes',
    })
    const again = await bot.reactions.createForIssueComment({
      ...shop,
      comment_id,
      content: 'eyes',
    })
    expect([first.status, again.status, again.data.id]).toEqual([201, 200, first.data.id])
    const theo = clientOf(github.as('theo').token)
    await theo.reactions.createForIssueComment({ ...shop, comment_id, content: 'heart' })
    const comment = await bot.issues.getComment({ ...shop, comment_id })
    expect(comment.data.reactions).toMatchObject({ total_count: 2, eyes: 1, heart: 1 })
    expect((await github.thread(issue_number)).comments[0]?.reactions).toEqual([
      'eyes by codex-bot[bot]',
      'heart by theo',
    ])
    await bot.reactions.createForIssue({ ...shop, issue_number, content: 'rocket' })
    expect((await github.thread(issue_number)).reactions).toEqual(['rocket by codex-bot[bot]'])
    const bad = bot.request('POST /repos/acme/shop/issues/1/reactions', { content: 'tada' })
    expect(await refused(bad)).toMatch(/^422/)
    expect(github.takeViolations()).toHaveLength(1)
  })

  test('a body may have 65,536 characters', async () => {
    const issue_number = await issue()
    await bot.issues.createComment({ ...shop, issue_number, body: 'x'.repeat(65_536) })
    const long = bot.issues.createComment({ ...shop, issue_number, body: 'x'.repeat(65_537) })
    expect(await refused(long)).toMatch(
      /^422 Validation Failed: .*Body is too long \(maximum is 65536 characters\)/,
    )
  })

  test('a locked issue, and the rules of roles', async () => {
    const number = await issue()
    await github.as('olga').locks(number)
    expect(await refused(github.as('eve').comments(number, 'hello'))).toContain('issue is locked')
    await github.as('maya').comments(number, 'hello')
    expect(await refused(github.as('eve').labels(number, 'codex'))).toContain('403')
    await github.as('theo').labels(number, 'codex')
    const { id } = await github.as('maya').comments(number, 'mine')
    expect(await refused(github.as('rita').editsComment(id, 'yours'))).toContain('403')
  })
})

describe('branches and pull requests', () => {
  test('the base can be changed, but not to the head or into the blue', async () => {
    await github.hands.commit('acme/shop', 'codex/issue-1', 'main', { 'x.txt': 'x' }, 'Start')
    await github.hands.commit(
      'acme/shop',
      'posthog/work',
      'codex/issue-1',
      { 'y.txt': 'y' },
      'Work',
    )
    const opened = {
      head: 'posthog/work',
      base: 'codex/issue-1',
      title: 'Work',
      body: '',
      draft: true,
    }
    const { number: pull_number } = await github.hands.openPull('acme/shop', opened)
    const { data } = await bot.pulls.update({ ...shop, pull_number, base: 'main' })
    expect(data.base.ref).toBe('main')
    expect(await seen('pull_request', 'edited')).toMatchObject({
      number: pull_number,
      changes: { base: { ref: { from: 'codex/issue-1' } } },
      pull_request: { base: { ref: 'main' } },
    })
    expect(await refused(bot.pulls.update({ ...shop, pull_number, base: 'posthog/work' }))).toMatch(
      /^422/,
    )
    expect(await refused(bot.pulls.update({ ...shop, pull_number, base: 'blue' }))).toMatch(/^422/)
  })
})

describe('GraphQL', () => {
  test('its times are those of REST, in whole seconds', async () => {
    const number = await issue('To be dated')
    const { data } = await bot.issues.createComment({ ...shop, issue_number: number, body: 'now' })
    const asked = `{ repository(owner: "acme", name: "shop") {
      issue(number: ${number}) { createdAt comments(last: 1) { nodes { createdAt updatedAt } } }
    } }`
    const { created_at: createdAt, updated_at: updatedAt } = data
    const { data: thread } = await bot.issues.get({ ...shop, issue_number: number })
    expect(await bot.graphql(asked)).toEqual({
      repository: {
        issue: { createdAt: thread.created_at, comments: { nodes: [{ createdAt, updatedAt }] } },
      },
    })
  })

  test('a branch that is linked under a name that is taken is null, and no error', async () => {
    const { sha: oid } = await github.as('maya').pushes('taken', { 'taken.txt': '' })
    const [repository, thread] = await Promise.all([
      bot.repos.get(shop),
      bot.issues.get({ ...shop, issue_number: await issue('To be linked') }),
    ])
    const input = {
      repositoryId: repository.data.node_id,
      issueId: thread.data.node_id,
      oid,
      name: 'taken',
    }
    const link = `mutation ($input: CreateLinkedBranchInput!) {
      createLinkedBranch(input: $input) { linkedBranch { id } }
    }`
    expect(await bot.graphql(link, { input })).toEqual({
      createLinkedBranch: { linkedBranch: null },
    })
  })

  test('errors in its own shape', async () => {
    const nowhere = bot.graphql('{ repository(owner: "acme", name: "nowhere") { id } }')
    expect(await refused(nowhere)).toContain('Could not resolve to a Repository')
    const unknown = 'Cannot query field "nonsense" on type "Query".'
    expect(await refused(bot.graphql('{ nonsense }'))).toContain(unknown)
    expect(github.takeViolations()).toEqual([expect.stringContaining(unknown)])
  })
})

describe('webhooks', () => {
  test('all is told before it is settled, however slow the machine', async () => {
    const other = await startGitHub({ webhookSecret: secret })
    other.webhooks.target = github.webhooks.target
    let isSlow = true
    const slowly = () => {
      const end = performance.now() + 40
      while (performance.now() < end);
      if (isSlow) setImmediate(slowly)
    }
    slowly()
    await other.as('maya').opensIssue({ title: 'T' })
    await other.settled()
    isSlow = false
    expect(other.webhooks.deliveries.map(({ event }) => event)).toEqual(['issues'])
    await other.close()
  })
})

describe('ledger, faults and limits', () => {
  test('what is known already costs nothing', async () => {
    const issue_number = await issue()
    const first = await bot.issues.get({ ...shop, issue_number })
    expect(Number(first.headers['x-ratelimit-remaining'])).toBeLessThan(5_000)
    const headers = { 'if-none-match': first.headers.etag ?? '' }
    expect(await refused(bot.issues.get({ ...shop, issue_number, headers }))).toMatch(/^304/)
    await bot.issues.createComment({ ...shop, issue_number, body: 'changed' })
    expect((await bot.issues.get({ ...shop, issue_number, headers })).status).toBe(200)
  })
})

describe('GitHub’s description of its API', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['no operation', () => bot.request('GET /repos/acme/shop/issues/1/mood'), /no such operation/],
    ['no query', () => bot.request('GET /repos/acme/shop/pulls?label=x'), /additional properties/],
    [
      'a value that is none',
      () => bot.request('GET /repos/acme/shop/pulls?state=odd'),
      /allowed values/,
    ],
    ['a path of another type', () => bot.request('GET /repos/acme/shop/issues/seven'), /integer/],
    [
      'a body that lacks a part',
      () => bot.request('POST /repos/acme/shop/git/refs', { ref: 'x' }),
      /sha/,
    ],
    [
      'a body with more',
      () => bot.request('POST /repos/acme/shop/issues/1/comments', { body: 'x', to: 'y' }),
      /additional/,
    ],
  ])('%s is refused and remembered', async (_, ask, why) => {
    expect(await refused(ask())).toMatch(why)
    const violations = github.takeViolations()
    expect(violations).toHaveLength(1)
    expect(violations[0]).toMatch(why)
  })

  test('a world with such a request does not end well', async () => {
    const other = await startGitHub()
    const { appId, privateKey, installationId } = other
    const auth = { appId, privateKey, installationId }
    const client = new Octokit({
      baseUrl: other.url,
      authStrategy: createAppAuth,
      auth,
      log: quiet,
    })
    await refused(client.request('GET /repos/acme/shop/issues/1/mood'))
    await expect(other.close()).rejects.toThrow(
      /GitHub knows no such request:\nGET .*mood: api.github.com: no such/,
    )
  })
})
