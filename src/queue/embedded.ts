/**
 * BullMQ's PostgreSQL backend on PGlite, in this process. PGlite is one session, so the "pool" below hands out
 * that session every time. Two things need care: a text of many statements has to go through `exec`, and LISTEN
 * through `listen`, or notifications never arrive and workers sleep until they next poll.
 */
import { EventEmitter } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { createPostgresBackend, type PgPool, type PgPoolClient, runMigrations } from 'bullmq'
import { claimDirectory } from './directory-claim.ts'
import type { Log } from './log.ts'
import type { QueueBackend } from './queue-backend.ts'

const HOUR = 3_600_000
const LISTEN = /^\s*LISTEN\s+(\w+)/m

export async function openEmbedded(dataDir: string, log: Log): Promise<QueueBackend> {
  await mkdir(dataDir, { recursive: true })
  const claim = await claimDirectory(dataDir)
  try {
    const db = await PGlite.create(join(dataDir, 'queue'))
    await prepare(db)
    return backendOn(db, log, claim.release)
  } catch (error) {
    await claim.release()
    throw error
  }
}

/**
 * Nobody else can hold a job when this process starts, so whatever is active was left by a crash: let BullMQ's
 * first stalled check reclaim it at once, rather than wait for locks to lapse.
 */
const ORPHANS = `
  UPDATE job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active';
  DELETE FROM meta WHERE field = 'stalled-check';`

async function prepare(db: PGlite): Promise<void> {
  await db.exec('CREATE SCHEMA IF NOT EXISTS bullmq; SET search_path = bullmq')
  await runMigrations(new Session(db))
  await db.exec(ORPHANS)
  await tidy(db)
}

/** BullMQ's own bound on the number of ended jobs costs a walk through all of them each time a job ends. */
const SURPLUS = `
  DELETE FROM job USING (
    SELECT queue, id, row_number() OVER (PARTITION BY queue ORDER BY finished_at_ms DESC) AS place
      FROM job WHERE state IN ('completed', 'failed')) AS ended
   WHERE ended.place > 100000 AND job.queue = ended.queue AND job.id = ended.id`

/** One session has neither an autovacuum nor a checkpointer: without these the files would only ever grow. */
async function tidy(db: PGlite): Promise<void> {
  await db.exec(SURPLUS)
  await db.exec('VACUUM')
  await db.exec('CHECKPOINT')
}

function backendOn(db: PGlite, log: Log, release: () => Promise<void>): QueueBackend {
  const pool = new Pool(db)
  const timer = setInterval(() => {
    tidy(db).catch(error => log.warn({ error: String(error) }, 'could not tidy the embedded queue'))
  }, HOUR)
  timer.unref()
  return {
    kind: 'embedded',
    create: (name, options, more) => createPostgresBackend(name, { ...options, connection: pool }, more),
    ping: async () => {
      await db.query('SELECT 1')
    },
    close: async () => {
      clearInterval(timer)
      await db.close().finally(release)
    },
  }
}

async function run(db: PGlite, text: string, params?: readonly unknown[]) {
  if (params) {
    const { rows, affectedRows } = await db.query(text, [...params])
    return { rows: rows as never[], rowCount: affectedRows ?? rows.length }
  }
  const last = (await db.exec(text)).at(-1)
  return { rows: (last?.rows ?? []) as never[], rowCount: last?.affectedRows ?? 0 }
}

class Session extends EventEmitter implements PgPoolClient {
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

class Pool extends EventEmitter implements PgPool {
  /** Tells BullMQ that this connection cannot drop unnoticed, so that it need not poll. */
  readonly options = { keepAlive: true }
  readonly #db: PGlite

  constructor(db: PGlite) {
    super()
    this.#db = db
  }

  async query(text: string, params?: readonly unknown[]) {
    return run(this.#db, text, params)
  }

  async connect() {
    return new Session(this.#db)
  }

  async end() {}
}
