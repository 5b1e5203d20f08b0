/** The steps that speak in the thread. */

import { createHash } from 'node:crypto'
import { boxesAfter } from '../../core/comments/boxes.ts'
import { closingComment, inlineAnswer } from '../../core/comments/closing.ts'
import { phaseKey, statusComment } from '../../core/comments/status.ts'
import { maxComment } from '../../core/comments/words.ts'
import { Rejected } from '../../core/model/errors.ts'
import type { Marker } from '../../core/model/marker.ts'
import type { CommentRef } from '../../core/model/trigger.ts'
import type { OwnComment, Settling, Target } from '../../core/model/views.ts'
import { endsQuietly, isSuperseded, leavesBoxInStatus } from '../../core/run/last-word.ts'
import type { Now } from '../../core/run/next-step.ts'
import { backupOf } from '../../core/run/recovery-record.ts'
import { changed, type Run, sessionOf } from '../../core/run/run.ts'
import type { Session } from '../../core/run/session.ts'
import { limits, refusedBackoff } from '../../core/run/timing.ts'
import { once, type RunDeps, type StepContext, skew } from './step-context.ts'

/** How what would be sent now differs from what was sent last. */
export interface Renderer {
  deps: Pick<RunDeps, 'deployment' | 'signer' | 'now'>
  run: Run
}

export function difference(context: Renderer): Now['text'] {
  const { status } = context.run.report
  if (!status) return context.run.report.readOnlyThread ? 'same' : 'phase'
  const now = context.deps.now()
  if (status.phase !== phaseKey(context.run, now)) return 'phase'
  if (status.hash !== rendered(context, now).hash) return 'details'
  return status.heardAt === heardAt(context.run) ? 'same' : 'time'
}

/** As far as the status says it. */
const heardAt = ({
  session: { sessionLog },
  result: { outcome },
  mailbox: { stop },
}: Run): number | undefined => (outcome || stop ? undefined : sessionLog?.activity?.at)

/** What nobody sees is no reason for an edit, so the hash is of the words alone; and when it was heard is told apart. */
function rendered({ deps, run }: Renderer, now: number): { text: string; hash: string } {
  const words = statusComment(run, deps.deployment, now)
  const backup = backupOf(run)
  const marker = deps.signer.write({ ...markerOf(run, 'status'), ...(backup ? { backup } : {}) })
  return { text: fitted(words, marker), hash: hashOf(statusComment(timeless(run), deps.deployment, now)) }
}

function timeless(run: Run): Run {
  const { sessionLog } = run.session
  return sessionLog?.activity
    ? changed(run, {
        session: { sessionLog: { ...sessionLog, activity: { ...sessionLog.activity, at: undefined } } },
      })
    : run
}

/** The marker always survives: the text gives way to it. */
const fitted = (text: string, marker: string): string =>
  `${text.slice(0, maxComment - marker.length - 2)}\n\n${marker}`

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16)

export function markerOf(run: Run, as: Marker['as']): Marker {
  const pull = run.result.pulls.at(-1)
  const branch = pull?.state === 'open' ? pull.head : run.workspace.branch?.name
  const session = sessionOf(run) ?? sameTask(run)
  return {
    run: run.id,
    repo: run.thread.repoId,
    thread: run.thread.number,
    as,
    round: run.result.round,
    what: run.request.what,
    ...(run.session.taskId === undefined ? {} : { task: run.session.taskId }),
    ...(session ? { taskRun: session.taskRunId } : {}),
    ...(session?.may ? { may: session.may } : {}),
    ...(branch === undefined ? {} : { branch }),
    ...(run.workspace.madeBranch === undefined ? {} : { made: run.workspace.madeBranch }),
    ...(run.workspace.branch === undefined ? {} : { sha: run.workspace.branch.sha }),
    ...(pull === undefined ? {} : { pull: pull.number }),
  }
}

/** A Run that ended before it began leaves the session of before as it was. */
const sameTask = ({ session: { taskId, earlier } }: Run): Session | undefined =>
  earlier && earlier.taskId === taskId ? earlier : undefined

