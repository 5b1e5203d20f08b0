import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import { Unfinished } from '../../src/core/model/task-run.ts'
import { agentFailure, gaveUpFailure, storedFault } from '../../src/core/record/agent-failures.ts'
import * as failures from '../../src/core/record/failures.ts'
import { failureOf } from '../../src/core/record/failures.ts'
import { offerAfter } from '../../src/core/record/last-word.ts'
import type { Outcome } from '../../src/core/record/run.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { branch, deployment, hour, runWith, t0 } from './given.ts'

const src = join(import.meta.dirname, '../../src')

/** What PostHog stored of the end of an agent: one of each kind. */
const stored: Record<string, string> = {
  'spend limit': 'task_spend_limit: unexpected status 402',
  'usage limit': 'subscription_usage_limit: You have hit your usage limit.',
  'no model':
    'agent_error: {"error":{"message":"The model \'gpt-9\' does not exist or you do not have access to it."}}',
  'no access': 'agent_error: unexpected status 401 Unauthorized, url: http://gateway/v1/responses',
  'no repository': 'Failed to clone repository acme/shop',
  policy: 'content_block_rejection: API Error: Content block is not allowed',
  'too long': "agent_error: Codex ran out of room in the model's context window.",
  'too busy': 'agent_error: exceeded retry limit, last status: 429 Too Many Requests',
  away: 'upstream_provider_failure: The upstream AI provider failed to process the request.',
  broke: 'agent_error: Internal error',
  'without words': 'Agent error',
  'no reason': '',
  outage: 'activity Heartbeat timeout',
  'stopped for a limit': 'Failed to provision sandbox: quota exceeded',
}

const refused = (status: number, code = '', service: 'github' | 'posthog' = 'posthog') =>
  failureOf(new Rejected(service, status, code, 'no'), { session: { taskId: 'task-1' } })

