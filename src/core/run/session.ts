/**
 * A session: a TaskRun of PostHog together with what it may do. That is fixed when it starts; whoever speaks to it
 * later changes none of it, so it may only be gone on with by those who want exactly that.
 */
import { z } from 'zod'
import { mayPublish, PermissionMode, PrAuthorshipMode, ReasoningEffort } from '../agent/run-request.ts'

export const Rights = z.object({
  permission: PermissionMode,
  publishes: z.boolean(),
  mode: z.enum(['background', 'interactive']),
  model: z.string(),
  effort: ReasoningEffort.optional(),
  sandbox: z.string().optional(),
  authorship: PrAuthorshipMode,
  signalReport: z.string().optional(),
  /** The branch it was started on, then those that it put its own commits on. */
  branches: z.array(z.string()),
})
export type Rights = z.infer<typeof Rights>

export const Session = z.object({
  taskId: z.string(),
  taskRunId: z.string(),
  /** Missing where a version wrote it that did not look: it is not known, so it is not relied on. */
  may: Rights.optional(),
})
export type Session = z.infer<typeof Session>

interface Wishes extends Omit<Rights, 'permission' | 'publishes' | 'branches'> {
  permission?: PermissionMode | undefined
}

export function rightsOf(
  { permission, mode, model, effort, sandbox, authorship, signalReport }: Wishes,
  branch: string,
): Rights {
  return {
    // Without a word about it the agent runs as `auto`.
    permission: permission ?? 'auto',
    publishes: mayPublish(permission),
    mode,
    model: model.toLowerCase(),
    authorship,
    branches: [branch],
    ...(effort === undefined ? {} : { effort }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(signalReport === undefined ? {} : { signalReport }),
  }
}

/** Whether a session may do exactly what is wanted now: no less, and no more. */
export function mayServe({ may }: Pick<Session, 'may'>, wanted: Rights): boolean {
  if (!may) return false
  const { branches, ...rights } = may
  const { branches: wantedBranches, ...wantedRights } = wanted
  return sameRights(rights, wantedRights) && wantedBranches.every(branch => branches.includes(branch))
}

const names = [
  'permission',
  'publishes',
  'mode',
  'model',
  'effort',
  'sandbox',
  'authorship',
  'signalReport',
] as const

const sameRights = (a: Omit<Rights, 'branches'>, b: Omit<Rights, 'branches'>): boolean =>
  names.every(name => a[name] === b[name])
