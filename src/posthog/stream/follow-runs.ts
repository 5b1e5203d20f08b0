/**
 * Follows PostHog's streams of live Runs. Streams are hints: without one, a Run is polled.
 *
 * Whoever polls a Run has its stream. Any process may take the next poll, and opens a stream of its own then. The process
 * before it sees that a poll was due, or that it woke the Run, and was not asked: it closes its stream a little later.
 */
import { readFileSync } from 'node:fs'
import type { Log } from '../../core/model/ports.ts'
import { backoff, minute, second } from '../../core/model/time.ts'
import type { Session } from '../../core/record/request-part.ts'
import type { PostHogSettings } from '../posthog-http.ts'
import { type StreamWatch, watchRuns } from './run-stream.ts'
import type { News } from './stream-connection.ts'

interface FollowingParts {
  wake(runId: string): Promise<void>
  live(): Promise<readonly string[]>
  /** When this process last connected to the queue. */
  connectedAt(): number
  log: Pick<Log, 'info' | 'warn'>
  maxOpen?: number
  /** ms */
  tendEvery?: number
  /** ms that a stream stays open after another process may have polled its Run. */
  keepOpenMs?: number
}

export type Follower = ReturnType<typeof followRuns>

/** The streams of one PostHog key. */
interface Followed {
  streams: StreamWatch
  /**
   * For each task run, the Runs that follow it, and when each is polled next. An issue and its pull request have one
   * session.
   */
  runs: Map<string, Map<string, number>>
}

export function followRuns(following: FollowingParts) {
  const { log, tendEvery = 5 * second, keepOpenMs = minute } = following
  const { maxOpen = halfOfTheFiles() } = following
  const followed: Followed[] = []
  const wakes = pileOf(following.wake, err => log.warn({ err }, 'a run could not be woken'))
  const open = () => followed.reduce((sum, { streams }) => sum + streams.watching(), 0)
  const begunAt = Date.now()
  let connectedAt: number | undefined
  const failed = (err: unknown) => log.warn({ err }, 'could not wake the live runs')
  const timer = setInterval(() => void tend().catch(failed), tendEvery).unref()
  void tend().catch(failed)

  return {
    of,
    open,
    /** Whoever takes up its Runs opens their streams. */
    async close() {
      clearInterval(timer)
      wakes.clear()
      const left = followed.flatMap(({ runs }) =>
        [...runs.values()].flatMap(each => [...each.keys()]),
      )
      for (const { streams } of followed) streams.close()
      await Promise.allSettled(left.map(following.wake))
    },
  }

  async function tend() {
    for (const each of followed)
      for (const [taskRunId, runs] of each.runs)
        for (const [id, due] of runs) if (due + keepOpenMs < Date.now()) forget(each, taskRunId, id)
    const at = following.connectedAt()
    if (at === connectedAt) return
    // A process that died may have had their streams, and a queue that was away may have lost who was woken.
    for (const id of await following.live()) wakes.add(id)
    connectedAt = at
  }

  function of(settings: PostHogSettings) {
    const runs: Followed['runs'] = new Map()
    const idsOf = (taskRunId: string) => [...(runs.get(taskRunId)?.keys() ?? [])]
    const wakeAll = (taskRunId: string) => {
      for (const id of idsOf(taskRunId)) {
        wakes.add(id)
        expectPoll({ taskRunId }, id, Date.now())
      }
    }
    const streams = watchRuns(settings, {
      log,
      hasRoom: () => open() < maxOpen,
      async onNews(taskRunId: string, news: News) {
        const isEnd = news === 'turn-over' || news === 'stored'
        const ending = isEnd ? idsOf(taskRunId) : []
        await Promise.all(ending.map(id => settings.budget?.expectEnd(id))).catch(err =>
          log.warn({ err }, 'could not say why a run is polled'),
        )
        wakeAll(taskRunId)
      },
      onAway: wakeAll,
    })
    const own = { streams, runs }
    followed.push(own)
    return {
      /**
       * Wakes the Run on events of its session.
       * @param streamedAt when it was last polled, if its stream was open then: whoever has that still keeps it for a while
       * @returns whether a stream is open, so that polls can be rare
       */
      watch(
        session: Session,
        { id, thread }: { id: string; thread: { owner: string } },
        streamedAt = 0,
      ): boolean {
        const { taskRunId } = session
        // Whoever polled it before this process began may be dead.
        streams.watch(session, { owner: thread.owner, takenOver: streamedAt >= begunAt })
        if (!streams.isKnown(taskRunId)) return false
        runs.set(taskRunId, (runs.get(taskRunId) ?? new Map()).set(id, Date.now()))
        return streams.isAlive(taskRunId)
      },
      expectPoll,
      unwatch: ({ taskRunId }: Pick<Session, 'taskRunId'>, runId: string) =>
        forget(own, taskRunId, runId),
    }

    /** When the Run is polled next, ms since the epoch. */
    function expectPoll({ taskRunId }: Pick<Session, 'taskRunId'>, runId: string, at: number) {
      const those = runs.get(taskRunId)
      if (those?.has(runId)) those.set(runId, at)
    }
  }

  /** The stream closes with the last Run that follows it. */
  function forget({ streams, runs }: Followed, taskRunId: string, runId: string) {
    const those = runs.get(taskRunId)
    those?.delete(runId)
    if (those && those.size > 0) return
    runs.delete(taskRunId)
    streams.unwatch(taskRunId)
  }
}

function halfOfTheFiles(): number {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return most === undefined ? 10_000 : Math.min(10_000, Math.floor(Number(most) / 2))
  } catch {
    return 500
  }
}

const atATime = 10

/**
 * Wakes Runs a few at a time. A wake that failed is repeated until the Run was woken, as nothing else would say it again.
 * @param failed hears of the first failure in a row for a Run
 * @param first ms until the first repeat
 */
export function pileOf(
  wake: (runId: string) => Promise<void>,
  failed: (error: unknown) => void,
  first = 500,
) {
  const waiting = new Set<string>()
  /** How often in a row each could not be woken. */
  const failures = new Map<string, number>()
  let underWay = 0

  function add(runId: string) {
    waiting.add(runId)
    if (underWay < atATime) void wakeWaiting()
  }

  async function wakeWaiting() {
    underWay += 1
    for (const runId of waiting) {
      waiting.delete(runId)
      await wake(runId).then(
        () => failures.delete(runId),
        error => repeat(runId, error),
      )
    }
    underWay -= 1
  }

  function repeat(runId: string, error: unknown) {
    const before = failures.get(runId) ?? 0
    if (before === 0) failed(error)
    failures.set(runId, before + 1)
    const again = () => {
      if (failures.has(runId)) add(runId)
    }
    setTimeout(again, backoff(before, { first, most: 10 * second })).unref()
  }

  return {
    add,
    size: () => waiting.size,
    clear() {
      waiting.clear()
      failures.clear()
    },
  }
}
