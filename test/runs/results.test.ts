/** What came of the work: whose pull request it is, where commits are, and what stands in the way of a branch. */
import { describe, expect, test } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import type { PullHead } from '../../src/core/model/thread.ts'
import type {
  CommitView,
  HeadView,
  PullView,
  Settling,
  SettlingPart,
} from '../../src/core/model/views.ts'
import { onDefaultBranch } from '../../src/core/record/failures.ts'
import type { UnusedBranch } from '../../src/core/record/own-pull-request.ts'
import { changed, type Outcome, type Run, type RunChange } from '../../src/core/record/run.ts'
import { defaultSettings as usual } from '../../src/core/settings/repository-settings.ts'
import { adoptPull } from '../../src/runs/steps/adopt-pull.ts'
import { dropBranch } from '../../src/runs/steps/drop-branch.ts'
import { findBranch } from '../../src/runs/steps/find-branch.ts'
import { findResult } from '../../src/runs/steps/find-result.ts'
import { askCost } from '../../src/runs/steps/follow-task-run.ts'
import { wantedBase } from '../../src/runs/steps/put-right.ts'
import { tendPull } from '../../src/runs/steps/tend-pull.ts'
import { afterStep, type Differs, handWith as handIn } from '../commands/command-world.ts'
import {
  ask,
  branch,
  head,
  intends,
  maya,
  minute,
  pull,
  pullThread,
  pullView,
  runWith,
  status,
  t0,
  taskRun,
  taskRunIs,
  working,
} from '../core/given.ts'

const taskMaking = { integrationFor: async () => undefined, createTask: async () => 'task-1' }

/** Whose PostHog makes tasks, and does not tell what they cost. */
const handWith = (run: Run, differs: Differs = {}) =>
  handIn(run, {
    ...differs,
    posthog: { cost: async () => undefined, ...taskMaking, ...differs.posthog },
  })

const compared = (commits: CommitView[], isDescendant = true) => ({
  commits,
  isDescendant,
  paths: [],
})

const branchIs = (differs: Partial<typeof branch>): RunChange => ({
  workspace: { branch: { ...branch, ...differs } },
})

const ourHead = pullView().head
/** As a view of a pull request has it. */
const from = ({ ref, ...head }: PullHead) => ({ head: ref, ...head })
const noBranches = { linked: [], ours: [], base: { name: 'main', sha: branch.sha }, ids: undefined }

describe('the base of a pull request', () => {
  const made = branchIs({ into: 'develop' })
  const given = { into: 'develop', name: 'maya/wip', made: false }
  const wasThere = branchIs(given)
  const asked = { request: { ...ask, options: { ...ask.options, base: 'develop' } } }
  test.each<[string, string, RunChange, string]>([
    ['a branch that we made', branch.name, made, 'develop'],
    ['a branch that was there', 'maya/wip', wasThere, 'maya/wip'],
    ['one that was there, with a base', 'maya/wip', { ...asked, ...wasThere }, 'develop'],
    ['the default branch', 'main', made, 'main'],
    ['the default branch, with a base', 'main', { ...asked, ...made }, 'develop'],
    ['somebody’s choice', 'release', { ...asked, ...made }, 'release'],
    ['itself', 'maya/wip', { ...asked, ...branchIs({ ...given, into: ourHead }) }, 'maya/wip'],
  ])('of %s', (_, base, change, expected) =>
    expect(wantedBase(runWith(change), pullView({ base }))).toBe(expected),
  )
})

