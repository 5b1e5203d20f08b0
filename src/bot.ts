/** The composition root of a running bot: opens the edges, joins them to the flows, starts and stops them. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { Probot } from 'probot'
import { firstIn } from './access/first-of.ts'
import { accountsIn } from './access/pinned-accounts.ts'
import { settingsReader } from './access/read-settings.ts'
import { settingsFile } from './commands/command-registry.ts'
import { acceptTrigger } from './commands/handle-trigger.ts'
import { askedAgain, type TriggerRecord, triggerFormat, triggerRecord } from './commands/trigger-record.ts'
import { type Config, secretsOf } from './config.ts'
import { inOwnWords } from './core/comments/own-words.ts'
import { found } from './core/model/check.ts'
import type { Reached } from './core/model/crash-points.ts'
import { aroundMarkers, markerSigner } from './core/model/marker.ts'
import { isOwner, threadSlot } from './core/model/thread.ts'
import { type Run, runFormat, type Source } from './core/run/run.ts'
import type { Session } from './core/run/session.ts'
import type { UnusedBranch } from './core/run/unused-branch.ts'
import { triggerOf } from './core/settings/deployment-settings.ts'
import { redactor } from './core/text/redact.ts'
import { type FollowedFile, followDeploymentFile } from './deployment-file.ts'
import { examineAtStart, examineFor } from './doctor.ts'
import { gitHubApp } from './github/app-client.ts'
import { deliveryLog } from './github/delivery-log.ts'
import { installationsOf } from './github/installations.ts'
import { ownerFilesOf } from './github/owner-files.ts'
import { gitHubThread } from './github/thread-client.ts'
import { readEvents } from './github/webhooks/normalise.ts'
import { type Receive, receiver } from './github/webhooks/receive.ts'
import { openWebhookEndpoint } from './github/webhooks/webhook-endpoint.ts'
import { adoptEvery, adoptLost } from './maintenance/recover-runs.ts'
import { sweepDeliveries, sweepEvery } from './maintenance/redeliver-webhooks.ts'
import { removeBranch } from './maintenance/remove-branches.ts'
import type { PostHogSettings } from './posthog/posthog-http.ts'
import { type StreamWatch, watchRuns } from './posthog/stream/run-stream.ts'
import { openQueues } from './queue/open-queues.ts'
import type { Queues } from './queue/work-queue.ts'
import { type Readiness, watchReadiness } from './readiness.ts'
import { advanceRun } from './runs/advance-run.ts'
import { openTenants, type Tenant } from './tenants.ts'
import { closeServer, httpServer, listen, type ReadyPage, webhookPath } from './web/http-server.ts'
import { type Metrics, openMetrics } from './web/metrics.ts'
import { openLog } from './web/process-log.ts'
import { openTraces, type Traces } from './web/traces.ts'

/** The errand that removes a branch. */
const removal = 'remove-branch'

/** Everything stops within this, whatever hangs. */
export const grace = 8_000

export interface Started {
  stop(signal: string): Promise<void>
}

/** What only a build for tests sets. */
export interface Overrides {
  queue?: { lockDuration: number; stalledInterval: number }
  reached?: Reached
  /** ms between two looks whether a branch that nothing came of may go. */
  branchesEvery?: number
}

type BotQueues = Queues<TriggerRecord, Run>

/** Whether the process does what it is for: not before all has begun, and not once it stops. */
interface State {
  works: boolean
  /** What the start found of keys and services. */
  readiness?: Readiness
}

/** What every part of the bot stands on. */
interface Runtime {
  config: Config
  settings: FollowedFile
  queues: BotQueues
  log: Logger
  metrics: Metrics
  traces: Traces
  state: State
}

/** The whole bot, with the server of its own that is the short way to the queue. */
export async function startBot(config: Config, overrides: Overrides = {}): Promise<Started> {
  const runtime = await openRuntime(config, overrides)
  const server = await openServer(runtime)
  return goOnWith(runtime, overrides, server)
}

