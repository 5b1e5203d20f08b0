/** What our checks say of a commit. */
import type { CheckReport } from '../core/model/views.ts'
import type { ThreadAccess } from './read-ahead.ts'

export function checkRunsOf({ app, thread, at, written }: ThreadAccess) {
  return {
    mayCheck: async (): Promise<boolean> => (await app.grantedBy(thread.installationId)).checks === 'write',

    /** @throws Rejected where the installation has not granted checks */
    async report(sha: string, { name, state, title, summary, onlyFirst }: CheckReport): Promise<void> {
      const { checks } = app.forChecks(thread).rest
      // Anybody's workflow may make one of that name: only our own is changed.
      const { data } = await checks.listForRef({ ...at, ref: sha, check_name: name, app_id: app.id })
      const [before] = data.check_runs
      if (before && onlyFirst) return
      const output = { title, summary: written(summary) }
      const isSame = before?.output.title === title && before.output.summary === output.summary
      if (isSame && (before.conclusion ?? 'pending') === state) return
      const said = {
        ...{ ...at, name, output },
        ...(state === 'pending'
          ? ({ status: 'in_progress' } as const)
          : ({ status: 'completed', conclusion: state } as const)),
      }
      // One that was completed does not go on: the newest of a name counts.
      if (before && !(before.status === 'completed' && state === 'pending'))
        await checks.update({ ...said, check_run_id: before.id })
      else await checks.create({ ...said, head_sha: sha })
    },
  }
}
