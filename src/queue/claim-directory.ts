/**
 * Lets one process open a directory, by a Unix socket: the kernel drops it however the process dies, and unlike a pid
 * it is never another's. Processes of other hosts do not see it.
 */
import { createHash, randomUUID } from 'node:crypto'
import { link, realpath, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QueueUnavailable } from '../core/model/errors.ts'

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
