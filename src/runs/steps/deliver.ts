/**
 * The steps that pass words on: `deliver` sends the next ones, `answer-permission` answers the agent.
 * `resume-turn` goes on after a turn that broke off, and `resume-work` opens a new round after a result.
 * They leave in the record what the agent was sent, or that a new task run has to begin.
 */
import { promptOf, toGoOn } from '../../core/agent/prompt.ts'
import { RetryLater } from '../../core/model/errors.ts'
import { messagesRead, observe } from '../../core/record/apply-snapshot.ts'
import { openIntent } from '../../core/record/intents.ts'
import { resumeId } from '../../core/record/last-word.ts'
import type { FollowUp } from '../../core/record/mailbox-part.ts'
import { handedOver, refusedWords } from '../../core/record/messages.ts'
import { optionByWords, rejecting } from '../../core/record/permission-request.ts'
import { logOffset } from '../../core/record/read-log.ts'
import type { Session } from '../../core/record/request-part.ts'
import {
  type ChangeOf,
  changed,
  isDone,
  isTerminal,
  nextRound,
  type Run,
  sessionOf,
} from '../../core/record/run.ts'
import { noActivity } from '../../core/record/session-part.ts'
import { mayHaveBeenRead, unreadWords } from '../../core/record/turn.ts'
import { contextGiven, wordsOf } from '../../core/record/words-to-say.ts'
import type { StagedAttachments } from '../../core/record/workspace-part.ts'
import { attach, attachedTo, none } from './stage-attachments.ts'
import { attempt, type StepContext, step } from './step-context.ts'

export const deliver = step('deliver', {
  github: ['comments.attachments'],
  posthog: ['stageArtifact', 'sendMessage', 'respondToPermission', 'poll'],
  writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  async do(context) {
    const { run, deps, posthog } = context
    const [followUp] = run.mailbox.pendingFollowUps
    const session = sessionOf(run)
    if (!followUp || !session) return {}
    const tried = openIntent(run, 'deliver')
    const spoken = tried?.messageId === followUp.id ? tried : undefined
    const decided = await decideByWords(context, session, followUp, spoken?.permission)
    if (decided === 'resolved') return withPermissionDecided(run)
    if (decided === 'over') {
      const { mailbox, report, result } = refusedWords(run, { kind: 'permission-over' })
      return { mailbox, report, result }
    }
    const text = promptOf(run, wordsOf(followUp), deps.fence())
    const attached = await attach(context, attachedTo(followUp), session)
    const intent = { kind: 'deliver' as const, at: deps.now(), messageId: followUp.id }
    const message = { id: followUp.id, text, attachments: attached.ids }
    const took = await attempt(context, intent, () => posthog.sendMessage(session, message))
    if (took === 'ended') {
      const { takenUp = [] } = context.run.session.sessionLog ?? {}
      const { id } = followUp
      // What was read of the log before is not read again.
      const offset = logOffset(context.run)
      const hasTakenUp = takenUp.includes(id) || (spoken && (await tookUp(context, session, { offset, id })))
      if (!hasTakenUp) return afterItsEnd(context, session)
    }
    return sentFollowUp(run, attached)
  },
})

/** Whether words before these were read only shows once the log does. */
async function afterItsEnd(
  { run, deps, posthog }: StepContext<never, 'poll'>,
  session: Session,
): Promise<Following> {
  if (!run.session.taskRun?.unread?.length && !run.session.taskRun?.instructionUnread)
    return inANewRun(run, session)
  const lastPollAt = deps.now()
  const snapshot = await posthog.poll(session, logOffset(run))
  const seen = changed(observe(run, snapshot, deps.now()), {
    schedule: { lastPollAt, nextPollAt: undefined },
  })
  const { result, mailbox, session: known, schedule } = seen
  if (mayHaveBeenRead(seen)) return { result, mailbox, session: known, schedule }
  const { session: after, ...rest } = inANewRun(seen, session)
  return { result, ...rest, session: { ...known, ...after }, mailbox: { ...mailbox, ...rest.mailbox } }
}

