/** Stages attachments at PostHog before the run starts; refused ones are kept with the reason. Repeatable. */

import { NoResponse, Rejected, RetryLater } from '../../core/model/errors.ts'
import type { Log } from '../../core/model/ports.ts'
import { type Run, resumedSession } from '../../core/run/run.ts'
import {
  type Attachment,
  type AttachmentFile,
  AttachmentRefused,
  maxAttachments,
  type StagedAttachments,
  type Unfit,
  whyNot,
} from '../../core/text/attachment.ts'
import { attachmentsIn, onlyOnce } from '../../core/text/attachment-links.ts'
import { yieldToEventLoop } from '../../core/text/event-loop.ts'

export interface Attaching {
  thread: Pick<Run['thread'], 'url'>
  request: Pick<Run['request'], 'text' | 'whole' | 'inline'>
  baseline: { snapshot: Pick<Run['baseline']['snapshot'], 'body'> }
  session: { earlier?: Run['session']['earlier'] }
}

export interface Staging {
  download(attachment: Attachment): Promise<AttachmentFile>
  stage(file: AttachmentFile): Promise<string>
  assertLocked(): Promise<void>
  log: Log
  now(): number
}

const giveUpAfterMs = 120_000
const pauseBeforeRepeat = 500
const maxNamed = 20

export async function stageAttachments(
  attachments: readonly Attachment[],
  staging: Staging,
): Promise<StagedAttachments> {
  const ids: string[] = []
  const failed: StagedAttachments['failed'] = []
  const deadline = staging.now() + giveUpAfterMs
  for (const attachment of attachments.slice(0, maxNamed)) {
    const taken = await take(staging, attachment, { deadline, full: ids.length === maxAttachments })
    if (typeof taken === 'string') ids.push(taken)
    else failed.push({ name: attachment.name, why: whyNot(taken) })
  }
  return { ids, failed }
}

/** The command's own first; a session that goes on has those of the thread. */
export function attachmentsOf({ thread, request, baseline, session }: Attaching): Promise<Attachment[]> {
  const inline = (request.inline ?? []).map(({ body }) => body)
  const texts = [
    request.text,
    request.whole ?? '',
    ...inline,
    ...(resumedSession({ session }) ? [] : [baseline.snapshot.body]),
  ]
  return attachedIn(texts, thread.url, maxNamed)
}

export async function attachedIn(
  texts: readonly string[],
  webUrl: string,
  most = maxAttachments,
): Promise<Attachment[]> {
  const found: Attachment[] = []
  for (const text of texts.filter(each => each !== '')) {
    await yieldToEventLoop()
    found.push(...attachmentsIn(text, webUrl, most))
  }
  return onlyOnce(found)
}

async function take(
  staging: Staging,
  attachment: Attachment,
  { deadline, full }: { deadline: number; full: boolean },
): Promise<string | Unfit> {
  if (full) return { kind: 'count' }
  if (staging.now() >= deadline) return { kind: 'time' }
  await staging.assertLocked()
  try {
    const file = await again(() => staging.download(attachment))
    return await again(() => staging.stage(file))
  } catch (error) {
    if (error instanceof RetryLater) throw error
    const unfit = reasonOf(error)
    const level = unfit.kind === 'fault' ? 'error' : 'warn'
    const fields = { attachment: attachment.name, err: error }
    staging.log[level](fields, 'attachment not passed on')
    return unfit
  }
}

function reasonOf(error: unknown): Unfit {
  if (error instanceof AttachmentRefused) return error.unfit
  if (error instanceof NoResponse) return { kind: 'silence', service: error.service }
  if (error instanceof Rejected)
    return { kind: 'refusal', service: error.service, said: error.message.slice(0, 200) }
  return { kind: 'fault' }
}

/** Repeatable, so a lost response is retried once. */
async function again<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error
    await new Promise(done => setTimeout(done, pauseBeforeRepeat))
    return await act()
  }
}
