/**
 * The step `tend-pull` puts a pull request of the Run right: draft, assignee or reviewer, base and texts.
 * `drop-branch` removes a branch of the bot's that came to nothing.
 * They leave in the record how the pull request is now, and that the branch was seen to.
 */
import {
  Pull,
  type PullChange,
  type PullView,
  type Settled,
  type Settling,
  type SettlingPart,
} from '../../core/model/views.ts'
import { foldable } from '../../core/record/last-word.ts'
import { markerOf, type Signer } from '../../core/record/marker.ts'
import { removableBranch, requestersOf, sessionAtWork } from '../../core/record/own-pull-request.ts'
import { believeAbsent, isHeld } from '../../core/record/retries.ts'
import {
  baseOf,
  type ChangeOf,
  changed,
  isDone,
  type Run,
  withDone,
} from '../../core/record/run.ts'
import type { Branch } from '../../core/record/workspace-part.ts'
import { closesIssue, withFirst } from '../../core/text/markdown.ts'
import { disarm } from '../../core/text/safe-markdown.ts'
import { footerMark, pullFooter } from '../../core/words/small-line.ts'
import { reactionAfter } from './reaction.ts'
import { type PostedStatus, statusToSend } from './status-comment.ts'
import { drawStatus, ignoreRefusal, refusedReads, type StepContext, step } from './step-context.ts'

/**
 * Assigns the requester or asks them for a review, never both. The reaction and the last edit of the status go along.
 * What somebody wrote over the description since it was put right is seen in the answer.
 */
type Settles = StepContext<'thread.settle'>

export const tendPull = step('tend-pull', {
  github: ['thread.settle'],
  writes: ['result', 'report'],
  async do(context) {
    const [number, ...untended] = context.run.result.untended
    if (number === undefined) return {}
    const known = context.run.result.pulls.find(each => each.number === number)
    if (known?.state !== 'open') return { result: { untended } }
    const { request, result, baseline } = context.run
    const { assign, review, draft } = baseline.settings.pull_request
    // The pull request leaves its draft state when the run has ended with it, if the settings want that.
    const isReady =
      known.draft && !draft && result.outcome?.kind === 'pull' && request.what === 'work'
    // The status that goes along says what it is then.
    const readied = inPlace(result.pulls, { ...known, draft: false })
    const run = isReady ? changed(context.run, { result: { pulls: readied } }) : context.run
    const { login } = request.by
    const reacts = result.outcome !== undefined && !isDone(run, 'react')
    const fold = foldable(run)
    const edit = editOf(context, run)
    const { pull: view, refused } = await settleOnce(context, {
      pull: {
        number,
        ready: isReady ? true : undefined,
        review: review ? login : undefined,
        assign: assign && !review ? login : undefined,
      },
      status: edit,
      reaction: reacts ? await reactionAfter({ ...context, run }) : undefined,
      fold,
    })
    const after = view ? await putRight(context, view, known) : known
    const done = reacts ? withDone(run, 'react') : run.report.done
    return {
      result: { untended, pulls: inPlace(context.run.result.pulls, after) },
      report: { status: statusAfter(run, { edit, fold, refused }), done },
    }
  },
})

type Edit = NonNullable<Settling['status']> & { status: PostedStatus }

/** The edit of the status, if that says anything new. */
function editOf({ deps }: StepContext, run: Run): Edit | undefined {
  const { status } = run.report
  const at = deps.now()
  if (status?.nodeId === undefined || status.minimized) return undefined
  if (isHeld(run, 'thread', at)) return undefined
  const drawing = drawStatus(run, deps.deployment, at)
  if (drawing.difference() === 'same') return undefined
  return { nodeId: status.nodeId, ...statusToSend(drawing, status, deps.signer) }
}

function statusAfter(
  { report: { status } }: Run,
  {
    edit,
    fold,
    refused,
  }: { edit: Edit | undefined; fold?: string; refused: readonly SettlingPart[] },
): PostedStatus | undefined {
  const after = edit?.status ?? status
  if (refused.includes('status') || !after) return status
  return fold === undefined ? after : { ...after, minimized: true }
}

async function settleOnce({ job, deps, github }: Settles, settling: Settling): Promise<Settled> {
  await job.assertLocked()
  const done = await github.thread.settle(settling)
  const { refused } = done
  if (refused.some(part => part !== 'status'))
    deps.log.warn(
      { pull: settling.pull?.number, refused },
      'the pull request could not be put right',
    )
  return done
}

const inPlace = (pulls: readonly Pull[], pull: Pull): Pull[] =>
  pulls.map(known => (known.number === pull.number ? pull : known))

export const recorded = (view: PullView, message?: string): Pull => ({
  ...Pull.parse(view),
  remark: message,
})

type Shaping = Pick<NonNullable<Settling['pull']>, 'number' | 'labels'> & { change: PullChange }

/**
 * PostHog uses the run's branch as base: a pull request into a branch of ours is retargeted, and closes the issue. Title
 * and labels are set once: our marker says that they were.
 */
