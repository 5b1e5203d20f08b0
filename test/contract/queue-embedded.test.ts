import { cp, mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, expect, test } from 'vitest'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import { claimDirectory, sharedFileSystem, watchFolder } from '../../src/queue/data-folder.ts'
import { checkQueue } from '../../src/queue/open-queues.ts'
import { endAfterPanic, PglitePool } from '../../src/queue/pglite-pool.ts'
import { QueueGone, SILENT } from '../../src/queue/work-queue.ts'
import {
  childHolding,
  cleanUp,
  killHard,
  type LogLine,
  open,
  ownDataDir,
  until,
} from '../support/queue-world.ts'
import { smallDisk } from '../support/small-disk.ts'
import { exhaustive } from '../support/tries.ts'

afterAll(cleanUp)

test('two processes cannot open one directory, frozen or not; after kill -9 it is free', async () => {
  const dataDir = await ownDataDir()
  const child = await childHolding({ dataDir }, 'held')
  await expect(open({ dataDir })).rejects.toThrow(QueueUnavailable)
  await expect(open({ dataDir })).rejects.toThrow(`${dataDir} is in use by process ${child.pid}`)
  child.kill('SIGSTOP')
  await expect(open({ dataDir })).rejects.toThrow(`${dataDir} is in use by another process`)
  await killHard(child)
  const queues = await open({ dataDir })
  expect(await queues.runs.holder('slot-held')).toBe('held')
  await queues.close(200)
})

test('after kill -9 the next start takes up at once what was in hand, without waiting for locks', async () => {
  const dataDir = await ownDataDir()
  await killHard(await childHolding({ dataDir }, 'orphan', { lockDuration: 60_000 }))
  const queues = await open({ dataDir }, [], { lockDuration: 60_000, stalledInterval: 60_000 })
  const stalls: number[] = []
  await queues.runs.work(
    async job => {
      stalls.push(job.stalls)
      return { kind: 'end' }
    },
    { concurrency: 1 },
  )
  await until(() => stalls.length, 1_000)
  expect(stalls).toEqual([1])
  await queues.close(200)
})

test.runIf(exhaustive)(
  'a process that had no CPU for longer than any lock keeps the jobs that it has in hand',
  async () => {
    const lines: LogLine[] = []
    const dataDir = await ownDataDir()
    const queues = await open({ dataDir }, lines, { lockDuration: 300, stalledInterval: 50 })
    let taken = 0
    await queues.runs.work(
      async job => {
        taken += 1
        // One check marks it; what has passed then has the next check take it away.
        for (let checks = 0; checks < 2; checks++) {
          await sleep(100)
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
        }
        for (let n = 0; n < 100; n++) await job.inbox()
        await job.save({ by: 'starved', text: `${taken}` })
        return { kind: 'end' }
      },
      { concurrency: 2 },
    )
    await queues.runs.add('starved', { by: 'starved' })
    await until(async () => (await queues.runs.get('starved'))?.standing === 'ended')
    expect(taken).toBe(1)
    expect(lines).toEqual([])
    await queues.close(200)
  },
)

test('where the folder it was started in is gone, the check of the queue says so', async () => {
  const before = process.cwd()
  const gone = await ownDataDir()
  process.chdir(gone)
  try {
    await rm(gone, { recursive: true })
    const check = await checkQueue({ redisUrl: undefined, dataDir: '.walk/data' })
    expect(check).toMatchObject({
      name: 'queue',
      ok: false,
      detail: expect.stringContaining('ENOENT'),
    })
  } finally {
    process.chdir(before)
  }
})

test.each(['short', 'x'.repeat(120)])(
  'of many who claim a stale directory %s, one gets it',
  async name => {
    const directory = join(await ownDataDir(), name)
    await mkdir(directory)
    const release = await claimDirectory(directory)
    await release()
    const claims = await Promise.allSettled(
      Array.from({ length: 10 }, () => claimDirectory(directory)),
    )
    const got = claims.filter(claim => claim.status === 'fulfilled')
    expect(got).toHaveLength(1)
    await expect(claimDirectory(directory)).rejects.toThrow(QueueUnavailable)
    await got[0]?.value()
    await (await claimDirectory(directory))()
  },
)

test('a socket that someone else left in the way is put aside', async () => {
  const directory = await ownDataDir()
  const left = createServer().listen(join(directory, 'queue.lock'))
  await expect(claimDirectory(directory)).rejects.toThrow('in use by another process')
  left.close()
  await (await claimDirectory(directory))()
})

