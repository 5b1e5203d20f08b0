/** The step `drop-branch` removes a branch of the bot's that came to nothing, once no agent can use it. */
import { removableBranch, sessionAtWork } from '../../core/record/own-pull-request.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { withDone } from '../../core/record/run.ts'
import type { Branch } from '../../core/record/workspace-part.ts'
import { ignoreRefusal, refusedReads, type StepContext, step } from './step-context.ts'

export const dropBranch = step('drop-branch', {
  github: ['branches.use', 'branches.delete'],
  writes: ['report'],
  async do(context) {
    const { run } = context
    const branch = removableBranch(run)
    if (branch) await ignoreRefusal(context, dropIfUnused(context, branch))
    return { report: { done: withDone(run, 'drop-branch') } }
  },
})

async function dropIfUnused(
  context: StepContext<'branches.use' | 'branches.delete'>,
  { name, sha }: Branch,
) {
  const { run, deps, job, github } = context
  const { thread, result } = run
  const isOpen = result.pulls.some(({ head, state }) => head === name && state === 'open')
  if (result.pushed !== undefined || isOpen) return
  const session = sessionAtWork(run)
  if (session) {
    await job.assertLocked()
    const atWork = { thread, name, sha, session, since: deps.now() }
    await deps.removeLater(`${run.id}-${result.round}`, {
      ...atWork,
      removing: false,
      removed: false,
    })
    return
  }
  const use = await github.branches.use(name)
  if (use.sha === undefined) believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  if (use.sha !== sha || use.isUsed) return
  await job.assertLocked()
  await github.branches.delete(name, sha, use.repository)
}
