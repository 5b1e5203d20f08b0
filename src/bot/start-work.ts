import { randomBytes } from 'node:crypto'
import { accountsIn, firstIn, namesIn } from '../access/first-of.ts'
import { settingsReader } from '../access/read-settings.ts'
import { refusalsWithin } from '../access/refusals.ts'
import { settingsFile } from '../commands/command-registry.ts'
import { stopsOf } from '../commands/stops.ts'
import { requeued } from '../commands/trigger-record.ts'
import { secretsOf } from '../config.ts'
import { inOwnWords } from '../core/comments/own-words.ts'
import type { Reached } from '../core/model/crash-points.ts'
import { liveSet } from '../core/model/job-index.ts'
import { aroundMarkers } from '../core/model/marker.ts'
import { threadSlot } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import type { Source } from '../core/run/record/mailbox-part.ts'
import type { Run } from '../core/run/run.ts'
import { ofThread } from '../core/run/run-index.ts'
import type { UnusedBranch } from '../core/run/unused-branch.ts'
import { type NamesOf, triggerOf } from '../core/settings/deployment-settings.ts'
import { type Redact, redactor } from '../core/text/redact.ts'
import { examineFor } from '../doctor.ts'
import { type GitHubApp, gitHubApp } from '../github/app-client.ts'
import { deliveryLog } from '../github/delivery-log.ts'
import { installationsOf } from '../github/installations.ts'
import { ownerFilesOf } from '../github/owner-files.ts'
import { gitHubThread } from '../github/thread-client.ts'
import { readEvents } from '../github/webhooks/normalise.ts'
import { adoptEvery, adoptLost } from '../maintenance/recover-runs.ts'
import { sweepDeliveries, sweepEvery } from '../maintenance/redeliver-webhooks.ts'
import { removeBranch } from '../maintenance/remove-branches.ts'
import { type Follower, followRuns } from '../posthog/stream/follow-runs.ts'
import { within } from '../queue/deadline.ts'
import { openTenants, type Tenants } from '../tenants.ts'
import type { Overrides, Runtime } from './runtime.ts'
import { type Flows, flowsFor } from './tenant-flows.ts'

const removal = 'remove-branch'

/** In a rolling restart, older processes move jobs without updating the index. */
const mendEvery = 10 * minute

interface Edges {
  app: GitHubApp
  redact: Redact
  installations: ReturnType<typeof installationsOf>
  tenants: Tenants
  shared: ReturnType<typeof sharedBy> & { reached: Reached }
}

export async function startWork(runtime: Runtime, overrides: Overrides): Promise<{ close(): void }> {
  const edges = openEdges(runtime, overrides)
  await setByGitHub(edges.app)
  const { queues, log, metrics } = runtime
  const follower = followRuns({ leases: queues.streams, wake: id => queues.runs.wake(id), log })
  metrics.showStreams(follower.open)
  const flows = flowsFor(runtime, {
    tenants: edges.tenants,
    follower,
    forTriggers: triggerDeps(runtime, edges),
    forRuns: runDeps(runtime, edges),
  })
  await workOn(runtime, flows)
  await startChores(runtime, edges, overrides)
  if (queues.kind === 'embedded') await wakeAll(queues, follower)
  return { close: () => void follower.close() }
}

/** ms */
const setWithin = 3_000

/** Nothing is worked on by a clock that GitHub would not agree with, unless GitHub is away. */
const setByGitHub = (app: GitHubApp): Promise<unknown> =>
  within<unknown>(setWithin, app.botLogin(), () => {}).catch(() => {})

/** The streams of the last process are closed, and no other process had a lease to take over. */
async function wakeAll({ runs }: Runtime['queues'], { wake }: Follower): Promise<void> {
  const [live = []] = await runs.members([liveSet], { kind: 'first', count: 10_000 })
  for (const { id } of live) wake(id)
}

function openEdges(runtime: Runtime, { reached = () => {} }: Overrides): Edges {
  const { config, settings, metrics, queues, log, clock } = runtime
  const { meter } = metrics
  const { limits, budget, cache } = queues
  const names = namesIn(queues.writtenOnce, log)
  const { id, privateKey, apiUrl } = config.app
  const redact = redactor(secretsOf(config))
  const { now, setBy } = clock
  const app = gitHubApp({ appId: id, privateKey, apiUrl }, now, { meter, limits, cache, dated: setBy })
  return {
    app,
    redact,
    installations: installationsOf(app, redact),
    tenants: openTenants(config, settings.settings, { meter, redact, now, limits, budget, names }),
    shared: { ...sharedBy(runtime, app, { redact, names }), reached },
  }
}

