/** BullMQ's PostgreSQL backend on PGlite, in this process. What a server does in the background is done here. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { PGlite } from '@electric-sql/pglite'
import { createPostgresBackend, type PgPool, runMigrations } from 'bullmq'
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import type { Member } from '../core/model/ports.ts'
import {
  assertRoom,
  claimDirectory,
  type DataFolder,
  sharedByHosts,
  watchFolder,
} from './data-folder.ts'
import * as sql from './embedded-schema.ts'
import { endAfterPanic, PglitePool, PgliteSession } from './pglite-pool.ts'
import {
  type Additions,
  type Indexed,
  type QueueBackend,
  type QueueIndex,
  type Saving,
  sinceNow,
} from './queue-backend.ts'
import type { QueueLog } from './work-queue.ts'

const HOUR = 3_600_000
const VACUUM_EVERY = 1_000

/** At the start every active job is left from a crash, and the first to be taken. */
const ORPHANS = `
  UPDATE job SET state = 'waiting', lock_token = NULL, locked_until_ms = NULL, stalled_count = stalled_count + 1
   WHERE state = 'active'`

/** BullMQ's own bound counts all ended jobs each time one ends. */
const SURPLUS = `
  DELETE FROM job USING (
    SELECT queue, id, row_number() OVER (PARTITION BY queue ORDER BY finished_at_ms DESC) AS place
      FROM job WHERE state IN ('completed', 'failed')) AS ended
   WHERE ended.place > 100000 AND job.queue = ended.queue AND job.id = ended.id`

const EMBEDDED_PROBE = "SELECT pg_logical_emit_message(true, 'probe', '')"

/** Dead rows slow statements tenfold after a few thousand steps. */
const TABLES = 'job, job_log, event, meta, dedup, codex.entry'
const VACUUM = `VACUUM (INDEX_CLEANUP ON) ${TABLES}`
/** Without names it analyzes the catalog too, a third of the start-up. */
const ANALYZE = `ANALYZE ${TABLES}`

interface Rows<Row> {
  rows: Row[]
}

/** @throws QueueUnavailable when another process has opened `dataDir`, or could, or its disk is almost full. */
export async function openEmbedded(dataDir: string, log: QueueLog): Promise<QueueBackend> {
  await mkdir(dataDir, { recursive: true })
  const shared = sharedByHosts(dataDir)
  if (shared)
    throw new QueueUnavailable(
      `${shared}. Set DATA_DIR to a folder on a local disk, or set REDIS_URL`,
    )
  assertRoom(dataDir)
  // Optimising the WebAssembly costs a second of CPU at start and 50 MB, without a measured gain.
  setFlagsFromString('--liftoff-only')
  const release = await claimDirectory(dataDir)
  try {
    const folder = join(dataDir, 'queue')
    const db = await PGlite.create(folder)
    const watched = await watchFolder(folder, log)
    endAfterPanic(db, watched)
    await db.exec('CREATE SCHEMA IF NOT EXISTS bullmq; SET search_path = bullmq')
    await runMigrations(new PgliteSession(db))
    await db.exec(sql.schema)
    await db.exec(ORPHANS)
    await tidy(statement => db.exec(statement))
    return backendOn(db, { dataDir, folder: watched, log, release })
  } catch (error) {
    await release()
    throw error
  }
}

/** Without checkpoints the WAL grows for ever and is replayed whole after a crash. */
async function tidy(exec: (statement: string) => Promise<unknown>) {
  for (const statement of [SURPLUS, VACUUM, ANALYZE, 'CHECKPOINT']) await exec(statement)
}

interface OpenedDatabase {
  dataDir: string
  folder: DataFolder
  log: QueueLog
  release: () => Promise<void>
}

