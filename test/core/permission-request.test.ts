import { expect, test } from 'vitest'
import type { LogEntry, PermissionRequest } from '../../src/core/model/task-run.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import {
  optionByRights,
  optionByWords,
  permissionToAnswer,
  questionKey,
  questionToAsk,
  rejecting,
} from '../../src/core/record/permission-request.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { turnOf } from '../../src/core/record/turn.ts'
import { replies } from '../../src/core/words/replies.ts'
import { statusComment } from '../../src/core/words/status.ts'
import { questionComment } from '../../src/core/words/while-working.ts'
import {
  agentAsks,
  ask,
  deployment,
  hour,
  idleSince,
  lastPoll,
  logIs,
  snapshotWith,
  t0,
  word,
  wordsAre,
  working,
} from './given.ts'

const request: PermissionRequest = {
  id: 'p1',
  title: 'Apply this change?',
  question: false,
  options: [
    { id: 'always', name: 'Allow always', kind: 'allow_always' },
    { id: 'allow', name: 'Allow', kind: 'allow_once' },
    { id: 'reject', name: 'Reject', kind: 'reject_once' },
  ],
}
const question: PermissionRequest = { ...request, question: true, title: 'Which way?' }
const readOnly = {
  request: { ...ask, options: { ...ask.options, permission: 'read-only' as const } },
}
const asking = (asks: PermissionRequest) => working(agentAsks(asks))

test('what may work is allowed once, what may only read is not', () => {
  expect(optionByRights(request, { request: ask })).toBe('allow')
  expect(optionByRights(request, readOnly)).toBe('reject')
})

test('a question is for people, whose words choose by name, id or number', () => {
  expect(optionByRights(question, { request: ask })).toBeUndefined()
  expect(['allow ALWAYS', 'always', ' 1 '].map(text => optionByWords(question, text))).toEqual([
    'always',
    'always',
    'always',
  ])
  expect(optionByWords(question, 'neither')).toBeUndefined()
  expect(rejecting(question)).toBe('reject')
})

test('a permission is answered at once and asked of people if PostHog refuses that, a question not at all', () => {
  expect(permissionToAnswer(asking(request))).toBe('allow')
  expect(permissionToAnswer(asking(question))).toBeUndefined()
  const refused = changed(asking(request), {
    session: { permission: { id: 'p1', title: 't', allowed: false, untaken: 'refused' } },
  })
  expect(permissionToAnswer(refused)).toBeUndefined()
})

const asked = (run: Run) =>
  changed(run, { report: { questions: [{ key: questionKey(run, question), commentId: 77 }] } })

test('a question is put to people once, in a comment that mentions and names the choices', () => {
  const run = asking(question)
  expect([run, asked(run)].map(questionToAsk)).toEqual([question, undefined])
  expect(questionComment(run, question, deployment)).toMatchInlineSnapshot(`
    "@maya Codex has a question.

    > Which way?

    1. [ ] \`Allow always\` <!-- codex-box:choice-1 -->
    2. [ ] \`Allow\` <!-- codex-box:choice-2 -->
    3. [ ] \`Reject\` <!-- codex-box:choice-3 -->

    **What to do:** tick a box, or reply \`/codex 1\` for the first choice, and so on. Any other reply means no, and Codex reads your words.

    Codex waits for you. Without an answer, this run ends within 3 hours.

    <sub>fix the flaky login test · gpt-5.5 · [PostHog run (sign-in)](https://us.posthog.com/project/42/tasks/task-1?runId=b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11)</sub>"
  `)
  const permission = questionComment(run, { ...question, question: false, options: [] }, deployment)
  expect(permission.split('\n\n').slice(0, 3).join('\n')).toMatchInlineSnapshot(`
    "@maya Codex asks for your permission.
    > Which way?
    **What to do:** reply \`/codex <your answer>\`."
  `)
})

