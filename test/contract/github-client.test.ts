import nock from 'nock'
import { beforeEach, describe, expect, test } from 'vitest'
import { NoResponse, RetryLater } from '../../src/core/model/errors.ts'
import type { ThreadClient } from '../../src/core/model/ports.ts'
import type { CommentRef } from '../../src/core/model/trigger.ts'
import { gitHubApp } from '../../src/github/app-client.ts'
import { gitHubThread } from '../../src/github/thread-client.ts'
import { inlineComment, issueThread, pullThread, pullView } from '../core/given.ts'
import { privateKey } from '../security/key.ts'
import { nockAlone } from '../support/nock-alone.ts'
import { caught, installationToken } from '../support/service-calls.ts'

const api = 'https://github.example'
const clock = Date.UTC(2026, 0, 2, 14, 2)
const at = '/repos/acme/shop'

/** A client that knows no token yet, on the clock of the test. */
const newApp = (now = () => clock) => gitHubApp({ id: 5, privateKey, apiUrl: `${api}/api` }, now)
const voice = { now: () => clock, redact: (text: string) => text.replaceAll('hush', '[redacted]') }
const issue = (app = newApp()) => gitHubThread(app, issueThread, voice)
const onPull = (app = newApp()) => gitHubThread(app, pullThread, voice)

/** Requests in the order in which they came, `METHOD path`, but for those for tokens. */
let seen: string[]
let tokens: { body: unknown; authorization: string }[]

type Answer = [status: number, body?: nock.Body, headers?: nock.ReplyHeaders]

/** Answers the requests to one path one after another; what is sent beyond that finds nobody. */
function answers(method: string, path: string | RegExp, ...each: Answer[]): void {
  for (const [status, body = {}, headers = {}] of each)
    nock(api)
      .intercept(typeof path === 'string' ? `/api${path}` : path, method)
      .query(true)
      .reply(function (uri, sent) {
        bodies.push(sent)
        authorizations.push(String(this.req.headers.authorization))
        seen.push(`${method} ${uri.replace('/api', '')}`)
        return [status, body, headers]
      })
}
let bodies: unknown[]
let authorizations: string[]

function givesTokens(): void {
  nock(api)
    .persist()
    .post('/api/app/installations/1/access_tokens')
    .optionally()
    .reply(function (_, body) {
      tokens.push({ body, authorization: String(this.req.headers.authorization) })
      return [201, installationToken(`ghs_${tokens.length}`)]
    })
}

nockAlone()
beforeEach(() => {
  ;[seen, tokens, bodies, authorizations] = [[], [], [], []]
  givesTokens()
})

const missing: Answer = [404, { message: 'Not Found' }]
const mayPush = { pull: true, triage: true, push: true, maintain: false, admin: false }
const comment = {
  id: 9,
  body: 'x',
  user: { login: 'codex[bot]' },
  created_at: '2026-01-02T14:00:00Z',
}

