/** The emulator is what every story stands on, so it is held to GitHub's own words with GitHub's own client. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startGitHub } from './emulator.ts'
import type { GitHubEmulator } from './github.ts'
import { isObject, type JsonObject, textAt, valueAt } from './json.ts'

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
  const { appId, privateKey, installationId } = github
  const auth = { appId, privateKey, installationId }
  bot = new Octokit({ baseUrl: github.url, authStrategy: createAppAuth, auth, log: quiet })
})

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

const seen = (event: string, action?: string): Promise<Received> =>
  github.waitFor(() =>
    received.find(one => one.event === event && (!action || one.payload.action === action)),
  )

async function issue(title = 'Login is flaky'): Promise<number> {
  return (await github.as('maya').opensIssue({ title, body: 'It fails every third time.' })).number
}

async function pull(branch: string): Promise<number> {
  await github.as('maya').pushes(branch, { [`${branch}.txt`]: 'one\n' })
  return (await github.as('maya').opensPull({ head: branch, title: `Add ${branch}`, body: '' })).number
}

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: { status?: number; message: string }) => `${error.status ?? ''} ${error.message}`.trim(),
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
    expect(await refused(bot.repos.getCollaboratorPermissionLevel({ ...shop, username: 'nobody' }))).toMatch(
      /^404/,
    )
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
    const auth = {
      appId: github.appId,
      privateKey: github.privateKey,
      installationId: github.installationOf('globex'),
    }
    const other = new Octokit({ baseUrl: github.url, authStrategy: createAppAuth, auth, log: quiet })
    const vault = { owner: 'globex', repo: 'vault' }
    expect((await other.repos.get(vault)).data).toMatchObject({ private: true })
    expect(
      (await other.repos.getCollaboratorPermissionLevel({ ...vault, username: 'eve' })).data.permission,
    ).toBe('none')
    expect(await refused(bot.repos.get(vault))).toMatch(/^404/)
    expect(await refused(github.as('eve', 'globex/vault').comments(1, 'hi'))).toContain('404')
    await github.as('maya', 'globex/vault').opensIssue({ title: 'Door is open' })
    expect(valueAt((await seen('issues', 'opened')).payload, 'installation', 'id')).toBe(
      github.installationOf('globex'),
    )
  })

  test('a token is needed, a false one is refused', async () => {
    expect(
      await refused(new Octokit({ baseUrl: github.url, log: quiet }).issues.create({ ...shop, title: 'x' })),
    ).toMatch(/^401/)
    expect(await refused(clientOf('ghs_made_up').repos.get(shop))).toMatch(/^401 Bad credentials/)
  })
})

describe('comments and reactions', () => {
  test('the bot comments as an App', async () => {
    const issue_number = await issue()
    const { data } = await bot.issues.createComment({ ...shop, issue_number, body: 'Working' })
    expect(data).toMatchObject({
      user: { login: 'codex-bot[bot]', type: 'Bot' },
      performed_via_github_app: { id: github.appId, slug: 'codex-bot' },
      author_association: 'NONE',
    })
    expect(data.created_at).toMatch(/:\d\dZ$/)
    expect(data.updated_at).toBe(data.created_at)
    const sent = await seen('issue_comment', 'created')
    expect(sent.payload).toMatchObject({
      sender: { login: 'codex-bot[bot]', type: 'Bot' },
      comment: { id: data.id, performed_via_github_app: { slug: 'codex-bot' } },
    })
  })

  test('reactions are idempotent, counted and one’s own', async () => {
    const issue_number = await issue()
    const { id: comment_id } = await github.as('maya').comments(issue_number, '/codex fix')
    const first = await bot.reactions.createForIssueComment({ ...shop, comment_id, content: 'eyes' })
    const again = await bot.reactions.createForIssueComment({ ...shop, comment_id, content: 'eyes' })
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

  test('lists know `since` in whole seconds, and pull requests are issues too', async () => {
    const pull_number = await pull('listed')
    await bot.issues.createComment({ ...shop, issue_number: pull_number, body: 'on a pull request' })
    const { data } = await bot.issues.get({ ...shop, issue_number: pull_number })
    expect(data).toMatchObject({
      pull_request: { url: expect.stringContaining(`/pulls/${pull_number}`) },
      comments: 1,
    })
    const comments = await bot.issues.listCommentsForRepo({ ...shop, since: data.created_at })
    expect(comments.data.at(-1)?.body).toBe('on a pull request')
    expect(comments.data.at(-1)?.html_url).toContain(`/pull/${pull_number}#issuecomment-`)
    await bot.issues.update({ ...shop, issue_number: pull_number, title: 'Renamed as an issue' })
    expect((await github.pull(pull_number)).title).toBe('Renamed as an issue')
  })
})

describe('branches and pull requests', () => {
  test('missing files are 404, written ones can be read', async () => {
    const path = '.github/codex.yml'
    expect(await refused(bot.repos.getContent({ ...shop, path }))).toMatch(/^404/)
    await github.as('olga').pushes('settings', { [path]: 'model: x\n' })
    const { data } = await bot.repos.getContent({ ...shop, path, ref: 'settings' })
    expect(Buffer.from(textAt(data, 'content'), 'base64').toString()).toBe('model: x\n')
  })

  test('opening one has rules', async () => {
    const open = (head: string, base = 'main') =>
      refused(bot.pulls.create({ ...shop, head, base, title: 'T' }))
    expect(await open('no-such-branch')).toMatch(/^422.*"field":"head"/)
    await github.as('maya').pushes('ruled', { 'a.txt': 'a' })
    expect(await open('ruled', 'no-such-base')).toMatch(/^422.*"field":"base"/)
    expect(await open('main')).toMatch(/^422.*No commits between main and main/)
    expect(await open('ruled')).toBe('accepted')
    expect(await open('ruled')).toMatch(/^422.*A pull request already exists for acme:ruled/)
  })

  test('the base can be changed, but not to the head or into the blue', async () => {
    await github.hands.commit('acme/shop', 'codex/issue-1', 'main', { 'x.txt': 'x' }, 'Start')
    await github.hands.commit('acme/shop', 'posthog/work', 'codex/issue-1', { 'y.txt': 'y' }, 'Work')
    const opened = { head: 'posthog/work', base: 'codex/issue-1', title: 'Work', body: '', draft: true }
    const { number: pull_number } = await github.hands.openPull('acme/shop', opened)
    const { data } = await bot.pulls.update({ ...shop, pull_number, base: 'main' })
    expect(data.base.ref).toBe('main')
    expect((await seen('pull_request', 'edited')).payload).toMatchObject({
      number: pull_number,
      changes: { base: { ref: { from: 'codex/issue-1' } } },
      pull_request: { base: { ref: 'main' } },
    })
    expect(await refused(bot.pulls.update({ ...shop, pull_number, base: 'posthog/work' }))).toMatch(/^422/)
    expect(await refused(bot.pulls.update({ ...shop, pull_number, base: 'blue' }))).toMatch(/^422/)
  })

  test('a fork is another repository', async () => {
    const { number: pull_number, fork } = await github.openForkPull({ title: 'From outside' })
    const { data } = await bot.pulls.get({ ...shop, pull_number })
    expect(data.head.repo).toMatchObject({ full_name: fork, fork: true })
    expect(data.head.repo?.id).not.toBe(data.base.repo.id)
  })
})

describe('GraphQL', () => {
  const poll = `query ($owner: String!, $name: String!, $number: Int!) {
    repository(owner: $owner, name: $name) {
      id
      defaultBranchRef { name target { oid } }
      issue(number: $number) { id linkedBranches(first: 10) { nodes { ref { name target { oid } } } } }
    }
  }`
  const link = `mutation ($input: CreateLinkedBranchInput!) {
    createLinkedBranch(input: $input) { linkedBranch { ref { name } } }
  }`

  interface Looked {
    repository: {
      id: string
      defaultBranchRef: { name: string; target: { oid: string } }
      issue: { id: string; linkedBranches: { nodes: { ref: { name: string } }[] } }
    }
  }

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

  test('a branch is linked to an issue; a second of that name gives null and no error', async () => {
    const number = await issue('To be linked')
    const { repository } = await bot.graphql<Looked>(poll, { owner: 'acme', name: 'shop', number })
    const { target, name: base } = repository.defaultBranchRef
    expect(base).toBe('main')
    const name = `codex/issue-${number}`
    const input = { issueId: repository.issue.id, repositoryId: repository.id, oid: target.oid, name }
    expect(await bot.graphql(link, { input })).toEqual({
      createLinkedBranch: { linkedBranch: { ref: { name } } },
    })
    expect(await bot.graphql(link, { input })).toEqual({ createLinkedBranch: { linkedBranch: null } })
    const after = await bot.graphql<Looked>(poll, { owner: 'acme', name: 'shop', number })
    expect(after.repository.issue.linkedBranches.nodes).toMatchObject([{ ref: { name } }])
    expect(await github.branches()).toContain(name)
    await bot.git.deleteRef({ ...shop, ref: `heads/${name}` })
    const gone = await bot.graphql<Looked>(poll, { owner: 'acme', name: 'shop', number })
    expect(gone.repository.issue.linkedBranches.nodes).toEqual([])
  })

  test('reactions on a review, minimised comments', async () => {
    const pull_number = await pull('reviewed-by-graphql')
    const { id: review_id } = await github.as('maya').reviews(pull_number, { body: '/codex do it' })
    const { node_id: id } = (await bot.pulls.getReview({ ...shop, pull_number, review_id })).data
    const react = `mutation { addReaction(input: { subjectId: "${id}", content: EYES }) { reaction { content } } }`
    expect(await bot.graphql(react)).toEqual({ addReaction: { reaction: { content: 'EYES' } } })
    expect((await github.thread(pull_number)).reviews[0]?.reactions).toEqual(['eyes by codex-bot[bot]'])
    await bot.graphql(
      'mutation ($id: ID!) { removeReaction(input: {subjectId: $id, content: EYES}) { subject { id } } }',
      { id },
    )
    expect((await github.thread(pull_number)).reviews[0]?.reactions).toEqual([])
    const comment = await bot.issues.createComment({ ...shop, issue_number: pull_number, body: 'old' })
    await bot.graphql(
      `mutation ($input: MinimizeCommentInput!) { minimizeComment(input: $input) { minimizedComment { isMinimized } } }`,
      { input: { subjectId: comment.data.node_id, classifier: 'OUTDATED' } },
    )
    expect((await github.thread(pull_number)).comments[0]?.minimized).toBe(true)
  })

  test('errors in its own shape', async () => {
    const nowhere = bot.graphql('{ repository(owner: "acme", name: "nowhere") { id } }')
    expect(await refused(nowhere)).toContain('Could not resolve to a Repository')
    const unknown = 'Cannot query field "nonsense" on type "Query".'
    expect(await refused(bot.graphql('{ nonsense }'))).toContain(unknown)
    expect(github.takeViolations()).toEqual([expect.stringContaining(unknown)])
    expect(await bot.graphql('{ viewer { login } }')).toEqual({ viewer: { login: 'codex-bot[bot]' } })
  })
})

describe('webhooks', () => {
  test('comments on pull requests say so, edits say what was there before', async () => {
    const pull_number = await pull('commented')
    const { id } = await github.as('maya').comments(pull_number, '/codex fix')
    expect((await seen('issue_comment', 'created')).payload).toMatchObject({
      issue: { number: pull_number, pull_request: { url: expect.stringContaining('/pulls/') }, draft: false },
      comment: { id, user: { login: 'maya' }, body: '/codex fix' },
    })
    await github.as('maya').editsComment(id, '/codex fix it')
    expect((await seen('issue_comment', 'edited')).payload).toMatchObject({
      changes: { body: { from: '/codex fix' } },
      comment: { body: '/codex fix it' },
    })
    await github.as('maya').deletesComment(id)
    expect((await seen('issue_comment', 'deleted')).payload).toMatchObject({ comment: { id } })
    const number = await issue('Old title')
    await github.as('maya').editsIssue(number, { title: 'New title' })
    expect((await seen('issues', 'edited')).payload.changes).toEqual({ title: { from: 'Old title' } })
  })

  test('only subscribed events are delivered', async () => {
    const other = await startGitHub({ events: ['issue_comment'] })
    other.webhooks.target = github.webhooks.target
    const { number } = await other.as('maya').opensIssue({ title: 'T', labels: ['codex'] })
    await other.as('maya').comments(number, 'hi')
    await seen('issue_comment', 'created')
    await other.close()
    expect(received.map(one => one.event)).toEqual(['issue_comment'])
  })

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
  test('closing is quick, whatever still hangs', async () => {
    const other = await startGitHub({ slug: 'other-bot', repos: [{ owner: 'umbrella', name: 'lab' }] })
    const fault = other.fault({ path: '/repos', actor: 'any', times: Infinity, fault: { kind: 'hang' } })
    const hanging = refused(fetch(`${other.url}/repos/umbrella/lab`))
    await other.waitFor(() => fault.hits === 1)
    const started = performance.now()
    await other.close()
    expect(performance.now() - started).toBeLessThan(2_500)
    expect(await hanging).toContain('fetch failed')
  })

  test('calls of the bot, and those that changed something', async () => {
    const issue_number = await issue()
    github.forgetCalls()
    const { data } = await bot.issues.createComment({ ...shop, issue_number, body: 'one' })
    const reaction = { ...shop, comment_id: data.id, content: 'eyes' } as const
    await bot.reactions.createForIssueComment(reaction)
    await bot.reactions.createForIssueComment(reaction)
    await bot.issues.get({ ...shop, issue_number })
    await refused(bot.issues.get({ ...shop, issue_number: 99_999 }))
    await github.as('maya').comments(issue_number, 'not the bot')
    expect(github.calls.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'POST 201',
      'POST 201',
      'POST 200',
      'GET 200',
      'GET 404',
    ])
    expect(github.writes).toMatchObject([
      { method: 'POST', path: `/repos/acme/shop/issues/${issue_number}/comments`, body: { body: 'one' } },
      { path: `/repos/acme/shop/issues/comments/${data.id}/reactions`, actor: 'codex-bot[bot]' },
    ])
  })

  test('limits, delays, stale lists and vanished things', async () => {
    const issue_number = await issue()
    const get = () => bot.issues.get({ ...shop, issue_number })
    const path = `/issues/${issue_number}`
    const headersOf = async (work: Promise<unknown>): Promise<Record<string, string>> =>
      work.then(
        () => ({}),
        (error: { response: { headers: Record<string, string> } }) => error.response.headers,
      )
    const primary = github.fault({ path, fault: { kind: 'primary-limit', resetInSeconds: 60 } })
    const limited = await headersOf(get())
    expect(limited['x-ratelimit-remaining']).toBe('0')
    expect(Number(limited['x-ratelimit-reset']) - Date.now() / 1000).toBeGreaterThan(50)
    expect(primary.hits).toBe(1)
    github.fault({ path, fault: { kind: 'secondary-limit', retryAfter: 7 } })
    expect((await headersOf(get()))['retry-after']).toBe('7')
    github.fault({ path, fault: { kind: 'secondary-limit' } })
    expect(await refused(get())).toMatch(/^403 You have exceeded a secondary rate limit/)
    github.fault({ path, fault: { kind: 'not-found' } })
    expect(await refused(get())).toMatch(/^404/)
    github.fault({ path, fault: { kind: 'delay', ms: 60 } })
    const started = performance.now()
    await get()
    expect(performance.now() - started).toBeGreaterThan(55)
    await bot.issues.createComment({ ...shop, issue_number, body: 'new' })
    const list = async () => (await bot.issues.listComments({ ...shop, issue_number })).data.length
    const stale = github.fault({
      method: 'GET',
      path: '/comments',
      times: Infinity,
      fault: { kind: 'stale', ms: 2_000 },
    })
    expect(await list()).toBe(0)
    await github.waitFor(async () => (await list()) === 1)
    stale.cancel()
  })

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
