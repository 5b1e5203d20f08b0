import type { Accounts } from '../../access/authorize.ts'
import type { SettingsReader } from '../../access/read-settings.ts'
import type { StopsOf } from '../../access/stop-after.ts'
import type { Deployment } from '../../core/comments/words.ts'
import type { CallBudget } from '../../core/model/call-budget.ts'
import { around, type Reached } from '../../core/model/crash-points.ts'
import { NoResponse, Rejected, RetryLater, type Service } from '../../core/model/errors.ts'
import type { JobIndex } from '../../core/model/job-index.ts'
import type { Signer } from '../../core/model/marker.ts'
import type { FlowMeter } from '../../core/model/meter.ts'
import type { GitHub, LockedJob, Log, TasksClient, ThreadClient } from '../../core/model/ports.ts'
import { ResultPending } from '../../core/model/result-pending.ts'
import type { Thread } from '../../core/model/thread.ts'
import { onlyIntents, openIntent, withIntent } from '../../core/run/intents.ts'
import { outageOf, type RefusedReads } from '../../core/run/outage.ts'
import type { Intent } from '../../core/run/record/attempts-part.ts'
import type { Source } from '../../core/run/record/mailbox-part.ts'
import { type ChangeOf, changed, type Run, type RunPart } from '../../core/run/run.ts'
import { linesMoved } from '../../core/run/run-index.ts'
import type { Session } from '../../core/run/session.ts'
import type { ActingStep, StepKind, StepTable } from '../../core/run/steps/step-registry.ts'
import { limits } from '../../core/run/timing.ts'
import type { UnusedBranch } from '../../core/run/unused-branch.ts'
import { drawStatus, type StatusDrawing } from './draw-status.ts'
import { inOneGo } from './in-one-go.ts'
import { logMilestones } from './milestones.ts'

interface NewsStream {
  watch(session: Session, run: Pick<Run, 'id' | 'thread'>): Promise<boolean>
  unwatch(session: Pick<Session, 'taskRunId'>, runId: string): void
}

export interface RunDeps {
  github: GitHub
  posthog: TasksClient
  signer: Signer
  deployment: Deployment
  log: Log
  meter?: Pick<FlowMeter, 'moved'>
  now(): number
  budget: Pick<CallBudget, 'reserve'>
  liveRuns(): Promise<number>
  stream: NewsStream
  index: JobIndex
  wakeFirst(lines: readonly string[]): Promise<void>
  wakeCommands(thread: Thread): Promise<void>
  /** Token for pull requests by the deployment's own user. Never stored. */
  userToken: string | undefined
  settings: SettingsReader
  accounts: Accounts
  /** Removes an unused branch once its task run has ended. Idempotent by `id`. */
  removeLater(id: string, unused: UnusedBranch): Promise<void>
  stops: StopsOf
  /** Handles a command again that came too late for its Run. Idempotent. */
  requeue(source: Source): Promise<void>
  fence(): string
  reached: Reached
}

/** What a step may use: of clients and record only what its registry entry names. */
export interface StepContext<
  GitHubMethod extends keyof ThreadClient = never,
  PostHogMethod extends keyof TasksClient = never,
  Written extends RunPart = never,
> {
  deps: Omit<RunDeps, 'github' | 'posthog'>
  job: Pick<LockedJob<Run>, 'id' | 'addedAt' | 'assertLocked'>
  github: Pick<ThreadClient, GitHubMethod>
  posthog: Pick<TasksClient, PostHogMethod>
  readonly run: Readonly<Run>
  drawing: () => StatusDrawing
  save: (change: ChangeOf<Written>) => Promise<void>
  change: (change: ChangeOf<Written>) => void
  announce: (intent: Intent) => Promise<void>
  setIntent: (kind: Intent['kind'], intent: Intent | undefined) => void
}

export interface RunContext extends StepContext<keyof ThreadClient, keyof TasksClient, RunPart> {
  job: LockedJob<Run>
  run: Run
  put: (run: Run) => Promise<void>
}

type Named<Entry, Of extends 'github' | 'posthog'> =
  Entry extends Readonly<Record<Of, readonly (infer Method)[]>> ? Method : never

type Entry<Kind extends StepKind> = StepTable[Kind]
type Written<Kind extends StepKind> = Entry<Kind>['writes'][number]

type ContextOf<Kind extends StepKind> = StepContext<
  Named<Entry<Kind>, 'github'> & keyof ThreadClient,
  Named<Entry<Kind>, 'posthog'> & keyof TasksClient,
  Written<Kind>
