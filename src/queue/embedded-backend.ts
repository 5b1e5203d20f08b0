/** BullMQ's PostgreSQL backend on PGlite, in this process. What a server does in the background is done here. */
import { mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { PGlite } from '@electric-sql/pglite'
import { createPostgresBackend, runMigrations } from 'bullmq'
import { QueueUnavailable } from '../core/model/errors.ts'
import { type DataFolder, watchFolder } from './data-folder.ts'
import { claimDirectory } from './directory-claim.ts'
import { embeddedIndex, withIndex } from './embedded-index.ts'
import { schema } from './embedded-schema.ts'
import { PglitePool, PgliteSession } from './pglite-pool.ts'
import type { QueueBackend } from './queue-backend.ts'
import { describe, type QueueLog } from './queue-log.ts'

const HOUR = 3_600_000
/** Bytes for work under way: a WAL file takes 16 MB. */
const MARGIN = 48 * 2 ** 20
const VACUUM_EVERY = 1_000

/** At the start every active job is left from a crash: have BullMQ reclaim it at its first stalled check. */
const ORPHANS = `
  UPDATE job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active';
  DELETE FROM meta WHERE field = 'stalled-check';`

const NAME = 'SELECT name FROM job WHERE queue = $1 AND id = $2'

const LIVE_STATES = ['waiting', 'active', 'delayed']
const ofEachState = (columns: string) =>
  LIVE_STATES.map(state => `SELECT ${columns} FROM job WHERE queue = $1 AND state = '${state}'`).join(
    ' UNION ALL ',
  )
const LIVE = ofEachState('id, data, added_at_ms')
const LIVE_COUNT = `SELECT sum(jobs)::int AS jobs FROM (${ofEachState('count(*) AS jobs')}) AS each_state`

/** BullMQ's own bound counts all ended jobs each time one ends. */
const SURPLUS = `
  DELETE FROM job USING (
    SELECT queue, id, row_number() OVER (PARTITION BY queue ORDER BY finished_at_ms DESC) AS place
      FROM job WHERE state IN ('completed', 'failed')) AS ended
   WHERE ended.place > 100000 AND job.queue = ended.queue AND job.id = ended.id`

const PROBE = "SELECT pg_logical_emit_message(true, 'probe', '')"

/** Dead rows slow statements tenfold after a few thousand steps. */
const TABLES = 'job, job_log, event, meta, dedup, codex.entry'
const VACUUM = `VACUUM (INDEX_CLEANUP ON) ${TABLES}`
/** Without names it analyzes the catalog too, a third of the start-up. */
const ANALYZE = `ANALYZE ${TABLES}`

interface Rows<Row> {
  rows: Row[]
}

/** @throws QueueUnavailable when another process has opened `dataDir`. */
export async function openEmbedded(dataDir: string, log: QueueLog): Promise<QueueBackend> {
  await mkdir(dataDir, { recursive: true })
  // Optimising the WebAssembly costs a second of CPU at start and 50 MB, without a measured gain.
  setFlagsFromString('--liftoff-only')
  const claim = await claimDirectory(dataDir)
  try {
    const folder = join(dataDir, 'queue')
    const db = await PGlite.create(folder)
    await prepare(db)
    return backendOn(db, { dataDir, folder: await watchFolder(folder, log), log, release: claim.release })
  } catch (error) {
    await claim.release()
    throw error
  }
}

async function prepare(db: PGlite): Promise<void> {
  await db.exec('CREATE SCHEMA IF NOT EXISTS bullmq; SET search_path = bullmq')
  await runMigrations(new PgliteSession(db))
  await db.exec(schema)
  await db.exec(ORPHANS)
  await tidy(db)
}

/** Without checkpoints the WAL grows for ever and is replayed whole after a crash. */
async function tidy(db: PGlite): Promise<void> {
  for (const statement of [SURPLUS, VACUUM, ANALYZE, 'CHECKPOINT']) await db.exec(statement)
}

/** On a full disk not even vacuum works, so new jobs are refused before. */
async function room(dataDir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir)
  if (bavail * bsize >= MARGIN) return
  throw new QueueUnavailable(`the disk under ${dataDir} is full: less than ${MARGIN / 2 ** 20} MB are left`)
}

interface Opened {
  dataDir: string
  folder: DataFolder
  log: QueueLog
  release: () => Promise<void>
}

function backendOn(db: PGlite, { dataDir, folder, log, release }: Opened): QueueBackend {
  const upkeep = (work: Promise<unknown>) => {
    work.catch(error => log.warn({ error: describe(error) }, 'could not tidy the embedded queue'))
  }
  let statements = 0
  const pool = new PglitePool(db, {
    done: () => {
      if (++statements % VACUUM_EVERY === 0) upkeep(db.exec(VACUUM))
    },
    failed: () => folder.assertThere(),
  })
  const timer = setInterval(() => upkeep(tidy(db)), HOUR).unref()
  return {
    kind: 'embedded',
    create: additions => (name, options, more) =>
      withIndex(createPostgresBackend(name, { ...options, connection: pool }, more), {
        queue: name,
        pool,
        additions,
      }),
    index: queue => embeddedIndex(queue.name, pool),
    nameOf: async (queue, id) => {
      const { rows }: Rows<{ name: string }> = await pool.query(NAME, [queue.name, id])
      return rows[0]?.name
    },
    live: async ({ name }) => {
      const { rows }: Rows<{ id: string; data: unknown; added_at_ms: string }> = await pool.query(LIVE, [
        name,
      ])
      return rows.map(row => ({ id: row.id, data: row.data, timestamp: Number(row.added_at_ms) }))
    },
    liveCount: async ({ name }) => {
      const { rows }: Rows<{ jobs: number }> = await pool.query(LIVE_COUNT, [name])
      return rows[0]?.jobs ?? 0
    },
    probe: async () => {
      await folder.assertThere()
      await db.exec(PROBE)
    },
    admits: async () => {
      await folder.assertThere()
      await room(dataDir)
    },
    close: async () => {
      clearInterval(timer)
      await db.close().finally(release)
    },
  }
}
