/** The steps that talk to PostHog. */

import { firstWords, promptOf, type Words } from '../../core/agent/prompt.ts'
import { type CodexTaskRunCreate, runRequest } from '../../core/agent/run-request.ts'
import { around } from '../../core/model/crash-points.ts'
import { isNotFound } from '../../core/model/errors.ts'
import { threadName } from '../../core/model/thread.ts'
import { cancelledAt, isStopping } from '../../core/run/agent-end.ts'
import { observe } from '../../core/run/apply-snapshot.ts'
import { deadlinesOf } from '../../core/run/deadlines.ts'
import { inTheOpen } from '../../core/run/last-word.ts'
import { handedOver } from '../../core/run/messages.ts'
import { outageOf } from '../../core/run/outage.ts'
import { optionByWords, rejecting } from '../../core/run/permission-request.ts'
import type { FollowUp } from '../../core/run/record/mailbox-part.ts'
import {
  changed,
  isTerminal,
  type Run,
  type RunChange,
  resumedSession,
  sessionOf,
  taskMarker,
  wantedRights,
} from '../../core/run/run.ts'
import type { Rights, Session } from '../../core/run/session.ts'
import {
  limits,
  lookInterval,
  lookIntervalWhenStopping,
  lookIntervalWithStream,
} from '../../core/run/timing.ts'
import { grantsOf } from '../../core/settings/deployment-settings.ts'
import type { Attachment, AttachmentFile, StagedAttachments } from '../../core/text/attachment.ts'
import { givesWay } from './await-admission.ts'
import { costSoFar } from './find-result.ts'
import { attachedIn, attachmentsOf, stageAttachments } from './stage-attachments.ts'
import { once, type StepContext } from './step-context.ts'

const maxTitle = 255

export async function createTask(context: StepContext): Promise<Run> {
  const taskId = await makeTask(context)
  return changed(context.run, { attempts: { intent: undefined }, session: { taskId, taskMade: true } })
}

/** @param beside is begun together with it, and only if it is */
export async function makeTask(
  context: StepContext,
  beside?: { also: RunChange; begin(): void },
): Promise<string> {
  const { run, deps } = context
  const marker = taskMarker(run)
  const name = ` (${threadName(run.thread)})`
  const title = `${[...run.baseline.snapshot.title].slice(0, maxTitle - name.length).join('')}${name}`
  const asked = run.request.text || run.baseline.snapshot.title
  return once(context, {
    intent: { kind: 'create-task', at: deps.now() },
    begins: true,
    ...(beside ? { also: beside.also } : {}),
    find: () => deps.posthog.findTask(marker),
    perform: () => {
      beside?.begin()
      return deps.posthog.createTask({
        title,
        description: `${asked}\n\nAsked by ${run.request.by.login} on ${run.thread.url}\n${marker}`,
        repository: `${run.thread.owner}/${run.thread.repo}`,
      })
    },
  })
}

/** Goes on in an earlier session: in its run if that still listens, else a new run resumes it. */
export async function rejoin(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const {
    session: { earlier },
    attempts: { intent },
  } = run
  if (!earlier) return run
  const waits = intent ? undefined : await givesWay(context)
  if (waits) return waits
  try {
    const spoken = intent?.kind === 'rejoin'
    const offset = spoken ? intent.offset : await deps.posthog.logLength(earlier)
    const attachments = await speakTo(context, earlier, offset)
    if (!attachments && !(spoken && (await tookUp(context, earlier, { offset, id: run.id, turns: 0 }))))
      return changed(run, {
        attempts: { intent: undefined },
        session: { earlier: { ...earlier, over: true } },
      })
    const joined: Run = changed(run, {
      attempts: { intent: undefined },
      workspace: { attachments: attachments ?? none },
    })
    return started(context, joined, { id: earlier.taskRunId, offset, may: earlier.may })
  } catch (error) {
    // The whole session is gone: start afresh.
    if (isNotFound(error) && isLasting(context)) return withoutSession(run, earlier)
    throw error
  }
}

