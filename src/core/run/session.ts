/** A task run and what it may do, fixed at its start: only a Run with exactly these rights may continue it. */
import { z } from 'zod'
import { mayPublish, PermissionMode } from '../agent/run-request.ts'
import { RunOptions } from './record/request-part.ts'

export const Rights = RunOptions.omit({ branch: true }).extend({
  permission: PermissionMode,
  publishes: z.boolean(),
  branches: z.array(z.string()),
})
export type Rights = z.infer<typeof Rights>

export const Session = z.object({
  taskId: z.string(),
  taskRunId: z.string(),
  /** Missing in older records: then the session is not reused. */
  may: Rights.optional(),
})
export type Session = z.infer<typeof Session>

export const rightsOf = ({ branch: _, ...options }: RunOptions, branch: string): Rights => ({
  ...options,
  permission: options.permission ?? 'auto',
  publishes: mayPublish(options.permission),
  model: options.model.toLowerCase(),
  branches: [branch],
})

export function mayServe({ may }: Pick<Session, 'may'>, wanted: Rights): boolean {
  if (!may) return false
  const { branches, ...rights } = may
  const { branches: wantedBranches, ...wantedRights } = wanted
  return sameRights(rights, wantedRights) && wantedBranches.every(branch => branches.includes(branch))
}

const names = Rights.omit({ branches: true }).keyof().options

const sameRights = (a: Omit<Rights, 'branches'>, b: Omit<Rights, 'branches'>): boolean =>
  names.every(name => a[name] === b[name])
