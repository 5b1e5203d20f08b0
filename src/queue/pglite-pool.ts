/**
 * PGlite as a `pg` pool with one session. Multi-statement texts need `exec`, and LISTEN needs `listen`: else workers
 * get no notifications.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { PGlite, Transaction } from '@electric-sql/pglite'
import type { PgPool, PgPoolClient } from 'bullmq'

/** BullMQ's workers fetch again at once after an error that is none of the connection's. */
const PAUSE_AFTER_FAILURE_MS = 500

/** Called after each statement. */
export interface Watching {
  done(): void
  /** @throws what makes the statement's own error needless */
  failed(): Promise<void>
}

/** BullMQ's functions speak so of a job that is not there, or whose lock is another's. */
const isVerdict = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'BM001'

const LISTEN = /^\s*LISTEN\s+(\w+)/m

export class PglitePool extends EventEmitter implements PgPool {
  /** So that BullMQ need not poll for a dropped connection. */
  readonly options = { keepAlive: true }
  readonly #db: PGlite
  readonly #watching: Watching
  readonly #transactions = new AsyncLocalStorage<Transaction>()

  constructor(db: PGlite, watching: Watching) {
    super()
    this.#db = db
    this.#watching = watching
  }

  async query(text: string, params?: readonly unknown[]) {
    const transaction = this.#transactions.getStore()
    const result = await (transaction
      ? run(transaction, text, params)
      : this.#orPause(() => run(this.#db, text, params)))
    this.#watching.done()
    return result
  }

  /** Runs `work` in a transaction; all other queries wait for its end. */
  transaction<T>(work: () => Promise<T>): Promise<T> {
    return this.#orPause(() => this.#db.transaction(tx => this.#transactions.run(tx, work)))
  }

  async #orPause<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (isVerdict(error)) throw error
      await setTimeout(PAUSE_AFTER_FAILURE_MS)
      await this.#watching.failed()
      throw error
    }
  }

  async connect() {
    return new PgliteSession(this.#db)
  }

  async end() {}
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

  release(): void {
    for (const stop of this.#stops.splice(0)) stop().catch(() => {})
  }
}

type Statements = Pick<PGlite, 'query' | 'exec'> | Pick<Transaction, 'query' | 'exec'>

/**
 * PGlite responds without passing the event loop, so busy workers would starve timers and requests: hence a pass after
 * each statement.
 */
async function run(db: Statements, text: string, params?: readonly unknown[]) {
  try {
    return await execute(db, text, params)
  } finally {
    await setImmediate()
  }
}

/** `never`: the caller asserts the row type, as with `pg`. */
async function execute(db: Statements, text: string, params?: readonly unknown[]) {
  if (params) {
    const { rows, affectedRows } = await db.query<never>(text, [...params])
    return { rows, rowCount: affectedRows ?? rows.length }
  }
  const last = (await db.exec(text)).at(-1)
  return { rows: (last?.rows ?? []) as never[], rowCount: last?.affectedRows ?? 0 }
}
