/** Whether the bot can work. An outage does not make it unready, since the queue keeps what arrives. */
import { type Check, indispensable, lineOf } from './core/model/check.ts'
import type { Log } from './core/model/ports.ts'
import { backoff, minute, second } from './core/model/time.ts'

export type Readiness = ReturnType<typeof watchReadiness>

interface WatchedCheck {
  examine(): Promise<Check[]>
  log: Log
  ready(): void
}

const firstWithin = 5 * second

/** ms. What is right may be changed elsewhere. */
const seldom = 5 * minute

export function watchReadiness({ examine, log, ready }: WatchedCheck) {
  let checks: readonly Check[] = []
  let isReady = false
  let closed = false
  /** Looks in a row that are repeated soon. */
  let failures = 0
  /** Something was refused while all was examined. */
  let isHurried = false
  /** Is unset while all is examined. */
  let timer: NodeJS.Timeout | undefined

  const settle = (next: boolean) => {
    if (next && !isReady) ready()
    if (!next) log.error({ failed: failedOf(checks).map(({ name }) => name) }, 'not ready')
    isReady = next
  }
  const late = setTimeout(() => settle(true), firstWithin).unref()
  async function examineAll() {
    timer = undefined
    isHurried = false
    const its = await examine().catch(err => {
      log.error({ err }, 'the checks could not be done')
    })
    if (closed) return
    if (its) {
      logNews(its, checks, log)
      checks = its
      clearTimeout(late)
      settle(!servesNobody(its))
    }
    const isWell = its !== undefined && isReady && !its.some(({ outage }) => outage)
    if (isWell) failures = 0
    const again = isWell ? seldom : backoff(failures++, { first: 5 * second })
    timer = setTimeout(examineAll, isHurried ? 0 : again).unref()
  }
  void examineAll()
  return {
    isReady: () => isReady,
    failed: (): readonly Check[] => failedOf(checks),
    /** Examines again now: something that was right has been refused. */
    hurry() {
      isHurried = true
      if (timer && !closed) {
        clearTimeout(timer)
        void examineAll()
      }
    },
    close() {
      closed = true
      clearTimeout(late)
      clearTimeout(timer)
    },
  }
}

const failedOf = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok)

/** Whether nobody is served: one owner's wrong key does not make the bot unready. */
function servesNobody(checks: readonly Check[]): boolean {
  const wrong = checks.filter(({ name, ok, outage }) => indispensable.has(name) && !ok && !outage)
  if (wrong.some(({ name }) => name === 'github-app')) return true
  const ofOwners = checks.filter(({ name }) => name === 'posthog-key' || name === 'posthog-host')
  const owners = new Set(ofOwners.map(({ owner }) => owner))
  return owners.size > 0 && [...owners].every(owner => wrong.some(each => each.owner === owner))
}

/** What stays well is no news, however its details change. */
function logNews(now: readonly Check[], before: readonly Check[], log: Log) {
  const known = new Set(before.map(lineOf))
  const wasWell = new Set(before.filter(({ ok }) => ok).map(checkKey))
  for (const check of now) {
    const line = lineOf(check)
    if (known.has(line) || (check.ok && wasWell.has(checkKey(check)))) continue
    const about = { check: check.name }
    if (check.ok) log.info(about, line)
    else if (check.outage || !indispensable.has(check.name)) log.warn(about, line)
    else log.error(about, line)
  }
}

const checkKey = ({ name, owner }: Check) => `${name} ${owner ?? ''}`
