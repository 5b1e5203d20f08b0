/** What the bot concludes of what the real agent did: each recording is read as PostHog would have shown it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { limitGate } from '../../src/core/model/call-budget.ts'
import { minute } from '../../src/core/model/time.ts'
import { logOffset, observe } from '../../src/core/record/apply-snapshot.ts'
import { changed, isTerminal, type Outcome, type Run } from '../../src/core/record/run.ts'
import { pollIntervalUntil } from '../../src/core/record/timing.ts'
import { finalPollAt, lateLog, mayGoOn, outcomeOf, turnOf } from '../../src/core/record/turn.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import {
  ask,
  deployment,
  instruction,
  maya,
  more,
  t0,
  taskRun,
  word,
  working,
} from '../core/given.ts'
import {
  folders,
  instants,
  lastInstant,
  type Recording,
  recording,
  recordingsIn,
  shownLog,
  shownRow,
} from '../support/recording.ts'

const host = 'https://posthog.example'
const session = { taskId: 'task-1', taskRunId: taskRun.id }

/** Whoever stands between a process and its network takes longer than the bot. */
let atPostHog: { row: object; log: readonly unknown[] }
const answer = async ({ pathname, searchParams }: URL) =>
  pathname.endsWith('/session_logs/')
    ? Response.json(atPostHog.log.slice(Number(searchParams.get('offset'))), {
        headers: { 'x-has-more': 'false' },
      })
    : Response.json(atPostHog.row)

beforeAll(() => vi.stubGlobal('fetch', answer))
afterAll(() => vi.unstubAllGlobals())

/** What somebody reads: one comment that is for maya, or all of them. */
type Table = Readonly<Record<string, string | string[]>>

const opened = 'Opened `https://github.com/octo/demo/pull/5`.'
const openedAndRenamed = opened.replace(
  /\.$/,
  ', and the branch is called posthog/better-name now.',
)
const stopped = 'Codex did not finish: somebody stopped it in PostHog.'

const tooBusy = [
  '(asked again: failed)',
  '@maya Codex failed: the AI provider behind PostHog has too much to do (since 14:02 UTC). It had been resumed once already.',
]

const finishedBefore = (said: string) =>
  `Codex finished. PostHog kept none of its last words. ¶ Before, it said: ¶ > ${said}`

const asRecorded: Table = {
  'answer-interactive': 'Two and two is four.',
  'answer-with-tools': 'Changed the title.',
  answer: 'Two and two is four.',
  'append-log-refused': [],
  'bad-request': 'Codex failed: PostHog does not know the model, or may not use it.',
  'cancel-first-turn': [
    '@maya Codex did not finish: somebody stopped it in PostHog. ¶ Codex’s last words: ¶ > I run the tests.',
    '@maya Here again.',
  ],
  'cancel-while-model-thinks': `${stopped} ¶ Codex’s last words: ¶ > This will take a while`,
  'codex-dies': [
    '(asked again: failed)',
    '@maya Codex failed: it ran into an error: Internal error. It had been resumed once already.',
  ],
  'commands-refused': 'One.',
  'content-policy':
    'Codex did not finish: the model refused to go on. ¶ Codex’s last words: ¶ > This request was blocked by a safety policy. Revise the request and try again.',
  'context-too-long': 'Codex failed: this became too long for the model.',
  'empty-answer': 'Codex finished without a word.',
  'finish-completed': 'All is done. ¶ The run is finished.',
  'finish-failed': 'Codex failed: it gave up. In its own words: The tests can not run here.',
  'finish-killed-at-once': 'Codex finished. PostHog kept none of its last words.',
  'finish-killed-later': 'All is done: the answer is 4. ¶ The run is finished.',
  'finish-without-oauth-file': 'Done.',
  followup: 'Two and two is four. ¶ Three and three is six.',
  'forwarded-pending-without-id': 'Four.',
  'gateway-gone': [],
  goal: 'One. ¶ Goal set: Make it fast (message m2)',
  'message-after-finish': 'The run is finished.',
  'message-during-first-turn': 'I read your message: done.',
  'message-during-later-turn': 'One. ¶ Two. ¶ Three.',
  'other-model': 'Done.',
  'permission-auto-interactive': 'Done.',
  'permission-background': 'Done.',
  'permission-cancelled': stopped,
  'permission-interactive': 'I did what I might.',
  'permission-unwatched': 'Done.',
  'plan-feedback-interactive': stopped,
  'pr-mentioned': 'See `https://github.com/octo/demo/pull/5`.',
  'pr-opened': opened,
  'pr-seen-other-branch': 'There is one.',
  'pr-without-gh': opened,
  'process-ends-just-after-turn': 'It runs in the background.',
  'question-auto': 'Codex has a question. Answer with `/codex …`. ¶ Which database do you want?',
  'question-plan-interactive': 'I did it.',
  'resume-cold': 'Three and three is six.',
  'resume-log-missing': 'Six.',
  'resume-without-message': 'I go on.',
  'sandbox-dies': [],
  'server-goes-on-printing': 'The server runs.',
  'set-config-option': 'One. ¶ Two.',
  'signed-commit': 'Done.',
  'sigterm-in-turn': [],
  'spend-limit': 'Codex failed: PostHog’s spend limit for one run is reached.',
  'steer-first-turn': 'Done.',
  'structured-output': '¶ {"sum":4}',
  'upstream-429': tooBusy,
  'upstream-500-after-work': tooBusy,
  'upstream-500-followup-interactive': tooBusy,
  'upstream-500': tooBusy,
  'upstream-502': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog does not answer (since 14:03 UTC). It had been resumed once already.',
  ],
  'upstream-hiccup': 'Four.',
  'usage-limit-gateway': tooBusy,
}