describe('a pull request that is to be no draft', () => {
  const tended = async (outcome: Outcome, { draft = true } = {}) => {
    const settlings: Settling[] = []
    const run = working({
      result: { outcome, untended: [9], pulls: [{ ...pull, draft }] },
      request: { ...ask, origin: { kind: 'tick' } },
    })
    const settings = {
      ...run.baseline.settings,
      pull_request: { ...usual.pull_request, draft: false },
    }
    const settle = async (settling: Settling) => {
      settlings.push(settling)
      return { refused: [] }
    }
    const github = { 'thread.settle': settle }
    await afterStep(tendPull, handWith(changed(run, { baseline: { settings } }), { github }))
    return settlings.some(settling => settling.pull?.ready)
  }
  test.each<[string, Outcome, boolean]>([
    ['when the run has ended with it', { kind: 'pull' }, true],
    ['when it did not finish', { kind: 'unfinished', why: 'failed' }, false],
  ])('%s', async (_, outcome, expected) => {
    expect(await tended(outcome)).toBe(expected)
    expect(await tended(outcome, { draft: false })).toBe(false)
  })
})

describe('a pull request that the agent names', () => {
  const adopted = async (
    named: PullView,
    { descended = false, refused = [] as SettlingPart[] } = {},
  ) => {
    let now = named
    const done: string[][] = []
    const nodeId = 'IC_1'
    const given = {
      result: { claimedPulls: [named.url] },
      report: { status: { ...status, nodeId } },
    }
    const context = handWith(working(given), {
      github: {
        'pulls.find': async () => now,
        'commits.compare': async () => compared([], descended),
        'thread.settle': async ({ pull: parts, ...others }) => {
          const given = Object.entries({ ...parts, ...others }).filter(
            ([, part]) => part !== undefined,
          )
          done.push(given.map(([part]) => part).filter(part => part !== 'number'))
          now = { ...now, body: parts?.change?.body ?? now.body }
          return { pull: now, refused }
        },
      },
    })
    const found = await afterStep(adoptPull, context, { url: named.url })
    context.run = changed(found, { result: { outcome: { kind: 'pull' } } })
    const run = await afterStep(tendPull, context)
    const { pulls, foreignPulls: foreign } = run.result
    const isShown = found.report.status?.hash !== status.hash
    return { pulls: pulls.map(({ number }) => number), foreign, done, isShown }
  }
  const stranger = { login: 'eve', bot: false }
  const otherBot = { login: 'ci[bot]', bot: true }

  test.each<[string, PullView, boolean]>([
    ['by the App that PostHog works with', pullView(), false],
    ['by a person, begun where the run began', pullView({ author: stranger }), true],
    ['by another bot, begun where the run began', pullView({ author: otherBot }), true],
  ])('%s is ours', async (_, named, descended) => {
    const { pulls, done, isShown } = await adopted(named, { descended })
    expect(pulls).toEqual([9])
    expect(done, 'at once, and with its end').toEqual([
      ['change', 'status'],
      ['assign', 'reaction', 'status'],
    ])
    expect(isShown).toBe(true)
  })

  test('is shown by a step of its own, where the status could not go along', async () =>
    expect(await adopted(pullView(), { refused: ['status'] })).toMatchObject({
      isShown: false,
      pulls: [9],
    }))

  test.each<[string, PullView, boolean]>([
    ['from a fork whose branch is called main', pullView({ head: 'main', repoId: 200 }), true],
    ['from a fork', pullView({ repoId: 200 }), true],
    ['from the default branch', pullView({ head: 'main' }), true],
    ['opened before the run began', pullView({ createdAt: t0 - 1 }), true],
    ['by a person, from elsewhere', pullView({ author: stranger }), false],
    [
      'by somebody named like the App',
      pullView({ author: { login: 'posthog[bot]', bot: false } }),
      false,
    ],
  ])('%s is left alone', async (_, named, descended) =>
    expect(await adopted(named, { descended })).toMatchObject({
      pulls: [],
      foreign: [pull.url],
      done: [],
    }),
  )

  test('that GitHub does not show yet is asked for again for five minutes, and then put aside', async () => {
    const url = 'https://github.com/acme/shop/pull/20'
    let run = working({ result: { claimedPulls: [url] } })
    const asked: number[] = []
    for (
      let at = t0;
      run.result.claimedPulls.length > 0;
      at = run.retries[`pull ${url}`]?.until ?? at
    ) {
      asked.push(at - t0)
      const github = { 'pulls.find': async () => undefined }
      run = await afterStep(adoptPull, handWith(run, { github, now: () => at }), { url })
    }
    expect(asked.slice(0, 5)).toEqual([0, 1_000, 2_000, 4_000, 8_000])
    expect(asked.at(-1)).toBeGreaterThanOrEqual(5 * minute)
    expect(asked.length).toBeLessThan(20)
    expect(run).toMatchObject({ result: { foreignPulls: [url] } })
  })
})

