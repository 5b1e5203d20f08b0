/** What the bot concludes of what the real agent did: each recording is read as PostHog would have shown it. */
import { readdirSync } from 'node:fs'
import nock from 'nock'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limitGate } from '../../src/core/model/call-budget.ts'
import { minute } from '../../src/core/model/time.ts'
import { logOffset, observe } from '../../src/core/record/apply-snapshot.ts'
import { changed, type Outcome, type Run } from '../../src/core/record/run.ts'
import { mayGoOn, outcomeOf, settlesAt, standingOf } from '../../src/core/record/turn.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import { deployment, instruction, maya, more, t0, taskRun, word, working } from '../core/given.ts'
import {
  instants,
  lastInstant,
  type Recording,
  recording,
  recordings,
  shownLog,
  shownRow,
} from '../support/recording.ts'

const host = 'https://posthog.example'
const path = `/api/projects/42/tasks/task-1/runs/${taskRun.id}`
const session = { taskId: 'task-1', taskRunId: taskRun.id }

beforeAll(() => nock.disableNetConnect())
afterAll(() => {
  nock.cleanAll()
  nock.enableNetConnect()
})

const table: Readonly<Record<string, string[]>> = {
  'answer-interactive': ['@maya Two and two is four.'],
  'answer-with-tools': [
    '@maya Codex changed 1 file, but published no commit and no pull request. ¶ Changed the title.',
  ],
  answer: ['@maya Two and two is four.'],
  'append-log-refused': [],
  'bad-request': [
    '@maya Codex failed: PostHog does not know the model, or may not use it. ¶ **What to do:** Choose another model: `/codex retry --model NAME`.',
  ],
  'cancel-first-turn': [
    '@maya Codex did not finish: somebody stopped it in PostHog. Nothing was pushed. ¶ Codex’s last words: ¶ > I run the tests. ¶ **What to do:** `/codex continue` goes on where it stopped. ¶ - [ ] Go on where it stopped <!-- codex-box:continue -->',
    '@maya Here again.',
  ],
  'cancel-while-model-thinks': [
    '@maya Codex did not finish: somebody stopped it in PostHog. Nothing was pushed. ¶ Codex’s last words: ¶ > This will take a while ¶ **What to do:** `/codex continue` goes on where it stopped. ¶ - [ ] Go on where it stopped <!-- codex-box:continue -->',
  ],
  'codex-dies': [
    '(asked again: failed)',
    '@maya Codex failed: it ran into an error: Internal error. It had been resumed once already. ¶ **What to do:** Look at the PostHog run. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'commands-refused': ['@maya One.'],
  'content-policy': [
    '@maya Codex did not finish: the model refused to go on. Nothing was pushed. ¶ Codex’s last words: ¶ > This request was blocked by a safety policy. Revise the request and try again. ¶ **What to do:** Ask in other words, or choose another model with `/codex retry --model NAME`.',
  ],
  'context-too-long': [
    '@maya Codex failed: this became too long for the model. ¶ **What to do:** Ask for a smaller part in a new session: `/codex --new …`.',
  ],
  'empty-answer': ['@maya Codex changed nothing and said nothing.'],
  'finish-completed': ['@maya All is done. ¶ The run is finished.'],
  'finish-failed': [
    '@maya Codex failed: it gave up. In its own words: The tests can not run here. ¶ **What to do:** Change what is in its way. Then write `/codex retry`, or ask for something else. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'finish-killed-at-once': [
    '@maya Codex finished. PostHog kept none of its words, and nothing of it is on GitHub.',
  ],
  'finish-killed-later': ['@maya All is done: the answer is 4. ¶ The run is finished.'],
  'finish-without-oauth-file': ['@maya Done.'],
  followup: ['@maya Two and two is four. ¶ Three and three is six.'],
  'forwarded-pending-without-id': ['@maya Four.'],
  'gateway-gone': [],
  goal: ['@maya One. ¶ Goal set: Make it fast (message m2)'],
  'message-after-finish': ['@maya The run is finished.', '@maya I am still here.'],
  'message-during-first-turn': ['@maya I read your message: done.'],
  'message-during-later-turn': ['@maya One. ¶ Two. ¶ Three.'],
  'message-too-soon': [
    '(asked again: unread)',
    '@maya Codex failed: it ran into an error: Internal error. It had been resumed once already. ¶ **What to do:** Look at the PostHog run. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'other-model': ['@maya Done.'],
  'permission-auto-interactive': ['@maya Done.'],
  'permission-background': ['@maya Done.'],
  'permission-cancelled': [
    '@maya Codex did not finish: somebody stopped it in PostHog. Nothing was pushed. ¶ **What to do:** `/codex continue` goes on where it stopped. ¶ - [ ] Go on where it stopped <!-- codex-box:continue -->',
  ],
  'permission-interactive': [
    '@maya Codex changed 1 file, but published no commit and no pull request. ¶ I did what I might.',
  ],
  'permission-unwatched': ['@maya Done.'],
  'plan-feedback-interactive': [
    '@maya Codex did not finish: somebody stopped it in PostHog. Nothing was pushed. ¶ **What to do:** `/codex continue` goes on where it stopped. ¶ - [ ] Go on where it stopped <!-- codex-box:continue -->',
  ],
  'pr-mentioned': [
    '@maya Codex pushed nothing to this repository and opened no pull request here. ¶ See `https://github.com/octo/demo/pull/5`.',
  ],
  'pr-opened': [
    '@maya Codex pushed nothing to this repository and opened no pull request here. ¶ Opened `https://github.com/octo/demo/pull/5`.',
  ],
  'pr-seen-other-branch': ['@maya There is one.'],
  'pr-without-gh': [
    '@maya Codex pushed nothing to this repository and opened no pull request here. ¶ Opened `https://github.com/octo/demo/pull/5`.',
  ],
  'process-ends-just-after-turn': ['@maya It runs in the background.'],
  'question-auto': ['@maya Codex has a question. ¶ Which database do you want?'],
  'question-plan-interactive': [
    '@maya Codex changed 1 file, but published no commit and no pull request. ¶ I did it.',
  ],
  'resume-cold': ['@maya Three and three is six.'],
  'resume-log-missing': ['@maya Six.'],
  'resume-without-message': ['@maya I go on.'],
  'sandbox-dies': [],
  'server-goes-on-printing': ['@maya The server runs.'],
  'set-config-option': ['@maya One. ¶ Two.'],
  'signed-commit': ['@maya Codex changed 1 file, but published no commit and no pull request. ¶ Done.'],
  'sigterm-in-turn': [],
  'spend-limit': [
    '@maya Codex failed: PostHog’s spend limit for one run is reached. ¶ **What to do:** Ask for less at once, or have the limit raised in PostHog. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'steer-first-turn': ['@maya Done.'],
  'structured-output': ['@maya ¶ {"sum":4}'],
  'upstream-429': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog has too much to do (since 14:02 UTC). It had been resumed once already. ¶ **What to do:** Wait some minutes. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'upstream-500-after-work': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog has too much to do (since 14:02 UTC). It had been resumed once already. ¶ **What to do:** Wait some minutes. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'upstream-500-followup-interactive': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog has too much to do (since 14:02 UTC). It had been resumed once already. ¶ **What to do:** Wait some minutes. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
    '@maya Two.',
  ],
  'upstream-500': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog has too much to do (since 14:02 UTC). It had been resumed once already. ¶ **What to do:** Wait some minutes. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'upstream-502': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog does not answer (since 14:03 UTC). It had been resumed once already. ¶ **What to do:** Wait some minutes. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
  'upstream-hiccup': ['@maya Four.'],
  'usage-limit-gateway': [
    '(asked again: failed)',
    '@maya Codex failed: the AI provider behind PostHog has too much to do (since 14:02 UTC). It had been resumed once already. ¶ **What to do:** Wait some minutes. Then write `/codex retry`. ¶ - [ ] Try again <!-- codex-box:retry -->',
  ],
}

const names = readdirSync(recordings).map(name => name.replace('.json', ''))

/** The agent is begun with our words, whatever the recorder called them. */
function renamed({ header }: Recording, text: string): string {
  const first = header.state.pending_user_message_id ?? 'm1'
  return text.replaceAll(`(message ${first})`, '(message run-comment-501)')
}

/** Up to its details and its small line, on one line. */
const inBrief = (run: Run, outcome: Outcome): string =>
  closingComment(changed(run, { result: { outcome } }), deployment)
    .split(/\n\n<(?:details|sub)>/)[0]
    ?.replaceAll(/\s*\n\s*/g, ' ¶ ') ?? ''

/** What people would read, in order; of what is asked again, also what they read if that ends alike. */
async function told(given: Recording): Promise<string[]> {
  let now = t0
  const tasks = postHogTasks(
    { host, projectId: '42', apiKey: 'k', redact: text => text, gate: limitGate(() => now) },
    () => now,
  )
  const look = async (run: Run, at: number): Promise<Run> => {
    now = t0 + at
    const log: unknown[] = JSON.parse(renamed(given, JSON.stringify(shownLog(given, at, t0))))
    const offset = logOffset(run)
    nock(host)
      .get(`${path}/`)
      .reply(200, { id: taskRun.id, ...shownRow(given, at, t0) })
    nock(host)
      .get(`${path}/session_logs/`)
      .query(true)
      .reply(200, log.slice(offset), { 'x-has-more': 'false' })
    const snapshot = await tasks.poll(session, offset)
    return changed(observe(run, snapshot, now), { schedule: { lastPollAt: now } })
  }
  let run = working({
    session: {
      taskRun: { ...taskRun, status: 'queued' },
      sessionLog: { offset: 0, prompts: [], turns: 0 },
    },
    mailbox: { words: [instruction('sent')] },
  })
  const said: string[] = []
  const prompts = given.log.filter(({ entry }) => entry.notification.method === 'session/prompt')
  const read = JSON.stringify(prompts)
  // Others were declined.
  const sends = given.commands.filter(({ params }) => read.includes(`(message ${params.messageId})`))
  const due = new Set([...instants(given), ...sends.map(({ at }) => at), lastInstant(given) + minute])
  let isTold = false
  while (due.size > 0) {
    const at = Math.min(...due)
    due.delete(at)
    for (const { params } of sends.filter(each => each.at === at)) {
      run = sent(isTold ? again(run) : run, params.messageId ?? '', params.content ?? '')
      isTold = false
    }
    run = await look(run, at)
    const settles = settlesAt(run)
    if (settles !== undefined) due.add(settles - t0)
    const stands = standingOf(run)
    if (isTold || stands.kind === 'working' || stands.kind === 'settling') continue
    isTold = true
    const outcome = outcomeOf(run)
    if (stands.kind !== 'unfinished' || !mayGoOn(run, stands.why)) {
      said.push(inBrief(run, outcome))
      continue
    }
    const resumed = changed(run, { result: { resumed: { why: stands.why, since: now } } })
    said.push(`(asked again: ${stands.why})`, inBrief(resumed, outcomeOf(resumed)))
  }
  return said
}

/** Another round begins, as `resume-work` records it. */
function again(run: Run): Run {
  const { sessionLog } = run.session
  return changed(run, { session: { sessionLog: sessionLog && { ...sessionLog, isReported: true } } })
}

/** As `deliver` records it. */
function sent(run: Run, id: string, text: string): Run {
  return changed(run, { mailbox: { words: [...run.mailbox.words, word('sent', more(id, text, maya))] } })
}

test('each recording has its row', () => {
  expect(Object.keys(table).toSorted()).toEqual(names.toSorted())
})

test.each(Object.entries(table))('%s', async (name, words) => {
  expect(await told(recording(name))).toEqual(words)
})
