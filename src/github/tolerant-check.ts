import { type Check, type CheckName, passed, unanswered } from '../core/model/check.ts'
import { Rejected } from '../core/model/errors.ts'

/** Older servers lack some checks, which is no fault of the App. */
export async function checkTolerantly(name: CheckName, request: () => Promise<Check>): Promise<Check> {
  try {
    return await request()
  } catch (error) {
    if (error instanceof Rejected && (error.status === 404 || error.status === 403))
      return passed(name, 'this server does not tell')
    return unanswered(
      name,
      `GitHub could not be asked: ${wordsOf(error)}`,
      'Run this again; if it stays, look at the log of the bot.',
    )
  }
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