const merged = (view: Partial<PullView>) =>
  pullView({ state: 'merged', mergedAt: t0 + minute, ...view })

async function found(
  run: RunChange,
  { views = [] as PullView[], heads = {} as Record<string, string> },
) {
  const opened: string[] = []
  const hand = handWith(working(run), {
    github: {
      'pulls.from': async ref => views.filter(({ head }) => head === ref),
      'branches.heads': async () =>
        Object.entries(heads).map(([name, sha]) => ({ name, sha, at: t0 })),
      'commits.compare': async (_, sha) => compared([{ sha, byPerson: false }]),
      'pulls.create': async ({ head, base, body }) => {
        opened.push(`opened ${head} → ${base}: ${body.split('\n')[0]}`)
        return pullView({ number: 10, head, base })
      },
      'thread.settle': async settling => ({
        pull: pullView({ number: 10, body: settling.pull?.change?.body ?? '' }),
        refused: [],
      }),
    },
  })
  const { result } = await afterStep(findResult, hand)
  const pulls = result.pulls.map(
    ({ number, state, draft }) => `#${number} ${draft && state === 'open' ? 'draft' : state}`,
  )
  const pushed = `pushed ${result.pushed?.slice(0, 1) ?? 'nothing'}`
  const alone = result.pushedBranch ? [`alone on ${result.pushedBranch}`] : []
  return [...pulls, ...opened, pushed, ...alone].join(' · ')
}

