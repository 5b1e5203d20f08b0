/**
 * PostHog's event stream of a task run, as a hint to look now. Events repeat and get lost and nothing of
 * them is kept, so whatever goes wrong here only means that the next look is the timer's. One connection a
 * run; each is a call on the budget of the key, so there are bounds on how many and how often.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { hour, minute, second } from '../../core/model/time.ts'
import type { Session } from '../../core/run/session.ts'
import type { PostHogSettings } from '../posthog-http.ts'
import { connect, type Ending, type Line } from './stream-connection.ts'
import { newsReader, type Throttle, throttleOf } from './stream-news.ts'

interface StreamOptions {
  /** Look at the run now. At most once per `minGap` for each run. */
  onNews(taskRunId: string): unknown
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
  now?: () => number
  /** The runs beyond it are left to the timers. */
  maxWatched?: number
  pace?: Partial<StreamPace>
}

/** All in ms, but for `reconnects`. */
interface StreamPace {
  minGap: number
  /** PostHog sends something every 20 s; a connection without a byte for this long is dead. */
  silence: number
  /** The wait before the first try after a failure; doubled for each one more. */
  backoff: number
  longestBackoff: number
  /** So many reconnections of one run in `window`. */
  reconnects: number
  window: number
  /** A connection is not renewed for a run that was not asked about for this long. */
  forget: number
}

const usualPace: StreamPace = {
  minGap: second,
  silence: minute,
  backoff: second,
  longestBackoff: minute,
  reconnects: 6,
  window: 10 * minute,
  forget: 15 * minute,
}

interface Watched {
  line: Line
  throttle: Throttle
  /** Aborted when nobody is to be told any more. */
  life: AbortController
  askedAt: number
  /** The run is over, or this server does not stream it: no more connections. */
  done: boolean
  failures: number
  reconnectedAt: number[]
}

/** So many of the done are remembered, so that `watch` does not begin with them again. */
const maxMemory = 1000

export type StreamWatch = ReturnType<typeof watchRuns>

export function watchRuns(settings: PostHogSettings, options: StreamOptions) {
  const { log, now = Date.now, maxWatched = 100 } = options
  const pace = { ...usualPace, ...options.pace }
  const runs = new Map<string, Watched>()
  let closed = false

  const watching = (): number => [...runs.values()].filter(({ done }) => !done).length

  return {
    /** Asks for news of a live run. To be said at every look: what nobody asks about any more is dropped. */
    watch(session: Session): void {
      const known = runs.get(session.taskRunId)
      if (known) known.askedAt = now()
      else if (!closed && watching() < maxWatched) begin(session)
    },

    /** No more news of it from now on. */
    unwatch(taskRunId: string): void {
      const run = runs.get(taskRunId)
      if (run) drop(run)
    },

    /** How many runs have a connection, or will have one again. */
    watching,

    close(): void {
      closed = true
      for (const run of [...runs.values()]) drop(run)
    },
  }

  function begin(session: Session): void {
    const { taskRunId } = session
    const life = new AbortController()
    const throttle = throttleOf(() => void tell(taskRunId), pace.minGap)
    const looksFor = newsReader()
    const run: Watched = {
      throttle,
      life,
      askedAt: now(),
      done: false,
      failures: 0,
      reconnectedAt: [],
      line: {
        session,
        signal: life.signal,
        lastId: undefined,
        opened: () => {
          // What came while nobody listened can't be asked for without an id.
          if (run.reconnectedAt.length > 0 && run.line.lastId === undefined) throttle.ring(1)
        },
        heard: data => {
          run.failures = 0
          if (data !== undefined) throttle.ring(looksFor(data))
        },
      },
    }
    runs.set(taskRunId, run)
    follow(run).catch(error => {
      log.warn({ taskRun: taskRunId, err: error }, 'stream of a run given up')
      drop(run)
    })
  }

  async function tell(taskRunId: string): Promise<void> {
    try {
      await options.onNews(taskRunId)
    } catch (error) {
      log.warn({ taskRun: taskRunId, err: error }, 'news of a run could not be passed on')
    }
  }

  async function follow(run: Watched): Promise<void> {
    const { signal } = run.life
    while (!signal.aborted) {
      const ending = await connect(settings, run.line, { silence: pace.silence, now })
      if (signal.aborted) return
      if (ending.kind === 'over' || ending.kind === 'refused') return finish(run, ending)
      if (now() - run.askedAt > pace.forget) return drop(run)
      await sleep(waitAfter(run, ending), undefined, { signal, ref: false }).catch(() => {})
      run.reconnectedAt = [...run.reconnectedAt, now()].slice(-pace.reconnects)
    }
  }

  function waitAfter(run: Watched, ending: Ending): number {
    const oldest = run.reconnectedAt.at(-pace.reconnects)
    const turn = oldest === undefined ? 0 : Math.max(0, oldest + pace.window - now())
    if (ending.kind !== 'lost') return turn
    const { reason, until = 0 } = ending
    if (run.failures === 0) log.info({ taskRun: run.line.session.taskRunId, reason }, 'stream of a run lost')
    const backoff = Math.min(pace.longestBackoff, pace.backoff * 2 ** Math.min(run.failures, 20))
    run.failures += 1
    return Math.max(turn, Math.min(until - now(), hour), backoff * (1 - Math.random() / 2))
  }

  function finish(run: Watched, ending: Ending): void {
    const taskRun = run.line.session.taskRunId
    if (ending.kind === 'refused') log.info({ taskRun, status: ending.status }, 'no stream of this run')
    else run.throttle.ring(1)
    run.done = true
    const done = [...runs.values()].filter(one => one.done)
    for (const old of done.slice(0, -maxMemory)) drop(old)
  }

  function drop(run: Watched): void {
    run.life.abort()
    run.throttle.still()
    const { taskRunId } = run.line.session
    if (runs.get(taskRunId) === run) runs.delete(taskRunId)
  }
}