/** The session of before makes room: it is seen to have ended before anything else begins. */
export async function endEarlier(context: StepContext): Promise<Run> {
  const { run, deps, job } = context
  const { earlier } = run.session
  if (!earlier) return run
  const waits = earlier.cancelledAt === undefined ? await givesWay(context) : undefined
  if (waits) return waits
  const gone = changed(run, {
    session: { earlier: { ...earlier, over: true } },
    schedule: { nextPollAt: undefined },
  })
  try {
    if (isTerminal(await deps.posthog.statusOf(earlier))) return gone
    await job.assertLocked()
    await deps.posthog.cancel(earlier, `Makes room for what was asked on ${threadName(run.thread)}`)
    const cancelledAt = earlier.cancelledAt ?? deps.now()
    const lastPollAt = deps.now()
    return changed(run, {
      session: { earlier: { ...earlier, cancelledAt } },
      schedule: { lastPollAt, nextPollAt: lastPollAt + untilEnded },
    })
  } catch (error) {
    if (isNotFound(error) && isLasting(context)) return withoutSession(run, earlier)
    throw error
  }
}

/** Its task is gone with it. */
const withoutSession = (run: Run, { taskId }: Session): Run =>
  changed(run, {
    attempts: { intent: undefined },
    session: { earlier: undefined, taskId: run.session.taskId === taskId ? undefined : run.session.taskId },
    workspace: { attachments: undefined },
  })

const untilEnded = 1_000

/** One 404 is no word on a session. */
function isLasting({ run, deps }: StepContext): boolean {
  const refusedSince = outageOf(run, 'posthog')?.refusedSince
  return refusedSince !== undefined && deps.now() - refusedSince >= limits.gone
}

/** `undefined` when the run does not listen any more. What was said twice under one id is heard once. */
async function speakTo(
  context: StepContext,
  earlier: Session,
  offset: number,
): Promise<StagedAttachments | undefined> {
  const { run, deps } = context
  if (isTerminal(await deps.posthog.statusOf(earlier))) return undefined
  // Perhaps it was said before somebody said stop: then there is something to cancel, and else it does no harm.
  if (run.mailbox.stop || run.result.outcome) return none
  const text = promptOf(run, firstWords(run), deps.fence())
  const attachments = await attach(context, await attachmentsOf(run), file =>
    deps.posthog.addArtifact(earlier, file),
  )
  await context.save(
    changed(run, { attempts: { intent: run.attempts.intent ?? { kind: 'rejoin', at: deps.now(), offset } } }),
  )
  await context.job.assertLocked()
  deps.reached(around.rejoin.begun)
  const message = { id: run.id, text, attachments: attachments.ids }
  if ((await deps.posthog.sendMessage(earlier, message)) === 'ended') return undefined
  deps.reached(around.rejoin.done)
  return attachments
}

/**
 * Whether a message was taken up after the first `offset` entries of a log, by a run that has ended since: its words
 * stand there, or, where no words do, more than so many turns ended.
 */
async function tookUp(
  { deps }: StepContext,
  session: Session,
  { offset, id, turns }: { offset: number; id: string; turns: number },
): Promise<boolean> {
  const { log } = await deps.posthog.poll(session, offset)
  const words = log.flatMap(({ what }) => (what.kind === 'words' ? [what.messages] : []))
  if (words.length > 0) return words.flat().includes(id)
  return log.filter(({ what }) => what.kind === 'turn-over').length > turns
}

const none: StagedAttachments = { ids: [], failed: [] }

async function attach(
  context: StepContext,
  attachments: readonly Attachment[],
  stage: (file: AttachmentFile) => Promise<string>,
): Promise<StagedAttachments> {
  const { run, deps, github, job } = context
  if (!run.baseline.settings.attachments || attachments.length === 0) return none
  const { origin } = run.request
  const commentRef = origin.kind === 'comment' ? origin.commentRef : undefined
  return stageAttachments(attachments, {
    runId: run.id,
    download: github.attachments(commentRef),
    stage,
    assertLocked: () => job.assertLocked(),
    log: deps.log,
    now: () => deps.now(),
  })
}

