/** What the end of a Run means: for whom it is, what may follow, what its last word tells, and whether its status stays. */
import type { PullNeeds } from '../model/views.ts'
import { unfinished } from './failures.ts'
import { instructionSent, wordsAdded, wordsOfRound } from './ledger.ts'
import { inlinePlace } from './open-question.ts'
import { hasChanged } from './pull-end.ts'
import type { What } from './request-part.ts'
import { type Ended, hasNewPull, isDone, type Outcome, type Run, showsStatus } from './run.ts'

const maxAddressees = 10

/** The people whose words this round is about, in their order. */
export function addressees({ request, mailbox, result }: Run): string[] {
  const said = [...wordsOfRound({ mailbox, result }), ...wordsAdded({ mailbox }).slice(-1)]
  const first = result.round === 0 ? [request.by.login] : []
  const all = [...first, ...said.map(({ by }) => by.login)]
  return all.length === 0 ? [request.by.login] : [...new Set(all)].slice(0, maxAddressees)
}

export const isUndone = (outcome: Outcome | undefined): boolean =>
  outcome?.kind === 'failed' || outcome?.kind === 'stopped' || outcome?.kind === 'unfinished'

export type Offer = 'retry' | 'continue' | 'approve'

/**
 * How it may go on. What was stopped for a reason needs that reason before it is asked again.
 * @param what was asked: a plan may be approved
 */
export function offerAfter(outcome: Outcome | undefined, what?: What): Offer | undefined {
  switch (outcome?.kind) {
    case 'failed':
      return outcome.again === false ? undefined : 'retry'
    case 'unfinished':
      return unfinished[outcome.why].next
    case 'stopped':
      return outcome.because === undefined ? 'retry' : undefined
    case 'answer':
      return what === 'plan' ? 'approve' : undefined
    case 'pull':
    case 'pushed':
    case 'nothing':
    case undefined:
      return undefined
  }
}

/** The box below its result. */
export const offerOf = ({ result, request }: Run): Offer | undefined =>
  offerAfter(result.outcome, request.what)

/** GitHub was asked after its work, and shows nothing that is new. What it claims proves nothing. */
export const leftNothingNew = (run: Run): boolean =>
  run.request.what === 'work' &&
  run.result.resultChecked &&
  run.result.pushed === undefined &&
  run.result.strays.length === 0 &&
  !hasNewPull(run)

/** Its last word is a review. */
export const endsInReview = ({ request, result: { outcome } }: Run): boolean =>
  request.what === 'review' && outcome?.kind === 'answer'

/** Says whether a Run that is over never began. */
export const neverBegan = ({ session: { agentLeft }, mailbox }: Run): boolean =>
  !instructionSent({ mailbox }) && !agentLeft

/** The id of the message by which a turn goes on that ended before it was done. */
export const resumeId = ({ id, result: { round } }: Pick<Run, 'id' | 'result'>): string =>
  `${id}-resume-${round}`

/** What became of the pull request, if the last word is to tell it. */
export const endToTell = (run: Run): Ended | undefined =>
  hasChanged(run) ? run.result.ended : undefined

/** What the pull request needs, if the last word is to tell it. */
export const needsToTell = (run: Run): PullNeeds | undefined =>
  hasChanged(run) ? run.result.needs : undefined

/** Tells apart what the last word says of the pull request; nothing while there is no news of it. */
export function newsKey(run: Run): string | undefined {
  const [end, needs] = [endToTell(run)?.how, needsToTell(run)]
  return end || needs ? JSON.stringify({ end, needs }) : undefined
}

/** The last word says something else than the news of the pull request. */
export const isWordOutdated = (run: Run): boolean =>
  run.report.lastWord !== undefined && run.report.lastWord.news !== newsKey(run)

/** Whoever stopped a run needs no last word: its status says what came of it. */
export function endsQuietly(run: Run): boolean {
  const { outcome } = run.result
  return (
    (showsStatus(run) || run.report.readOnlyThread) &&
    outcome?.kind === 'stopped' &&
    !run.session.agentLeft &&
    addressees(run).every(login => login === outcome.by)
  )
}

/** An inline request is answered inline, where GitHub sends no webhook for ticked boxes. */
export const leavesBoxInStatus = (run: Run): boolean =>
  inlinePlace(run) !== undefined && offerOf(run) !== undefined && showsStatus(run)

/** Whether the status comment keeps its result, instead of being folded away above a last word. */
export const staysInStatus = (run: Run): boolean => endsQuietly(run) || leavesBoxInStatus(run)

/**
 * Its status goes away below a last word, which says the same and more. If there was none, as GitHub refused it, the
 * status is all that people have.
 */
export const willBeFolded = (run: Run): boolean =>
  !staysInStatus(run) && (!isDone(run, 'conclude') || isDone(run, 'last-word'))

export function isSuperseded(run: Run): boolean {
  const { nodeId, minimized } = run.report.status ?? {}
  return isDone(run, 'last-word') && nodeId !== undefined && !minimized
}

export const foldable = (run: Run): string | undefined =>
  isSuperseded(run) && run.result.untended.length <= 1 ? run.report.status?.nodeId : undefined
