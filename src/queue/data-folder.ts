/**
 * What the embedded database does not notice by itself: that its folder was deleted (it goes on with the files it has
 * open, and fails at those that it opens next), that its disk is almost full, and that others can write there.
 */
import { createHash, randomUUID } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { link, realpath, rename, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QueueUnavailable } from '../core/model/errors.ts'
import { QueueFull, QueueGone, type QueueLog } from './work-queue.ts'

/** Bytes for work under way: a WAL file takes 16 MB. */
const MARGIN = 48 * 2 ** 20
/** Each WAL file and each table is a file. */
const FILES = 64

export type DataFolder = Awaited<ReturnType<typeof watchFolder>>

export async function watchFolder(folder: string, log: QueueLog) {
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
  const lose = (what: string) => {
    if (gone) return
    gone = new QueueGone(`the queue in ${folder} ${what}`)
    log.error({ folder }, `${gone.message}. ${gone.fix}`)
  }
  return {
    /** Why no statement may begin any more. */
    get gone(): QueueGone | undefined {
      return gone
    },
    /** @throws QueueGone for ever after it was found deleted, or another in its place, or the database failed for good */
    async assertThere() {
      if (!gone && (await identity()) !== first)
        lose('was deleted, or another put in its place, while the bot ran')
      if (gone) throw gone
    },
    lose,
  }
}

/** @throws QueueFull */
export function assertRoom(folder: string): void {
  const { bavail, bsize, files, ffree } = statfsSync(folder)
  if (bavail * bsize < MARGIN) throw new QueueFull(folder, `${MARGIN / 2 ** 20} MB`)
  // Some file systems have no bound on files, and say that they have none.
  if (files > 0 && ffree < FILES) throw new QueueFull(folder, `${FILES} files`)
}

/**
 * File systems that several hosts can share, by the magic number of statfs(2) on Linux. FUSE and 9p are left out: in
 * containers and virtual machines, a local disk is behind them.
 */
const sharedFileSystems = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x00c36400, 'Ceph'],
])

export const sharedFileSystem = (type: number): string | undefined =>
  sharedFileSystems.get(type >>> 0)

/** Why `directory` can't hold the queue: no lock keeps out a process of another host. */
export function sharedByHosts(directory: string): string | undefined {
  const name =
    process.platform === 'linux' ? sharedFileSystem(statfsSync(directory).type) : undefined
  return (
    name &&
    `${directory} is on ${name}, which several machines can use at once: the queue would be destroyed`
  )
}

/** The shortest path limit of a socket (macOS 104, Linux 108), unchecked by Node. */
const LONGEST_PATH = 100
const RESPONSE_TIMEOUT_MS = 500
const ATTEMPTS = 5

/**
 * Lets one process open a directory, by a Unix socket: the kernel drops it however the process dies, and unlike a pid
 * it is never another's. Processes of other hosts do not see it.
 * @returns what releases it
 * @throws QueueUnavailable when another process, or this one, has claimed `directory`
 */
export async function claimDirectory(directory: string): Promise<() => Promise<void>> {
  const real = await realpath(directory)
  const inside = join(real, 'queue.lock')
  const outside = join(
    tmpdir(),
    `queue-${createHash('sha256').update(real).digest('hex').slice(0, 24)}.lock`,
  )
  if (Buffer.byteLength(inside) > LONGEST_PATH) return claim(outside, directory)
  return claim(inside, directory).catch(error => {
    if (error instanceof QueueUnavailable) throw error
    return claim(outside, directory)
  })
}

async function claim(path: string, directory: string): Promise<() => Promise<void>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await openSocket(path)
    if (server) return () => new Promise(resolve => server.close(() => resolve()))
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
    const server = createServer(socket =>
      socket.on('error', () => {}).end(`process ${process.pid}`),
    )
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
async function removeStale(path: string) {
  const aside = `${path}.${randomUUID().slice(0, 8)}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return
  if (await ownerOf(aside)) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}
