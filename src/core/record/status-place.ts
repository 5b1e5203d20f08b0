/** Where the status of a Run is shown. */
import type { RepoSettings } from '../settings/repository-settings.ts'
import type { Run } from './run.ts'

export const commentsOf = ({
  comments,
  chatty,
}: Pick<RepoSettings, 'comments' | 'chatty'>): NonNullable<RepoSettings['comments']> =>
  comments ?? (chatty === false ? 'outcomes' : 'all')

/** `undefined`: nowhere yet. What waits for people, or for hours, is said in a comment: nothing else shows it. */
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
  if (commentsOf(baseline.settings) === 'all' || checkRefused) return 'comment'
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
