/** What people do while runs live, as the emulated GitHub shows it to the App: in webhooks, answers and refusals. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startGitHub } from './emulator.ts'
import type { GitHubEmulator } from './github.ts'
import { isObject, type JsonObject, textAt, valueAt } from './json.ts'

let github: GitHubEmulator
let bot: Octokit
let app: Octokit
let received: { event: string; payload: JsonObject }[] = []

const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const payload: unknown = JSON.parse(Buffer.concat(chunks).toString())
  received.push({
    event: String(request.headers['x-github-event']),
    payload: isObject(payload) ? payload : {},
  })
  response.writeHead(200).end()
})

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const shop = { owner: 'acme', repo: 'shop' }

beforeAll(async () => {
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve))
  github = await startGitHub()
  github.webhooks.target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  app = clientFor()
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
})

afterAll(async () => {
  await github.close()
  await new Promise(resolve => receiver.close(resolve))
})

const seen = (event: string, action?: string): Promise<JsonObject> =>
  github.waitFor(
    () => received.find(one => one.event === event && (!action || one.payload.action === action))?.payload,
  )

/** Such as `422 …`. */
const refused = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: { status?: number; message: string }) => `${error.status ?? ''} ${error.message}`.trim(),
  )

async function pull(
  branch: string,
  draft = false,
): Promise<{ number: number; node_id: string; sha: string }> {
  await github.as('maya').pushes(branch, { [`${branch}.txt`]: 'one\n' })
  const { number } = await github.as('maya').opensPull({ head: branch, title: `Add ${branch}`, draft })
  const { data } = await bot.pulls.get({ ...shop, pull_number: number })
  return { number, node_id: data.node_id, sha: data.head.sha }
}

describe('branches', () => {
  const removal = `mutation ($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`
  const remove = async (branch: string, beforeOid: string) => {
    const { data } = await bot.repos.get(shop)
    const refUpdates = [{ name: `refs/heads/${branch}`, beforeOid, afterOid: '0'.repeat(40) }]
    return bot.graphql(removal, { input: { repositoryId: data.node_id, refUpdates } })
  }

  test('one goes only where it was seen, and all of them or none', async () => {
    const { sha } = await github.as('maya').pushes('moving', { 'm.txt': '1' })
    const moved = await github.as('maya').pushes('moving', { 'm.txt': '2' })
    expect(await refused(remove('moving', sha))).toContain('Reference cannot be updated')
    expect(await github.branches()).toContain('moving')
    await remove('moving', moved.sha)
    expect(await github.branches()).not.toContain('moving')
    expect(await seen('delete')).toMatchObject({ ref: 'moving', ref_type: 'branch' })
    expect(await refused(remove('moving', moved.sha))).toContain('Reference cannot be updated')
  })
})

describe('pull requests', () => {
  test('are made ready and drafts again', async () => {
    const { number } = await pull('drafted', true)
    await github.as('maya').readies(number)
    expect(await seen('pull_request', 'ready_for_review')).toMatchObject({ pull_request: { draft: false } })
    await github.as('maya').convertsToDraft(number)
    expect(await seen('pull_request', 'converted_to_draft')).toMatchObject({ pull_request: { draft: true } })
  })

  test('several repeatable effects in one request', async () => {
    const { node_id: id, number } = await pull('several')
    const { user } = await bot.graphql<{ user: { id: string } }>('{ user(login: "theo") { id } }')
    const text = `mutation ($id: ID!, $who: [ID!]!) {
      updatePullRequest(input: { pullRequestId: $id, body: "Closes #1" }) { pullRequest { body } }
      requestReviews(input: { pullRequestId: $id, userIds: $who, union: true }) { pullRequest { number } }
      addReaction(input: { subjectId: $id, content: EYES }) { reaction { content databaseId } }
      removeReaction(input: { subjectId: $id, content: EYES }) { subject { id } }
    }`
    expect(await bot.graphql(text, { id, who: [user.id] })).toMatchObject({
      updatePullRequest: { pullRequest: { body: 'Closes #1' } },
      requestReviews: { pullRequest: { number } },
      addReaction: { reaction: { content: 'EYES' } },
      removeReaction: { subject: { id } },
    })
    expect((await github.thread(number)).reactions).toEqual([])
    expect(await seen('pull_request', 'review_requested')).toMatchObject({ number })
  })
})

