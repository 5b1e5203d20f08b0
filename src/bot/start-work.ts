/** Joins the parts that do the work: commands, Runs and chores. */
import { randomBytes } from 'node:crypto'
import { firstIn } from '../access/first-of.ts'
import { settingsReader } from '../access/read-settings.ts'
import { costsWithin } from '../access/strangers.ts'
import { acceptTrigger } from '../commands/accept-trigger.ts'
import type { TriggerDeps } from '../commands/command-context.ts'
import { settingsFile } from '../commands/command-registry.ts'
import { stopsOf, waitsStill } from '../commands/stops.ts'
import { isOfThread, requeued, type TriggerRecord } from '../commands/trigger-record.ts'
import { type Config, secretsOf } from '../config.ts'
import { type JobIndex, type JobQueue, liveSet } from '../core/model/ports.ts'
import { type Thread, threadSlot } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { aroundMarkers } from '../core/record/marker.ts'
import type { Run } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import { madeIn } from '../core/text/newest-map.ts'
import { redactor } from '../core/text/redact.ts'
import { inOwnWords } from '../core/words/words.ts'
import { examineRepository } from '../doctor/examine.ts'
import { gitHubApp } from '../github/app-client.ts'
import { answeredBefore, deliveryLog } from '../github/delivery-log.ts'
import { installationsOf } from '../github/installations.ts'
import { ownerFilesOf } from '../github/repository-files.ts'
import { gitHubThread } from '../github/thread-client.ts'
import { readEvents } from '../github/webhooks/normalise.ts'
import { readDeliveries } from '../maintenance/read-deliveries.ts'
import { adoptEvery, adoptLost } from '../maintenance/recover-runs.ts'
import { redelivering } from '../maintenance/redeliver.ts'
import { removeBranch } from '../maintenance/remove-branches.ts'
import { takingFromLog } from '../maintenance/take-from-log.ts'
import { newsHandlers } from '../news/pull-news.ts'
import { addressOf } from '../own-package.ts'
import { type Follower, followRuns } from '../posthog/stream/follow-runs.ts'
import { within } from '../queue/job-lock.ts'
import type { Processor } from '../queue/work-queue.ts'
import { advanceRun } from '../runs/advance-run.ts'
import type { RunDeps } from '../runs/steps/step-context.ts'
import { schemaAddress } from '../settings-schemas.ts'
import { openTenants, signerOf, type Tenant } from '../tenants.ts'
import { type Overrides, type Runtime, receiverOf } from './runtime.ts'

const removal = 'remove-branch'

/** In a rolling restart, older processes move jobs without updating the index. */
const mendEvery = 10 * minute

type Edges = ReturnType<typeof openEdges>

export async function startWork(
  runtime: Runtime,
  overrides: Overrides,
): Promise<{ close(): Promise<void> }> {
  const edges = openEdges(runtime)
  // Kept, so that the first run does not wait for it.
  for (const { posthog } of edges.tenants.all) void posthog.models()
  // No work begins while our clock differs from GitHub's, unless GitHub is away.
  await within<unknown>(setWithin, edges.app.botLogin(), () => {}).catch(() => {})
  const { queues, log, metrics } = runtime
  const { triggers, runs, connectedAt } = queues
  const follower = followRuns({
    wake: id => runs.wake(id),
    live: async () => {
      const [live = []] = await runs.members([liveSet], { kind: 'first', count: 10_000 })
      return live.map(({ id }) => id)
    },
    connectedAt,
    log,
  })
  metrics.showStreams(follower.open)
  const flows = flowsFor(runtime, edges, follower)
  await triggers.work(flows.accept, { concurrency: commandsAtOnce[queues.kind] })
  const wake = wakeCommands(queues)
  await runs.work(flows.advance, { concurrency: 50, ended: ({ thread }) => wake(thread) })
  await startChores(runtime, edges, overrides)
  // It may have another `limits.total`.
  const notWoken = (err: unknown) => log.warn({ err }, 'could not wake the first run in line')
  runtime.settings.onChange(() => void wakeFirst(runs, 1)([sets.line('bot')]).catch(notWoken))
  return {
    async close() {
      // Or this process itself would take the Runs that are woken for others.
      void queues.drain()
      await within<unknown>(closeWithin, follower.close(), () => {})
    },
  }
}

