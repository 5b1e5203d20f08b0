/**
 * A job's inbox is its BullMQ log: a list that any process can append to in one atomic step, and that only grows.
 *
 * No wake may be lost to a job that is just being parked. So the waker writes first and promotes then, and the worker
 * parks first and looks then whether the list has grown since the step began: whoever comes second sees the other.
 *
 * No message may be lost to a job that is just ending. So the worker closes the list before it reads it for the last
 * time: what stands before that is read, what stands after it was not taken, and both sides see the same list.
 */
import { ErrorCode, type IQueueBackend } from 'bullmq'
import { storableText } from './job-record.ts'

const WAKE = 'wake'
const CLOSED = 'closed'
const OPEN = 'open'
const MESSAGE = 'tell:'

interface Inbox {
  messages: string[]
  isClosed: boolean
  wasClosed: boolean
}

async function readInbox(backend: IQueueBackend, id: string): Promise<Inbox> {
  const { logs } = await backend.getJobLogs(id, 0, -1, true)
  const inbox: Inbox = { messages: [], isClosed: false, wasClosed: false }
  for (const row of logs) {
    if (row === CLOSED) inbox.wasClosed = true
    if (row === CLOSED || row === OPEN) inbox.isClosed = row === CLOSED
    else if (row.startsWith(MESSAGE) && !inbox.isClosed)
      inbox.messages.push(row.slice(MESSAGE.length))
  }
  return inbox
}

export async function messages(backend: IQueueBackend, id: string): Promise<string[]> {
  return (await readInbox(backend, id)).messages
}

export async function openedInbox(
  backend: IQueueBackend,
  id: string,
  assertLocked: () => Promise<void>,
): Promise<string[]> {
  const inbox = await readInbox(backend, id)
  if (!inbox.isClosed) return inbox.messages
  await assertLocked()
  await append(backend, id, OPEN)
  return inbox.messages
}

export async function closedInbox(backend: IQueueBackend, id: string): Promise<string[]> {
  await append(backend, id, CLOSED)
  return messages(backend, id)
}

export async function wasTaken(
  backend: IQueueBackend,
  id: string,
  { message, isLive }: { message: string; isLive: () => Promise<boolean> },
): Promise<boolean> {
  const { messages, wasClosed } = await readInbox(backend, id)
  // A job that ends without closing its list, as a chore's does, did not read what came last.
  return messages.includes(storableText(message)) && (wasClosed || (await isLive()))
}

export async function inboxSize(backend: IQueueBackend, id: string): Promise<number> {
  // An empty page: only the count is read.
  return (await backend.getJobLogs(id, 1, 0, true)).count
}

/** @param message without one, it is only woken */
export async function leave(backend: IQueueBackend, id: string, message?: string): Promise<void> {
  const row = message === undefined ? WAKE : MESSAGE + storableText(message)
  if (await append(backend, id, row)) await promote(backend, id)
}

function append(backend: IQueueBackend, id: string, row: string) {
  return expecting(
    backend.addLog(id, row).then(() => true),
    ErrorCode.JobNotExist,
  )
}

export function promote(backend: IQueueBackend, id: string): Promise<boolean> {
  return expecting(
    backend.promote(id).then(() => true),
    ErrorCode.JobNotInState,
    ErrorCode.JobNotExist,
  )
}

async function expecting(done: Promise<true>, ...codes: ErrorCode[]) {
  try {
    return await done
  } catch (error) {
    if (error instanceof Error && 'code' in error && codes.some(code => code === error.code))
      return false
    throw error
  }
}