describe('tokens', () => {
  const permissions = {
    contents: 'write',
    issues: 'write',
    pull_requests: 'write',
    checks: 'read',
    statuses: 'read',
    metadata: 'read',
  }

  const granted = { ...permissions, contents: 'read' }
  const refused = { message: 'The permissions requested are not granted to this installation.' }
  /** GitHub refuses such tokens, and gives others. */
  function refuses(
    isSo: (body: Record<string, never>) => boolean,
    message = refused,
    has: object = granted,
  ) {
    nock.cleanAll()
    nock(api).post('/api/app/installations/1/access_tokens', isSo).reply(422, message)
    answers('GET', '/app/installations/1', [200, { permissions: has }])
    givesTokens()
  }
  const asksToWrite = (body: { permissions?: { contents: string } }) =>
    body.permissions?.contents === 'write'
  const expectAsked = (...each: object[]) =>
    expect(tokens.map(({ body }) => body)).toEqual(
      each.map(permissions => ({ repository_ids: [100], permissions })),
    )
  const canPost = async (thread = issue()) => {
    answers('POST', `${at}/issues/7/comments`, [201, comment])
    expect(await thread.comments.post('a')).toMatchObject({ id: 9 })
  }

  test('are what was granted, where that is less than what is asked for', async () => {
    refuses(asksToWrite)
    await canPost()
    expectAsked(granted)
  })

  test('are not wider because GitHub refused one for another repository', async () => {
    const message = 'There is at least one repository that does not exist or is not accessible.'
    const isOther = (body: { repository_ids?: number[] }) => body.repository_ids?.[0] === 666
    refuses(isOther, { message }, { ...permissions, members: 'read' })
    const app = newApp()
    const gone = gitHubThread(app, { ...issueThread, repoId: 666 }, voice)
    expect(await caught(gone.comments.post('a'))).toMatchObject({ status: 422 })
    await canPost(issue(app))
    expectAsked(permissions)
  })

  const message = 'Resource not accessible by integration'
  test.each<[string, string, Answer]>([
    ['a call', `${at}/issues/7/comments`, [403, { message }]],
    ['a query', '/graphql', [200, { data: null, errors: [{ type: 'FORBIDDEN', message }] }]],
  ])(
    'are asked for in full again after GitHub refused %s for want of a permission',
    async (_, path, refusal) => {
      refuses(asksToWrite)
      answers('POST', path, refusal)
      const thread = issue()
      await caught(path === '/graphql' ? thread.pulls.needs(7) : thread.comments.post('a'))
      // The owner accepts them.
      await canPost(thread)
      expectAsked(granted, permissions)
    },
  )

  test('for what people attached may read, and no more', async () => {
    await newApp().readToken(issueThread)
    const read = { contents: 'read', issues: 'read', metadata: 'read' }
    expectAsked(read)
  })

  test('are for the one repository, minted once, by the App', async () => {
    answers('POST', `${at}/issues/7/comments`, [201, comment], [201, comment])
    const thread = issue()
    await thread.comments.post('a')
    await thread.comments.post('b')
    expectAsked(permissions)
    expect(tokens[0]?.authorization).toMatch(/^bearer eyJ/i)
    expect(authorizations).toEqual(['token ghs_1', 'token ghs_1'])
  })

  test('that are revoked are minted anew, once', async () => {
    answers(
      'POST',
      `${at}/issues/7/comments`,
      [401, { message: 'Bad credentials' }],
      [201, comment],
    )
    expect(await issue().comments.post('a')).toMatchObject({ id: 9 })
    expect(authorizations).toEqual(['token ghs_1', 'token ghs_2'])
  })

  test('that can not be had, since the App was uninstalled, are a refusal', async () => {
    nock.cleanAll()
    nock(api).post('/api/app/installations/1/access_tokens').reply(404, { message: 'Not Found' })
    expect(await caught(issue().comments.post('a'))).toMatchObject({
      name: 'Rejected',
      status: 404,
    })
  })
})

describe('a read', () => {
  const read = () => issue().branches.find('main')
  const found: Answer = [200, { ref: 'refs/heads/main', object: { sha: 'abc' } }]
  const path = `${at}/git/ref/heads%2Fmain`

  test.each<[string, Answer[]]>([
    ['after two 503s', [[503], [503], found]],
    [
      'after a page in its place',
      [[200, '<html>Hello</html>', { 'content-type': 'text/html' }], found],
    ],
  ])('is answered %s', async (_, each) => {
    answers('GET', path, ...each)
    expect(await read()).toEqual({ name: 'main', sha: 'abc' })
    expect(seen).toHaveLength(each.length)
  })

  test('is sent again after a connection that broke', async () => {
    nock(api)
      .get(`/api${path}`)
      .replyWithError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))
    answers('GET', path, found)
    expect(await read()).toEqual({ name: 'main', sha: 'abc' })
  })

  test('is not sent again after a refusal', async () => {
    const message = 'Resource not accessible by integration'
    answers('GET', path, [403, { message }])
    expect(await caught(read())).toMatchObject({ name: 'Rejected', status: 403, message })
  })
})

describe('a write is sent exactly once', () => {
  const draft = { head: 'a', base: 'b', title: 't', body: '', footer: '' }
  const branchIds = { issue: 'I_7', repository: 'R_1' }
  const writes: [string, string, string, () => Promise<unknown>][] = [
    ['a comment', 'POST', `${at}/issues/7/comments`, () => issue().comments.post('a')],
    ['a pull request', 'POST', `${at}/pulls`, () => issue().pulls.create(draft)],
    ['a linked branch', 'POST', '/graphql', () => issue().branches.create('x', 'abc', branchIds)],
  ]

  test.each(writes)('%s, when GitHub answers 502', async (_, method, path, write) => {
    answers(method, path, [502, 'Bad gateway'])
    expect(await caught(write())).toBeInstanceOf(NoResponse)
  })
})

