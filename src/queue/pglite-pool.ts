/**
 * PGlite as a `pg` pool with one session. Multi-statement texts need `exec`, and LISTEN needs `listen`: else workers
 * get no notifications.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { link, realpath, rename, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { PGlite, Transaction } from '@electric-sql/pglite'
import type { PgPool, PgPoolClient } from 'bullmq'
import { QueueUnavailable } from '../core/model/errors.ts'
import type { QueueLog } from './queue-log.ts'
import { QueueGone } from './work-queue.ts'

/** BullMQ's workers fetch again at once after an error that is none of the connection's. */
const PAUSE_AFTER_FAILURE_MS = 500

/** Called after each statement. */
export interface Watching {
  done(): void
  /** @throws what makes the statement's own error needless */
  failed(): Promise<void>
}

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
      // BullMQ's functions speak so of a job that is not there, or whose lock is another's.
      if (error instanceof Error && 'code' in error && error.code === 'BM001') throw error
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
    // `never`: the caller asserts the row type, as with `pg`.
    if (params) {
      const { rows, affectedRows } = await db.query<never>(text, [...params])
      return { rows, rowCount: affectedRows ?? rows.length }
    }
    const last = (await db.exec(text)).at(-1)
    return { rows: (last?.rows ?? []) as never[], rowCount: last?.affectedRows ?? 0 }
  } finally {
    await setImmediate()
  }
}

// Whether the database's folder is still there. PGlite never learns that it was deleted: it goes on with the files it
// has open, and fails at those that it opens next.

export interface DataFolder {
  /** @throws QueueGone for ever after it was found deleted, or another in its place */
  assertThere(): Promise<void>
}

export async function watchFolder(folder: string, log: QueueLog): Promise<DataFolder> {
  const identity = () =>
    stat(join(folder, 'PG_VERSION')).then(
      ({ dev, ino }) => `${dev} ${ino}`,
      error => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return 'none'
        throw error
      },
    )
  const first = await identity()
  let gone: QueueGone | undefined
  return {
    async assertThere() {
      if (!gone && (await identity()) === first) return
      if (!gone) {
        gone = new QueueGone(folder)
        log.error({ folder }, `${gone.message}. ${gone.fix}`)
      }
      throw gone
    },
  }
}

// Lets one process open a directory, by a Unix socket: the kernel drops it however the process dies, and unlike a pid
// it is never another's.

/** The shortest path limit of a socket (macOS 104, Linux 108), unchecked by Node. */
const LONGEST_PATH = 100
const RESPONSE_TIMEOUT_MS = 500
const ATTEMPTS = 5

export interface Claim {
  release(): Promise<void>
}

/** @throws QueueUnavailable when another process, or this one, has claimed `directory`. */
export async function claimDirectory(directory: string): Promise<Claim> {
  const real = await realpath(directory)
  const inside = join(real, 'queue.lock')
  const outside = join(tmpdir(), `queue-${createHash('sha256').update(real).digest('hex').slice(0, 24)}.lock`)
  if (Buffer.byteLength(inside) > LONGEST_PATH) return claim(outside, directory)
  return claim(inside, directory).catch(error => {
    if (error instanceof QueueUnavailable) throw error
    return claim(outside, directory)
  })
}

async function claim(path: string, directory: string): Promise<Claim> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await openSocket(path)
    if (server) return { release: () => new Promise(resolve => server.close(() => resolve())) }
    const owner = await ownerOf(path)
    if (owner) throw inUse(directory, owner)
    await removeStale(path)
  }
  throw inUse(directory, 'other processes that start just now')
}

function inUse(directory: string, owner: string): QueueUnavailable {
  return new QueueUnavailable(
    `${directory} is in use by ${owner}. One process at a time can use it: stop that one, give this one a ` +
      'directory of its own, or set REDIS_URL to run several.',
  )
}

function openSocket(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.on('error', () => {}).end(`process ${process.pid}`))
    server.once('error', error => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(path, () => resolve(server.unref()))
  })
}

/** Who listens; undefined if nobody. A frozen owner connects but sends no name. */
function ownerOf(path: string): Promise<string | undefined> {
  return new Promise(resolve => {
    let name = ''
    const socket = connect(path)
    const done = (owner: string | undefined) => {
      socket.destroy()
      resolve(owner)
    }
    socket.setTimeout(RESPONSE_TIMEOUT_MS, () => done('another process'))
    socket.on('data', chunk => {
      name += chunk.toString()
    })
    socket.on('end', () => done(name || 'another process'))
    socket.on('error', () => done(undefined))
  })
}

/** Moved aside and checked again: another process may just have made its own. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${randomUUID().slice(0, 8)}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return
  if (await ownerOf(aside)) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}
