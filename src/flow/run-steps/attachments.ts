/**
 * Takes the files that were attached along to PostHog, one after another, before the run starts. A file that
 * can't be taken is remembered with the reason, and the run goes on without it. Safe to do again after a
 * crash: what was staged and not used is forgotten there.
 */
import {
  type Attachment,
  type AttachmentFile,
  AttachmentRefused,
  attachmentsIn,
  maxAttachments,
  onlyOnce,
  type StagedAttachments,
  type Unfit,
  whyNot,
} from '../../core/attachments.ts'
import { ComeBack, Refused, Unanswered } from '../../core/faults.ts'
import type { Run } from '../../core/run.ts'
import type { Log } from '../edges.ts'

/** As much of a Run as its attachments depend on. */
export interface Attaching {
  id: Run['id']
  thread: Pick<Run['thread'], 'url'>
  ask: Pick<Run['ask'], 'text' | 'inline'>
  snapshot: Pick<Run['snapshot'], 'body'>
  earlier?: Run['earlier']
}

export interface Staging {
  run: Attaching
  taskId: string
  download(attachment: Attachment): Promise<AttachmentFile>
  stage(taskId: string, file: AttachmentFile): Promise<string>
  assertHeld(): Promise<void>
  log: Log
  now(): number
}

/** How long the attachments of a Run may hold up its start, in ms. */
const patience = 120_000
const pauseBeforeRepeat = 500
/** More than this in one text are not even counted. */
const mostNamed = 50

/** @throws ComeBack, and whatever `assertHeld` throws */
export async function stageAttachments(staging: Staging): Promise<StagedAttachments> {
  const staged: StagedAttachments = { ids: [], failed: [] }
  const { now, assertHeld } = staging
  const deadline = now() + patience
  const attachments = attachmentsOf(staging.run)
  for (const attachment of attachments.slice(0, maxAttachments)) {
    await assertHeld()
    const taken = now() < deadline ? await take(staging, attachment) : { because: 'time' as const }
    if (typeof taken === 'string') staged.ids.push(taken)
    else staged.failed.push({ name: attachment.name, why: whyNot(taken) })
  }
  return { ...staged, failed: [...staged.failed, ...attachments.slice(maxAttachments).map(oneTooMany)] }
}

const oneTooMany = ({ name }: Attachment) => ({ name, why: whyNot({ because: 'count' }) })

/** Those of the command first, as they matter most; a session that goes on knows those of the thread already. */
export function attachmentsOf({ thread, ask, snapshot, earlier }: Attaching): Attachment[] {
  const inline = (ask.inline ?? []).map(({ body }) => body)
  const texts = [ask.text, ...inline, ...(earlier ? [] : [snapshot.body])]
  return onlyOnce(texts.flatMap(text => attachmentsIn(text, thread.url, mostNamed)))
}

/** The id of what was staged, or why it was not. */
async function take(staging: Staging, attachment: Attachment): Promise<string | Unfit> {
  const { run, log } = staging
  try {
    const file = await again(() => staging.download(attachment))
    return await again(() => staging.stage(staging.taskId, file))
  } catch (error) {
    if (error instanceof ComeBack) throw error
    const expected =
      error instanceof AttachmentRefused || error instanceof Refused || error instanceof Unanswered
    log[expected ? 'warn' : 'error'](
      { run: run.id, attachment: attachment.name, err: error },
      'attachment not passed on',
    )
    return reasonOf(error)
  }
}

function reasonOf(error: unknown): Unfit {
  if (error instanceof AttachmentRefused) return error.unfit
  if (error instanceof Unanswered) return { because: 'silence', service: error.service }
  if (error instanceof Refused)
    return { because: 'refusal', service: error.service, said: error.message.slice(0, 200) }
  return { because: 'fault' }
}

/** Both halves may be repeated, so one lost answer does not cost a file. */
async function again<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    await new Promise(done => setTimeout(done, pauseBeforeRepeat))
    return await act()
  }
}
