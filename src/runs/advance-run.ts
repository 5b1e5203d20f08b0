/** The only place that moves a Run on. Whatever wakes it only means "poll now". */
import { stopAfter } from '../access/stop-after.ts'
import { effortsOf, notAbove } from '../core/model/codex-task-run-create.ts'
import { RetryLater } from '../core/model/errors.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import { second } from '../core/model/time.ts'
import { isModel } from '../core/model/views.ts'
import { momentOfWords } from '../core/record/event-order.ts'
import { crashed } from '../core/record/failures.ts'
import { openIntent } from '../core/record/intents.ts'
import { readMessages, sourcesToAskAgain, withStop } from '../core/record/messages.ts'
import {
  type ActingStep,
  type Becoming,
  type Now,
  nextStep,
  type StepKind,
  stepNeeds,
  stepsBeside,
  withoutIntent,
} from '../core/record/next-step.ts'
import { failed, onlyNeeded } from '../core/record/outcome.ts'
import { openQuestion } from '../core/record/permission-request.ts'
import { eased } from '../core/record/retries.ts'
import { changed, type Run, type RunChange } from '../core/record/run.ts'
import { limits } from '../core/record/timing.ts'
import { modelOf } from '../core/settings/layers.ts'
import { code } from '../core/text/safe-markdown.ts'
import { afterFault } from './steps/after-fault.ts'
import { personCheckOf } from './steps/await-admission.ts'
import { take } from './steps/registry.ts'
import { type RunContext, type RunDeps, runContext } from './steps/step-context.ts'

export const advanceRun =
  (deps: RunDeps) =>
  async (job: LockedJob<Run>): Promise<StepResult> => {
    const context = runContext(deps, job)
    const begun = context.run
    const opened = lagging(job, givenUp(context, readMessages(begun, await job.inbox())))
    if (opened !== begun) await context.put(opened)
    context.run = pollingSoon(context)
    /** Steps that changed nothing, in JSON. */
    const inVain = new Set<string>()
    for (;;) {
      if (job.signal.aborted) return { kind: 'park', ms: 0 }
      if (openQuestion(context.run)) deps.rememberAsked(context.run.thread)
      const now: Now = {
        at: deps.now(),
        get text() {
          return context.drawing().difference()
        },
      }
      const step = nextStep(context.run, now)
      if (step.kind === 'wait') return { kind: 'park', ms: step.ms }
      if (step.kind === 'end') {
        if (!(await finished(context))) continue
        const { id, session } = context.run
        if (session.taskRun) deps.stream.unwatch({ taskRunId: session.taskRun.id }, id)
        return { kind: 'end' }
      }
      const isInVain = (each: ActingStep | Becoming) => inVain.has(JSON.stringify(each))
      if (isInVain(step)) return { kind: 'park', ms: limits.inVain }
      const beside = step.kind === 'become' ? [] : stepsBeside(context.run, step, now)
      const together = [step, ...beside.filter(each => !isInVain(each))]
      for (const failed of await advanceAll(context, together)) inVain.add(JSON.stringify(failed))
    }
  }

const lagging = ({ lagsSince = 0 }: LockedJob<Run>, run: Run) =>
  lagsSince > (run.attempts.lagsSince ?? 0) ? changed(run, { attempts: { lagsSince } }) : run

/** A wake before its time has a reason, so the next poll is brought forward. */
function pollingSoon({ run, deps }: RunContext) {
  if (!run.schedule.admitted && run.schedule.waits !== undefined)
    return changed(run, { schedule: { nextPollAt: undefined } })
  const { lastPollAt, nextPollAt } = run.schedule
  if (lastPollAt === undefined || nextPollAt === undefined || nextPollAt <= deps.now()) return run
  const soonest = lastPollAt + limits.soonestPoll
  return changed(run, { schedule: { nextPollAt: Math.min(nextPollAt, soonest) } })
}

/** Closes the inbox. Messages that came during the last step are read; later ones are not taken. */
async function finished(context: RunContext): Promise<boolean> {
  const inbox = await context.job.closeInbox()
  const updated = readMessages(context.run, inbox)
  if (updated.mailbox.messagesRead !== context.run.mailbox.messagesRead) {
    await context.put(updated)
    await context.job.inbox()
    return false
  }
  if (!updated.mailbox.accessLost)
    for (const source of sourcesToAskAgain(updated, inbox)) await context.deps.requeue(source)
  return true
}