type Following = ChangeOf<'mailbox' | 'report' | 'workspace' | 'session' | 'schedule' | 'result'>

/** Its turn ended before it was done: it goes on where it is, or in a run that resumes it. */
export const resumeTurn = step('resume-turn', {
  writes: ['session', 'workspace', 'mailbox', 'result'],
  do({ run, deps }, { why }) {
    const { instruction, followUps } = unreadWords(run)
    const session = sessionOf(run)
    if (!session || !run.session.taskRun) return {}
    const hasWords = instruction || followUps.length + run.mailbox.pendingFollowUps.length > 0
    const goOn: FollowUp = {
      kind: 'follow-up',
      id: resumeId(run),
      by: run.request.by,
      at: deps.now(),
      text: toGoOn,
      resumes: true,
    }
    const words = [...(run.result.resumed?.words ?? []), ...followUps.map(({ id }) => id)]
    const pendingFollowUps = [...(hasWords ? [] : [goOn]), ...run.mailbox.pendingFollowUps]
    const since =
      run.result.resumed?.since ?? run.session.sessionLog?.ended?.at ?? run.session.taskRun.changedAt
    const result = { resumed: { why, words, since } }
    const mailbox = { pendingFollowUps }
    if (!isTerminal(run.session.taskRun.status)) return { mailbox, result }
    return { ...inANewRun(changed(run, { mailbox }), session), result }
  },
})

/** What the run that ended had read none of is said again, first of all. */
function inANewRun(run: Run, session: Session): ChangeOf<'mailbox' | 'session' | 'workspace'> {
  const { instruction, followUps } = unreadWords(run)
  const mailbox = { pendingFollowUps: [...followUps, ...run.mailbox.pendingFollowUps] }
  if (!instruction) return { mailbox, ...resumed(run, session) }
  const { earlier, taskRun, began } = run.session
  const joined = earlier?.taskRunId === session.taskRunId
  return {
    mailbox,
    session: {
      taskRun: undefined,
      instructionSent: false,
      // Its task has a run, which is not the next one.
      began: began ?? (taskRun && { round: run.result.round, at: taskRun.since }),
      ...(joined ? { earlier: { ...session, over: true } } : {}),
    },
    workspace: { attachments: undefined },
  }
}

/** Whether a run that has ended had taken up a message: the log after `offset` shows it. */
export async function tookUp(
  { posthog }: StepContext<never, 'poll'>,
  session: Session,
  { offset, id }: { offset: number; id: string },
): Promise<boolean> {
  const { log } = await posthog.poll(session, offset)
  return messagesRead(log).includes(id)
}

type Sent = ChangeOf<'mailbox' | 'report' | 'workspace' | 'session' | 'schedule'>

function sentFollowUp(run: Run, attached: StagedAttachments): Sent {
  const [followUp] = run.mailbox.pendingFollowUps
  if (!followUp || !run.session.taskRun) return {}
  const before = run.workspace.attachments ?? none
  const { messages, unread = [] } = run.session.taskRun
  const { sessionLog } = run.session
  const isRead = sessionLog?.takenUp?.includes(followUp.id) === true
  return {
    ...handedOver(run),
    workspace: {
      ...contextGiven(run, wordsOf(followUp)).workspace,
      attachments: { ...before, failed: [...before.failed, ...attached.failed] },
    },
    session: {
      taskRun: {
        ...run.session.taskRun,
        messages: messages + 1,
        lastMessageId: followUp.id,
        unread: followUp.resumes || isRead ? unread : [...unread, followUp],
      },
      sessionLog: isRead ? sessionLog : sessionLog && { ...sessionLog, awaitedMessageId: followUp.id },
    },
    schedule: { nextPollAt: undefined },
  }
}

function resumed(run: Run, session: Session): ChangeOf<'session' | 'workspace'> {
  const pull = run.result.pulls.findLast(({ state }) => state === 'open')
  const moved = pull && run.workspace.branch && pull.head !== run.workspace.branch.name
  return {
    session: { earlier: { ...session, over: true }, taskRun: undefined },
    ...(moved ? { workspace: { branch: undefined } } : {}),
  }
}