/** The bot without a server, for a Probot app: whoever hosts that hands the deliveries over. */
export async function startBehind(
  config: Config,
): Promise<Started & { receive: Receive; ready(): Promise<void> }> {
  const runtime = await openRuntime(config, {})
  const started = await goOnWith(runtime, {}, undefined)
  return { ...started, receive: receiverOf(runtime), ready: () => ready(runtime) }
}

async function goOnWith(
  runtime: Runtime,
  overrides: Overrides,
  server: Server | undefined,
): Promise<Started> {
  const { config, settings, queues, log, traces, state } = runtime
  const work = config.role === 'web' ? undefined : await startWork(runtime, overrides)
  state.works = true
  state.readiness = watchReadiness({
    examine: () => examineAtStart(config, redactor(secretsOf(config))),
    log,
    ready: () => log.info({ role: config.role, queue: queues.kind }, 'ready'),
  })
  return { stop: signal => stopBot({ signal, state, log, server, queues, traces, work, settings }) }
}

async function ready({ state, queues }: Pick<Runtime, 'state' | 'queues'>): Promise<void> {
  if (!state.works) throw new Error('it does not do its work')
  await queues.ready(2_000)
}

async function openRuntime(config: Config, overrides: Overrides): Promise<Runtime> {
  const log = await openLog(config.log, redactor(secretsOf(config)))
  const traces = await openTraces(config.traces)
  const queues: BotQueues = await patiently(() =>
    openQueues({
      ...config.queue,
      traced: config.traces.endpoint !== undefined,
      ...overrides.queue,
      triggers: triggerFormat,
      runs: runFormat,
      log,
    }),
  )
  const { kind, triggers, runs } = queues
  const metrics = openMetrics({ role: config.role, queue: kind, queues: { triggers, runs }, now: Date.now })
  const state: State = { works: config.role === 'web' }
  const settings = followed(config.settings, log)
  return { config, settings, queues, log, metrics, traces, state }
}

const followed = ({ path, first }: Config['settings'], log: Logger): FollowedFile =>
  path === undefined ? { settings: first, close() {} } : followDeploymentFile(path, first, log)

/** A process that was just told to end may still hold the data directory or the port for a moment. */
const giveUpAfterMs = 5_000

async function patiently<T>(take: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + giveUpAfterMs; ; ) {
    try {
      return await take()
    } catch (error) {
      if (Date.now() >= deadline) throw error
      await new Promise(resolve => setTimeout(resolve, 250))
    }
  }
}

interface Stopping {
  signal: string
  state: State
  log: Logger
  server: Server | undefined
  queues: BotQueues
  traces: Traces
  work: Work | undefined
  settings: FollowedFile
}

async function stopBot({
  signal,
  state,
  log,
  server,
  queues,
  traces,
  work,
  settings,
}: Stopping): Promise<void> {
  state.works = false
  state.readiness?.close()
  log.info({ signal }, 'stopping')
  work?.close()
  settings.close()
  if (server) await closeServer(server, 2_000)
  await queues.close(grace - 2_000)
  await traces.close(500)
  log.info({}, 'stopped')
}

async function openServer(runtime: Runtime): Promise<Server> {
  const { config, log, metrics } = runtime
  const webhookEndpoint = config.role === 'worker' ? undefined : await webhookEndpointOf(runtime)
  const server = httpServer({
    webhookEndpoint,
    readiness: () => readinessOf(runtime),
    metrics: { page: metrics.page, token: config.server.metricsToken },
  })
  const { host, port, proxyUrl } = config.server
  try {
    const actual = await (webhookEndpoint
      ? patiently(() => listen(server, { host, port }))
      : listen(server, { host, port }))
    log.info({ host, port: actual }, 'listening')
    if (proxyUrl !== undefined && webhookEndpoint)
      await proxy(proxyUrl, `http://${isIPv6(host) ? `[${host}]` : host}:${actual}${webhookPath}`, log)
  } catch (error) {
    // A worker beside a web process on one machine needs no pages of its own.
    if (webhookEndpoint) throw error
    log.warn({ err: error }, 'no health pages')
  }
  return server
}

const idle = found('process', 'it begins or ends its work', 'Ask again in a moment.')
const noQueue = found('queue', 'it does not answer', 'Look at the log of the bot, and at Redis or the disk.')