function backendOn(db: PGlite, { dataDir, folder, log, release }: OpenedDatabase): QueueBackend {
  const upkeep = (work: Promise<unknown>) => {
    work.catch(error => log.warn({ error: describe(error) }, 'could not tidy the embedded queue'))
  }
  let statements = 0
  const pool = new PglitePool(db, {
    dataDir,
    folder,
    log,
    ahead: 'triggers',
    done: () => {
      if (++statements % VACUUM_EVERY === 0) upkeep(pool.exec(VACUUM))
    },
  })
  const timer = setInterval(() => upkeep(tidy(statement => pool.exec(statement))), HOUR).unref()
  const connected = sinceNow()
  let delivered: number | undefined
  return {
    kind: 'embedded',
    connectedAt: connected.at,
    deliveries: {
      came() {
        delivered = Date.now()
      },
      last: async () => delivered,
    },
    // It is never away, only slow, where the machine is busy.
    answersWithin: 8_000,
    create: additions => (name, options, more) =>
      withIndex(createPostgresBackend(name, { ...options, connection: pool }, more), {
        queue: name,
        pool,
        additions,
      }),
    index: queue => embeddedIndex(queue.name, pool),
    probe: async () => {
      await folder.assertThere()
      assertRoom(dataDir)
      await pool.exec(EMBEDDED_PROBE)
    },
    assertRoom: () => assertRoom(dataDir),
    assertThere: () => folder.assertThere(),
    close: async () => {
      clearInterval(timer)
      await pool.close().finally(release)
    },
  }
}

type EmbeddedBackend = ReturnType<typeof createPostgresBackend>

const JOBS_A_PAGE = 200

function withIndex(
  backend: EmbeddedBackend,
  { queue, pool, additions }: { queue: string; pool: PglitePool; additions: Additions },
): EmbeddedBackend {
  const add = backend.addJob.bind(backend)
  backend.addJob = async (job, id, parent) => {
    const addition = additions.get(job.name)
    if (!addition) return add(job, id, parent)
    // BullMQ checks its tables once, outside our transaction.
    await backend.waitUntilReady()
    return pool.transaction(queue, async () => {
      const added = await add(job, id, parent)
      const { rows }: Rows<{ name: string }> = await pool.query(sql.added, [
        queue,
        id,
        job.name,
        addition.entries || null,
      ])
      addition.name = rows[0]?.name
      return added
    })
  }
  return backend
}

function embeddedIndex(queue: string, pool: PgPool): QueueIndex {
  const ask = async <Row>(statement: string, ...params: unknown[]): Promise<Row[]> => {
    const { rows }: Rows<Row> = await pool.query(statement, [queue, ...params])
    return rows
  }
  return {
    jobs: async ids => (await ask<Row>(sql.jobsOf, JSON.stringify(ids))).map(storedJob),
    query: async queries => {
      const rows = await ask<{ value: number | null }>(sql.queried, JSON.stringify(queries))
      return rows.map(({ value }) => (value === null ? undefined : Number(value)))
    },
    members: async (names, { kind, count }) => {
      const statement = kind === 'first' ? sql.firstMembers : sql.lastMembers
      const rows = await ask<Member & { n: number }>(statement, JSON.stringify(names), count)
      return names.map((_, at) =>
        rows.filter(({ n }) => n === at + 1).map(({ id, score }) => ({ id, score: Number(score) })),
      )
    },
    save: async ({ id, token, data, entries, guards }) => {
      const given = [id, token, data, entries || null, JSON.stringify(guards)]
      const [row] = await ask<{ saving: Saving }>(sql.saved, ...given)
      return row?.saving ?? 'lost'
    },
    amend: async ({ id, was, data, entries }) => {
      const [row] = await ask<{ amended: boolean }>(sql.amended, id, was, data, entries || null)
      return row?.amended === true
    },
    isBuilt: async version => (await ask<{ value: string }>(sql.built))[0]?.value === version,
    saveVersion: async version => void (await ask(sql.saveVersion, version)),
    pages: standing => pagesOfJobs(ask, standing === 'live' ? sql.livePage : sql.endedPage),
    mend: async ({ id, seen }, entries) => void (await ask(sql.mended, id, seen, entries)),
    sweep: async () => void (await pool.query(sql.forgotten, [Date.now()])),
  }
}

interface Row {
  id: string
  data: unknown
  added_at_ms: string
  finished_at_ms: string | null
  seen: string
}

const storedJob = (row: Row) => ({
  id: row.id,
  data: row.data,
  timestamp: Number(row.added_at_ms),
  finishedOn: row.finished_at_ms === null ? undefined : Number(row.finished_at_ms),
})

async function* pagesOfJobs(
  ask: (statement: string, after: string, count: number) => Promise<Row[]>,
  statement: string,
): AsyncIterable<Indexed[]> {
  for (let after = ''; ; ) {
    const rows = await ask(statement, after, JOBS_A_PAGE)
    yield rows.map(row => ({ ...storedJob(row), seen: row.seen }))
    if (rows.length < JOBS_A_PAGE) return
    after = rows.at(-1)?.id ?? ''
  }
}
