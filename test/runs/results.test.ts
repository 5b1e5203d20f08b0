/** What came of the work: whose pull request it is, where commits are, and what stands in the way of a branch. */
import { describe, expect, test } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import { maxClaims } from '../../src/core/model/own-pull-request.ts'
import type { CommitView, PullView } from '../../src/core/model/views.ts'
import type { Run } from '../../src/core/run/run.ts'
import type { UnusedBranch } from '../../src/core/run/unused-branch.ts'
import { dropBranch, findBranch } from '../../src/runs/steps/find-branch.ts'
import { adoptPull, findResult } from '../../src/runs/steps/find-result.ts'
import { handWith } from '../commands/command-world.ts'
import { ask, branch, minute, pull, runWith, t0, taskRun, working } from '../core/given.ts'

const view = (differs: Partial<PullView> = {}): PullView => ({
  number: 9,
  url: pull.url,
  title: 'Wait for the session',
  body: '',
  draft: true,
  state: 'open',
  head: { ref: 'posthog/login', sha: 'e'.repeat(40), base: 'main', repoId: 100 },
  author: { login: 'posthog[bot]', bot: true },
  createdAt: t0 + minute,
  mergedAt: undefined,
  ...differs,
})

const ourHead = view().head

describe('a pull request that the agent names', () => {
  const adopted = async (named: PullView, descended = false) => {
    const done: string[] = []
    const context = handWith(working({ claimedPulls: [named.url] }), {
      github: {
        pull: async () => named,
        isDescendant: async () => descended,
        amendPull: async (number, { body }) => {
          done.push(`amend ${number}`)
          return { ...named, body: body ?? '' }
        },
        assign: async number => void done.push(`assign ${number}`),
        requestReview: async number => void done.push(`review ${number}`),
      },
    })
    const run = await adoptPull(context, named.url)
    return { pulls: run.pulls.map(({ number }) => number), foreign: run.foreignPulls, done }
  }
  const stranger = { login: 'eve', bot: false }

  test.each<[string, PullView, boolean]>([
    ['by the App that PostHog works with', view(), false],
    ['by a person, begun where the run began', view({ author: stranger }), true],
    ['by another bot, begun where the run began', view({ author: { login: 'ci[bot]', bot: true } }), true],
  ])('%s is ours', async (_, named, descended) => {
    const { pulls, done } = await adopted(named, descended)
    expect(pulls).toEqual([9])
    expect(done).toEqual(['amend 9', 'assign 9', 'review 9'])
  })

  test.each<[string, PullView, boolean]>([
    [
      'from a fork whose branch is called main',
      view({ head: { ...ourHead, ref: 'main', repoId: 200 } }),
      true,
    ],
    ['from a fork', view({ head: { ...ourHead, repoId: 200 } }), true],
    ['from a fork that is gone', view({ head: { ...ourHead, repoId: null } }), true],
    ['from the default branch', view({ head: { ...ourHead, ref: 'main' } }), true],
    ['opened before the run began', view({ createdAt: t0 - 1 }), true],
    ['by a person, from elsewhere', view({ author: stranger }), false],
    [
      'by somebody who calls himself like the App',
      view({ author: { login: 'posthog[bot]', bot: false } }),
      false,
    ],
    ['by another bot, from elsewhere', view({ author: { login: 'ci[bot]', bot: true } }), false],
    ['by an account that is gone, from elsewhere', view({ author: undefined }), false],
  ])('%s is left alone', async (_, named, descended) => {
    expect(await adopted(named, descended)).toEqual({ pulls: [], foreign: [pull.url], done: [] })
  })

  test.each([
    'https://github.com/acme/other/pull/9',
    'https://evil.example/acme/shop/pull/9',
    'https://github.com/acme/shop/issues/9',
  ])('elsewhere is not even looked up: %s', async url => {
    const run = await adoptPull(handWith(working({ claimedPulls: [url] })), url)
    expect(run.foreignPulls).toEqual([url])
  })

  test('is looked up a handful of times at most', async () => {
    let looks = 0
    let run = working()
    for (let number = 20; number < 40; number += 1) {
      const github = {
        pull: async () => {
          looks += 1
          return undefined
        },
      }
      run = await adoptPull(handWith(run, { github }), `https://github.com/acme/shop/pull/${number}`)
    }
    expect(looks).toBe(maxClaims)
    expect(run.foreignPulls).toHaveLength(20 - maxClaims)
  })

  test('that GitHub does not show yet is asked for again for five minutes, and then put aside', async () => {
    const url = 'https://github.com/acme/shop/pull/20'
    let run = working({ claimedPulls: [url] })
    const asked: number[] = []
    for (let at = t0; run.claimedPulls.length > 0; at = run.unseenPulls[url]?.until ?? at) {
      asked.push(at - t0)
      const github = { pull: async () => undefined }
      run = await adoptPull(handWith(run, { github, now: () => at }), url)
    }
    expect(asked.slice(0, 5)).toEqual([0, 1_000, 2_000, 4_000, 8_000])
    expect(asked.at(-1)).toBeGreaterThanOrEqual(5 * minute)
    expect(asked.length).toBeLessThan(20)
    expect(run).toMatchObject({ foreignPulls: [url], claimsSeen: 1 })
  })

  test('that shows a moment later is taken', async () => {
    const url = 'https://github.com/acme/shop/pull/20'
    const unseen = await adoptPull(
      handWith(working({ claimedPulls: [url] }), { github: { pull: async () => undefined } }),
      url,
    )
    expect(unseen).toMatchObject({
      claimedPulls: [url],
      foreignPulls: [],
      unseenPulls: { [url]: { since: t0, until: t0 + 1_000 } },
    })
  })
})