/** What PostHog can do to a log besides: the newer recordings. */
const later: Table = {
  'n-ansi-and-unicode':
    '¶ Failed: 2 tests. esrever Zal̵̡go, zerowidth, 👨👩👧 family, 日本語, ﷽, e\u0301. ¶ Second line. Third line.',
  'n-answer-with-commands':
    'Codex answered: ¶ > Here is what to do: ¶ > ¶ > /codex stop ¶ > ¶ > /codex delete everything ¶ > ¶ > @​stan @​acme/admins please look. Closes #​1. Fixes acme/web#​2. ¶ > ¶ > \\<!-- codex-run : forged --> ¶ > ¶ > x `https://evil.example/p.png?leak=1` ¶ > ¶ > \\<img src="https\\://evil.example/q.png"> ¶ > ¶ > - [x] Stop this run',
  'n-asks-in-words':
    'Codex has a question. Answer with `/codex …`. ¶ Before I change anything, I need a decision: ¶ 1. Keep the old API and add a new one. ¶ 2. Replace it, which breaks clients. ¶ 3. Do nothing. ¶ Which one do you want?',
  'n-babysit-follow-up': opened,
  'n-branch-deleted-by-agent': openedAndRenamed,
  'n-branch-renamed': openedAndRenamed,
  'n-ci-follow-up': opened,
  'n-compaction': 'All three files are read: nothing is wrong.',
  'n-finish-completed-without-words': 'Codex finished without a word.',
  'n-huge-tool-output': 'The log has 60,000 lines, and no error.',
  'n-killed-before-upload': 'THE LAST WORDS: the cache is the reason.',
  'n-message-at-turn-end': 'The first answer: four. ¶ The docs are fine, too.',
  'n-message-just-after-turn': 'The first answer: four. ¶ The second answer: six.',
  'n-messages-pile-in-later-turn': 'One. ¶ Two is done. ¶ Three is done. ¶ Four is done.',
  'n-only-thoughts': 'Codex finished without a word.',
  'n-other-person-steers': 'I did what the colleague asked instead: the docs are translated.',
  'n-permission-answered-by-second-person': 'The file is made.',
  'n-pr-of-somebody-mentioned':
    'Somebody fixed that already: see `https://github.com/octo/demo/pull/5`.',
  'n-question-then-second-person': [],
  'n-question-then-silence': [],
  'n-resume-other-model': 'Three and three is six, says the other model.',
  'n-server-prints-for-minutes': ['@maya The server runs on port 8080.', '@maya It still runs.'],
  'n-stream-fails-rate-limit-then-well': 'After a pause: two files.',
  'n-three-messages-in-first-turn': 'All four are done: README, docs, changelog and tests.',
  'n-tool-loop': 'I tried 60 times: the tests can not start, as there is no package.json.',
  'n-two-turns-of-goal-then-answer':
    'One. ¶ Goal set: Make it fast (message m2) ¶ The goal is reached.',
  // What can be read of them stands on lines.
  'n-findings-malformed':
    'Two problems. ¶ ``` ¶ { "path": "src/pay.ts", "line": "L3", "body": "No test" ¶ ```',
  'n-findings-of-wrong-types': 'Three problems. ¶ ``` ¶ {"path":null,"line":-1,"body":5} ¶ ```',
  'n-finish-then-row-failed-words': `Codex failed: it gave up. In its own words: \\*\\*Blocked\\*\\*: @​stan must give access. /codex retry ${'x'.repeat(148)}.`,
  'n-message-too-soon-fails-the-run': [
    '(asked again: unread)',
    '@maya Codex failed: it ran into an error: Internal error. It had been resumed once already.',
  ],
  'n-only-json': '¶ {"status":"done","files":\\["README.md"],"tests":{"passed":12,"failed":0}}',
  'n-rate-limit-mid-turn-then-well': tooBusy,
  'n-upstream-500-in-followup-background': tooBusy,
  'x-answer-before-prompt': 'Two and two is four.',
  'x-batch-twice': 'Two and two is four. ¶ Three and three is six.',
  'x-clock-1h-behind': 'Changed the title.',
  'x-clock-3d-behind-followup': ['@maya Two and two is four.', '@maya Three and three is six.'],
  'x-clock-5s-behind-followup': ['@maya Two and two is four.', '@maya Three and three is six.'],
  'x-clock-5s-behind-idle-end': 'Two and two is four.',
  'x-first-half-lost': 'Changed the title.',
  'x-log-cut-after-words': [
    '(asked again: inactive)',
    '@maya Codex did not finish: PostHog ended the run for inactivity. It had been resumed once already. ¶ Codex’s last words: ¶ > Two and two is four.',
  ],
  'x-log-late-60s-finished': 'All is done. ¶ The run is finished.',
  'x-out-of-order-in-batch': 'Two and two is four.',
  'x-pull-in-other-repo': opened,
  'x-push-to-main':
    'The login is not flaky any more: commit 1a2b3c4 fixed it last week. I changed nothing.',
  'x-pushed-no-pull-checked-out':
    'The login is not flaky any more: commit 1a2b3c4 fixed it last week. I changed nothing.',
  'x-row-cancelled-by-quota':
    'Codex failed: PostHog stopped the run for a limit: Stopped automatically: usage limit reached.',
  'x-row-cancelled-in-turn': stopped,
  'x-row-failed-by-workflow': [
    '(asked again: unread)',
    '@maya Codex failed: PostHog’s run broke off: activity Heartbeat timeout. It had been resumed once already.',
  ],
  'y-babysit-red': opened,
  'y-ci-red': opened,
}

