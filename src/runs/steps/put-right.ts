/**
 * Puts a pull request of the Run right: its base, title, description and labels. PostHog uses the run's branch as base, so
 * a pull request into a branch of the bot's is retargeted, and closes the issue. Title and labels are set once: our marker
 * in the description says that they were.
 */
import {
  Pull,
  type PullChange,
  type PullView,
  type Settled,
  type Settling,
} from '../../core/model/views.ts'
import { markerOf, type Signer } from '../../core/record/marker.ts'
import { requestersOf } from '../../core/record/own-pull-request.ts'
import { isHeld } from '../../core/record/retries.ts'
import { baseOf, type ChangeOf, type Run } from '../../core/record/run.ts'
import { closesIssue, withFirst } from '../../core/text/markdown.ts'
import { disarm } from '../../core/text/safe-markdown.ts'
import { footerMark, pullFooter } from '../../core/words/small-line.ts'
import { type PostedStatus, statusToSend } from './status-comment.ts'
import { drawStatus, type StepContext } from './step-context.ts'

type Settles = StepContext<'thread.settle'>
type PullEdit = Pick<NonNullable<Settling['pull']>, 'number' | 'labels'> & { change: PullChange }

/** @param remark what the record says of it, if it is not new */
export async function putRight(context: Settles, view: PullView, remark?: string): Promise<Pull> {
  const edit = pullEditFor(context, view)
  if (!edit) return { ...Pull.parse(view), remark }
  return pullAfter(view, edit, await settle(context, { pull: edit }))
}

/**
 * Puts it right at once, with the status that shows the pull request, as somebody may merge before the turn's end.
 * @param context whose Run has the pull request: the marker says on which branches its session may go on
 */
export async function putRightWhenFound(
  context: Settles,
  view: PullView,
): Promise<ChangeOf<'result' | 'report'>> {
  const { result } = context.run
  const edit = pullEditFor(context, view)
  if (!edit) return { result }
  const { settled, status } = await settleWithStatus(context, { pull: edit })
  const pulls = inPlace(result.pulls, pullAfter(view, edit, settled))
  return { result: { ...result, pulls }, report: { status } }
}

export const inPlace = (pulls: readonly Pull[], pull: Pull): Pull[] =>
  pulls.map(known => (known.number === pull.number ? pull : known))

function pullEditFor({ run, deps }: Settles, view: PullView): PullEdit | undefined {
  if (view.state !== 'open') return undefined
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

/** What PostHog chose by itself is put right; another base was somebody's choice. */
export function wantedBase(run: Run, { base, head }: Pick<Pull, 'base' | 'head'>): string {
  const { branch } = run.workspace
  if (!branch || branch.into === head) return base
  if (base === branch.name) return branch.made || baseOf(run) !== undefined ? branch.into : base
  return base === run.thread.defaultBranch && baseOf(run) !== undefined ? branch.into : base
}

const isMarked = (run: Run, signer: Signer, { body, number }: PullView) =>
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

/** How it is after the change, with what GitHub refused of it. */
function pullAfter(view: PullView, { change }: PullEdit, settled: Settled): Pull {
  const after = settled.refused.includes('change') ? view : (settled.pull ?? view)
  return { ...Pull.parse(after), remark: leftAsItIs(change, settled) }
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

/** The edit of the status goes along, if that says anything new. */
export async function settleWithStatus(
  context: Settles,
  settling: Settling,
): Promise<{ settled: Settled; status: PostedStatus | undefined }> {
  const { status: before } = context.run.report
  const edit = editOf(context, before)
  const settled = await settle(context, { ...settling, status: edit })
  const after = edit?.status ?? before
  if (!after || settled.refused.includes('status')) return { settled, status: before }
  const isFolded = settling.fold !== undefined
  return { settled, status: isFolded ? { ...after, minimized: true } : after }
}

function editOf({ run, deps }: Settles, status: PostedStatus | undefined) {
  const at = deps.now()
  if (status?.nodeId === undefined || status.minimized || isHeld(run, 'thread', at))
    return undefined
  const drawing = drawStatus(run, deps.deployment, at)
  if (drawing.difference() === 'same') return undefined
  return { nodeId: status.nodeId, ...statusToSend(drawing, status, deps.signer) }
}

async function settle({ job, deps, github }: Settles, settling: Settling) {
  await job.assertLocked()
  const settled = await github.thread.settle(settling)
  const { refused } = settled
  if (refused.some(part => part !== 'status'))
    deps.log.warn(
      { pull: settling.pull?.number, refused },
      'the pull request could not be put right',
    )
  return settled
}
