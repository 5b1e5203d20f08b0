import { archived, refusedBranch } from '../../core/comments/failures.ts'
import { issueBranch } from '../../core/model/branch-name.ts'
import { Rejected } from '../../core/model/errors.ts'
import type { ThreadClient } from '../../core/model/ports.ts'
import type { BranchView, IssueBranches } from '../../core/model/views.ts'
import type { Found } from './find-branch.ts'
import type { StepContext } from './step-context.ts'

export type Making<Method extends keyof ThreadClient = never> = StepContext<
  'makeBranch' | Method,
  never,
  'workspace'
>

interface Basis {
  base: BranchView
  ids: IssueBranches['ids']
}

export async function make(context: Making, stem: string, { base, ids }: Basis): Promise<Found> {
  const name = issueBranch(stem, context.run.baseline.snapshot.title)
  // Saved first: after a crash the branch is found by this name.
  await context.save({ workspace: { madeBranch: name } })
  await context.job.assertLocked()
  return makeOne(context, { name, base, ids })
}

interface NewBranch {
  name: string
  base: BranchView
  ids: IssueBranches['ids']
}

async function makeOne(context: StepContext<'makeBranch'>, { name, base, ids }: NewBranch): Promise<Found> {
  try {
    const { linked, open } = await context.github.makeBranch(name, base.sha, ids)
    context.deps.reached('branch made, not recorded')
    const branch = { name, into: base.name, sha: base.sha, made: true, fresh: true, recorded: true, linked }
    return { kind: 'found', branch, ...(open === undefined ? {} : { open }) }
  } catch (error) {
    if (!(error instanceof Rejected) || (error.status !== 422 && error.status !== 403)) throw error
    return /archived/i.test(error.message)
      ? archived
      : refusedBranch(name, error, context.run.baseline.settings.branch_prefix)
  }
}
