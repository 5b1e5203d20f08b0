/**
 * What a step is and what it gets.
 * Each save of a Run goes through here: it is logged and measured, and it wakes those who wait for the Run.
 * `once` and `attempt` announce an effect before they perform it, so that a crash does not double it.
 */
import type { SettingsReader } from '../../access/read-settings.ts'
import type { StopsOf } from '../../access/stop-after.ts'
import type { CallBudget } from '../../core/model/call-budget.ts'
import { loggedIfRejected, Rejected, type Service } from '../../core/model/errors.ts'
import type * as ports from '../../core/model/ports.ts'
import { hashOf, type Thread } from '../../core/model/thread.ts'
import type { CommentRef } from '../../core/model/trigger.ts'
import { exactlyOnce, onlyIntents, triedBefore, withIntent } from '../../core/record/intents.ts'
import type { Source } from '../../core/record/mailbox-part.ts'
import type { Signer } from '../../core/record/marker.ts'
import type { ActingStep, Now, StepKind } from '../../core/record/next-step.ts'
import type { UnusedBranch } from '../../core/record/own-pull-request.ts'
import type { Session } from '../../core/record/request-part.ts'
import { type ReadRefusals, refusedReadsOf, retryOf, services } from '../../core/record/retries.ts'
import {
  type ChangeOf,
  changed,
  type Intent,
  type Run,
  type RunMeter,
  type RunPart,
  showsStatus,
} from '../../core/record/run.ts'
import { setsToWake } from '../../core/record/run-index.ts'
import type { TriggerWords } from '../../core/settings/deployment-settings.ts'
import { phaseKey, statusComment } from '../../core/words/status.ts'
import type { Deployment } from '../../core/words/words.ts'

interface NewsStream {
  watch(session: Session, run: Pick<Run, 'id' | 'thread'>, streamedAt?: number): boolean
  expectPoll(session: Pick<Session, 'taskRunId'>, runId: string, at: number): void
  unwatch(session: Pick<Session, 'taskRunId'>, runId: string): void
}

export interface RunDeps {
  github: ports.GitHub
  posthog: ports.TasksClient
  signer: Signer
  deployment: Deployment
  log: ports.Log
  meter?: RunMeter
  now(): number
  budget: Pick<CallBudget, 'reserve'>
  liveRuns(): Promise<number>
  stream: NewsStream
  index: ports.JobIndex & Pick<ports.JobQueue<Run>, 'listed' | 'get'>
  wakeFirst(lines: readonly string[]): Promise<void>
  wakeCommands(thread: Thread): Promise<void>
  /** The model of whoever chooses none, where the settings name none. */
  usualModel: string
  /** Token for pull requests by the deployment's own user. Never stored. */
  userToken: string | undefined
  settings: SettingsReader
  /** What calls the bot in repositories of that owner. */
  triggerOf(ownerId: number): TriggerWords
  /** Codex asked something there: a comment in it may be meant as the answer. */
  rememberAsked(thread: Thread): void
  /** Removes an unused branch once its task run has ended. Idempotent by `id`. */
  removeLater(id: string, unused: UnusedBranch): Promise<void>
  stops: StopsOf
  /** Whether a command that stands there waits for its run. */
  waitsStill(thread: Thread, at: CommentRef): Promise<boolean>
  /** Handles a command again that came too late for its Run. Idempotent. */
  requeue(source: Source): Promise<void>
  fence(): string
}

/** What a step may use: of clients and record only what it names. */
export interface StepContext<
  Call extends ports.GitHubCall = never,
  PostHogMethod extends keyof ports.TasksClient = never,
  Written extends RunPart = never,
> {
  deps: Omit<RunDeps, 'github' | 'posthog'>
  job: Pick<ports.LockedJob<Run>, 'id' | 'addedAt' | 'assertLocked'>
  github: ports.GitHubWith<Call>
  posthog: Pick<ports.TasksClient, PostHogMethod>
  readonly run: Readonly<Run>
  drawing: () => StatusDrawing
  save: (change: ChangeOf<Written>) => Promise<void>
  /** Saves the change, and nothing if a guard refuses. */
  saveIf: (guards: readonly ports.Guard[], change: ChangeOf<Written>) => Promise<void>
  announce: (intent: Intent) => Promise<void>
  setIntent: (kind: Intent['kind'], intent: Intent | undefined) => void
}

export interface RunContext
  extends StepContext<ports.GitHubCall, keyof ports.TasksClient, RunPart> {
  job: ports.LockedJob<Run>
  run: Run
  put: (run: Run) => Promise<void>
}

export type StepOf<Kind extends StepKind> = ActingStep & { kind: Kind }

/** All of a step but when it is due: what it may call and write, and what it does. */
export interface Step<
  Kind extends StepKind,
  Call extends ports.GitHubCall = ports.GitHubCall,
  PostHogMethod extends keyof ports.TasksClient = keyof ports.TasksClient,
  Written extends RunPart = RunPart,
> {
  kind: Kind
  github?: readonly Call[]
  posthog?: readonly PostHogMethod[]
  writes: readonly Written[]
  do: (
    context: StepContext<Call, PostHogMethod, Written>,
    step: StepOf<Kind>,
  ) => ChangeOf<Written> | Promise<ChangeOf<Written>>
}

/** A call or a write that it does not name does not compile. */
export const step = <
  Kind extends StepKind,
  Call extends ports.GitHubCall = never,
  PostHogMethod extends keyof ports.TasksClient = never,
  Written extends RunPart = never,