test('what a failure says', () => {
  const said = [
    ...Object.values(stored).map(error => agentFailure(storedFault(error), t0)),
    gaveUpFailure('The tests can not run here.'),
    gaveUpFailure(''),
    failures.crashed,
    failures.editedSince,
    failures.outOfUse('github', 'reset'),
    failures.earlierGoesOn,
    failures.neverStarted,
    failures.wentSilent,
    failures.unconfirmedStop,
    failures.notAnyMore,
    failures.planOutdated(branch),
    failures.noBranch('release'),
    failures.noCommit('main'),
    failures.archived,
    failures.refusedBranch('codex/issue-7', new Error('rules'), 'codex/'),
    ...[401, 404].map(code => refused(code)),
    refused(401, '', 'github'),
    failureOf(new Rejected('posthog', 404, '', 'no'), { session: {} }),
  ]
  expect(said.map(each => `${each.class}: ${each.reason} → ${each.fix}`)).toMatchInlineSnapshot(`
    [
      "quota: PostHog’s spend limit for one run is reached → Ask for less at once, or have the limit raised in PostHog. Then write \`/codex retry\`.",
      "quota: the usage limit of the AI provider is reached: You have hit your usage limit. → Wait until the limit resets, or have it raised in PostHog. Then write \`/codex retry\`.",
      "setup: PostHog does not know the model, or may not use it → Choose another model: \`/codex retry --model NAME\`.",
      "setup: the AI provider refused PostHog’s request for the model → Somebody who manages PostHog can look at what it may use. Then write \`/codex retry\`.",
      "setup: PostHog could not read the repository: Failed to clone repository acme/shop → Install PostHog's own GitHub App on this repository. Then write \`/codex retry\`.",
      "agent: a policy of the AI provider does not allow this → Ask in other words, or choose another model with \`/codex retry --model NAME\`.",
      "agent: this became too long for the model → Ask for a smaller part in a new session: \`/codex --new …\`.",
      "network: the AI provider behind PostHog has too much to do (since 14:02 UTC) → Wait some minutes. Then write \`/codex retry\`.",
      "network: the AI provider behind PostHog does not answer (since 14:02 UTC) → Wait some minutes. Then write \`/codex retry\`.",
      "agent: it ran into an error: Internal error → Look at the PostHog run. Then write \`/codex retry\`.",
      "agent: it ran into an error → Look at the PostHog run. Then write \`/codex retry\`.",
      "agent: it ran into an error → Look at the PostHog run. Then write \`/codex retry\`.",
      "network: PostHog’s run broke off: activity Heartbeat timeout → Wait some minutes. Then write \`/codex retry\`.",
      "quota: PostHog stopped the run for a limit: Failed to provision sandbox: quota exceeded → Wait until the limit resets, or have it raised in PostHog. Then write \`/codex retry\`.",
      "agent: it gave up. In its own words: The tests can not run here. → Change what is in its way. Then write \`/codex retry\`, or ask for something else.",
      "agent: it gave up → Change what is in its way. Then write \`/codex retry\`, or ask for something else.",
      "lost: this bot had an error, again and again → Tell an admin of this bot: its log names the run.",
      "lost: the bot lost its queue, and the title or description was edited before it was found again → Write \`/codex retry\` to start with the new text.",
      "network: GitHub was unavailable for a day (reset) → ",
      "lost: the earlier run has other rights than this needs, and PostHog did not confirm its end within 5 minutes → Stop the earlier run in PostHog. Then write \`/codex retry\`.",
      "lost: PostHog accepted the run but did not start it within 15 minutes → Check that Tasks are enabled in the PostHog project. Then write \`/codex retry\`.",
      "lost: PostHog showed nothing new of this run for three hours → Look at the PostHog run. Then write \`/codex retry\`.",
      "lost: PostHog did not confirm the stop within 5 minutes → Look at the PostHog run. Then write \`/codex retry\`.",
      "permission: the person who asked may no longer start runs here → Somebody with write permission can ask again.",
      "permission: the plan was made on an older commit; \`codex/issue-7-login-is-flaky\` is at \`aaaaaaa\` now → Make a new plan with \`/codex plan …\`. Then approve it.",
      "setup: the branch \`release\` does not exist in this repository → Push the branch, or name another one: \`/codex --branch NAME …\`.",
      "setup: the default branch \`main\` has no commit yet → Push a first commit. Then write \`/codex retry\`.",
      "setup: this repository is archived, so nobody can push to it → Unarchive it. Then write \`/codex retry\`.",
      "setup: GitHub did not let the bot make the branch \`codex/issue-7\`: rules → Let this App make branches named \`codex/…\` in the repository's rulesets. Then write \`/codex retry\`. Or use a branch that is there: \`/codex --branch NAME …\`.",
      "setup: PostHog does not let this bot work in its project: no → Tell an admin of this bot: \`codex-task-bot doctor\` shows them what is wrong.",
      "lost: PostHog does not know the task of this thread → The task was deleted, or this bot uses another project now. Start again with \`/codex --new …\`.",
      "setup: GitHub refused the bot's credentials → Tell an admin of this bot: \`codex-task-bot doctor\` shows them what is wrong.",
      "setup: PostHog does not know the project of this bot → Tell an admin of this bot: \`codex-task-bot doctor\` shows them what is wrong.",
    ]
  `)
})

test('a limit is named with who reached it, and one is no number', () => {
  const person = { of: 'person', used: 12, most: 1, window: 24 * hour } as const
  expect(failures.limitReached(runWith(), person, false)).toBe(
    '`maya` started 12 runs in 24 hours; the limit is 1',
  )
})

test('a limit of the settings is told with the key that lifts it, one against loops without', () => {
  const key = 'repository_per_day'
  const reached = { key, of: 'repository', used: 100, most: 100, window: 24 * hour } as const
  expect(failures.limitReached(runWith(), reached, false)).toBe(
    'this repository started 100 runs in 24 hours; the limit is 100. A higher `limits.repository_per_day` in the settings lifts it',
  )
  expect(failures.limitReached(runWith(), reached, true)).toContain(
    'the limit is 100. Whoever runs the bot can raise it',
  )
  expect(failures.limitReached(runWith(), { ...reached, key: undefined }, false)).toBe(
    'this repository started 100 runs in 24 hours; the limit is 100',
  )
  expect(failures.costReached({ used: 51.2, limit: 50, unknown: 0 })).toBe(
    'the runs of this repository cost `$51.20` in 24 hours; the limit is `$50`',
  )
})

