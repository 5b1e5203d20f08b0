import { Rejected } from '../../core/model/errors.ts'
import { reactions, type Settling, type Sign, type Target } from '../../core/model/views.ts'
import { neverBegan } from '../../core/run/last-word.ts'
import type { Outcome } from '../../core/run/record/result-part.ts'
import type { ChangeOf, Run } from '../../core/run/run.ts'
import type { StepContext } from './step-context.ts'

export function reactionTo(run: Run): NonNullable<Settling['reaction']> {
  const {
    request: { origin },
    result: { outcome },
  } = run
  const target: Target = origin.kind === 'comment' ? origin.commentRef : { kind: 'subject' }
  const sign = outcome && signs[outcome.kind](run)
  return { target, ...(sign ? { content: reactions[sign] } : {}) }
}

const ended = (): Sign => 'ended'

const signs: Record<Outcome['kind'], (run: Run) => Sign | undefined> = {
  pull: ended,
  pushed: ended,
  answer: ended,
  nothing: ended,
  unfinished: () => 'failed',
  stopped: () => undefined,
  failed: run => (neverBegan(run) ? 'refused' : 'failed'),
}

export async function react(context: StepContext<'settle'>): Promise<ChangeOf<'report'>> {
  const { run, github } = context
  const { origin } = run.request
  if (origin.kind === 'tick') return { report: { announced: { ...run.report.announced, reaction: true } } }
  const reaction = reactionTo(run)
  await context.job.assertLocked()
  await ignoreRefusal(context, github.settle({ reaction }))
  context.deps.reached('reaction swapped, not recorded')
  return { report: { announced: { ...run.report.announced, reaction: true } } }
}

export async function unlabel(context: StepContext<'removeLabel'>): Promise<ChangeOf<'report'>> {
  for (const label of new Set(context.run.report.labels)) {
    await context.job.assertLocked()
    await ignoreRefusal(context, context.github.removeLabel(label))
  }
  context.deps.reached('label removed, not recorded')
  return { report: { labels: [], announced: { ...context.run.report.announced, label: true } } }
}

export async function ignoreRefusal(
  context: Pick<StepContext, 'run' | 'deps'>,
  effect: Promise<unknown>,
): Promise<void> {
  try {
    await effect
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    context.deps.log.warn({ err: error }, 'GitHub refused a side effect')
  }
}