/** What each limit says stands in `github-limits.test.ts`. */
test('a limit is not slept through, by a write or a read', async () => {
  const limited: Answer = [
    403,
    { message: 'You have exceeded a secondary rate limit' },
    { 'retry-after': '17' },
  ]
  answers('POST', `${at}/issues/7/comments`, limited)
  answers('GET', `${at}/git/ref/heads%2Fmain`, limited)
  const began = performance.now()
  for (const call of [issue().comments.post('a'), issue().branches.find('main')]) {
    const failure = await caught(call)
    expect(failure).toBeInstanceOf(RetryLater)
    expect(failure).toMatchObject({ service: 'github', why: 'rate-limit', until: clock + 17_000 })
  }
  expect(performance.now() - began).toBeLessThan(1_000)
})

test.each<[permission: string, role: string | undefined, user: object, expected: string]>([
  ['write', 'maintain', {}, 'maintain'],
  ['read', 'triage', {}, 'triage'],
  ['write', 'push', {}, 'write'],
  ['write', 'release-manager', {}, 'write'],
  ['something', 'new', {}, 'none'],
  ['write', 'based-on-maintain', { ...mayPush, maintain: true }, 'maintain'],
  ['write', 'based-on-write', mayPush, 'write'],
  ['none', 'based-on-none', { ...mayPush, triage: false, push: false, pull: false }, 'none'],
])('somebody with the permission %j in the role %j, who may %j, is: %s', async (...row) => {
  const [permission, role_name, permissions, role] = row
  const user = { login: 'zoe', ...(Object.keys(permissions).length > 0 ? { permissions } : {}) }
  answers('GET', `${at}/collaborators/zoe/permission`, [200, { permission, role_name, user }])
  expect(await issue().people.permission('zoe')).toEqual({ role, name: role_name })
})

const inline: CommentRef = {
  kind: 'inline',
  commentId: 3,
  rootId: 2,
  reviewId: null,
  inline: inlineComment(3),
}

describe('comments', () => {
  test('are not posted by a worker that slept while it got a token, and may have lost its job', async () => {
    const now = () => clock + (tokens.length > 0 ? 20_000 : 0)
    const failure = await issue(newApp(now))
      .comments.post('Hello.')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'RetryLater', why: 'unavailable', until: now() })
    expect(seen).toEqual([])
  })

  test('of our own are found by our login, over all pages', async () => {
    answers('GET', '/app', [200, { slug: 'codex' }])
    const next = { link: `<${api}/api${at}/issues/7/comments?page=2>; rel="next"` }
    answers(
      'GET',
      `${at}/issues/7/comments`,
      [
        200,
        [
          comment,
          { ...comment, id: 10, user: { login: 'maya' } },
          { ...comment, id: 11, user: null },
        ],
        next,
      ],
      [200, [{ ...comment, id: 12, body: undefined, user: { login: 'codex[bot]' } }]],
    )
    expect(await issue().comments.own(clock)).toEqual([
      { id: 9, body: 'x', createdAt: Date.parse('2026-01-02T14:00:00Z') },
      { id: 12, body: '', createdAt: Date.parse('2026-01-02T14:00:00Z') },
    ])
    expect(seen.filter(line => line.includes('/comments'))).toEqual([
      `GET ${at}/issues/7/comments?since=2026-01-02T14%3A02%3A00.000Z&per_page=100`,
      `GET ${at}/issues/7/comments?page=2`,
    ])
  })

  test('of a thread with few come before those of threads with many', async () => {
    answers('GET', '/app', [200, { slug: 'codex' }])
    const app = newApp()
    const order: number[] = []
    const read = async (number: number, pages: number) => {
      const path = `${at}/issues/${number}/comments`
      const next = { link: `<${api}/api${path}?page=2>; rel="next"` }
      const each = Array.from(
        { length: pages },
        (_, n): Answer => [200, [comment], n + 1 < pages ? next : {}],
      )
      answers('GET', path, ...each)
      await gitHubThread(app, { ...issueThread, number }, voice).comments.ofOthers()
      order.push(number)
    }
    await Promise.all([...[1, 2, 3, 4].map(many => read(many, 10)), read(5, 1)])
    expect(order[0]).toBe(5)
  })
})