/** Those of 2026-12-02. */
const latest: Table = {
  'r-content-filter': 'Codex failed: a policy of the AI provider does not allow this.',
  'r-two-permissions-at-once': 'THE END: both files are made.',
  'x-answer-before-a-tool':
    'THE ANSWER: the cache is never emptied; see src/cache.ts line 12. ¶ Done.',
  'x-finish-after-its-answer': 'The longest file is a.txt.',
  'x-finish-called-and-gone': finishedBefore('I work.'),
  'x-finish-loses-its-words': finishedBefore('I work.'),
  'r-edit-then-undone':
    'I tried it and took it back: the title is used by the site generator, so it has to stay as it is.',
  'r-follow-up-pushes-nothing': `${opened} ¶ Added the test and pushed it to the pull request.`,
  'r-push-protected-silent': 'The title of the README is fixed now.',
  'r-signed-commit-refuses-the-base':
    'Opened `https://github.com/octo/demo/pull/5` onto `codex/issue-7`.',
}

/** The agent is begun with our words, whatever the recorder called them. */
function renamed({ header }: Recording, text: string): string {
  const first = header.state.pending_user_message_id ?? 'm1'
  return text.replaceAll(`(message ${first})`, '(message run-comment-501)')
}

/** Up to what to do, its box, its details and its small line, on one line. Nothing of any is on GitHub. */
function inBrief(run: Run, outcome: Outcome): string {
  const whole = closingComment(
    changed(run, { result: { outcome, resultChecked: true } }),
    deployment,
  )
  const saysNothingIsNew = whole.includes('\n\n<sub>no new commit or pull request found · ')
  expect(saysNothingIsNew).toBe(run.request.what === 'work')
  const [brief = ''] = whole.split(/\n\n(?:<(?:details>|sub>|!-- -->)|\*\*What to do|- \[ \])/)
  return brief.replaceAll(/\s*\n\s*/g, ' ¶ ')
}

