/** Where the status of a Run is shown. */
import type { Run } from './run.ts'

/**
 * `undefined`: nowhere yet. With `comments: outcomes` a check has the recovery record, and nothing else to show. What
 * waits for people, or for hours, is said in a comment.
 */
export function statusPlace({
  baseline,
  report,
  schedule,
  workspace,
  result,
}: Run): 'comment' | 'check' | undefined {
  const { status, readOnlyThread, checkRefused } = report
  if (status) return status.check ? 'check' : 'comment'
  if (readOnlyThread) return undefined
  if (baseline.settings.comments === 'all' || checkRefused) return 'comment'
  const { waits } = schedule
  if (waits && waits.kind !== 'line' && waits.kind !== 'session') return 'comment'
  return workspace.branch && !result.outcome ? 'check' : undefined
}

/** The newest commit of its work, as far as anybody knows. It stays there when the pull request ends. */
export const checkedSha = ({
  result: { pulls, pushed },
  report: { status },
  workspace: { branch },
}: Run): string =>
  pushed ?? pulls.findLast(({ state }) => state === 'open')?.sha ?? status?.check?.sha ?? branch?.sha ?? ''