describe('where commits are, and which pull request shows them', () => {
  const late = 'f'.repeat(40)
  const own = { ref: 'maya/login', sha: 'b'.repeat(40), base: 'main', repoId: 100 }
  const elsewhere = { ...own, ref: 'posthog/login' }
  const onPull: RunChange = {
    thread: pullThread,
    baseline: { head: own },
    ...branchIs({ name: own.ref, sha: own.sha, made: false }),
  }
  const onBranchOf = (name: string) => branchIs({ name, made: false })
  const held = (changes: Partial<typeof pull> = {}): RunChange => ({
    result: { pulls: [{ ...pull, head: elsewhere.ref, ...changes }], reported: 1 },
  })
  const opensElsewhere = 'opened posthog/login → main: Closes #7'
  const onItsHead = (view: Partial<PullView>) => [pullView({ number: 8, ...from(own), ...view })]
  const mergedBefore = [merged({ number: 8, ...from(own) })]
  const onOwn = { [own.ref]: late }
  const onElsewhere = { [branch.name]: branch.sha, [elsewhere.ref]: late }

  const atElsewhere = taskRunIs({ headBranch: elsewhere.ref })
  const gaveUp: RunChange = {
    session: {
      taskRun: { ...taskRun, headBranch: elsewhere.ref, status: 'failed', error: 'No.' },
      sessionLog: { offset: 0, turns: 0, prompts: [], gaveUp: 'No.' },
    },
  }
  const renamed = held({ state: 'closed', head: 'posthog/old', sha: late })
  const stopped: RunChange = { mailbox: { stop: { by: maya, at: t0 } } }

  test.each<[string, RunChange, Parameters<typeof found>[1], string]>([
    [
      'a thread that was merged without them gets another',
      onPull,
      { views: mergedBefore, heads: onOwn },
      '#10 draft · opened maya/login → main: Goes on from #8, which was merged without these commits. · pushed f',
    ],
    [
      'an open thread shows them, said or not',
      onPull,
      { views: onItsHead({}), heads: onOwn },
      'pushed f',
    ],
    [
      'a thread that somebody closed is left alone',
      onPull,
      { views: onItsHead({ state: 'closed' }), heads: onOwn },
      'pushed f · alone on maya/login',
    ],
    [
      'nothing came where it was before',
      held({ state: 'merged' }),
      {
        views: [merged(from(elsewhere))],
        heads: { ...onElsewhere, [elsewhere.ref]: elsewhere.sha },
      },
      '#9 merged · pushed nothing',
    ],
    [
      'the news of a merge is still on its way',
      changed(held(), onBranchOf(elsewhere.ref)),
      { views: [merged(from(elsewhere))], heads: { [elsewhere.ref]: late } },
      `#9 merged · #10 draft · ${opensElsewhere} · pushed f`,
    ],
    [
      'a branch that the agent made without opening anything gets one',
      atElsewhere,
      { heads: onElsewhere },
      `#10 draft · ${opensElsewhere} · pushed f`,
    ],
    [
      'a turn that was cut off leaves it where it is',
      gaveUp,
      { heads: onElsewhere },
      'pushed f · alone on posthog/login',
    ],
    [
      'a branch that the agent renamed, whose pull request GitHub closed, gets another',
      changed(renamed, atElsewhere),
      { heads: onElsewhere },
      `#9 closed · #10 draft · ${opensElsewhere} · pushed f`,
    ],
    [
      'a stop leaves that one where it is',
      changed(renamed, atElsewhere, stopped),
      { heads: onElsewhere },
      '#9 closed · pushed f · alone on posthog/login',
    ],
    [
      'a branch of people, merged by them before, gets none',
      onBranchOf('develop'),
      { views: [merged({ number: 3, ...from(own), head: 'develop' })], heads: { develop: late } },
      'pushed f · alone on develop',
    ],
    [
      'of the default branch',
      onBranchOf('main'),
      { heads: { main: late } },
      'pushed f · alone on main',
    ],
  ])('%s', async (_, run, given, expected) => expect(await found(run, given)).toBe(expected))

  test.each([
    ['b'.repeat(40), 'f'],
    [late, 'nothing'],
    [undefined, 'nothing'],
  ])(
    'commits that later words added to the open pull request that stood at %j: %s',
    async (sha, pushed) => {
      const views = [pullView({ number: 9, ...from(elsewhere), sha: late })]
      const came = await found(held({ sha }), { views, heads: onElsewhere })
      expect(came).toBe(`#9 draft · pushed ${pushed}`)
    },
  )

  test('one whose opening was not answered is found again on a thread of its own head', async () => {
    const intent = [{ kind: 'open-pull' as const, at: t0, lostAt: t0 }]
    const views = [pullView({ number: 10, ...from(own), sha: late }), ...mergedBefore]
    const came = await found(changed(onPull, { attempts: { intent } }), { views, heads: onOwn })
    expect(came).toBe('#10 draft · pushed f')
  })
})

/** Later ones get a pull request of their own: a row above, and a story. */
describe('commits after the merge', () => {
  const view = merged({ head: branch.name })
  const byUs = { login: 'codex[bot]', bot: true }
  const lostOpening: RunChange = intends({ kind: 'open-pull', at: t0 + minute, lostAt: t0 })
  const known: RunChange = { result: { pulls: [{ ...pull, head: branch.name, state: 'merged' }] } }

  test.each<[string, RunChange, PullView, string]>([
    ['merged before the Run knew of it', {}, view, '#9 merged · pushed e'],
    [
      'merged when the answer to its opening was lost',
      lostOpening,
      { ...view, author: byUs },
      '#9 merged · pushed e',
    ],
    ['merged while it was known', known, view, '#9 merged · pushed e'],
    [
      'closed by somebody',
      {},
      { ...view, state: 'closed', mergedAt: undefined },
      'pushed e · alone on codex/issue-7-login-is-flaky',
    ],
  ])('are none where its pull request holds them all: %s', async (_, run, before, told) => {
    const given = changed(taskRunIs({ status: 'completed' }), run)
    const came = await found(given, { views: [before], heads: { [branch.name]: view.sha } })
    expect(came).toBe(told)
  })
})