/** Files wait at PostHog until the run that is to have them starts. */
export async function stageForRun(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const { taskId } = run.session
  if (taskId === undefined) return run
  // Later runs of a session are started by a follow-up, whose own files come with its words.
  const wanted = run.session.instructionSent ? [] : await attachmentsOf(run)
  return changed(run, {
    workspace: {
      attachments: await attach(context, wanted, file => deps.posthog.stageArtifact(taskId, file)),
    },
  })
}

export async function startRun(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const {
    session: { taskId },
    workspace: { branch },
  } = run
  if (taskId === undefined || !branch) return changed(run, { attempts: { intent: undefined } })
  const intent = {
    kind: 'start-run' as const,
    at: deps.now(),
    before:
      run.attempts.intent?.kind === 'start-run'
        ? run.attempts.intent.before
        : await runsBefore(context, taskId),
  }
  const id = await once(context, {
    intent,
    begins: true,
    find: async () => (await deps.posthog.runIds(taskId)).find(known => !intent.before.includes(known)),
    perform: () => deps.posthog.startRun(taskId, requestOf(context, branch.name), intent.before),
  })
  return started(context, changed(context.run, { attempts: { intent: undefined } }), {
    id,
    offset: 0,
    may: wantedRights(context.run),
  })
}

function requestOf(context: StepContext, branch: string): CodexTaskRunCreate {
  const { run, deps } = context
  const { model, effort, mode, authorship, permission, sandbox, signalReport } = run.request.options
  return runRequest({
    branch,
    prompt: promptOf(run, wordsToStartWith(run), deps.fence()),
    model,
    effort,
    mode,
    authorship,
    permission,
    sandbox,
    signalReport,
    resumeFrom: resumedSession(run)?.taskRunId,
    attachments: run.session.instructionSent ? undefined : run.workspace.attachments?.ids,
    // Granted when it was asked for; that may have been taken back.
    userToken: grantsOf(deps.settings.deployment, run.thread).asUser ? deps.userToken : undefined,
  })
}

/** A task that this Run has just made has no runs yet. */
const runsBefore = async ({ run, deps }: StepContext, taskId: string): Promise<string[]> =>
  run.session.taskMade && !run.session.instructionSent ? [] : deps.posthog.runIds(taskId)

/** The first start hands over the instruction; a later one the oldest follow-up. */
function wordsToStartWith(run: Run): Words {
  const followUp = run.session.instructionSent ? run.mailbox.pendingFollowUps[0] : undefined
  return followUp ? wordsOf(followUp) : firstWords(run)
}

const wordsOf = ({ id, by, text, inline }: FollowUp): Words => ({ id, by: by.login, text, inline })

function started(
  context: StepContext,
  run: Run,
  { id, offset, may }: { id: string; offset: number; may: Rights | undefined },
): Run {
  const now = context.deps.now()
  const said = wordsToStartWith(run).id
  return changed(run.session.instructionSent ? handedOver(run) : run, {
    session: {
      instructionSent: true,
      taskRun: {
        id,
        since: now,
        status: 'queued',
        messages: 0,
        from: offset,
        changedAt: now,
        lastMessageId: said,
        ...(may ? { may } : {}),
      },
      sessionLog: { offset, turns: 0, idle: false, awaitedMessageId: said },
    },
    schedule: { nextPollAt: undefined },
  })
}

/** Hands the oldest follow-up to the agent, or turns it into a run that resumes the session. */
export async function deliver(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const [followUp] = run.mailbox.pendingFollowUps
  const session = sessionOf(run)
  if (!followUp || !session) return changed(run, { attempts: { intent: undefined } })
  const spoken = run.attempts.intent?.kind === 'deliver' && run.attempts.intent.messageId === followUp.id
  if (await answerQuestion(context, session, followUp)) return answered(run)
  const text = promptOf(run, wordsOf(followUp), deps.fence())
  const files = await filesOf(run, followUp)
  const attached = await attach(context, files, file => deps.posthog.addArtifact(session, file))
  await context.save(
    changed(run, { attempts: { intent: { kind: 'deliver', at: deps.now(), messageId: followUp.id } } }),
  )
  await context.job.assertLocked()
  deps.reached(around.deliver.begun)
  const message = { id: followUp.id, text, attachments: attached.ids }
  const took = await deps.posthog.sendMessage(session, message)
  if (took === 'ended' && !(spoken && (await heardAll(context, session, followUp.id))))
    return resumed(await knowingUnread(context, session), session)
  deps.reached(around.deliver.done)
  return sentFollowUp(run, attached)
}

