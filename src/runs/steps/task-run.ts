/** The steps that talk to PostHog. */

import { firstWords, promptOf, type Words } from '../../core/agent/prompt.ts'
import { type CodexTaskRunCreate, runRequest } from '../../core/agent/run-request.ts'
import { around } from '../../core/model/crash-points.ts'
import { isNotFound } from '../../core/model/errors.ts'
import { threadName } from '../../core/model/thread.ts'
import { cancelledAt, isStopping } from '../../core/run/agent-end.ts'
import { observe } from '../../core/run/apply-snapshot.ts'
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
import {
  type Attachment,
  type AttachmentFile,
  attachmentsIn,
  onlyOnce,
  type StagedAttachments,
} from '../../core/text/attachment-links.ts'
import { attachmentsOf, stageAttachments } from './stage-attachments.ts'
import { type Hand, once } from './step-context.ts'
import { givesWay } from './take-turn.ts'

const maxTitle = 255

export async function createTask(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const marker = taskMarker(run)
  const name = ` (${threadName(run.thread)})`
  const title = `${[...run.snapshot.title].slice(0, maxTitle - name.length).join('')}${name}`
  const asked = run.ask.text || run.snapshot.title
  const taskId = await once(hand, {
    intent: { effect: 'create-task', at: deps.now() },
    begins: true,
    find: () => deps.posthog.findTask(marker),
    perform: () =>
      deps.posthog.createTask({
        title,
        description: `${asked}\n\nAsked by ${run.ask.by.login} on ${run.thread.url}\n${marker}`,
        repository: `${run.thread.owner}/${run.thread.repo}`,
      }),
  })
  return { ...hand.run, intent: undefined, taskId, taskMade: true }
}

/** Goes on in an earlier session: in its run if that still listens, else a new run resumes it. */
export async function rejoin(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const { earlier, intent } = run
  if (!earlier) return run
  const waits = intent ? undefined : await givesWay(hand)
  if (waits) return waits
  try {
    const spoken = intent?.effect === 'rejoin'
    const offset = spoken ? intent.offset : await deps.posthog.logLength(earlier)
    const attachments = await speakTo(hand, earlier, offset)
    if (!attachments && !(spoken && (await tookUp(hand, earlier, { offset, id: run.id, turns: 0 }))))
      return { ...run, intent: undefined, earlier: { ...earlier, over: true } }
    const joined: Run = { ...run, intent: undefined, attachments: attachments ?? none }
    return started(hand, joined, { id: earlier.taskRunId, offset, may: earlier.may })
  } catch (error) {
    // The whole session is gone: start afresh.
    if (isNotFound(error) && isLasting(hand)) return withoutSession(run, earlier)
    throw error
  }
}