const markedWith = (context: StepContext, comments: OwnComment[], as: Marker['as']): OwnComment | undefined =>
  comments.find(({ body }) =>
    context.deps.signer
      .read(body, context.run.thread)
      .some(
        marker =>
          marker.run === context.run.id &&
          marker.as === as &&
          (as === 'status' || marker.round === context.run.result.round),
      ),
  )

export async function postStatus(context: StepContext): Promise<Run> {
  const now = context.deps.now()
  const { text, hash } = rendered(context, now)
  const commentId = await once(context, {
    intent: { kind: 'post-status', at: now },
    find: async ({ at }) => markedWith(context, await context.github.ownComments(at - skew), 'status')?.id,
    perform: () => context.github.comment(text),
  })
  const status = {
    commentId,
    hash,
    phase: phaseKey(context.run, now),
    at: now,
    heardAt: heardAt(context.run),
  }
  return changed(context.run, {
    attempts: { intent: undefined },
    report: { status, threadBlocked: undefined },
  })
}

type Sent = NonNullable<Run['report']['status']>

/** The text of the status comment as it should be now, and the record of its having been sent. */
export function sentStatus(context: Renderer, before: Sent): { text: string; status: Sent } {
  const now = context.deps.now()
  const { text, hash } = rendered(context, now)
  const phase = phaseKey(context.run, now)
  return { text, status: { ...before, hash, phase, at: now, heardAt: heardAt(context.run) } }
}

/** A status comment that somebody deleted is made again once; after that, they meant it. */
export async function editStatus(context: StepContext): Promise<Run> {
  const { run } = context
  if (!run.report.status) return run
  const { text, status } = sentStatus(context, run.report.status)
  await context.job.assertLocked()
  const isSame = status.hash === run.report.status.hash && status.heardAt === run.report.status.heardAt
  if (isSame || run.report.status.minimized) return changed(run, { report: { status } })
  try {
    const edited = await context.github.edit(run.report.status.commentId, text)
    context.deps.reached('status edit sent, not recorded')
    const unblocked: Run = changed(run, { report: { threadBlocked: undefined } })
    if (edited === 'gone')
      return run.report.statusRemade
        ? changed(unblocked, { report: { status } })
        : changed(unblocked, { report: { status: undefined, statusRemade: true } })
    return changed(unblocked, { report: { status: { ...status, nodeId: edited.nodeId } } })
  } catch (error) {
    if (!(error instanceof Rejected) || !isGivenUp(context)) throw error
    context.deps.log.warn({ run: run.id, err: error }, 'the thread does not take the last status')
    return changed(run, { report: { status, threadBlocked: undefined } })
  }
}

/** A thread that takes nothing is waited for as long as a service, and not while another command waits for it. */
function isGivenUp({ run, deps }: StepContext): boolean {
  if (!run.result.outcome) return false
  const { since = deps.now() } = run.report.threadBlocked ?? {}
  return (
    run.mailbox.releaseThread || deps.now() - Math.max(since, run.result.concludedAt ?? 0) > limits.outage
  )
}

/** The last word. A thread that takes no comments any more is not worth a failure, but it may be unlocked. */
export async function conclude(context: StepContext): Promise<Run> {
  const now = context.deps.now()
  const told = { ...context.run.report.announced, comment: true }
  if (endsQuietly(context.run))
    return changed(context.run, { attempts: { intent: undefined }, report: { announced: told } })
  const text = fitted(
    closingComment(context.run, context.deps.deployment),
    context.deps.signer.write(closingMarker(context.run)),
  )
  try {
    const commentRef = inlinePlace(context.run)
    await once(context, {
      intent: { kind: 'conclude', at: now },
      find: async ({ at }) =>
        markedWith(context, await context.github.ownComments(at - skew, commentRef), 'closing')?.id,
      perform: () => context.github.comment(text, commentRef),
    })
    const word = !leavesBoxInStatus(context.run)
    return changed(context.run, {
      attempts: { intent: undefined },
      report: { threadBlocked: undefined, announced: { ...told, word } },
    })
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    context.deps.log.warn({ run: context.run.id, err: error }, 'the thread takes no closing comment')
    const run: Run = changed(context.run, { attempts: { intent: undefined } })
    return isGivenUp(context) ? changed(run, { report: { announced: told } }) : threadBlockedFrom(run, now)
  }
}