function shapingOf(context: StepContext, view: PullView): Shaping | undefined {
  if (view.state !== 'open') return undefined
  const { run, deps } = context
  const isNew = !isMarked(run, deps.signer, view)
  // After the bot has put it right, only people choose another base.
  const into = isNew || view.base === run.workspace.branch?.name ? wantedBase(run, view) : undefined
  const base = into === view.base ? undefined : into
  const wanted = wantedBody(run, deps.signer, view)
  const body = wanted === view.body ? undefined : wanted
  const footer = isNew && !view.body.includes(footerMark) ? pullFooter(run) : undefined
  const called = isNew ? pullTitle(run) : undefined
  const title = called === view.title ? undefined : called
  if (base === undefined && body === undefined && title === undefined) return undefined
  const { labels } = run.baseline.settings.pull_request
  return {
    number: view.number,
    change: { title, base, body, footer },
    labels: isNew && labels.length > 0 ? labels : undefined,
  }
}

const maxPullTitle = 256

/** The title that the settings ask for. A squash merge makes it a commit subject, on which GitHub acts. */
export function pullTitle({ thread, baseline: { settings, snapshot } }: Run): string | undefined {
  const title = settings.pull_request.title?.replace(/\{(title|number)\}/g, (_, which) =>
    which === 'title' ? disarm(snapshot.title) : String(thread.number),
  )
  return title && [...title].slice(0, maxPullTitle).join('')
}

/** @param known what its record says of it, if it is not new */
export async function putRight(context: Settles, view: PullView, known?: Pull): Promise<Pull> {
  const shaping = shapingOf(context, view)
  return shaping
    ? afterChange(view, shaping, await settleOnce(context, { pull: shaping }))
    : recorded(view, known?.remark)
}

function afterChange(view: PullView, { change }: Shaping, settled: Settled): Pull {
  const after = settled.refused.includes('change') ? view : (settled.pull ?? view)
  return recorded(after, leftAsItIs(change, settled))
}

function leftAsItIs({ title, base, body }: PullChange, { refused, unknownLabels = [] }: Settled) {
  if (refused.includes('change')) {
    const wished = Object.entries({ title, base, description: body }).filter(
      ([, to]) => to !== undefined,
    )
    return `GitHub did not let the bot change its ${wished.map(([part]) => part).join(' or ')}`
  }
  if (unknownLabels.length > 0)
    return `this repository does not have the labels: ${unknownLabels.join(', ')}`
  return refused.includes('labels') ? 'GitHub did not let the bot set its labels' : undefined
}

/** Puts it right at once, with the status that shows the pull request, as somebody may merge before the turn's end. */
export async function putRightWhenFound(
  context: Settles,
  view: PullView,
  found: Pick<Run['result'], 'pulls' | 'untended' | 'claimedPulls' | 'claimsSeen'>,
): Promise<ChangeOf<'result' | 'report'>> {
  // The marker says on which branches its session may go on: the pull request's is one of them.
  const run = changed(context.run, { result: found })
  const shaping = shapingOf({ ...context, run }, view)
  if (!shaping) return { result: found }
  const edit = editOf(context, run)
  const done = await settleOnce(context, { pull: shaping, status: edit })
  return {
    result: { ...found, pulls: inPlace(found.pulls, afterChange(view, shaping, done)) },
    report: { status: statusAfter(run, { edit, refused: done.refused }) },
  }
}

/** What PostHog chose by itself is put right; another base was somebody's choice. */
export function wantedBase(run: Run, { base, head }: Pick<Pull, 'base' | 'head'>): string {
  const { branch } = run.workspace
  if (!branch || branch.into === head) return base
  if (base === branch.name) return branch.made || baseOf(run) !== undefined ? branch.into : base
  return base === run.thread.defaultBranch && baseOf(run) !== undefined ? branch.into : base
}

const isMarked = (run: Run, signer: Signer, { body, number }: PullView): boolean =>
  signer.read(body, { repoId: run.thread.repoId, number }).some(marker => marker.run === run.id)

/** Adds the closing line and the marker if missing, before anything that could swallow them. */
export function wantedBody(run: Run, signer: Signer, view: PullView): string {
  const { thread } = run
  const closes =
    thread.kind === 'pull' || closesIssue(view.body, thread) ? [] : [`Closes #${thread.number}`]
  if (isMarked(run, signer, view)) return withFirst(closes, view.body)
  const marker = signer.write({
    ...markerOf(run, 'pull'),
    by: requestersOf(run).map(({ id }) => id),
    thread: view.number,
    pull: view.number,
    branch: view.head,
  })
  return withFirst([...closes, marker], view.body)
}

type Dropping = StepContext<'branches.use' | 'branches.delete'>

/** Removes a branch of ours that has no commits and no open pull request, once no agent can use it. */
export const dropBranch = step('drop-branch', {
  github: ['branches.use', 'branches.delete'],
  writes: ['report'],
  async do(context) {
    const { run } = context
    const branch = removableBranch(run)
    if (branch) await ignoreRefusal(context, dropIfUnused(context, branch))
    return { report: { done: withDone(run, 'drop-branch') } }
  },
})

async function dropIfUnused(context: Dropping, { name, sha }: Branch): Promise<void> {
  const { run, deps, job, github } = context
  const isOpen = run.result.pulls.some(({ head, state }) => head === name && state === 'open')
  if (run.result.pushed !== undefined || isOpen) return
  const session = sessionAtWork(run)
  if (session) {
    await job.assertLocked()
    const { thread } = run
    const unused = {
      thread,
      name,
      sha,
      session,
      since: deps.now(),
      removing: false,
      removed: false,
    }
    await deps.removeLater(`${run.id}-${run.result.round}`, unused)
    return
  }
  const use = await github.branches.use(name)
  if (use.sha === undefined) believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  if (use.sha !== sha || use.isUsed) return
  await job.assertLocked()
  await github.branches.delete(name, sha, use.repository)
}
