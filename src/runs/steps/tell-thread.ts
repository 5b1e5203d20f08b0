/** The steps that speak in the thread. */
import { createHash } from 'node:crypto'
import { boxesAfter } from '../../core/comments/boxes.ts'
import { closingComment, inlineAnswer } from '../../core/comments/closing.ts'
import { phaseKey, statusComment } from '../../core/comments/status.ts'
import { maxComment } from '../../core/comments/words.ts'
import { Refused } from '../../core/model/errors.ts'
import type { Marker } from '../../core/model/marker.ts'
import type { Place } from '../../core/model/trigger.ts'
import type { OwnComment, Target } from '../../core/model/views.ts'
import { endsQuietly } from '../../core/run/last-word.ts'
import type { Now } from '../../core/run/next-step.ts'
import { backupOf } from '../../core/run/recovery-record.ts'
import { type Run, sessionOf } from '../../core/run/run.ts'
import type { Session } from '../../core/run/session.ts'
import { limits, refusedBackoff } from '../../core/run/timing.ts'
import { type Hand, once, type RunDeps, skew } from './step-context.ts'

/** How what would be sent now differs from what was sent last. */
export interface Renderer {
  deps: Pick<RunDeps, 'deployment' | 'signer' | 'now'>
  run: Run
}

export function difference(hand: Renderer): Now['text'] {
  const { status } = hand.run
  if (!status) return hand.run.mute ? 'same' : 'phase'
  const now = hand.deps.now()
  if (status.phase !== phaseKey(hand.run, now)) return 'phase'
  if (status.hash !== rendered(hand, now).hash) return 'details'
  return status.heardAt === heardAt(hand.run) ? 'same' : 'time'
}

/** As far as the status says it. */
const heardAt = ({ heard, outcome, stop }: Run): number | undefined =>
  outcome || stop ? undefined : heard?.activity?.at

/** What nobody sees is no reason for an edit, so the hash is of the words alone; and when it was heard is told apart. */
function rendered({ deps, run }: Renderer, now: number): { text: string; hash: string } {
  const words = statusComment(run, deps.deployment, now)
  const backup = backupOf(run)
  const marker = deps.signer.write({ ...markerOf(run, 'status'), ...(backup ? { backup } : {}) })
  return { text: fitted(words, marker), hash: hashOf(statusComment(timeless(run), deps.deployment, now)) }
}

function timeless(run: Run): Run {
  const { heard } = run
  return heard?.activity
    ? { ...run, heard: { ...heard, activity: { ...heard.activity, at: undefined } } }
    : run
}

/** The marker always survives: the text gives way to it. */
const fitted = (text: string, marker: string): string =>
  `${text.slice(0, maxComment - marker.length - 2)}\n\n${marker}`

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16)

export function markerOf(run: Run, as: Marker['as']): Marker {
  const pull = run.pulls.at(-1)
  const branch = pull?.state === 'open' ? pull.head : run.branch?.name
  const session = sessionOf(run) ?? sameTask(run)
  return {
    run: run.id,
    repo: run.thread.repoId,
    thread: run.thread.number,
    as,
    round: run.round,
    what: run.ask.what,
    ...(run.taskId === undefined ? {} : { task: run.taskId }),
    ...(session ? { taskRun: session.taskRunId } : {}),
    ...(session?.may ? { may: session.may } : {}),
    ...(branch === undefined ? {} : { branch }),
    ...(run.madeBranch === undefined ? {} : { made: run.madeBranch }),
    ...(run.branch === undefined ? {} : { sha: run.branch.sha }),
    ...(pull === undefined ? {} : { pull: pull.number }),
  }
}

/** A Run that ended before it began leaves the session of before as it was. */
const sameTask = ({ taskId, earlier }: Run): Session | undefined =>
  earlier && earlier.taskId === taskId ? earlier : undefined

const markedWith = (hand: Hand, comments: OwnComment[], as: Marker['as']): OwnComment | undefined =>
  comments.find(({ body }) =>
    hand.deps.signer
      .read(body, hand.run.thread)
      .some(
        marker =>
          marker.run === hand.run.id &&
          marker.as === as &&
          (as === 'status' || marker.round === hand.run.round),
      ),
  )

export async function postStatus(hand: Hand): Promise<Run> {
  const now = hand.deps.now()
  const { text, hash } = rendered(hand, now)
  const commentId = await once(hand, {
    intent: { effect: 'post-status', at: now },
    find: async ({ at }) => markedWith(hand, await hand.github.ownComments(at - skew), 'status')?.id,
    perform: () => hand.github.comment(text),
  })
  const status = { commentId, hash, phase: phaseKey(hand.run, now), at: now, heardAt: heardAt(hand.run) }
  return { ...hand.run, intent: undefined, status, unheard: undefined }
}

type Sent = NonNullable<Run['status']>

/** The text of the status comment as it should be now, and the record of its having been sent. */
export function sentStatus(hand: Renderer, before: Sent): { text: string; status: Sent } {
  const now = hand.deps.now()
  const { text, hash } = rendered(hand, now)
  const phase = phaseKey(hand.run, now)
  return { text, status: { ...before, hash, phase, at: now, heardAt: heardAt(hand.run) } }
}

