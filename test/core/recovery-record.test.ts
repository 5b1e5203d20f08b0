import { describe, expect, test } from 'vitest'
import { wordsOfRound } from '../../src/core/record/ledger.ts'
import { Marker, markerSigner } from '../../src/core/record/marker.ts'
import { nextStep } from '../../src/core/record/next-step.ts'
import { sessionAtWork } from '../../src/core/record/own-pull-request.ts'
import { backupOf, type Remains, restored } from '../../src/core/record/recovery-record.ts'
import { changed, type Run, taskMarker } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import {
  admitted,
  branch,
  idleSince,
  instruction,
  issueThread,
  more,
  pull,
  runWith,
  t0,
  word,
  wordsAre,
  working,
} from './given.ts'

const carried = (run: Run) => backupOf(run) ?? expect.fail('nothing is carried')

const remainsOf = (run: Run, more: Partial<Remains> = {}): Remains => ({
  id: run.id,
  backup: carried(run),
  made: undefined,
  commentId: 901,
  thread: run.thread,
  snapshot: run.baseline.snapshot,
  settings: defaultSettings,
  pulls: [],
  untended: [],
  session: {},
  closed: false,
  ...more,
})

const stepOf = (run: Run) => nextStep(run, { at: t0, text: 'same' }).kind

const atWork = runWith({
  schedule: { admitted: true },
  workspace: { branch, readUpTo: { of: 'run-comment-501', at: t0, places: ['thread-501'] } },
  session: {
    taskId: 'task-1',
    taskMade: true,
    taskRun: { id: 'run-1', since: t0, status: 'in_progress', from: 17, changedAt: t0 },
    sessionLog: { offset: 40, turns: 1, prompts: [], answer: 'So far so good' },
  },
  mailbox: { words: [{ ...instruction(), to: 'run-1' }] },
})

describe('a Run that PostHog has', () => {
  const session = { taskId: 'task-1', taskRunId: 'run-1' }
  const again = restored(remainsOf(atWork, { session }), t0)
  const over = changed(atWork, { result: { outcome: { kind: 'nothing' } } })

  test('is looked at, and nothing is done once more', () => expect(stepOf(again)).toBe('poll'))

  test('is what it was', () => {
    expect(again).toMatchObject({
      id: atWork.id,
      workspace: { branch, readUpTo: atWork.workspace.readUpTo },
      session: { taskId: 'task-1' },
      mailbox: { words: [{ kind: 'instruction', state: 'sent' }] },
      schedule: { admitted: true },
    })
    expect(again.request).toEqual(atWork.request)
    expect(again.session.taskRun).toMatchObject({ id: 'run-1' })
    // Its log is read once more, from where its own part begins.
    expect(again.session.sessionLog).toEqual({ offset: 17, turns: 0, prompts: [] })
    expect(taskMarker(again)).toBe(taskMarker(atWork))
  })

  test('goes on even if the words were edited, as the agent has them', () => {
    const snapshot = { ...atWork.baseline.snapshot, body: 'other' }
    expect(stepOf(restored(remainsOf(atWork, { snapshot, session }), t0))).toBe('poll')
  })

  test('that had told of its pull request does not tell of it again', () => {
    const told = changed(atWork, { result: { round: 1, pulls: [pull], reported: 1 } })
    const once = restored(remainsOf(told, { pulls: [pull], session }), t0)
    expect([once.result.reported, once.result.round]).toEqual([1, 1])
  })

  test('that had not told of its pull request reads how its turn ended, and does', () => {
    const seen = changed(atWork, { result: { outcome: { kind: 'pull' }, pulls: [pull] } })
    const again = restored(remainsOf(seen, { pulls: [pull], session }), t0)
    expect(stepOf(again)).toBe('poll')
    const idle = idleSince(t0 - limits.lateRow)
    const ended = changed(again, {
      session: { sessionLog: idle },
      schedule: { lastPollAt: t0 },
      mailbox: atWork.mailbox,
    })
    expect(stepOf(ended)).toBe('find-result')
  })

  test('that had said its last word says no more, and gives back what it was lent', () => {
    const again = restored(remainsOf(over, { closed: true }), t0)
    expect(again.report.done).toEqual(['conclude'])
    expect([again.report.status, again.report.readOnlyThread]).toEqual([undefined, true])
    expect(sessionAtWork(again)).toBeUndefined()
  })

  test('knows when it began, when it ended and what it cost', () => {
    const [began, concludedAt, cost] = [{ round: 0, at: t0 - 3 }, t0 - 1, 1.5]
    const timed = changed(atWork, { session: { began, costBefore: 0.5 } })
    const later = restored(remainsOf(timed, { session }), t0 + 5)
    expect(later.session).toMatchObject({
      began,
      costBefore: 0.5,
      taskRun: { since: t0, changedAt: t0 + 5 },
    })
    const ended = changed(over, { session: { began, cost }, result: { concludedAt } })
    const again = restored(remainsOf(ended, { closed: true, session }), t0 + 5)
    expect([again.result.concludedAt, again.session.cost, again.session.began]).toEqual([
      concludedAt,
      cost,
      began,
    ])
  })

  test('that had said its last word knows which task run may still use its branch', () =>
    expect(sessionAtWork(restored(remainsOf(over, { closed: true, session }), t0))).toEqual(
      session,
    ))
})