async function readinessOf({ queues, state: { works, readiness } }: Runtime): Promise<ReadyPage> {
  if (!works || !readiness) return { ready: false, failed: [idle] }
  const queue = await queues.ready(2_000).then(
    () => [],
    () => [noQueue],
  )
  const others = readiness.failed().filter(({ name }) => name !== 'queue' || queue.length === 0)
  return { ready: readiness.isReady() && queue.length === 0, failed: [...others, ...queue] }
}

/** Loaded only where it is used: it reads the settings of proxies by itself, and dies of one that is wrong. */
async function proxy(source: string, target: string, logger: Logger): Promise<void> {
  const { SmeeClient } = await import('smee-client')
  await new SmeeClient({ source, target, logger }).start()
}

function webhookEndpointOf(runtime: Runtime) {
  const { config, log, metrics } = runtime
  const { id, privateKey, webhookSecret } = config.app
  const probot = new Probot({ appId: id, privateKey, secret: webhookSecret, log })
  return openWebhookEndpoint({ probot, log, receive: receiverOf(runtime), meter: metrics.meter })
}

const receiverOf = ({ config, settings, queues, log, traces }: Runtime): Receive =>
  receiver({
    log,
    redact: redactor(secretsOf(config)),
    app: { triggerOf: owner => triggerOf(settings.settings, owner), appId: config.app.id },
    enqueue: trigger =>
      traces.begin('webhook', { delivery: trigger.deliveryId, trigger: trigger.id }, async () => {
        const { outcome } = await queues.triggers.add(trigger.id, triggerRecord(trigger))
        return outcome === 'added' ? 'added' : 'known'
      }),
  })

/** Joins PostHog's stream, which knows task runs, to the Runs that are to look. */
function newsFor({ queues, log }: Runtime, posthog: PostHogSettings) {
  const runs = new Map<string, string>()
  const stream = watchRuns(posthog, {
    log,
    onNews(taskRunId) {
      const runId = runs.get(taskRunId)
      return runId === undefined ? undefined : queues.runs.wake(runId)
    },
  })
  return {
    stream,
    watch(session: Session, runId: string): boolean {
      runs.set(session.taskRunId, runId)
      stream.watch(session)
      return true
    },
    unwatch(taskRunId: string): void {
      runs.delete(taskRunId)
      stream.unwatch(taskRunId)
    },
  }
}

/** What a process that works has open beside its queues. */
interface Work {
  close(): void
}

/** What deals with triggers and Runs of the owners that one PostHog serves. */
interface Flows {
  tenant: Tenant
  accept: ReturnType<typeof acceptTrigger>
  advance: ReturnType<typeof advanceRun>
}

/** How long a Run rests whose PostHog was taken from its owner; the next start may give it back. */
const askTenantAgain = 60_000

/** For the threads of owners who are not served: nothing there asks a PostHog. */
const nobody = ({
  app,
}: Config): Omit<Tenant, 'tenant' | 'access' | 'posthog'> &
  Pick<Parameters<typeof acceptTrigger>[0], 'tenant' | 'posthog'> => ({
  tenant: undefined,
  posthog: { models: async () => [], sandboxes: async () => [] },
  deployment: { posthogUrl: '', posthogProject: '' },
  signer: markerSigner(app.markerKey, [app.webhookSecret]),
  userToken: undefined,
})

