/**
 * PGlite as a `pg` pool with one session. Multi-statement texts need `exec`, and LISTEN needs `listen`: else workers
 * get no notifications.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { PGlite, Transaction } from '@electric-sql/pglite'
import type { PgPool, PgPoolClient } from 'bullmq'

const LISTEN = /^\s*LISTEN\s+(\w+)/m

export class PglitePool extends EventEmitter implements PgPool {
  /** So that BullMQ need not poll for a dropped connection. */
  readonly options = { keepAlive: true }
  readonly #db: PGlite
  readonly #onStatement: () => void
  readonly #transactions = new AsyncLocalStorage<Transaction>()

  constructor(db: PGlite, onStatement: () => void) {
    super()
    this.#db = db
    this.#onStatement = onStatement
  }

  async query(text: string, params?: readonly unknown[]) {
    const result = await run(this.#transactions.getStore() ?? this.#db, text, params)
    this.#onStatement()
    return result
  }

  /** Runs `work` in a transaction; all other queries wait for its end. */
  transaction<T>(work: () => Promise<T>): Promise<T> {
    return this.#db.transaction(tx => this.#transactions.run(tx, work))
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
