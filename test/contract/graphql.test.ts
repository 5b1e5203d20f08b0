/**
 * Every query and mutation, where GitHub refuses one of its fields, or has reached its limit: what the rest can do
 * without is left out, any other refusal is told, and a limit is waited for.
 */
import { isDeepStrictEqual } from 'node:util'
import { type FieldNode, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import { gitHubSchema } from '../../emulators/github/graphql.ts'
import { listAt, numberAt, textAt } from '../../emulators/github/json.ts'
import type { Call } from '../../emulators/github/ledger.ts'
import { Rejected } from '../../src/core/model/errors.ts'
import { clientsFor, look } from '../support/emulated-thread.ts'
import { nameOfCall } from '../world/calls.ts'

let github: GitHubEmulator
let repoId: number

beforeAll(async () => {
  github = await startGitHub()
  repoId = numberAt(await look(github, ''), 'id')
  await github.hands.commit(
    github.repository,
    'main',
    'main',
    { '.github/codex.yml': 'branch_prefix: codex/\n' },
    'Settings',
  )
})

afterEach(() => {
  github.clearFaults()
  github.graphql.denies = []
  github.takeViolations()
})

afterAll(() => github.close())

/** A client that has met no server yet, on a thread of its own. */
async function scene() {
  const maya = github.as('maya')
  const { number } = await maya.opensIssue({ title: 'Login is flaky', body: 'As said.' })
  const asked = await maya.comments(number, '/codex fix it')
  const clientOf = clientsFor(github, repoId)
  const pull = async (body = 'Done.') => {
    const head = `posthog/${number}`
    await github.hands.commit(github.repository, head, 'main', { [`${head}.md`]: 'done' }, 'Do it')
    return github.hands.openPull(github.repository, {
      head,
      base: 'main',
      title: 'Do it',
      body,
      draft: true,
    })
  }
  const [client, clientOn] = [clientOf(number), (pull: number) => clientOf(pull, 'pull')]
  return { maya, client, clientOn, number, asked, pull, stem: `codex/issue-${number}` }
}

type Scene = Awaited<ReturnType<typeof scene>>

/** What is done, and what can be seen of it. Nothing in that may differ from one scene to the next. */
const deeds: Record<string, (scene: Scene) => Promise<unknown>> = {
  async 'what a command asks'({ client, stem }) {
    await client.comments.post('What the bot said before.')
    await client.thread.readAhead()
    const { linked, ours, base } = await client.branches.ofIssue(stem)
    return {
      settings: await client.files.text('.github/codex.yml'),
      own: (await client.comments.earlier()).map(({ body }) => body),
      others: (await client.comments.ofOthers()).map(({ author, bot, body }) => ({
        author,
        bot,
        body,
      })),
      branches: { linked, ours, base },
      closing: await client.thread.closing(),
    }
  },

  async 'what was written on a pull request'({ maya, clientOn, pull, number: issue }) {
    const { number } = await pull()
    const path = `posthog/${issue}.md`
    await maya.comments(number, 'Looks good.')
    await maya.reviews(number, { body: 'Nearly.', comments: [{ path, line: 1, body: 'why?' }] })
    await maya.reviews(number, { body: '', comments: [{ path, line: 1, body: 'and this?' }] })
    const all = await clientOn(number).comments.ofOthers()
    const seen = all.map(({ author, bot, insider, body, in: where, on, createdAt, updatedAt }) => ({
      author,
      bot,
      insider,
      body,
      where,
      isEdited: updatedAt > createdAt,
      isHere: on?.path === path,
      line: on?.line,
      hunk: on?.hunk,
    }))
    expect(seen).toHaveLength(4)
    return seen.toSorted((a, b) => a.body.localeCompare(b.body))
  },

  async 'whether it was closed'({ client, maya, number }) {
    await maya.closes(number)
    await client.thread.readAhead()
    return (await client.thread.closing())?.by.login
  },

  async 'the branches of an issue'({ client, number, stem }) {
    await github.hands.commit(
      github.repository,
      `${stem}-x`,
      'main',
      { [`${stem}.md`]: 'x' },
      'Begin',
    )
    github.link(number, `${stem}-x`)
    const { linked, ours, base } = await client.branches.ofIssue(stem)
    const names = (branches: readonly { name: string }[]) =>
      branches.map(({ name }) => name.replace(stem, 'issue'))
    return {
      ours: names(ours),
      base,
      found: [...names(linked), ...names(ours)].includes('issue-x'),
    }
  },

  async 'a branch is made'({ client, stem }) {
    const { base, ids } = await client.branches.ofIssue(stem)
    await client.branches.create(`${stem}-y`, String(base?.sha), ids)
    return (await github.branches()).includes(`${stem}-y`)
  },

  async 'a branch goes, only from where it stood'({ client, stem }) {
    const sha = String((await client.branches.find('main'))?.sha)
    for (const name of ['stays', 'goes'])
      await client.branches.create(`${stem}-${name}`, sha, undefined)
    const files = { [`${stem}.md`]: 'more' }
    await github.hands.commit(github.repository, `${stem}-stays`, 'main', files, 'More')
    const { repository } = await client.branches.use(`${stem}-goes`)
    for (const name of ['stays', 'goes'])
      await client.branches.delete(`${stem}-${name}`, sha, repository)
    return (await github.branches())
      .filter(name => name.startsWith(`${stem}-`))
      .map(name => name.slice(stem.length))
  },

  async 'what uses a branch'({ client, pull, number }) {
    await pull()
    const { sha, isUsed } = await client.branches.use(`posthog/${number}`)
    return {
      isThere: sha !== undefined,
      isUsed,
      other: (await client.branches.use('nowhere')).isUsed,
    }
  },

  async 'a status is folded'({ client, number }) {
    await client.comments.post('Working.')
    const [own] = await client.comments.own()
    await client.thread.settle({ fold: String(own?.nodeId) })
    return (await github.thread(number)).comments.map(({ minimized }) => minimized)
  },

  async 'a review is heard'({ maya, client, pull }) {
    const { number } = await pull()
    await maya.reviews(number, { body: 'Hm.', comments: [] })
    const review = listAt(await look(github, `/pulls/${number}/reviews`))[0]
    const target = {
      kind: 'review',
      reviewId: numberAt(review, 'id'),
      nodeId: textAt(review, 'node_id'),
    } as const
    await client.thread.react(target, 'eyes')
    const [heard] = (await github.thread(number)).reviews
    await client.thread.settle({ reaction: { target } })
    const [left] = (await github.thread(number)).reviews
    return { heard: heard?.reactions, left: left?.reactions }
  },

  async 'a pull request is looked at and put right'({ client, number: thread, pull, asked }) {
    const { number } = await pull()
    const nodeOfAsked = textAt(await look(github, `/issues/comments/${asked.id}`), 'node_id')
    const target = { kind: 'thread', commentId: asked.id, nodeId: nodeOfAsked } as const
    await client.thread.react(target, 'eyes')
    const seen = await client.pulls.find(number, { login: 'maya' })
    const { refused } = await client.thread.settle({
      pull: { number, change: { body: 'Closes it.' }, assign: 'maya', review: 'maya' },
      reaction: { target, content: 'rocket' },
    })
    const { title, body, draft, state, author } = seen ?? {}
    const now = await look(github, `/pulls/${number}`)
    const { comments } = await github.thread(thread)
    return {
      seen: { title, body, draft, state, author },
      refused,
      body: textAt(now, 'body'),
      assigned: listAt(now, 'assignees').map(one => textAt(one, 'login')),
      asked: listAt(now, 'requested_reviewers').map(one => textAt(one, 'login')),
      reactions: comments.map(({ reactions }) => reactions),
    }
  },
}

/** `Type.field`, of all that a text asks for. */
async function fieldsOf(texts: readonly string[]): Promise<string[]> {
  const schema = await gitHubSchema()
  const fields = new Set<string>()
  for (const text of texts) {
    const types = new TypeInfo(schema)
    const Field = ({ name }: FieldNode) => {
      if (!name.value.startsWith('__')) fields.add(`${types.getParentType()?.name}.${name.value}`)
    }
    visit(parse(text), visitWithTypeInfo(types, { Field }))
  }
  return [...fields]
}

const queriesSent = (): string[] =>
  github.calls.filter(({ path }) => path === '/graphql').map(({ body }) => textAt(body, 'query'))

const done = async (deed: string): Promise<unknown> => deeds[deed]?.(await scene())

/** On a whole server, and what was asked there. */
async function wholeOf(deed: string) {
  github.forgetCalls()
  const outcome = await done(deed)
  return { outcome, fields: await fieldsOf(queriesSent()) }
}

/** What depends on nothing else is left out without a failure. */
const decorations = new Set(['a status is folded', 'a review is heard'])
/** What was read together is asked for singly, and a branch is made without a link to its issue. */
const survivors = new Set(['what a command asks', 'the branches of an issue', 'a branch is made'])

/** A refusal that is told by its part. */
const isPart = (field: string): boolean =>
  /^(?:Mutation\.(?!createLinkedBranch)|Query\.user$)/.test(field)

describe.each(Object.keys(deeds))('%s', deed => {
  test('where GitHub denies any of the fields', async () => {
    const { outcome, fields } = await wholeOf(deed)
    const asked = fields.filter(field => !isPart(field))
    expect(asked).not.toEqual([])
    const came: Record<string, unknown> = {}
    for (const field of asked) {
      github.graphql.denies = [field]
      came[field] = await done(deed).then(
        other => decorations.has(deed) || isDeepStrictEqual(other, outcome),
        (error: unknown) =>
          error instanceof Rejected && error.of === 'read' && !survivors.has(deed),
      )
    }
    expect(came).toEqual(Object.fromEntries(asked.map(field => [field, true])))
  })

  test('when GraphQL’s limit is reached, it is waited for', async () => {
    const { outcome } = await wholeOf(deed)
    expect(outcome).toBeDefined()
    const limit = github.fault({
      path: '/graphql',
      times: 1,
      fault: { kind: 'graphql-limit', resetInSeconds: 900 },
    })
    github.forgetCalls()
    await expect(done(deed)).rejects.toMatchObject({ name: 'RetryLater', why: 'rate-limit' })
    expect(limit.hits).toBe(1)
    expect(nameOfCall(github.calls.at(-1) as Call)).toMatch(/^graphql /)
  })
})

test.each([
  ['Mutation.updatePullRequest', ['change']],
  ['Mutation.addAssigneesToAssignable', ['assign']],
  ['Mutation.requestReviews', ['review']],
  ['Query.user', ['assign', 'review']],
  ['Mutation.addReaction', []],
  ['Mutation.removeReaction', []],
])('what GitHub refuses of them, %s, is told, and the rest is done', async (field, refused) => {
  github.graphql.denies = [field]
  const came = await done('a pull request is looked at and put right')
  const isDone = (part: string): boolean => !refused.includes(part)
  expect(came).toMatchObject({
    refused,
    body: isDone('change') ? 'Closes it.' : 'Done.',
    assigned: isDone('assign') ? ['maya'] : [],
    asked: isDone('review') ? ['maya'] : [],
  })
})

test.each<[string, (status: { id: number }) => unknown, string[], string?]>([
  ['goes along', () => {}, [], 'Done.'],
  ['that somebody deleted does not', ({ id }) => github.as('olga').deletesComment(id), ['status']],
])('a status beside the change of a pull request %s', async (_, happens, refused, shows) => {
  const { client, pull, number: thread } = await scene()
  const { number } = await pull()
  await client.pulls.find(number, { login: 'maya' })
  const { id } = await client.comments.post('Working.')
  const nodeId = textAt(await look(github, `/issues/comments/${id}`), 'node_id')
  await happens({ id })
  const settling = {
    pull: { number, change: { body: 'Closes it.' } },
    status: { nodeId, text: 'Done.' },
  }
  expect(await client.thread.settle(settling)).toMatchObject({
    refused,
    pull: { body: 'Closes it.' },
  })
  const shown = (await github.thread(thread)).comments.find(comment => comment.id === id)
  expect(shown?.body).toBe(shows)
})

test('what was read before a comment does not tell what stands before that one', async () => {
  const { maya, client, number, asked } = await scene()
  await client.thread.readAhead()
  const later = await maya.comments(number, 'A word in between.')
  github.forgetCalls()
  expect(await client.comments.ofOthers({ holds: asked.id })).toHaveLength(1)
  expect(github.calls).toEqual([])
  await client.thread.closing()
  await client.thread.readAhead()
  await maya.comments(number, '/codex go on')
  const since = Date.now() - 60_000
  const now = await client.comments.ofOthers({ since, holds: later.id + 1_000 })
  expect(now.map(({ body }) => body)).toContain('/codex go on')
})

test.each([
  ['with what was read ahead', [], true, 0],
  ['by itself where nothing is left of that', [], false, 1],
  ['by itself where a part of that was refused', ['Repository.refs'], true, 1],
])('which open pull requests close an issue is read %s', async (_, denies, isAhead, calls) => {
  const { client, number, pull } = await scene()
  const { number: closer } = await pull(`Fixes #${number}`)
  github.graphql.denies = denies
  if (isAhead) await client.thread.readAhead()
  github.forgetCalls()
  expect(await client.issue.closers()).toMatchObject([
    { number: closer, branch: `posthog/${number}` },
  ])
  expect(github.calls.filter(({ path }) => path === '/graphql')).toHaveLength(calls)
})

test('which open pull requests close an issue is not known where the App may not see it', async () => {
  const { client, clientOn, number, pull } = await scene()
  const { number: closer } = await pull(`Fixes #${number}`)
  github.graphql.denies = ['Issue.closedByPullRequestsReferences']
  expect(await client.issue.closers()).toBeUndefined()
  github.forgetCalls()
  expect(await clientOn(closer).issue.closers()).toEqual([])
  expect(github.calls).toEqual([])
})

test('a branch that GitHub does not let go stays', async () => {
  github.graphql.denies = ['Mutation.updateRefs']
  expect(await done('a branch goes, only from where it stood')).toEqual(['-goes', '-stays'])
})

test.each([['checks'], ['statuses'], ['checks', 'statuses']])(
  'what a pull request needs is known where an owner has not accepted %s %s',
  async (...withheld) => {
    const { client, pull } = await scene()
    const { number } = await pull()
    github.checks(number, 'unit tests', 'FAILURE')
    github.conflicts(number)
    github.installations.withhold('acme', withheld)
    onTestFinished(() => github.installations.withhold('acme', []))
    expect(await client.pulls.needs(number)).toMatchObject({ failedChecks: [], hasConflicts: true })
  },
)

test.each(['Commit.statusCheckRollup', 'StatusCheckRollup.contexts'])(
  'what a pull request needs is known without what the App may not see of checks: %s',
  async denied => {
    const { client, pull } = await scene()
    const { number } = await pull()
    github.checks(number, 'unit tests', 'FAILURE')
    github.status(number, 'ci/old', 'ERROR')
    github.conflicts(number)
    const seen = await client.pulls.needs(number)
    expect(seen?.failedChecks.map(({ name }) => name)).toEqual(['unit tests', 'ci/old'])
    github.graphql.denies = [denied]
    const size = { files: 1, additions: 1, deletions: 0 }
    expect(seen?.facts).toEqual({ size, checks: { passed: 0, failed: 2, running: 0 } })
    expect(await client.pulls.needs(number)).toEqual({ ...seen, failedChecks: [], facts: { size } })
  },
)

test('how its checks stand is counted, of each the newest, and how much it changes', async () => {
  const { client, pull } = await scene()
  const { number } = await pull()
  expect((await client.pulls.needs(number))?.facts?.checks).toBeUndefined()
  for (const conclusion of ['FAILURE', 'SUCCESS']) github.checks(number, 'unit tests', conclusion)
  for (const conclusion of ['SKIPPED', 'NEUTRAL', 'CANCELLED'])
    github.checks(number, conclusion, conclusion)
  github.beginsCheck(number, 'e2e')
  github.status(number, 'ci/old', 'PENDING')
  github.status(number, 'ci/older', 'ERROR')
  const { size, checks } = (await client.pulls.needs(number))?.facts ?? {}
  expect(checks).toEqual({ passed: 1, failed: 1, running: 2 })
  const views = [
    await client.pulls.find(number),
    await client.pulls.find(number, { login: 'maya', labels: [] }),
  ]
  expect(views.map(view => view?.size)).toEqual([size, size])
})