async function startWork(runtime: Runtime, { reached = () => {}, branchesEvery }: Overrides): Promise<Work> {
  const { config, settings, queues, log, metrics, traces } = runtime
  const { meter } = metrics
  const now = Date.now
  const redact = redactor(secretsOf(config))
  const app = gitHubApp(
    { appId: config.app.id, privateKey: config.app.privateKey, apiUrl: config.app.apiUrl },
    now,
    meter,
  )
  const tenants = openTenants(config, settings.settings, { meter, redact, now })
  const shared = {
    settings: settingsReader({
      deployment: settings.settings,
      file: settingsFile,
      ownerFiles: ownerFilesOf(app, now),
    }),
    accounts: accountsIn(queues.writtenOnce, log),
    github: (thread: Run['thread']) =>
      gitHubThread(app, thread, {
        now,
        redact: text => aroundMarkers(text, redact),
        inOwnWords: text => inOwnWords(text, triggerOf(settings.settings, thread.owner).word),
      }),
    log,
    meter,
    now,
    reached,
  }
  const installations = installationsOf(app, redact)
  const forTriggers = {
    ...shared,
    mayWorkIn: installations.mayWorkIn,
    examine: (thread: Run['thread']) => examineFor(config, thread, redact),
    isFirst: firstIn(queues.writtenOnce),
    runs: queues.runs,
    waiting: queues.triggers,
    defaults: config.run,
  }
  const forRuns = {
    ...shared,
    liveRuns: () => queues.runs.liveCount(),
    others: async (owner: string, since: number) => {
      const theirs = ({ thread }: Run): boolean => isOwner(thread, owner)
      const [live, ended] = await Promise.all([queues.runs.live(), queues.runs.recentlyEnded(since, theirs)])
      return [...live.filter(({ data }) => theirs(data)), ...ended]
    },
    removeLater: (id: string, what: UnusedBranch) =>
      queues.chores.send({ kind: removal, id, subject: threadSlot(what.thread), what }),
    askAgain: async ({ trigger, command }: Source) => {
      const kept = await queues.triggers.get(trigger)
      if (!kept) return log.error({ trigger }, 'a command that came too late is not kept any more')
      const again = askedAgain(kept.data, command)
      await queues.triggers.add(again.trigger.id, again)
    },
    fence: () => randomBytes(8).toString('hex'),
  }
  const streams: StreamWatch[] = []
  const flowsOf = (tenant: Tenant): Flows => {
    const news = newsFor(runtime, tenant.access)
    streams.push(news.stream)
    return {
      tenant,
      accept: acceptTrigger({ ...forTriggers, ...tenant }),
      advance: advanceRun({ ...forRuns, ...tenant, stream: news }),
    }
  }
  const flows = new Map(tenants.all.map(tenant => [tenant, flowsOf(tenant)]))
  const flowsFor = (owner: string): Flows | undefined => {
    const tenant = tenants.of(owner)
    return tenant && flows.get(tenant)
  }
  const withoutPostHog = acceptTrigger({ ...forTriggers, ...nobody(config) })
  const accept: Flows['accept'] = job => {
    const { trigger } = job.data
    const served = trigger.kind === 'access-lost' ? undefined : flowsFor(trigger.thread.owner)
    return (served?.accept ?? withoutPostHog)(job)
  }
  const advance: Flows['advance'] = async job => {
    const { thread, tenant } = job.data
    const served = flowsFor(thread.owner)
    if (served && (tenant === undefined || tenant === served.tenant.tenant)) return served.advance(job)
    log.error({ run: job.id, thread: thread.url, tenant }, 'its PostHog does not serve this owner any more')
    return { kind: 'park', ms: askTenantAgain }
  }
  const tracedAccept: typeof accept = job => {
    traces.note({ delivery: job.data.trigger.deliveryId, trigger: job.id })
    return accept(job)
  }
  const tracedAdvance: typeof advance = job => {
    traces.note({ delivery: job.data.request.delivery, run: job.id })
    return advance(job)
  }
  await queues.triggers.work(tracedAccept, { concurrency: 20 })
  await queues.runs.work(tracedAdvance, { concurrency: 50 })
  queues.chores.runErrands(
    removal,
    removeBranch({
      ...shared,
      tenantOf: tenants.of,
      runs: queues.runs,
      ...(branchesEvery === undefined ? {} : { every: branchesEvery }),
    }),
  )
  const lost = { ...shared, installations, tenantOf: tenants.of, runs: queues.runs }
  await queues.chores.every('adopt-lost', adoptEvery, adoptLost(lost))
  const sweep = sweepDeliveries({
    deliveries: deliveryLog(app),
    events: readEvents,
    log,
    meter,
    now,
    pause: 1_000,
  })
  await queues.chores.every('sweep-deliveries', sweepEvery, sweep)
  return {
    close() {
      for (const stream of streams) stream.close()
    },
  }
}
