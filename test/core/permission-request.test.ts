import { expect, test } from 'vitest'
import { statusComment } from '../../src/core/comments/status.ts'
import { observe, turnIsOver } from '../../src/core/run/apply-snapshot.ts'
import { nextStep } from '../../src/core/run/next-step.ts'
import {
  optionByRights,
  optionByWords,
  type PermissionRequest,
  rejecting,
} from '../../src/core/run/permission-request.ts'
import { changed, type Run } from '../../src/core/run/run.ts'
import { ask, deployment, hour, snapshotWith, t0, taskRun, working } from './given.ts'

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
const readOnly = { request: { ...ask, options: { ...ask.options, permission: 'read-only' as const } } }
const asking = (asks: PermissionRequest) =>
  working({ session: { sessionLog: { offset: 1, turns: 0, idle: false, permissionRequest: asks } } })
const now = { at: t0, text: 'same' as const }

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

test('a permission is answered at once and once, a question not at all', () => {
  expect(nextStep(asking(request), now)).toEqual({ kind: 'answer-permission', option: 'allow' })
  const answered = changed(asking(request), {
    session: { permission: { id: 'p1', title: 't', allowed: true } },
  })
  expect(nextStep(answered, now).kind).toBe('wait')
  expect(nextStep(asking(question), now).kind).toBe('wait')
})

test('the status says what is asked and how to answer', () => {
  expect(statusComment(asking(question), deployment, t0)).toMatch(
    /^### ❓ Codex waits for an answer[\s\S]*> Which way\?[\s\S]*1\. `Allow always`[\s\S]*\/codex <your answer>/,
  )
})

const asksNow = (run: Run): Run =>
  observe(run, snapshotWith({ offset: 2, log: [{ at: t0, what: { kind: 'asks', request } }] }), t0)

test('it is over when the log says so', () => {
  const asked = asksNow(working())
  expect(asked.session.sessionLog?.permissionRequest).toEqual(request)
  const resolved = observe(
    asked,
    snapshotWith({ offset: 2, log: [{ at: t0, what: { kind: 'permitted', id: 'p1' } }] }),
    t0,
  )
  expect(resolved.session.sessionLog?.permissionRequest).toBeUndefined()
})

test('a turn that begins with one is not over with the turn before it', () => {
  const idle = { offset: 1, turns: 1, idle: true, idleSince: t0 - hour, awaitedMessageId: 'a' }
  const asked = asksNow(working({ session: { taskRun: { ...taskRun, messages: 1 }, sessionLog: idle } }))
  expect(turnIsOver(asked, t0 + hour)).toBe(false)
})

test('one of PostHog’s own turn does not take back what was answered', () => {
  const answered = { offset: 1, turns: 1, idle: true, idleSince: t0 - hour, showsWords: true, ofOthers: true }
  const asked = asksNow(working({ session: { sessionLog: answered } }))
  expect(asked.session.sessionLog?.permissionRequest).toEqual(request)
  expect(turnIsOver(asked, t0)).toBe(true)
})
