/**
 * A Run is followed by the stream of PostHog, emulated over HTTP, through hours that pass in seconds: what that costs in
 * calls, how old what is known may be, and what happens when the stream goes wrong.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import type { RunControl } from '../../emulators/posthog/run-control.ts'
import { limitGate } from '../../src/core/model/limit-gate.ts'
import { aloneWithStreams, type StreamLeases } from '../../src/core/model/stream-leases.ts'
import type { Run } from '../../src/core/run/run.ts'
import { type Follower, followRuns } from '../../src/posthog/stream/follow-runs.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import { advanceRun } from '../../src/runs/advance-run.ts'
import { given } from '../commands/command-world.ts'
import { hour, minute, second, taskRun, working } from '../core/given.ts'

const closers: (() => unknown)[] = []
/** Of the clock that the test moves. */
const tick = second
/** What is sent on a socket has come after so many turns of the event loop. */
const turns = 40

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
})
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closers.splice(0).reverse()) await close()
})

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** One that takes what passes between a client and PostHog, and can hold its breath. */
async function wireTo(port: number) {
  const pairs: { near: Socket; far: Socket }[] = []
  const { connect } = await import('node:net')
  const server: Server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    for (const end of [near, far]) end.on('error', () => {})
    pairs.push({ near, far })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const { near, far } of pairs) for (const end of [near, far]) end.destroy()
    server.close()
  })
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    /** What is connected now says nothing any more, and does not end. */
    silence() {
      for (const { near, far } of pairs.splice(0)) {
        far.unpipe(near)
        far.resume()
      }
    },
  }
}

interface Live {
  posthog: PostHogEmulator
  control: RunControl
  run(): Run
  pass(ms: number): Promise<void>
  calls(): number
  looks(): number
  silence(): void
}

/** @param boot how long the agent takes for each step until it works, ms */
async function followed({
  leases = aloneWithStreams,
  boot = 5 * second,
}: {
  leases?: StreamLeases
  boot?: number
} = {}): Promise<Live> {
  const posthog = await startPostHog({
    rate: 'off',
    timing: { queued: boot, sandbox: boot, clone: boot, agent: boot },
  })
  closers.push(() => posthog.close())
  const wire = await wireTo(posthog.port)
  posthog.script('', { kind: 'manual' })
  const settings = {
    ...{ host: wire.url, projectId: String(posthog.projectId), apiKey: posthog.apiKey },
    gate: limitGate(Date.now),
  }
  const tasks = postHogTasks(settings, { now: Date.now, redact: text => text })
  const taskId = await tasks.createTask({ title: 'Fix', description: 'Fix it', repository: 'acme/shop' })
  const body = { runtime_adapter: 'codex' as const, model: 'gpt-5.5' }
  const id = await tasks.startRun(taskId, { ...body, mode: 'background', branch: 'main' } as never, [])
  const control = posthog.run(id)
  let due = Date.now()
  const log = { info() {}, warn() {}, error() {} }
  const follower: Follower = followRuns({
    leases,
    log,
    async wake() {
      due = Date.now()
    },
  })
  closers.push(() => follower.close())
  const now = Date.now()
  let run = working({
    report: { readOnlyThread: true, status: undefined },
    schedule: { nextPollAt: undefined },
    session: { taskId, taskRun: { ...taskRun, id, since: now, changedAt: now } },
  })
  const stream = follower.of(settings)
  const save = async (next: Run): Promise<void> => {
    run = next
  }
  const github = { pull: async () => undefined }
  const step = async (): Promise<void> => {
    const { deps, job } = given(run, { now: Date.now, save, stream, log, github })
    const result = await advanceRun({ ...deps, posthog: tasks })({ ...job, data: run })
    due = result.kind === 'park' ? Date.now() + result.ms : Number.POSITIVE_INFINITY
  }
  const soFar = posthog.calls.length
  return {
    posthog,
    control,
    run: () => run,
    silence: wire.silence,
    calls: () => posthog.calls.length - soFar,
    looks: () => posthog.calls.filter(({ route }) => route === 'get-run').length,
    async pass(ms) {
      for (const end = Date.now() + ms; Date.now() < end; ) {
        if (due <= Date.now()) await step()
        for (let n = 0; n < turns; n += 1) await turn()
        await vi.advanceTimersByTimeAsync(tick)
      }
      for (let n = 0; n < turns; n += 1) await turn()
    },
  }
}

describe('a quiet Run', () => {
  test.each([
    ['', 5 * second],
    [', even if nothing was ever heard of it', 0],
  ])('costs twelve calls an hour at most, its connections among them%s', async (_, boot) => {
    const { pass, calls, run } = await followed({ boot })
    await pass(minute)
    expect(run().session.taskRun?.status).toBe('in_progress')
    for (let past = 1; past <= 2; past += 1) {
      const before = calls()
      await pass(hour)
      expect(calls() - before, `calls in hour ${past}`).toBeLessThanOrEqual(12)
    }
    expect(run().result.outcome).toBeUndefined()
  })

  test('is known about within five seconds, whenever something happens', async () => {
    const { pass, control, run } = await followed()
    for (const [n, after] of [hour, 7 * minute, 20 * minute, 3 * second].entries()) {
      await pass(after)
      await control.progress(`step-${n}`, `Step ${n}`)
      await pass(5 * second)
      expect(run().session.progress.at(-1)?.label).toBe(`Step ${n}`)
    }
    await pass(10 * minute)
    await control.say('It is the cookie.')
    await pass(5 * second)
    expect(run().session.sessionLog?.answer).toBe('It is the cookie.')
    await pass(10 * minute)
    control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
    await pass(5 * second)
    expect(run().result.claimedPulls).toEqual(['https://github.com/acme/shop/pull/1'])
  })
})

describe('a stream', () => {
  test('that is silently dead is noticed by what it should say, and nothing is lost', async () => {
    const { pass, control, run, silence } = await followed()
    await pass(10 * minute)
    silence()
    await control.progress('unheard', 'Nobody heard this')
    await pass(minute)
    expect(run().session.progress.at(-1)?.label).toBe('Nobody heard this')
  })

  test('that can not be had leaves the Run to be polled as ever, and takes over when it is back', async () => {
    const { pass, posthog, looks, control, run, calls } = await followed()
    await pass(20 * minute)
    const away = posthog.fault({
      ...{ route: 'stream', times: Number.POSITIVE_INFINITY },
      fault: { kind: 'status', code: 502 },
    })
    posthog.dropConnections()
    await pass(minute)
    const before = looks()
    await pass(10 * minute)
    expect(looks() - before).toBeGreaterThanOrEqual(39)
    await control.progress('polled', 'Seen by a look')
    await pass(16 * second)
    expect(run().session.progress.at(-1)?.label).toBe('Seen by a look')
    away.disarm()
    await pass(20 * minute)
    const quiet = calls()
    await pass(hour)
    expect(calls() - quiet).toBeLessThanOrEqual(12)
  })

  test('that never says anything is not relied on', async () => {
    const { pass, posthog, looks } = await followed()
    posthog.fault({
      ...{ route: 'stream', times: Number.POSITIVE_INFINITY },
      fault: { kind: 'hang' },
    })
    posthog.dropConnections()
    await pass(12 * minute)
    const before = looks()
    await pass(10 * minute)
    expect(looks() - before).toBeGreaterThanOrEqual(39)
  })
})
