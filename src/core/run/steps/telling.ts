import { cancelledAt } from '../agent-end.ts'
import { inlineAsked } from '../inline-asked.ts'
import { isSuperseded } from '../last-word.ts'
import { isTerminal, type Run } from '../run.ts'
import { canComment, claims, type Due, type Now, replies, waiting } from './polling.ts'
import { stepTable } from './step-entry.ts'

export const tellingSteps = stepTable({
  'post-status': {
    service: 'github',
    call: 'effect',
    github: ['ownComments', 'comment'],
    writes: ['report'],
  },
  'edit-status': { service: 'github', call: 'effect', github: ['edit'], writes: ['report'] },
  conclude: { service: 'github', call: 'effect', github: ['ownComments', 'comment'], writes: ['report'] },
  'tend-pull': { service: 'github', call: 'both', github: ['pull', 'settle'], writes: ['result', 'report'] },
  'put-question': {
    service: 'github',
    call: 'effect',
    github: ['ownComments', 'comment'],
    writes: ['report'],
  },
  'answer-inline': {
    service: 'github',
    call: 'effect',
    github: ['ownComments', 'comment'],
    writes: ['report'],
  },
  'answer-message': {
    service: 'github',
    call: 'effect',
    github: ['ownComments', 'comment', 'react', 'unreact'],
    writes: ['mailbox'],
  },
  react: { service: 'github', call: 'effect', github: ['settle'], writes: ['report'] },
  unlabel: { service: 'github', call: 'effect', github: ['removeLabel'], writes: ['report'] },
  'drop-branch': {
    service: 'github',
    call: 'both',
    github: ['branchUse', 'deleteBranch'],
    writes: ['report'],
  },
  'minimize-status': { service: 'github', call: 'effect', github: ['minimize'], writes: ['report'] },
  'resume-work': {
    service: 'none',
    call: 'read',
    writes: ['session', 'workspace', 'mailbox', 'result', 'report'],
  },
  'ask-cost': { service: 'none', call: 'read', posthog: ['cost'], writes: ['session'] },
})

export function* afterOutcome(run: Run, now: Now): Due {
  yield* replies(run, now)
  if (run.mailbox.pendingFollowUps.length > 0 && canGoOn(run)) return yield { kind: 'resume-work' }
  const isOpen = canComment(run, now)
  if (isOpen && now.text === 'phase') yield { kind: 'edit-status' }
  if (run.session.cost === undefined && run.session.taskRun) yield { kind: 'ask-cost' }
  if (isOpen && !run.report.announced.comment) yield { kind: 'conclude' }
  if (run.result.untended.length > 0) yield { kind: 'tend-pull' }
  if (run.report.announced.inline < inlineAsked(run).length) yield { kind: 'answer-inline' }
  if (!run.report.announced.reaction) yield { kind: 'react' }
  if (!run.report.announced.label) yield { kind: 'unlabel' }
  if (!run.report.announced.branch) yield { kind: 'drop-branch' }
  yield* claims(run, now)
  const unseen = run.mailbox.releaseThread
    ? []
    : run.result.claimedPulls.map(url => run.result.unseenPulls[url]?.until ?? now.at)
  const untold = isOpen ? [] : [run.report.threadBlocked?.until ?? now.at]
  if (unseen.length + untold.length > 0) return yield waiting(Math.min(...unseen, ...untold), now)
  if (now.text !== 'same' && now.text !== 'time') yield { kind: 'edit-status' }
  if (isSuperseded(run) || run.report.supersedes.length > 0) yield { kind: 'minimize-status' }
  yield { kind: 'end' }
}

export const foldable = (run: Run): string | undefined =>
  isSuperseded(run) && run.result.untended.length <= 1 ? run.report.status?.nodeId : undefined

/** Follow-ups behind a refusal would be refused too: they are queued again once this Run has ended. */
const canGoOn = (run: Run): boolean =>
  run.session.taskId !== undefined &&
  run.workspace.branch !== undefined &&
  (run.result.outcome?.kind !== 'failed' || agentEnded(run))

const agentEnded = (run: Run): boolean =>
  run.session.taskRun !== undefined &&
  isTerminal(run.session.taskRun.status) &&
  cancelledAt(run) === undefined
