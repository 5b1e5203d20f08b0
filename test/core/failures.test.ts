import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as failures from '../../src/core/comments/failures.ts'
import { branch, hour, runWith, t0 } from './given.ts'

const src = join(import.meta.dirname, '../../src')

test('what a failure says', () => {
  const { agentFailures, atLimit, ...others } = failures
  const run = runWith()
  const used = { of: 'repository', used: 3, most: 3, window: hour } as const
  const said = [
    ...Object.values(agentFailures).map(failure => failure('429')),
    agentFailures.failed(''),
    others.crashed,
    others.editedSince,
    others.outOfUse('github', 'reset'),
    others.earlierGoesOn,
    others.neverStarted,
    others.wentSilent,
    others.unconfirmedStop,
    others.atRest('a holiday'),
    atLimit(run, { kind: 'ahead', ahead: 2, of: 'repository' }, t0),
    atLimit(run, { kind: 'until', at: t0 + hour, ...used }, t0),
    others.notAnyMore,
    others.planOutdated(branch),
    others.movedHead,
    others.noBranch('release'),
    others.noCommit('main'),
    others.archived,
    others.refusedBranch('codex/issue-7', new Error('rules'), 'codex/'),
  ]
  expect(said.map(each => `${each.class}: ${each.reason} → ${each.fix}`)).toMatchInlineSnapshot(`
    [
      "quota: The agent ran into a usage or spend limit: 429 → Wait until the limit resets or raise it in PostHog, then \`/codex retry\`.",
      "setup: PostHog could not get at the repository: 429 → Install PostHog's own GitHub App with access to this repository, then \`/codex retry\`.",
      "setup: The model is not known to PostHog: 429 → Choose another one with \`/codex retry --model NAME\`.",
      "agent: The agent failed: 429 → Look at the run in PostHog, then \`/codex retry\`.",
      "agent: The agent failed. → Look at the run in PostHog, then \`/codex retry\`.",
      "lost: The bot itself failed at this again and again → Tell an admin of this bot; its log names the run. \`/codex retry\` tries again.",
      "lost: The bot lost its queue before this began, and the title or the description was edited since → \`/codex retry\` starts it with the words that stand there now.",
      "network: GitHub could not be used for a day: reset → \`/codex retry\` tries again.",
      "lost: The session of before may not do what is asked now, and PostHog did not confirm its end within 5 minutes → Look at the run in PostHog and stop it there, then \`/codex retry\`.",
      "lost: PostHog took the run but did not start it within 15 minutes → Check that Tasks are enabled for the PostHog project, then \`/codex retry\`.",
      "lost: Nothing was heard of the run for three hours → Look at the run in PostHog, then \`/codex retry\`.",
      "lost: PostHog was asked to stop the run but did not confirm it within 5 minutes → Look at the run in PostHog, then \`/codex retry\`.",
      "quota: Nothing starts here now: a holiday → \`/codex retry\` asks again, later.",
      "quota: as many runs are under way as may be; 2 would have to end first → \`/codex retry\` when one has ended. This repository refuses runs at a limit instead of keeping them waiting.",
      "quota: this repository has used 3 of 3 runs in 1 hours → \`/codex retry\` after 15:02 UTC. This repository refuses runs at a limit instead of keeping them waiting.",
      "permission: Who asked for this may not start runs here any more → Somebody with write permission can ask again.",
      "permission: The plan was made for another state than codex/issue-7-login-is-flaky at aaaaaaa, where this thread stands now → Make a new one with \`/codex plan …\`, then approve that.",
      "permission: Commits were pushed to this pull request after this was asked, and its settings want to be asked again → Look at the new commits, then \`/codex retry\`.",
      "setup: The branch release does not exist in this repository → Push it, or name another one with \`/codex --branch NAME …\`.",
      "setup: The default branch main has no commit yet → Push a first commit, then \`/codex retry\`.",
      "setup: This repository is archived, so nothing can be pushed to it → Unarchive it, then \`/codex retry\`.",
      "setup: GitHub does not let the bot make the branch codex/issue-7: rules → Let this App make branches called \`codex/…\` in the rulesets of the repository; or link a branch to the issue, name one with \`/codex --branch NAME …\`, or set \`branch: default\` or another \`branch_prefix\`. Then \`/codex retry\`.",
    ]
  `)
})

test('no step and no decision words a failure of its own', () => {
  const files = ['core/run', 'runs', 'commands'].flatMap(folder =>
    readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => `${folder}/${file}`),
  )
  expect(files.length).toBeGreaterThan(50)
  expect(files.filter(file => /\bfix:\s*['"`]/.test(readFileSync(join(src, file), 'utf8')))).toEqual([])
})
