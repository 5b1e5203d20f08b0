/** The steps that talk to PostHog. */

import { firstWords, promptOf, type Words } from '../../core/agent/prompt.ts'
import { type CodexTaskRunCreate, runRequest } from '../../core/agent/run-request.ts'
import { around } from '../../core/model/crash-points.ts'
import { isNotFound } from '../../core/model/errors.ts'
import { threadName } from '../../core/model/thread.ts'
import { cancelledAt, isStopping } from '../../core/run/agent-end.ts'
import { observe } from '../../core/run/apply-snapshot.ts'
import { inTheOpen } from '../../core/run/last-word.ts'
import { handedOver } from '../../core/run/messages.ts'
import { outageOf } from '../../core/run/outage.ts'
import { optionByWords, rejecting } from '../../core/run/permission-request.ts'
import {
  type FollowUp,
  isTerminal,
  type Run,
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
  return { ...context.run, intent: undefined, taskId, taskMade: true }
}

/** @param beside is begun together with it, and only if it is */
export async function makeTask(
  context: StepContext,
  beside?: { also: Partial<Run>; begin(): void },
): Promise<string> {
  const { run, deps } = context
  const marker = taskMarker(run)
  const name = ` (${threadName(run.thread)})`
  const title = `${[...run.snapshot.title].slice(0, maxTitle - name.length).join('')}${name}`
  const asked = run.request.text || run.snapshot.title
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
  const { earlier, intent } = run
  if (!earlier) return run
  const waits = intent ? undefined : await givesWay(context)
  if (waits) return waits
  try {
    const spoken = intent?.kind === 'rejoin'
    const offset = spoken ? intent.offset : await deps.posthog.logLength(earlier)
    const attachments = await speakTo(context, earlier, offset)
    if (!attachments && !(spoken && (await tookUp(context, earlier, { offset, id: run.id, turns: 0 }))))
      return { ...run, intent: undefined, earlier: { ...earlier, over: true } }
    const joined: Run = { ...run, intent: undefined, attachments: attachments ?? none }
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
  const { earlier } = run
  if (!earlier) return run
  const waits = earlier.cancelledAt === undefined ? await givesWay(context) : undefined
  if (waits) return waits
  const gone = { ...run, earlier: { ...earlier, over: true }, nextPollAt: undefined }
  try {
    if (isTerminal(await deps.posthog.statusOf(earlier))) return gone
    await job.assertLocked()
    await deps.posthog.cancel(earlier, `Makes room for what was asked on ${threadName(run.thread)}`)
    const cancelledAt = earlier.cancelledAt ?? deps.now()
    const lastPollAt = deps.now()
    return {
      ...run,
      earlier: { ...earlier, cancelledAt },
      lastPollAt,
      nextPollAt: lastPollAt + untilEnded,
    }
  } catch (error) {
    if (isNotFound(error) && isLasting(context)) return withoutSession(run, earlier)
    throw error
  }
}

/** Its task is gone with it. */
const withoutSession = (run: Run, { taskId }: Session): Run => ({
  ...run,
  intent: undefined,
  earlier: undefined,
  taskId: run.taskId === taskId ? undefined : run.taskId,
  attachments: undefined,
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
  if (run.stop || run.outcome) return none
  const text = promptOf(run, firstWords(run), deps.fence())
  const attachments = await attach(context, await attachmentsOf(run), file =>
    deps.posthog.addArtifact(earlier, file),
  )
  await context.save({ ...run, intent: run.intent ?? { kind: 'rejoin', at: deps.now(), offset } })
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
  if (!run.settings.attachments || attachments.length === 0) return none
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
  const { taskId } = run
  if (taskId === undefined) return run
  // Later runs of a session are started by a follow-up, whose own files come with its words.
  const wanted = run.instructionSent ? [] : await attachmentsOf(run)
  return {
    ...run,
    attachments: await attach(context, wanted, file => deps.posthog.stageArtifact(taskId, file)),
  }
}

export async function startRun(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const { taskId, branch } = run
  if (taskId === undefined || !branch) return { ...run, intent: undefined }
  const intent = {
    kind: 'start-run' as const,
    at: deps.now(),
    before: run.intent?.kind === 'start-run' ? run.intent.before : await runsBefore(context, taskId),
  }
  const id = await once(context, {
    intent,
    begins: true,
    find: async () => (await deps.posthog.runIds(taskId)).find(known => !intent.before.includes(known)),
    perform: () => deps.posthog.startRun(taskId, requestOf(context, branch.name), intent.before),
  })
  return started(
    context,
    { ...context.run, intent: undefined },
    { id, offset: 0, may: wantedRights(context.run) },
  )
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
    attachments: run.instructionSent ? undefined : run.attachments?.ids,
    // Granted when it was asked for; that may have been taken back.
    userToken: grantsOf(deps.settings.deployment, run.thread).asUser ? deps.userToken : undefined,
  })
}

