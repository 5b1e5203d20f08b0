/**
 * How a Run goes on: after a turn that broke off, and with new words after a result.
 * A task run that has ended is resumed by a new one.
 */

import type { Unfinished } from '../model/task-run.ts'
import { resumeId } from './last-word.ts'
import { moved, pending } from './ledger.ts'
import type { Word } from './mailbox-part.ts'
import type { Session } from './request-part.ts'
import {
  type ChangeOf,
  changed,
  isDone,
  isTerminal,
  nextRound,
  type Run,
  sessionOf,
} from './run.ts'
import { noActivity } from './session-part.ts'
import { neverRead } from './turn.ts'

/** Words of the bot itself. */
export const toGoOn =
  'Your last turn ended before it was finished. Look at what is there already. Then finish what you were asked.'

/**
 * Its turn ended before it was done: it goes on where it is, or in a run that resumes it.
 * @param at ms since the epoch
 */
export function turnResumed(
  run: Run,
  why: Unfinished,
  at: number,
): ChangeOf<'session' | 'workspace' | 'mailbox' | 'result'> {
  const session = sessionOf(run)
  if (!session || !run.session.taskRun) return {}
  const hasWords = neverRead(run).length + pending(run).length > 0
  const goOn: Word = {
    kind: 'follow-up',
    id: resumeId(run),
    by: run.request.by,
    at,
    text: toGoOn,
    resumes: true,
    state: 'waiting',
  }
  const since =
    run.result.resumed?.since ?? run.session.sessionLog?.ended?.at ?? run.session.taskRun.changedAt
  const result = { resumed: { why, since } }
  const mailbox = { words: hasWords ? run.mailbox.words : [...run.mailbox.words, goOn] }
  if (!isTerminal(run.session.taskRun.status)) return { mailbox, result }
  return { ...inNewTaskRun(changed(run, { mailbox }), session), result }
}

/** What nobody read in the run that ended is said again, first of all. */
export function inNewTaskRun(
  run: Run,
  session: Session,
): ChangeOf<'mailbox' | 'session' | 'workspace'> {
  const left = neverRead(run)
  const mailbox = { words: moved(run.mailbox.words, 'left', left) }
  if (left.every(({ kind }) => kind !== 'instruction'))
    return { mailbox, ...sessionResumed(run, session) }
  const { earlier, taskRun, began } = run.session
  const joined = earlier?.taskRunId === session.taskRunId
  return {
    mailbox,
    session: {
      taskRun: undefined,
      // Its task has a run, which is not the next one.
      began: began ?? (taskRun && { round: run.result.round, at: taskRun.since }),
      ...(joined ? { earlier: { ...session, over: true } } : {}),
    },
    workspace: { attachments: undefined },
  }
}

function sessionResumed(run: Run, session: Session): ChangeOf<'session' | 'workspace'> {
  const pull = run.result.pulls.findLast(({ state }) => state === 'open')
  const isElsewhere = pull && run.workspace.branch && pull.head !== run.workspace.branch.name
  return {
    session: { earlier: { ...session, over: true }, taskRun: undefined },
    ...(isElsewhere ? { workspace: { branch: undefined } } : {}),
  }
}

/** Words came after the result: another round begins with them. */
export function workResumed(
  run: Run,
): ChangeOf<'result' | 'mailbox' | 'session' | 'report' | 'workspace'> {
  const { branch } = run.workspace
  const isDropped = branch?.made && isDone(run, 'drop-branch')
  const session = sessionOf(run)
  const { sessionLog } = run.session
  const { result, report } = nextRound(run)
  const again: ChangeOf<'result' | 'mailbox' | 'session' | 'report' | 'workspace'> = {
    result: {
      ...result,
      strays: [],
      pushed: undefined,
      pushedBranch: undefined,
      shownIn: undefined,
      unopened: undefined,
      looked: undefined,
      fixed: undefined,
    },
    mailbox: { stop: undefined, releaseThread: false },
    session: {
      agentLeft: undefined,
      cost: undefined,
      costBefore: run.session.cost ?? run.session.costBefore,
      sessionLog: sessionLog && {
        ...sessionLog,
        isReported: true,
        waited: undefined,
        afterwards: undefined,
        activity: sessionLog.activity && { ...noActivity, at: sessionLog.activity.at },
      },
    },
    report,
    ...(isDropped ? { workspace: { branch: undefined } } : {}),
  }
  return session && run.session.taskRun && isTerminal(run.session.taskRun.status)
    ? changed(again, sessionResumed(changed(run, again), session))
    : again
}