/** The session of before makes room: it is seen to have ended before anything else begins. */
export async function endEarlier(hand: Hand): Promise<Run> {
  const { run, deps, job } = hand
  const { earlier } = run
  if (!earlier) return run
  const waits = earlier.cancelledAt === undefined ? await givesWay(hand) : undefined
  if (waits) return waits
  const gone = { ...run, earlier: { ...earlier, over: true }, nextLookAt: undefined }
  try {
    if (isTerminal(await deps.posthog.statusOf(earlier))) return gone
    await job.assertHeld()
    await deps.posthog.cancel(earlier, `Makes room for what was asked on ${threadName(run.thread)}`)
    const cancelledAt = earlier.cancelledAt ?? deps.now()
    const lastLookAt = deps.now()
    return { ...run, earlier: { ...earlier, cancelledAt }, lastLookAt, nextLookAt: lastLookAt + untilEnded }
  } catch (error) {
    if (isNotFound(error) && isLasting(hand)) return withoutSession(run, earlier)
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
function isLasting({ run, deps }: Hand): boolean {
  const refusedSince = outageOf(run, 'posthog')?.refusedSince
  return refusedSince !== undefined && deps.now() - refusedSince >= limits.gone
}

/** `undefined` when the run does not listen any more. What was said twice under one id is heard once. */
async function speakTo(hand: Hand, earlier: Session, offset: number): Promise<StagedAttachments | undefined> {
  const { run, deps } = hand
  if (isTerminal(await deps.posthog.statusOf(earlier))) return undefined
  // Perhaps it was said before somebody said stop: then there is something to cancel, and else it does no harm.
  if (run.stop || run.outcome) return none
  const text = promptOf(run, firstWords(run), deps.fence())
  const attachments = await attach(hand, attachmentsOf(run), file => deps.posthog.addArtifact(earlier, file))
  await hand.save({ ...run, intent: run.intent ?? { effect: 'rejoin', at: deps.now(), offset } })
  await hand.job.assertHeld()
  deps.reached(around.rejoin.begun)
  const message = { id: run.id, text, attachments: attachments.ids }
  if ((await deps.posthog.say(earlier, message)) === 'ended') return undefined
  deps.reached(around.rejoin.done)
  return attachments
}

/**
 * Whether a message was taken up after the first `offset` entries of a log, by a run that has ended since: its words
 * stand there, or, where no words do, more than so many turns ended.
 */
async function tookUp(
  { deps }: Hand,
  session: Session,
  { offset, id, turns }: { offset: number; id: string; turns: number },
): Promise<boolean> {
  const { log } = await deps.posthog.look(session, offset)
  const words = log.flatMap(({ what }) => (what.is === 'words' ? [what.messages] : []))
  if (words.length > 0) return words.flat().includes(id)
  return log.filter(({ what }) => what.is === 'turn-over').length > turns
}

const none: StagedAttachments = { ids: [], failed: [] }

async function attach(
  hand: Hand,
  attachments: readonly Attachment[],
  stage: (file: AttachmentFile) => Promise<string>,
): Promise<StagedAttachments> {
  const { run, deps, github, job } = hand
  if (!run.settings.attachments || attachments.length === 0) return none
  const { origin } = run.ask
  const place = origin.by === 'comment' ? origin.place : undefined
  return stageAttachments(attachments, {
    runId: run.id,
    download: github.attachments(place),
    stage,
    assertHeld: () => job.assertHeld(),
    log: deps.log,
    now: () => deps.now(),
  })
}

/** Files wait at PostHog until the run that is to have them starts. */
export async function stageForRun(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const { taskId } = run
  if (taskId === undefined) return run
  // Later runs of a session are started by a follow-up, whose own files come with its words.
  const wanted = run.asked ? [] : attachmentsOf(run)
  return { ...run, attachments: await attach(hand, wanted, file => deps.posthog.stageArtifact(taskId, file)) }
}

export async function startRun(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const { taskId, branch } = run
  if (taskId === undefined || !branch) return { ...run, intent: undefined }
  const intent = {
    effect: 'start-run' as const,
    at: deps.now(),
    before: run.intent?.effect === 'start-run' ? run.intent.before : await runsBefore(hand, taskId),
  }
  const id = await once(hand, {
    intent,
    begins: true,
    find: async () => (await deps.posthog.runIds(taskId)).find(known => !intent.before.includes(known)),
    perform: () => deps.posthog.startRun(taskId, requestOf(hand, branch.name), intent.before),
  })
  return started(hand, { ...hand.run, intent: undefined }, { id, offset: 0, may: wantedRights(hand.run) })
}

function requestOf(hand: Hand, branch: string): CodexTaskRunCreate {
  const { run, deps } = hand
  const { model, effort, mode, authorship, permission, sandbox, signalReport } = run.ask.options
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
    attachments: run.asked ? undefined : run.attachments?.ids,
    // Granted when it was asked for; that may have been taken back.
    userToken: grantsOf(deps.settings.deployment, run.thread).asUser ? deps.userToken : undefined,
  })
}

/** A task that this Run has just made has no runs yet. */
const runsBefore = async ({ run, deps }: Hand, taskId: string): Promise<string[]> =>
  run.taskMade && !run.asked ? [] : deps.posthog.runIds(taskId)

/** The first start hands over the instruction; a later one the oldest follow-up. */
function wordsToStartWith(run: Run): Words {
  const note = run.asked ? run.undelivered[0] : undefined
  return note ? wordsOf(note) : firstWords(run)
}