describe('commits that came meanwhile', () => {
  const agents = { sha: 'c'.repeat(40), byPerson: false, app: 'posthog[bot]' }
  const persons = { sha: 'd'.repeat(40), byPerson: true }
  const merged = { ...agents, sha: 'e'.repeat(40) }
  const asUser = { ...ask, options: { ...ask.options, authorship: 'user' as const } }
  /** What it has checked out proves no push. */
  const readsMain = taskRunIs({ headBranch: 'main' })
  const onlyReads = { request: { ...ask, what: 'plan' as const }, ...readsMain }
  const downgraded = { request: asUser, ...taskRunIs({ authorship: 'bot' }) }

  test.each<[string, RunChange, CommitView[] | undefined, string | undefined]>([
    ['by the agent are its work', {}, [agents], agents.sha],
    ['by a person are not', {}, [persons], undefined],
    ['by a person after the agent do not hide its own', {}, [agents, persons], agents.sha],
    ['taken off again are nothing', {}, [], undefined],
    ['of another history can only be the end of it', {}, undefined, persons.sha],
    [
      'by a person, as whom the agent works, may be its own',
      { request: asUser },
      [persons],
      persons.sha,
    ],
    [
      'by a person, where PostHog has its bot write after all, are not',
      downgraded,
      [persons],
      undefined,
    ],
    ['by the agent, which was only to read', onlyReads, [agents, persons], agents.sha],
    ['by the agent before those of a merge', onlyReads, [agents, merged], agents.sha],
    ['of a merge, while it only read', onlyReads, [merged], undefined],
    ['of a merge, while it worked, are not asked about', {}, [merged], merged.sha],
    ['by a person, while it only read', onlyReads, [persons], undefined],
    [
      'by another App, while it only read',
      onlyReads,
      [{ ...agents, app: 'renovate[bot]' }],
      undefined,
    ],
    ['of another history, while it only read', onlyReads, undefined, undefined],
  ])('%s', async (_, differs, commits, pushed) => {
    const hand = handWith(working(branchIs({ made: false }), differs), {
      github: {
        'branches.heads': async () => [{ name: branch.name, sha: persons.sha, at: t0 }],
        'commits.compare': async () => commits && compared(commits),
        'commits.isMerged': async sha => sha === merged.sha,
        'pulls.from': async () => [],
      },
    })
    expect((await afterStep(findResult, hand)).result.pushed).toBe(pushed)
  })
})

describe('on a pull request that was there before, commits', () => {
  const [name, sha] = ['fix/there', 'c'.repeat(40)]
  const made = { sha, byPerson: false, at: t0 + minute }
  const view = pullView({ number: 3, head: name, sha, createdAt: t0 - minute })
  test.each<[string, Partial<CommitView>, boolean]>([
    ['of this run', {}, true],
    ['of before', { at: t0 - minute }, false],
    ['by a person', { byPerson: true }, false],
    ['of another run', { task: 'task-2' }, false],
  ])('%s', async (_, differs, isOurs) => {
    const github = {
      'branches.heads': async () => [
        { name, sha, at: t0 },
        { name: branch.name, sha: branch.sha, at: t0 },
      ],
      'commits.compare': async () => compared([{ ...made, ...differs }]),
      'pulls.from': async (ref: string) => (ref === name ? [view] : []),
    }
    const { result } = await afterStep(
      findResult,
      handWith(working(taskRunIs({ pushedTo: [name] })), { github }),
    )
    const { pushed, shownIn, pulls } = result
    expect([pushed, shownIn?.number, pulls]).toEqual(
      isOurs ? [sha, 3, []] : [undefined, undefined, []],
    )
  })
})

