import type { CheckReport } from '../core/model/views.ts'
import type { GitHubApp } from './app-client.ts'
import type { ThreadAccess } from './read-ahead.ts'

/** Source: GitHub REST, "Create a check run". */
const maxText = 65_535

export function checkRunsOf({ app, thread, at, written }: ThreadAccess & { app: GitHubApp }) {
  return {
    mayCheck: async (): Promise<boolean> => (await app.grantedBy(thread.installationId)).checks === 'write',

    /** @throws Rejected where the installation has not granted checks */
    async report(
      sha: string,
      { id, name, state, title, summary, url, annotations, onlyFirst }: CheckReport,
    ): Promise<void> {
      const { checks } = app.forChecks(thread).rest
      // Anybody's workflow may make one of that name: only our own is changed.
      const { data } = await checks.listForRef({ ...at, ref: sha, check_name: name, app_id: app.id })
      const before = data.check_runs.find(run => run.external_id === id)
      if (before && onlyFirst) return
      const output = { title, summary: written(summary).slice(0, maxText) }
      const isSame = before?.output.title === title && before.output.summary === output.summary
      if (isSame && (before.conclusion ?? 'pending') === state) return
      const said = {
        ...{ ...at, name, external_id: id, details_url: url },
        ...(state === 'pending'
          ? ({ status: 'in_progress' } as const)
          : ({ status: 'completed', conclusion: state } as const)),
      }
      // One that was completed does not go on: the newest of a name counts.
      if (before && !(before.status === 'completed' && state === 'pending'))
        await checks.update({ ...said, check_run_id: before.id, output })
      else
        await checks.create({
          ...said,
          head_sha: sha,
          output: {
            ...output,
            annotations: annotations?.map(({ path, line, message }) => ({
              path,
              start_line: line,
              end_line: line,
              annotation_level: 'failure' as const,
              message: written(message),
            })),
          },
        })
    },
  }
}
