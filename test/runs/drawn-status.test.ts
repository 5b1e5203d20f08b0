/** How often the status is drawn, which is most of what the thinking about a Run costs. */
import { expect, test } from 'vitest'
import { RetryLater } from '../../src/core/model/errors.ts'
import { day } from '../../src/core/model/time.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { statusComment } from '../../src/core/words/status.ts'
import type { Deployment } from '../../src/core/words/words.ts'
import { advanceRun } from '../../src/runs/advance-run.ts'
import { drawStatus } from '../../src/runs/steps/step-context.ts'
import { type Differs, given } from '../commands/command-world.ts'
import {
  deployment,
  hour,
  minute,
  runWith,
  second,
  snapshotWith,
  status,
  t0,
  working,
} from '../core/given.ts'

const now = t0 + 10 * minute

/** As each drawing links to PostHog, its address is read as often as the status is drawn. */
function counted(): { deployment: Deployment; drawings(run: Run): number } {
  let reads = 0
  const counting: Deployment = {
    ...deployment,
    get posthogUrl() {
      reads += 1
      return deployment.posthogUrl
    },
  }
  return {
    deployment: counting,
    drawings(run) {
      const all = reads
      reads = 0
      statusComment(run, counting, now)
      expect(reads).toBeGreaterThan(0)
      return all / reads
    },
  }
}

async function drawings(run: Run, differs: Differs): Promise<{ drawn: number; after: Run }> {
  const count = counted()
  const { deps, job } = given(run, { now: () => now, deployment: count.deployment, ...differs })
  const kept = {
    ...job,
    async save(next: Run) {
      kept.data = next
    },
  }
  await advanceRun(deps)(kept)
  return { drawn: count.drawings(working()), after: kept.data }
}

/** Services of which nothing is news. */
const looks: Differs = {
  posthog: { poll: async () => snapshotWith() },
  github: { 'comments.edit': async () => ({ nodeId: 'IC_1' }) },
}

const due: Run = working({ schedule: { nextPollAt: now } })

/** As it is when its status has been sent. */
async function sent(run: Run): Promise<Run> {
  const { after } = await drawings(run, looks)
  expect(after.report.status?.hash).not.toBe(status.hash)
  return changed(after, { schedule: { nextPollAt: now, lastPollAt: now - minute } })
}

test('a look that sees nothing draws it once', async () => {
  const { drawn, after } = await drawings(await sent(due), looks)
  expect(after.schedule.lastPollAt).toBe(now)
  expect(drawn).toBe(1)
})

test('a look that only waits draws it once', async () => {
  const run = changed(await sent(due), {
    schedule: { nextPollAt: now + second, lastPollAt: undefined },
  })
  expect((await drawings(run, looks)).drawn).toBe(1)
})

const awaited = [{ name: '#3', title: 'First', url: 'https://github.com/acme/shop/issues/3' }]

test.each<NonNullable<Run['schedule']['waits']>>([
  { kind: 'line', ahead: 2, of: 'owner' },
  { kind: 'session', ahead: 1 },
  { kind: 'until', at: t0 + 30 * day, limit: 'the runs of this repository cost $12 in 24 hours' },
  { kind: 'zero', of: 'repository', limit: 'it is 0', ahead: 0 },
  { kind: 'blocked', since: t0, by: awaited, more: 0 },
  { kind: 'open-pulls', since: t0, most: 1, pulls: awaited },
])('a run that waits says something new each day: $kind', waits => {
  for (const days of [0, 1, 2, 9]) {
    const at = t0 + days * day + hour
    const run = runWith({ schedule: { waits } })
    const drawing = drawStatus(run, deployment, at)
    const shown = { ...status, hash: drawing.hash(), phase: drawing.phase() }
    const tomorrow = drawStatus(changed(run, { report: { status: shown } }), deployment, at + day)
    expect(tomorrow.difference()).toBe('details')
  }
})

test('a step that is due whatever the status says draws nothing', async () => {
  const run = runWith({
    report: { status },
    schedule: { admitted: true },
    session: { taskId: 'task-1' },
  })
  const stop = new AbortController()
  const { drawn, after } = await drawings(run, {
    signal: stop.signal,
    github: {
      async 'branches.ofIssue'() {
        stop.abort()
        throw new RetryLater('github', now + minute, 'usage-limit', 'limit')
      },
    },
  })
  expect(after.retries.github?.until).toBe(now + minute)
  expect(drawn).toBe(0)
})