test('another question of the agent is put to people as well, but no more than twenty', () => {
  const another = changed(asked(asking(question)), agentAsks({ ...question, title: 'And now?' }))
  expect(questionToAsk(another)).toBeDefined()
  const questions = Array.from({ length: 20 }, (_, n) => ({ key: `q${n}`, commentId: n }))
  expect(questionToAsk(changed(another, { report: { questions } }))).toBeUndefined()
})

test('what a turn of PostHog’s own asks is put to nobody, unless words wait behind it', () => {
  const idle = idleSince(t0 - hour, { ofOthers: true })
  const others = changed(asking(question), logIs({ ...idle, permissionRequest: question }))
  expect(questionToAsk(others)).toBeUndefined()
  expect(questionToAsk(changed(others, wordsAre(word('sent'))))).toEqual(question)
})

test('the status leads to the question; until that is posted, it asks itself', () => {
  expect(statusComment(asking(question), deployment, t0)).toContain(
    '### ❓ Codex waits for your answer\n\n> Which way?\n\n1. `Allow always`\n2. `Allow`\n3. `Reject`\n\n**What to do:** reply `/codex 1`',
  )
  const status = statusComment(asked(asking(question)), deployment, t0)
  expect(status).toContain(
    '### ❓ Codex waits for your answer\n\n**What to do:** answer [the question](https://github.com/acme/shop/issues/7#issuecomment-77).',
  )
  expect(status).not.toContain('Which way?')
  const inline = {
    questions: [
      { key: questionKey(asking(question), question), commentId: 8, inline: true as const },
    ],
  }
  expect(statusComment(changed(asking(question), { report: inline }), deployment, t0)).toContain(
    '#discussion_r8',
  )
})

test('`status` says that it waits for an answer, and where', () => {
  const { text } = replies.status({ live: asked(asking(question)) })
  expect(text).toContain('it waits for your answer to [this question](')
})

const asksNow = (run: Run) =>
  observe(run, snapshotWith({ offset: 2, log: [{ at: t0, what: { kind: 'asks', request } }] }), t0)

test('it is over when the log says so, and the wait for it is known', () => {
  const asked = asksNow(working())
  expect(asked.session.sessionLog?.permissionRequest).toEqual({ ...request, at: t0 })
  const resolved = observe(
    asked,
    snapshotWith({ offset: 2, log: [{ at: t0 + hour, what: { kind: 'permitted', id: 'p1' } }] }),
    t0 + hour,
  )
  expect(resolved.session.sessionLog?.permissionRequest).toBeUndefined()
  expect(resolved.session.sessionLog?.waited).toBe(hour)
})

test.each<[which: string, entries: LogEntry['what'][], open: string | undefined]>([
  ['the first of two', [], 'p1'],
  ['the second, when the first is answered', [{ kind: 'permitted', id: 'p1' }], 'p2'],
  ['the first, when somebody answered the second', [{ kind: 'permitted', id: 'p2' }], 'p1'],
  ['none, when the turn is over', [{ kind: 'answer', id: '2', stopReason: 'end_turn' }], undefined],
  ['none of a process that is gone', [{ kind: 'begins' }], undefined],
])('is open: %s', (_, entries, open) => {
  const asks = ['p1', 'p2'].map(id => ({ kind: 'asks' as const, request: { ...request, id } }))
  const prompt = { kind: 'prompt' as const, id: '2', messages: [] }
  const log = [prompt, ...asks, ...entries].map(what => ({ at: t0, what }))
  const { sessionLog } = observe(working(), snapshotWith({ offset: 9, log }), t0).session
  expect(sessionLog?.permissionRequest?.id).toBe(open)
})

test('one of PostHog’s own turn does not take back what was answered', () => {
  const answered = idleSince(t0 - hour, { ofOthers: true })
  const asked = asksNow(working(logIs(answered), lastPoll(t0)))
  expect(asked.session.sessionLog?.permissionRequest).toEqual({ ...request, at: t0 })
  expect(turnOf(asked)).not.toEqual({ kind: 'working' })
})
