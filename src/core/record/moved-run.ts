import { fullName, movedTo, type Repository } from '../model/thread.ts'
import { mayHaveBegun, onlyIntents } from './intents.ts'
import { changed, type Run, withOwnTask } from './run.ts'

/** One that has not begun makes its task where the repository is now. */
export function withRepository(run: Run, to: Repository): Run {
  const { branch } = run.workspace
  // What goes into the default branch goes on to do so.
  const into = branch?.into === run.thread.defaultBranch ? to.defaultBranch : branch?.into
  const moved = changed(run, {
    thread: movedTo(run.thread, to),
    workspace: { branch: branch && { ...branch, into: into ?? branch.into } },
  })
  const { taskMade, taskRun } = run.session
  if (taskRun || mayHaveBegun(run) || fullName(to) === fullName(run.thread)) return moved
  return changed(withOwnTask(moved), {
    ...onlyIntents(run, kind => kind !== 'create-task'),
    ...(taskMade ? { session: { taskId: undefined, taskMade: false } } : {}),
  })
}