describe('commits after the merge', () => {
  test('get a new pull request', async () => {
    const opened: string[] = []
    const merged = view({ state: 'merged', mergedAt: t0 + minute, head: { ...ourHead, ref: branch.name } })
    const fresh = view({ number: 10, author: { login: 'codex[bot]', bot: true } })
    const hand = handWith(
      working({
        pulls: [{ ...pull, head: branch.name, state: 'merged' }],
        reported: 1,
        taskRun: { ...taskRun, status: 'completed' },
      }),
      {
        github: {
          pullsFrom: async () => [merged],
          branch: async name => ({ name, sha: 'f'.repeat(40) }),
          commitsSince: async (_, sha) => [{ sha, byPerson: false }],
          openPull: async ({ head }) => {
            opened.push(head)
            return fresh
          },
          amendPull: async (_, { body }) => ({ ...fresh, body: body ?? '' }),
        },
      },
    )
    const run = await findResult(hand)
    expect(opened).toEqual([branch.name])
    expect(run.pulls.map(({ number, state }) => [number, state])).toEqual([
      [9, 'merged'],
      [10, 'open'],
    ])
  })
})

describe('commits that came meanwhile', () => {
  const agents = { sha: 'c'.repeat(40), byPerson: false }
  const persons = { sha: 'd'.repeat(40), byPerson: true }
  const asUser = { ...ask, options: { ...ask.options, authorship: 'user' as const } }
  const downgraded = { request: asUser, taskRun: { ...taskRun, authorship: 'bot' } }

  test.each<[string, Partial<Run>, CommitView[] | undefined, string | undefined]>([
    ['by the agent are its work', {}, [agents], agents.sha],
    ['by a person are not', {}, [persons], undefined],
    ['by a person after the agent do not hide its own', {}, [agents, persons], agents.sha],
    ['by a person before the agent do not hide its own', {}, [persons, agents], agents.sha],
    ['taken off again are nothing', {}, [], undefined],
    ['of another history can only be the end of it', {}, undefined, persons.sha],
    [
      'by a person, where the agent works as one, may be its own',
      { request: asUser },
      [persons],
      persons.sha,
    ],
    ['by a person, where PostHog has its bot write after all, are not', downgraded, [persons], undefined],
  ])('%s', async (_, differs, commits, pushed) => {
    const hand = handWith(working({ branch: { ...branch, made: false }, ...differs }), {
      github: {
        branch: async name => ({ name, sha: persons.sha }),
        commitsSince: async () => commits,
      },
    })
    expect((await findResult(hand)).pushed).toBe(pushed)
  })
})

describe('a branch that GitHub refuses', () => {
  const found = (error: Rejected) =>
    findBranch(
      handWith(runWith(), {
        github: {
          issueBranches: async () => ({
            linked: [],
            ours: [],
            base: { name: 'main', sha: 'a'.repeat(40) },
            ids: undefined,
          }),
          makeBranch: () => Promise.reject(error),
        },
      }),
    )

  test('by a ruleset is a failure of the set-up, with what to do, before anything is spent', async () => {
    const rule = 'Repository rule violations found: Cannot create ref due to creations being restricted.'
    const { outcome, branch: made } = await found(new Rejected('github', 422, '', rule))
    expect(made).toBeUndefined()
    expect(outcome).toMatchObject({
      kind: 'failed',
      class: 'setup',
      reason: expect.stringContaining('creations being restricted'),
      fix: expect.stringContaining('rulesets'),
    })
  })

  test('since the repository is archived says so', async () => {
    const error = new Rejected('github', 403, '', 'Repository was archived so is read-only.')
    expect((await found(error)).outcome).toMatchObject({
      class: 'setup',
      fix: expect.stringContaining('Unarchive'),
    })
  })
})