describe('what nobody asked for', () => {
  const [old, now] = ['a'.repeat(40), 'f'.repeat(40)]
  const own = branch.name
  const commit = (sha: string, differs: Partial<CommitView> = {}): CommitView => ({
    sha: sha.repeat(40),
    byPerson: false,
    task: 'task-1',
    subject: sha,
    ...differs,
  })
  const ours = commit('c')
  const mayas = commit('d', { byPerson: true, task: undefined })
  const others = commit('e', { task: 'task-2' })
  const nobodys = commit('b', { task: undefined, app: 'posthog[bot]' })
  const onMain = { name: 'main', into: 'main', sha: old, made: false, fresh: false }
  const plans: RunChange = { request: { ...ask, what: 'plan' }, workspace: { branch: onMain } }
  const copy = { ...ours, subject: 'd' }
  const beside = { name: 'posthog/left', sha: now, at: t0, task: 'task-1' }
  const untold = { ...beside, task: undefined, app: 'posthog[bot]' }

  interface Given {
    moved?: string
    head?: HeadView
    came?: CommitView[]
    went?: CommitView[]
    run?: RunChange
  }
  test.each<[string, Given, string?]>([
    ['a push to the default branch', { moved: 'main', came: [ours] }, 'straight main c'],
    ['by another agent it is none', { moved: 'main', came: [others] }],
    ['by a person it is none', { moved: 'main', came: [mayas] }],
    ['without a task it is nobody’s', { moved: 'main', came: [nobodys] }, 'unclaimed main b'],
    ['the same during a plan', { moved: 'main', came: [nobodys], run: plans }, 'unclaimed main b'],
    [
      'beside one of its own it is none',
      { moved: 'main', came: [ours, nobodys] },
      'straight main c',
    ],
    ['brought by a merge it is none', { moved: 'main', came: [commit('a')] }],
    ['a force push', { moved: own, came: [ours], went: [mayas] }, `dropped ${own} d`],
    ['a rebase, which copies, is none', { moved: own, came: [copy], went: [mayas] }],
    ['commits of agents may go', { moved: own, came: [ours], went: [others] }],
    [
      'a force push by a person is none',
      { moved: own, came: [mayas], went: [{ ...mayas, subject: 'x' }] },
    ],
    ['a branch beside the pull request', { head: beside, came: [ours] }, 'left posthog/left c'],
    ['one of another agent is none', { head: { ...beside, task: 'task-2' }, came: [ours] }],
    ['one of before is none', { head: { ...beside, at: t0 - minute }, came: [ours] }],
    ['one whose commits name no task is told', { head: untold }, 'unclaimed posthog/left f'],
    [
      'one with the same commits is none',
      { head: { ...beside, sha: pullView().sha }, came: [ours] },
    ],
  ])('%s', async (_, { moved, head, came = [], went = [], run = {} }, expected) => {
    const stood = { main: old, [own]: old }
    const heads = Object.keys(stood).map(name => ({
      name,
      sha: name === moved ? now : old,
      at: t0,
    }))
    const pulls = [{ ...pull, head: 'posthog/own', sha: pullView().sha }]
    const hand = handWith(working({ result: { heads: stood, pulls } }, run), {
      github: {
        'branches.heads': async () => (head ? [...heads, head] : heads),
        'commits.compare': async base => compared(base === now ? went : came, went.length === 0),
        'commits.isMerged': async sha => sha === 'a'.repeat(40),
        'pulls.from': async name => (name === own ? [pullView({ head: own, sha: now })] : []),
      },
    })
    const { strays, pushed } = (await afterStep(findResult, hand)).result
    const told = strays.map(
      ({ kind, branch, commits }) => `${kind} ${branch} ${commits.map(sha => sha[0])}`,
    )
    expect(told).toEqual(expected === undefined ? [] : [expected])
    if (expected?.startsWith('unclaimed')) expect(pushed).toBeUndefined()
  })
})

const restricted =
  'Repository rule violations found: Cannot create ref due to creations being restricted.'

