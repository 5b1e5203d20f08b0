import type { createPostgresBackend, PgPool } from 'bullmq'
import type { Member } from '../core/model/job-index.ts'
import * as sql from './embedded-schema.ts'
import type { PglitePool } from './pglite-pool.ts'
import type { Additions, Entries, Indexed, QueueIndex } from './queue-index.ts'
import { storableJson } from './storable.ts'

type EmbeddedBackend = ReturnType<typeof createPostgresBackend>

const PAGE = 200

interface Rows<Row> {
  rows: Row[]
}

export function withIndex(
  backend: EmbeddedBackend,
  { queue, pool, additions }: { queue: string; pool: PglitePool; additions: Additions },
): EmbeddedBackend {
  const add = backend.addJob.bind(backend)
  backend.addJob = async (given, id, parent) => {
    const job = { ...given, data: storableJson(given.data) }
    const addition = additions.get(job.name)
    if (!addition) return add(job, id, parent)
    // BullMQ checks its tables once, outside our transaction.
    await backend.waitUntilReady()
    return pool.transaction(async () => {
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

export function embeddedIndex(queue: string, pool: PgPool): QueueIndex {
  return {
    query: async queries => {
      const { rows }: Rows<{ value: number | null }> = await pool.query(sql.queried, [
        queue,
        JSON.stringify(queries),
      ])
      return rows.map(({ value }) => (value === null ? undefined : Number(value)))
    },
    members: async (names, { kind, count }) => {
      const statement = kind === 'first' ? sql.firstMembers : sql.lastMembers
      const { rows }: Rows<Member & { n: number }> = await pool.query(statement, [
        queue,
        JSON.stringify(names),
        count,
      ])
      return names.map((_, at) =>
        rows.filter(({ n }) => n === at + 1).map(({ id, score }) => ({ id, score: Number(score) })),
      )
    },
    save: async ({ id, token, lockDuration, data, entries }) => {
      const { rows }: Rows<{ held: boolean }> = await pool.query(sql.saved, [
        queue,
        id,
        token,
        Date.now() + lockDuration,
        data,
        entries || null,
      ])
      return rows[0]?.held === true
    },
    isBuilt: async version => {
      const { rows }: Rows<{ value: string }> = await pool.query(sql.built, [queue])
      return rows[0]?.value === version
    },
    saveVersion: async version => void (await pool.query(sql.saveVersion, [queue, version])),
    pages: standing => pages(queue, pool, standing === 'live' ? sql.livePage : sql.endedPage),
    mend: async ({ id, seen }: Indexed, entries: Entries) =>
      void (await pool.query(sql.mended, [queue, id, seen, entries])),
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

async function* pages(queue: string, pool: PgPool, statement: string): AsyncIterable<Indexed[]> {
  for (let after = ''; ; ) {
    const { rows }: Rows<Row> = await pool.query(statement, [queue, after, PAGE])
    yield rows.map(row => ({
      ...{ id: row.id, data: row.data, timestamp: Number(row.added_at_ms), seen: row.seen },
      ...(row.finished_at_ms === null ? {} : { finishedOn: Number(row.finished_at_ms) }),
    }))
    if (rows.length < PAGE) return
    after = rows.at(-1)?.id ?? ''
  }
}