describe('repositories', () => {
  test('renamed: the old name leads to the new one, for every method', async () => {
    const repository = await github.addRepo('acme', 'before')
    const { number } = await github.as('maya', repository).opensIssue({ title: 'Stays' })
    expect(await github.as('olga', repository).renamesRepository('after')).toBe('acme/after')
    const old = { owner: 'acme', repo: 'before', issue_number: number }
    await bot.issues.createComment({ ...old, body: 'Found it.' })
    expect((await github.thread(number, 'acme/after')).comments).toHaveLength(1)
    expect((await bot.issues.get(old)).data.title).toBe('Stays')
    const renamed = await seen('repository', 'renamed')
    expect(valueAt(renamed, 'changes', 'repository', 'name', 'from')).toBe('before')
    expect(textAt(renamed, 'repository', 'full_name')).toBe('acme/after')
  })

  test('archived: everything can be read and nothing written', async () => {
    const repository = await github.addRepo('acme', 'frozen')
    const { number } = await github.as('maya', repository).opensIssue({ title: 'Old' })
    const { data } = await bot.issues.get({ owner: 'acme', repo: 'frozen', issue_number: number })
    await github.as('olga', repository).archivesRepository()
    expect(await seen('repository', 'archived')).toMatchObject({ repository: { archived: true } })
    const comment = bot.issues.createComment({
      owner: 'acme',
      repo: 'frozen',
      issue_number: number,
      body: 'x',
    })
    expect(await refused(comment)).toMatch(/^403 Repository was archived so is read-only\./)
    const react = `mutation { addReaction(input: { subjectId: "${data.node_id}", content: EYES }) { subject { id } } }`
    expect(await refused(bot.graphql(react))).toContain('read-only')
    await github.as('olga', repository).archivesRepository(false)
    expect(await seen('repository', 'unarchived')).toMatchObject({ repository: { archived: false } })
  })

  test('deleted: nothing is there, and the webhook still says what it was', async () => {
    const repository = await github.addRepo('acme', 'doomed')
    await github.as('olga', repository).deletesRepository()
    expect(await seen('repository', 'deleted')).toMatchObject({ repository: { full_name: 'acme/doomed' } })
    expect(await refused(bot.repos.get({ owner: 'acme', repo: 'doomed' }))).toMatch(/^404/)
  })

  test('transferred: another installation’s now', async () => {
    const repository = await github.addRepo('acme', 'leaving')
    const { id } = (await bot.repos.get({ owner: 'acme', repo: 'leaving' })).data
    expect(await github.as('olga', repository).transfersRepository('globex')).toBe('globex/leaving')
    const removed = await seen('installation_repositories', 'removed')
    expect(removed).toMatchObject({
      installation: { id: github.installationId },
      repositories_removed: [{ id }],
    })
    const transferred = await seen('repository', 'transferred')
    expect(transferred).toMatchObject({ installation: { id: github.installationOf('globex') } })
    expect(await refused(mint(github.installationId, id))).toMatch(/^422/)
    expect(await refused(mint(github.installationOf('globex'), id))).toBe('accepted')
  })
})

const mint = (installation_id: number, repository: number): Promise<unknown> =>
  app.apps.createInstallationAccessToken({ installation_id, repository_ids: [repository] })

describe('the installation', () => {
  test('a repository taken out: no token for it, no event from it, and nothing written with one of before', async () => {
    const repository = await github.addRepo('globex', 'taken-out')
    const theirs = clientFor(github.installationOf('globex'))
    const { number } = await github.as('maya', repository).opensIssue({ title: 'Here' })
    const { id } = (await theirs.repos.get({ owner: 'globex', repo: 'taken-out' })).data
    await github.settled()
    received = []
    await github.removeRepository(repository)
    expect(await seen('installation_repositories')).toMatchObject({
      action: 'removed',
      repositories_removed: [{ id }],
    })
    await github.as('maya', repository).comments(number, 'Hello?')
    await github.settled()
    expect(received.map(({ event }) => event)).toEqual(['installation_repositories'])
    expect(await refused(mint(github.installationOf('globex'), id))).toMatch(/^422/)
    const at = { owner: 'globex', repo: 'taken-out', issue_number: number }
    expect(await refused(theirs.issues.createComment({ ...at, body: 'x' }))).toMatch(/^403/)
    expect((await theirs.issues.get(at)).data.title).toBe('Here')
  })

  test('suspended: its tokens are refused until it is not', async () => {
    const theirs = clientFor(github.installationOf('globex'))
    const listed = async () =>
      (await app.apps.listInstallations()).data.map(one => [one.id, one.suspended_at !== null])
    await theirs.apps.listReposAccessibleToInstallation()
    await github.suspend('globex')
    expect(await seen('installation', 'suspend')).toMatchObject({
      installation: { account: { login: 'globex' } },
    })
    expect(await refused(theirs.apps.listReposAccessibleToInstallation())).toMatch(
      /^403 This installation has been/,
    )
    expect(await listed()).toContainEqual([github.installationOf('globex'), true])
    await github.unsuspend('globex')
    expect(await listed()).toContainEqual([github.installationOf('globex'), false])
    await theirs.apps.listReposAccessibleToInstallation()
  })

  test('uninstalled: gone, with all its tokens', async () => {
    const repository = await github.addRepo('initech', 'left-behind')
    const theirs = clientFor(github.installationOf('initech'))
    const { id } = (await theirs.repos.get({ owner: 'initech', repo: 'left-behind' })).data
    await github.uninstall('initech')
    const told = await seen('installation', 'deleted')
    expect(told).toMatchObject({ repositories: [{ id, full_name: repository }] })
    expect(told).not.toHaveProperty('repository')
    expect(await refused(theirs.repos.get({ owner: 'initech', repo: 'left-behind' }))).toMatch(/^40[14]/)
    expect(await refused(mint(github.installationOf('initech'), id))).toMatch(/^404/)
    expect((await app.apps.listInstallations()).data.map(one => one.id)).not.toContain(
      github.installationOf('initech'),
    )
  })
})

describe('GitHub’s description of its API', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'an operation that is none',
      () => bot.request('GET /repos/acme/shop/issues/1/mood'),
      /no such operation/,
    ],
    [
      'a query that is none',
      () => bot.request('GET /repos/acme/shop/pulls?label=x'),
      /additional properties/,
    ],
    ['a value that is none', () => bot.request('GET /repos/acme/shop/pulls?state=odd'), /allowed values/],
    ['a path of another type', () => bot.request('GET /repos/acme/shop/issues/seven'), /integer/],
    [
      'a body without what is needed',
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
    const client = new Octokit({ baseUrl: other.url, authStrategy: createAppAuth, auth, log: quiet })
    await refused(client.request('GET /repos/acme/shop/issues/1/mood'))
    await expect(other.close()).rejects.toThrow(
      /GitHub knows no such request:\nGET .*mood: api.github.com: no such/,
    )
  })
})
