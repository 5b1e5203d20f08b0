/** The search for Runs that the queue lost, where a service does not answer as it should. */
import { beforeEach, describe, expect, test } from 'vitest'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import { type Repository, threadSlot } from '../../src/core/model/thread.ts'
import type { PullView } from '../../src/core/model/views.ts'
import { type Marker, markerSigner } from '../../src/core/record/marker.ts'
import { backupOf } from '../../src/core/record/recovery-record.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import type { Attempt } from '../../src/maintenance/read-deliveries.ts'
import { adoptLost, type SearchDeps } from '../../src/maintenance/recover-runs.ts'
import {
  hour,
  issueThread,
  minute,
  pullView,
  runWith,
  second,
  t0,
  wordsAre,
} from '../core/given.ts'
import { clientOf } from '../support/client-of.ts'
import { deploymentWith } from '../support/deployment.ts'
import { fakeLog } from '../support/fake-log.ts'

const repository = (installationId: number): Repository => ({
  installationId,
  owner: `owner-${installationId}`,
  ownerId: 5,
  repo: 'shop',
  repoId: 100 + installationId,
  defaultBranch: 'main',
})

let now = t0
let memory: unknown
let read: string[] = []
let log: Attempt[] = []
let isEndless = false
let deliveredAt: number | undefined
let connectedAt = t0 - 1
/** By what is read. */
let faults = new Map<string, Error>()

function reads<T>(what: string, value: T): Promise<T> {
  const fault = faults.get(what)
  if (fault) return Promise.reject(fault)
  read.push(what)
  return Promise.resolve(value)
}

const deps: SearchDeps = {
  installations: {
    installations: () => reads('list', [1, 2, 3]),
    repositoriesOf: id => reads(`installation ${id}`, [repository(id)]),
    ownComments: ({ owner }) => reads(owner, []),
    subject: () => expect.fail('nothing is lost here'),
  },
  deliveries: {
    page: () => reads('log', { attempts: log, next: isEndless ? 'more' : undefined }),
  },
  delivered: { last: async () => deliveredAt },
  connectedAt: () => connectedAt,
  github: () => expect.fail('nothing is lost here'),
  tenantOf: () =>
    ({ tenant: 'one', posthog: {}, signer: { read: () => [], write: () => '' } }) as never,
  runs: { get: () => expect.fail('no run'), add: () => expect.fail('no run') },
  settings: deploymentWith(),
  log: fakeLog(),
  now: () => now,
}

const turn = (): Promise<number | undefined> =>
  adoptLost(deps)({
    memory,
    signal: new AbortController().signal,
    remember: async next => {
      memory = JSON.parse(JSON.stringify(next))
    },
  })

/** The first turn only waits for what was under way when the data was lost. */
async function search(): Promise<number | undefined> {
  now += (await turn()) ?? 0
  return turn()
}

beforeEach(() => {
  now = t0
  memory = undefined
  read = []
  faults = new Map()
  log = []
  isEndless = false
  deliveredAt = undefined
  connectedAt = t0 - 1
})

const forbidden = new Rejected('github', 403, '', 'IP not allowed', undefined, 'read')
const everything = [
  'list',
  ...[1, 2, 3].flatMap(id => [`installation ${id}`, `owner-${id}`]),
].toSorted()

test('looks into every repository of every installation, once', async () => {
  expect(await search()).toBeUndefined()
  expect(read.toSorted()).toEqual(everything)
  expect(await turn()).toBeUndefined()
  expect(read).toHaveLength(everything.length)
})

test.each<[string, string, Error]>([
  ['an installation that says no', 'installation 2', forbidden],
  ['a repository that says no', 'owner-2', forbidden],
  ['a repository that gives no answer', 'owner-2', new NoResponse('github', '502')],
  [
    'the limit of an installation',
    'owner-1',
    new RetryLater('github', t0 + hour, 'rate-limit', 'limit'),
  ],
])('%s keeps nobody else waiting, and is asked again', async (_, where, fault) => {
  faults.set(where, fault)
  const wait = await search()
  expect(wait).toBeGreaterThan(0)
  const others = [1, 2, 3]
    .map(id => `owner-${id}`)
    .filter(owner => !owner.endsWith(where.slice(-1)))
  expect(read).toEqual(expect.arrayContaining(others))
  faults.clear()
  now += wait ?? 0
  expect(await turn()).toBeUndefined()
  expect(read.toSorted()).toEqual(everything)
})

const attempt = (given: Partial<Attempt>): Attempt => ({
  id: '1',
  guid: 'g',
  event: 'issues',
  at: now,
  ok: true,
  redelivery: false,
  ...given,
})
const happened = (id: number, at = now) =>
  attempt({ at, where: { installationId: id, repoId: repository(id).repoId } })

describe('a queue that has looked everywhere before', () => {
  beforeEach(async () => {
    await search()
    expect(read).toHaveLength(everything.length)
    read = []
  })

  test('looks again once it is connected to again: where something happened since, at two calls and two for the repository', async () => {
    connectedAt = now += minute
    log = [happened(2), happened(2), happened(3, now - 2 * hour)]
    await search()
    // And once for its checks.
    expect(read).toEqual(['log', 'installation 2', 'owner-2'])
    for (let turns = 0; turns < 100; turns++) now += (await turn()) ?? minute
    expect(read).toHaveLength(3)
  })

  test.each<[string, () => unknown]>([
    [
      'is absent',
      () => faults.set('log', new Rejected('github', 404, '', 'Not Found', undefined, 'read')),
    ],
    ['is longer than a hundred pages', () => (isEndless = true)],
  ])('looks everywhere if the log of webhooks %s', async (_, given) => {
    given()
    connectedAt = now += hour
    log = [happened(2)]
    await search()
    expect(read.filter(what => what !== 'log').toSorted()).toEqual(everything)
    expect(read.filter(what => what === 'log').length).toBeLessThanOrEqual(100)
  })
})

