/** PostHog's event stream, a hint to poll. Each connection is a call on the key's budget. */
import type { Log } from '../../core/model/ports.ts'
import { backoff, hour, minute, second } from '../../core/model/time.ts'
import type { Session } from '../../core/record/request-part.ts'
import type { PostHogSettings } from '../posthog-http.ts'
import { connect, type Ending, type Line, type News, newsReader } from './stream-connection.ts'

interface StreamOptions {
  /** Poll the run now. At most once per `minGap` for each run. */
  onNews(taskRunId: string, news: News): unknown
  onAway?(taskRunId: string): unknown
  log: Pick<Log, 'info' | 'warn'>
  hasRoom?: () => boolean
  pace?: Partial<StreamPace>
}

/** Times are in ms. */
const usualPace = {
  minGap: second,
  said: 3 * second,
  done: 15 * second,
  late: second,
  /** When to look after the end of a turn, one pause after the other: its log shows it half a second late, or 75 s. */
  afterTurn: [0.7 * second, 2 * second, 4 * second, 8 * second, 16 * second, 46 * second],
  /** PostHog sends something every 20 s; a silent connection is dead. */
  silence: 45 * second,
  backoff: { first: second, most: 5 * minute },
  reconnects: 6,
  window: 10 * minute,
  soon: 5 * second,
}
type StreamPace = typeof usualPace

interface WatchWanted {
  owner?: string
  /** Another process has the stream, and keeps it for long enough: it counts as alive until it proves to be dead. */
  takenOver?: boolean
}

interface WatchedRun extends Line {
  throttle: Throttle
  state: 'connecting' | 'alive' | 'over'
  hasReceived: boolean
  reconnectedAt: number[]
}

