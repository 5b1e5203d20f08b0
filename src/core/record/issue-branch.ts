import { isBranchOfIssue, issueBranch, stemOf } from '../model/branch-name.ts'
import type { BranchView, IssueBranches } from '../model/views.ts'
import { isReadOnly } from './request-part.ts'
import type { Run } from './run.ts'

/** On which branch the work for an issue is done: one that was made for it, one that people linked, or a new one. */
export type IssueBranchChoice =
  | { kind: 'ours'; branch: BranchView; linked: boolean }
  | { kind: 'linked'; branch: BranchView }
  /** What changes nothing needs no branch of its own. */
  | { kind: 'base' }
  | { kind: 'new'; name: string }

export function chooseIssueBranch(
  { thread, request, baseline, workspace }: Pick<Run, 'thread' | 'request' | 'baseline' | 'workspace'>,
  branches: Pick<IssueBranches, 'linked' | 'ours'>,
): IssueBranchChoice {
  const stem = stemOf(baseline.settings.branch_prefix, thread.number)
  const [linked] = branches.linked
  const isOurs = ({ name }: BranchView): boolean =>
    name === workspace.madeBranch || isBranchOfIssue(name, stem)
  const ours = linked ? [linked].find(isOurs) : branches.ours[0]
  if (ours) return { kind: 'ours', branch: ours, linked: linked !== undefined }
  if (linked) return { kind: 'linked', branch: linked }
  return isReadOnly(request.what)
    ? { kind: 'base' }
    : { kind: 'new', name: issueBranch(stem, baseline.snapshot.title) }
}
