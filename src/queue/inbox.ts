/**
 * A job's inbox is its BullMQ log: a list that any process can append to in one atomic step, and that only grows.
 *
 * No wake may be lost to a job that is just being parked. So the waker writes first and promotes then, and the worker
 * parks first and looks then whether the list has grown since the step began: whoever comes second sees the other.
 */
import { ErrorCode, type IQueueBackend } from 'bullmq'
import { storableText } from './storable.ts'

const WAKE = 'wake'
const MESSAGE = 'tell:'

export async function messages(backend: IQueueBackend, id: string): Promise<string[]> {
  const { logs } = await backend.getJobLogs(id, 0, -1, true)
  return logs.filter(row => row.startsWith(MESSAGE)).map(row => row.slice(MESSAGE.length))
}

/** How many messages and wakes there have been. */
export async function inboxSize(backend: IQueueBackend, id: string): Promise<number> {
  // A page that ends before it begins: nothing but the count is read.
  return (await backend.getJobLogs(id, 1, 0, true)).count
}

/** False if there is no such job. */
export async function leaveMessage(backend: IQueueBackend, id: string, message: string): Promise<boolean> {
  const left = await append(backend, id, MESSAGE + storableText(message))
  if (left) await promote(backend, id)
  return left
}

export async function leaveWake(backend: IQueueBackend, id: string): Promise<void> {
  if (await append(backend, id, WAKE)) await promote(backend, id)
}

function append(backend: IQueueBackend, id: string, row: string): Promise<boolean> {
  return expecting(
    backend.addLog(id, row).then(() => true),
    ErrorCode.JobNotExist,
  )
}

/** False if the job is not parked. */
export function promote(backend: IQueueBackend, id: string): Promise<boolean> {
  return expecting(
    backend.promote(id).then(() => true),
    ErrorCode.JobNotInState,
    ErrorCode.JobNotExist,
  )
}

/** False where BullMQ refuses for one of these reasons. */
export async function expecting(done: Promise<true>, ...codes: ErrorCode[]): Promise<boolean> {
  try {
    return await done
  } catch (error) {
    if (error instanceof Error && 'code' in error && codes.some(code => code === error.code)) return false
    throw error
  }
}