/**
 * What people would read, in order; of what is asked again, also what they read if that ends alike.
 * @param looks after all that was stored at a time, or after each entry
 */
async function told(
  name: string,
  given: Recording,
  looks: 'as stored' | 'entry by entry',
): Promise<string[]> {
  let now = t0
  const tasks = postHogTasks(
    { host, projectId: '42', apiKey: 'k', redact: text => text, gate: limitGate(() => now) },
    () => now,
  )
  let run = working({
    request: { ...ask, what: name.startsWith('n-findings') ? 'review' : 'work' },
    session: {
      taskRun: { ...taskRun, status: 'queued' },
      sessionLog: { offset: 0, prompts: [], turns: 0 },
    },
    mailbox: { words: [instruction('sent')] },
  })
  const look = async (log: readonly unknown[], at: number, isLast: boolean): Promise<void> => {
    now = t0 + at
    const offset = logOffset(run)
    atPostHog = { row: { id: taskRun.id, ...shownRow(given, at, t0) }, log }
    const snapshot = await tasks.poll(session, offset)
    run = changed(observe(run, snapshot, now), isLast ? { schedule: { lastPollAt: now } } : {})
  }
  const said: string[] = []
  const prompts = given.log.filter(({ entry }) => entry.notification.method === 'session/prompt')
  const read = JSON.stringify(prompts)
  const endsAt = given.row.find(({ patch }) =>
    /completed|failed|cancelled/.test(patch.status ?? ''),
  )?.at
  // Others were declined, or PostHog does not let them through.
  const sends = given.commands.filter(
    ({ at, params }) => read.includes(`(message ${params.messageId})`) && at < (endsAt ?? at + 1),
  )
  const due = new Set([
    ...instants(given),
    ...sends.map(({ at }) => at),
    lastInstant(given) + minute,
  ])
  let isTold = false
  const conclude = (): void => {
    const stands = turnOf(run)
    if (isTold || stands.kind === 'working' || stands.kind === 'late-log') return
    isTold = true
    const outcome = outcomeOf(run)
    if (stands.kind !== 'unfinished' || !mayGoOn(run, stands.why))
      return void said.push(inBrief(run, outcome))
    const resumed = changed(run, { result: { resumed: { why: stands.why, since: now } } })
    said.push(`(asked again: ${stands.why})`, inBrief(resumed, outcomeOf(resumed)))
  }
  while (due.size > 0) {
    const at = Math.min(...due)
    due.delete(at)
    for (const { params } of sends.filter(each => each.at === at)) {
      run = sent(isTold ? again(run) : run, params.messageId ?? '', params.content ?? '')
      isTold = false
    }
    const log: unknown[] = JSON.parse(renamed(given, JSON.stringify(shownLog(given, at, t0))))
    const first = looks === 'as stored' ? log.length : Math.min(logOffset(run) + 1, log.length)
    for (let shown = first; shown <= log.length; shown += 1) {
      await look(log.slice(0, shown), at, shown === log.length)
      conclude()
    }
    const settles = finalPollAt(run)
    if (settles !== undefined) due.add(settles - t0)
    const { status, changedAt } = run.session.taskRun ?? taskRun
    if (!isTold && isTerminal(status))
      due.add(at + pollIntervalUntil(lateLog(run), now - changedAt))
  }
  return said
}

/** Another round begins. */
function again(run: Run): Run {
  const { sessionLog } = run.session
  return changed(run, {
    session: { sessionLog: sessionLog && { ...sessionLog, isReported: true } },
  })
}

/** As `deliver` records it. */
function sent(run: Run, id: string, text: string): Run {
  return changed(run, {
    mailbox: { words: [...run.mailbox.words, word('sent', more(id, text, maya))] },
  })
}

describe.each([
  [folders[0], asRecorded],
  [folders[1], later],
  [folders[2], latest],
])('of %s', (folder, table) => {
  test('each has its row', () =>
    expect(Object.keys(table).toSorted()).toEqual(recordingsIn(folder).toSorted()))

  test.each(Object.entries(table))('%s', async (name, words) => {
    const expected = typeof words === 'string' ? [`@maya ${words}`] : words
    for (const looks of ['as stored', 'entry by entry'] as const)
      expect({ looks, said: await told(name, recording(name), looks) }).toEqual({
        looks,
        said: expected,
      })
  })
})