/** A status comment that somebody deleted is made again once; after that, they meant it. */
export async function editStatus(hand: Hand): Promise<Run> {
  const { run } = hand
  if (!run.status) return run
  const { text, status } = sentStatus(hand, run.status)
  await hand.job.assertHeld()
  if (status.hash === run.status.hash && status.heardAt === run.status.heardAt) return { ...run, status }
  try {
    const edited = await hand.github.edit(run.status.commentId, text)
    hand.deps.reached('status edit sent, not recorded')
    const heard: Run = { ...run, unheard: undefined }
    if (edited === 'gone' && !run.statusRemade) return { ...heard, status: undefined, statusRemade: true }
    return { ...heard, status }
  } catch (error) {
    if (!(error instanceof Refused) || !isGivenUp(hand)) throw error
    hand.deps.log.warn({ run: run.id, err: error }, 'the thread does not take the last status')
    return { ...run, status, unheard: undefined }
  }
}

/** A thread that takes nothing is waited for as long as a service, and not while another command waits for it. */
function isGivenUp({ run, deps }: Hand): boolean {
  if (!run.outcome) return false
  const { since = deps.now() } = run.unheard ?? {}
  return run.yielding || deps.now() - Math.max(since, run.concludedAt ?? 0) > limits.trouble
}

/** The last word. A thread that takes no comments any more is not worth a failure, but it may be unlocked. */
export async function conclude(hand: Hand): Promise<Run> {
  const now = hand.deps.now()
  const told = { ...hand.run.told, comment: true }
  if (endsQuietly(hand.run)) return { ...hand.run, intent: undefined, told }
  const text = fitted(closingComment(hand.run), hand.deps.signer.write(closingMarker(hand.run)))
  try {
    const place = inlinePlace(hand.run)
    await once(hand, {
      intent: { effect: 'conclude', at: now },
      find: async ({ at }) =>
        markedWith(hand, await hand.github.ownComments(at - skew, place), 'closing')?.id,
      perform: () => hand.github.comment(text, place),
    })
    return { ...hand.run, intent: undefined, unheard: undefined, told }
  } catch (error) {
    if (!(error instanceof Refused) || error.of === 'read') throw error
    hand.deps.log.warn({ run: hand.run.id, err: error }, 'the thread takes no closing comment')
    const run: Run = { ...hand.run, intent: undefined }
    return isGivenUp(hand) ? { ...run, told } : unheard(run, now)
  }
}

/** What a box in it asks for is found there when the queue has lost it. */
function closingMarker(run: Run): Marker {
  const backup = boxesAfter(run) === '' ? undefined : backupOf(run)
  return { ...markerOf(run, 'closing'), ...(backup ? { backup } : {}) }
}

/** Locked, or moved: it may take words again later. */
export function unheard(run: Run, now: number): Run {
  const { since = now, count = 0 } = run.unheard ?? {}
  return { ...run, unheard: { since, count: count + 1, until: now + refusedBackoff(count) } }
}

/** Who asked in an inline comment is answered there. */
function inlinePlace({ ask: { origin } }: Run): Place | undefined {
  return origin.by === 'comment' && origin.place.in === 'inline' ? origin.place : undefined
}

/** Each inline comment of a review gets a word in its own thread. */
export async function answerInline(hand: Hand): Promise<Run> {
  const { run, deps } = hand
  const next = run.ask.inline?.[run.told.inline]
  const told: Run = { ...run, intent: undefined, told: { ...run.told, inline: run.told.inline + 1 } }
  if (!next) return told
  const place: Place = { in: 'inline', commentId: next.id, rootId: next.id, reviewId: null, inline: next }
  const marker = deps.signer.write({ ...markerOf(run, 'reply'), run: `${run.id}-inline-${next.id}` })
  try {
    await once(hand, {
      intent: { effect: 'answer-inline', at: deps.now() },
      find: async ({ at }) =>
        (await hand.github.ownComments(at - skew, place)).find(({ body }) => body.includes(marker))?.id,
      perform: () => hand.github.comment(fitted(inlineAnswer(run), marker), place),
    })
  } catch (error) {
    if (!(error instanceof Refused) || error.of === 'read') throw error
    deps.log.warn({ run: run.id, err: error }, 'an inline comment takes no answer')
  }
  return told
}

/** 👀 gives way to how it ended. */
export async function react(hand: Hand): Promise<Run> {
  const { run, github } = hand
  const { origin } = run.ask
  if (origin.by === 'tick') return { ...run, told: { ...run.told, reaction: true } }
  const target: Target = origin.by === 'comment' ? origin.place : { in: 'subject' }
  const well = run.outcome?.is !== 'failed' && run.outcome?.is !== 'stopped'
  await hand.job.assertHeld()
  await ignoreRefusal(hand, github.react(target, well ? 'rocket' : 'confused'))
  await hand.job.assertHeld()
  await ignoreRefusal(hand, github.unreact(target, 'eyes'))
  hand.deps.reached('reaction swapped, not recorded')
  return { ...run, told: { ...run.told, reaction: true } }
}

/** Off again, so that it can be set again. */
export async function unlabel(hand: Hand): Promise<Run> {
  for (const label of new Set(hand.run.labels)) {
    await hand.job.assertHeld()
    await ignoreRefusal(hand, hand.github.removeLabel(label))
  }
  hand.deps.reached('label removed, not recorded')
  return { ...hand.run, labels: [], told: { ...hand.run.told, label: true } }
}

export async function ignoreRefusal(hand: Hand, effect: Promise<unknown>): Promise<void> {
  try {
    await effect
  } catch (error) {
    if (!(error instanceof Refused) || error.of === 'read') throw error
    hand.deps.log.warn({ run: hand.run.id, err: error }, 'GitHub refused a side effect')
  }
}