test('who says no for half an hour is left alone', async () => {
  faults.set('installation 2', forbidden)
  let wait = await search()
  const since = now
  while (wait !== undefined) {
    now += wait
    wait = await turn()
  }
  expect(now - since).toBeGreaterThanOrEqual(30 * minute)
  expect(now - since).toBeLessThan(31 * minute)
})

const open = pullView()

describe('a run that was lost', () => {
  const run = runWith({})
  const signer = markerSigner('a secret of this test, 32 letters')
  const marker = { run: run.id, repo: issueThread.repoId, thread: issueThread.number } as const
  const isOurs = signer.write({ ...marker, as: 'pull', thread: open.number, pull: open.number })
  let added: Run[] = []
  let places: object[] = []
  /** What it remembered of a search before. */
  let again: unknown
  beforeEach(() => {
    added = []
    places = []
    again = undefined
    deliveredAt = t0
  })

  const search = (
    remember: (memory: unknown) => Promise<void>,
    view?: PullView,
    before: string[] = [],
    lost: Run = run,
    more: Partial<Marker> = {},
  ) => {
    const backup = backupOf(lost)
    const comments = [...before, run.id].map((id, n) => ({
      id: 901 + n,
      number: issueThread.number,
      createdAt: t0,
      changedAt: t0,
      body: signer.write({
        ...marker,
        run: id,
        as: 'status',
        backup,
        pull: view?.number,
        task: id,
        ...more,
      }),
    }))
    const found: SearchDeps = {
      ...deps,
      delivered: { last: async () => deliveredAt && now },
      installations: {
        installations: async () => [1],
        repositoriesOf: async () => [issueThread],
        ownComments: async () => comments,
        subject: async () => ({ thread: issueThread, snapshot: run.baseline.snapshot }),
      },
      github: () =>
        clientOf({ 'files.text': async () => undefined, 'pulls.find': async () => view }),
      tenantOf: () => ({ tenant: 'one', posthog: { runIds }, signer }) as never,
      runs: {
        get: async () => undefined,
        add: async (id, lost, slot, addedAt) => {
          added.push(lost)
          places.push({ slot, addedAt })
          return { id, outcome: 'added' }
        },
      },
    }
    const signal = new AbortController().signal
    return adoptLost(found)({
      memory: again ?? { since: t0, from: now, unread: [issueThread] },
      signal,
      remember,
    })
  }
  const runIds = async (task: string) => {
    if (task === 'gone') throw new Rejected('posthog', 404, '', 'Not found.', undefined, 'read')
    return []
  }
  const keeps = async () => {}

  test('is found behind one whose task is gone', async () => {
    expect(await search(keeps, undefined, ['gone'])).toBe(30 * second)
    expect(added.map(({ id }) => id)).toEqual([run.id])
  })

  const slot = threadSlot(issueThread)
  test.each([
    ['its last word is missed', 'work' as const, [{ slot, addedAt: t0 }]],
    ['a review is not among the comments that are read', 'review' as const, []],
  ])('comes back if its last word is missed: %s', async (_, what, expected) => {
    now = t0 + hour
    const ended = changed(run, {
      request: { ...run.request, what },
      result: { outcome: { kind: 'answer' }, concludedAt: t0 + minute },
    })
    await search(keeps, undefined, [], ended)
    expect(added.map(({ id }) => id)).toEqual(expected.map(() => run.id))
    expect(places).toEqual(expected)
  })

  test('is not brought back by what was read before the data was lost once more', async () => {
    const again = search(() => Promise.reject(new Error('its lock went with the data')))
    await expect(again).rejects.toThrow('its lock')
    expect(added).toEqual([])
    await search(keeps)
    expect(added.map(({ id }) => id)).toEqual([run.id])
  })

  const keepsAll = async (next: unknown) => {
    again = JSON.parse(JSON.stringify(next))
  }

  test('waits for a webhook, and costs nothing meanwhile', async () => {
    deliveredAt = undefined
    expect(await search(keepsAll)).toBeUndefined()
    const calls = read.length
    for (let turns = 0; turns < 100; turns++) now += (await search(keepsAll)) ?? 5 * second
    expect([added, read.length]).toEqual([[], calls])

    deliveredAt = now
    await search(keepsAll)
    expect(added.map(({ id }) => id)).toEqual([run.id])
  })

  test('is not taken for what its session did before', async () => {
    const earlier = { taskId: 'task', taskRunId: 'before', over: false }
    const lost = changed(run, { session: { taskId: 'task', earlier } })
    await search(keeps, undefined, [], lost, { task: 'task', taskRun: 'before' })
    expect(added.map(({ session }) => session.taskRun)).toEqual([undefined])
    await search(keeps, undefined, [], changed(lost, wordsAre()), {
      task: 'task',
      taskRun: 'before',
    })
    expect(added.at(-1)?.session.taskRun?.id).toBe('before')
  })

  test.each([
    ['whose base and body are as the agent left them is put right', 'Closes #7', [open.number]],
    ['that was put right carries our marker, and is left alone', `${isOurs}\nCloses #7`, []],
  ])('its pull request %s', async (_, body, untended) => {
    await search(keeps, { ...open, body })
    expect(added.map(({ result }) => [result.pulls.length, result.untended])).toEqual([
      [1, untended],
    ])
  })
})

test('where GitHub does not list the installations, the queue has it asked again', async () => {
  faults.set('list', new NoResponse('github', '502'))
  await expect(turn()).rejects.toThrow('502')
  expect(memory).toBeUndefined()
})
