/** The check on our pull requests by which nobody approves what they asked for. */
import type { Person } from '../model/thread.ts'
import type { Approvals, CheckReport } from '../model/views.ts'

const all = (logins: readonly string[]): string => new Intl.ListFormat('en').format(logins)

/** @param asked their logins, as far as they are known */
export function approvalCheck(approvedBy: Approvals['by'], asked: readonly Person[]): CheckReport {
  const who = all(asked.map(({ login }) => login))
  const others = asked.length === 0 ? 'whoever asked for it' : who
  const report = { id: 'approval', name: 'codex approval' }
  if (approvedBy.length === 0)
    return {
      ...report,
      state: 'pending',
      title: `Somebody other than ${others} has to approve`,
      summary: `Codex worked on this for ${others}. Somebody else who may write here has to approve the newest commit. The approval of a bot does not count.`,
    }
  return {
    ...report,
    state: 'success',
    title: `Approved by ${all(approvedBy.map(({ login }) => login))}`,
    summary: `Codex worked on this for ${others}. Somebody else approved this commit.`,
  }
}