const all: Record<string, Outcome> = {
  ...Object.fromEntries(
    Object.entries(stored).map(([name, error]) => [
      `agent: ${name}`,
      agentFailure(storedFault(error)),
    ]),
  ),
  'agent: gave up': gaveUpFailure('No.'),
  crashed: failures.crashed,
  'edited since': failures.editedSince,
  'out of use': failures.outOfUse('github', 'reset'),
  'not mended': failures.notMended('PostHog does not accept the key of this bot'),
  'earlier goes on': failures.earlierGoesOn,
  'never started': failures.neverStarted,
  'went silent': failures.wentSilent,
  'stop not confirmed': failures.unconfirmedStop,
  'may no more': failures.notAnyMore,
  'grant taken back': failures.grantTakenBack('as_user'),
  'plan outdated': failures.planOutdated(branch),
  'no branch': failures.noBranch('release'),
  'no commit': failures.noCommit('main'),
  archived: failures.archived,
  'branch refused': failures.refusedBranch('codex/issue-7', new Error('rules'), 'codex/'),
  'PostHog: no plan': refused(403, 'code_access_required'),
  'PostHog: not covered': refused(400, 'repository_not_covered'),
  'PostHog: billing': refused(429),
  'PostHog: key': refused(401),
  'PostHog: no project': failureOf(new Rejected('posthog', 404, '', 'no'), { session: {} }),
  'PostHog: no task': refused(404),
  'PostHog: bad request': refused(400),
  'GitHub: credentials': refused(401, '', 'github'),
  'GitHub: not allowed': refused(403, '', 'github'),
  'GitHub: bad request': refused(422, '', 'github'),
  ...Object.fromEntries(
    Object.keys(failures.unfinished)
      .map(why => Unfinished.parse(why))
      .map(why => [`unfinished: ${why}`, { kind: 'unfinished', why }]),
  ),
  'stopped by somebody': { kind: 'stopped', by: 'olga' },
  'stopped as its comment is gone': { kind: 'stopped', by: 'olga', because: 'deleted the comment' },
  'a pull request': { kind: 'pull' },
  'a push': { kind: 'pushed', sha: 'c'.repeat(40) },
  'an answer': { kind: 'answer' },
  nothing: { kind: 'nothing' },
}

test('trying again, or going on, is offered, in words and as a box, only where it can help', () => {
  const offers = Object.entries(all).map(([name, outcome]) => {
    const text = closingComment(runWith({ result: { outcome, concludedAt: t0 } }), deployment)
    const box = /codex-box:(retry|continue)/.exec(text)?.[1]
    // With other options, it is another request.
    const word = /`\/codex (retry|continue)`/.exec(text)?.[1]
    expect(word ?? box, `${name} names what the box is not`).toBe(box)
    expect(box, name).toBe(offerAfter(outcome))
    return [name, box]
  })
  expect(offers.filter(([, box]) => !box).map(([name]) => name)).toEqual([
    'agent: no model',
    'agent: policy',
    'agent: too long',
    'plan outdated',
    'PostHog: no task',
    'PostHog: bad request',
    'unfinished: refusal',
    'stopped as its comment is gone',
    'a pull request',
    'a push',
    'an answer',
    'nothing',
  ])
})

test('no step and no decision words a failure of its own', () => {
  const files = ['core/record', 'runs', 'commands'].flatMap(folder =>
    readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts') && !file.endsWith('failures.ts'))
      .map(file => `${folder}/${file}`),
  )
  expect(files).toContain('core/record/next-step.ts')
  expect(
    files.filter(file => /\bfix:\s*['"`]/.test(readFileSync(join(src, file), 'utf8'))),
  ).toEqual([])
})