/** ms */
const setWithin = 3_000
const closeWithin = 2_000

/**
 * A command holds its place while GitHub is slow. GitHub takes 100 calls at once of an installation. The embedded queue
 * does one statement at a time: with more commands in hand, each waits for the statements of all others.
 */
const commandsAtOnce = { redis: 100, embedded: 40 }

function openEdges(runtime: Runtime) {
  const { config, settings, triggerOf, metrics, queues, log, clock, state } = runtime
  const { meter } = metrics
  const { budget } = queues
  const redact = redactor(secretsOf(config))
  const { now, setBy } = clock
  const app = gitHubApp(config.app, now, { meter, dated: setBy })
  return {
    app,
    installations: installationsOf(app, redact),
    tenants: openTenants(config, {
      meter,
      redact,
      now,
      budget,
      foundWrong: () => state.readiness?.hurry(),
    }),
    shared: {
      settings: settingsReader({
        deployment: settings.settings,
        file: settingsFile,
        ownerFiles: ownerFilesOf(app, now),
        now,
      }),
      github: (thread: Thread, prefetched?: unknown) =>
        gitHubThread(app, thread, {
          now,
          prefetched,
          redact: text => aroundMarkers(text, redact),
          inOwnWords: text => inOwnWords(text, triggerOf(thread.ownerId).word),
        }),
      triggerOf,
      log,
      meter,
      now,
    },
  }
}

/** What commands have of the PostHog that serves the owner. */
type ServedBy = Pick<TriggerDeps, 'tenant' | 'posthog' | 'deployment' | 'signer'>

const triggerDeps = (
  { config, queues }: Runtime,
  { app, shared, installations, tenants }: Edges,
): Omit<TriggerDeps, keyof ServedBy> => ({
  ...shared,
  mayWorkIn: installations.mayWorkIn,
  examine: thread => examineRepository(config, thread),
  schemaAddress: schemaAddress(app, shared.now),
  guide: addressOf('docs/using.md'),
  isFirst: firstIn(queues.writtenOnce),
  wordsOf: ({ thread, session: { tenant } }) =>
    (tenant === undefined ? tenants.of(thread) : tenants.named(tenant)) ?? servedByNobody(config),
  mayCost: costsWithin(queues.budget),
  runs: queues.runs,
  waiting: queues.triggers,
  defaults: config.run,
})

const runDeps = (
  { config, queues, log, state }: Runtime,
  { shared }: Edges,
): Omit<RunDeps, keyof Tenant | 'stream' | 'liveRuns'> => ({
  ...shared,
  usualModel: config.run.model,
  index: queues.runs,
  wakeFirst: wakeFirst(queues.runs, 1),
  wakeCommands: wakeCommands(queues),
  rememberAsked: ({ url }) => void state.asked.set(url, true),
  removeLater: (id, what) =>
    queues.chores.send({ kind: removal, id, subject: threadSlot(what.thread), what }),
  async requeue({ trigger, command }) {
    const kept = await queues.triggers.get(trigger)
    if (!kept) return log.error({ trigger }, 'a command for a run that has ended could not be kept')
    const again = requeued(kept.data, command)
    await queues.triggers.add(again.trigger.id, again)
  },
  stops: stopsOf(queues.triggers),
  waitsStill: waitsStill(queues.triggers),
  fence: () => randomBytes(8).toString('hex'),
})

const wakeFirst =
  (jobs: Pick<JobQueue<unknown>, 'members' | 'wake'>, count: number) =>
  async (sets: readonly string[]) => {
    const first = (await jobs.members(sets, { kind: 'first', count })).flat()
    await Promise.all([...new Set(first.map(({ id }) => id))].map(id => jobs.wake(id)))
  }

const wakeCommands =
  ({ triggers }: Runtime['queues']) =>
  (thread: Thread) =>
    wakeFirst(triggers, 100)([sets.thread(thread)])