function sharedBy(
  { settings, queues, log, metrics, clock: { now } }: Runtime,
  app: GitHubApp,
  { redact, names }: { redact: Redact; names: NamesOf },
) {
  return {
    settings: settingsReader({
      deployment: settings.settings,
      file: settingsFile,
      ownerFiles: ownerFilesOf(app, now),
      names,
      now,
    }),
    accounts: accountsIn(queues.writtenOnce, log),
    github: (thread: Run['thread']) =>
      gitHubThread(app, thread, {
        now,
        redact: text => aroundMarkers(text, redact),
        inOwnWords: text => inOwnWords(text, triggerOf(settings.settings, thread.owner).word),
      }),
    log,
    meter: metrics.meter,
    now,
  }
}

const triggerDeps = ({ config, queues }: Runtime, { shared, installations, redact }: Edges) => ({
  ...shared,
  mayWorkIn: installations.mayWorkIn,
  examine: (thread: Run['thread']) => examineFor(config, thread, redact),
  isFirst: firstIn(queues.writtenOnce),
  mayRefuse: refusalsWithin(queues.budget),
  runs: queues.runs,
  waiting: queues.triggers,
  defaults: config.run,
})

const runDeps = ({ queues, log }: Runtime, { shared }: Edges) => ({
  ...shared,
  index: queues.runs,
  wakeFirst: async (lines: readonly string[]) => {
    const first = (await queues.runs.members(lines, { kind: 'first', count: 1 })).flat()
    await Promise.all([...new Set(first.map(({ id }) => id))].map(id => queues.runs.wake(id)))
  },
  wakeCommands: wakeCommands(queues),
  removeLater: (id: string, what: UnusedBranch) =>
    queues.chores.send({ kind: removal, id, subject: threadSlot(what.thread), what }),
  requeue: async ({ trigger, command }: Source) => {
    const kept = await queues.triggers.get(trigger)
    if (!kept) return log.error({ trigger }, 'a command that came too late is not kept any more')
    const again = requeued(kept.data, command)
    await queues.triggers.add(again.trigger.id, again)
  },
  stops: stopsOf(queues.triggers),
  fence: () => randomBytes(8).toString('hex'),
})

const wakeCommands =
  ({ triggers }: Runtime['queues']) =>
  async (thread: Run['thread']): Promise<void> => {
    const [waiting = []] = await triggers.members([ofThread(thread)], { kind: 'first', count: 100 })
    await Promise.all(waiting.map(({ id }) => triggers.wake(id)))
  }

async function workOn({ queues, traces }: Runtime, { accept, advance }: Flows): Promise<void> {
  const tracedAccept: typeof accept = job => {
    traces.annotate({ delivery: job.data.trigger.deliveryId, trigger: job.id })
    return accept(job)
  }
  const tracedAdvance: typeof advance = job => {
    traces.annotate({ delivery: job.data.request.delivery, run: job.id })
    return advance(job)
  }
  await queues.triggers.work(tracedAccept, { concurrency: 20 })
  const wake = wakeCommands(queues)
  await queues.runs.work(tracedAdvance, { concurrency: 50, ended: ({ thread }) => wake(thread) })
}

async function startChores(
  { queues }: Runtime,
  { app, shared, tenants, installations }: Edges,
  { branchesEvery }: Overrides,
): Promise<void> {
  const withRuns = { ...shared, tenantOf: tenants.of, runs: queues.runs }
  const every = branchesEvery === undefined ? {} : { every: branchesEvery }
  queues.chores.runErrands(removal, removeBranch({ ...withRuns, ...every }))
  await queues.chores.every('mend-index', mendEvery, async () => void (await queues.mendIndexes()))
  await queues.chores.every('adopt-lost', adoptEvery, adoptLost({ ...withRuns, installations }))
  const { log, meter, now } = shared
  const deliveries = deliveryLog(app)
  const sweep = sweepDeliveries({ deliveries, events: readEvents, log, meter, now, pause: 1_000 })
  await queues.chores.every('sweep-deliveries', sweepEvery, sweep)
}
