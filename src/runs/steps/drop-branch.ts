import { believeAbsent } from '../../core/run/outage.ts'
import type { Branch } from '../../core/run/record/workspace-part.ts'
import type { ChangeOf } from '../../core/run/run.ts'
import { removableBranch, sessionAtWork } from '../../core/run/unused-branch.ts'
import { ignoreRefusal } from './signs.ts'
import { refusedReads, type StepContext } from './step-context.ts'

type Dropping = StepContext<'branchUse' | 'deleteBranch'>

/** Removes a branch of ours that has no commits and no open pull request, once no agent can use it. */
export async function dropBranch(context: Dropping): Promise<ChangeOf<'report'>> {
  const { run } = context
  const branch = removableBranch(run)
  if (branch) await ignoreRefusal(context, dropIfUnused(context, branch))
  return { report: { announced: { ...run.report.announced, branch: true } } }
}

async function dropIfUnused(context: Dropping, { name, sha }: Branch): Promise<void> {
  const { run, deps, job, github } = context
  if (
    run.result.pushed !== undefined ||
    run.result.pulls.some(({ head, state }) => head === name && state === 'open')
  )
    return
  const session = sessionAtWork(run)
  if (session) {
    await job.assertLocked()
    const unused = {
      thread: run.thread,
      name,
      sha,
      session,
      since: deps.now(),
      removing: false,
      removed: false,
    }
    await deps.removeLater(`${run.id}-${run.result.round}`, unused)
    deps.reached('branch left for later, not recorded')
    return
  }
  const use = await github.branchUse(name)
  if (use.sha === undefined) believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  if (use.sha !== sha || use.isUsed) return
  await job.assertLocked()
  await github.deleteBranch(name, sha)
  deps.reached('branch dropped, not recorded')
}
