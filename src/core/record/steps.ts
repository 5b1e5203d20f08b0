import type { CallKind, Service } from '../model/errors.ts'
import type { TasksClient, ThreadClient } from '../model/ports.ts'
import type { Unfinished } from '../model/task-run.ts'
import type { Outcome, RunPart } from './run.ts'

export interface StepEntry {
  service: Service | 'none'
  call: CallKind | 'both'
  /** Speaks to an agent, which may take nothing while PostHog is well. */
  toAgent?: true
  github?: readonly (keyof ThreadClient)[]
  posthog?: readonly (keyof TasksClient)[]
  writes: readonly RunPart[]
}

const stepTable = <const T extends Readonly<Record<string, StepEntry>>>(table: T): T => table

const endingSteps = stepTable({
  cancel: { service: 'posthog', call: 'effect', posthog: ['cancel'], writes: ['session', 'schedule'] },
  'give-up': { service: 'none', call: 'read', writes: ['result', 'session'] },
  'leave-agent': { service: 'none', call: 'read', writes: ['session', 'attempts'] },
  'let-go': { service: 'none', call: 'read', writes: ['report', 'result', 'mailbox', 'attempts'] },
})

const tellingSteps = stepTable({
  'post-status': {
    service: 'github',
    call: 'effect',
    github: ['ownComments', 'comment'],
    writes: ['report'],
  },
  'edit-status': { service: 'github', call: 'effect', github: ['edit'], writes: ['report'] },
  conclude: { service: 'github', call: 'effect', github: ['ownComments', 'comment'], writes: ['report'] },
  'tend-pull': { service: 'github', call: 'both', github: ['settle'], writes: ['result', 'report'] },
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

const workingSteps = stepTable({
  'answer-permission': {
    service: 'posthog',
    call: 'effect',
    toAgent: true,
    posthog: ['respondToPermission'],
    writes: ['session', 'schedule'],
  },
  deliver: {
    service: 'posthog',
    call: 'effect',
    toAgent: true,
    github: ['attachments'],
    posthog: ['addArtifact', 'sendMessage', 'respondToPermission', 'poll'],
    writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  },
  poll: {
    service: 'posthog',
    call: 'read',
    posthog: ['poll', 'summary'],
    writes: ['session', 'schedule', 'mailbox', 'result'],
  },
  'adopt-pull': {
    service: 'github',
    call: 'both',
    github: ['pull', 'isDescendant', 'settle'],
    writes: ['result', 'report'],
  },
  'find-result': {
    service: 'github',
    call: 'both',
    github: ['pullsFrom', 'branch', 'commitsSince', 'isDescendant', 'openPull', 'settle'],
    writes: ['result'],
  },
  'resume-turn': { service: 'none', call: 'read', writes: ['session', 'workspace', 'mailbox', 'result'] },
  'settle-outcome': { service: 'none', call: 'read', writes: ['result'] },
})

const beginningSteps = stepTable({
  'await-admission': {
    service: 'github',
    call: 'read',
    github: [
      'permission',
      'isInTeam',
      'ownCommentsOfRepository',
      'file',
      'fileCommits',
      'closing',
      'pull',
      'pullsFrom',
    ],
    writes: ['schedule', 'mailbox', 'result', 'session'],
  },
  'find-branch': {
    service: 'github',
    call: 'both',
    github: ['branch', 'issueBranches', 'makeBranch', 'closing'],
    writes: ['workspace', 'schedule', 'result', 'session'],
  },
  'gather-context': {
    service: 'github',
    call: 'read',
    github: ['comments', 'permission', 'shown'],
    writes: ['workspace'],
  },
  'stage-attachments': {
    service: 'posthog',
    call: 'effect',
    github: ['attachments'],
    posthog: ['stageArtifact'],
    writes: ['workspace'],
  },
  'create-task': {
    service: 'posthog',
    call: 'effect',
    posthog: ['createTask', 'findTask'],
    writes: ['session'],
  },
  rejoin: {
    service: 'posthog',
    call: 'both',
    toAgent: true,
    github: ['attachments'],
    posthog: ['logLength', 'addArtifact', 'sendMessage', 'poll', 'sandboxes'],
    writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  },
  'end-earlier': {
    service: 'posthog',
    call: 'both',
    posthog: ['statusOf', 'cancel'],
    writes: ['session', 'workspace', 'schedule'],
  },
  'start-run': {
    service: 'posthog',
    call: 'effect',
    posthog: ['startRun', 'runIds', 'sandboxes'],
    writes: ['session', 'schedule', 'mailbox', 'report', 'workspace', 'result'],
  },
})

const table = { ...tellingSteps, ...beginningSteps, ...workingSteps, ...endingSteps }

export type StepTable = typeof table
export type StepKind = keyof StepTable

export const steps: Record<StepKind, StepEntry> = table

interface About {
  'answer-permission': { option: string }
  'adopt-pull': { url: string }
  'give-up': { outcome: Outcome }
  'resume-turn': { why: Unfinished }
}

export type ActingStep = {
  [Kind in StepKind]: { kind: Kind } & (Kind extends keyof About ? About[Kind] : unknown)
}[StepKind]

export type Step = ActingStep | { kind: 'wait'; ms: number } | { kind: 'end' }