>

type StepFunction<Kind extends StepKind> = (
  context: ContextOf<Kind>,
  step: Extract<ActingStep, { kind: Kind }>,
) => ChangeOf<Written<Kind>> | Promise<ChangeOf<Written<Kind>>>

export type StepFunctions<Kinds extends StepKind> = { [Kind in Kinds]: StepFunction<Kind> }

export function runContext(deps: RunDeps, job: LockedJob<Run>): RunContext {
  const { id, request } = job.data
  const log = deps.log.child({ run: id, delivery: request.delivery })
  let saved = job.data
  const save = async (): Promise<void> => {
    const [before, run] = [saved, context.run]
    await job.save(run)
    saved = run
    logMilestones(log, before, run)
    deps.meter?.moved(before, run)
    const lines = linesMoved({ ...job, data: before }, { ...job, data: run })
    // Without the wake it polls a little later.
    const isOver = run.result.outcome !== undefined && before.result.outcome === undefined
    const woken = [
      ...(lines.length > 0 ? [deps.wakeFirst(lines)] : []),
      ...(isOver ? [deps.wakeCommands(run.thread)] : []),
    ]
    await Promise.all(woken).catch(err => log.warn({ err }, 'could not wake who waits'))
  }
  const saving = inOneGo(save)
  const put = (run: Run): Promise<void> => {
    context.run = run
    return saving()
  }
  let latest: StatusDrawing | undefined
  const context: RunContext = {
    deps: { ...deps, log },
    job,
    github: deps.github(job.data.thread),
    posthog: deps.posthog,
    run: job.data,
    drawing() {
      if (latest?.run !== context.run) latest = drawStatus(context.run, deps.deployment, deps.now())
      return latest
    },
    put,
    save: change => put(changed(context.run, change)),
    change(change) {
      context.run = changed(context.run, change)
    },
    announce: intent => put(changed(context.run, withIntent(context.run, intent))),
    setIntent(kind, intent) {
      const change = intent
        ? withIntent(context.run, intent)
        : onlyIntents(context.run, each => each !== kind)
      context.run = changed(context.run, change)
    },
  }
  return context
}

export const allAnnounced: Run['report']['announced'] = {
  comment: true,
  word: false,
  inline: Number.MAX_SAFE_INTEGER,
  reaction: true,
  label: true,
  branch: true,
}

export const skew = 60_000

interface Once<T> {
  intent: Intent
  begins?: boolean
  find(intent: Intent): Promise<T | undefined>
  perform(): Promise<T>
}

/**
 * Performs an effect without an idempotency key: saves the intent first. For an intent left from before, its trace is
 * searched until it has had time to show.
 */
export async function once<T>(context: StepContext, { intent, begins, find, perform }: Once<T>): Promise<T> {
  const earlier = openIntent(context.run, intent.kind)
  const trace = earlier && (await traceOf(context, earlier, find))
  if (trace !== undefined) return trace
  if (begins && (context.run.mailbox.stop || context.run.result.outcome)) throw new Cancelled()
  await context.announce(intent)
  await context.job.assertLocked()
  const { begun, done } = around[intent.kind]
  context.deps.reached(begun)
  try {
    const result = await perform()
    context.deps.reached(done)
    return result
  } catch (error) {
    context.setIntent(intent.kind, leftBehind(intent, error, context.deps.now()))
    throw error
  }
}

async function traceOf<T>(
  context: Pick<StepContext, 'deps' | 'setIntent'>,
  earlier: Intent,
  find: (intent: Intent) => Promise<T | undefined>,
): Promise<T | undefined> {
  const searchedAt = context.deps.now()
  const done = await find(earlier)
  if (done !== undefined) return done
  const lostAt = earlier.lostAt ?? context.deps.now()
  context.setIntent(earlier.kind, { ...earlier, lostAt })
  const settled = lostAt + limits.unanswered
  if (searchedAt < settled) throw new ResultPending(settled)
  return undefined
}

/** Only the effect's own response proves that it did not happen; one about the search proves nothing. */
function leftBehind(intent: Intent, error: unknown, now: number): Intent | undefined {
  if (error instanceof RetryLater || error instanceof Rejected) return undefined
  return error instanceof NoResponse ? { ...intent, lostAt: now } : intent
}

export class Cancelled extends Error {
  override name = 'Cancelled'
}

export const refusedReads = (
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  service: Service,
): RefusedReads => ({ refusedSince: outageOf(run, service)?.refusedSince, now: deps.now() })