const wordsOf = ({ id, by, text, inline }: FollowUp): Words => ({ id, by: by.login, text, inline })

function started(
  hand: Hand,
  run: Run,
  { id, offset, may }: { id: string; offset: number; may: Rights | undefined },
): Run {
  const now = hand.deps.now()
  const [note, ...rest] = run.undelivered
  const said = wordsToStartWith(run).id
  const handedOver =
    run.asked && note
      ? {
          undelivered: rest,
          delivered: [...run.delivered, note.id],
          passedOn: run.passedOn + 1,
          answerTo: note.by.login,
        }
      : {}
  return {
    ...run,
    ...handedOver,
    asked: true,
    taskRun: {
      id,
      since: now,
      status: 'queued',
      notes: 0,
      from: offset,
      changedAt: now,
      said,
      ...(may ? { may } : {}),
    },
    heard: { offset, turns: 0, idle: false, awaits: said },
    nextLookAt: undefined,
  }
}

/** Hands the oldest follow-up to the agent, or turns it into a run that resumes the session. */
export async function deliver(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const [note] = run.undelivered
  const session = sessionOf(run)
  if (!note || !session) return { ...run, intent: undefined }
  const spoken = run.intent?.effect === 'deliver' && run.intent.note === note.id
  if (await answerQuestion(hand, session, note)) return answered(run)
  const text = promptOf(run, wordsOf(note), deps.fence())
  const files = filesOf(run, note)
  const attached = await attach(hand, files, file => deps.posthog.addArtifact(session, file))
  await hand.save({ ...run, intent: { effect: 'deliver', at: deps.now(), note: note.id } })
  await hand.job.assertHeld()
  deps.reached(around.deliver.begun)
  const message = { id: note.id, text, attachments: attached.ids }
  const took = await deps.posthog.say(session, message)
  if (took === 'ended' && !(spoken && (await heardAll(hand, session, note.id)))) return resumed(run, session)
  deps.reached(around.deliver.done)
  return passedOn(run, attached)
}

const filesOf = (run: Run, { text, inline = [] }: FollowUp): Attachment[] =>
  onlyOnce([text, ...inline.map(({ body }) => body)].flatMap(body => attachmentsIn(body, run.thread.url)))

/** The run has ended; where turns have to be counted, each of its messages had one. */
const heardAll = (hand: Hand, session: Session, id: string): Promise<boolean> => {
  const { heard, taskRun } = hand.run
  const turns = (taskRun?.notes ?? 0) + 1 - (heard?.turns ?? 0)
  return tookUp(hand, session, { offset: heard?.offset ?? 0, id, turns })
}

