/** What `/metrics` shows. Every label value is from a fixed list: never a repository, person or text. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallMeter, WebhookMeter } from '../core/model/meter.ts'
import { type JobIndex, liveSet } from '../core/model/ports.ts'
import type { RunMeter } from '../core/record/run.ts'
import { liveGroups, sets } from '../core/record/run-index.ts'
import { version } from '../own-package.ts'
import { onceAtATime } from './requests.ts'

export interface MetricsParts {
  role: string
  queue: string
  queues: { triggers: JobIndex; runs: Pick<JobIndex, 'query'> }
  now(): number
}

const buckets = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400]

/** The table of all that is measured. */
function declared(registers: [Registry]) {
  const named = <L extends string>(name: string, help: string, labelNames: L[]) => ({
    name: `codex_bot_${name}`,
    help,
    labelNames,
    registers,
  })
  const gauge = <L extends string>(name: string, help: string, ...labels: L[]) =>
    new Gauge(named(name, help, labels))
  const counter = <L extends string>(name: string, help: string, ...labels: L[]) =>
    new Counter(named(name, help, labels))
  const histogram = <L extends string>(name: string, help: string, ...labels: L[]) =>
    new Histogram({ ...named(name, help, labels), buckets })
  return {
    build: gauge('build_info', 'Always 1: what runs here.', 'version', 'node', 'role', 'queue'),
    streams: gauge(
      'streams_open',
      'Streams of runs that this process follows; each takes a file descriptor.',
    ),
    settings: gauge('settings_file_ok', '1 if SETTINGS_FILE holds as it is, else 0.'),
    // All processes show the same sizes: take the maximum, not the sum.
    up: gauge('queue_up', '1 if the queue answers, else 0.'),
    jobs: gauge('queue_jobs', 'Jobs that are not done, parked ones too.', 'queue'),
    oldest: gauge(
      'queue_oldest_seconds',
      'Age of the oldest of the triggers; 0 without any. A run may well live for days.',
      'queue',
    ),
    liveRuns: gauge('live_runs', 'Runs that are not over, by what they do or wait for.', 'state'),
    webhooks: counter(
      'webhooks_total',
      'Webhook deliveries, by how they were answered.',
      'event',
      'answer',
    ),
    calls: counter(
      'calls_total',
      'Calls to GitHub and PostHog; status none: no answer came.',
      ...(['service', 'method', 'route', 'status'] as const),
    ),
    runs: counter(
      'runs_total',
      'Runs that came to an outcome, once for each follow-up.',
      'outcome',
      'class',
    ),
    start: histogram('run_start_seconds', 'From the command to the start at PostHog.'),
    result: histogram('run_result_seconds', 'From the command to its first outcome.', 'outcome'),
    dollars: counter(
      'run_dollars_total',
      'US dollars that runs cost, as PostHog says it when one has come to an outcome.',
    ),
  }
}
type Declared = ReturnType<typeof declared>

export function openMetrics({ role, queue, queues, now }: MetricsParts) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const all = declared([registry])
  all.build.set({ version, node: process.version, role, queue }, 1)
  let openStreams = () => 0
  let areSettingsRight = () => true
  const readQueues = queueSizes(all, queues, now)
  const meter: WebhookMeter & CallMeter & RunMeter = {
    answered: (event, answer) => all.webhooks.inc({ event, answer }),
    called: ({ status, ...call }) => all.calls.inc({ ...call, status: status ?? 'none' }),
    moved: runsMoved(all, now),
  }
  return {
    meter,
    showStreams(open: () => number) {
      openStreams = open
    },
    showSettings(areRight: () => boolean) {
      areSettingsRight = areRight
    },
    async page(): Promise<{ type: string; text: string }> {
      all.streams.set(openStreams())
      all.settings.set(areSettingsRight() ? 1 : 0)
      await readQueues()
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}

const seconds = (ms: number) => Math.max(0, ms) / 1_000

const runsMoved =
  ({ dollars, start, runs, result }: Declared, now: () => number): RunMeter['moved'] =>
  (before, after) => {
    const { cost, costBefore = 0, taskRun } = after.session
    if (before.session.cost === undefined && typeof cost === 'number')
      dollars.inc(Math.max(0, cost - costBefore))
    const since = seconds(now() - after.request.at)
    const { outcome, round } = after.result
    if (!before.session.taskRun && taskRun && round === 0) start.observe(since)
    if (before.result.outcome || !outcome) return
    runs.inc({ outcome: outcome.kind, class: outcome.kind === 'failed' ? outcome.class : 'none' })
    if (round === 0) result.observe({ outcome: outcome.kind }, since)
  }

const giveUpAfterMs = 2_000

/** @returns a function that updates the gauges; a queue that does not respond only shows that */
function queueSizes(
  { up, jobs, oldest, liveRuns }: Declared,
  queues: MetricsParts['queues'],
  now: () => number,
): () => Promise<void> {
  const count = (set: string) => ({ kind: 'count', set }) as const
  const read = onceAtATime(() =>
    Promise.all([
      queues.triggers.query([count(liveSet)]),
      queues.triggers.members([liveSet], { kind: 'first', count: 1 }),
      queues.runs.query([liveSet, ...liveGroups.map(group => sets.board({ group }))].map(count)),
    ]),
  )
  return async () => {
    const late = new Promise<undefined>(resolve =>
      setTimeout(resolve, giveUpAfterMs, undefined).unref(),
    )
    const found = await Promise.race([read(), late]).catch(() => undefined)
    up.set(found ? 1 : 0)
    for (const each of [jobs, oldest, liveRuns]) each.reset()
    if (!found) return
    const [[triggers = 0], [first], [runs = 0, ...states]] = found
    jobs.set({ queue: 'triggers' }, triggers)
    jobs.set({ queue: 'runs' }, runs)
    oldest.set({ queue: 'triggers' }, seconds(now() - (first?.[0]?.score ?? now())))
    for (const [at, count] of states.entries()) liveRuns.set({ state: liveGroups[at] }, count ?? 0)
  }
}
