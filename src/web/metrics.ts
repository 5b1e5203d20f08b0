/** Every label value is from a fixed list: never a repository, person or text. */

import { readFileSync } from 'node:fs'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallMeter, WebhookMeter } from '../core/model/meter.ts'
import { type JobIndex, liveSet } from '../core/model/ports.ts'
import type { FlowMeter, Meter } from '../core/record/flow-meter.ts'
import { liveGroups, onBoard } from '../core/record/run-index.ts'
import { onceAtATime } from './requests.ts'

export type Metrics = ReturnType<typeof openMetrics>

export interface MetricsParts {
  role: string
  queue: string
  queues: { triggers: Counted & Pick<JobIndex, 'members'>; runs: Counted & Pick<JobIndex, 'query'> }
  now(): number
}

export function openMetrics({ role, queue, queues, now }: MetricsParts) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const build = { version: version(), node: process.version, role, queue }
  gauge(registry, 'build_info', 'Always 1: what runs here.', Object.keys(build)).set(build, 1)
  let openStreams = () => 0
  polled(
    registry,
    'streams_open',
    'Streams of runs that this process follows; each takes a file descriptor.',
    () => openStreams(),
  )
  let areSettingsRight = () => true
  polled(registry, 'settings_file_ok', '1 if SETTINGS_FILE holds as it is, else 0.', () =>
    areSettingsRight() ? 1 : 0,
  )
  const readQueues = queueGauges(registry, queues, now)
  const meter: Meter = { ...webhookMeter(registry), ...callMeter(registry, now), ...flowMeter(registry, now) }
  return {
    meter,
    showStreams(open: () => number): void {
      openStreams = open
    },
    showSettings(areRight: () => boolean): void {
      areSettingsRight = areRight
    },
    async page(): Promise<{ type: string; text: string }> {
      await readQueues()
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}

function version(): string {
  try {
    return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
  } catch {
    return 'unknown'
  }
}

/** A gauge whose value is asked for with each page. */
function polled(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name: `${prefix}${name}`,
    help,
    registers: [registry],
    collect() {
      this.set(value())
    },
  })
}

const quick = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const dollars = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100]
const slow = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400]

function webhookMeter(registry: Registry): WebhookMeter {
  const webhooks = counter(registry, 'webhooks_total', 'Webhook deliveries, by how they were answered.', [
    'event',
    'answer',
  ])
  const took = histogram(registry, 'webhook_seconds', 'Time until a delivery was answered.', {
    labelNames: ['event'],
    buckets: quick,
  })
  return {
    answered({ event, result, ms }) {
      webhooks.inc({ event, answer: result })
      took.observe({ event }, seconds(ms))
    },
  }
}

function callMeter(registry: Registry, now: () => number): CallMeter {
  const calls = counter(
    registry,
    'calls_total',
    'Calls to GitHub and PostHog; status none: no answer came.',
    ['service', 'method', 'route', 'status'],
  )
  const took = histogram(registry, 'call_seconds', 'Time that calls to GitHub and PostHog took.', {
    labelNames: ['service', 'method', 'route'],
    buckets: quick,
  })
  const waits = counter(registry, 'told_to_wait_total', 'Times that a service asked to come back later.', [
    'service',
    'why',
  ])
  return {
    called({ service, method, route, status, ms }) {
      calls.inc({ service, method, route, status: status ?? 'none' })
      took.observe({ service, method, route }, seconds(ms))
    },
    toldToWait(service, why) {
      waits.inc({ service, why })
    },
    budget: budgetGauge(registry, now),
  }
}

/** Others become `other`. */
const resources = new Set(['core', 'graphql', 'search'])

/** Shows the installation with the least left, until its window ends. */
function budgetGauge(registry: Registry, now: () => number): CallMeter['budget'] {
  const budgets = new Map<string, { resource: string; left: number; resetAt: number }>()
  new Gauge({
    name: `${prefix}rate_limit_remaining`,
    help: "What is left of GitHub's primary limits: the lowest of all installations.",
    labelNames: ['resource'],
    registers: [registry],
    collect() {
      this.reset()
      const lowest = new Map<string, number>()
      for (const [whose, { resource, left, resetAt }] of budgets)
        if (resetAt <= now()) budgets.delete(whose)
        else lowest.set(resource, Math.min(left, lowest.get(resource) ?? Number.POSITIVE_INFINITY))
      for (const [resource, left] of lowest) this.set({ resource }, left)
    },
  })
  return ({ whose, resource, left, resetAt }) => {
    const known = resources.has(resource) ? resource : 'other'
    budgets.set(`${whose} ${known}`, { resource: known, left, resetAt })
  }
}

function flowMeter(registry: Registry, now: () => number): FlowMeter {
  const dealtWith = 'What arrived from GitHub, by how it was dealt with.'
  const triggers = counter(registry, 'triggers_total', dealtWith, ['kind', 'outcome'])
  const sweeps = counter(registry, 'sweeps_total', "Looks through GitHub's log of deliveries.", ['result'])
  const sentAgain = 'Webhooks that GitHub was asked to send again.'
  const redeliveries = counter(registry, 'redeliveries_total', sentAgain)
  return {
    ...runMeter(registry, now),
    handled(kind, outcome) {
      triggers.inc({ kind, outcome })
    },
    swept({ result, redelivered }) {
      sweeps.inc({ result })
      redeliveries.inc(redelivered)
    },
  }
}