/** A task that this Run has just made has no runs yet. */
const runsBefore = async ({ run, deps }: StepContext, taskId: string): Promise<string[]> =>
  run.taskMade && !run.instructionSent ? [] : deps.posthog.runIds(taskId)

/** The first start hands over the instruction; a later one the oldest follow-up. */
function wordsToStartWith(run: Run): Words {
  const followUp = run.instructionSent ? run.pendingFollowUps[0] : undefined
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
  return {
    ...(run.instructionSent ? handedOver(run) : run),
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
    nextPollAt: undefined,
  }
}

/** Hands the oldest follow-up to the agent, or turns it into a run that resumes the session. */
export async function deliver(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const [followUp] = run.pendingFollowUps
  const session = sessionOf(run)
  if (!followUp || !session) return { ...run, intent: undefined }
  const spoken = run.intent?.kind === 'deliver' && run.intent.messageId === followUp.id
  if (await answerQuestion(context, session, followUp)) return answered(run)
  const text = promptOf(run, wordsOf(followUp), deps.fence())
  const files = await filesOf(run, followUp)
  const attached = await attach(context, files, file => deps.posthog.addArtifact(session, file))
  await context.save({ ...run, intent: { kind: 'deliver', at: deps.now(), messageId: followUp.id } })
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
  if (!run.taskRun?.unread?.length) return run
  return observe(run, await deps.posthog.poll(session, run.sessionLog?.offset ?? 0), deps.now())
}

/** The run has ended; where turns have to be counted, each of its messages had one. */
const heardAll = (context: StepContext, session: Session, id: string): Promise<boolean> => {
  const { sessionLog, taskRun } = context.run
  const turns = (taskRun?.messages ?? 0) + 1 - (sessionLog?.turns ?? 0)
  return tookUp(context, session, { offset: sessionLog?.offset ?? 0, id, turns })
}

function sentFollowUp(run: Run, attached: StagedAttachments): Run {
  const [followUp] = run.pendingFollowUps
  if (!followUp || !run.taskRun) return run
  const before = run.attachments ?? none
  const { messages, unread = [] } = run.taskRun
  return {
    ...handedOver(run),
    intent: undefined,
    attachments: { ...before, failed: [...before.failed, ...attached.failed] },
    taskRun: {
      ...run.taskRun,
      messages: messages + 1,
      lastMessageId: followUp.id,
      unread: [...unread, followUp],
    },
    ...(run.sessionLog
      ? { sessionLog: { ...run.sessionLog, idle: false, awaitedMessageId: followUp.id } }
      : {}),
    nextPollAt: undefined,
  }
}

/** From here a new run of the same task goes on, on the branch of the pull request if there is one. */
function resumed(run: Run, session: Session): Run {
  const pull = run.pulls.findLast(({ state }) => state === 'open')
  const moved = pull && run.branch && pull.head !== run.branch.name
  return {
    ...run,
    intent: undefined,
    earlier: { ...session, over: true },
    taskRun: undefined,
    ...(moved ? { branch: undefined } : {}),
  }
}

/** A follow-up came after the thread was told how it ended. */
export function resumeWork({ run }: StepContext): Run {
  const session = sessionOf(run)
  const again: Run = {
    ...run,
    outcome: undefined,
    concludedAt: undefined,
    stop: undefined,
    agentLeft: undefined,
    cost: undefined,
    announced: { ...run.announced, comment: false, word: false, label: false, branch: false },
    resultChecked: false,
    pushed: undefined,
    reported: run.pulls.length,
    round: run.round + 1,
    ...(run.branch?.made && run.announced.branch ? { branch: undefined } : {}),
    ...inTheOpen(run),
  }
  return session && run.taskRun && isTerminal(run.taskRun.status) ? resumed(again, session) : again
}

