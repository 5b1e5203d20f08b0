/** Asks a service for checks. A call that it does not answer, or refuses, is a check, too. */
import {
  type Check,
  type CheckName,
  failedCheck,
  unansweredCheck,
  unsureCheck,
} from '../core/model/check.ts'
import { Rejected, type Service, unansweredBy } from '../core/model/errors.ts'

export interface Question {
  name: CheckName
  service: Service
  /** What helps if no answer comes. */
  fix: string
  /** What a refusal means. Without a fix, it says nothing of what was asked. */
  refused?: (status: number) => readonly [detail: string, fix?: string] | undefined
}

export async function answered(
  { name, service, fix, refused }: Question,
  ask: () => Promise<Check | readonly Check[]>,
): Promise<Check[]> {
  try {
    return [await ask()].flat()
  } catch (error) {
    const refusal = error instanceof Rejected ? refused?.(error.status) : undefined
    if (!refusal || !(error instanceof Rejected))
      return [unansweredCheck(name, unansweredBy(service, error), fix)]
    const [detail, remedy] = refusal
    return [
      remedy === undefined
        ? unsureCheck(name, detail)
        : failedCheck(name, `${detail}: ${error.message}`, remedy),
    ]
  }
}
