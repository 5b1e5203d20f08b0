/** The steps that talk to PostHog. */
import {
  type Attachment,
  type AttachmentFile,
  attachmentsIn,
  type StagedAttachments,
} from '../../core/attachments.ts'
import { isNotFound } from '../../core/faults.ts'
import { observe } from '../../core/observe.ts'
import { lookInterval, lookIntervalWithStream } from '../../core/pace.ts'
import { firstPrompt, followUpPrompt } from '../../core/prompt.ts'
import { isTerminal, type Run, type Session, taskMarker } from '../../core/run.ts'
import { type CodexTaskRunCreate, runRequest } from '../../core/run-request.ts'
import { threadName } from '../../core/thread.ts'
import { around } from '../crash-points.ts'
import { attachmentsOf, stageAttachments } from './attachments.ts'
import { type Hand, once } from './hand.ts'

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
  try {
    const spoken = intent?.effect === 'rejoin'
    const offset = spoken ? intent.offset : await deps.posthog.logLength(earlier)
    const attachments = await speakTo(hand, earlier, offset)
    if (!attachments && !(spoken && (await turnsSince(hand, earlier, offset)) > 0))
      return { ...run, intent: undefined, earlier: { ...earlier, over: true } }
    const joined: Run = { ...run, intent: undefined, attachments: attachments ?? none }
    return started(hand, joined, earlier.taskRunId, offset)
  } catch (error) {
    // The whole session is gone: start afresh.
    if (isNotFound(error))
      return { ...run, intent: undefined, earlier: undefined, taskId: undefined, attachments: undefined }
    throw error
  }
}

/** `undefined` when the run does not listen any more. What was said twice under one id is heard once. */
async function speakTo(hand: Hand, earlier: Session, offset: number): Promise<StagedAttachments | undefined> {
  const { run, deps } = hand
  if (isTerminal(await deps.posthog.statusOf(earlier))) return undefined
  // Perhaps it was said before somebody said stop: then there is something to cancel, and else it does no harm.
  if (run.stop) return none
  const text = followUpPrompt(run, run.ask.by.login, askText(run))
  const attachments = await attach(hand, attachmentsOf(run), file => deps.posthog.addArtifact(earlier, file))
  await hand.save({ ...run, intent: run.intent ?? { effect: 'rejoin', at: deps.now(), offset } })
  await hand.job.assertHeld()
  deps.reached(around.rejoin.begun)
  const message = { id: run.id, text, attachments: attachments.ids }
  if ((await deps.posthog.say(earlier, message)) === 'ended') return undefined
  deps.reached(around.rejoin.done)
  return attachments
}

/** How many turns ended after the first `offset` entries of a log: what was said before and was heard had one. */
async function turnsSince({ deps }: Hand, session: Session, offset: number): Promise<number> {
  const { log } = await deps.posthog.look(session, offset)
  return log.filter(({ what }) => what.is === 'turn-over').length
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

const askText = (run: Run): string => run.ask.text || 'Go on with this.'

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
  return started(hand, { ...hand.run, intent: undefined }, id, 0)
}

function requestOf(hand: Hand, branch: string): CodexTaskRunCreate {
  const { run, deps } = hand
  const { model, effort, mode, authorship, permission, sandbox, signalReport } = run.ask.options
  return runRequest({
    branch,
    prompt: promptOf(hand),
    model,
    effort,
    mode,
    authorship,
    permission,
    sandbox,
    signalReport,
    resumeFrom: run.earlier?.taskRunId,
    attachments: run.asked ? undefined : run.attachments?.ids,
    userToken: deps.userToken,
  })
}

/** A task that this Run has just made has no runs yet. */
const runsBefore = async ({ run, deps }: Hand, taskId: string): Promise<string[]> =>
  run.taskMade && !run.asked ? [] : deps.posthog.runIds(taskId)

function promptOf({ run, deps }: Hand): string {
  const note = run.asked ? run.undelivered[0] : undefined
  if (note) return followUpPrompt(run, note.by.login, note.text)
  return run.earlier ? followUpPrompt(run, run.ask.by.login, askText(run)) : firstPrompt(run, deps.fence())
}

/** The first start hands over the instruction; a later one the oldest follow-up. */
function started(hand: Hand, run: Run, id: string, offset: number): Run {
  const now = hand.deps.now()
  const [note, ...rest] = run.undelivered
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
    taskRun: { id, since: now, status: 'queued', notes: 0, from: offset, changedAt: now },
    heard: { offset, turns: 0, idle: false },
    nextLookAt: undefined,
  }
}

const sessionOf = (run: Run): Session | undefined =>
  run.taskId !== undefined && run.taskRun ? { taskId: run.taskId, taskRunId: run.taskRun.id } : undefined

/** Hands the oldest follow-up to the agent, or turns it into a run that resumes the session. */
export async function deliver(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const [note] = run.undelivered
  const session = sessionOf(run)
  if (!note || !session) return { ...run, intent: undefined }
  const spoken = run.intent?.effect === 'deliver' && run.intent.note === note.id
  const text = followUpPrompt(run, note.by.login, note.text)
  const files = attachmentsIn(note.text, run.thread.url)
  const attached = await attach(hand, files, file => deps.posthog.addArtifact(session, file))
  await hand.save({ ...run, intent: { effect: 'deliver', at: deps.now(), note: note.id } })
  await hand.job.assertHeld()
  deps.reached(around.deliver.begun)
  const message = { id: note.id, text, attachments: attached.ids }
  const took = await deps.posthog.say(session, message)
  if (took === 'ended' && !(spoken && (await heardAll(hand, session)))) return resumed(run, session)
  deps.reached(around.deliver.done)
  return passedOn(run, attached)
}

/** The run has ended; each of its instructions had a turn, and so had the one of which that is not recorded. */
async function heardAll(hand: Hand, session: Session): Promise<boolean> {
  const { heard, taskRun } = hand.run
  const turns = (heard?.turns ?? 0) + (await turnsSince(hand, session, heard?.offset ?? 0))
  return turns > (taskRun?.notes ?? 0) + 1
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
    taskRun: { ...run.taskRun, notes: run.taskRun.notes + 1 },
    ...(run.heard ? { heard: { ...run.heard, idle: false } } : {}),
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

export async function cancel(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const session = sessionOf(run)
  if (!session || !run.stop) return run
  await hand.job.assertHeld()
  await deps.posthog.cancel(session, `Stopped by ${run.stop.by.login} on ${threadName(run.thread)}`)
  deps.reached('cancel asked, not recorded')
  return { ...run, stop: { ...run.stop, asked: true }, nextLookAt: undefined }
}

export async function look(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const session = sessionOf(run)
  if (!session) return run
  const [sight, live] = await Promise.all([
    deps.posthog.look(session, run.heard?.offset ?? 0),
    deps.liveRuns(),
  ])
  const now = deps.now()
  const age = now - run.ask.at
  const streams = !isTerminal(sight.status) && deps.stream.watch(session, run.id)
  const pause = streams ? lookIntervalWithStream(age, live) : lookInterval(age, live)
  return { ...observe(run, sight, now), lastLookAt: now, nextLookAt: now + pause }
}

/** Nice to know, and nothing more: a server that does not tell is not asked again. */
export async function askCost({ run, deps }: Hand): Promise<Run> {
  const cost = run.taskId === undefined ? undefined : await deps.posthog.cost(run.taskId)
  return { ...run, cost: cost ?? null }
}
