/**
 * Follows PostHog's streams of live Runs, each leased by one process. Streams are hints: without one, a Run is polled.
 */
import { readFileSync } from 'node:fs'
import type { Log, StreamLeases } from '../../core/model/ports.ts'
import { second } from '../../core/model/time.ts'
import type { Session } from '../../core/record/request-part.ts'
import type { PostHogSettings } from '../posthog-http.ts'
import { type StreamPace, type StreamWatch, watchRuns } from './run-stream.ts'
import type { News } from './stream-connection.ts'

interface Following {
  leases: StreamLeases
  wake(runId: string): Promise<void>
  log: Pick<Log, 'info' | 'warn'>
  now?: () => number
  maxOpen?: number
  /** ms; much less than a lease. */
  renewEvery?: number
  pace?: Partial<StreamPace>
}

interface FollowedRun {
  id: string
  thread: { owner: string }
}

export interface RunNews {
  /** Wakes the Run on events of its session. @returns whether a stream is open, so that polls can be rare */
  watch(session: Session, run: FollowedRun): Promise<boolean>
  unwatch(session: Pick<Session, 'taskRunId'>, runId: string): void
}

export type Follower = ReturnType<typeof followRuns>

export function followRuns(following: Following) {
  const { leases, log, renewEvery = 5 * second, maxOpen = halfOfTheFiles() } = following
  const watches: StreamWatch[] = []
  const prunes: (() => void)[] = []
  const names: (() => Iterable<string>)[] = []
  const held = new Map<string, () => void>()
  const wakes = pileOf(following.wake, err => log.warn({ err }, 'a run could not be woken'))
  const taking = new Set<Promise<boolean>>()
  let isClosing = false
  const open = () => watches.reduce((sum, watch) => sum + watch.watching(), 0)
  const failed = (err: unknown): void => log.warn({ err }, 'could not renew the leases of event streams')
  const timer = setInterval(() => void tend().catch(failed), renewEvery).unref()
  void tend().catch(failed)
  leases.onBack(() => {
    for (const followed of names) for (const name of followed()) wakes.add(runOf(name))
    void tend().catch(failed)
  })

  return {
    of,
    open,
    wake: wakes.add,
    async close(): Promise<void> {
      isClosing = true
      clearInterval(timer)
      wakes.clear()
      // One that is taken after it was handed over would be nobody's.
      await Promise.allSettled(taking)
      for (const watch of watches) watch.close()
      await leases.handOver([...held.keys()]).catch(failed)
    },
  }

  async function tend(): Promise<void> {
    for (const name of await leases.renew([...held.keys()])) {
      held.get(name)?.()
      held.delete(name)
      wakes.add(runOf(name))
    }
    for (const name of await leases.orphans()) {
      await following.wake(runOf(name))
      await leases.bury(name)
    }
    for (const prune of prunes) prune()
  }

  function of(settings: PostHogSettings): RunNews {
    /** By task run, each Run that follows it: an issue and its pull request have one session. */
    const followers = new Map<string, Set<string>>()
    const followersOf = (taskRunId: string): string[] => [...(followers.get(taskRunId) ?? [])]
    const woken = (taskRunId: string): void => {
      for (const name of followersOf(taskRunId)) wakes.add(runOf(name))
    }
    const classOf = { 'turn-over': 'end', stored: 'end', said: undefined, done: 'act' } as const
    const tell = async (taskRunId: string, news: News): Promise<void> => {
      const kind = classOf[news]
      const runs = followersOf(taskRunId).map(runOf)
      if (kind) await Promise.all(runs.map(id => settings.budget?.expect(id, kind))).catch(failed)
      woken(taskRunId)
    }
    const streams = watchRuns(settings, {
      log,
      now: following.now,
      pace: following.pace,
      hasRoom: () => open() < maxOpen,
      onNews: tell,
      onAlive(taskRunId) {
        if (isClosing) return
        for (const name of followersOf(taskRunId)) void take(taskRunId, name).catch(failed)
      },
      onAway(taskRunId) {
        for (const name of followersOf(taskRunId)) release(name)
        woken(taskRunId)
      },
    })
    watches.push(streams)
    names.push(() => [...followers.values()].flatMap(each => [...each]))
    prunes.push(() => {
      for (const taskRunId of followers.keys()) if (!streams.isKnown(taskRunId)) followers.delete(taskRunId)
    })
    return { watch, unwatch }

    async function watch(session: Session, { id, thread }: FollowedRun): Promise<boolean> {
      const { taskRunId } = session
      const name = `${id} ${taskRunId}`
      if (!streams.isKnown(taskRunId) && (await leases.isHeld(name).catch(() => false))) return true
      streams.watch(session, thread.owner)
      if (!streams.isKnown(taskRunId)) return false
      followers.set(taskRunId, new Set([...followersOf(taskRunId), name]))
      return (
        streams.isAlive(taskRunId) && (held.has(name) || (await take(taskRunId, name).catch(() => false)))
      )
    }

    /** Of two processes with one stream, the first to receive something keeps it. */
    async function take(taskRunId: string, name: string): Promise<boolean> {
      const taken = leases.take(name).then(isOurs => {
        if (!isOurs) forget(taskRunId, name)
        else if (streams.isAlive(taskRunId) && followers.get(taskRunId)?.has(name))
          held.set(name, () => forget(taskRunId, name))
        else release(name)
        return true
      })
      taking.add(taken)
      return taken.finally(() => taking.delete(taken))
    }

    function unwatch({ taskRunId }: Pick<Session, 'taskRunId'>, runId: string): void {
      const name = `${runId} ${taskRunId}`
      forget(taskRunId, name)
      release(name)
    }

    /** The stream closes with the last Run that follows it. */
    function forget(taskRunId: string, name: string): void {
      const others = followersOf(taskRunId).filter(other => other !== name)
      if (others.length > 0) return void followers.set(taskRunId, new Set(others))
      streams.unwatch(taskRunId)
      followers.delete(taskRunId)
    }
  }

  function release(name: string): void {
    held.delete(name)
    void leases.drop([name]).catch(failed)
  }
}