test.each([
  ['by a ruleset', 422, restricted, 'creations being restricted', 'rulesets'],
  ['as it is archived', 403, 'Repository was archived so is read-only.', '', 'Unarchive'],
])(
  'a branch that GitHub refuses %s is a failure of the set-up, with what to do',
  async (_, status, message, reason, fix) => {
    const refused = () => Promise.reject(new Rejected('github', status, '', message))
    const github = { 'branches.ofIssue': async () => noBranches, 'branches.create': refused }
    const { result, workspace } = await afterStep(findBranch, handWith(runWith(), { github }))
    expect(workspace.branch).toBeUndefined()
    expect(result.outcome).toMatchObject({
      kind: 'failed',
      class: 'setup',
      reason: expect.stringContaining(reason),
      fix: expect.stringContaining(fix),
    })
  },
)

test('the default branch is not worked on, though people linked it to the issue', async () => {
  const linked = [{ name: 'main', sha: branch.sha }]
  const github = { 'branches.ofIssue': async () => ({ ...noBranches, linked }) }
  const { result } = await afterStep(findBranch, handWith(runWith(), { github }))
  expect(result.outcome).toEqual(onDefaultBranch)
})

const agents = { app: 'posthog[bot]', at: t0 + minute }
test.each<[string, Partial<HeadView>, lagsSince: number | undefined, moved: boolean]>([
  ['has not moved', { sha: head.sha }, undefined, false],
  ['was pushed by somebody', {}, t0, true],
  ['was pushed by another agent', agents, undefined, true],
  ['was pushed by an agent before', { ...agents, at: t0 - minute }, t0, true],
  ['has the work of this run, whose record may have forgotten its start', agents, t0, false],
  ['has it as commits of its tool', { task: 'task-1' }, t0, false],
])(
  'the head of a pull request, since its run was asked for: it %s',
  async (_, by, lagsSince, moved) => {
    const run = runWith({ thread: pullThread, baseline: { head }, attempts: { lagsSince } })
    const now = { name: head.ref, sha: 'c'.repeat(40), at: t0, ...by }
    const github = { 'branches.heads': async () => [now], 'thread.closing': async () => undefined }
    const { workspace, result } = await afterStep(findBranch, handWith(run, { github }))
    const { sha } = moved ? now : head
    expect([workspace.branch?.sha, result.heads[head.ref]]).toEqual([sha, sha])
    expect(workspace.headMoved).toEqual(moved ? { from: head.sha, to: sha } : undefined)
  },
)