>(
  kind: Kind,
  definition: Omit<Step<Kind, Call, PostHogMethod, Written>, 'kind'>,
): Step<Kind, Call, PostHogMethod, Written> => ({ kind, ...definition })

export function runContext(deps: RunDeps, job: ports.LockedJob<Run>): RunContext {
  const { id, request } = job.data
  const log = deps.log.child({ run: id, delivery: request.delivery })
  let saved = job.data
  const wasSaved = async (run: Run) => {
    const before = saved
    saved = run
    logMilestones(log, before, run)
    deps.meter?.moved(before, run)
    const lines = setsToWake({ ...job, data: before }, { ...job, data: run })
    // If the wake fails, the Run polls a little later.
    const isOver = run.result.outcome !== undefined && before.result.outcome === undefined
    const woken = [
      ...(lines.length > 0 ? [deps.wakeFirst(lines)] : []),
      ...(isOver ? [deps.wakeCommands(run.thread)] : []),
    ]
    await Promise.all(woken).catch(err => log.warn({ err }, 'could not wake waiting runs'))
  }
  let last = Promise.resolve()
  /** Steps beside one another save what they have in one go, and never two at a time. */
  const put = (run: Run) => {
    context.run = run
    last = last
      .catch(() => {})
      .then(async () => {
        if (context.run === saved) return
        await new Promise(resolve => setImmediate(resolve))
        const { run } = context
        await job.save(run)
        await wasSaved(run)
      })
    return last
  }
  let latest: StatusDrawing | undefined
  const context: RunContext = {
    deps: { ...deps, log },
    job,
    github: deps.github(job.data.thread, job.data.baseline.prefetched),
    posthog: deps.posthog,
    run: changed(job.data, { baseline: { prefetched: undefined } }),
    drawing() {
      if (latest?.run !== context.run) latest = drawStatus(context.run, deps.deployment, deps.now())
      return latest
    },
    put,
    save: change => put(changed(context.run, change)),
    async saveIf(guards, change) {
      const run = changed(context.run, change)
      if (!(await job.saveIf(guards, run))) return
      context.run = run
      await wasSaved(run)
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

interface Once<T> {
  intent: Intent
  begins?: boolean
  find(intent: Intent): Promise<T | undefined>
  perform(): Promise<T>
}

export function once<T>(
  context: StepContext,
  { intent, begins, find, perform }: Once<T>,
): Promise<T> {
  return exactlyOnce<Intent, T>(triedBefore(context.run, intent), intent, {
    find,
    record: left => context.setIntent(intent.kind, left),
    begin() {
      if (begins && (context.run.mailbox.stop || context.run.result.outcome)) throw new Cancelled()
    },
    perform: () => attempt(context, intent, perform),
    now: context.deps.now,
  })
}

/** Performs an effect that may be repeated: PostHog drops a message with a known id. */
export async function attempt<T>(
  { announce, job }: StepContext,
  intent: Intent,
  perform: () => Promise<T>,
): Promise<T> {
  await announce(intent)
  await job.assertLocked()
  return perform()
}

export async function ignoreRefusal(
  context: StepContext,
  effect: Promise<unknown>,
  what = 'GitHub refused a change',
): Promise<void> {
  const logged = loggedIfRejected(context.deps.log, what)
  await effect.catch(error => {
    if (error instanceof Rejected && error.of === 'read') throw error
    logged(error)
  })
}

export class Cancelled extends Error {
  override name = 'Cancelled'
}

export const refusedReads = (
  { run, deps }: Pick<StepContext, 'run' | 'deps'>,
  service: Service,
): ReadRefusals => refusedReadsOf(run, service, deps.now())

export interface StatusDrawing {
  run: Run
  at: number
  phase(): string
  words(): string
  /** Hash of the visible text: see `difference`. */
  hash(): string
  difference(): Now['text']
}

export function drawStatus(run: Run, deployment: Deployment, at: number): StatusDrawing {
  const phase = made(() => phaseKey(run, at))
  const words = made(() => statusComment(run, deployment, at))
  const hash = made(() => hashOf(16, words()))
  return { run, at, phase, words, hash, difference: made(() => difference(run, { phase, hash })) }
}

function difference(run: Run, now: Pick<StatusDrawing, 'phase' | 'hash'>): Now['text'] {
  const { status } = run.report
  if (!status) return showsStatus(run) ? 'phase' : 'same'
  if (status.phase !== now.phase()) return 'phase'
  return status.hash === now.hash() ? 'same' : 'details'
}

function made<T>(make: () => T): () => T {
  let kept: { value: T } | undefined
  return () => {
    kept ??= { value: make() }
    return kept.value
  }
}

function logMilestones(log: ports.Log, before: Run, after: Run) {
  const { taskRun } = after.session
  const { outcome } = after.result
  if (!before.session.taskRun && taskRun)
    log.info({ task: after.session.taskId, taskRun: taskRun.id }, 'run started')
  for (const { url, state, draft } of after.result.pulls.slice(before.result.pulls.length))
    log.info({ pull: url, state, draft }, 'pull request')
  for (const service of services) {
    const outage = retryOf(after, service)
    if (!outage || outage.until === retryOf(before, service)?.until) continue
    log.info({ service, why: outage.why, until: new Date(outage.until).toISOString() }, 'waiting')
  }
  if (!before.mailbox.stop && after.mailbox.stop)
    log.info({ by: after.mailbox.stop.by.login }, 'somebody stopped the run')
  if (!before.session.agentLeft && after.session.agentLeft)
    log.warn({ taskRun: taskRun?.id }, 'the agent may still work')
  if (!before.result.outcome && outcome) log.info({ outcome }, 'outcome')
}
