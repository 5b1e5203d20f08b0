/**
 * PGlite as a `pg` pool with one session. Multi-statement texts need `exec`, and LISTEN needs `listen`: else workers
 * get no notifications.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { PGlite, Transaction } from '@electric-sql/pglite'
import type { PgPool, PgPoolClient } from 'bullmq'
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import { assertRoom, type DataFolder } from './data-folder.ts'
import { QueueFull, type QueueLog } from './work-queue.ts'

/** The pause after a failure, as BullMQ's workers fetch again at once, and before the next search for room. */
const PAUSE_MS = 500
/** One statement in so many is of the other queues, however many there are of the queue for which people wait. */
const SHARE = 4
/** PostgreSQL's code for a full disk. */
const DISK_FULL = '53100'

export interface PoolOptions {
  /** The folder whose disk must have room. */
  dataDir: string
  folder: DataFolder
  log: QueueLog
  /** The queue for whose answers people wait. */
  ahead: string
  /** Called after each statement. */
  done(): void
}

const LISTEN = /^\s*LISTEN\s+(\w+)/m

/**
 * Runs one statement, or one transaction, at a time: those of commands before those of runs, of which there are many more.
 * While the disk is full, one waits, and all others behind it.
 */
export class PglitePool extends EventEmitter implements PgPool {
  /** BullMQ then need not poll for a dropped connection. */
  readonly options = { keepAlive: true }
  readonly #db: PGlite
  readonly #options: PoolOptions
  readonly #transactions = new AsyncLocalStorage<Transaction>()
  readonly #ahead: (() => Promise<void>)[] = []
  readonly #behind: (() => Promise<void>)[] = []
  #working: Promise<void> | undefined
  #isClosed = false

  constructor(db: PGlite, options: PoolOptions) {
    super()
    this.#db = db
    this.#options = options
  }

  async query(text: string, params?: readonly unknown[]) {
    const transaction = this.#transactions.getStore()
    const result = await (transaction
      ? run(transaction, text, params)
      : this.#orPause(params?.[0], () => run(this.#db, text, params)))
    this.#options.done()
    return result
  }

  /** Outside of the transaction from which it is called. */
  exec(text: string): Promise<unknown> {
    return this.#orPause(undefined, () => run(this.#db, text))
  }

  /** Runs `work` in a transaction; all other queries wait for its end. Again, if the disk was full. */
  transaction<T>(queue: string, work: () => Promise<T>): Promise<T> {
    return this.#orPause(queue, () => this.#db.transaction(tx => this.#transactions.run(tx, work)))
  }

  /** @param queue all statements name it first */
  async #orPause<T>(queue: unknown, call: () => Promise<T>): Promise<T> {
    const { folder, ahead } = this.#options
    const ended = new Promise<T>((resolve, reject) => {
      const line = queue === ahead ? this.#ahead : this.#behind
      line.push(() => this.#whenRoom(call).then(resolve, reject))
    })
    this.#working ??= this.#work()
    try {
      return await ended
    } catch (error) {
      // BullMQ's functions speak so of a job that is not there, or whose lock is another's.
      if (codeOf(error) === 'BM001') throw error
      await setTimeout(PAUSE_MS)
      await folder.assertThere()
      throw error
    }
  }

  async #work() {
    for (let n = 1; this.#ahead.length + this.#behind.length > 0; n += 1) {
      const lines = [this.#ahead, this.#behind]
      if (n % SHARE === 0) lines.reverse()
      await lines.find(line => line.length > 0)?.shift()?.()
    }
    this.#working = undefined
  }

  async #whenRoom<T>(call: () => Promise<T>): Promise<T> {
    const { dataDir, folder, log } = this.#options
    for (let waits = 0; ; waits += 1) {
      if (folder.gone) throw folder.gone
      if (this.#isClosed) throw new QueueUnavailable('the queue is closed')
      try {
        assertRoom(dataDir)
        if (waits > 0) log.warn({}, 'the disk of the queue has room again')
        return await call()
      } catch (error) {
        if (folder.gone || !(error instanceof QueueFull || codeOf(error) === DISK_FULL)) throw error
        if (waits === 0)
          log.error({ error: describe(error) }, 'the queue waits for room on its disk')
      }
      await setTimeout(PAUSE_MS, undefined, { ref: false })
    }
  }

  async connect() {
    return new PgliteSession(this.#db)
  }

  async end() {}

  /** A database that can't write is left as a kill would leave it. */
  async close() {
    const { dataDir, folder } = this.#options
    try {
      if (folder.gone) return
      assertRoom(dataDir)
      await this.#working
      await this.#db.close()
    } catch (error) {
      if (!(error instanceof QueueFull)) throw error
    } finally {
      this.#isClosed = true
    }
  }
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? error.code : undefined

/**
 * If its log finds no room on the disk, a PostgreSQL server ends. PGlite fails, and then loops for ever at
 * whatever it is sent next: so nothing is.
 */
export function endAfterPanic(db: PGlite, folder: DataFolder): void {
  const execute = db.execProtocolStream.bind(db)
  db.execProtocolStream = async (message, options) => {
    if (folder.gone) throw folder.gone
    try {
      return await execute(message, options)
    } catch (error) {
      if (error instanceof Error && 'severity' in error && error.severity === 'PANIC')
        folder.lose(`failed for good: ${error.message}`)
      throw error
    }
  }
}

export class PgliteSession extends EventEmitter implements PgPoolClient {
  readonly #db: PGlite
  readonly #stops: (() => Promise<void>)[] = []

  constructor(db: PGlite) {
    super()
    this.#db = db
  }

  async query(text: string, params?: readonly unknown[]) {
    const channel = LISTEN.exec(text)?.[1]
    if (channel === undefined) return run(this.#db, text, params)
    const notify = (payload: string) => this.emit('notification', { channel, payload })
    this.#stops.push(await this.#db.listen(channel, notify))
    return { rows: [], rowCount: 0 }
  }

  release() {
    for (const stop of this.#stops.splice(0)) stop().catch(() => {})
  }
}

type Statements = Pick<PGlite, 'query' | 'exec'> | Pick<Transaction, 'query' | 'exec'>

/**
 * PGlite responds without passing the event loop, so busy workers would starve timers and requests: hence a pass before
 * each statement, in which requests that were begun leave.
 */
async function run(db: Statements, text: string, params?: readonly unknown[]) {
  await setImmediate()
  // `never`: the caller asserts the row type, as with `pg`.
  if (params) {
    const { rows, affectedRows } = await db.query<never>(text, [...params])
    return { rows, rowCount: affectedRows ?? rows.length }
  }
  const last = (await db.exec(text)).at(-1)
  return { rows: (last?.rows ?? []) as never[], rowCount: last?.affectedRows ?? 0 }
}
