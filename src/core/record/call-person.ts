/**
 * Some of what a Run waits for only a person can mend or allow. An edit of its status calls nobody, so after a while that
 * is said in a comment: once for each reason.
 */
import type { Service } from '../model/errors.ts'
import { retryOf, services } from './retries.ts'
import type { Run } from './run.ts'
import { limits } from './timing.ts'

/** `since` and `until`: ms since the epoch. */
export type Needed =
  | { kind: 'setup' | 'rights'; service: Service; why: string; since: number }
  | { kind: 'limit'; why: string; since: number; until: number }

/** What it waits for now, of which nobody was told so. */
export function neededPerson(run: Run): Needed | undefined {
  const { mailbox, report, result, schedule } = run
  if (result.outcome || mailbox.stop || report.readOnlyThread) return undefined
  const { questions = [] } = report
  const all = [...services.flatMap(service => byService(run, service)), ...byLimit(schedule)]
  return all.find(needed => !questions.some(({ key }) => key === callKey(needed)))
}

export const callKey = (needed: Needed): string =>
  needed.kind === 'limit' ? 'needs-limit' : `needs-${needed.kind}-${needed.service}`

/** The comments that called somebody: what they say passes. */
export const callsIn = ({ questions = [] }: Run['report']) =>
  questions.filter(({ key }) => key.startsWith('needs-'))

function byService(run: Run, service: Service): Needed[] {
  const retry = retryOf(run, service)
  if (!retry) return []
  const { why, since, setup, rights, refusedSince } = retry
  if (setup) return [{ kind: 'setup', service, why, since }]
  return rights && refusedSince !== undefined
    ? [{ kind: 'rights', service, why, since: refusedSince }]
    : []
}

function byLimit({ admitted, enteredAt: since, waits }: Run['schedule']): Needed[] {
  const isHeld = !admitted && since !== undefined && waits?.kind === 'until' && waits.admin
  return isHeld ? [{ kind: 'limit', why: waits.limit, since, until: waits.at }] : []
}

/** When somebody is to be called, if ever. */
export const callAt = (run: Run): number =>
  (neededPerson(run)?.since ?? Number.POSITIVE_INFINITY) + limits.calledAfter

export const callIsDue = (run: Run, now: number): boolean => now >= callAt(run)
