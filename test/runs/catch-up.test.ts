/** A Run whose record may lag behind what was done, and what its own status in the thread says. */
import { expect, test } from 'vitest'
import { markerOf, markerSigner } from '../../src/core/record/marker.ts'
import { backupOf } from '../../src/core/record/recovery-record.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { catchUp } from '../../src/runs/steps/follow-task-run.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import { inLine, runWith, status, t0, taskRun, working } from '../core/given.ts'

const signer = markerSigner('a secret of this test, 32 letters')
const before = runWith(inLine(1), { report: { status }, attempts: { lagsSince: t0 } })

/** @param knows what the Run was when its status was written last */
const caughtUp = (run: Run, knows: Run, ...more: ('status' | 'closing')[]): Promise<Run> => {
  const bodies = ['status' as const, ...more].map(as =>
    signer.write({
      ...markerOf(knows, as),
      ...(as === 'status' ? { backup: backupOf(knows) } : {}),
    }),
  )
  const ownComments = async () => bodies.map((body, n) => ({ id: 601 + n, body, createdAt: t0 }))
  return afterStep(catchUp, handWith(run, { github: { 'comments.own': ownComments }, signer }))
}

test('is as it was, where the status knows no more', async () =>
  expect(await caughtUp(before, before)).toEqual(changed(before, { attempts: { caughtUpAt: t0 } })))

test('is at work, if it has begun', async () => {
  const { session, schedule, mailbox } = await caughtUp(before, working())
  expect([session.taskRun?.id, schedule.admitted]).toEqual([taskRun.id, true])
  expect(mailbox.words).toMatchObject([{ kind: 'instruction', state: 'sent' }])
  expect(schedule.waits).toBeUndefined()
})

test.each([
  [
    'with its last word',
    working({ result: { outcome: { kind: 'answer' } } }),
    ['closing' as const],
  ],
  [
    'stopped before it began',
    changed(before, { result: { outcome: { kind: 'stopped', by: 'maya' } } }),
    [],
  ],
])('has ended, if it has: %s', async (_, knows, more) => {
  const { result, report } = await caughtUp(before, knows, ...more)
  expect([result.outcome, report.done]).toEqual([knows.result.outcome, ['conclude']])
})

test('is not thrown back by a status that lags itself', async () => {
  const earlier = { taskId: 'task-1', taskRunId: taskRun.id, over: true }
  const resumes = working({
    session: { taskRun: undefined, earlier },
    result: { round: 1 },
    attempts: { lagsSince: t0 },
  })
  expect((await caughtUp(resumes, working())).session).toEqual(resumes.session)
})