test('no secret that is known leaves in a comment or a pull request', async () => {
  answers('POST', `${at}/issues/7/comments`, [201, comment])
  answers('PATCH', `${at}/issues/comments/9`, [200, comment])
  const thread = issue()
  await thread.comments.post('the key is hush')
  await thread.comments.edit(9, 'the key is hush')
  expect(bodies).toEqual([{ body: 'the key is [redacted]' }, { body: 'the key is [redacted]' }])
})

test('a change that would say a secret is not offered', async () => {
  answers('POST', `${at}/pulls/8/reviews`, [200, { id: 6 }])
  const finding = { path: 'a.ts', line: 3, startLine: 2, body: 'use hush' }
  const comments = ['hush', 'other'].map(code => ({
    ...finding,
    suggestion: `\`\`\`suggestion\n${code}\n\`\`\``,
  }))
  await onPull().reviews.post({ sha: 'abc', body: 'Look.', comments })
  const body = 'use [redacted]'
  const lines = { path: 'a.ts', line: 3, side: 'RIGHT', start_line: 2, start_side: 'RIGHT' }
  expect(bodies).toEqual([
    expect.objectContaining({
      comments: [
        { ...lines, body },
        { ...lines, body: `${body}\n\n\`\`\`suggestion\nother\n\`\`\`` },
      ],
    }),
  ])
})

describe('reactions', () => {
  const targets: [CommentRef, string][] = [
    [{ kind: 'subject' }, `${at}/issues/7/reactions`],
    [{ kind: 'thread', commentId: 3 }, `${at}/issues/comments/3/reactions`],
    [inline, `${at}/pulls/comments/3/reactions`],
    [{ kind: 'review', reviewId: 4, nodeId: 'PRR_4' }, '/graphql'],
  ]

  test.each(targets)('on %j are decoration: only a limit matters', async (target, path) => {
    const { thread } = issue()
    answers(
      'POST',
      path,
      [201, { id: 1, data: {} }],
      [403, { message: 'no' }],
      [422, {}],
      [429, {}],
    )
    await thread.react(target, 'eyes')
    expect(bodies[0]).toMatchObject(
      path === '/graphql'
        ? { variables: { subject: 'PRR_4', content: 'EYES' } }
        : { content: 'eyes' },
    )
    await thread.react(target, 'eyes')
    await thread.react(target, 'rocket')
    await expect(thread.react(target, 'eyes')).rejects.toBeInstanceOf(RetryLater)
    expect(seen).toHaveLength(4)
  })

  test.each([
    [
      'are set once more when the answer is lost, as twice is once',
      'rocket',
      [[502], [200, { id: 1 }]],
      2,
    ],
    ['that say "seen" come at once or not at all', 'eyes', [[502]], 1],
  ] as const)('%s when the answer is lost, as twice is once', async (_, content, each, times) => {
    answers('POST', `${at}/issues/7/reactions`, ...each.map((answer): Answer => [...answer]))
    await issue().thread.react({ kind: 'subject' }, content)
    expect(seen).toHaveLength(times)
  })
})

describe('branches of an issue', () => {
  const ref = { ref: { name: 'fix-login', target: { oid: 'abc' } } }
  const main: Answer = [200, { ref: 'refs/heads/main', object: { sha: 'base' } }]

  test.each([
    ['linked', [ref, { ref: null }], [{ name: 'fix-login', sha: 'abc' }]],
    ['none linked', [], []],
  ])('%s', async (_, nodes, linked) => {
    const repository = {
      subject: { id: 'I_7', repository: { id: 'R_1' }, linkedBranches: { nodes } },
    }
    answers('POST', '/graphql', [200, { data: { repository } }])
    answers('GET', `${at}/git/matching-refs/heads%2Fcodex%2Fissue-7`, [
      200,
      [
        { ref: 'refs/heads/codex/issue-7-login', object: { sha: 'one' } },
        { ref: 'refs/heads/codex/issue-71', object: { sha: 'two' } },
      ],
    ])
    answers('GET', `${at}/git/ref/heads%2Fmain`, main)
    expect(await issue().branches.ofIssue('codex/issue-7')).toEqual({
      linked,
      ids: { issue: 'I_7', repository: 'R_1' },
      ours: [{ name: 'codex/issue-7-login', sha: 'one' }],
      base: { name: 'main', sha: 'base' },
    })
    expect(bodies[0]).toMatchObject({ variables: { owner: 'acme', name: 'shop', number: 7 } })
  })
})

