/** The check on our pull requests by which nobody approves what they asked for. */
import type { Person } from '../model/thread.ts'
import type { Approvals, CheckReport } from '../model/views.ts'

const approvalCheckName = 'codex approval'

/** The check of what people made, and may merge as ever. */
export const noneOfCodex: CheckReport = {
  name: approvalCheckName,
  state: 'success',
  onlyFirst: true,
  title: 'Nothing here is by Codex',
  summary: 'No run of Codex worked on this pull request, and no commit is by its agent.',
}

/** The check of a commit that a merge queue makes. What comes into the queue had to be approved before. */
export const inMergeQueue: CheckReport = {
  name: approvalCheckName,
  state: 'success',
  title: 'Was decided on each pull request',
  summary:
    'A pull request comes into the merge queue only if this check is green on its newest commit.',
}

const all = (logins: readonly string[]): string => new Intl.ListFormat('en').format(logins)

/** @param asked their logins, as far as they are known */
export function approvalCheck(approvedBy: Approvals['by'], asked: readonly Person[]): CheckReport {
  const who = all(asked.map(({ login }) => login))
  const others = asked.length === 0 ? 'whoever asked for it' : who
  if (approvedBy.length === 0)
    return {
      name: approvalCheckName,
      state: 'pending',
      title: `Somebody other than ${others} has to approve`,
      summary: `Codex worked on this for ${others}. Someone else with write access must approve the newest commit. The approval of a bot does not count.`,
    }
  return {
    name: approvalCheckName,
    state: 'success',
    title: `Approved by ${all(approvedBy.map(({ login }) => login))}`,
    summary: `Codex worked on this for ${others}. Somebody else approved this commit.`,
  }
}
