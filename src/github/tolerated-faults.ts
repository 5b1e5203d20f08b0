import { Rejected, RetryLater } from '../core/model/errors.ts'

export async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Rejected && (error.status === 404 || error.status === 410)) return undefined
    throw error
  }
}

export function unlessLimited(error: unknown): void {
  if (error instanceof RetryLater) throw error
}

export function ignoreGone(error: unknown): void {
  if (error instanceof Rejected && (error.status === 404 || error.status === 410)) return
  throw error
}