/** By what the Run may do. */
export async function answerPermission(context: StepContext, optionId: string): Promise<Run> {
  const { run, deps } = context
  const session = sessionOf(run)
  const asks = run.sessionLog?.permissionRequest
  if (!session || !asks) return run
  await context.job.assertLocked()
  await deps.posthog.answerPermission(session, { requestId: asks.id, optionId })
  const kind = asks.options.find(({ id }) => id === optionId)?.kind
  const permission = { id: asks.id, title: asks.title, allowed: kind?.startsWith('allow') ?? false }
  return { ...run, permission, nextPollAt: undefined }
}

/** Words that choose an option are an answer; all others have the agent wait no more, and are said to it. */
async function answerQuestion(context: StepContext, session: Session, { text }: FollowUp): Promise<boolean> {
  const asks = context.run.sessionLog?.permissionRequest
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
  const { sessionLog, taskRun } = run
  return {
    ...sentFollowUp(run, none),
    sessionLog: sessionLog && { ...sessionLog, permissionRequest: undefined },
    taskRun,
  }
}

/** Repeatable: what has ended already ends once more. */
export async function cancel(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const session = sessionOf(run)
  if (!session) return run
  const now = deps.now()
  const before = run.cancel?.taskRun === session.taskRunId ? run.cancel : undefined
  const intent = before ?? { taskRun: session.taskRunId, at: now, refused: 0, until: now }
  if (!before) await context.save({ ...run, cancel: intent })
  await context.job.assertLocked()
  deps.reached('cancel intent written')
  await deps.posthog.cancel(session, whyCancelled(run))
  deps.reached('cancel asked, not recorded')
  const stop = run.stop && { ...run.stop, asked: true }
  return {
    ...run,
    ...(stop ? { stop } : {}),
    cancel: { ...intent, askedAt: deps.now() },
    nextPollAt: undefined,
  }
}

const whyCancelled = ({ stop, thread }: Run): string =>
  stop ? `Stopped by ${stop.by.login} on ${threadName(thread)}` : `Given up on ${threadName(thread)}`

export async function poll(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const session = sessionOf(run)
  if (!session) return run
  const [snapshot, live] = await Promise.all([
    deps.posthog.poll(session, run.sessionLog?.offset ?? 0),
    deps.liveRuns(),
  ])
  const now = deps.now()
  const streams = !isTerminal(snapshot.status) && deps.stream.watch(session, run.id)
  const seen = await withSummary(context, observe(run, snapshot, now), now)
  return { ...seen, lastPollAt: now, nextPollAt: now + pauseAfterLook(seen, { now, live, streams }) }
}

/** Nice to read, and nothing more: once in a while, and when the agent has said all it will say. */
async function withSummary({ deps }: StepContext, run: Run, now: number): Promise<Run> {
  const { sessionLog, taskId, summaryAt = run.request.at, request, stop } = run
  // Of an earlier run's task it may be as old as that.
  const isOwn = run.taskMade && run.round === 0
  if (taskId === undefined || !isOwn || stop || run.outcome || request.what === 'plan') return run
  const isOver = sessionLog?.idle && summaryAt < (sessionLog.idleSince ?? 0)
  if (!isOver && now - summaryAt < limits.summaryEvery) return run
  const summary = await deps.posthog.summary(taskId)
  return { ...run, summaryAt: now, ...(summary === undefined ? {} : { summary }) }
}

function pauseAfterLook(
  run: Run,
  { now, live, streams }: { now: number; live: number; streams: boolean },
): number {
  const age = now - run.request.at
  const usual = streams ? lookIntervalWithStream(age, live) : lookInterval(age, live)
  const cancelled = isStopping(run) ? cancelledAt(run) : undefined
  return cancelled === undefined ? usual : Math.min(usual, lookIntervalWhenStopping(now - cancelled))
}

/** Nice to know, and nothing more: a server that does not tell is not asked again. */
export async function askCost(context: StepContext): Promise<Run> {
  return { ...context.run, cost: (await costSoFar(context)) ?? null }
}