function passedOn(run: Run, attached: StagedAttachments): Run {
  const [note, ...rest] = run.undelivered
  if (!note || !run.taskRun) return run
  const before = run.attachments ?? none
  return {
    ...run,
    intent: undefined,
    attachments: { ...before, failed: [...before.failed, ...attached.failed] },
    undelivered: rest,
    delivered: [...run.delivered, note.id],
    passedOn: run.passedOn + 1,
    answerTo: note.by.login,
    taskRun: { ...run.taskRun, notes: run.taskRun.notes + 1, said: note.id },
    ...(run.heard ? { heard: { ...run.heard, idle: false, awaits: note.id } } : {}),
    nextLookAt: undefined,
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
export function resumeWork({ run }: Hand): Run {
  const session = sessionOf(run)
  const again: Run = {
    ...run,
    outcome: undefined,
    concludedAt: undefined,
    stop: undefined,
    agentLeft: undefined,
    cost: undefined,
    told: { ...run.told, comment: false, label: false, branch: false },
    resultChecked: false,
    pushed: undefined,
    reported: run.pulls.length,
    round: run.round + 1,
    ...(run.branch?.made && run.told.branch ? { branch: undefined } : {}),
  }
  return session && run.taskRun && isTerminal(run.taskRun.status) ? resumed(again, session) : again
}

/** By what the Run may do. */
export async function answerPermission(hand: Hand, optionId: string): Promise<Run> {
  const { run, deps } = hand
  const session = sessionOf(run)
  const asks = run.heard?.asks
  if (!session || !asks) return run
  await hand.job.assertHeld()
  await deps.posthog.answerPermission(session, { requestId: asks.id, optionId })
  const kind = asks.options.find(({ id }) => id === optionId)?.kind
  const permission = { id: asks.id, title: asks.title, allowed: kind?.startsWith('allow') ?? false }
  return { ...run, permission, nextLookAt: undefined }
}

/** Words that choose an option are an answer; all others have the agent wait no more, and are said to it. */
async function answerQuestion(hand: Hand, session: Session, { text }: FollowUp): Promise<boolean> {
  const asks = hand.run.heard?.asks
  if (!asks) return false
  const chosen = optionByWords(asks, text)
  const optionId = chosen ?? rejecting(asks)
  await hand.job.assertHeld()
  if (optionId !== undefined)
    await hand.deps.posthog.answerPermission(session, { requestId: asks.id, optionId })
  return chosen !== undefined
}

/** The turn that asked goes on with it. */
function answered(run: Run): Run {
  const { heard, taskRun } = run
  return { ...passedOn(run, none), heard: heard && { ...heard, asks: undefined }, taskRun }
}

/** Repeatable: what has ended already ends once more. */
export async function cancel(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const session = sessionOf(run)
  if (!session) return run
  const now = deps.now()
  const before = run.cancel?.taskRun === session.taskRunId ? run.cancel : undefined
  const intent = before ?? { taskRun: session.taskRunId, at: now, refused: 0, until: now }
  if (!before) await hand.save({ ...run, cancel: intent })
  await hand.job.assertHeld()
  deps.reached('cancel intent written')
  await deps.posthog.cancel(session, whyCancelled(run))
  deps.reached('cancel asked, not recorded')
  const stop = run.stop && { ...run.stop, asked: true }
  return {
    ...run,
    ...(stop ? { stop } : {}),
    cancel: { ...intent, askedAt: deps.now() },
    nextLookAt: undefined,
  }
}

const whyCancelled = ({ stop, thread }: Run): string =>
  stop ? `Stopped by ${stop.by.login} on ${threadName(thread)}` : `Given up on ${threadName(thread)}`

export async function look(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const session = sessionOf(run)
  if (!session) return run
  const [sight, live] = await Promise.all([
    deps.posthog.look(session, run.heard?.offset ?? 0),
    deps.liveRuns(),
  ])
  const now = deps.now()
  const streams = !isTerminal(sight.status) && deps.stream.watch(session, run.id)
  const seen = await withSummary(hand, observe(run, sight, now), now)
  return { ...seen, lastLookAt: now, nextLookAt: now + pauseAfterLook(seen, { now, live, streams }) }
}

/** Nice to read, and nothing more: once in a while, and when the agent has said all it will say. */
async function withSummary({ deps }: Hand, run: Run, now: number): Promise<Run> {
  const { heard, taskId, summaryAt = run.ask.at, ask, stop } = run
  // Of an earlier run's task it may be as old as that.
  const isOwn = run.taskMade && run.round === 0
  if (taskId === undefined || !isOwn || stop || run.outcome || ask.what === 'plan') return run
  const isOver = heard?.idle && summaryAt < (heard.idleSince ?? 0)
  if (!isOver && now - summaryAt < limits.summaryEvery) return run
  const summary = await deps.posthog.summary(taskId)
  return { ...run, summaryAt: now, ...(summary === undefined ? {} : { summary }) }
}

function pauseAfterLook(
  run: Run,
  { now, live, streams }: { now: number; live: number; streams: boolean },
): number {
  const age = now - run.ask.at
  const usual = streams ? lookIntervalWithStream(age, live) : lookInterval(age, live)
  const cancelled = isStopping(run) ? cancelledAt(run) : undefined
  return cancelled === undefined ? usual : Math.min(usual, lookIntervalWhenStopping(now - cancelled))
}

/** Nice to know, and nothing more: a server that does not tell is not asked again. */
export async function askCost({ run, deps }: Hand): Promise<Run> {
  const cost = run.taskId === undefined ? undefined : await deps.posthog.cost(run.taskId)
  return { ...run, cost: cost ?? null }
}
