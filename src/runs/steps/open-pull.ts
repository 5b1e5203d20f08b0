/** Opens a pull request for commits that the agent left on a branch. */
import { Rejected } from '../../core/model/errors.ts'
import type { Pull } from '../../core/model/views.ts'
import { openIntent } from '../../core/record/intents.ts'
import { baseOf, type Run } from '../../core/record/run.ts'
import { paragraphs } from '../../core/text/phrases.ts'
import { disarm, quoted } from '../../core/text/safe-markdown.ts'
import { pullFooter } from '../../core/words/small-line.ts'
import type { PushedWork } from './branch-changes.ts'
import { pullTitle, putRight, wantedBase } from './put-right.ts'
import { once, type StepContext } from './step-context.ts'

type PullToOpen = Pick<Pull, 'head' | 'base'>

/** From the bot's or the agent's own branches, and from any whose pull request was merged without these commits. */
export function pullToOpen(run: Run, { head, pulls }: PushedWork): PullToOpen | undefined {
  const { thread, request, mailbox, result } = run
  const { branch } = run.workspace
  if (!branch || request.what !== 'work' || mailbox.stop) return undefined
  if (result.pulls.some(({ state }) => state === 'open')) return undefined
  // After a crash the open one may be ours.
  const isOpen = pulls.some(({ state }) => state === 'open')
  if (isOpen && !openIntent(run, 'open-pull')) return undefined
  if (!isOpen && pulls.some(({ sha }) => sha === head.sha)) return undefined
  const numbers = [...result.pulls, ...(thread.kind === 'pull' ? [thread] : [])].map(
    ({ number }) => number,
  )
  const merged = pulls.find(({ state, number }) => state === 'merged' && numbers.includes(number))
  if (merged) return { head: head.name, base: wantedBase(run, merged) }
  if (thread.kind === 'pull' || [thread.defaultBranch, branch.into].includes(head.name))
    return undefined
  const isWanted = branch.made || head.name !== branch.name || baseOf(run) !== undefined
  return isWanted ? { head: head.name, base: branch.into } : undefined
}

export async function openPull(
  context: StepContext<'pulls.from' | 'branches.default' | 'pulls.create' | 'thread.settle'>,
  run: Run,
  { head, base }: PullToOpen,
): Promise<Partial<Run['result']>> {
  const { deps, github } = context
  try {
    const view = await once(context, {
      intent: { kind: 'open-pull', at: deps.now() },
      find: async () => (await github.pulls.from(head)).find(({ state }) => state === 'open'),
      perform: () =>
        github.pulls.create({
          head,
          base,
          // A squash merge makes it a commit subject, on which GitHub acts.
          title: pullTitle(run) ?? disarm(run.baseline.snapshot.title),
          body: bodyOf(run),
          footer: pullFooter(run),
        }),
    })
    const opened = await putRight(context, view)
    const others = run.result.pulls.filter(({ number }) => number !== opened.number)
    return { pulls: [...others, opened], pushedBranch: undefined, unopened: undefined }
  } catch (error) {
    if (!(error instanceof Rejected && error.of === 'effect')) throw error
    // The default branch may have been renamed since.
    const now = base === run.thread.defaultBranch ? await github.branches.default() : base
    if (now !== base) return openPull(context, run, { head, base: now })
    return { unopened: { base, why: error.message } }
  }
}

function bodyOf({ thread, session: { sessionLog } }: Run) {
  const number = `#${thread.number}`
  return paragraphs([
    thread.kind === 'pull'
      ? `Goes on from ${number}, which was merged without these commits.`
      : `Closes ${number}`,
    sessionLog?.answer && quoted(sessionLog.answer, 4_000),
    'Opened by the bot, since the agent left its commits on the branch.',
  ])
}
