/** Whether the bot can work. An outage does not make it unready, since the queue keeps what arrives. */
import { type Check, lineOf } from './core/model/check.ts'
import type { Log } from './core/model/ports.ts'

export interface Readiness {
  isReady(): boolean
  failed(): readonly Check[]
  close(): void
}

interface Watched {
  examine(): Promise<Check[]>
  log: Log
  ready(): void
}

const firstWithin = 5_000

/** ms between two checks while something fails, doubling up to `seldom`. */
const soonest = 5_000
const latest = 60_000

const seldom = 10 * 60_000

const needed: ReadonlySet<Check['name']> = new Set([
  'github-app',
  'posthog-key',
  'posthog-project',
  'posthog-scope',
  'posthog-model',
])

export function watchReadiness({ examine, log, ready }: Watched): Readiness {
  let checks: readonly Check[] = []
  let isReady = false
  let closed = false
  let pause = soonest
  let timer: NodeJS.Timeout | undefined

  const check = async (): Promise<void> => {
    const now = await examine()
    if (closed) return
    clearTimeout(late)
    announce(now, checks, log)
    checks = now
    settle(!stops(now))
    const failed = now.filter(({ ok }) => !ok)
    if (failed.length === 0) return
    const soon = stops(now) || failed.some(({ outage }) => outage)
    timer = setTimeout(checkAgain, soon ? pause : seldom).unref()
    pause = Math.min(latest, pause * 2)
  }
  const checkAgain = (): void =>
    void check().catch(error => {
      log.error({ err: error }, 'the checks could not be done')
      if (!closed) timer = setTimeout(checkAgain, pause).unref()
    })
  const settle = (next: boolean): void => {
    if (next && !isReady) ready()
    if (!next) log.error({ failed: failedOf(checks).map(({ name }) => name) }, 'not ready')
    isReady = next
  }
  const late = setTimeout(() => settle(true), firstWithin).unref()
  checkAgain()
  return {
    isReady: () => isReady,
    failed: () => failedOf(checks),
    close() {
      closed = true
      clearTimeout(late)
      clearTimeout(timer)
    },
  }
}

const failedOf = (checks: readonly Check[]): Check[] => checks.filter(({ ok }) => !ok)

/** Whether nobody is served: one owner's wrong key does not make the bot unready. */
function stops(checks: readonly Check[]): boolean {
  const wrong = checks.filter(({ name, ok, outage }) => needed.has(name) && !ok && !outage)
  if (wrong.some(({ name }) => name === 'github-app')) return true
  const owners = new Set(checks.filter(({ name }) => name === 'posthog-key').map(({ owner }) => owner))
  return owners.size > 0 && [...owners].every(owner => wrong.some(each => each.owner === owner))
}

function announce(now: readonly Check[], before: readonly Check[], log: Log): void {
  const known = new Set(before.map(lineOf))
  for (const check of now) {
    const line = lineOf(check)
    if (known.has(line)) continue
    const about = { check: check.name }
    if (check.ok) log.info(about, line)
    else if (check.outage || !needed.has(check.name)) log.warn(about, line)
    else log.error(about, line)
  }
}