const filesOf = (run: Run, { text, inline = [] }: FollowUp): Promise<Attachment[]> =>
  attachedIn([text, ...inline.map(({ body }) => body)], run.thread.url)

/** The run has ended: what it was told before and did not read is said again, before anything else. */
async function knowingUnread({ run, deps }: StepContext, session: Session): Promise<Run> {
  if (!run.session.taskRun?.unread?.length) return run
  return observe(run, await deps.posthog.poll(session, run.session.sessionLog?.offset ?? 0), deps.now())
}

/** The run has ended; where turns have to be counted, each of its messages had one. */
const heardAll = (context: StepContext, session: Session, id: string): Promise<boolean> => {
  const { sessionLog, taskRun } = context.run.session
  const turns = (taskRun?.messages ?? 0) + 1 - (sessionLog?.turns ?? 0)
  return tookUp(context, session, { offset: sessionLog?.offset ?? 0, id, turns })
}

function sentFollowUp(run: Run, attached: StagedAttachments): Run {
  const [followUp] = run.mailbox.pendingFollowUps
  if (!followUp || !run.session.taskRun) return run
  const before = run.workspace.attachments ?? none
  const { messages, unread = [] } = run.session.taskRun
  return changed(handedOver(run), {
    attempts: { intent: undefined },
    workspace: { attachments: { ...before, failed: [...before.failed, ...attached.failed] } },
    session: {
      taskRun: {
        ...run.session.taskRun,
        messages: messages + 1,
        lastMessageId: followUp.id,
        unread: [...unread, followUp],
      },
      sessionLog: run.session.sessionLog && {
        ...run.session.sessionLog,
        idle: false,
        awaitedMessageId: followUp.id,
      },
    },
    schedule: { nextPollAt: undefined },
  })
}

/** From here a new run of the same task goes on, on the branch of the pull request if there is one. */
function resumed(run: Run, session: Session): Run {
  const pull = run.result.pulls.findLast(({ state }) => state === 'open')
  const moved = pull && run.workspace.branch && pull.head !== run.workspace.branch.name
  return changed(run, {
    attempts: { intent: undefined },
    session: { earlier: { ...session, over: true }, taskRun: undefined },
    ...(moved ? { workspace: { branch: undefined } } : {}),
  })
}

/** A follow-up came after the thread was told how it ended. */
export function resumeWork({ run }: StepContext): Run {
  const session = sessionOf(run)
  const again: Run = changed(run, {
    result: {
      outcome: undefined,
      concludedAt: undefined,
      resultChecked: false,
      pushed: undefined,
      reported: run.result.pulls.length,
      round: run.result.round + 1,
    },
    mailbox: { stop: undefined },
    session: { agentLeft: undefined, cost: undefined },
    report: {
      announced: { ...run.report.announced, comment: false, word: false, label: false, branch: false },
      ...inTheOpen(run),
    },
    ...(run.workspace.branch?.made && run.report.announced.branch
      ? { workspace: { branch: undefined } }
      : {}),
  })
  return session && run.session.taskRun && isTerminal(run.session.taskRun.status)
    ? resumed(again, session)
    : again
}

/** By what the Run may do. */
export async function answerPermission(context: StepContext, optionId: string): Promise<Run> {
  const { run, deps } = context
  const session = sessionOf(run)
  const asks = run.session.sessionLog?.permissionRequest
  if (!session || !asks) return run
  await context.job.assertLocked()
  await deps.posthog.answerPermission(session, { requestId: asks.id, optionId })
  const kind = asks.options.find(({ id }) => id === optionId)?.kind
  const permission = { id: asks.id, title: asks.title, allowed: kind?.startsWith('allow') ?? false }
  return changed(run, { session: { permission }, schedule: { nextPollAt: undefined } })
}