describe('a branch that ends up unused', () => {
  const ended = taskRunIs({ status: 'completed' })

  const standing = { sha: branch.sha, isUsed: false, repository: 'R_1' }

  const drop = async (given: RunChange = {}, use = standing) => {
    const gone: string[] = []
    const left: [string, UnusedBranch][] = []
    const hand = handWith(working({ result: { outcome: { kind: 'answer' } } }, ended, given), {
      removeLater: async (...what) => void left.push(what),
      github: {
        'branches.use': async () => use,
        'branches.delete': async (name, from) => void gone.push(`${name} at ${from}`),
      },
    })
    expect((await afterStep(dropBranch, hand)).report.done).toContain('drop-branch')
    return { gone, left }
  }

  test('goes away, from where it stood', async () =>
    expect(await drop()).toEqual({ gone: [`${branch.name} at ${branch.sha}`], left: [] }))

  test('stays while its task run may use it, and is left for later', async () => {
    const { gone, left } = await drop({ session: { taskRun }, result: { round: 2 } })
    expect(gone).toEqual([])
    const session = { taskId: 'task-1', taskRunId: taskRun.id }
    const { thread, id } = working()
    const { name, sha } = branch
    const unused = { thread, name, sha, session, since: t0, removing: false, removed: false }
    expect(left).toEqual([[`${id}-2`, unused]])
  })

  test.each([
    ['that goes on', false, 1],
    ['that is over', true, 0],
  ])('is left for later because of an earlier session %s', async (_, over, later) => {
    const earlier = { taskId: 'task-1', taskRunId: 'run-0', over }
    const { gone, left } = await drop({ session: { taskRun: undefined, earlier } })
    expect([gone.length, left.length]).toEqual([1 - later, later])
  })

  const atWork: RunChange = { session: { taskRun } }
  const comesFromIt: RunChange = { result: { pulls: [{ ...pull, head: branch.name }] } }
  const isOnIt: RunChange = { result: { pushed: 'f'.repeat(40) } }
  test.each([
    ['into which a pull request goes', {}, { ...standing, isUsed: true }],
    ['from which a pull request is known to come', changed(atWork, comesFromIt), standing],
    ['that is known to have the work', changed(atWork, isOnIt), standing],
    [
      'that a person made, whatever it is called',
      { workspace: { madeBranch: undefined } },
      standing,
    ],
    ['that had commits when the run began', branchIs({ fresh: false }), standing],
    [
      'that is the default branch',
      { workspace: { branch: { ...branch, name: 'main' }, madeBranch: 'main' } },
      standing,
    ],
    ['that moved', {}, { ...standing, sha: 'f'.repeat(40) }],
  ])('%s stays, and is not left for later', async (_, given, use) =>
    expect(await drop(given, use)).toEqual({ gone: [], left: [] }),
  )

  const foundAgain = async (workspace: RunChange['workspace'], base = noBranches.base) => {
    const ours = [{ name: branch.name, sha: branch.sha }]
    const run = runWith({ workspace })
    const github = {
      'branches.ofIssue': async () => ({ ...noBranches, ours, base }),
      'thread.closing': async () => undefined,
    }
    return (await afterStep(findBranch, handWith(run, { github }))).workspace.branch
  }

  const base = { name: 'main', sha: 'e'.repeat(40) }
  test.each([
    ['has no commits where its base alone moved on', branch.sha, true],
    ['may have commits where its head is another', 'd'.repeat(40), false],
  ])('%s', async (_, madeFrom, fresh) =>
    expect(await foundAgain({ madeBranch: branch.name, madeFrom }, base)).toMatchObject({ fresh }),
  )

  test('is written down before it is made', async () => {
    const order: string[] = []
    const hand = handWith(runWith(), {
      save: async data => void order.push(`written ${data.workspace.madeBranch}`),
      github: {
        'branches.ofIssue': async () => noBranches,
        'branches.create': async name => {
          order.push(`made ${name}`)
          return { linked: true, open: true }
        },
      },
    })
    const run = await afterStep(findBranch, hand)
    expect(order).toEqual([`written ${branch.name}`, `made ${branch.name}`])
    expect(run).toMatchObject({ workspace: { madeBranch: branch.name, branch } })
  })
})

const closing = async () => ({ by: { login: 'olga', id: 1 }, at: t0 })
test.each([
  ['as its making tells', { 'branches.create': async () => ({ linked: true, open: false }) }],
  [
    'as GitHub says when it is asked',
    { 'branches.create': async () => ({ linked: false }), 'thread.closing': closing },
  ],
])(
  'a branch that is made in a thread that was closed has its turn taken again: %s',
  async (_, calls) => {
    const github = { 'branches.ofIssue': async () => noBranches, ...calls }
    const hand = handWith(runWith({ schedule: { admitted: true } }), { github })
    expect(await afterStep(findBranch, hand)).toMatchObject({ schedule: { admitted: false } })
  },
)

test.each([
  ['is asked for also right after a call that failed', {}, 0.42],
  ['is not before the time that PostHog named', { promised: t0 + 1_000 * minute }, null],
])('what it cost %s', async (_, promised, cost) => {
  const posthog = { why: 'no', since: t0, until: t0 + 1_000 * minute, count: 1, ...promised }
  const context = handWith(working({ retries: { posthog } }), {
    posthog: { cost: async () => 0.42 },
  })
  expect((await afterStep(askCost, context)).session.cost).toBe(cost)
})
