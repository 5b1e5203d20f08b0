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
  now?: () => number
  hasRoom?: () => boolean
  pace?: Partial<StreamPace>
}

/** Times are in ms. */
export interface StreamPace {
  minGap: number
  said: number
  done: number
  late: number
  /** When to look after the end of a turn, one pause after the other: its log shows it half a second late, or later. */
  afterTurn: readonly number[]
  /** PostHog sends something every 20 s; a silent connection is dead. */
  silence: number
  backoff: { first: number; most: number }
  reconnects: number
  window: number
  soon: number
}

const usualPace: StreamPace = {
  minGap: second,
  said: 3 * second,
  done: 15 * second,
  late: second,
  afterTurn: [0.7 * second, 2 * second, 4 * second, 8 * second, 16 * second],
  silence: 45 * second,
  backoff: { first: second, most: 5 * minute },
  reconnects: 6,
  window: 10 * minute,
  soon: 5 * second,
}

interface Wanted {
  owner?: string
  /** Another process has the stream, and keeps it for long enough: it counts as alive until it proves to be dead. */
  takenOver?: boolean
}

interface Watched {
  line: Line
  throttle: Throttle
  life: AbortController
  done: boolean
  alive: boolean
  hasReceived: boolean
  /** The weightiest since it rang last. */
  news: News
  reconnectedAt: number[]
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(over, ms).unref()
    signal.addEventListener('abort', over, { once: true })
    function over(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
  })
}

const weight: readonly News[] = ['done', 'said', 'stored', 'turn-over']

export type StreamWatch = ReturnType<typeof watchRuns>

export function watchRuns(settings: PostHogSettings, options: StreamOptions) {
  const { log, now = Date.now, hasRoom = () => true } = options
  const pace = { ...usualPace, ...options.pace }
  const runs = new Map<string, Watched>()
  const ring: Record<Exclude<News, 'turn-over'>, (throttle: Throttle) => void> = {
    stored: throttle => throttle.ring(),
    said: throttle => throttle.ringWithin(pace.said),
    done: throttle => throttle.ringWithin(pace.done),
  }
  let open = 0
  let closed = false

  return {
    watch(session: Session, wanted: Wanted = {}): void {
      if (!runs.has(session.taskRunId) && !closed && hasRoom()) begin(session, wanted)
    },

    unwatch(taskRunId: string): void {
      const run = runs.get(taskRunId)
      if (run) drop(run)
    },

    isKnown: (taskRunId: string): boolean => runs.has(taskRunId),

    isAlive: (taskRunId: string): boolean => runs.get(taskRunId)?.alive ?? false,

    watching: (): number => open,

    close(): void {
      closed = true
      for (const run of [...runs.values()]) drop(run)
    },
  }

  function begin(session: Session, { owner = '', takenOver = false }: Wanted): void {
    const { taskRunId } = session
    const life = new AbortController()
    const throttle = throttleOf(
      () => {
        const news = run.news
        run.news = 'done'
        void passOn(taskRunId, news)
      },
      { gap: pace.minGap, late: pace.late },
    )
    const newsOf = newsReader()
    const run: Watched = {
      throttle,
      life,
      done: false,
      alive: takenOver,
      hasReceived: false,
      reconnectedAt: [],
      news: 'done',
      line: {
        session,
        owner,
        failures: 0,
        signal: life.signal,
        lastId: undefined,
        opened: () => {
          run.hasReceived = false
          if (run.line.failures === 0) revive(run)
          if (run.reconnectedAt.length > 0 && run.line.lastId === undefined) throttle.ring()
        },
        received: data => {
          run.line.failures = 0
          run.hasReceived = true
          const news = data === undefined ? undefined : newsOf(data)
          if (news) hear(run, news)
          revive(run)
        },
      },
    }
    runs.set(taskRunId, run)
    open += 1
    follow(run).catch(error => {
      log.warn({ taskRun: taskRunId, err: error }, 'stopped trying to open the event stream of a run')
      drop(run)
    })
  }

  function hear(run: Watched, news: News): void {
    if (news === 'turn-over') run.throttle.ringAfter(pace.afterTurn, () => weigh(run, news))
    else {
      weigh(run, news)
      ring[news](run.throttle)
    }
  }

  function weigh(run: Watched, news: News): void {
    if (weight.indexOf(news) > weight.indexOf(run.news)) run.news = news
  }

  async function passOn(taskRunId: string, news: News): Promise<void> {
    try {
      await options.onNews(taskRunId, news)
    } catch (error) {
      log.warn({ taskRun: taskRunId, err: error }, 'could not pass on an event of a run')
    }
  }

  async function follow(run: Watched): Promise<void> {
    const { signal } = run.life
    while (!signal.aborted) {
      const ending = await connect(settings, run.line, { silence: pace.silence, now })
      if (signal.aborted) return
      if (ending.kind === 'over' || ending.kind === 'refused') return finish(run, ending)
      const wait = waitAfter(run, ending)
      if (!run.hasReceived || run.line.failures > 1 || wait > pace.soon) away(run)
      await pauseFor(wait, signal)
      run.reconnectedAt = [...run.reconnectedAt, now()].slice(-pace.reconnects)
    }
  }

  function waitAfter(run: Watched, ending: Ending): number {
    const oldest = run.reconnectedAt.at(-pace.reconnects)
    const spacing = oldest === undefined ? 0 : Math.max(0, oldest + pace.window - now())
    if (ending.kind !== 'lost') return spacing
    const { reason, until = 0 } = ending
    if (run.line.failures === 0)
      log.info({ taskRun: run.line.session.taskRunId, reason }, 'lost the event stream of a run')
    const again = backoff(run.line.failures, { ...pace.backoff, jitter: Math.random() })
    run.line.failures += 1
    return Math.max(spacing, Math.min(until - now(), hour), again)
  }

  function finish(run: Watched, ending: Ending): void {
    const taskRun = run.line.session.taskRunId
    if (ending.kind === 'refused')
      log.info({ taskRun, status: ending.status }, 'this run has no event stream')
    else hear(run, 'stored')
    end(run)
    away(run)
  }

  function end(run: Watched): void {
    if (!run.done) open -= 1
    run.done = true
  }

  function revive(run: Watched): void {
    if (!run.done) run.alive = true
  }

  function away(run: Watched): void {
    if (!run.alive) return
    run.alive = false
    options.onAway?.(run.line.session.taskRunId)
  }

  function drop(run: Watched): void {
    run.life.abort()
    run.throttle.still()
    end(run)
    run.alive = false
    const { taskRunId } = run.line.session
    if (runs.get(taskRunId) === run) runs.delete(taskRunId)
  }
}