/** Words that choose an option are an answer; all others have the agent wait no more, and are said to it. */
async function answerQuestion(context: StepContext, session: Session, { text }: FollowUp): Promise<boolean> {
  const asks = context.run.session.sessionLog?.permissionRequest
  if (!asks) return false
  const chosen = optionByWords(asks, text)
  const optionId = chosen ?? rejecting(asks)
  await context.job.assertLocked()
  if (optionId !== undefined)
    await context.deps.posthog.answerPermission(session, { requestId: asks.id, optionId })
  return chosen !== undefined
}

/** The turn that asked goes on with it. */
function answered(run: Run): Run {
  const { sessionLog, taskRun } = run.session
  return changed(sentFollowUp(run, none), {
    session: { sessionLog: sessionLog && { ...sessionLog, permissionRequest: undefined }, taskRun },
  })
}

/** Repeatable: what has ended already ends once more. */
export async function cancel(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const session = sessionOf(run)
  if (!session) return run
  const now = deps.now()
  const before = run.session.cancel?.taskRun === session.taskRunId ? run.session.cancel : undefined
  const intent = before ?? { taskRun: session.taskRunId, at: now, refused: 0, until: now }
  if (!before) await context.save(changed(run, { session: { cancel: intent } }))
  await context.job.assertLocked()
  deps.reached('cancel intent written')
  await deps.posthog.cancel(session, whyCancelled(run))
  deps.reached('cancel asked, not recorded')
  return changed(run, {
    mailbox: { stop: run.mailbox.stop && { ...run.mailbox.stop, asked: true } },
    session: { cancel: { ...intent, askedAt: deps.now() } },
    schedule: { nextPollAt: undefined },
  })
}

const whyCancelled = ({ mailbox: { stop }, thread }: Run): string =>
  stop ? `Stopped by ${stop.by.login} on ${threadName(thread)}` : `Given up on ${threadName(thread)}`

export async function poll(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const session = sessionOf(run)
  if (!session) return run
  const [snapshot, live] = await Promise.all([
    deps.posthog.poll(session, run.session.sessionLog?.offset ?? 0),
    deps.liveRuns(),
  ])
  const now = deps.now()
  const streams = !isTerminal(snapshot.status) && (await deps.stream.watch(session, run.id))
  const seen = await withSummary(context, observe(run, snapshot, now), now)
  const pause = pauseAfterLook(seen, { now, live, streams })
  return changed(seen, {
    schedule: { lastPollAt: now, nextPollAt: now + pause },
    result: { lookBeforeLastWord: undefined },
  })
}

/** Nice to read, and nothing more: once in a while, and when the agent has said all it will say. */
async function withSummary({ deps }: StepContext, run: Run, now: number): Promise<Run> {
  const {
    session: { sessionLog, taskId, taskRun, summaryAt = run.request.at },
    request,
    mailbox: { stop },
  } = run
  // Of an earlier run's task it may be as old as that.
  const isOwn = run.session.taskMade && run.result.round === 0
  const isTold = run.result.outcome !== undefined && !run.result.lookBeforeLastWord
  if (taskId === undefined || !isOwn || stop || isTold || request.what === 'plan') return run
  const isOver = sessionLog?.idle && summaryAt < (sessionLog.idleSince ?? 0)
  const hasNews = summaryAt < (taskRun?.changedAt ?? 0)
  if (!isOver && (!hasNews || now - summaryAt < limits.summaryEvery)) return run
  const summary = await deps.posthog.summary(taskId)
  return changed(run, {
    session: { summaryAt: now, summary: summary ?? run.session.summary },
  })
}

function pauseAfterLook(
  run: Run,
  { now, live, streams }: { now: number; live: number; streams: boolean },
): number {
  const age = now - run.request.at
  const usual = streams ? lookIntervalWithStream(live) : lookInterval(age, live)
  const cancelled = isStopping(run) ? cancelledAt(run) : undefined
  const stopping = cancelled === undefined ? usual : lookIntervalWhenStopping(now - cancelled)
  return Math.min(usual, stopping, ...deadlinesOf(run).flatMap(at => (at > now ? [at - now] : [])))
}

/** Nice to know, and nothing more: a server that does not tell is not asked again. */
export async function askCost(context: StepContext): Promise<Run> {
  return changed(context.run, { session: { cost: (await costSoFar(context)) ?? null } })
}