test('the event loop has its turn between two statements, however many are due', async () => {
  const queues = await open({ dataDir: await ownDataDir() })
  let turns = 0
  const count = (): void => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  for (let n = 0; n < 100; n++) await queues.runs.get('nobody')
  clearImmediate(counting)
  expect(turns).toBeGreaterThanOrEqual(99)
  await queues.close(200)
})

test('what people wait for goes before the runs, and each fourth statement is theirs all the same', async () => {
  const db = await PGlite.create(join(await ownDataDir(), 'queue'))
  const folder = { gone: undefined, assertThere: async () => {}, lose: () => {} }
  const pool = new PglitePool(db, {
    dataDir: tmpdir(),
    folder,
    log: SILENT,
    ahead: 'a',
    done: () => {},
  })
  const ran: string[] = []
  await Promise.all(
    [...'bbbbaaaaaa'].map(q => pool.query('SELECT $1', [q]).then(() => ran.push(q))),
  )
  expect(ran.join('')).toBe('baabaaabab')
  await pool.close()
})

test('a statement that fails comes back after a pause, since workers fetch again at once; what BullMQ says, at once', async () => {
  const dataDir = await ownDataDir()
  const db = await PGlite.create(join(dataDir, 'queue'))
  let failed = 0
  const folder = { gone: undefined, assertThere: async () => void failed++, lose: () => {} }
  const pool = new PglitePool(db, { dataDir, folder, log: SILENT, ahead: '', done: () => {} })
  const took = async (work: () => Promise<unknown>) => {
    const began = performance.now()
    await expect(work()).rejects.toThrow()
    return performance.now() - began
  }
  expect(await took(() => pool.query('SELECT nothing'))).toBeGreaterThan(450)
  expect(
    await took(() => pool.transaction('', () => pool.query('SELECT nothing'))),
  ).toBeGreaterThan(450)
  expect(failed).toBe(2)
  const says = "DO $$ BEGIN RAISE EXCEPTION 'bullmq: missing job 1' USING ERRCODE = 'BM001'; END $$"
  expect(await took(() => pool.query(says))).toBeLessThan(450)
  expect(failed).toBe(2)
  await db.close()
})

test.runIf(exhaustive)(
  'a database whose log found no room is not asked again, as it would never answer, and says so',
  async context => {
    const disk = smallDisk(90)
    if (!disk) return context.skip()
    try {
      const dataDir = join(disk.path, 'data')
      await cp(await ownDataDir(), dataDir, { recursive: true })
      const db = await PGlite.create(join(dataDir, 'queue'))
      const lines: string[] = []
      const log = { ...SILENT, error: (_: object, message: string) => void lines.push(message) }
      const folder = await watchFolder(join(dataDir, 'queue'), log)
      endAfterPanic(db, folder)
      // As where the disk is filled by others between the look and the write.
      const pool = new PglitePool(db, { dataDir: tmpdir(), folder, log, ahead: '', done: () => {} })
      await disk.fill()
      const fillLog = async () => {
        for (;;) await pool.query("SELECT pg_logical_emit_message(true, 'x', repeat('y', 100000))")
      }
      await expect(fillLog()).rejects.toThrow('failed for good: could not write to file "pg_wal')
      await expect(pool.query('SELECT 1')).rejects.toThrow(QueueGone)
      expect(lines).toEqual([expect.stringContaining('Start the bot again')])
      await pool.close()
      await disk.empty()
      const again = await PGlite.create(join(dataDir, 'queue'))
      await again.close()
    } finally {
      disk.remove()
    }
  },
)

test.each([
  ['NFS', 0x6969],
  ['CIFS', 0xff534d42],
  // As a number with a sign, which some systems make of it.
  ['CIFS', 0xff534d42 | 0],
  ['SMB', 0xfe534d42],
  ['Ceph', 0x00c36400],
  [undefined, 0xef53],
  [undefined, 0x58465342],
  [undefined, 0x9123683e],
  [undefined, 0x01021994],
  [undefined, 0x794c7630],
  [undefined, 0x01021997],
  [undefined, 0x65735546],
])('on %s (type %d), other hosts can open the directory, or can not', (name, type) => {
  expect(sharedFileSystem(type)).toBe(name)
})