function pauseFor(ms: number, line: Line) {
  return new Promise<void>(resolve => {
    const timer = setTimeout(resolve, ms).unref()
    line.interrupt = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

export type StreamWatch = ReturnType<typeof watchRuns>

export function watchRuns(settings: PostHogSettings, options: StreamOptions) {
  const { log, hasRoom = () => true } = options
  const pace = { ...usualPace, ...options.pace }
  const runs = new Map<string, WatchedRun>()
  let closed = false

  return {
    watch(session: Session, wanted: WatchWanted = {}) {
      if (!runs.has(session.taskRunId) && !closed && hasRoom()) begin(session, wanted)
    },

    unwatch(taskRunId: string) {
      const run = runs.get(taskRunId)
      if (run) drop(run)
    },

    isKnown: (taskRunId: string) => runs.has(taskRunId),

    isAlive: (taskRunId: string) => runs.get(taskRunId)?.state === 'alive',

    watching: () => [...runs.values()].filter(({ state }) => state !== 'over').length,

    close() {
      closed = true
      for (const run of [...runs.values()]) drop(run)
    },
  }

  function begin(session: Session, { owner = '', takenOver = false }: WatchWanted) {
    const { taskRunId } = session
    const throttle = throttleOf(news => void passOn(taskRunId, news), pace)
    const newsOf = newsReader()
    const run: WatchedRun = {
      session,
      owner,
      throttle,
      isDropped: false,
      interrupt() {},
      state: takenOver ? 'alive' : 'connecting',
      hasReceived: false,
      reconnectedAt: [],
      failures: 0,
      lastId: undefined,
      opened() {
        run.hasReceived = false
        if (run.failures === 0) revive(run)
        if (run.reconnectedAt.length > 0 && run.lastId === undefined) throttle.ring()
      },
      received(data) {
        run.failures = 0
        run.hasReceived = true
        const news = data === undefined ? undefined : newsOf(data)
        if (news) throttle.hear(news)
        revive(run)
      },
    }
    runs.set(taskRunId, run)
    follow(run).catch(error => {
      log.warn(
        { taskRun: taskRunId, err: error },
        'stopped trying to open the event stream of a run',
      )
      drop(run)
    })
  }

  async function passOn(taskRunId: string, news: News) {
    try {
      await options.onNews(taskRunId, news)
    } catch (error) {
      log.warn({ taskRun: taskRunId, err: error }, 'could not pass on an event of a run')
    }
  }

  async function follow(run: WatchedRun) {
    while (!run.isDropped) {
      const ending = await connect(settings, run, pace.silence)
      if (run.isDropped) return
      if (ending.kind === 'over' || ending.kind === 'refused') return finish(run, ending)
      const wait = waitAfter(run, ending)
      if (!run.hasReceived || run.failures > 1 || wait > pace.soon) leave(run, 'connecting')
      await pauseFor(wait, run)
      run.reconnectedAt = [...run.reconnectedAt, Date.now()].slice(-pace.reconnects)
    }
  }

  function waitAfter(run: WatchedRun, ending: Ending): number {
    const oldest = run.reconnectedAt.at(-pace.reconnects)
    const spacing = oldest === undefined ? 0 : Math.max(0, oldest + pace.window - Date.now())
    if (ending.kind !== 'lost') return spacing
    const { reason, until = 0 } = ending
    if (run.failures === 0)
      log.info({ taskRun: run.session.taskRunId, reason }, 'lost the event stream of a run')
    const again = backoff(run.failures, { ...pace.backoff, jitter: Math.random() })
    run.failures += 1
    return Math.max(spacing, Math.min(until - Date.now(), hour), again)
  }

  function finish(run: WatchedRun, ending: Ending) {
    const taskRun = run.session.taskRunId
    if (ending.kind === 'refused')
      log.info({ taskRun, status: ending.status }, 'this run has no event stream')
    else run.throttle.hear('stored')
    leave(run, 'over')
  }

  function revive(run: WatchedRun) {
    if (run.state !== 'over') run.state = 'alive'
  }

  function leave(run: WatchedRun, state: WatchedRun['state']) {
    const wasAlive = run.state === 'alive'
    run.state = state
    if (wasAlive) options.onAway?.(run.session.taskRunId)
  }

  function drop(run: WatchedRun) {
    run.isDropped = true
    run.interrupt()
    run.throttle.still()
    run.state = 'over'
    const { taskRunId } = run.session
    if (runs.get(taskRunId) === run) runs.delete(taskRunId)
  }
}

type Throttle = ReturnType<typeof throttleOf>

const weight: readonly News[] = ['done', 'said', 'stored', 'turn-over']
const never = Number.POSITIVE_INFINITY

/**
 * Says when to poll for what was heard. Events during a gap cause one more ring at its end: the last of a burst counts
 * too.
 * @param ring gets the weightiest since it rang last
 */
function throttleOf(ring: (news: News) => void, pace: StreamPace) {
  // Moments are in ms of the monotonic clock.
  const now = () => performance.now()
  const turnAfter = (at: number, [pause = never, ...rest]: readonly number[]) => ({
    at: at + pause,
    rest,
  })
  let due = never
  let afterTurn = turnAfter(never, [])
  let afterText = { at: never, within: 0 }
  let lastTextAt = 0
  let rangAt = -never
  let weightiest: News = 'done'
  let timer: NodeJS.Timeout | undefined
  let stilled = false

  function plan() {
    clearTimeout(timer)
    const at = Math.max(rangAt + pace.minGap, Math.min(due, afterTurn.at, afterText.at))
    if (at === never || stilled) return
    if (at <= now()) ringAt(now())
    else timer = setTimeout(() => ringAt(Math.max(at, now())), at - now()).unref()
  }

  function ringAt(at: number) {
    if (afterTurn.at <= at) {
      weigh('turn-over')
      afterTurn = turnAfter(at, afterTurn.rest)
    }
    const isComplete = at - lastTextAt >= pace.late
    if (isComplete) afterText.at = never
    else if (afterText.at <= at) afterText.at = at + afterText.within
    due = never
    rangAt = at
    const news = weightiest
    weightiest = 'done'
    plan()
    ring(news)
  }

  function weigh(news: News) {
    if (weight.indexOf(news) > weight.indexOf(weightiest)) weightiest = news
  }

  return {
    /** Rings at once after a quiet gap. */
    ring() {
      due = now()
      plan()
    },
    hear(news: News) {
      if (news === 'turn-over') afterTurn = turnAfter(now(), pace.afterTurn)
      else weigh(news)
      if (news === 'stored') due = now()
      if (news === 'said' || news === 'done') {
        // It is told once within that time, when the log is complete up to the last text.
        lastTextAt = now()
        const within = pace[news]
        if (afterText.at > lastTextAt + within) afterText = { at: lastTextAt + within, within }
      }
      plan()
    },
    still() {
      stilled = true
      clearTimeout(timer)
    },
  }
}