export const resumeWork = step('resume-work', {
  writes: ['session', 'workspace', 'mailbox', 'result', 'report'],
  do({ run }) {
    const session = sessionOf(run)
    const { sessionLog } = run.session
    const { result, report } = nextRound(run)
    const again: ChangeOf<'result' | 'mailbox' | 'session' | 'report' | 'workspace'> = {
      result: { ...result, pushed: undefined, unopened: undefined, looked: undefined, fixed: undefined },
      mailbox: { stop: undefined, wordsOfRound: [], releaseThread: false },
      session: {
        agentLeft: undefined,
        cost: undefined,
        costBefore: run.session.cost ?? run.session.costBefore,
        sessionLog: sessionLog && {
          ...sessionLog,
          isReported: true,
          afterwards: undefined,
          activity: sessionLog.activity && { ...noActivity, at: sessionLog.activity.at },
        },
      },
      report,
      ...(run.workspace.branch?.made && isDone(run, 'drop-branch')
        ? { workspace: { branch: undefined } }
        : {}),
    }
    return session && run.session.taskRun && isTerminal(run.session.taskRun.status)
      ? changed(again, resumed(changed(run, again), session))
      : again
  },
})

export const respondToPermission = step('answer-permission', {
  posthog: ['respondToPermission'],
  writes: ['session', 'schedule'],
  async do(context, { option: optionId }) {
    const { run, posthog } = context
    const session = sessionOf(run)
    const request = run.session.sessionLog?.permissionRequest
    if (!session || !request) return {}
    await context.job.assertLocked()
    const took = await posthog.respondToPermission(session, { requestId: request.id, optionId })
    const kind = request.options.find(({ id }) => id === optionId)?.kind
    const allowed = kind?.startsWith('allow') ?? false
    const permission = {
      id: request.id,
      title: request.title,
      allowed: took === 'resolved' && allowed,
      untaken: took === 'resolved' ? undefined : took,
    }
    return { session: { permission }, schedule: { nextPollAt: undefined } }
  },
})

/**
 * Text that names an option decides the permission; any other rejects it and goes to the agent as a message.
 * @param tried the permission that these words decided, if PostHog's answer was lost: one that is over then has ours
 */
async function decideByWords(
  context: StepContext<never, 'respondToPermission'>,
  session: Session,
  { id: messageId, text }: FollowUp,
  tried: string | undefined,
): Promise<'no' | 'resolved' | 'over'> {
  const { run, deps, job, posthog } = context
  const request = run.session.sessionLog?.permissionRequest
  if (tried !== undefined && request?.id !== tried) return 'resolved'
  if (!request) return 'no'
  const { id: requestId } = request
  const optionId = optionByWords(request, text)
  if (optionId !== undefined) {
    const intent = { kind: 'deliver' as const, at: deps.now(), messageId, permission: requestId }
    const answer = { requestId, optionId }
    const took = await attempt(context, intent, () => posthog.respondToPermission(session, answer)).catch(
      error => {
        if (error instanceof RetryLater) context.setIntent('deliver', undefined)
        throw error
      },
    )
    return tried === undefined ? took : 'resolved'
  }
  const rejects = rejecting(request)
  if (rejects === undefined) return 'no'
  await job.assertLocked()
  await posthog.respondToPermission(session, { requestId, optionId: rejects })
  return 'no'
}

function withPermissionDecided(run: Run): ReturnType<typeof sentFollowUp> {
  const { sessionLog, taskRun } = run.session
  const { inlineAsked } = run.report
  return changed(sentFollowUp(run, none), {
    mailbox: { wordsOfRound: run.mailbox.wordsOfRound },
    report: { inlineAsked },
    session: { sessionLog: sessionLog && { ...sessionLog, permissionRequest: undefined }, taskRun },
  })
}