/** Ends a Run whose every step kills the process or throws. */
function givenUp(context: RunContext, run: Run) {
  const { stalls, failures } = context.job
  if (run.result.outcome || (stalls < limits.stalls && failures < limits.failures)) return run
  return onlyNeeded(changed(run, failed(run, crashed, context.deps.now())))
}

/**
 * Runs steps side by side and waits for all of them.
 * @returns those that changed nothing
 */
async function advanceAll(context: RunContext, together: readonly (ActingStep | Becoming)[]) {
  const went = await Promise.allSettled(together.map(step => advance(context, step)))
  return together.filter((_, index) => {
    const how = went[index]
    if (how?.status === 'rejected') throw how.reason
    return how?.value === false
  })
}

/** @returns false if it changed nothing: the same step may then be the next one again */
async function advance(context: RunContext, step: ActingStep | Becoming): Promise<boolean> {
  const before = JSON.stringify(context.run)
  if (step.kind === 'become') {
    await context.put(becoming(context.run, step.change))
    return JSON.stringify(context.run) !== before
  }
  try {
    const stopped = beginningSteps.has(step.kind) ? await stopSince(context) : undefined
    const renewed =
      stopped ?? (step.kind === 'start-run' ? await withOfferedModel(context) : undefined)
    if (renewed) {
      await context.put(renewed)
      return true
    }
    const change = await take(context, step)
    await context.put(wentWell(context, step, change))
    return JSON.stringify(context.run) !== before
  } catch (error) {
    await context.put(afterFault(context, step, error))
    return false
  }
}

const beginningSteps = new Set<StepKind>(['await-admission', 'rejoin', 'start-run'])

/** Treats the message as received: the step looks for what may have begun first. */
async function stopSince(context: RunContext) {
  const { run, deps, github } = context
  if (run.mailbox.stop || run.result.outcome) return undefined
  const stop = await stopAfter(
    { ...momentOfWords(run), run: run.id },
    await deps.stops(run.thread),
    async () => ({
      ...personCheckOf(context, (await deps.settings.of(github.files, run.thread)).settings),
      github,
      signer: deps.signer,
    }),
  )
  return stop && withStop(run, { by: stop.by, at: stop.moment.at })
}

function becoming(run: Run, ...changes: readonly RunChange[]) {
  const after = changed(run, ...changes)
  return run.result.outcome ? after : onlyNeeded(after)
}

function wentWell({ run, deps }: RunContext, step: ActingStep, change: RunChange) {
  const { service, call, to } = stepNeeds[step.kind]
  const known = becoming(run, withoutIntent(run, step), change)
  const now = deps.now()
  const well = to === 'agent' ? eased(known, 'agent', { call, now }) : known
  return service === 'none' ? well : eased(well, service, { call, now })
}

const setupRetryMs = 30 * second

/**
 * A Run whose model nobody chose starts with the one of the settings as they are then, if PostHog offers it, at an effort
 * that this one takes.
 * @returns nothing, unless the settings name another model by now, or it takes another effort
 * @throws RetryLater while PostHog does not offer it, as a run that is started would fail
 */
async function withOfferedModel({
  run,
  deps,
  github,
  posthog,
}: RunContext): Promise<Run | undefined> {
  const { options, usualModel } = run.request
  if (!usualModel || openIntent(run, 'start-run')) return undefined
  const known = await posthog.models()
  if (known.length === 0) return undefined
  const isOffered = known.some(isModel(options.model))
  const settings = isOffered
    ? undefined
    : (await deps.settings.of(github.files, run.thread)).settings
  const model = settings ? modelOf(settings, deps.usualModel) : options.model
  if (!isOffered && model === options.model) {
    const why = `PostHog does not offer the model ${code(model)}`
    throw new RetryLater('posthog', deps.now() + setupRetryMs, 'setup', why)
  }
  const takes = known.find(isModel(model))?.efforts ?? effortsOf(model)
  const effort = options.effort && notAbove(options.effort, takes)
  if (model === options.model && effort === options.effort) return undefined
  return changed(run, { request: { ...run.request, options: { ...options, model, effort } } })
}
