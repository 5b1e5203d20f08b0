/** Each kind of thread that people read, with the comments as the bot would write them. */

import { commands, settingsFile } from '../../src/commands/command-registry.ts'
import { closingComment, inlineAnswer } from '../../src/core/comments/closing.ts'
import { type Reply, replyComment } from '../../src/core/comments/replies.ts'
import { statusComment } from '../../src/core/comments/status.ts'
import { Given } from '../../src/core/run/record/workspace-part.ts'
import { changed, type Run, type RunChange } from '../../src/core/run/run.ts'
import { problemsText } from '../../src/core/settings/repository-file.ts'
import {
  ask,
  branch,
  deployment,
  head,
  maya,
  minute,
  pull,
  pullThread,
  runWith,
  second,
  t0,
  taskRun,
  told,
  working,
} from '../core/given.ts'

export interface ShownComment {
  author: 'maya' | 'codex'
  body: string
  /** As GitHub shows a comment that is marked as outdated. */
  minimized?: true
}

export interface ThreadKind {
  title: string
  comments: ShownComment[]
}

const now = t0 + 3 * minute
const says = (body: string): ShownComment => ({ author: 'maya', body })
const bot = (body: string): ShownComment => ({ author: 'codex', body })
const status = (run: Run, at = now): ShownComment => bot(statusComment(run, deployment, at))
/** A status that is over, and the last word below it. */
const ended = (run: Run): ShownComment[] => [
  { ...status(run), minimized: true },
  bot(closingComment(run, deployment)),
]
const reply = (words: Reply): ShownComment => bot(replyComment('maya', words))

const boot = [
  { step: 'sandbox', label: 'Setting up sandbox', done: true, since: t0 + 4 * second, at: t0 + 9 * second },
  { step: 'clone', label: 'Cloning repository', done: true, since: t0 + 9 * second, at: t0 + 15 * second },
  { step: 'agent', label: 'Started agent', done: true, since: t0 + 15 * second, at: t0 + 21 * second },
]

const activity = {
  doing: 'checking' as const,
  files: ['src/login.ts', 'src/session.ts', 'test/login.test.ts'],
  commands: 7,
  at: t0 + 2 * minute + 50 * second,
  plan: [
    { text: 'Find out why the test is flaky', state: 'done' as const },
    { text: 'Wait for the redirect before reading the session', state: 'done' as const },
    { text: 'Run the whole suite a hundred times', state: 'current' as const },
    { text: 'Open the pull request', state: 'open' as const },
  ],
}

const read = Given.parse({ thread: true, comments: 1, authors: ['sam'], leftOut: { outsiders: 2 } })

const over: RunChange = {
  result: { concludedAt: t0 + 2 * minute + 54 * second },
  report: { announced: told },
  session: { cost: 0.42, progress: boot, taskRun: { ...taskRun, status: 'completed' } },
  workspace: { given: read },
}

const heard = (answer: string | undefined): RunChange => ({
  session: { sessionLog: { offset: 9, turns: 1, idle: true, answer, activity } },
})

const onPull: RunChange = {
  thread: pullThread,
  baseline: { head },
  workspace: { branch: { ...branch, name: head.ref, made: false, fresh: false, linked: false } },
}

const asking = (text: string, what: 'work' | 'plan' = 'work'): RunChange => ({
  request: { ...ask, text, what },
})

const summary =
  'The login test read the session before the redirect had set it. It now waits for the redirect, and the two other tests that did the same wait, too.\n\n- `src/login.ts` tells when the redirect is over\n- The suite ran 100 times without a failure'

const plan =
  '1. Move the models of billing to `billing/models`\n2. Give the invoices a port of their own\n3. Move the views, one by one\n\nThe first step can be shipped alone.'

const answer =
  'Each request reads the whole `orders` table, since `user_id` has no index.\n\n`CREATE INDEX ON orders (user_id)` brings the page from 4 s to 80 ms on a copy of production.'

const atWork = working({
  session: { progress: boot, sessionLog: { offset: 9, turns: 0, idle: false, activity } },
  workspace: { given: read },
  mailbox: { followUpsSent: 1 },
})

const failed = working(
  changed(over, heard(undefined), {
    session: {
      progress: [
        ...boot.slice(0, 1),
        { step: 'clone', label: 'Cloning repository', done: false, at: t0 + 9 * second },
      ],
    },
    result: {
      outcome: {
        kind: 'failed',
        class: 'setup',
        reason: 'PostHog could not get at the repository: repository not found',
        fix: "Install PostHog's own GitHub App with access to this repository, then `/codex retry`.",
      },
    },
  }),
)

const reviewed = working(
  changed(
    over,
    onPull,
    heard(
      'All three are dealt with, and the suite passes.\n\nReview comment 1: Called it `redirectDone`, here and in its callers.\nReview comment 2: Yes, `billing/export.ts` imports it, so it stays.',
    ),
    asking('address these'),
    {
      result: { outcome: { kind: 'pushed', sha: 'c553e2e4'.repeat(5) }, pushed: 'c553e2e4'.repeat(5) },
    },
  ),
)