function runMeter(registry: Registry, now: () => number): Pick<FlowMeter, 'moved'> {
  const outcomes = counter(registry, 'runs_total', 'Runs that came to an outcome, once for each follow-up.', [
    'outcome',
    'class',
  ])
  const start = histogram(registry, 'run_start_seconds', 'From the command to the start at PostHog.', {
    buckets: slow,
  })
  const result = histogram(registry, 'run_result_seconds', 'From the command to its first outcome.', {
    labelNames: ['outcome'],
    buckets: slow,
  })
  const spent = counter(
    registry,
    'run_dollars_total',
    'US dollars that runs cost, as PostHog says it when one has come to an outcome.',
  )
  const survived = 'Times that a run went on after its process was lost.'
  const stalls = counter(registry, 'stalls_survived_total', survived)
  const pulls = counter(registry, 'pull_requests_total', 'Pull requests of runs, by what became of them.', [
    'end',
  ])
  const untilEnd = 'What the task of a pull request cost until its end.'
  const timed = { labelNames: ['end'], buckets: dollars }
  const cost = histogram(registry, 'pull_request_dollars', untilEnd, timed)
  return {
    moved(before, after) {
      const end = after.result.ended
      if (end && end.how !== before.result.ended?.how) {
        pulls.inc({ end: end.how })
        if (typeof after.session.cost === 'number') cost.observe({ end: end.how }, after.session.cost)
      }
      const { session } = after
      if (before.session.cost === undefined && typeof session.cost === 'number')
        spent.inc(Math.max(0, session.cost - (session.costBefore ?? 0)))
      const since = seconds(now() - after.request.at)
      if (!before.session.taskRun && after.session.taskRun && after.result.round === 0) start.observe(since)
      if (after.attempts.stallsSeen > before.attempts.stallsSeen)
        stalls.inc(after.attempts.stallsSeen - before.attempts.stallsSeen)
      if (before.result.outcome || !after.result.outcome) return
      const { outcome } = after.result
      outcomes.inc({ outcome: outcome.kind, class: outcome.kind === 'failed' ? outcome.class : 'none' })
      if (after.result.round === 0) result.observe({ outcome: outcome.kind }, since)
    },
  }
}

const prefix = 'codex_bot_'
const seconds = (ms: number): number => Math.max(0, ms) / 1_000

function counter<L extends string>(registry: Registry, name: string, help: string, labelNames: L[] = []) {
  return new Counter({ name: prefix + name, help, labelNames, registers: [registry] })
}

function gauge<L extends string>(registry: Registry, name: string, help: string, labelNames: L[] = []) {
  return new Gauge({ name: prefix + name, help, labelNames, registers: [registry] })
}

interface Timed<L extends string> {
  labelNames?: L[]
  buckets: number[]
}

function histogram<L extends string>(registry: Registry, name: string, help: string, timed: Timed<L>) {
  return new Histogram({ name: prefix + name, help, ...timed, registers: [registry] })
}

interface Counted {
  liveCount(): Promise<number>
}

const giveUpAfterMs = 2_000

/**
 * All processes show the same sizes: take the maximum, not the sum.
 * @returns a function that updates the gauges; a queue that does not respond only shows that
 */
function queueGauges(
  registry: Registry,
  queues: MetricsParts['queues'],
  now: () => number,
): () => Promise<void> {
  const up = gauge(registry, 'queue_up', '1 if the queue answers, else 0.')
  const jobs = gauge(registry, 'queue_jobs', 'Jobs that are not done, parked ones too.', ['queue'])
  const oldest = gauge(
    registry,
    'queue_oldest_seconds',
    'Age of the oldest of the triggers; 0 without any. A run may well live for days.',
    ['queue'],
  )
  const liveRuns = gauge(registry, 'live_runs', 'Runs that are not over, by what they do or wait for.', [
    'state',
  ])
  const read = onceAtATime(() =>
    Promise.all([
      Promise.all(
        Object.entries(queues).map(async ([queue, counted]) => ({ queue, live: await counted.liveCount() })),
      ),
      queues.triggers.members([liveSet], { kind: 'first', count: 1 }),
      queues.runs.query(liveGroups.map(state => ({ kind: 'count', set: onBoard(state) }))),
    ]),
  )
  return async () => {
    const late = new Promise<undefined>(resolve => setTimeout(resolve, giveUpAfterMs, undefined).unref())
    const found = await Promise.race([read(), late]).catch(() => undefined)
    const [counts, [first], states] = found ?? [[], [], []]
    up.set(found ? 1 : 0)
    for (const each of [jobs, oldest, liveRuns]) each.reset()
    for (const { queue, live } of counts) jobs.set({ queue }, live)
    if (found) oldest.set({ queue: 'triggers' }, seconds(now() - (first?.[0]?.score ?? now())))
    for (const [at, count] of states.entries()) liveRuns.set({ state: liveGroups[at] }, count ?? 0)
  }
}