describe('a branch is made', () => {
  const ids = { issue: 'I_7', repository: 'R_1' }
  const ref = `${at}/git/ref/heads%2Fcodex%2Fissue-7`
  const none: Answer = [200, { data: { createLinkedBranch: { linkedBranch: null } } }]
  const isThere: Answer = [200, { object: { sha: 'abc' } }]
  const taken: Answer = [422, { message: 'Reference already exists' }]

  /** @param link how GitHub answers the wish for a linked one, if it is asked */
  const make = (link?: Answer, found?: Answer, plain?: Answer) => {
    if (link) answers('POST', '/graphql', link)
    if (found) answers('GET', ref, found)
    if (plain) answers('POST', `${at}/git/refs`, plain)
    return issue().branches.create('codex/issue-7', 'abc', link && ids)
  }
  const plainly = { ref: 'refs/heads/codex/issue-7', sha: 'abc' }
  const unlinked = { linked: false }

  test.each<[string, (Answer | undefined)[], outcome: object, lastAsked: unknown]>([
    ['by an answer that says null: it is found again', [none, isThere, taken], unlinked, ''],
    ['plainly, after null, and nothing was made', [none, undefined, [201, {}]], unlinked, plainly],
    ['plainly, where it is there already', [undefined, isThere, taken], unlinked, ''],
  ])('%s', async (_, given, outcome, lastAsked) => {
    expect(await make(...given)).toEqual(outcome)
    expect(bodies.at(-1)).toEqual(lastAsked)
  })

  test('a ruleset’s refusal, with the number of an existing branch, is one', async () => {
    const message = 'Repository rule violations found\n\nCannot create ref.'
    const documentation_url = 'https://docs.github.com/rest'
    const refused = make(undefined, missing, [
      422,
      { message: `${message}\n\n`, documentation_url },
    ])
    expect(await caught(refused)).toMatchObject({ name: 'Rejected', status: 422, message })
  })
})

const pullAsSeen = pullView({
  head: 'codex/x',
  sha: 'abc',
  createdAt: Date.parse('2026-01-02T13:00:00Z'),
})
const pullOnGitHub = {
  number: 9,
  html_url: 'https://github.com/acme/shop/pull/9',
  title: 'Wait for the session',
  body: null,
  draft: true,
  state: 'open',
  merged_at: null,
  head: { ref: 'codex/x', sha: 'abc', repo: { id: 100 } },
  base: { ref: 'main' },
  user: { login: 'posthog[bot]', type: 'Bot' },
  created_at: '2026-01-02T13:00:00Z',
}