describe('a Run that had not begun', () => {
  const waiting = runWith({})

  test('waits its turn once more, and who asked is asked about once more', () => {
    const again = restored(remainsOf(waiting), t0)
    expect(again).toMatchObject({ schedule: { admitted: false, waits: { kind: 'line' } } })
    expect(again.attempts.intent).toBeUndefined()
    expect(stepOf(again)).toBe('await-admission')
  })

  test('goes on with the task that it had made', () => {
    const again = restored(remainsOf(waiting, { session: { taskId: 'task-1' } }), t0)
    const steps = [
      again,
      changed(again, admitted),
      changed(again, admitted, { workspace: { branch } }),
    ].map(stepOf)
    expect(steps).toEqual(['await-admission', 'find-branch', 'gather-context'])
  })

  test.each([{ title: 'Another title' }, { body: 'Another body' }])(
    'ends when %j stands there now',
    edit => {
      const snapshot = { ...waiting.baseline.snapshot, ...edit }
      expect(restored(remainsOf(waiting, { snapshot }), t0).result.outcome).toMatchObject({
        kind: 'failed',
        class: 'lost',
      })
    },
  )
})

describe('what a marker carries', () => {
  const signer = markerSigner('secret')
  const thread = { repoId: 100, number: 7 }
  const named = { run: 'run-1', repo: 100, thread: 7, as: 'status' } as const

  test('comes back whole', () => {
    const backup = carried(atWork)
    const marker: Marker = { ...named, backup }
    expect(signer.read(signer.write(marker), thread)).toEqual([marker])
  })

  test('is not the code that an inline comment is about', () => {
    const inline = {
      id: 3,
      path: 'a.ts',
      line: 1,
      hunk: '@@ secret code',
      body: '/codex fix',
      author: 'zoe',
    }
    const place = { kind: 'inline' as const, commentId: 3, rootId: 3, reviewId: null, inline }
    const run = runWith({
      request: {
        ...atWork.request,
        origin: { kind: 'comment', commentRef: place },
        inline: [inline],
      },
    })
    const written = JSON.stringify(backupOf(run))
    expect(written).not.toContain('secret code')
    expect(written).toContain('"rootId":3')
  })

  test('is the words of the round, while there is room for them', () => {
    const said = (text: string) => working(wordsAre(word('read', more('a', text))))
    expect(carried(said('in red')).words).toEqual([
      instruction(),
      word('read', more('a', 'in red')),
    ])
    expect(wordsOfRound(restored(remainsOf(said('in red')), t0))).toMatchObject([
      more('a', 'in red'),
    ])
    expect(carried(said('漢'.repeat(16_000))).words).toEqual([instruction()])
  })

  test('always leaves room for the words of its comment', () => {
    const asking = (text: string): Run => ({ ...atWork, request: { ...atWork.request, text } })
    expect(carried(asking('x'.repeat(16_000))).request.text).toHaveLength(16_000)
    expect(backupOf(asking('漢'.repeat(16_000)))).toBeUndefined()
    const marker = signer.write({ ...named, backup: carried(asking('漢'.repeat(6_000))) })
    expect(marker.length).toBeLessThan(30_000)
    expect(signer.read(marker, thread)).toHaveLength(1)
  })

  test('of another version is left out, and the rest is remembered', () => {
    const marker = { ...named, task: 'task-1', backup: { v: 9 } }
    expect(Marker.parse(marker)).toMatchObject({ run: 'run-1', task: 'task-1' })
    expect(Marker.parse(marker).backup).toBeUndefined()
  })
})

test('is bound to the thread', () =>
  expect(restored(remainsOf(atWork), t0).thread).toEqual(issueThread))