const runOf = (name: string): string => name.slice(0, name.lastIndexOf(' '))

function halfOfTheFiles(): number {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return most === undefined ? 10_000 : Math.min(10_000, Math.floor(Number(most) / 2))
  } catch {
    return 500
  }
}

const atATime = 10
/** ms */
const longestPause = 10_000

/**
 * Wakes Runs a few at a time. A wake that failed is repeated until the Run was woken, as nothing else would say it again.
 * @param failed hears of the first failure in a row for a Run
 * @param firstPause ms, doubled with each failure
 */
export function pileOf(
  wake: (runId: string) => Promise<void>,
  failed: (error: unknown) => void,
  firstPause = 500,
) {
  const waiting = new Set<string>()
  const failing = new Map<string, { pause: number; timer: NodeJS.Timeout | undefined }>()
  let underWay = 0

  function add(runId: string): void {
    waiting.add(runId)
    go()
  }

  function go(): void {
    for (const runId of waiting) {
      if (underWay >= atATime) return
      waiting.delete(runId)
      underWay += 1
      void wake(runId)
        .then(
          () => forget(runId),
          error => repeat(runId, error),
        )
        .finally(() => {
          underWay -= 1
          go()
        })
    }
  }

  function repeat(runId: string, error: unknown): void {
    const before = failing.get(runId)
    if (!before) failed(error)
    if (before?.timer) return
    const pause = Math.min(longestPause, before ? before.pause * 2 : firstPause)
    const again = (): void => {
      failing.set(runId, { pause, timer: undefined })
      add(runId)
    }
    failing.set(runId, { pause, timer: setTimeout(again, pause).unref() })
  }

  function forget(runId: string): void {
    clearTimeout(failing.get(runId)?.timer)
    failing.delete(runId)
  }

  return {
    add,
    size: (): number => waiting.size,
    clear(): void {
      waiting.clear()
      for (const runId of [...failing.keys()]) forget(runId)
    },
  }
}