describe('what GitHub answers is', () => {
  type Row = [
    what: string,
    path: string,
    Answer,
    (of: ThreadClient) => Promise<unknown>,
    expected: unknown,
  ]
  const holds = (rows: Row[], method = 'GET'): void => {
    test.each(rows)('%s', async (_, path, answer, ask, expected) => {
      answers(method, at + path, answer)
      expect(await ask(issue())).toEqual(expected)
    })
  }
  const mergedAt = '2026-01-02T14:00:00Z'

  const edit = ({ comments }: ThreadClient) => comments.edit(9, 'b')
  holds([['an edit of what is gone', '/issues/comments/9', missing, edit, 'gone']], 'PATCH')

  const takeOff = ({ labels }: ThreadClient) => labels.remove('codex:plan')
  holds(
    [
      [
        'a label that is gone already',
        '/issues/7/labels/codex%3Aplan',
        [404, []],
        takeOff,
        undefined,
      ],
    ],
    'DELETE',
  )

  const line = { id: 5, path: 'hush.ts', diff_hunk: '+hush', body: 'use hush', user: null }
  const lines = [
    { ...line, line: null, original_line: 4 },
    { ...line, id: 6, line: 7, user: { login: 'zoe' } },
  ]
  const shown = { path: '[redacted].ts', hunk: '+[redacted]', body: 'use [redacted]' }
  const compare = ({ commits }: ThreadClient) => commits.compare('abc', 'def')
  const headIs = (status: string): Answer => [200, { status, commits: [] }]
  const from = (isDescendant: boolean) => expect.objectContaining({ isDescendant })
  const isMerged = ({ commits }: ThreadClient) => commits.isMerged('def')
  const state = ({ thread }: ThreadClient) => thread.state()
  const open = { number: 7, state: 'open', locked: false, labels: ['a', { name: 'codex' }] }
  const ofZoe = (user: object | null): Answer => [200, { permission: 'admin', user }]
  const by12 = ({ people }: ThreadClient) => people.permission('zoe', 12)
  const found = ({ comments }: ThreadClient) => comments.find({ in: 'thread', commentId: 501 })
  const find = ({ pulls }: ThreadClient) => pulls.find(9)
  const onGitHub = (given: object): Answer => [200, { ...pullOnGitHub, ...given }]
  const seenAs = (expected: object) => ({ ...pullAsSeen, ...expected })
  holds([
    [
      'comments of a review, with what they point at, and without secrets that are known',
      '/pulls/7/reviews/4/comments',
      [200, lines],
      ({ reviews }) => reviews.comments(4),
      [
        { id: 5, ...shown, line: 4, author: 'ghost' },
        { id: 6, ...shown, line: 7, author: 'zoe' },
      ],
    ],
    ['a head that is ahead', '/compare/abc...def', headIs('ahead'), compare, from(true)],
    ['a head that is identical', '/compare/abc...def', headIs('identical'), compare, from(true)],
    ['a head that is behind', '/compare/abc...def', headIs('behind'), compare, from(false)],
    ['commits of another history', '/compare/abc...def', missing, compare, undefined],
    [
      'a commit of a merged pull request',
      '/commits/def/pulls',
      [200, [{ merged_at: null }, { merged_at: mergedAt }]],
      isMerged,
      true,
    ],
    [
      'a commit of one that is open',
      '/commits/def/pulls',
      [200, [{ merged_at: null }]],
      isMerged,
      false,
    ],
    ['a commit that is not there', '/commits/def/pulls', missing, isMerged, false],
    ['a deleted one', '/issues/7', [410, { message: 'This issue was deleted' }], state, undefined],
    ['one that is gone', '/issues/7', missing, state, undefined],
    ['one that is elsewhere', '/issues/7', [200, { ...open, number: 70 }], state, undefined],
    ['a comment that is gone', '/issues/comments/501', missing, found, undefined],
    [
      'the role of another account',
      '/collaborators/zoe/permission',
      ofZoe({ id: 99 }),
      by12,
      undefined,
    ],
    [
      'one by an account that is gone',
      '/pulls/9',
      onGitHub({ user: null }),
      find,
      seenAs({ author: undefined }),
    ],
    [
      'a merged pull request',
      '/pulls/9',
      onGitHub({ state: 'closed', merged_at: mergedAt }),
      find,
      seenAs({ state: 'merged', mergedAt: Date.parse(mergedAt) }),
    ],
    [
      'one of a fork that is gone',
      '/pulls/9',
      onGitHub({ head: { ...pullOnGitHub.head, repo: null } }),
      find,
      seenAs({ repoId: null }),
    ],
  ])

  test.each([
    ['a person', { type: 'User' }, { type: 'User' }, true],
    ['an App', { type: 'Bot', login: 'renovate[bot]' }, { type: 'User' }, false],
    ['an App, on behalf of a person', { type: 'User' }, { type: 'Bot' }, false],
    ['nobody that GitHub knows', null, null, false],
  ])('a commit by %s', async (_, author, committer, byPerson) => {
    const message = 'Fix it\n\nGenerated-By: PostHog Desktop\nTask-Id: task-1'
    const commit = { sha: 'def', author, committer, commit: { message } }
    answers('GET', `${at}/compare/abc...def`, [200, { commits: [commit] }])
    const app = author && 'login' in author ? author.login : undefined
    const known = { byPerson, app, task: 'task-1', subject: 'Fix it' }
    expect(await compare(issue())).toMatchObject({ commits: [known] })
  })
})

describe('pull requests', () => {
  test('from a branch of this repository, and no other', async () => {
    const fork = { ...pullOnGitHub, number: 10, head: { ...pullOnGitHub.head, repo: { id: 200 } } }
    const other = { ...pullOnGitHub, number: 11, head: { ...pullOnGitHub.head, ref: 'codex/xy' } }
    answers('GET', `${at}/pulls`, [200, [pullOnGitHub, fork, other]])
    expect((await issue().pulls.from('codex/x')).map(({ number }) => number)).toEqual([9])
    expect(seen[0]).toContain('head=acme%3Acodex%2Fx')
    expect(seen[0]).toContain('state=all')
  })
})
