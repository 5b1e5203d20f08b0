/** The one comment of a Run that is edited in place. */

import { createHash } from 'node:crypto'
import { phaseKey, statusComment } from '../../core/comments/status.ts'
import { Rejected } from '../../core/model/errors.ts'
import { isSuperseded } from '../../core/run/last-word.ts'
import { backupOf } from '../../core/run/recovery-record.ts'
import { type ChangeOf, changed, type Run } from '../../core/run/run.ts'
import type { Now } from '../../core/run/steps/looking.ts'
import { isGivenUp } from './closing-comment.ts'
import { fitted, markedWith, markerOf } from './markers.ts'
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

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16)

export async function postStatus(
  context: StepContext<'ownComments' | 'comment'>,
): Promise<ChangeOf<'report'>> {
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
  return { report: { status, threadBlocked: undefined } }
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
export async function editStatus(context: StepContext<'edit'>): Promise<ChangeOf<'report'>> {
  const { run } = context
  if (!run.report.status) return {}
  const { text, status } = sentStatus(context, run.report.status)
  await context.job.assertLocked()
  const isSame = status.hash === run.report.status.hash && status.heardAt === run.report.status.heardAt
  if (isSame || run.report.status.minimized) return { report: { status } }
  try {
    const edited = await context.github.edit(run.report.status.commentId, text)
    context.deps.reached('status edit sent, not recorded')
    const threadBlocked = undefined
    if (edited !== 'gone') return { report: { threadBlocked, status: { ...status, nodeId: edited.nodeId } } }
    return run.report.statusRemade
      ? { report: { threadBlocked, status } }
      : { report: { threadBlocked, status: undefined, statusRemade: true } }
  } catch (error) {
    if (!(error instanceof Rejected) || !isGivenUp(context)) throw error
    context.deps.log.warn({ run: run.id, err: error }, 'the thread does not take the last status')
    return { report: { status, threadBlocked: undefined } }
  }
}

/** What is left to say stands in the last word: the status is folded away, for who wants to know how it went. */
export async function minimizeStatus({
  run,
  job,
  github,
}: StepContext<'minimize'>): Promise<ChangeOf<'report'>> {
  const { status, supersedes } = run.report
  const own = isSuperseded(run) ? status?.nodeId : undefined
  for (const nodeId of [...supersedes, ...(own === undefined ? [] : [own])]) {
    await job.assertLocked()
    await github.minimize(nodeId)
  }
  return { report: { supersedes: [], status: status && own ? { ...status, minimized: true } : status } }
}
