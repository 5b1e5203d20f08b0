import { maxComment } from '../../core/comments/words.ts'
import type { Marker } from '../../core/model/marker.ts'
import type { OwnComment } from '../../core/model/views.ts'
import { type Run, sessionOf } from '../../core/run/run.ts'
import type { Session } from '../../core/run/session.ts'
import type { StepContext } from './step-context.ts'

export function markerOf(run: Run, as: Marker['as']): Marker {
  const pull = run.result.pulls.at(-1)
  const branch = pull?.state === 'open' ? pull.head : run.workspace.branch?.name
  const session = sessionOf(run) ?? sameTask(run)
  return {
    run: run.id,
    repo: run.thread.repoId,
    thread: run.thread.number,
    as,
    round: run.result.round,
    what: run.request.what,
    ...(run.session.taskId === undefined ? {} : { task: run.session.taskId }),
    ...(session ? { taskRun: session.taskRunId } : {}),
    ...(session?.may ? { may: session.may } : {}),
    ...(branch === undefined ? {} : { branch }),
    ...(run.workspace.madeBranch === undefined ? {} : { made: run.workspace.madeBranch }),
    ...(run.workspace.branch === undefined ? {} : { sha: run.workspace.branch.sha }),
    ...(pull === undefined ? {} : { pull: pull.number }),
  }
}

const sameTask = ({ session: { taskId, earlier } }: Run): Session | undefined =>
  earlier && earlier.taskId === taskId ? earlier : undefined

export const markedWith = (
  context: Pick<StepContext, 'run' | 'deps'>,
  comments: OwnComment[],
  as: Marker['as'],
): OwnComment | undefined =>
  comments.find(({ body }) =>
    context.deps.signer
      .read(body, context.run.thread)
      .some(
        marker =>
          marker.run === context.run.id &&
          marker.as === as &&
          (as === 'status' || marker.round === context.run.result.round),
      ),
  )

/** @param id names the reply; the rest of its marker changes with the Run */
export const repliedWith = (
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  comments: OwnComment[],
  id: string,
): OwnComment | undefined =>
  comments.find(({ body }) =>
    deps.signer.read(body, run.thread).some(marker => marker.run === id && marker.as === 'reply'),
  )

/** Cuts the text, never the marker. */
export const fitted = (text: string, marker: string): string =>
  `${text.slice(0, maxComment - marker.length - 2)}\n\n${marker}`