describe('a branch that ends up unused', () => {
  const ended: Partial<Run> = { taskRun: { ...taskRun, status: 'completed' } }

  const drop = async (
    given: Partial<Run> = {},
    { sha = branch.sha, isBase = false }: { sha?: string; isBase?: boolean } = {},
  ) => {
    const gone: string[] = []
    const left: [string, UnusedBranch][] = []
    const run = await dropBranch(
      handWith(working({ outcome: { kind: 'answer' }, ...ended, ...given }), {
        removeLater: async (...what) => void left.push(what),
        github: {
          branch: async name => ({ name, sha }),
          isBaseOfPull: async () => isBase,
          pullsFrom: async () => [],
          deleteBranch: async (name, from) => void gone.push(`${name} at ${from}`),
        },
      }),
    )
    expect(run.announced.branch).toBe(true)
    return { gone, left }
  }

  const dropped = async (differs: Partial<NonNullable<Run['branch']>>, sha?: string): Promise<string[]> => {
    const { gone, left } = await drop({ branch: { ...branch, ...differs } }, sha === undefined ? {} : { sha })
    expect(left).toEqual([])
    return gone
  }

  test('goes away, from where it stood', async () => {
    expect(await dropped({})).toEqual([`${branch.name} at ${branch.sha}`])
  })

  test('stays while its task run may use it, and is left for later', async () => {
    const { gone, left } = await drop({ taskRun, round: 2 })
    expect(gone).toEqual([])
    const session = { taskId: 'task-1', taskRunId: taskRun.id }
    const { thread, id } = working()
    const unused = { thread, name: branch.name, sha: branch.sha, session, since: t0, removing: false }
    expect(left).toEqual([[`${id}-2`, unused]])
  })

  test.each([
    ['that goes on', false, 1],
    ['that is over', true, 0],
  ])('is left for later because of an earlier session %s', async (_, over, later) => {
    const earlier = { taskId: 'task-1', taskRunId: 'run-0', over }
    const { gone, left } = await drop({ taskRun: undefined, earlier })
    expect([gone.length, left.length]).toEqual([1 - later, later])
  })

  test('is not left for later where a pull request goes into it', async () => {
    expect(await drop({ taskRun }, { isBase: true })).toEqual({ gone: [], left: [] })
  })

  test.each<[string, Partial<NonNullable<Run['branch']>>]>([
    ['that a person made, whatever it is called', { recorded: false }],
    ['that had commits when the run began', { fresh: false }],
    ['that is the default branch', { name: 'main' }],
  ])('%s stays', async (_, differs) => {
    expect(await dropped(differs)).toEqual([])
  })

  test('that moved stays', async () => {
    expect(await dropped({}, 'f'.repeat(40))).toEqual([])
  })

  const foundAgain = async (madeBranch: string | undefined) => {
    const identity = [{ name: branch.name, sha: branch.sha }]
    const base = { name: 'main', sha: branch.sha }
    const run = runWith(madeBranch === undefined ? {} : { madeBranch })
    const github = { issueBranches: async () => ({ linked: [], ours: identity, base, ids: undefined }) }
    return (await findBranch(handWith(run, { github }))).branch
  }

  test.each([
    ['that a run of the thread wrote down', branch.name, true],
    ['of a name like ours', undefined, false],
    ['beside the one that was written down', 'codex/issue-7', false],
  ])('%s is known for what it is', async (_, madeBranch, recorded) => {
    expect(await foundAgain(madeBranch)).toMatchObject({ name: branch.name, recorded })
  })

  test('is written down before it is made', async () => {
    const order: string[] = []
    const hand = handWith(runWith(), {
      save: async data => void order.push(`written ${data.madeBranch}`),
      github: {
        issueBranches: async () => ({
          linked: [],
          ours: [],
          base: { name: 'main', sha: branch.sha },
          ids: undefined,
        }),
        makeBranch: async name => {
          order.push(`made ${name}`)
          return { linked: true }
        },
      },
    })
    const run = await findBranch(hand)
    expect(order).toEqual([`written ${branch.name}`, `made ${branch.name}`])
    expect(run).toMatchObject({ madeBranch: branch.name, branch: { recorded: true } })
  })
})