type Throttle = ReturnType<typeof throttleOf>

/** Events during a gap cause one more ring at its end: the last of a burst counts too. */
function throttleOf(ring: () => void, { gap, late }: { gap: number; late: number }) {
  let owed = false
  let timer: NodeJS.Timeout | undefined
  let again: NodeJS.Timeout | undefined
  let stilled = false
  let later: { timer: NodeJS.Timeout; at: number } | undefined
  let lastSaid = 0

  const ringNow = (): void => {
    if (later && Date.now() - lastSaid >= late) forget()
    ring()
  }
  const next = (): void => {
    timer = undefined
    if (!owed) return
    owed = false
    timer = setTimeout(next, gap).unref()
    ringNow()
  }
  const ringSoon = (): void => {
    if (stilled) return
    owed = true
    if (!timer) next()
  }
  const ringAfter = ([pause, ...more]: readonly number[], due: () => void): void => {
    clearTimeout(again)
    if (pause === undefined || stilled) return
    const now = (): void => {
      due()
      ringSoon()
      ringAfter(more, due)
    }
    again = setTimeout(now, pause).unref()
  }
  const forget = (): void => {
    clearTimeout(later?.timer)
    later = undefined
  }
  const plan = (ms: number): void => {
    forget()
    later = { timer: setTimeout(() => ringLater(ms), ms).unref(), at: Date.now() + ms }
  }
  const ringLater = (ms: number): void => {
    later = undefined
    if (Date.now() - lastSaid < late) plan(ms)
    ringSoon()
  }
  return {
    /** Calls `ring` at once after a quiet gap. */
    ring: ringSoon,
    /** Calls `due` and `ring` after each of these pauses in turn, ms. */
    ringAfter,
    /** Calls `ring` once within `ms`, when the log is complete up to the last event. */
    ringWithin(ms: number): void {
      if (stilled) return
      lastSaid = Date.now()
      if (!later || later.at > lastSaid + ms) plan(ms)
    },
    still(): void {
      stilled = true
      clearTimeout(timer)
      clearTimeout(again)
      forget()
    },
  }
}