export const kinds: Readonly<Record<string, ThreadKind>> = {
  working: {
    title: 'While it works',
    comments: [says('/codex fix the flaky login test'), status(atWork)],
  },
  'pull-request': {
    title: 'A pull request',
    comments: [
      says('/codex fix the flaky login test'),
      ...ended(
        working(
          changed(over, heard(summary), {
            result: { outcome: { kind: 'pull' }, pulls: [pull], pushed: 'c'.repeat(40) },
          }),
        ),
      ),
    ],
  },
  question: {
    title: 'A question',
    comments: [
      says('/codex why is the orders page slow?'),
      ...ended(
        working(
          changed(over, heard(answer), asking('why is the orders page slow?'), {
            result: { outcome: { kind: 'answer' } },
          }),
        ),
      ),
    ],
  },
  plan: {
    title: 'A plan',
    comments: [
      says('/codex plan how to split the billing module'),
      ...ended(
        working(
          changed(over, heard(plan), asking('how to split the billing module', 'plan'), {
            result: { outcome: { kind: 'answer' } },
          }),
        ),
      ),
    ],
  },
  pushed: {
    title: 'Commits on a pull request',
    comments: [
      says('/codex wait for the redirect here, too'),
      ...ended(
        working(
          changed(
            over,
            onPull,
            heard('The logout test waits for the redirect now.'),
            asking('wait for the redirect here, too'),
            {
              result: {
                outcome: { kind: 'pushed', sha: 'c553e2e4'.repeat(5) },
                pushed: 'c553e2e4'.repeat(5),
              },
            },
          ),
        ),
      ),
    ],
  },
  review: {
    title: 'A review, and its comments on lines',
    comments: [
      says('/codex address these'),
      ...ended(reviewed),
      says('Rename this: `x` says nothing.'),
      bot(inlineAnswer(changed(reviewed, { report: { announced: { ...told, inline: 0 } } }))),
      says('Is this still used?'),
      bot(inlineAnswer(changed(reviewed, { report: { announced: { ...told, inline: 1 } } }))),
      says('A test for this would be good.'),
      bot(inlineAnswer(changed(reviewed, { report: { announced: { ...told, inline: 2 } } }))),
    ],
  },
  waiting: {
    title: 'Waiting',
    comments: [
      says('/codex fix the flaky login test'),
      status(runWith({ schedule: { ahead: 2 } })),
      says('/codex and the logout test'),
      status(
        working({
          session: { progress: boot, sessionLog: { offset: 9, turns: 0, idle: false, activity } },
          attempts: {
            outages: {
              posthog: {
                why: 'PostHog’s rate limit is reached',
                since: t0 + minute,
                until: t0 + 7 * minute,
                count: 3,
              },
            },
          },
        }),
      ),
    ],
  },
  asks: {
    title: 'The agent asks',
    comments: [
      says('/codex rename the package'),
      status(
        working(
          changed(asking('rename the package'), {
            session: {
              progress: boot,
              sessionLog: {
                offset: 9,
                turns: 0,
                idle: false,
                activity,
                permissionRequest: {
                  id: 'q1',
                  title: 'There are two packages called `shop`. Which one is it?',
                  question: true,
                  options: [
                    { id: 'a', name: 'packages/shop', kind: 'allow_once' },
                    { id: 'b', name: 'legacy/shop', kind: 'allow_once' },
                  ],
                },
              },
            },
          }),
        ),
      ),
    ],
  },
  stopped: {
    title: 'A stop',
    comments: [
      says('/codex count to infinity'),
      status(
        working(
          changed(over, heard(undefined), asking('count to infinity'), {
            result: { outcome: { kind: 'stopped', by: maya.login } },
          }),
        ),
      ),
      says('/codex stop'),
    ],
  },
  failed: { title: 'A failure', comments: [says('/codex fix the flaky login test'), ...ended(failed)] },
  limit: {
    title: 'A limit',
    comments: [
      says('/codex fix the flaky login test'),
      status(
        runWith({
          result: {
            concludedAt: now,
            outcome: {
              kind: 'failed',
              class: 'quota',
              reason: 'this repository has used 1 of 1 runs in 24 hours',
              fix: '`/codex retry` after 2026-01-03 09:12 UTC. This repository refuses runs at a limit instead of keeping them waiting.',
            },
          },
        }),
      ),
    ],
  },
  help: {
    title: 'Help',
    comments: [says('/codex help'), reply({ kind: 'help', commands, label: 'codex' })],
  },
  mistakes: {
    title: 'Slips and refusals',
    comments: [
      says('/codex sotp'),
      reply({ kind: 'mistake', mistake: { kind: 'unknown-command', given: 'sotp', meant: 'stop' } }),
      says('/codex --modle gpt-5 do it'),
      reply({ kind: 'mistake', mistake: { kind: 'unknown-option', given: 'modle', meant: 'model' } }),
      says('/codex do it'),
      reply({ kind: 'not-allowed', command: 'run', least: 'write', role: 'read' }),
      says('Before the release:\n\n- /codex fix the flaky login test'),
      reply({ kind: 'misplaced' }),
    ],
  },
  settings: {
    title: 'A slip in the settings',
    comments: [
      says('/codex fix the flaky login test'),
      reply({
        kind: 'bad-settings',
        slips: [{ path: '.github/codex.yml', count: 3 }],
        problem: problemsText(
          settingsFile.read('modle: gpt-5\neffort: enormous\nlimits:\n  person: many\n').problems,
        ),
      }),
    ],
  },
}
