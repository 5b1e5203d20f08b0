import type { Run } from './run.ts'

export const listener = (run: Run): string => run.report.answerTo ?? run.request.by.login

/**
 * Who stopped a run knows that it was stopped; and what was refused before it began is told by its status, which has
 * only just been posted. Where the settings want few words, what GitHub shows by itself is told by the status as well.
 */
export function endsQuietly(run: Run): boolean {
  if (!run.baseline.settings.chatty && showsItself(run)) return true
  if (run.result.outcome?.kind === 'stopped')
    return run.result.outcome.by === listener(run) && !run.session.agentLeft
  return neverBegan(run) && run.schedule.ahead === undefined && run.result.round === 0
}

export function offerAfter({ result: { outcome }, request }: Run): 'retry' | 'approve' | undefined {
  if (outcome?.kind === 'failed' || outcome?.kind === 'stopped') return 'retry'
  return request.what === 'plan' && outcome?.kind === 'answer' ? 'approve' : undefined
}

/** Who asked on a line of code is answered there, and GitHub tells of no box that is ticked there. */
export const leavesBoxInStatus = (run: Run): boolean => isAnsweredInline(run) && offerAfter(run) !== undefined

const isAnsweredInline = ({ request: { origin } }: Run): boolean =>
  origin.kind === 'comment' && origin.commentRef.kind === 'inline'

/** Nothing below the status says what is in it; else the last word does, and the status is folded away. */
export const staysInStatus = (run: Run): boolean => endsQuietly(run) || leavesBoxInStatus(run)

export const isSuperseded = ({ report: { status, announced } }: Run): boolean =>
  announced.word && status?.nodeId !== undefined && !status.minimized

const showsItself = ({ result: { outcome }, request, session: { agentLeft } }: Run): boolean =>
  !agentLeft &&
  (outcome?.kind === 'stopped' ||
    (request.what === 'work' && (outcome?.kind === 'pull' || outcome?.kind === 'pushed')))

export const neverBegan = ({
  result: { outcome },
  schedule: { admitted },
  session: { instructionSent },
}: Run): boolean => outcome?.kind === 'failed' && !admitted && !instructionSent

export const inTheOpen = ({ report: { status } }: Run): Pick<Run['report'], 'status'> =>
  status?.minimized ? { status: undefined } : { status }