/** What is left to say stands in the last word: the status is folded away, for who wants to know how it went. */
export async function minimizeStatus({ run, job, github }: StepContext): Promise<Run> {
  const { status, supersedes } = run.report
  const own = isSuperseded(run) ? status?.nodeId : undefined
  for (const nodeId of [...supersedes, ...(own === undefined ? [] : [own])]) {
    await job.assertLocked()
    await github.minimize(nodeId)
  }
  return changed(run, {
    report: { supersedes: [], status: status && own ? { ...status, minimized: true } : status },
  })
}

/** What a box in it asks for is found there when the queue has lost it. */
function closingMarker(run: Run): Marker {
  const backup = boxesAfter(run) === '' ? undefined : backupOf(run)
  return { ...markerOf(run, 'closing'), ...(backup ? { backup } : {}) }
}

/** Locked, or moved: it may take words again later. */
export function threadBlockedFrom(run: Run, now: number): Run {
  const { since = now, count = 0 } = run.report.threadBlocked ?? {}
  return changed(run, {
    report: { threadBlocked: { since, count: count + 1, until: now + refusedBackoff(count) } },
  })
}

/** Who asked in an inline comment is answered there. */
function inlinePlace({ request: { origin } }: Run): CommentRef | undefined {
  return origin.kind === 'comment' && origin.commentRef.kind === 'inline' ? origin.commentRef : undefined
}

/** Each inline comment of a review gets a word in its own thread. */
export async function answerInline(context: StepContext): Promise<Run> {
  const { run, deps } = context
  const next = run.request.inline?.[run.report.announced.inline]
  const told: Run = changed(run, {
    attempts: { intent: undefined },
    report: { announced: { ...run.report.announced, inline: run.report.announced.inline + 1 } },
  })
  if (!next) return told
  const commentRef: CommentRef = {
    kind: 'inline',
    commentId: next.id,
    rootId: next.id,
    reviewId: null,
    inline: next,
  }
  const marker = deps.signer.write({ ...markerOf(run, 'reply'), run: `${run.id}-inline-${next.id}` })
  try {
    await once(context, {
      intent: { kind: 'answer-inline', at: deps.now() },
      find: async ({ at }) =>
        (await context.github.ownComments(at - skew, commentRef)).find(({ body }) => body.includes(marker))
          ?.id,
      perform: () => context.github.comment(fitted(inlineAnswer(run), marker), commentRef),
    })
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    deps.log.warn({ run: run.id, err: error }, 'an inline comment takes no answer')
  }
  return told
}

export function reactionTo({
  request: { origin },
  result: { outcome },
}: Run): NonNullable<Settling['reaction']> {
  const target: Target = origin.kind === 'comment' ? origin.commentRef : { kind: 'subject' }
  const well = outcome?.kind !== 'failed' && outcome?.kind !== 'stopped'
  return { target, content: well ? 'rocket' : 'confused' }
}

/** 👀 gives way to how it ended. */
export async function react(context: StepContext): Promise<Run> {
  const { run, github } = context
  const { origin } = run.request
  if (origin.kind === 'tick')
    return changed(run, { report: { announced: { ...run.report.announced, reaction: true } } })
  const reaction = reactionTo(run)
  await context.job.assertLocked()
  await ignoreRefusal(context, github.settle({ reaction }))
  context.deps.reached('reaction swapped, not recorded')
  return changed(run, { report: { announced: { ...run.report.announced, reaction: true } } })
}

/** Off again, so that it can be set again. */
export async function unlabel(context: StepContext): Promise<Run> {
  for (const label of new Set(context.run.report.labels)) {
    await context.job.assertLocked()
    await ignoreRefusal(context, context.github.removeLabel(label))
  }
  context.deps.reached('label removed, not recorded')
  return changed(context.run, {
    report: { labels: [], announced: { ...context.run.report.announced, label: true } },
  })
}

export async function ignoreRefusal(context: StepContext, effect: Promise<unknown>): Promise<void> {
  try {
    await effect
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    context.deps.log.warn({ run: context.run.id, err: error }, 'GitHub refused a side effect')
  }
}