async function startChores(
  runtime: Runtime,
  { app, shared, tenants, installations }: Edges,
  { branchesEvery }: Overrides,
) {
  const { config, queues } = runtime
  const withRuns = { ...shared, tenantOf: tenants.of, runs: queues.runs }
  queues.chores.runErrands(removal, removeBranch({ ...withRuns, every: branchesEvery }))
  await queues.chores.every('mend-index', mendEvery, async () => void (await queues.mendIndexes()))
  const { log, meter, now } = shared
  const deliveries = deliveryLog(app)
  const adopt = adoptLost({
    ...withRuns,
    installations,
    deliveries,
    delivered: queues.deliveries,
    connectedAt: queues.connectedAt,
  })
  await queues.chores.every('adopt-lost', adoptEvery, adopt)
  const way =
    config.webhooks === 'address'
      ? redelivering({ deliveries, log })
      : takingFromLog({
          // What it reads takes the way of what comes to the endpoint, from there on where that is verified.
          receive: receiverOf(runtime),
          deliveries,
          log,
          meter,
          wasAnswered: answeredBefore(app),
          looked: queues.deliveries.came,
        })
  const read = readDeliveries({ deliveries, events: readEvents, log, now }, way)
  await queues.chores.every('sweep-deliveries', way.every, read)
}

function flowsFor(runtime: Runtime, edges: Edges, follower: Follower) {
  const { config, log, queues } = runtime
  const { tenants } = edges
  const forTriggers = triggerDeps(runtime, edges)
  const forRuns = runDeps(runtime, edges)
  const openFlows = (tenant: Tenant) => ({
    accept: acceptTrigger({ ...forTriggers, ...tenant }, newsHandlers),
    advance: advanceRun({
      ...forRuns,
      ...tenant,
      stream: follower.of(tenant.access),
      liveRuns: () => liveRunsOf(tenant, tenants.owners, queues.runs),
    }),
  })
  const flows = new Map<Tenant, ReturnType<typeof openFlows>>()
  const flowsOf = (tenant: Tenant) => madeIn(flows, tenant, () => openFlows(tenant))
  const servedBy = (thread: Pick<Thread, 'ownerId'>) => {
    const tenant = tenants.of(thread)
    return tenant && flowsOf(tenant)
  }
  const withoutPostHog = acceptTrigger({ ...forTriggers, ...servedByNobody(config) }, newsHandlers)
  const accept: Processor<TriggerRecord> = async job => {
    const served = isOfThread(job.data) ? servedBy(job.data.trigger.thread) : undefined
    return (served?.accept ?? withoutPostHog)(job)
  }
  const advance: Processor<Run> = async job => {
    const { thread, session } = job.data
    const { tenant } = session
    const served = tenant === undefined ? servedBy(thread) : flowsOf(tenants.named(tenant))
    if (served) return served.advance(job)
    log.error({ run: job.id, thread: thread.url }, 'no PostHog serves this owner')
    return { kind: 'park', ms: tenantRetryMs }
  }
  return { accept, advance }
}

const tenantRetryMs = 60_000

const servedByNobody = ({ app }: Config): ServedBy => ({
  tenant: undefined,
  posthog: {
    models: async () => [],
    sandboxes: async () => [],
    cost: async () => undefined,
    poll: () => Promise.reject(new Error('no PostHog serves this owner')),
  },
  deployment: { posthogUrl: '', posthogProject: '' },
  signer: signerOf(app),
})

/**
 * How many Runs share a PostHog key: its polls are spread over all of them.
 * @param owners by number, each with the tenant that it has instead of the usual one
 */
export async function liveRunsOf<Tenant>(
  tenant: Tenant,
  owners: ReadonlyMap<number, Tenant>,
  runs: Pick<JobIndex, 'query'>,
): Promise<number> {
  const own = [...owners].flatMap(([owner, serves]) => (serves === tenant ? [owner] : []))
  const isUsual = own.length === 0
  const atWork = (isUsual ? [...owners.keys()] : own).map(owner => sets.working(`owner ${owner}`))
  const counts = await runs.query([liveSet, ...atWork].map(set => ({ kind: 'count', set })))
  const [live = 0, ...working] = counts.map(count => count ?? 0)
  const sum = working.reduce((all, count) => all + count, 0)
  return isUsual ? Math.max(0, live - sum) : sum
}
